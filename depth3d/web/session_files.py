"""The files of one session: photos that come in, and what is offered to the browser. Nothing else can be reached."""

from __future__ import annotations

import itertools
import re
import shutil
from pathlib import Path

from depth3d.web.limits import harmless_name


class SessionFiles:
    """A folder of one's own.

    Attributes:
        folder: where everything lies.
        address: how the addresses of its files begin.
    """

    def __init__(self, folder: Path, address: str) -> None:
        folder.mkdir()
        self.folder = folder
        self.address = address
        self._number = itertools.count()
        self._offered: dict[str, Path] = {}
        self._out = folder

    def inbox(self, name: str) -> Path:
        """A place for a photo of this name, in a folder of its own."""
        folder = self.folder / f"in{next(self._number)}"
        folder.mkdir()
        return folder / harmless_name(name)

    def discard(self, photo: Path) -> None:
        """Throw away what came into the inbox."""
        shutil.rmtree(photo.parent, ignore_errors=True)

    def start_afresh(self) -> None:
        """Throw away everything that was offered."""
        self._offered = {}
        if self._out != self.folder:
            shutil.rmtree(self._out, ignore_errors=True)
        self._out = self.folder / f"out{next(self._number)}"
        self._out.mkdir()

    def place(self, name: str) -> Path:
        """Where a file that is to be offered belongs."""
        return self._out / name

    def offer(self, *paths: Path) -> None:
        """Let the browser have these files."""
        self._offered |= {path.name: path for path in paths}

    def offered(self, name: str) -> Path | None:
        """One of the files offered."""
        return self._offered.get(name)

    def address_of(self, name: str) -> str | None:
        """Where the browser finds a file, new with every edition of it; None where it is not there (any more)."""
        path = self._offered.get(name)
        return None if path is None or not path.exists() else f"{self.address}/{name}?{path.stat().st_mtime_ns:x}"

    def without_paths(self, text: str) -> str:
        """A message that does not tell where on the server this files stands."""
        return re.sub(rf"{re.escape(str(self.folder))}/(?:\w+/)?", "", text)

    def clear_away(self) -> None:
        """Delete everything."""
        self._offered = {}
        shutil.rmtree(self.folder, ignore_errors=True)
