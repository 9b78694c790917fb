"""Layers made ready to be drawn from many places."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, Pose
from depth3d.core.errors import UsageError
from depth3d.layers import DepthLayer, Layers, peel
from depth3d.layers.views.warp import epipolar_lines, limit_slopes

_Number = TypeVar("_Number", np.uint8, np.float32)

_STEEPEST = 0.8
"""Greatest change of a pixel's shift from one pixel to the next, within one layer."""
_FINER = 2
"""Colours are held at so many times the photo's size: bilinear sampling of that is as sharp as cubic sampling."""
_LONGEST = 32766
"""OpenCV's remap counts pixels in 16 bits."""
_AMPLE = 1.4
"""Not so if the photo has this many pixels per pixel of the view."""


@dataclass(frozen=True, slots=True, eq=False)
class Viewpoint:
    """A camera somewhere.

    Attributes:
        camera: what it is like, ideal; its size is that of the view.
        pose: where it stands; the world's axes are those of the camera that took the photo.
    """

    camera: Intrinsics
    pose: Pose


@dataclass(frozen=True, slots=True, eq=False)
class WarpLayer:
    """One continuous surface with its colours.

    Attributes:
        rgba: (H, W, 4) uint8, how much of a pixel it covers, and colours times that.
        finer: its pixels per pixel of the photo; their first centres are the same place.
        inverse: (h, w) float32 1/z over the same picture, its slopes limited for the views it is meant for.
    """

    rgba: NDArray[np.uint8]
    finer: int
    inverse: NDArray[np.float32]

    def covers(self, across: NDArray[np.float32], down: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Whether there is anything of it at places given as shares of width and height; beyond, as at the border."""
        height, width = self.rgba.shape[:2]
        rows = np.clip(down * height, 0, height - 1).astype(np.intp)
        return np.asarray(self.rgba[rows, np.clip(across * width, 0, width - 1).astype(np.intp), 3] > 0)


@dataclass(frozen=True, slots=True, eq=False)
class PreparedLayers:
    """Layers one before the other.

    Attributes:
        camera: the camera that took the photo, of the layers' size.
        layers: the farthest first; it covers everything.
        cell: pixels of a view per place that is traced; between them places are interpolated.
    """

    camera: Intrinsics
    layers: tuple[WarpLayer, ...]
    cell: int


def prepare_layers(layers: Layers, viewpoints: Sequence[Viewpoint], *, cell: int) -> PreparedLayers:
    """Make layers ready for some viewpoints, and those between them.

    Args:
        layers: the photo in layers.
        viewpoints: where it will be seen from, all of one size.
        cell: draw faster by tracing only every so many pixels of a view.

    Raises:
        UsageError: the photo is too long and thin.
    """
    photo = layers.camera
    if _FINER * max(photo.size) > _LONGEST:
        raise UsageError(
            f"views of a picture of {photo.width}x{photo.height} pixels cannot be drawn: no side may exceed "
            f"{_LONGEST // _FINER}; crop it first"
        )
    width = max(one.camera.width for one in viewpoints)
    scale = width / photo.width / cell
    size = max(2, math.ceil(photo.width * scale)), max(2, math.ceil(photo.height * scale))
    slopes = _slopes(photo.resized(*size), viewpoints)
    warped = tuple(_warp_layer(layer, size, slopes, width) for layer in peel(layers))
    return PreparedLayers(photo, warped, cell)


def _warp_layer(layer: DepthLayer, size: tuple[int, int], slopes: tuple[float, float], width: int) -> WarpLayer:
    height, own = layer.matte.shape
    rgb, matte, inverse = layer.rgb, layer.matte, layer.inverse
    finer = _FINER if own < _AMPLE * width else 1
    if finer > 1:
        # Cubic interpolation overshoots: colours may, mattes and colours cut off by them would get a bright rim.
        rgb, matte = _finer(rgb, finer, cv2.INTER_CUBIC), _finer(matte, finer, cv2.INTER_LINEAR)
    alpha = np.rint(matte * 255).astype(np.uint8)
    rgba = cv2.merge([np.asarray(cv2.multiply(rgb, cv2.merge([alpha] * 3), scale=1 / 255), np.uint8), alpha])
    if size != (own, height):
        # Where the near meets the far, a coarser place belongs to the near.
        reach = max(1, round(own / size[0]))
        near = cv2.dilate(inverse, np.ones((reach, reach), np.uint8))
        way = cv2.INTER_AREA if size[0] < own else cv2.INTER_LINEAR
        inverse = np.asarray(cv2.resize(near, size, interpolation=way), np.float32)
    return WarpLayer(np.ascontiguousarray(rgba), finer, limit_slopes(np.asarray(inverse, np.float32), *slopes))


def _finer(image: NDArray[_Number], finer: int, interpolation: int) -> NDArray[_Number]:
    """The picture with its own pixels as they are, and others between them."""
    height, width = image.shape[:2]
    onto = np.array([[1 / finer, 0, 0], [0, 1 / finer, 0]])
    goal = (width - 1) * finer + 1, (height - 1) * finer + 1
    way = interpolation | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(image, onto, goal, flags=way, borderMode=cv2.BORDER_REPLICATE), image.dtype)


def _slopes(photo: Intrinsics, viewpoints: Sequence[Viewpoint]) -> tuple[float, float]:
    """How steep 1/z may be along rows and columns, per pixel of a photo of this size."""
    most_x = most_y = 0.0
    for one in viewpoints:
        u = np.array([[0, one.camera.width]], np.float32)
        v = np.array([[0], [one.camera.height]], np.float32)
        along, down = epipolar_lines(photo, one.camera, one.pose, u, v).course
        most_x, most_y = max(most_x, float(np.abs(along).max())), max(most_y, float(np.abs(down).max()))
    total = most_x + most_y
    if total == 0:
        return math.inf, math.inf
    # Both slopes together stay below 1 along any course.
    steepest_x, steepest_y = (_STEEPEST / most if most > 1e-3 * total else math.inf for most in (most_x, most_y))
    return steepest_x, steepest_y
