"""Drawing a view: every sheet is traced and looked up, the nearer over the farther."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.camera import Intrinsics, Pose
from depth3d.layers import Layers
from depth3d.views.staging import Sheet, Stage, Viewpoint, to_stage
from depth3d.views.tracing import lines_of, trace

_OPAQUE = 255


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


@dataclass(frozen=True, slots=True, eq=False)
class _Places:
    """Where in the photo each pixel of a view looks, in pixels of the photo's camera, corners at (0, 0) and (w, h)."""

    x: NDArray[np.float32]
    y: NDArray[np.float32]


def render_view(layers: Layers, camera: Intrinsics, pose: Pose) -> View:
    """Show layers as another camera sees them.

    For many views of the same layers prepare a stage once, `to_stage`, and draw each with `draw_view`.

    Args:
        layers: the photo in layers.
        camera: the view's camera, ideal, of any size.
        pose: where it stands; the world's axes are those of the camera that took the photo.
    """
    viewpoint = Viewpoint(camera, pose)
    stage = to_stage(layers, [viewpoint], cell=1)
    places = [_places(stage, sheet, viewpoint) for sheet in stage.sheets]
    rgba = _composed(stage, places)
    coverage = _within(stage.camera, places[0])
    for sheet, place in zip(stage.sheets[1:], places[1:], strict=True):
        coverage |= _within(stage.camera, place) & (_looked_up(sheet, place)[..., 3] >= _OPAQUE // 2)
    return View(np.asarray(cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB), np.uint8), coverage)


def draw_view(stage: Stage, viewpoint: Viewpoint) -> NDArray[np.uint8]:
    """The picture (H, W, 3) uint8 from one of the viewpoints the stage was made for, or from between them."""
    rgba = _composed(stage, [_places(stage, sheet, viewpoint) for sheet in stage.sheets])
    return np.asarray(cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB), np.uint8)


def _places(stage: Stage, sheet: Sheet, viewpoint: Viewpoint) -> _Places:
    """Trace every `cell`-th pixel, one cell beyond the view's border too, and interpolate between."""
    camera, cell = viewpoint.camera, stage.cell
    rows, columns = -(-camera.height // cell) + 2, -(-camera.width // cell) + 2
    u = ((np.arange(columns, dtype=np.float32) - np.float32(0.5)) * np.float32(cell))[None, :]
    v = ((np.arange(rows, dtype=np.float32) - np.float32(0.5)) * np.float32(cell))[:, None]
    height, width = sheet.inverse.shape
    x, y = trace(sheet.inverse, lines_of(stage.camera.resized(width, height), camera, viewpoint.pose, u, v))
    x *= np.float32(stage.camera.width / width)
    y *= np.float32(stage.camera.height / height)
    inside = np.s_[cell : cell + camera.height, cell : cell + camera.width]
    size = columns * cell, rows * cell
    return _Places(
        *(np.asarray(cv2.resize(one, size, interpolation=cv2.INTER_LINEAR), np.float32)[inside] for one in (x, y))
    )


def _looked_up(sheet: Sheet, places: _Places) -> NDArray[np.uint8]:
    # cv2.remap counts from the first pixel's centre.
    x, y = ((place - np.float32(0.5)) * np.float32(sheet.finer) for place in (places.x, places.y))
    return np.asarray(cv2.remap(sheet.rgba, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _composed(stage: Stage, places: list[_Places]) -> NDArray[np.uint8]:
    picture = _looked_up(stage.sheets[0], places[0])
    for sheet, place in zip(stage.sheets[1:], places[1:], strict=True):
        picture = _over(_looked_up(sheet, place), picture)
    return picture


def _over(nearer: NDArray[np.uint8], farther: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The nearer picture over the farther one, which is changed."""
    share = cv2.extractChannel(nearer, 3)
    cv2.copyTo(nearer, cv2.inRange(share, _OPAQUE, _OPAQUE), farther)
    rows, columns = np.nonzero(cv2.inRange(share, 1, _OPAQUE - 1))
    part = share[rows, columns].astype(np.uint16)[:, None]
    mixed = nearer[rows, columns] * part + farther[rows, columns] * (_OPAQUE - part) + _OPAQUE // 2
    farther[rows, columns] = mixed // _OPAQUE
    return farther


def _within(photo: Intrinsics, places: _Places) -> NDArray[np.bool_]:
    return (places.x >= 0) & (places.x <= photo.width) & (places.y >= 0) & (places.y <= photo.height)
