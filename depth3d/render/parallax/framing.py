"""From a motion to cameras: how far, about which focus, and so that no border is seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, Pose
from depth3d.core.errors import UsageError
from depth3d.layers import Layers
from depth3d.layers.views import PreparedLayers, Viewpoint, overshoot
from depth3d.render.parallax.camera_paths import Motion, Place

_NEAREST_PERCENTILE = 98
_MIDDLE = 1 / 3
_AROUND = 0.02
_NEAREST_PASS = 0.6
"""A camera moves ahead by at most this share of the nearest depth."""
_MOST_ZOOM = 1.6
_ROUNDS, _MORE = 12, 1.2
_UNSEEN = 2e-4
"""Share of the width that a view may look beyond the border: a fraction of a pixel."""


@dataclass(frozen=True, slots=True)
class Focus:
    """What a motion turns about.

    Attributes:
        u: image coordinate in the photo, of the layers' size.
        v: the same downwards.
        inverse: its 1/z.
        near: 1/z of the nearest things.
        far: that of the farthest.
    """

    u: float
    v: float
    inverse: float
    near: float
    far: float

    @property
    def reach(self) -> float:
        """The difference of 1/z between the focus and what moves most."""
        return max(self.near - self.inverse, self.inverse - self.far)


def find_focus(layers: Layers, at: tuple[float, float] | None) -> Focus:
    """The focus at a place, as shares of width and height, or that of the photo's middle.

    Raises:
        UsageError: the place lies outside the photo, or has no depth.
    """
    seen = layers.front_inverse
    height, width = seen.shape
    u, v = (0.5, 0.5) if at is None else at
    if not (0 <= u <= 1 and 0 <= v <= 1):
        raise UsageError(f"the focus lies outside the photo, at {u:.2f} of its width and {v:.2f} of its height")
    reach = _MIDDLE / 2 if at is None else _AROUND / 2
    rows = slice(max(0, int((v - reach) * height)), max(1, math.ceil((v + reach) * height)))
    columns = slice(max(0, int((u - reach) * width)), max(1, math.ceil((u + reach) * width)))
    known = seen[np.isfinite(seen)]
    around = seen[rows, columns][np.isfinite(seen[rows, columns])]
    if len(around) == 0:
        if at is not None:
            raise UsageError("the focus has no depth; choose another place")
        around = known
    inverse = float(np.median(around))
    near = max(float(np.percentile(known, _NEAREST_PERCENTILE)), inverse)
    return Focus(u * width, v * height, inverse, near, min(float(layers.behind_inverse.min()), inverse))


def to_viewpoints(
    motion: Motion, phases: Sequence[float], focus: Focus, photo: Intrinsics, size: tuple[int, int]
) -> list[Viewpoint]:
    """A camera for each phase of a motion, its picture of the given size.

    Raises:
        UsageError: the camera would go into the things.
    """
    places = [_in_scene(motion, motion.place(phase), focus, photo) for phase in phases]
    most = max(place.ahead for place in places) * focus.near
    if most > _NEAREST_PASS:
        raise UsageError(
            f"the camera would move ahead by {most:.0%} of the nearest depth; choose a smaller amount, at most "
            f"{_NEAREST_PASS:.0%}"
        )
    return [_viewpoint(motion, place, focus, photo, size) for place in places]


def _in_scene(motion: Motion, place: Place, focus: Focus, photo: Intrinsics) -> Place:
    """The place with its lengths in the unit of the depth."""
    if motion.unit == "scene":
        return place
    side = photo.width / 100 / photo.fx / focus.reach if focus.reach > 0 else 0.0
    relative = focus.reach if motion.hold == "size" else focus.near
    share = place.ahead / 50 / relative if relative > 0 else 0.0
    # A move ahead by the share s of the nearest depth enlarges the nearest things by 1 / (1 - s).
    ahead = share if motion.hold == "size" else share / (1 + max(share * focus.near, 0))
    return replace(place, right=place.right * side, down=place.down * side, ahead=ahead)


def _viewpoint(motion: Motion, place: Place, focus: Focus, photo: Intrinsics, size: tuple[int, int]) -> Viewpoint:
    towards = np.array([(focus.u - photo.cx) / photo.fx, (focus.v - photo.cy) / photo.fy, 1.0])
    position = np.array([place.right, place.down, 0.0]) + place.ahead * towards
    turn = _turned(place)
    zoom, cx, cy = place.zoom, photo.cx, photo.cy
    if motion.hold == "size":
        zoom *= 1 - place.ahead * focus.inverse
    if motion.hold == "point":
        turn = _rotation_between(towards, towards / focus.inverse - position) @ turn
    cx, cy = focus.u + (cx - focus.u) * zoom, focus.v + (cy - focus.v) * zoom
    if motion.hold in ("plane", "size"):
        behind = 1 / focus.inverse - place.ahead
        cx += photo.fx * zoom * place.right / behind
        cy += photo.fy * zoom * place.down / behind
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = turn, position
    camera = replace(photo, fx=photo.fx * zoom, fy=photo.fy * zoom, cx=cx, cy=cy)
    return Viewpoint(camera.resized(*size), Pose(pose))


def _turned(place: Place) -> NDArray[np.float64]:
    """World from camera, for a camera turned in its place."""
    yaw, pitch, roll = (math.radians(angle) for angle in (place.yaw_deg, place.pitch_deg, place.roll_deg))
    right = np.array([[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]])
    up = np.array([[1, 0, 0], [0, math.cos(pitch), -math.sin(pitch)], [0, math.sin(pitch), math.cos(pitch)]])
    clockwise = np.array([[math.cos(roll), -math.sin(roll), 0], [math.sin(roll), math.cos(roll), 0], [0, 0, 1]])
    return np.asarray(right @ up @ clockwise, np.float64)


def _rotation_between(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """The smallest rotation that takes one direction to another (Rodrigues)."""
    a, b = start / np.linalg.norm(start), end / np.linalg.norm(end)
    axis, cosine = np.cross(a, b), float(a @ b)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.asarray(np.eye(3) + cross + cross @ cross / (1 + cosine), np.float64)


def enlarged(viewpoint: Viewpoint, zoom: float) -> Viewpoint:
    """The same view, enlarged about its middle."""
    camera = viewpoint.camera
    width, height = camera.size
    return replace(
        viewpoint,
        camera=replace(
            camera,
            fx=camera.fx * zoom,
            fy=camera.fy * zoom,
            cx=width / 2 + (camera.cx - width / 2) * zoom,
            cy=height / 2 + (camera.cy - height / 2) * zoom,
        ),
    )


def filling_zoom(prepared: PreparedLayers, viewpoints: Sequence[Viewpoint]) -> float:
    """By how much views must be enlarged so that none looks beyond the photo's border.

    Raises:
        UsageError: they would have to be enlarged too much.
    """
    zoom = 1.0
    for _ in range(_ROUNDS):
        over = max(overshoot(prepared, enlarged(one, zoom)) for one in viewpoints)
        if over <= _UNSEEN:
            return zoom
        zoom *= 1 + 2 * over * _MORE
        if zoom > _MOST_ZOOM:
            break
    raise UsageError(
        f"to keep the border full the picture would have to be enlarged by more than {_MOST_ZOOM - 1:.0%}; choose a "
        "smaller amount"
    )
