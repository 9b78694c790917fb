"""Second pass: vertices that nobody would miss run into their neighbours until none is left.

Half-edge collapses (Hoppe et al., "Mesh optimization", SIGGRAPH 1993) in the picture's plane, many at a time: a set of
vertices no two of which are neighbours moves at once, because their stars do not overlap. In the plane a move is
sound if the new faces cover the old star and stay counter-clockwise, which integers decide exactly. The error is
measured against all pixels of the full grid under the new faces, so that it does not add up from move to move.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depth3d.geometry.mesh.collapse_candidates import NEVER, Moves, Stars, best_moves, gather_stars
from depth3d.geometry.mesh.error_bounds import Surface
from depth3d.geometry.mesh.residuals import worst_residuals
from depth3d.geometry.mesh.working_mesh import WorkingMesh

_SCRAMBLE = 0x2C1B3C6D
"""Odd, so that multiplying by it modulo 2 ** 31 scatters vertex numbers without two meeting."""
_ROUNDS_OF_CHOICE = 3
_WORTHWHILE = 500
"""The work ends when a round takes fewer than one in so many faces, which small meshes never reach."""


def collapse(faces: NDArray[np.int64], surface: Surface, *, at_most: int = 0) -> NDArray[np.int64]:
    """Remove the vertices without which the surface is still kept.

    The outline keeps every grid point it had: it may straighten only over ground that the mesh did not cover, and only
    where no grid point lies on it that is not of the same surface.

    Args:
        faces: (M, 3) grid indices (row * W + column), counter-clockwise as seen from the camera, without cracks.
        surface: what to keep.
        at_most: stop as soon as there are no more faces than this.

    Returns:
        (K, 3) grid indices of the faces that are left.
    """
    working = WorkingMesh.of(faces, surface)
    waiting = ~working.fixed
    banned = np.zeros(0, np.int64)
    while len(working.faces) > at_most:
        stars = gather_stars(working.faces, waiting)
        moves = best_moves(stars, working, surface, banned)
        waiting[stars.vertex] = moves.target >= 0
        chosen = _choose(stars, moves, len(waiting))
        if len(chosen) == 0:
            break
        sound = _sound(stars, moves, chosen, working, surface)
        failed, done = chosen[~sound], _needed(chosen[sound], moves, len(working.faces) - at_most)
        before = len(working.faces)
        working.move(stars.vertex[done], moves.target[done])
        touched = _neighbours(stars, done, len(waiting))
        waiting[touched & ~working.fixed] = True
        waiting[stars.vertex[done]] = False
        banned = np.union1d(banned, stars.vertex[failed] * len(waiting) + moves.target[failed])
        banned = banned[~touched[banned // len(waiting)]]
        if before - len(working.faces) < before // _WORTHWHILE:
            break
    return working.grid_index[working.faces]


def _choose(stars: Stars, moves: Moves, count: int) -> NDArray[np.int64]:
    """Stars, no two neighbours, whose moves cost less than their neighbours' (Luby, SIAM J. Computing 15, 1986)."""
    rank = np.full(count, NEVER)
    can = moves.target >= 0
    vertex = stars.vertex[can]
    rank[vertex] = (moves.cost[can] << 31) | (vertex * _SCRAMBLE & 0x7FFFFFFF)
    star_of_face = np.repeat(np.arange(len(stars.vertex)), stars.count)
    chosen = np.zeros(len(stars.vertex), bool)
    for _ in range(_ROUNDS_OF_CHOICE):
        around = np.minimum(rank[stars.before], rank[stars.after])
        least = np.minimum.reduceat(around, stars.first) if len(stars.first) else around
        won = rank[stars.vertex] < least
        if not won.any():
            break
        chosen |= won
        of_winners = won[star_of_face]
        rank[stars.before[of_winners]] = rank[stars.after[of_winners]] = NEVER
        rank[stars.vertex[won]] = NEVER
    return np.flatnonzero(chosen)


def _sound(
    stars: Stars, moves: Moves, chosen: NDArray[np.int64], working: WorkingMesh, surface: Surface
) -> NDArray[np.bool_]:
    """Whether each chosen move keeps the surface at every pixel."""
    count = stars.count[chosen]
    move = np.repeat(np.arange(len(chosen)), count)
    face = np.arange(len(move)) + np.repeat(stars.first[chosen] - np.cumsum(count) + count, count)
    triangles = np.stack([moves.target[chosen][move], stars.before[face], stars.after[face]], axis=1)
    stays = (triangles[:, 0] != triangles[:, 1]) & (triangles[:, 0] != triangles[:, 2])
    triangles, move = triangles[stays], move[stays]
    sound = np.ones(len(chosen), bool)
    sound[move[~(worst_residuals(triangles, working, surface) <= 1)]] = False
    return sound


def _needed(done: NDArray[np.int64], moves: Moves, surplus: int) -> NDArray[np.int64]:
    """The cheapest of the moves, as many as it takes to lose `surplus` faces at two each."""
    wanted = (surplus + 1) // 2
    if len(done) <= wanted:
        return done
    return done[np.argsort(moves.cost[done], kind="stable")[:wanted]]


def _neighbours(stars: Stars, which: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    chosen = np.zeros(len(stars.vertex), bool)
    chosen[which] = True
    faces = np.repeat(chosen, stars.count)
    touched = np.zeros(count, bool)
    touched[stars.before[faces]] = touched[stars.after[faces]] = True
    return touched
