"""From a photo and its depth to two layers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import MetricDepth, Unit
from depth3d.core.errors import GeometryError, UsageError
from depth3d.core.point_map import unproject
from depth3d.core.rgbd import RGBD
from depth3d.core.short_repr import short_repr
from depth3d.geometry.mesh import DEFAULT_CUT_ANGLE_DEG, DEFAULT_CUT_RATIO
from depth3d.geometry.mesh.discontinuities import cut_grid
from depth3d.layers.depth_edges import DepthEdges, find_depth_edges
from depth3d.layers.holes import fill_holes
from depth3d.layers.inpaint import Background, extrapolate_depth, inpaint_colours
from depth3d.layers.matting import find_foreground
from depth3d.layers.push_pull import push_pull
from depth3d.layers.sharpen import sharpen_edges

DEFAULT_TURN_DEG = 20.0
DEFAULT_MAX_PIXELS = 2_000_000
_RIM_PX = 8
"""So far two layers overlap where one surface passes from the nearer to the farther."""


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """A photo as two layers over the same pixels.

    Behind lies a surface that nothing interrupts: the photo where it shows the farthest thing in that direction, and
    its continuation where something nearer hides it. Before it stand the nearer things.

    Attributes:
        camera: intrinsics of the layers' size.
        rgb: (H, W, 3) uint8, colours of the nearer things, freed from what is behind them at soft edges.
        inverse: (H, W) float32, 1/z of the nearer things in 1/m, and a little beyond their edges; elsewhere as
            `behind_inverse`.
        matte: (H, W) float32 from 0 to 1, how much of a pixel the nearer things cover.
        behind_rgb: (H, W, 3) uint8, colours of the layer behind.
        behind_inverse: (H, W) float32, its 1/z in 1/m, positive.
        unknown: (H, W) True where no depth was known, as in the sky; the layers have the farthest depth there.
        edges: the two sides of every depth edge in the photo.
        unit: of every length, "m" or "arbitrary"; `inverse` is in its reciprocal.
        turn_deg: how far the scene may be turned to either side before the layer behind ends.
        px_per_gap: by how many pixels the farthest turn opens a depth edge, for each 1/m by which 1/z jumps there.

    Raises:
        GeometryError: arrays of different sizes.
    """

    camera: Intrinsics
    rgb: NDArray[np.uint8]
    inverse: NDArray[np.float32]
    matte: NDArray[np.float32]
    behind_rgb: NDArray[np.uint8]
    behind_inverse: NDArray[np.float32]
    unknown: NDArray[np.bool_]
    edges: DepthEdges
    turn_deg: float
    px_per_gap: float
    unit: Unit

    __repr__ = short_repr

    def __post_init__(self) -> None:
        shape = (self.camera.height, self.camera.width)
        arrays = (self.rgb, self.inverse, self.matte, self.behind_rgb, self.behind_inverse, self.unknown)
        sizes = {array.shape[:2] for array in arrays}
        if sizes != {shape}:
            raise GeometryError(f"layers: arrays of sizes {sorted(sizes)} for a camera of {shape}")

    @property
    def front_inverse(self) -> NDArray[np.float32]:
        """(H, W) 1/z of what the photo shows at each pixel; NaN where unknown."""
        seen = np.where(self.matte >= 0.5, self.inverse, self.behind_inverse)
        return np.where(self.unknown, np.float32(np.nan), seen)


def to_layers(
    rgbd: RGBD,
    *,
    turn_deg: float = DEFAULT_TURN_DEG,
    cut_ratio: float = DEFAULT_CUT_RATIO,
    cut_angle_deg: float = DEFAULT_CUT_ANGLE_DEG,
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> Layers:
    """Split a photo at its depth edges and continue what is behind.

    Depth continues as planes, which are linear in 1/z, and colour by spreading that of the farther side. Before that
    small places without depth are filled and soft depth edges made steps, see `to_surface`. It takes about a second per
    million pixels.

    Args:
        rgbd: photo, depth and camera.
        turn_deg: how far the scene may be turned to either side, about a point at its median depth, before the layer
            behind ends.
        cut_ratio: greatest ratio of depths within one surface, as in `to_mesh`.
        cut_angle_deg: least angle between a surface and the ray that meets it, as in `to_mesh`.
        max_pixels: a larger photo is made smaller first; its depth is thinned, never averaged.

    Raises:
        UsageError: `turn_deg` or `max_pixels` is out of range.
    """
    if not 0 < turn_deg <= 90:
        raise UsageError(f"turn must lie between 0 and 90 degrees, got {turn_deg:g}")
    if max_pixels < 4:
        raise UsageError(f"max pixels must be at least 4, got {max_pixels}")
    surface, is_soft = _sharpened(rgbd, max_pixels)
    rgb, camera, inverse = surface.rgb, surface.camera, np.float32(1) / surface.depth.z
    unknown = np.isnan(inverse)
    step = 2 * math.sin(math.radians(turn_deg) / 2) * float(np.median(1 / inverse[~unknown]))
    inverse = np.where(unknown, np.nanmin(inverse), inverse)
    points = unproject(MetricDepth(np.float32(1) / inverse, unit=rgbd.unit), camera)
    edges = find_depth_edges(inverse, ~cut_grid(points, cut_ratio=cut_ratio, cut_angle_deg=cut_angle_deg).whole)
    behind = extrapolate_depth(inverse, edges, cut_ratio=cut_ratio, is_soft=is_soft)
    occluding = occluding_pixels(inverse, behind, edges, cut_ratio)
    # The farther side's own edge pixels have caught some of the nearer colour.
    overlap = overlap_band(occluding, edges)
    seen = (~occluding | overlap) & ~edges.far
    colours = inpaint_colours(rgb, seen, ~closer_to(edges.far & ~occluding, overlap))
    behind_rgb = np.where((overlap | (seen & ~occluding))[..., None], rgb, colours)
    front = find_foreground(rgb, behind_rgb, occluding, edges.near | edges.far)
    return Layers(
        camera=camera,
        rgb=front.rgb,
        inverse=_extended_inverse(inverse, occluding, front.matte > 0),
        matte=front.matte,
        behind_rgb=np.where((occluding | (front.matte > 0))[..., None], behind_rgb, rgb),
        behind_inverse=np.where(occluding & ~overlap, np.minimum(behind.inverse, inverse), inverse),
        unknown=unknown,
        edges=edges,
        turn_deg=turn_deg,
        px_per_gap=camera.fx * step,
        unit=rgbd.unit,
    )


def to_surface(rgbd: RGBD, *, max_pixels: int = DEFAULT_MAX_PIXELS) -> RGBD:
    """What the photo shows, its small places without depth filled and its soft depth edges made steps.

    Args:
        rgbd: photo, depth and camera.
        max_pixels: as for `to_layers`.
    """
    return _sharpened(rgbd, max_pixels)[0]


def _sharpened(rgbd: RGBD, max_pixels: int) -> tuple[RGBD, bool]:
    """The surface, and whether any of its depth edges was soft."""
    rgb, metres, camera = _shrunk(rgbd, max_pixels)
    inverse = fill_holes(np.float32(1) / metres, rgb)
    unknown = np.isnan(inverse)
    filled = np.where(unknown, np.nanmin(inverse), inverse)
    sharp = sharpen_edges(filled)
    z = np.where(unknown, np.float32(np.nan), np.float32(1) / sharp)
    return RGBD(rgb, MetricDepth(z, unit=rgbd.unit), camera), not np.array_equal(sharp, filled)


def _shrunk(rgbd: RGBD, max_pixels: int) -> tuple[NDArray[np.uint8], NDArray[np.float32], Intrinsics]:
    rgb, metres, camera = rgbd.rgb, rgbd.depth.z, rgbd.camera
    height, width = metres.shape
    scale = math.sqrt(max_pixels / (width * height))
    if scale >= 1:
        return rgb, metres, camera
    size = max(1, int(width * scale)), max(1, int(height * scale))
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    rows = (np.arange(size[1]) * 2 + 1) * height // (2 * size[1])
    columns = (np.arange(size[0]) * 2 + 1) * width // (2 * size[0])
    return small, metres[rows[:, None], columns], camera.resized(*size)


def occluding_pixels(
    inverse: NDArray[np.float32], behind: Background, edges: DepthEdges, cut_ratio: float
) -> NDArray[np.bool_]:
    """Pixels of things that stand before the surface behind, and closer to the edges' nearer sides than to it."""
    near = push_pull(np.where(edges.near, inverse, 0)[..., None], edges.near.astype(np.float32))[..., 0]
    before = inverse > behind.inverse * np.float32(1 + (cut_ratio - 1) / 2)
    before &= np.abs(inverse - near) < np.abs(inverse - behind.inverse)
    return np.asarray((before & ~behind.ends) | edges.near)


def overlap_band(occluding: NDArray[np.bool_], edges: DepthEdges) -> NDArray[np.bool_]:
    """(H, W) True for nearer pixels beside which their own surface goes on in the farther layer, without a depth edge.

    There both layers show the photo at its own depth, so that no seam is seen.
    """
    around = np.ones((2 * _RIM_PX + 1, 2 * _RIM_PX + 1), np.uint8)
    at_edge = np.asarray(cv2.dilate((edges.near | edges.far).astype(np.uint8), around), bool)
    beside = np.asarray(cv2.dilate((~occluding & ~at_edge).astype(np.uint8), around), bool)
    return np.asarray(occluding & beside & ~at_edge)


def _extended_inverse(
    inverse: NDArray[np.float32], occluding: NDArray[np.bool_], covered: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """1/z of nearer things carried on to the pixels beyond their edges that they cover in part."""
    around = np.asarray(cv2.dilate(np.where(occluding, inverse, 0), np.ones((5, 5), np.uint8)), np.float32)
    return np.where(covered & ~occluding & (around > 0), around, inverse)


def closer_to(these: NDArray[np.bool_], those: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(H, W) True where the nearest pixel of both sets is one of `these`; nowhere if there are none."""
    if not these.any():
        return these
    if not those.any():
        return ~those
    distances = [cv2.distanceTransform((~one).astype(np.uint8), cv2.DIST_L2, 5) for one in (these, those)]
    return np.asarray(distances[0] <= distances[1])
