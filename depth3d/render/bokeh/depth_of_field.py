"""From a photo and its depth to the photo that a large lens would have taken."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.errors import UsageError
from depth3d.core.images import Picture
from depth3d.core.options import BokehOptions
from depth3d.core.rgbd import RGBD
from depth3d.layers import DepthLayer, peel, to_layers
from depth3d.render.bokeh.compositing import Surface, compose
from depth3d.render.parallax.framing import find_focus

DEFAULT_BLUR_PERCENT = BokehOptions().blur_percent
DEFAULT_HIGHLIGHTS = BokehOptions().highlights

_FULL_FRAME_DIAGONAL_MM = math.hypot(36, 24)
_FARTHEST_PERCENTILE, _NEAREST_PERCENTILE = 2, 98
_OUTLIERS = 1.5
_LARGEST_PERCENT = 20.0
_WHOLE = 0.99
_NEARBY_PX = 5


def defocus(
    rgbd: RGBD,
    *,
    focus: tuple[float, float] | None = None,
    blur_percent: float = DEFAULT_BLUR_PERCENT,
    f_number: float | None = None,
    blades: int = BokehOptions().blades,
    highlights: float = DEFAULT_HIGHLIGHTS,
) -> Picture:
    """Blur what is not in focus, as the aperture of a larger lens would.

    A thin lens of aperture A focused at depth s makes a disc of the diameter A f |1/z - 1/s| pixels of a point at
    depth z, f being the focal length in pixels. That is linear in 1/z: relative depth needs no metres for it, its
    unknown scale and shift change nothing, if the blur is given as a share of the picture.

    Light is mixed as light, not as sRGB. A nearer thing out of focus spreads over what is behind it, a sharp one keeps
    its edge and lends no colour to the blur behind it; what shows up behind edges is what `peel` has continued there.

    Args:
        rgbd: photo, depth and camera; what is unknown is taken as far as the farthest.
        focus: pixel (u, v) of what stays sharp; None is the depth of the picture's middle.
        blur_percent: diameter of the discs that either the farthest or the nearest things become (the 2nd and 98th
            percentile of 1/z), whichever are larger, in per cent of the picture's width.
        f_number: instead of `blur_percent`, the f-number of a lens on a full-frame camera (36 x 24 mm) with the photo's
            field of view; depth must be in metres.
        blades: corners of a polygonal aperture; 0 is a disc.
        highlights: how many times brighter than white the photo's white lights really were; 1 takes them as they are.

    Raises:
        UsageError: an option is out of range, or the focus lies outside the picture or has no depth.
    """
    check_lens(blur_percent, f_number, blades, highlights)
    camera, layers = rgbd.camera, to_layers(rgbd)
    at = None if focus is None else (focus[0] / camera.width, focus[1] / camera.height)
    sharp = find_focus(layers, at).inverse
    if f_number is None:
        low, high = np.nanpercentile(layers.front_inverse, [_FARTHEST_PERCENTILE, _NEAREST_PERCENTILE])
        largest = max(sharp - low, high - sharp)
        gain = blur_percent / 100 * camera.width / largest if largest > 0 else 0.0
        limit = _OUTLIERS * blur_percent / 2
    else:
        gain = aperture_m(camera, f_number) * camera.fx
        limit = _LARGEST_PERCENT / 2
    circles = _Circles(sharp, gain / 2, limit / 100 * camera.width)
    surfaces = _surfaces(peel(layers), rgbd.rgb, circles)
    return Picture(compose(surfaces, blades=blades, highlights=highlights))


def aperture_m(camera: Intrinsics, f_number: float) -> float:
    """Diameter in metres of the aperture of a full-frame lens with the camera's field of view along the diagonal."""
    diagonal_px = math.hypot(camera.width, camera.height)
    return camera.fx / diagonal_px * _FULL_FRAME_DIAGONAL_MM / 1000 / f_number


@dataclass(frozen=True, slots=True)
class _Circles:
    """Circles of confusion: 1/z in focus, pixels of radius per unit of 1/z, and the largest radius in pixels."""

    sharp: float
    gain: float
    limit_px: float

    def radius_px(self, inverse: NDArray[np.float32]) -> NDArray[np.float32]:
        radius = (inverse - np.float32(self.sharp)) * np.float32(self.gain)
        return np.asarray(np.clip(radius, -self.limit_px, self.limit_px), np.float32)


def _surfaces(depth_layers: Sequence[DepthLayer], rgb: NDArray[np.uint8], circles: _Circles) -> list[Surface]:
    """The layers at the photo's size, the nearest first; what is seen has the photo's own pixels."""
    size = (rgb.shape[1], rgb.shape[0])
    uncovered = np.ones(rgb.shape[:2], np.float32)
    surfaces = []
    for layer in reversed(depth_layers):
        share = _enlarged(layer.matte, size, cv2.INTER_LINEAR)
        colours = np.asarray(cv2.resize(_plain(layer), size, interpolation=cv2.INTER_LINEAR), np.uint8)
        colours = np.where((share * uncovered >= _WHOLE)[..., None], rgb, colours)
        radius = circles.radius_px(_enlarged(layer.inverse, size, cv2.INTER_NEAREST))
        surfaces.append(Surface(colours, share, radius))
        uncovered *= 1 - share
    return surfaces


def _enlarged(values: NDArray[np.float32], size: tuple[int, int], how: int) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(values, size, interpolation=how), np.float32)


def _plain(layer: DepthLayer) -> NDArray[np.uint8]:
    """Colours that at soft edges are those of the layer nearby.

    There they were freed from what is behind, which is right only as long as the same is behind: blurred it is not.
    """
    whole = (layer.matte >= _WHOLE).astype(np.float32)
    window = (_NEARBY_PX, _NEARBY_PX)
    count = np.asarray(cv2.blur(whole, window), np.float32)
    soft = (layer.matte > 0) & (whole == 0) & (count > 1 / _NEARBY_PX**2)
    mean = np.asarray(cv2.blur(layer.rgb * whole[..., None], window), np.float32)[soft] / count[soft][:, None]
    rgb = layer.rgb.copy()
    rgb[soft] = np.rint(mean)
    return rgb


def check_lens(blur_percent: float, f_number: float | None, blades: int, highlights: float) -> None:
    """Raise UsageError unless what is known about the lens is in range."""
    if not 0 < blur_percent <= _LARGEST_PERCENT:
        raise UsageError(
            f"blur must lie between 0 and {_LARGEST_PERCENT:g} per cent of the width, got {blur_percent:g}"
        )
    if f_number is not None and not 0.5 <= f_number <= 64:
        raise UsageError(f"the f-number must lie between 0.5 and 64, got {f_number:g}")
    if blades != 0 and not 3 <= blades <= 20:
        raise UsageError(f"an aperture has 3 to 20 blades, or 0 for a disc, got {blades}")
    if not 1 <= highlights <= 100:
        raise UsageError(f"highlights must lie between 1 and 100 times white, got {highlights:g}")
