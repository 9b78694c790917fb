"""Layers as Gaussian splats: soft at depth edges, few where the photo is flat, and going on behind nearer things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import MetricDepth
from depth3d.core.errors import GeometryError
from depth3d.core.point_map import unproject
from depth3d.core.rgbd import RGBD
from depth3d.geometry.gaussians import Gaussians, gaussians_of_points
from depth3d.geometry.splat_colours import fit_colours
from depth3d.layers.depth_peeling import DepthLayer, peel
from depth3d.layers.disocclusions import find_disocclusions
from depth3d.layers.split import Layers, to_layers

_MOST_LAYERS, _LEAST_EDGES = 5, 0.0003
_LEAST_OPACITY = 0.05
_BLOCKS_PX = (8, 4, 2)
_EVEN_COLOUR, _EVEN_HIDDEN = 10, 24
"""Of 255: by how much the colours of one splat's pixels may differ, where they are seen and where they are hidden."""
_WIDER, _UNDERNEATH = 1.35, 0.002
_FLAT = 0.003
"""By how much, as a share of 1/z, they may be off their plane."""


def to_layered_gaussians(rgbd: RGBD, *, max_points: int | None = None) -> Gaussians:
    """Lay ellipses on what the photo shows, and on what goes on behind its nearer things.

    A pixel at a soft depth edge has two: that of the nearer thing is as opaque as the thing covers the pixel. Blocks of
    up to 8 x 8 pixels of one colour on one plane share an ellipse. Their colours are those with
    which they draw the photo.

    Args:
        rgbd: photo, depth and camera, its lens distortion undone.
        max_points: take at most so many pixels, evenly spread over the picture; None takes all.

    Raises:
        CameraError: the camera's distortion has not been undone.
        GeometryError: no depth is known.
        UsageError: `max_points` is too small.
    """
    layers = to_layers(rgbd, max_pixels=max_points or rgbd.depth.z.size)
    depth_layers = peel(layers, most=_MOST_LAYERS, least_edges=_LEAST_EDGES)
    hidden = (*find_disocclusions(layers, depth_layers), np.zeros_like(layers.unknown))
    light = np.ones(layers.unknown.shape, np.float32)
    parts: list[Gaussians] = []
    for layer, disocclusion in zip(reversed(depth_layers), reversed(hidden), strict=False):
        seen = (light > _LEAST_OPACITY) & (layer.matte > _LEAST_OPACITY) & ~layers.unknown
        parts += _splats(layers, layer, seen, disocclusion & ~seen)
        light = light * (1 - layer.matte)
    share = layers.matte[..., None]
    photo = np.rint(share * layers.rgb + (1 - share) * layers.behind_rgb).astype(np.uint8)
    return fit_colours(_joined(parts), photo, layers.camera, where=~layers.unknown)


def _underneath(blocks: Gaussians) -> Gaussians:
    """Splats of blocks, wide enough to leave no gap at the corners, and a little behind the smaller ones around."""
    farther = np.float32(1 + _UNDERNEATH)
    return replace(blocks, xyz=blocks.xyz * farther, sigma=blocks.sigma * np.float32(_WIDER))


@dataclass(frozen=True, slots=True, eq=False)
class _Grid:
    """A layer over blocks of pixels.

    Attributes:
        camera: of the grid's size.
        rgb: (h, w, 3) uint8.
        inverse: (h, w) float32.
        opacity: (h, w) float32.
        whole: (h, w) True where one splat may stand for the block.
    """

    camera: Intrinsics
    rgb: NDArray[np.uint8]
    inverse: NDArray[np.float32]
    opacity: NDArray[np.float32]
    whole: NDArray[np.bool_]


def _splats(layers: Layers, layer: DepthLayer, seen: NDArray[np.bool_], hidden: NDArray[np.bool_]) -> list[Gaussians]:
    """Those of one layer, the largest blocks first."""
    parts: list[Gaussians] = []
    opacity = np.where(hidden, np.float32(1), layer.matte)
    layer_px = seen | hidden
    left = layer_px
    for block in (*_BLOCKS_PX, 1):
        grid = _grid(layers.camera, layer, opacity, left & _well_inside(layer_px, block), hidden, block)
        if not grid.whole.any():
            continue
        depth = MetricDepth(np.float32(1) / grid.inverse, unit=layers.unit)
        points = unproject(depth, grid.camera)
        part = gaussians_of_points(points, grid.rgb, grid.camera, where=grid.whole, opacity=grid.opacity)
        parts.append(part if block == 1 else _underneath(part))
        taken = grid.whole.repeat(block, axis=0).repeat(block, axis=1)
        left = left & ~taken[: left.shape[0], : left.shape[1]]
    return parts


def _well_inside(layer_px: NDArray[np.bool_], block: int) -> NDArray[np.bool_]:
    """(H, W) True where a block's splat covers nothing beyond its layer."""
    if block == 1:
        return np.ones_like(layer_px)
    around = np.ones((2 * block + 1, 2 * block + 1), np.uint8)
    return np.asarray(cv2.erode(layer_px.astype(np.uint8), around), bool)


def _grid(
    camera: Intrinsics,
    layer: DepthLayer,
    opacity: NDArray[np.float32],
    left: NDArray[np.bool_],
    hidden: NDArray[np.bool_],
    block: int,
) -> _Grid:
    height, width = left.shape
    down, right = -height % block, -width % block
    rgb = cv2.copyMakeBorder(layer.rgb, 0, down, 0, right, cv2.BORDER_REPLICATE)
    inverse = cv2.copyMakeBorder(layer.inverse, 0, down, 0, right, cv2.BORDER_REPLICATE)
    wanted, behind = (np.pad(mask, ((0, down), (0, right))) for mask in (left, hidden))
    opaque = np.pad(opacity, ((0, down), (0, right)))
    colours = _blocks(np.asarray(rgb, np.float32), block)
    depths = _blocks(np.asarray(inverse, np.float32)[..., None], block)[..., 0]
    even = (colours.max(axis=2) - colours.min(axis=2)).max(axis=-1)
    limit = np.where(_blocks(behind[..., None], block)[..., 0].all(axis=2), _EVEN_HIDDEN, _EVEN_COLOUR)
    opaque_blocks = _blocks(opaque[..., None], block)[..., 0]
    whole = np.asarray(_blocks(wanted[..., None], block)[..., 0].all(axis=2), bool)
    if block > 1:
        is_even = (even <= limit) & (opaque_blocks.min(axis=2) >= 1)
        whole = np.asarray(whole & is_even & _is_flat(depths, block), bool)
    rows, columns = whole.shape
    wide = Intrinsics(width + right, height + down, camera.fx, camera.fy, camera.cx, camera.cy)
    return _Grid(
        camera=wide.resized(columns, rows),
        rgb=np.rint(colours.mean(axis=2)).astype(np.uint8),
        inverse=depths.mean(axis=2),
        opacity=np.maximum(opaque_blocks.mean(axis=2), np.float32(_LEAST_OPACITY)),
        whole=whole,
    )


def _blocks(image: NDArray[Any], block: int) -> NDArray[Any]:
    """(h, w, block * block, C) the pixels of each block."""
    height, width, channels = image.shape
    cells = image.reshape(height // block, block, width // block, block, channels).transpose(0, 2, 1, 3, 4)
    return cells.reshape(height // block, width // block, block * block, channels)


def _is_flat(depths: NDArray[np.float32], block: int) -> NDArray[np.bool_]:
    """(h, w) True for blocks (h, w, block * block) on a plane, which is linear in 1/z over the picture."""
    place = np.arange(block) - (block - 1) / 2
    across, down = np.tile(place, block), np.repeat(place, block)
    basis = np.stack([np.ones(block * block), across, down]).astype(np.float32)
    basis /= np.linalg.norm(basis, axis=1, keepdims=True)
    off = depths - (depths @ basis.T) @ basis
    return np.asarray(np.abs(off).max(axis=2) <= _FLAT * depths.mean(axis=2))


def _joined(parts: Sequence[Gaussians]) -> Gaussians:
    if not parts:
        raise GeometryError("geometry: no point is left; every depth is unknown or was cut away")
    return Gaussians(
        xyz=np.concatenate([part.xyz for part in parts]),
        rgb=np.concatenate([part.rgb for part in parts]),
        directions=np.concatenate([part.directions for part in parts]),
        sigma=np.concatenate([part.sigma for part in parts]),
        opacity=np.concatenate([part.opacities for part in parts]),
        unit=parts[0].unit,
    )
