"""The focal length at which a picture's lines best follow three directions at right angles.

Lines that are parallel in space meet in a vanishing point; the vanishing points v, w of directions at right angles obey
(v - c) . (w - c) = -f² with the principal point c (Caprile & Torre, IJCV 1990). Instead of finding points first, each
focal length is given the best triple of directions at right angles (a Manhattan world; Coughlan & Yuille, ICCV 1999),
found from random triples of lines and sharpened by least squares: its score is the share of line length that agrees.
The focal length with the greatest score is the answer, and how fast the score falls off on either side says how sure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.calibration.line_segments import Segments

Vectors = NDArray[np.float64]

TOLERANCE_RAD = np.radians(1.0)
"""One standard deviation of the angle between a segment and the direction to its vanishing point."""

_HYPOTHESES = 1500
_COARSE_FOCALS = np.geomspace(0.6, 4.0, 20)  # over half the long side: 118 to 28 degrees
_FINE_FOCALS = np.geomspace(0.6, 6.0, 36)
_KEPT = 5
_ROUNDS = 6
_STEP = 1e-5
_LARGEST_STEP = 0.1
_SEED = 1990
_BLOCK = 100


@dataclass(frozen=True, slots=True, eq=False)
class ManhattanFit:
    """What a picture's lines say of its focal length.

    Attributes:
        focal: focal length over half the picture's long side.
        score: share of the lines' length that agrees with the three directions, 0 to 1.
        shares: the same for each direction, the strongest first.
        focals: (K,) focal lengths that were tried, ascending.
        scores: (K,) the score of each.
    """

    focal: float
    score: float
    shares: tuple[float, float, float]
    focals: Vectors
    scores: Vectors

    def interval(self, fall: float) -> tuple[float, float]:
        """The range of focal lengths whose score is at most `fall` below the best."""
        near = np.append(self.focals[self.scores > self.score - fall], self.focal)
        return float(near.min()), float(near.max())


def fit_manhattan(segments: Segments) -> ManhattanFit:
    """Find the focal length, square pixels and a principal point in the middle taken for granted.

    Args:
        segments: at least three.
    """
    triples = np.random.default_rng(_SEED).choice(len(segments), (_HYPOTHESES, 3), p=segments.weight)
    starts = [_best_of_triples(segments, triples, focal) for focal in _COARSE_FOCALS]
    order = np.argsort([-score for score, _ in starts], kind="stable")[:_KEPT]
    start_axes = np.stack([axes for _, axes in starts])
    focals, ends, end_scores = _sharpened(segments, _COARSE_FOCALS[order], start_axes[order], free=True)
    best = int(np.argmax(end_scores))
    focal, axes, score = float(focals[best]), ends[best], float(end_scores[best])
    closest = np.abs(np.log(_COARSE_FOCALS / _FINE_FOCALS[:, None])).argmin(axis=1)
    both = np.concatenate([np.broadcast_to(axes, (len(_FINE_FOCALS), 3, 3)), start_axes[closest]])
    scores = _sharpened(segments, np.tile(_FINE_FOCALS, 2), both, free=False)[2].reshape(2, -1).max(axis=0)
    agreement = _agreement(_sines(segments, focal, axes))
    strongest = agreement.argmax(axis=0)
    shares = sorted((float((segments.weight * agreement[k])[strongest == k].sum()) for k in range(3)), reverse=True)
    first, second, third = shares
    return ManhattanFit(focal, score, (first, second, third), _FINE_FOCALS, scores)


def _best_of_triples(segments: Segments, triples: NDArray[np.int64], focal: float) -> tuple[float, Vectors]:
    """The score and the (3, 3) rows of directions of the best triple at one focal length.

    Two lines meet in the first direction; the second is at right angles to it and in the plane of the third line.
    """
    ray = np.concatenate([segments.middle, np.full((len(segments), 1), focal)], axis=1)
    plane = np.cross(ray, np.concatenate([segments.direction, np.zeros((len(segments), 1))], axis=1))
    plane /= np.linalg.norm(plane, axis=1, keepdims=True)
    first, clear = _unit(np.cross(plane[triples[:, 0]], plane[triples[:, 1]]), 1e-3)
    second, also_clear = _unit(np.cross(first, plane[triples[:, 2]]), 1e-2)
    axes = np.stack([first, second, np.cross(first, second)], axis=1)[clear & also_clear]
    if not len(axes):
        return 0.0, np.eye(3)
    scores = _scores(segments, focal, axes.astype(np.float32))
    best = int(np.argmax(scores))
    return float(scores[best]), axes[best]


def _sharpened(segments: Segments, focal: Vectors, axes: Vectors, *, free: bool) -> tuple[Vectors, Vectors, Vectors]:
    """(S,) focal lengths, (S, 3, 3) directions and (S,) scores after weighted least squares from S starts.

    The focal lengths only if `free`.
    """
    unknowns = 4 if free else 3
    turns = np.eye(4)[:unknowns] * _STEP
    turned = np.stack([_rotation(turn[:3]) for turn in turns])
    for _ in range(_ROUNDS):
        sines = _sines(segments, focal, axes)
        nearest = np.abs(sines).argmin(axis=1)[:, None]
        error = np.take_along_axis(sines, nearest, axis=1)[:, 0]
        weight = segments.weight * _agreement(error)
        moved = _sines(segments, focal[:, None] * np.exp(turns[:, 3]), axes[:, None] @ turned)
        slopes = (np.take_along_axis(moved, nearest[:, None], axis=2)[:, :, 0] - error[:, None]) / _STEP
        weighted = slopes * weight[:, None]
        normal = weighted @ slopes.swapaxes(1, 2) + 1e-9 * np.eye(unknowns)
        step = np.zeros((len(focal), 4))
        step[:, :unknowns] = -np.linalg.solve(normal, weighted @ error[..., None])[..., 0]
        step = np.clip(step, -_LARGEST_STEP, _LARGEST_STEP)
        axes = axes @ np.stack([_rotation(one) for one in step[:, :3]])
        focal = focal * np.exp(step[:, 3])
    return focal, axes, _agreement(_sines(segments, focal, axes)).max(axis=1) @ segments.weight


def _scores(segments: Segments, focal: float, axes: NDArray[np.float32]) -> Vectors:
    """The score of each of (H, 3, 3) rows of directions: a segment counts for the one it points to best.

    The squared sine of `_sines` is a quotient of two sums of products of what belongs to the direction and what belongs
    to the segment, so that matrix products do most of the work.
    """
    u, v = segments.middle.T
    along_u, along_v = segments.direction.T
    crossing = np.stack([-focal * along_v, focal * along_u, u * along_v - v * along_u]).astype(np.float32)
    distance = np.stack([np.full_like(u, focal**2), -2 * focal * u, -2 * focal * v, u**2 + v**2]).astype(np.float32)
    weight = segments.weight.astype(np.float32)
    scores = np.empty(len(axes))
    for start in range(0, len(axes), _BLOCK):  # as many as stay in the processor's cache
        x, y, z = rows = axes[start : start + _BLOCK].reshape(-1, 3).T
        square = np.square(rows.T @ crossing)
        square /= np.maximum(np.stack([x * x + y * y, x * z, y * z, z * z], axis=1) @ distance, np.float32(1e-12))
        least = square.reshape(-1, 3, len(segments)).min(axis=1)
        scores[start : start + _BLOCK] = np.exp(least * np.float32(-0.5 / TOLERANCE_RAD**2)) @ weight
    return scores


def _sines(segments: Segments, focal: Vectors | float, axes: Vectors) -> Vectors:
    """Sine of the angle between each segment and its way to each vanishing point, (..., 3, N) for (..., 3, 3) rows."""
    u, v = segments.middle.T
    focal = np.asarray(focal)[..., None, None]
    across = focal * axes[..., 0:1] - u * axes[..., 2:3]
    down = focal * axes[..., 1:2] - v * axes[..., 2:3]
    along_u, along_v = segments.direction.T
    sine = (along_u * down - along_v * across) / np.maximum(np.sqrt(across * across + down * down), 1e-9)
    # A segment has no front end: the sign is made that of the way on which the angle is below a right one.
    return np.asarray(sine * np.where(along_u * across + along_v * down < 0, -1, 1))


def _agreement(sine: Vectors) -> Vectors:
    """1 for a segment that points to the vanishing point, falling to 0 within some standard deviations."""
    return np.asarray(np.exp(-0.5 * (sine / TOLERANCE_RAD) ** 2))


def _unit(vectors: Vectors, least: float) -> tuple[Vectors, NDArray[np.bool_]]:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(length, 1e-12), length[:, 0] > least


def _rotation(turn: Vectors) -> Vectors:
    """(3, 3) rotation by an axis times an angle (Rodrigues), to be multiplied from the right of rows."""
    angle = float(np.linalg.norm(turn))
    if angle < 1e-15:
        return np.eye(3)
    x, y, z = turn / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray((np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross).T)
