"""One scale for all faces: the a and b of each, from what neighbours say where they overlap.

Face i says d; its depth is 1/z = a d + b, and along a ray at the angle theta from its axis 1/distance is
(a d + b) cos theta. Two faces that see one direction must agree on the distance, which is linear in their a and b;
together the overlaps of a cube determine all of them up to one positive factor. What they determine only weakly is a
shift of all b: on the line where two faces meet, both cosines are the same. Where the predictions are too rough for it,
the picture's range of depth is assumed instead, as `depth3d.scale` does for photos.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.errors import GeometryError
from depth3d.panorama.faces import Face, sample, seen_by
from depth3d.scale.hint import FAR_PERCENTILE, NEAR_PERCENTILE
from depth3d.scale.solver import ASSUMED_FACTOR, ASSUMED_FAR_OVER_NEAR

_DIRECTIONS = 30_000
_LEAST_WEIGHT = 0.01  # directions so near a face's border are left out
_LEAST_OVERLAP = 20
_ROUNDS = 15
_INDEPENDENT_PER_OVERLAP = 4.0
"""How many independent errors an overlap has: a network errs smoothly along an edge."""

_LEAST_SLOPE = 0.05
_LEAST_NOISE = 1e-6
_NOISE_OF_ONE_FACE = 0.2  # of the standard deviation of 1/distance; overlaps measure it where there are any
_RIDGE = 1e-13
_FLAT = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """The scales of the faces.

    Attributes:
        a: (F,) float64, positive; 0 for a face that shows nothing.
        b: (F,) float64.
        shift_sigma: one standard deviation of the mean of b.
        noise: one standard deviation of 1/distance between faces that see one direction.
    """

    a: NDArray[np.float64]
    b: NDArray[np.float64]
    shift_sigma: float
    noise: float


def agree_on_scale(values: Sequence[NDArray[np.float32]], faces: Sequence[Face]) -> Agreement:
    """Find the scales of all faces together, by robust least squares.

    What is made small is the disagreement between faces over the variance of 1/distance all around: with the sum of the
    a held instead, the noisy faces would be shrunk and the flat ones blown up.

    Args:
        values: (n, n) relative inverse depth of each face; NaN where unknown, or everywhere if it shows nothing.
        faces: the faces.

    Raises:
        GeometryError: a face overlaps none that is connected with the others, or nothing is known at all.
    """
    rays = even_directions(_DIRECTIONS)
    columns = _Columns.of(values)
    overlaps = _overlaps(values, faces, rays, columns)
    _check_connected(overlaps, columns.used, faces)
    extremes = _Extremes(values, faces, rays, columns)
    variance = extremes.variance()
    disagreement = overlaps.disagreement(overlaps.even_weights())
    noise = _NOISE_OF_ONE_FACE
    x = _solved(disagreement, variance)
    for _ in range(_ROUNDS):
        error = (overlaps.one - overlaps.other) @ x
        if error.size:
            noise = max(_LEAST_NOISE, 1.4826 * float(np.median(np.abs(error))))
        doubt = 1 / (1 + (error / (2 * noise)) ** 2)  # Cauchy
        disagreement = overlaps.disagreement(overlaps.even_weights() * doubt / noise**2)
        prior = extremes.assumed_range(x)
        disagreement += np.outer(prior, prior)
        x = _solved(disagreement, variance)
    a, b = columns.in_units_of_d(x)
    return Agreement(a, b, _shift_sigma(disagreement, variance @ x, columns), noise)


def even_directions(count: int) -> NDArray[np.float64]:
    """Unit vectors (N, 3) spread evenly over the sphere (Fibonacci's lattice; González 2010, arXiv 0912.4540)."""
    i = np.arange(count) + 0.5
    y = 1 - 2 * i / count
    longitude = np.pi * (1 + np.sqrt(5)) * i
    level = np.sqrt(1 - y * y)
    return np.stack([level * np.sin(longitude), y, level * np.cos(longitude)], axis=-1)


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """Unknowns 2 i and 2 i + 1 are face i's slope and level, for d brought to a range of about 1 around 0."""

    middle: NDArray[np.float64]
    spread: NDArray[np.float64]
    used: NDArray[np.bool_]

    @classmethod
    def of(cls, values: Sequence[NDArray[np.float32]]) -> _Columns:
        known = [face[np.isfinite(face)] for face in values]
        ends = [np.percentile(face, (2, 98)) if face.size else np.zeros(2) for face in known]
        middle = np.array([(low + high) / 2 for low, high in ends])
        # A flat face's spread is rounding, which must not be taken for what it sees.
        spread = np.array([max(high - low, _FLAT * max(abs(low), abs(high))) for low, high in ends])
        return cls(middle, np.where(spread > 0, spread, 1.0), np.array([face.size > 0 for face in known]))

    def row(self, face: int, d: NDArray[np.float64], cosine: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 2) coefficients of the face's slope and level in 1/distance."""
        return np.stack([cosine * (d - self.middle[face]) / self.spread[face], cosine], axis=-1)

    def in_units_of_d(self, x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        a = np.where(self.used, x[::2] / self.spread, 0)
        return a, np.where(self.used, x[1::2] - a * self.middle, 0)


@dataclass(frozen=True, slots=True, eq=False)
class _Overlaps:
    """What two faces say of one direction: rows whose product with the unknowns is 1/distance.

    Attributes:
        one: (N, 2 F) rows of the first face.
        other: (N, 2 F) rows of the second.
        pair: (N,) number of the overlap each belongs to: F times the first face plus the second.
    """

    one: NDArray[np.float64]
    other: NDArray[np.float64]
    pair: NDArray[np.int64]

    def even_weights(self) -> NDArray[np.float64]:
        """(N,) weights with which each overlap counts as a few independent measurements, however large it is."""
        return np.asarray(_INDEPENDENT_PER_OVERLAP / np.bincount(self.pair)[self.pair])

    def disagreement(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """The weighted sum of squared differences as a (2 F, 2 F) form in the unknowns."""
        difference = self.one - self.other
        return np.asarray((difference * weight[:, None]).T @ difference)


def _overlaps(
    values: Sequence[NDArray[np.float32]], faces: Sequence[Face], rays: NDArray[np.float64], columns: _Columns
) -> _Overlaps:
    seen = [seen_by(face, rays) for face in faces]
    d = [sample(face, view.uv) for face, view in zip(values, seen, strict=True)]
    clear = [(view.weight > _LEAST_WEIGHT) & np.isfinite(one) for view, one in zip(seen, d, strict=True)]
    sides: tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]] = ([], [])
    pair = []
    for i in range(len(faces)):
        for j in range(i + 1, len(faces)):
            both = clear[i] & clear[j]
            if both.sum() < _LEAST_OVERLAP:
                continue
            for k, side in ((i, sides[0]), (j, sides[1])):
                block = np.zeros((int(both.sum()), 2 * len(faces)))
                block[:, 2 * k : 2 * k + 2] = columns.row(k, d[k][both], seen[k].cosine[both])
                side.append(block)
            pair.append(np.full(int(both.sum()), len(faces) * i + j))
    none = np.zeros((0, 2 * len(faces)))
    one, other = (np.concatenate([none, *side]) for side in sides)
    return _Overlaps(one, other, np.concatenate([np.zeros(0, np.int64), *pair]))


def _check_connected(overlaps: _Overlaps, used: NDArray[np.bool_], faces: Sequence[Face]) -> None:
    if not used.any():
        raise GeometryError("panorama: no depth is known in any direction")
    reached = {int(np.argmax(used))}
    pairs = [divmod(int(pair), len(faces)) for pair in np.unique(overlaps.pair)]
    for _ in faces:
        reached |= {k for pair in pairs if set(pair) & reached for k in pair}
    alone = [face.name for k, face in enumerate(faces) if used[k] and k not in reached]
    if alone:
        raise GeometryError(f"panorama: the face {', '.join(alone)} overlaps no other; a wider panorama is needed")


def _solved(disagreement: NDArray[np.float64], variance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The unknowns, all slopes positive, with the least disagreement for a variance of 1."""
    count = len(disagreement)
    basis = np.eye(count)
    x = np.zeros(count)
    for _ in range(count // 2):
        x = basis @ _best_direction(basis.T @ disagreement @ basis, basis.T @ variance @ basis)
        x = x if x[::2].sum() > 0 else -x
        wrong = 2 * np.flatnonzero(x[::2] < _LEAST_SLOPE * np.abs(x[::2]).max())
        if wrong.size == 0:
            break
        # A slope that came out negative is tied to a small share of the others' mean.
        others = np.setdiff1d(np.arange(0, count, 2), wrong)
        basis = np.eye(count)
        basis[np.ix_(wrong, others)] = _LEAST_SLOPE / max(others.size, 1)
        basis = np.delete(basis, wrong, axis=1)
    return np.asarray(x / np.sqrt(x @ variance @ x))


def _best_direction(disagreement: NDArray[np.float64], variance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The vector with the largest variance for its disagreement."""
    lift = _RIDGE * max(float(np.trace(disagreement)), _RIDGE)
    factor = np.linalg.cholesky(disagreement + lift * np.eye(len(disagreement)))
    half = np.linalg.solve(factor, np.linalg.solve(factor, variance).T)
    _, vectors = np.linalg.eigh((half + half.T) / 2)
    return np.asarray(np.linalg.solve(factor.T, vectors[:, -1]))


def _shift_sigma(disagreement: NDArray[np.float64], gauge: NDArray[np.float64], columns: _Columns) -> float:
    """One standard deviation of a shift that all faces share, with the variance of 1/distance held."""
    mean_level = np.zeros(len(gauge))
    mean_level[1::2][columns.used] = 1 / columns.used.sum()
    held = gauge / np.linalg.norm(gauge)
    free = np.eye(len(gauge)) - np.outer(held, held)
    precision, directions = np.linalg.eigh(free @ disagreement @ free)
    along = directions.T @ (free @ mean_level)
    return float(np.sqrt(np.sum(along**2 / np.maximum(precision, _RIDGE * precision[-1]))))


class _Extremes:
    """The nearest and the farthest things all around, as rows for the unknowns."""

    def __init__(
        self,
        values: Sequence[NDArray[np.float32]],
        faces: Sequence[Face],
        rays: NDArray[np.float64],
        columns: _Columns,
    ) -> None:
        seen = [seen_by(face, rays) for face in faces]
        best = np.argmax([view.weight for view in seen], axis=0)
        self._rows = np.full((len(rays), 2 * len(faces)), 0.0)
        for k, (face, view) in enumerate(zip(values, seen, strict=True)):
            mine = best == k
            d = sample(face, view.uv[mine])
            self._rows[mine, 2 * k : 2 * k + 2] = columns.row(k, d, view.cosine[mine])
        self._rows = self._rows[np.isfinite(self._rows).all(axis=1) & (best >= 0)]

    def variance(self) -> NDArray[np.float64]:
        """The variance of 1/distance all around as a (2 F, 2 F) form in the unknowns."""
        centred = self._rows - self._rows.mean(axis=0)
        return np.asarray(centred.T @ centred / len(centred))

    def assumed_range(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """The row, over its standard deviation, that says how much farther the farthest things are than the nearest."""
        near, far = self._near_and_far(x)
        expected = near / ASSUMED_FAR_OVER_NEAR
        sigma = max(float(near @ x), 1e-3) / ASSUMED_FAR_OVER_NEAR * np.log(ASSUMED_FACTOR)
        return np.asarray((far - expected) / sigma)

    def _near_and_far(self, x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        order = np.argsort(self._rows @ x, kind="stable")
        ranks = [round(percent / 100 * (len(order) - 1)) for percent in (NEAR_PERCENTILE, FAR_PERCENTILE)]
        near, far = (self._rows[order[rank]] for rank in ranks)
        return near, far
