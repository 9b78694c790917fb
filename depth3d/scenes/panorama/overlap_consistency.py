"""One scale for all faces: the a and b of each, from what neighbours say where they overlap.

Face i says d; its depth is 1/z = a d + b, and along a ray at the angle theta from its axis 1/distance is
(a d + b) cos theta. Two faces that see one direction must agree on the distance, which is linear in their a and b;
together the overlaps determine all of them up to one positive factor, which the mean of the a fixes.

Real predictions are rough, above all at the borders, where the overlaps are. Then three things help: the a of one
network are much alike from face to face; the farthest things all around are some times as far as the nearest, as
`depth3d.scale` assumes for photos; and an overlap counts as few measurements, however many pixels it has. What is known
least is a shift of all b: on the line where two faces meet, both cosines are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import GeometryError
from depth3d.scale.hint import FAR_PERCENTILE, NEAR_PERCENTILE
from depth3d.scale.posterior import ASSUMED_FACTOR
from depth3d.scenes.panorama.faces import Face, Seen, sample, seen_by

_DIRECTIONS = 20_000
_LEAST_WEIGHT = 0.01  # directions so near a face's border are left out
_LEAST_OVERLAP = 20
_ROUNDS = 12
_INDEPENDENT_PER_OVERLAP = 0.5
_SLOPE_SIGMA = 0.5
"""One standard deviation of the a of one face as a share of their mean. This and the number of independent measurements
per overlap were chosen on rendered rooms with the bundled network; anything from half to twice does about as well."""

_LEAST_SLOPE = 0.05
_LEAST_NOISE = 1e-6
_NOISE_OF_ONE_FACE = 0.05
_GAUGE_WEIGHT = 30.0
_FAR_OVER_NEAR = 8.0
"""Distance of the farthest over the nearest things, assumed where nothing says it: all around, with the floor below the
camera in it, the range is wider than in one photo."""

Rows = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """The scales of the faces.

    Attributes:
        a: (F,) float64, positive, their mean 1; meaningless for a face that shows nothing.
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

    Args:
        values: (n, n) relative inverse depth of each face; NaN where unknown, or everywhere if it shows nothing.
        faces: the faces.

    Raises:
        GeometryError: a face overlaps none that is connected with the others, or nothing is known at all.
    """
    views = _Views.of(values, faces)
    overlaps = _overlaps(views)
    _check_connected(overlaps.pair, views.used, faces)
    spread = views.spread
    slopes = _slope_rows(views.used)
    x = _least_squares(overlaps.rows, overlaps.even, slopes, np.zeros((0, overlaps.rows.shape[1])), scale=1e-3)
    noise = _NOISE_OF_ONE_FACE * spread
    for _ in range(_ROUNDS):
        error = overlaps.rows @ x
        if error.size:
            noise = max(_LEAST_NOISE * spread, 1.4826 * float(np.median(np.abs(error))))
        doubt = 1 / (1 + (error / (2 * noise)) ** 2)  # Cauchy
        weight = _INDEPENDENT_PER_OVERLAP * overlaps.even * doubt / noise**2
        prior = views.assumed_range(x, spread)
        x = _least_squares(overlaps.rows, weight, slopes, prior)
    stack, _ = _stacked(overlaps.rows, weight, slopes, prior, 1.0)
    a = x[::2]
    return Agreement(a, x[1::2] - a * views.middle, _sigma_of_mean_level(stack, views.used), noise)


def even_directions(count: int) -> Rows:
    """Unit vectors (N, 3) spread evenly over the sphere (Fibonacci's lattice; González 2010, arXiv 0912.4540)."""
    i = np.arange(count) + 0.5
    y = 1 - 2 * i / count
    longitude = np.pi * (1 + np.sqrt(5)) * i
    level = np.sqrt(1 - y * y)
    return np.stack([level * np.sin(longitude), y, level * np.cos(longitude)], axis=-1)


@dataclass(frozen=True, slots=True, eq=False)
class _Views:
    """What the faces say of the same directions; unknowns 2 i and 2 i + 1 are face i's a and its level at `middle`."""

    seen: tuple[Seen, ...]
    d: Rows
    clear: NDArray[np.bool_]
    middle: NDArray[np.float64]
    spread: float
    used: NDArray[np.bool_]

    @classmethod
    def of(cls, values: Sequence[NDArray[np.float32]], faces: Sequence[Face]) -> _Views:
        rays = even_directions(_DIRECTIONS)
        seen = tuple(seen_by(face, rays) for face in faces)
        d = np.stack([sample(face, view.uv) for face, view in zip(values, seen, strict=True)])
        clear = np.asarray(np.isfinite(d) & (np.stack([view.weight for view in seen]) > _LEAST_WEIGHT))
        ends = np.array([_ends(one[ok]) for one, ok in zip(d, clear, strict=True)])
        used = np.asarray(clear.any(axis=1))
        spread = float(np.median((ends[:, 2] - ends[:, 0])[used])) if used.any() else 0.0
        # Where every face is flat, its level is the only measure of what is much and what is little.
        spread = spread or float(np.abs(ends).max()) or 1.0
        return cls(seen, d, clear, ends[:, 1], spread, used)

    def rows(self, face: int, where: NDArray[np.bool_]) -> Rows:
        """(N, 2 F) rows whose product with the unknowns is the 1/distance that a face says."""
        cosine = self.seen[face].cosine[where]
        rows = np.zeros((len(cosine), 2 * len(self.seen)))
        rows[:, 2 * face] = cosine * (self.d[face][where] - self.middle[face])
        rows[:, 2 * face + 1] = cosine
        return rows

    def assumed_range(self, x: NDArray[np.float64], spread: float) -> Rows:
        """(1, 2 F): the farthest things all around are so many times as far as the nearest, over its deviation."""
        best = np.argmax([np.where(ok, view.weight, 0) for view, ok in zip(self.seen, self.clear, strict=True)], axis=0)
        known = self.clear.any(axis=0)
        around = np.concatenate([self.rows(k, known & (best == k)) for k in range(len(self.seen))])
        order = np.argsort(around @ x, kind="stable")
        near, far = (around[order[round(p / 100 * (len(order) - 1))]] for p in (NEAR_PERCENTILE, FAR_PERCENTILE))
        sigma = max(float(near @ x), 1e-3 * spread) / _FAR_OVER_NEAR * np.log(ASSUMED_FACTOR)
        return np.asarray((far - near / _FAR_OVER_NEAR)[None] / sigma)


def _ends(d: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) the 2nd, 50th and 98th percentile; zeros of nothing."""
    return np.percentile(d, (FAR_PERCENTILE, 50, NEAR_PERCENTILE)) if d.size else np.zeros(3)


@dataclass(frozen=True, slots=True, eq=False)
class _Overlaps:
    """Directions that two faces see.

    Attributes:
        rows: (N, 2 F) rows whose product with the unknowns should be 0.
        pair: (N,) number of the overlap each belongs to: F times the first face plus the second.
        even: (N,) weights with a sum of 1 for each overlap.
    """

    rows: Rows
    pair: NDArray[np.int64]
    even: NDArray[np.float64]


def _overlaps(views: _Views) -> _Overlaps:
    count = len(views.seen)
    rows, pair = [np.zeros((0, 2 * count))], [np.zeros(0, np.int64)]
    for i in range(count):
        for j in range(i + 1, count):
            both = views.clear[i] & views.clear[j]
            if both.sum() >= _LEAST_OVERLAP:
                rows.append(views.rows(i, both) - views.rows(j, both))
                pair.append(np.full(len(rows[-1]), count * i + j))
    pairs = np.concatenate(pair)
    return _Overlaps(np.concatenate(rows), pairs, 1 / np.bincount(pairs)[pairs] if pairs.size else np.zeros(0))


def _check_connected(pair: NDArray[np.int64], used: NDArray[np.bool_], faces: Sequence[Face]) -> None:
    if not used.any():
        raise GeometryError("panorama: no depth is known in any direction")
    reached = {int(np.argmax(used))}
    pairs = [divmod(int(number), len(faces)) for number in np.unique(pair)]
    for _ in faces:
        reached |= {k for one in pairs if set(one) & reached for k in one}
    alone = [face.name for k, face in enumerate(faces) if used[k] and k not in reached]
    if alone:
        raise GeometryError(f"panorama: the face {', '.join(alone)} overlaps no other; a wider panorama is needed")


def _slope_rows(used: NDArray[np.bool_]) -> Rows:
    """(F, 2 F) rows of the slopes, over the standard deviation of each about 1."""
    rows = np.zeros((len(used), 2 * len(used)))
    rows[np.arange(len(used)), 2 * np.arange(len(used))] = 1 / _SLOPE_SIGMA
    return rows


def _least_squares(
    rows: Rows, weight: NDArray[np.float64], slopes: Rows, prior: Rows, *, scale: float = 1.0
) -> NDArray[np.float64]:
    """The unknowns, slopes not below 0.05; `scale` weighs what is assumed of the slopes."""
    from scipy.optimize import lsq_linear

    stack, target = _stacked(rows, weight, slopes, prior, scale)
    low = np.full(rows.shape[1], -np.inf)
    low[::2] = _LEAST_SLOPE
    return np.asarray(lsq_linear(stack, target, bounds=(low, np.inf), tol=1e-14, max_iter=500).x)


def _stacked(
    rows: Rows, weight: NDArray[np.float64], slopes: Rows, prior: Rows, scale: float
) -> tuple[Rows, NDArray[np.float64]]:
    """Rows and targets: the overlaps as a square root of their normal matrix, the mean slope, and what is assumed."""
    normal = (rows * weight[:, None]).T @ rows
    values, vectors = np.linalg.eigh(normal)
    root = np.sqrt(np.maximum(values, 0))[:, None] * vectors.T
    held = _GAUGE_WEIGHT * max(np.sqrt(float(np.trace(normal))), 1.0)
    gauge = np.zeros((1, rows.shape[1]))
    gauge[0, ::2] = held / len(slopes)
    level = 1e-9 * held * np.eye(rows.shape[1])[1::2]  # a face that nothing ties down stays at 0
    stack = np.concatenate([root, gauge, slopes * scale, prior, level])
    target = np.zeros(len(stack))
    target[len(root)] = held
    target[len(root) + 1 : len(root) + 1 + len(slopes)] = scale / _SLOPE_SIGMA
    return stack, target


def _sigma_of_mean_level(stack: Rows, used: NDArray[np.bool_]) -> float:
    """One standard deviation of a shift that all faces share."""
    mean = np.zeros(stack.shape[1])
    mean[1::2][used] = 1 / used.sum()
    triangle = np.asarray(np.linalg.qr(stack, mode="r"))
    return float(np.linalg.norm(np.linalg.solve(triangle.T, mean)))
