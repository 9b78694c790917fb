"""Temporary files that a killed process left behind: how to know them from those at which somebody is at work.

Whoever writes a temporary file holds a lock on it, which ends with the process however that ends. What nobody holds is
removed at the next start. On systems without such locks nothing is removed.
"""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

_PATTERN = ".depth3d-*.part"
_swept: set[Path] = set()


def new_part_name(folder: Path) -> Path:
    """A name for a temporary file or folder that nobody has."""
    return folder / f".depth3d-{secrets.token_hex(8)}.part"


def hold(descriptor: int) -> int | None:
    """Hold an open temporary file or folder until the descriptor that is returned is closed; None where locks fail."""
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.dup(descriptor)
    except (ImportError, OSError):
        return None


def sweep(folder: Path, *, below: bool = False) -> None:
    """Remove what killed processes left in a folder, once per process.

    Args:
        folder: the folder.
        below: look into all folders below it too.
    """
    if folder in _swept:
        return
    _swept.add(folder)
    with suppress(OSError):
        for part in list(folder.rglob(_PATTERN) if below else folder.glob(_PATTERN)):
            _remove_if_abandoned(part)


def _remove_if_abandoned(part: Path) -> None:
    try:
        descriptor = os.open(part, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return
    held = hold(descriptor)
    try:
        if held is not None:
            shutil.rmtree(part, ignore_errors=True) if part.is_dir() else part.unlink(missing_ok=True)
    except OSError:
        return  # not ours to remove
    finally:
        os.close(descriptor)
        if held is not None:
            os.close(held)
