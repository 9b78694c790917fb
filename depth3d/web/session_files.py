"""The files of one session: photos that come in, and what is offered to the browser. Nothing else can be reached."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import OutputError
from depth3d.core.images import Picture
from depth3d.io.save import save
from depth3d.io.temporary import end_private, make_private
from depth3d.web.limits import safe_file_name

_SHOWN_LONG_SIDE = 1600
_SHOWN_QUALITY = 88


def make_folder(folder: Path) -> None:
    """Make a folder of the server's.

    Raises:
        OutputError: the disk is full, or does not let us.
    """
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise not_kept(error) from None


def not_kept(error: OSError) -> OutputError:
    """What a visitor is told when the server's disk fails; where its folder lies is nobody's concern."""
    return OutputError(f"the server cannot keep your photo: {error.strerror or error}; tell who runs it")


class SessionFiles:
    """The folder of one session.

    Attributes:
        folder: where everything lies.
        address: how the addresses of its files begin.
    """

    def __init__(self, folder: Path, address: str) -> None:
        make_folder(folder)
        make_private(folder)
        self.folder = folder
        self.address = address
        self._number = itertools.count()
        self._offered: dict[str, Path] = {}
        self._out = folder

    def inbox(self, name: str) -> Path:
        """Make a folder for one photo; returns the path the photo gets there."""
        folder = self.folder / f"in{next(self._number)}"
        make_folder(folder)
        return folder / safe_file_name(name)

    def copied(self, photo: Path) -> Path:
        """A copy of one of our own photos in a folder of its own.

        Raises:
            OutputError: it cannot be kept.
        """
        path = self.inbox(photo.name)
        try:
            shutil.copyfile(photo, path)
        except OSError as error:
            raise not_kept(error) from None
        return path

    def discard(self, photo: Path) -> None:
        """Delete a photo that came in."""
        shutil.rmtree(photo.parent, ignore_errors=True)

    def reset(self) -> None:
        """Delete everything that was offered."""
        self._offered = {}
        if self._out != self.folder:
            shutil.rmtree(self._out, ignore_errors=True)
        self._out = self.folder / f"out{next(self._number)}"
        make_folder(self._out)

    def place(self, name: str) -> Path:
        """Path for a file that is to be offered."""
        return self._out / name

    def offer(self, *paths: Path) -> None:
        """Let the browser have these files."""
        self._offered |= {path.name: path for path in paths}

    def show(self, rgb: NDArray[np.uint8], name: str) -> None:
        """Write a picture, no larger than a screen, and let the browser have it."""
        path = self.place(name)
        save(Picture(_for_screen(rgb)), path, quality=_SHOWN_QUALITY, force=True)
        self.offer(path)

    def offered(self, name: str) -> Path | None:
        """One of the files offered."""
        return self._offered.get(name)

    def address_of(self, name: str) -> str | None:
        """Where the browser finds a file, which changes with its content; None where there is none."""
        path = self._offered.get(name)
        return None if path is None or not path.exists() else f"{self.address}/{name}?{path.stat().st_mtime_ns:x}"

    def delete(self) -> None:
        """Delete everything."""
        self._offered = {}
        shutil.rmtree(self.folder, ignore_errors=True)
        end_private(self.folder)


def _for_screen(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    share = _SHOWN_LONG_SIDE / max(width, height)
    if share >= 1:
        return rgb
    size = (max(1, round(width * share)), max(1, round(height * share)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
