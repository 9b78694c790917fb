"""Drawing a view: every layer is traced and looked up, the nearer over the farther."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, Pose
from depth3d.layers import Layers
from depth3d.layers.views.warp import MOST_ROUNDS, epipolar_lines, trace
from depth3d.layers.views.warp_prepare import PreparedLayers, Viewpoint, WarpLayer, prepare_layers

_OPAQUE = 255
_ROUNDS = 8
"""Of tracing where a view is drawn fast: enough but where a layer is stretched."""
_SPARSE = 8
"""Every so many pixels of a border are looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A picture from elsewhere.

    Attributes:
        rgb: (H, W, 3) uint8.
        coverage: (H, W) True where the view shows what lies within the photo's field of view, hidden in it or not;
            beyond it the photo's border is repeated.
    """

    rgb: NDArray[np.uint8]
    coverage: NDArray[np.bool_]


def render_view(layers: Layers, camera: Intrinsics, pose: Pose) -> View:
    """Show layers as another camera sees them.

    For many views of the same layers call `prepare_layers` once, and draw each with `draw_view`.

    Args:
        layers: the photo in layers.
        camera: the view's camera, ideal, of any size.
        pose: where it stands; the world's axes are those of the camera that took the photo.
    """
    viewpoint = Viewpoint(camera, pose)
    prepared = prepare_layers(layers, [viewpoint], cell=1)
    places = [_places(prepared, layer, viewpoint) for layer in prepared.layers]
    pictures = [_looked_up(layer, place) for layer, place in zip(prepared.layers, places, strict=True)]
    coverage = np.zeros((camera.height, camera.width), bool)
    for layer, place, picture in zip(prepared.layers, places, pictures, strict=True):
        coverage |= _within(layer, place) & (picture[..., 3] > _OPAQUE // 2)
    return View(_composed(pictures), coverage)


def draw_view(prepared: PreparedLayers, viewpoint: Viewpoint) -> NDArray[np.uint8]:
    """The picture (H, W, 3) uint8 from one of the viewpoints the layers were prepared for, or from between them."""
    return _composed([_looked_up(layer, _places(prepared, layer, viewpoint)) for layer in prepared.layers])


def overshoot(prepared: PreparedLayers, viewpoint: Viewpoint) -> float:
    """How far a view looks beyond the photo's border, as a share of its width or height; negative where it does not."""
    camera = viewpoint.camera
    across = np.linspace(0, camera.width, max(2, camera.width // _SPARSE), dtype=np.float32)
    down = np.linspace(0, camera.height, max(2, camera.height // _SPARSE), dtype=np.float32)
    zero_x, zero_y = np.zeros_like(across), np.zeros_like(down)
    u = np.concatenate([across, across, zero_y, zero_y + np.float32(camera.width)])[None]
    v = np.concatenate([zero_x, zero_x + np.float32(camera.height), down, down])[None]
    most = -1.0
    for layer in prepared.layers:
        height, width = layer.inverse.shape
        x, y = trace(
            layer.inverse, epipolar_lines(prepared.camera.resized(width, height), camera, viewpoint.pose, u, v)
        )
        shown = layer.covers(x / width, y / height)
        for place, length in ((x[shown], width), (y[shown], height)):
            if place.size:
                most = max(most, float(-place.min()) / length, float(place.max()) / length - 1)
    return most


@dataclass(frozen=True, slots=True, eq=False)
class _Places:
    """Where each pixel of a view looks in a layer's colours, from the centre of their first pixel: as OpenCV counts.

    Attributes:
        x: (H, W) float32.
        y: (H, W) float32.
    """

    x: NDArray[np.float32]
    y: NDArray[np.float32]


def _places(prepared: PreparedLayers, layer: WarpLayer, viewpoint: Viewpoint) -> _Places:
    """Trace every `cell`-th pixel, one cell beyond the view's border too, and interpolate between."""
    camera, photo, cell = viewpoint.camera, prepared.camera, prepared.cell
    rows, columns = -(-camera.height // cell) + 2, -(-camera.width // cell) + 2
    u = ((np.arange(columns, dtype=np.float32) - np.float32(0.5)) * np.float32(cell))[None, :]
    v = ((np.arange(rows, dtype=np.float32) - np.float32(0.5)) * np.float32(cell))[:, None]
    height, width = layer.inverse.shape
    lines = epipolar_lines(photo.resized(width, height), camera, viewpoint.pose, u, v)
    x, y = trace(layer.inverse, lines, rounds=MOST_ROUNDS if cell == 1 else _ROUNDS)
    inside = np.s_[cell : cell + camera.height, cell : cell + camera.width]

    def finer(place: NDArray[np.float32], px_per_place: float) -> NDArray[np.float32]:
        px = (place * np.float32(px_per_place) - np.float32(0.5)) * np.float32(layer.finer)
        size = columns * cell, rows * cell
        return np.asarray(cv2.resize(px, size, interpolation=cv2.INTER_LINEAR)[inside], np.float32)

    return _Places(finer(x, photo.width / width), finer(y, photo.height / height))


def _looked_up(layer: WarpLayer, places: _Places) -> NDArray[np.uint8]:
    looked_up = cv2.remap(layer.rgba, places.x, places.y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(looked_up, np.uint8)


def _composed(pictures: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Nearer pictures over farther ones (Porter and Duff, "Compositing Digital Images", SIGGRAPH 1984), as RGB."""
    below, *others = pictures
    for above in others:
        left = cv2.bitwise_not(cv2.extractChannel(above, 3))
        below = np.asarray(cv2.add(above, cv2.multiply(below, cv2.merge([left] * 4), scale=1 / _OPAQUE)), np.uint8)
    return np.asarray(cv2.cvtColor(below, cv2.COLOR_RGBA2RGB), np.uint8)


def _within(layer: WarpLayer, places: _Places) -> NDArray[np.bool_]:
    """Whether places lie within the photo, half a pixel of which lies around the centres of its outermost ones."""
    height, width = layer.rgba.shape[:2]
    margin = layer.finer / 2
    inside = (places.x >= -margin) & (places.x <= width - 1 + margin)
    return np.asarray(inside & (places.y >= -margin) & (places.y <= height - 1 + margin))
