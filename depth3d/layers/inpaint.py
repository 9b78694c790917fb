"""Hidden surfaces: depth extrapolated as planes, colours inpainted."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.layers.depth_edges import DepthEdges
from depth3d.layers.push_pull import push_pull

_ROUNDS = 4
_DIRECTIONS, _RINGS = 16, 5
_NOISE = 0.004
"""How far a surface is from its plane nearby, as a share of 1/z."""
_STEEPEST = 3.0
"""Ordinary change of 1/z over a picture's width, as a share of 1/z; a steeper plane needs more evidence."""
_SEEDS_AT_ONCE = 20_000
_LEAST_GAP, _FULL_GAP = 0.02, 0.3
_ROUGH_WEIGHT, _FINAL_WEIGHT = 0.1, 0.3
_FARTHEST = 0.7
_SMALL_WEIGHT = 0.001


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """The surface behind everything.

    Attributes:
        inverse: (H, W) float32 1/z, positive everywhere.
        ends: (H, W) True on the farther sides of edges that belong to it; the others stand before it themselves.
    """

    inverse: NDArray[np.float32]
    ends: NDArray[np.bool_]


def extrapolate_depth(
    inverse: NDArray[np.float32], edges: DepthEdges, *, cut_ratio: float, is_soft: bool = False
) -> Background:
    """What 1/z would be if every surface that ends at a nearer one went on: as planes, blended where several meet.

    A plane in space is linear in 1/z over the picture. One is fitted to the surroundings of each pixel on the farther
    side of a depth edge, by least squares that doubt what does not lie on it, and their coefficients are spread over
    the picture: once with doubt, which tells the farther sides that stand before others, and once without those.

    Args:
        inverse: (H, W) 1/z, known everywhere.
        edges: the two sides of every depth edge.
        cut_ratio: ratio of depths beyond which surfaces are two.
        is_soft: the edges were slopes; the planes beside them are bent, and what is behind is kept behind the edges.
            With sharp depth the planes themselves are better.
    """
    if not edges.far.any():
        return Background(inverse.copy(), edges.far)
    planes = _fitted_planes(inverse, edges.far)
    gap = edges.gap / edges.gap.max()
    weight = np.where(edges.far, np.clip(gap, _LEAST_GAP, 1), 0).astype(np.float32)
    rough = _evaluated(push_pull(planes, weight * np.float32(_ROUGH_WEIGHT), gain=2))
    ends = edges.far & (inverse <= rough * np.float32(1 + (cut_ratio - 1) / 2))
    weight = np.where(ends, np.clip(gap / _FULL_GAP, _LEAST_GAP, 1), 0).astype(np.float32)
    behind = _evaluated(push_pull(planes, weight * np.float32(_FINAL_WEIGHT))) if ends.any() else rough
    if is_soft:
        behind = _behind_its_edges(behind, inverse, edges)
    return Background(np.maximum(behind, np.float32(_FARTHEST * np.percentile(inverse, 1))), ends)


def _behind_its_edges(
    behind: NDArray[np.float32], inverse: NDArray[np.float32], edges: DepthEdges
) -> NDArray[np.float32]:
    """The surface behind, scaled so that at the nearer side of every edge it is no nearer than the farther side."""
    farther = np.asarray(cv2.erode(inverse, np.ones((3, 3), np.uint8)), np.float32)
    share = np.where(edges.near & (behind > 0), np.minimum(1, farther / np.maximum(behind, 1e-12)), 1)
    if (share == 1).all():
        return behind
    return behind * push_pull(share.astype(np.float32)[..., None], edges.near.astype(np.float32))[..., 0]


def inpaint_colours(rgb: NDArray[np.uint8], seen: NDArray[np.bool_], doubtful: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """(H, W, 3) the photo where it shows what is behind (`seen`), and its colours spread over the rest.

    What is `doubtful` may be the foot of a nearer thing, where that stands on what is behind, and has little say.
    """
    weight = np.where(seen, np.where(doubtful, np.float32(_SMALL_WEIGHT), np.float32(1)), np.float32(0))
    spread_rgb = push_pull(rgb.astype(np.float32), weight)
    return np.clip(np.rint(spread_rgb), 0, 255).astype(np.uint8)


def _fitted_planes(inverse: NDArray[np.float32], seeds: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(H, W, 3) value at the picture's middle and change per width of the plane around each seed, right and down."""
    height, width = inverse.shape
    rows, columns = np.nonzero(seeds)
    parts = [slice(start, start + _SEEDS_AT_ONCE) for start in range(0, len(rows), _SEEDS_AT_ONCE)]
    local = np.concatenate([_planes_around(inverse, rows[part], columns[part]) for part in parts])
    across, down = _coordinates(height, width)
    planes = np.zeros((height, width, 3), np.float32)
    slopes = local[:, 1:] * width
    planes[rows, columns, 1:] = slopes
    planes[rows, columns, 0] = local[:, 0] - slopes[:, 0] * across[columns] - slopes[:, 1] * down[rows]
    return planes


def _evaluated(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    across, down = _coordinates(*planes.shape[:2])
    return np.asarray(planes[..., 0] + planes[..., 1] * across + planes[..., 2] * down[:, None], np.float32)


def _coordinates(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Pixel centres from the picture's middle, in widths, so that similar planes have similar coefficients."""
    across = ((np.arange(width) + 0.5) / width - 0.5).astype(np.float32)
    down = ((np.arange(height) + 0.5 - height / 2) / width).astype(np.float32)
    return across, down


def _planes_around(
    inverse: NDArray[np.float32], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.float32]:
    """(S, 3) value, change per column and change per row of the plane around each pixel."""
    height, width = inverse.shape
    dy, dx = _offsets(max(6, width // 60))
    y, x = rows[:, None] + dy, columns[:, None] + dx
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    own = inverse[rows, columns][:, None].astype(np.float64)
    rise = inverse[y.clip(0, height - 1), x.clip(0, width - 1)] / own - 1
    basis = np.stack([np.ones(len(dx)), dx, dy])
    steepest = _STEEPEST / width
    prior = np.diag([1.0, (_NOISE / steepest) ** 2, (_NOISE / steepest) ** 2])
    # Begin with what a surface of ordinary slope could reach; then with what is near the plane found.
    weight = inside * (np.abs(rise) < _NOISE * 3 + steepest * np.hypot(dx, dy))
    for _ in range(_ROUNDS):
        normal = np.einsum("sn,in,jn->sij", weight, basis, basis, optimize=True) + prior
        right = np.einsum("sn,sn,in->si", weight, rise, basis, optimize=True)
        plane = np.linalg.solve(normal, right[..., None])[..., 0]
        off = (rise - plane @ basis) / (2 * _NOISE)
        weight = inside * (np.abs(off) < 4) / (1 + off**2)
    return np.asarray((plane + (1, 0, 0)) * own, np.float32)


def _offsets(radius: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rings = np.unique(np.rint(np.geomspace(1, radius, _RINGS)))
    angles = np.arange(_DIRECTIONS) * (2 * np.pi / _DIRECTIONS)
    dy, dx = np.outer(rings, np.sin(angles)).ravel(), np.outer(rings, np.cos(angles)).ravel()
    return np.rint(dy).astype(np.int64), np.rint(dx).astype(np.int64)
