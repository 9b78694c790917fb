"""Which vertices may run into which neighbours, judged by their own stars alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.geometry.mesh.error_bounds import Surface
from depth3d.geometry.mesh.texture_shift import shift_per_px
from depth3d.geometry.mesh.working_mesh import WorkingMesh

_LARGEST_STAR = 24
"""A vertex of more faces waits until its neighbours have gone."""
_LEAST_HEIGHT_PX = 0.2
"""No new triangle is thinner, so that rounded coordinates in space do not turn one over."""
_PAIRS_AT_ONCE = 60_000
_LEVELS = 16
"""Errors and shapes are compared in so many steps, so that rounding decides nothing."""
_THIN = 0.1
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class Stars:
    """The faces around some vertices.

    Attributes:
        vertex: (S,) ascending vertex numbers.
        first: (S,) where each vertex's faces start in `before` and `after`.
        count: (S,) how many faces it has.
        before: (T,) second vertex of each face, counter-clockwise from the star's own.
        after: (T,) third vertex.
    """

    vertex: NDArray[np.int64]
    first: NDArray[np.int64]
    count: NDArray[np.int64]
    before: NDArray[np.int64]
    after: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """The best move of each star's vertex.

    Attributes:
        target: (S,) the neighbour it may run into; -1 for none.
        cost: (S,) int64, smaller is better; NEVER where there is no move.
    """

    target: NDArray[np.int64]
    cost: NDArray[np.int64]


def gather_stars(faces: NDArray[np.int64], wanted: NDArray[np.bool_]) -> Stars:
    """The stars of the wanted vertices, given as a mask over all."""
    corner = np.flatnonzero(wanted[faces.reshape(-1)])
    owner = faces.reshape(-1)[corner]
    order = np.argsort(owner, kind="stable")
    corner, owner = corner[order], owner[order]
    face, place = np.divmod(corner, 3)
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    count = np.diff(first, append=len(owner))
    before, after = faces[face, (place + 1) % 3], faces[face, (place + 2) % 3]
    return Stars(owner[first], first, count, before, after)


def best_moves(stars: Stars, working: WorkingMesh, surface: Surface, banned: NDArray[np.int64]) -> Moves:
    """Find for each vertex the neighbour into which it may run best.

    It may where the faces that follow it stay counter-clockwise and cover the same star, where none of the signals
    changes by more than 1 at the vertex's own place, and where no face shifts the texture by more than is allowed.
    A border vertex moves along the border, and only where the mesh does not lose ground: at a straight place or a
    notch; or little ground, where the outline may retreat. The pixels in between are not looked at here.

    Args:
        stars: the vertices in question.
        working: the triangulation.
        surface: what to keep.
        banned: ascending codes (vertex * N + target) of moves known to fail.
    """
    target = np.full(len(stars.vertex), -1)
    cost = np.full(len(stars.vertex), NEVER)
    at_border = working.following[stars.vertex] >= 0
    for size in np.unique(stars.count[stars.count <= _LARGEST_STAR]).tolist():
        for border in (False, True):
            group = np.flatnonzero((stars.count == size) & (at_border == border))
            step = max(1, _PAIRS_AT_ONCE // size**2)
            for start in range(0, len(group), step):
                part = group[start : start + step]
                around = _Around.gather(stars, part, working, border=border, outline_px=surface.outline_px)
                target[part], cost[part] = _best(around, working, surface.texture_px, banned)
    return Moves(target, cost)


@dataclass(frozen=True, slots=True, eq=False)
class _Around:
    """Stars with equally many faces. The stars are the last axis, along which numpy is fast.

    Attributes:
        vertex: (n,) vertex numbers.
        before: (d, 1, n) second vertex of each face.
        after: (d, 1, n) third vertex of each face.
        target: (k, n) where the vertex may run.
        allowed: (n,) False for border vertices that stand out too far.
    """

    vertex: NDArray[np.int64]
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    target: NDArray[np.int64]
    allowed: NDArray[np.bool_]

    @classmethod
    def gather(
        cls, stars: Stars, part: NDArray[np.int64], working: WorkingMesh, *, border: bool, outline_px: float
    ) -> _Around:
        vertex = stars.vertex[part]
        faces = stars.first[part] + np.arange(stars.count[part[0]])[:, None]
        before, after = stars.before[faces], stars.after[faces]
        if not border:
            return cls(vertex, before[:, None], after[:, None], before, np.ones(len(vertex), bool))
        target = np.stack([working.following[vertex], working.preceding[vertex]])
        x, y = working.x[target] - working.x[vertex], working.y[target] - working.y[vertex]
        lost = (x[0] * y[1] - y[0] * x[1]).astype(np.float32)  # twice the area; negative at a notch
        chord = np.hypot(x[0] - x[1], y[0] - y[1])
        return cls(vertex, before[:, None], after[:, None], target, lost <= chord * outline_px)


def _best(
    around: _Around, working: WorkingMesh, texture_px: float | None, banned: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Target and cost of each vertex's best move."""
    fan = _Fan.swept(around, working)
    error = np.zeros(fan.area.shape, np.float32)
    for values in working.values:
        np.maximum(error, fan.error_at_vertex(around, values), out=error)
    longest = np.sqrt(fan.longest_squared)
    good = (fan.area >= _LEAST_HEIGHT_PX * longest) & (error <= 1)
    if texture_px is not None:
        roots = working.roots
        good &= longest * shift_per_px(roots[around.target], roots[around.before], roots[around.after]) <= texture_px
    possible = around.allowed & (good | fan.gone).all(axis=0)
    possible &= ~_contains(banned, around.vertex * len(working.x) + around.target)
    shape = np.where(fan.gone, 1, fan.area / np.maximum(fan.longest_squared, 1)).min(axis=0)
    cost = 2 * np.floor(error.max(axis=0) * _LEVELS) + np.floor((1 - np.minimum(shape, 1)) * _LEVELS)
    cost = np.where(possible, cost, np.inf)
    best = np.argmin(cost, axis=0)[None]
    least = np.take_along_axis(cost, best, axis=0)[0]
    found = np.isfinite(least)
    target = np.where(found, np.take_along_axis(around.target, best, axis=0)[0], -1)
    return target, np.where(found, np.where(found, least, 0).astype(np.int64), NEVER)


def _contains(ascending: NDArray[np.int64], codes: NDArray[np.int64]) -> NDArray[np.bool_]:
    if len(ascending) == 0:
        return np.zeros(codes.shape, bool)
    place = np.minimum(np.searchsorted(ascending, codes), len(ascending) - 1)
    return np.asarray(ascending[place] == codes)


@dataclass(frozen=True, slots=True, eq=False)
class _Fan:
    """Faces as they would be after each move, (d, k, n): the star's vertex replaced by its target.

    Attributes:
        area: float32, twice the area in photo pixels; positive where the face stays counter-clockwise.
        star: (d, 1, n) float32, twice the area before the move.
        weight_before: float32, twice the area between vertex, target and `after`; with `star` and `weight_after` the
            barycentric weights of the vertex's place in the new face.
        weight_after: float32, likewise.
        longest_squared: float32, square of the longest edge.
        gone: True for the faces between vertex and target, which vanish.
    """

    area: NDArray[np.float32]
    star: NDArray[np.float32]
    weight_before: NDArray[np.float32]
    weight_after: NDArray[np.float32]
    longest_squared: NDArray[np.float32]
    gone: NDArray[np.bool_]

    @classmethod
    def swept(cls, around: _Around, working: WorkingMesh) -> _Fan:
        """All of a group's moves. Integers, so that which side of a line a point is on is never in doubt."""
        x0, y0 = working.x[around.vertex], working.y[around.vertex]
        bx, by = working.x[around.before] - x0, working.y[around.before] - y0
        cx, cy = working.x[around.after] - x0, working.y[around.after] - y0
        tx, ty = working.x[around.target] - x0, working.y[around.target] - y0
        star = bx * cy - by * cx
        weight_before, weight_after = cx * ty - cy * tx, tx * by - ty * bx
        longest = np.maximum((bx - tx) ** 2 + (by - ty) ** 2, (cx - tx) ** 2 + (cy - ty) ** 2)
        longest = np.maximum(longest, (bx - cx) ** 2 + (by - cy) ** 2)
        gone = (around.before == around.target) | (around.after == around.target)
        area = star + weight_before + weight_after
        float32 = np.float32
        areas = area.astype(float32), star.astype(float32)
        weights = weight_before.astype(float32), weight_after.astype(float32)
        return cls(*areas, *weights, longest.astype(float32), gone)

    def error_at_vertex(self, around: _Around, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """(d, k, n) how far a signal moves at the vertex's place, in the new face that lies there; 0 in the others."""
        here = values[around.vertex]
        at_before, at_after = values[around.before] - here, values[around.after] - here
        there = (self.weight_before >= 0) & (self.weight_after >= 0) & (self.area > 0) & ~self.gone
        moved = self.star * (values[around.target] - here)
        moved = moved + self.weight_before * at_before + self.weight_after * at_after
        return np.where(there, np.abs(moved) / np.where(there, self.area, 1), np.float32(0))
