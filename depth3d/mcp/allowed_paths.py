"""Which files an assistant may name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from depth3d.core.errors import UsageError


class Folders:
    """Folders given at the start; no path that leaves them, by `..` or by a link, is read or written."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """Remember where the folders really are.

        Raises:
            UsageError: there are none, or one is not a folder.
        """
        if not folders:
            raise UsageError("no folder was given; name those that assistants may read and write")
        for folder in folders:
            if not folder.is_dir():
                raise UsageError(f"{folder}: is not a folder")
        self._folders = tuple(folder.resolve() for folder in folders)

    def __str__(self) -> str:
        return ", ".join(map(str, self._folders))

    def find(self, name: str) -> Path:
        """The real path of a name; one that is not absolute is looked for in the first folder.

        Raises:
            UsageError: it lies outside the folders.
        """
        try:
            path = (self._folders[0] / name).resolve()
        except (ValueError, OSError, RuntimeError):  # a NUL, a name too long, links in a circle
            raise UsageError(f"{name[:200]!r}: is not a path") from None
        if not any(path.is_relative_to(folder) for folder in self._folders):
            raise UsageError(f"{name[:200]!r}: lies outside the folders of this server: {self}")
        return path
