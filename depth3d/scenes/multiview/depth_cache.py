"""Depth views on disk, so that memory does not grow with the number of photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, Pose
from depth3d.scenes.multiview.fusion import DepthView


class Shelf:
    """Depth views in a folder of their own, taken out one at a time.

    Args:
        folder: empty; the caller removes it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places: list[tuple[Intrinsics, Pose]] = []
        self._pass = 0

    def __len__(self) -> int:
        return len(self._places)

    def add(self, view: DepthView, doubtful: NDArray[np.bool_] | None = None) -> None:
        """Put one more view at the end.

        Args:
            view: the photo with depth.
            doubtful: (H, W) which depths others may be asked with, but are too uncertain to be used; None for none.
        """
        number = len(self._places)
        self._places.append((view.camera, view.pose))
        np.save(self._rgb(number), view.rgb)
        np.save(self._z(number, self._pass), view.z)
        np.save(self._doubtful(number), np.zeros(view.z.shape, bool) if doubtful is None else doubtful)
        if view.doubt is not None:
            np.save(self._doubt(number), view.doubt)

    def put_doubtful(self, number: int, doubtful: NDArray[np.bool_]) -> None:
        """From now on which depths of a view are too uncertain to be used."""
        np.save(self._doubtful(number), doubtful)

    def doubtful(self, number: int) -> NDArray[np.bool_]:
        """(H, W) which depths of a view are too uncertain to be used."""
        return np.asarray(np.load(self._doubtful(number)), bool)

    def take(self, number: int) -> DepthView:
        """One view."""
        camera, pose = self._places[number]
        z, rgb = np.load(self._z(number, self._pass)), np.load(self._rgb(number))
        return DepthView(camera, pose, z, rgb, self._doubt_of(number))

    def depth_only(self, number: int) -> DepthView:
        """One view whose colours are not looked at."""
        camera, pose = self._places[number]
        z = np.load(self._z(number, self._pass))
        no_colours = np.broadcast_to(np.zeros(3, np.uint8), (*z.shape, 3))
        return DepthView(camera, pose, z, no_colours, self._doubt_of(number))

    def put_next(self, number: int, z: NDArray[np.float32], doubt: NDArray[np.float32] | None = None) -> None:
        """A view's depth in the next pass, seen only after `turn_over`; and its doubt, where that has changed."""
        np.save(self._z(number, self._pass + 1), z)
        if doubt is not None:
            np.save(self._doubt(number), doubt)

    def _doubt_of(self, number: int) -> NDArray[np.float32] | None:
        path = self._doubt(number)
        return np.asarray(np.load(path), np.float32) if path.is_file() else None

    def _doubt(self, number: int) -> Path:
        return self._folder / f"{number:06d}_doubt.npy"

    def turn_over(self) -> None:
        """From now on every view has the depth of the next pass."""
        for number in range(len(self)):
            self._z(number, self._pass).unlink()
        self._pass += 1

    def _rgb(self, number: int) -> Path:
        return self._folder / f"{number:06d}_rgb.npy"

    def _doubtful(self, number: int) -> Path:
        return self._folder / f"{number:06d}_doubtful.npy"

    def _z(self, number: int, of_pass: int) -> Path:
        return self._folder / f"{number:06d}_z{of_pass}.npy"
