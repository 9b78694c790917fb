"""Which connected pieces of a surface are things, and which are crumbs: by size, and by how many photos saw them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.scenes.multiview.fusion.depth_view import DepthView, project_world

_LEAST_SHARE = 0.0005
"""Pieces of a smaller share of all the surface are crumbs."""

_LARGE_SHARE = 0.02
"""Pieces of a larger share need no support."""

_LEAST_SUPPORT = 3
_SAMPLES = 64
_SAME = 0.08
"""A photo sees a piece where its depth differs from the piece's by no more than this share."""

_MOST_OF_IT = 0.5


def kept_faces(
    xyz: NDArray[np.float32], faces: NDArray[np.int64], least_area: float, views: Iterable[DepthView]
) -> NDArray[np.bool_]:
    """Tell which faces are kept: those of large pieces, and those of small ones that several photos saw.

    Args:
        xyz: (N, 3) vertices.
        faces: (M, 3) of them.
        least_area: pieces of less are crumbs, however many photos saw them.
        views: all that were fused; looked through once, if there are small pieces.

    Returns:
        (M,) which faces.
    """
    pieces = _pieces(xyz, faces)
    total = float(pieces.area.sum())
    wanted = pieces.area >= max(least_area, _LEAST_SHARE * total)
    asked = np.flatnonzero(wanted & (pieces.area < _LARGE_SHARE * total))
    if len(asked):
        wanted[asked] = _supported(xyz, faces, pieces.of_face, asked, views)
    return np.asarray(wanted[pieces.of_face], bool)


@dataclass(frozen=True, slots=True, eq=False)
class _Pieces:
    """Connected pieces: of which each face is, and the area of each."""

    of_face: NDArray[np.int64]
    area: NDArray[np.float64]


def _pieces(xyz: NDArray[np.float32], faces: NDArray[np.int64]) -> _Pieces:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ones = np.ones(len(faces), np.int8)
    edges = coo_array((ones, (faces[:, 0], faces[:, 1])), (len(xyz), len(xyz)))
    edges = edges + coo_array((ones, (faces[:, 1], faces[:, 2])), (len(xyz), len(xyz)))
    count, piece = connected_components(edges, directed=False)
    corners = xyz[faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    of_face = piece[faces[:, 0]].astype(np.int64)
    return _Pieces(of_face, np.bincount(of_face, weights=area, minlength=count).astype(np.float64))


def _supported(
    xyz: NDArray[np.float32],
    faces: NDArray[np.int64],
    of_face: NDArray[np.int64],
    asked: NDArray[np.intp],
    views: Iterable[DepthView],
) -> NDArray[np.bool_]:
    """Which of the pieces enough photos saw, and more than look through them."""
    order = np.argsort(of_face, kind="stable")
    first, end = (np.searchsorted(of_face[order], asked, side) for side in ("left", "right"))
    rows = [order[np.linspace(a, b - 1, min(_SAMPLES, b - a)).astype(int)] for a, b in zip(first, end, strict=True)]
    place = np.repeat(np.arange(len(asked)), [len(row) for row in rows])
    points = xyz[faces[np.concatenate(rows)]].mean(axis=1)
    size = np.bincount(place, minlength=len(asked))
    seen, through, count = np.zeros(len(asked), int), np.zeros(len(asked), int), 0
    for view in views:
        ratio = _ratio(view, points)
        seen += np.bincount(place, np.abs(ratio - 1) < _SAME, len(asked)) >= _MOST_OF_IT * size
        through += np.bincount(place, ratio >= 1 + _SAME, len(asked)) >= _MOST_OF_IT * size
        count += 1
    return np.asarray((seen >= min(_LEAST_SUPPORT, count)) & (seen > through))


def _ratio(view: DepthView, points: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N,) a photo's depth over that of points where it shows them; NaN where it says nothing."""
    u, v, z = project_world(points, view.camera, view.pose)
    width, height = view.camera.size
    inside = (z > 0) & (u >= 0) & (u < width) & (v >= 0) & (v < height)
    found = np.full(len(points), np.nan, np.float32)
    row, column = v[inside].astype(np.intp), u[inside].astype(np.intp)
    found[inside] = view.z[row, column] / z[inside]
    return found
