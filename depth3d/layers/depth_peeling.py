"""Depth peeling: more than two layers where nearer things occlude one another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import MetricDepth
from depth3d.core.point_map import unproject
from depth3d.geometry.mesh import DEFAULT_CUT_ANGLE_DEG, DEFAULT_CUT_RATIO
from depth3d.geometry.mesh.discontinuities import cut_grid
from depth3d.layers.depth_edges import DepthEdges, find_depth_edges
from depth3d.layers.inpaint import extrapolate_depth, inpaint_colours
from depth3d.layers.matting import find_foreground
from depth3d.layers.push_pull import push_pull
from depth3d.layers.split import Layers, closer_to, occluding_pixels, overlap_band

_FULL_GAP, _LEAST_WEIGHT = 0.3, 0.1
_CERTAIN_SHARE = 0.02
"""Share of the picture's width that the largest step may open."""


@dataclass(frozen=True, slots=True, eq=False)
class DepthLayer:
    """One of several layers, the farther of which continue behind the nearer.

    Attributes:
        rgb: (H, W, 3) uint8; inpainted where it is not seen.
        inverse: (H, W) float32 1/z, extrapolated there too.
        matte: (H, W) float32 from 0 to 1, how much of a pixel it covers.
    """

    rgb: NDArray[np.uint8]
    inverse: NDArray[np.float32]
    matte: NDArray[np.float32]


def peel(
    layers: Layers,
    *,
    most: int = 3,
    least_edges: float = 0.001,
    cut_ratio: float = DEFAULT_CUT_RATIO,
    cut_angle_deg: float = DEFAULT_CUT_ANGLE_DEG,
) -> tuple[DepthLayer, ...]:
    """Separate the nearer things into layers of their own, each continued behind the nearer ones.

    Args:
        layers: the photo in layers.
        most: no more layers than this, at least 2.
        least_edges: share of the picture's pixels at edges for which another layer is made.
        cut_ratio: as for `to_layers`.
        cut_angle_deg: as for `to_layers`.

    Returns:
        The farthest first; that one covers everything.
    """
    depth_layers = [DepthLayer(layers.behind_rgb, layers.behind_inverse, np.ones_like(layers.matte))]
    front = _extended(DepthLayer(layers.rgb, layers.inverse, layers.matte))
    while front.matte.any():
        parts = (
            _split(front, layers.camera, least_edges, cut_ratio, cut_angle_deg)
            if len(depth_layers) + 1 < most
            else None
        )
        depth_layers.append(parts[0] if parts else front)
        if not parts:
            break
        front = parts[1]
    return tuple(depth_layers)


def _extended(layer: DepthLayer) -> DepthLayer:
    """Colours and 1/z carried on over the rest of the picture."""
    opaque = (layer.matte >= 0.5).astype(np.float32)
    beyond = push_pull(np.dstack([layer.rgb.astype(np.float32), layer.inverse]), opaque)
    covered = layer.matte > 0
    colours = np.clip(np.rint(beyond[..., :3]), 0, 255).astype(np.uint8)
    rgb = np.where(covered[..., None], layer.rgb, colours)
    return DepthLayer(
        rgb, np.where(covered, layer.inverse, np.maximum(beyond[..., 3], layer.inverse.min())), layer.matte
    )


def _split(
    layer: DepthLayer, camera: Intrinsics, least_edges: float, cut_ratio: float, cut_angle_deg: float
) -> tuple[DepthLayer, DepthLayer] | None:
    """The farther part of a layer, continued behind the nearer one, and that; None if it is one surface."""
    points = unproject(MetricDepth(np.float32(1) / layer.inverse, unit="arbitrary"), camera)
    seen = layer.matte >= 0.5
    within = seen[:-1, :-1] & seen[1:, :-1] & seen[:-1, 1:] & seen[1:, 1:]
    cut = ~cut_grid(points, cut_ratio=cut_ratio, cut_angle_deg=cut_angle_deg).whole & within
    edges = find_depth_edges(layer.inverse, cut)
    if edges.far.mean() < least_edges:
        return None
    behind = extrapolate_depth(layer.inverse, edges, cut_ratio=cut_ratio)
    occluding = occluding_pixels(layer.inverse, behind, edges, cut_ratio)
    overlap = overlap_band(occluding, edges)
    known = (~occluding | overlap) & ~edges.far
    colours = inpaint_colours(layer.rgb, known, ~closer_to(edges.far & ~occluding, overlap))
    rgb = np.where((overlap | (known & ~occluding))[..., None], layer.rgb, colours)
    near = find_foreground(layer.rgb, rgb, occluding, edges.near | edges.far)
    matte = np.minimum(near.matte, layer.matte)
    # Behind the nearer things it goes on from where it is seen, not from where they stand before something else.
    # Farther sides that stand before it themselves say as little of it as places where it is not seen.
    continuation = np.where(overlap, np.float32(1), _continuation_share(edges, ~seen | (occluding & edges.far)))
    share = np.where(occluding, layer.matte * continuation, layer.matte).astype(np.float32)
    inverse = np.where(occluding & ~overlap, np.minimum(behind.inverse, layer.inverse), layer.inverse)
    farther = DepthLayer(np.where((occluding | (matte > 0))[..., None], rgb, layer.rgb), inverse, share)
    return farther, _extended(DepthLayer(near.rgb, layer.inverse, np.where(occluding | (matte > 0), matte, 0)))


def _continuation_share(edges: DepthEdges, ended: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(H, W) from 0 to 1, whether the ends of surfaces around are this one's own, or it has `ended` there."""
    own = edges.far & ~ended
    ends = np.clip(edges.gap / (_FULL_GAP * edges.gap.max()), _LEAST_WEIGHT, 1) * own
    weight = np.where(ended, np.float32(0.5), ends).astype(np.float32)
    share = push_pull((~ended).astype(np.float32)[..., None], weight)[..., 0]
    soft = np.clip((share - np.float32(0.5)) * 8 + np.float32(0.5), 0, 1)
    # Right behind an edge it always goes on, as far as the edge's own step may open.
    beside = edges.reach(_CERTAIN_SHARE * ended.shape[1] / float(edges.gap.max()), where=own)
    return np.asarray(np.where(beside & closer_to(own, ended), 1, soft), np.float32)
