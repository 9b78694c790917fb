"""A folder for unpacked files that goes when the value that needs it does."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path

from depth3d.core.errors import OutputError


class UnpackFolder:
    """A new empty folder, removed when this value is, or when the program ends.

    Attributes:
        path: the folder.
    """

    def __init__(self) -> None:
        try:
            self.path = Path(tempfile.mkdtemp(prefix="depth3d-"))
        except OSError as error:
            raise OutputError(
                f"cannot make a temporary folder in {tempfile.gettempdir()}: {error.strerror or error}",
                remedy="make room, or set TMPDIR to another folder",
            ) from error
        self._finalizer = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
