"""Photos whose depths have one scale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, Pose
from depth3d.core.errors import HintError
from depth3d.core.undistort import to_ideal_pixels
from depth3d.io.captures import Capture
from depth3d.scale.hint import moved_pixels
from depth3d.scenes.multiview.depth_cache import DepthCache
from depth3d.scenes.multiview.fusion import DepthView
from depth3d.scenes.multiview.known_lengths import Pixel, Unit
from depth3d.scenes.options import Options

_TRUST_IN_DOWN = 0.003
"""What a radian squared between a photo's down and the world's is worth against one between its right and level."""

_NO_UNIT = "the unit is the model's own; a known length, or the model's units per metre, would make it metres"


@dataclass(frozen=True, slots=True, eq=False)
class AlignedPhoto:
    """One photo of a set with one scale.

    Attributes:
        path: the photo's file.
        camera_as_taken: its camera as it was taken, upright.
        camera: its camera with the lens's distortion undone.
        pose: where it was taken, in the model's unit.
        points: how many points fixed its scale; 0 where its depth was metric already.
        notes: sentences about its scale.
    """

    path: Path
    camera_as_taken: Intrinsics
    camera: Intrinsics
    pose: Pose
    points: int
    notes: tuple[str, ...]


class Aligned:
    """Photos with depth on one scale; made by `align_views`, and gone when its block ends.

    Attributes:
        source: where the poses came from, in words for the user.
        photos: those that could be used.
        left_out: file name and reason of those that could not.
        unit: how large the model is.
        up: (3,) the direction opposite to gravity in the model, known or guessed from how photos are held.
        typical_z: the median depth, in the model's unit.
        options: what the user chose.
    """

    def __init__(self, capture: Capture, depths: DepthCache, options: Options) -> None:
        self.source, self.options = capture.source, options
        self.photos: list[AlignedPhoto] = []
        self.left_out = list(capture.left_out)
        self.unit = Unit(1.0, capture.is_metric, "the model is in metres" if capture.is_metric else _NO_UNIT)
        self.notes = list(capture.notes)
        self.typical_z = 1.0
        self._known_up = capture.up
        self._depths = depths

    @property
    def up(self) -> NDArray[np.float64]:
        """(3,) unit vector."""
        if self._known_up is not None:
            return np.array(self._known_up, np.float64)
        return _common_up(np.array([photo.pose.world_from_cam[:3, :3] for photo in self.photos]))

    def view(self, number: int) -> DepthView:
        """A photo with depth, in the model's unit and axes; NaN where photos contradict it."""
        return self._depths.take(number)

    def views(self) -> Iterator[DepthView]:
        """All of them, one at a time."""
        return (self.view(number) for number in range(len(self.photos)))

    def place_of(self, name: str, pixel: Pixel | None) -> NDArray[np.float64]:
        """(3,) where in the model the thing at a photo's pixel is, or the photo's camera.

        Raises:
            HintError: there is no such photo, or no depth there.
        """
        numbers = [i for i, photo in enumerate(self.photos) if name in (photo.path.name, photo.path.stem)]
        if len(numbers) != 1:
            which = "no photo that was used" if not numbers else f"{len(numbers)} photos"
            raise HintError(f"known length: {which} is called {name}; name one of the model's photos")
        photo = self.photos[numbers[0]]
        if pixel is None:
            return photo.pose.world_from_cam[:3, 3].copy()
        view = self.view(numbers[0])
        ((u, v),) = moved_pixels(partial(to_ideal_pixels, camera=photo.camera_as_taken, ideal=photo.camera), pixel)
        column = int(np.floor(u / photo.camera.width * view.camera.width))
        row = int(np.floor(v / photo.camera.height * view.camera.height))
        inside = 0 <= column < view.camera.width and 0 <= row < view.camera.height
        z = float(view.z[row, column]) if inside else float("nan")
        if not np.isfinite(z):
            raise HintError(f"known length: no depth on which photos agree at {pixel[0]:g},{pixel[1]:g} of {name}")
        ray = ((u - photo.camera.cx) / photo.camera.fx, (v - photo.camera.cy) / photo.camera.fy, 1.0)
        turn, centre = photo.pose.world_from_cam[:3, :3], photo.pose.world_from_cam[:3, 3]
        return np.asarray(turn @ np.array(ray) * z + centre)


def _common_up(turns: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) the direction that is up for people who hold cameras level, however much they look up or down.

    Their cameras' right, the first column of each (3, 3) turn, is level. Where all look the same way that leaves a
    circle open; then their mean down decides.
    """
    right, down = turns[:, :, 0], turns[:, :, 1].mean(axis=0)
    down /= max(float(np.linalg.norm(down)), 1e-9)
    spread = right.T @ right / len(right) + _TRUST_IN_DOWN * (np.eye(3) - np.outer(down, down))
    up = np.linalg.eigh(spread)[1][:, 0]
    return np.asarray(-up if up @ down > 0 else up)
