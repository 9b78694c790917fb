"""Both eyes' pictures in one file."""

from __future__ import annotations

import math
from typing import get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import UsageError
from depth3d.core.images import Picture
from depth3d.core.options import AnaglyphColors, AnimationOptions, Layout, StereoOptions
from depth3d.core.rgbd import RGBD
from depth3d.layers.views.resolution import checked_width, layers_for
from depth3d.render.heatmap import to_depth_photo
from depth3d.render.stereo.anaglyph import DEFAULT_COLORS, to_anaglyph
from depth3d.render.stereo.autostereogram import to_autostereogram
from depth3d.render.stereo.quilt import check_grid, quilt_name, to_quilt
from depth3d.render.stereo.stereo_rig import Eyes, StereoPair, see, to_rig, warn_beyond_comfort
from depth3d.render.stereo.vr180 import to_vr180

LAYOUTS: tuple[Layout, ...] = get_args(Layout)
DEFAULT_LAYOUT = StereoOptions().layout
DEFAULT_WIDTH = 1920
DEFAULT_WIGGLE_WIDTH = AnimationOptions().width
DEFAULT_DOTS_WIDTH = 1200
DEFAULT_VR180_WIDTH = 2880
DEFAULT_QUILT, DEFAULT_QUILT_WIDTH = StereoOptions().quilt, 512
_FOR_ONE_EYE = ("autostereogram", "rgbd", "quilt")

_FARTHEST_PERCENTILE, _NEAREST_PERCENTILE = 2, 98


def to_stereo(
    rgbd: RGBD,
    *,
    layout: Layout = DEFAULT_LAYOUT,
    eyes: Eyes | None = None,
    width: int | None = None,
    swap: bool = False,
    anaglyph: AnaglyphColors = DEFAULT_COLORS,
    quilt: tuple[int, int] = DEFAULT_QUILT,
) -> Picture:
    """A photo for two eyes; what things hide from the camera and one of the eyes sees is filled in.

    Args:
        rgbd: photo, depth and camera; what is unknown is as far as the farthest.
        layout: a name of LAYOUTS. The halves are squeezed to half their size; "cross-eyed" has the right eye's picture
            at the left; an autostereogram shows depth only, in dots of the photo's colours; "rgbd" has grey depth at
            the right, near white; a "quilt" many views.
        eyes: how they look; VR180 looks straight ahead, and autostereograms have eyes of their own.
        width: pixels of each eye's picture, of a quilt's view, or of the autostereogram; None is 1920, 2880 for VR180,
            1200 for autostereograms and 512 for quilts. Smaller photos are not enlarged, but for VR180.
        swap: give each eye the other one's picture.
        anaglyph: the glasses of an anaglyph, see `to_anaglyph`.
        quilt: (columns, rows) of a quilt.

    Raises:
        UsageError: a number or a name is out of range, or an option belongs to another layout.

    Warns:
        ComfortWarning: looking at it may strain the eyes.
    """
    check_layout(layout, swap=swap, anaglyph=anaglyph, quilt=quilt)
    eyes = eyes or Eyes()
    if layout == "rgbd":
        return Picture(_with_depth(rgbd, width or DEFAULT_WIDTH))
    if layout == "autostereogram":
        return Picture(_autostereogram(rgbd, width or DEFAULT_DOTS_WIDTH))
    if layout == "vr180":
        width = checked_width(width or DEFAULT_VR180_WIDTH)
        # In the middle, a pixel of the half sphere is pi / width wide, and one of the photo 1 / fx.
        layers, _ = layers_for(rgbd, max(16, math.ceil(rgbd.size[0] * width / math.pi / rgbd.camera.fx)))
        return Picture(_beside(_swapped(to_vr180(layers, to_rig(layers, eyes, at_infinity=True), width), swap)))
    if layout == "quilt":
        layers, tile = layers_for(rgbd, width or DEFAULT_QUILT_WIDTH)
        told = f"Looking Glass software wants a name that ends in {quilt_name(quilt, tile)}"
        return Picture(to_quilt(layers, to_rig(layers, eyes), tile, quilt), told)
    pair = to_stereo_pair(rgbd, eyes=eyes, width=width, swap=swap)
    return Picture(to_anaglyph(pair, anaglyph) if layout == "anaglyph" else _arranged(pair, layout))


def to_stereo_pair(rgbd: RGBD, *, eyes: Eyes | None = None, width: int | None = None, swap: bool = False) -> StereoPair:
    """What either eye sees, see `to_stereo`.

    Raises:
        UsageError: a number is out of range.
    """
    layers, size = layers_for(rgbd, width or DEFAULT_WIDTH)
    rig = to_rig(layers, eyes or Eyes())
    warn_beyond_comfort(rig)
    return _swapped(StereoPair(*see(layers, rig, size, (-1.0, 1.0))), swap)


def check_layout(layout: Layout, *, swap: bool, anaglyph: AnaglyphColors, quilt: tuple[int, int]) -> None:
    """Raise UsageError for options that would do nothing, a layout that is unknown, or too many or too few views."""
    if layout not in LAYOUTS:
        raise UsageError(f"there is no layout {layout!r}; choose one of {', '.join(LAYOUTS)}")
    check_grid(quilt)
    if swap and layout in _FOR_ONE_EYE:
        raise UsageError(f"swap: a picture of the layout {layout!r} has no eyes to be exchanged; leave it out")
    if anaglyph != DEFAULT_COLORS and layout != "anaglyph":
        raise UsageError(f"anaglyph: the glasses belong to the layout 'anaglyph', got {layout!r}; leave them out")
    if quilt != DEFAULT_QUILT and layout != "quilt":
        raise UsageError(f"quilt: columns and rows belong to the layout 'quilt', got {layout!r}; leave them out")


def _swapped(pair: StereoPair, swap: bool) -> StereoPair:
    return StereoPair(pair.right, pair.left) if swap else pair


def _with_depth(rgbd: RGBD, width: int) -> NDArray[np.uint8]:
    """The photo, and at its right its depth in grey."""
    width = min(checked_width(width), rgbd.size[0])
    size = width, max(1, round(rgbd.size[1] * width / rgbd.size[0]))
    pair = to_depth_photo(rgbd.rgb, rgbd.depth)
    rgb, grey = (np.asarray(cv2.resize(one, size, interpolation=cv2.INTER_AREA)) for one in (pair.rgb, pair.nearness))
    return np.hstack([rgb, np.repeat(grey[..., None], 3, axis=2)])


def _arranged(pair: StereoPair, layout: Layout) -> NDArray[np.uint8]:
    height, width = pair.left.shape[:2]
    if layout == "cross-eyed":
        return _beside(StereoPair(pair.right, pair.left))
    if layout == "side-by-side":
        return _beside(pair)
    if layout == "half-side-by-side":
        return _beside(_squeezed(pair, (max(1, width // 2), height)))
    if layout == "half-top-bottom":
        pair = _squeezed(pair, (width, max(1, height // 2)))
    return np.vstack([pair.left, pair.right])


def _beside(pair: StereoPair) -> NDArray[np.uint8]:
    return np.hstack([pair.left, pair.right])


def _squeezed(pair: StereoPair, size: tuple[int, int]) -> StereoPair:
    halves = (cv2.resize(eye, size, interpolation=cv2.INTER_AREA) for eye in (pair.left, pair.right))
    return StereoPair(*(np.asarray(half, np.uint8) for half in halves))


def _autostereogram(rgbd: RGBD, width: int) -> NDArray[np.uint8]:
    rgb, depth = rgbd.rgb, rgbd.depth
    width = min(checked_width(width), rgb.shape[1])
    size = width, max(1, round(rgb.shape[0] * width / rgb.shape[1]))
    inverse = np.float32(1) / depth.z
    far, near = np.nanpercentile(inverse, [_FARTHEST_PERCENTILE, _NEAREST_PERCENTILE])
    nearness = (inverse - np.float32(far)) / np.float32(max(near - far, 1e-12))
    nearness = np.clip(np.nan_to_num(nearness), 0, 1)
    small = np.asarray(cv2.resize(nearness, size, interpolation=cv2.INTER_AREA), np.float32)
    return to_autostereogram(small, rgb.reshape(-1, 3))
