"""Depth views on disk, so that memory does not grow with the number of photos."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, Pose
from depth3d.core.errors import OutputError
from depth3d.scenes.multiview.fusion import DepthView
from depth3d.scenes.multiview.guided_again import Guide


class DepthCache:
    """Depth views in a folder of their own, taken out one at a time.

    Args:
        folder: empty; the caller removes it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places: list[tuple[Intrinsics, Pose]] = []
        self._guides: list[Guide | None] = []
        self._pass = 0

    def __len__(self) -> int:
        return len(self._places)

    def add(self, view: DepthView, guide: Guide | None = None) -> None:
        """Put one more view at the end, and what guided its depth."""
        number = len(self._places)
        self._places.append((view.camera, view.pose))
        _save(self._rgb(number), view.rgb)
        _save(self._z(number, self._pass), view.z)
        if view.doubt is not None:
            _save(self._doubt(number, 0), view.doubt)
        if guide is not None:
            _save(self._inverse(number), guide.inverse_depth.values)
            nothing = replace(guide.inverse_depth, values=np.zeros((1, 1), np.float32))
            guide = replace(guide, inverse_depth=nothing)
        self._guides.append(guide)

    def guide(self, number: int) -> Guide | None:
        """What guided a view's depth; None where nothing did."""
        guide = self._guides[number]
        if guide is None:
            return None
        values = np.asarray(_load(self._inverse(number)), np.float32)
        return replace(guide, inverse_depth=replace(guide.inverse_depth, values=values))

    def first_doubt(self, number: int) -> NDArray[np.float32] | None:
        """(H, W) a view's doubt as it was added, before it was compared with others; None where that is not known."""
        return self._load_doubt(number, 0)

    def take(self, number: int) -> DepthView:
        """One view."""
        camera, pose = self._places[number]
        z, rgb = _load(self._z(number, self._pass)), _load(self._rgb(number))
        return DepthView(camera, pose, z, rgb, self._doubt_of(number))

    def depth_only(self, number: int) -> DepthView:
        """One view whose colours are not looked at."""
        camera, pose = self._places[number]
        z = _load(self._z(number, self._pass))
        no_colours = np.broadcast_to(np.zeros(3, np.uint8), (*z.shape, 3))
        return DepthView(camera, pose, z, no_colours, self._doubt_of(number))

    def put_next(self, number: int, z: NDArray[np.float32], doubt: NDArray[np.float32] | None = None) -> None:
        """A view's depth in the next pass, seen only after `turn_over`; and its doubt, where that has changed."""
        _save(self._z(number, self._pass + 1), z)
        if doubt is not None:
            _save(self._doubt(number, 1), doubt)

    def _doubt_of(self, number: int) -> NDArray[np.float32] | None:
        changed = self._load_doubt(number, 1)
        return self._load_doubt(number, 0) if changed is None else changed

    def _load_doubt(self, number: int, version: int) -> NDArray[np.float32] | None:
        path = self._doubt(number, version)
        return np.asarray(_load(path), np.float32) if path.is_file() else None

    def _doubt(self, number: int, version: int) -> Path:
        """Where a view's doubt is: as it was added (0), or as comparing changed it (1)."""
        return self._folder / f"{number:06d}_doubt{version}.npy"

    def turn_over(self) -> None:
        """From now on every view has the depth of the next pass."""
        for number in range(len(self)):
            self._z(number, self._pass).unlink()
        self._pass += 1

    def accept_doubts(self) -> None:
        """What doubts have become counts from now on as if views had been added with them."""
        for number in range(len(self)):
            if self._doubt(number, 1).is_file():
                self._doubt(number, 1).replace(self._doubt(number, 0))

    def _inverse(self, number: int) -> Path:
        return self._folder / f"{number:06d}_inverse.npy"

    def _rgb(self, number: int) -> Path:
        return self._folder / f"{number:06d}_rgb.npy"

    def _z(self, number: int, of_pass: int) -> Path:
        return self._folder / f"{number:06d}_z{of_pass}.npy"


def _save(path: Path, array: NDArray[Any]) -> None:
    """Write one array.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        np.save(path, array)
    except OSError as error:
        raise _told(error, path) from error


def _load(path: Path) -> NDArray[Any]:
    """Read one array.

    Raises:
        OutputError: it cannot be read any more.
    """
    try:
        return np.asarray(np.load(path))
    except (EOFError, OSError, ValueError) as error:
        raise _told(error, path) from error


def _told(error: Exception, path: Path) -> OutputError:
    reason = getattr(error, "strerror", None) or "cut off"
    return OutputError(
        f"depth cannot be kept in {path.parent}: {reason}", remedy="make room, or set TMPDIR to another folder"
    )
