"""Which photos of a set to compare with each other, where comparing all of them would take too long.

The few largest keypoints of each photo are matched with those of every other photo: photos of one thing have more such
matches. That needs no trained vocabulary, as `retrieval` by bags of words does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MOST_COMPARED_WITH_ALL = 60
"""Sets of at most so many photos are compared completely."""

LARGEST_KEYPOINTS = 256

_PARTNERS = 14
_NEIGHBOURS = 5
_LONG_STEPS = (8, 16, 32)
_RATIO = 0.85


def pairs_to_compare(largest: Sequence[NDArray[np.float32]], *, in_order: bool) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, of photos that may show the same things; all of them in a small set.

    Args:
        largest: for each photo (N, 128) float32, the descriptors of its largest keypoints, each of length 1.
        in_order: neighbours in the list were taken one after the other, as frames of a video are.
    """
    count = len(largest)
    if count <= MOST_COMPARED_WITH_ALL and not in_order:
        return [(i, j) for i in range(count) for j in range(i + 1, count)]
    pairs = {(i, i + step) for step in range(1, _NEIGHBOURS + 1) for i in range(count - step)}
    if in_order:
        pairs |= {(i, i + step) for step in _LONG_STEPS for i in range(count - step)}
    alike = similarity(largest)
    for i in range(count):
        best = np.argsort(-alike[i], kind="stable")[:_PARTNERS]
        pairs |= {(min(i, int(j)), max(i, int(j))) for j in best if alike[i, j] > 0}
    return sorted(pairs)


def similarity(largest: Sequence[NDArray[np.float32]]) -> NDArray[np.int32]:
    """(N, N) how many of the largest keypoints of two photos match by far better than the next best; 0 with itself."""
    alike = np.zeros((len(largest), len(largest)), np.int32)
    for i, one in enumerate(largest):
        for j in range(i + 1, len(largest)):
            alike[i, j] = alike[j, i] = _matches(one, largest[j])
    return alike


def _matches(one: NDArray[np.float32], other: NDArray[np.float32]) -> int:
    if len(one) == 0 or len(other) < 2:
        return 0
    cosine = one @ other.T
    second, first = np.partition(cosine, -2, axis=1)[:, -2:].T
    # Lowe's ratio of distances between vectors of length 1: |a - b|^2 = 2 - 2 cos.
    return int(np.count_nonzero(1 - first < _RATIO**2 * (1 - second)))
