"""Rotations as quaternions, for the formats of splats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def to_quaternions(directions: NDArray[np.float32]) -> NDArray[np.float64]:
    """Unit quaternions (w, x, y, z) whose rotation takes x and y to the two directions, (N, 4).

    Of the four ways to divide, the one by the largest component is taken (Shepperd, Quaternion from Rotation Matrix,
    1978).
    """
    x, y = directions[:, 0].astype(np.float64), directions[:, 1].astype(np.float64)
    m = np.stack([x, y, np.cross(x, y)], axis=2)
    trace = m[:, 0, 0] + m[:, 1, 1] + m[:, 2, 2]
    largest = np.argmax(np.column_stack([trace, m[:, 0, 0], m[:, 1, 1], m[:, 2, 2]]), axis=1)
    result = np.empty((len(m), 4))
    chosen = largest == 0
    p = m[chosen]
    result[chosen] = np.column_stack(
        [1 + trace[chosen], p[:, 2, 1] - p[:, 1, 2], p[:, 0, 2] - p[:, 2, 0], p[:, 1, 0] - p[:, 0, 1]]
    )
    for i in range(3):
        chosen = largest == i + 1
        p, j, k = m[chosen], (i + 1) % 3, (i + 2) % 3
        result[np.ix_(chosen, [0, 1 + i, 1 + j, 1 + k])] = np.column_stack(
            [
                p[:, k, j] - p[:, j, k],
                1 + p[:, i, i] - p[:, j, j] - p[:, k, k],
                p[:, j, i] + p[:, i, j],
                p[:, k, i] + p[:, i, k],
            ]
        )
    return np.asarray(result / np.linalg.norm(result, axis=1, keepdims=True))
