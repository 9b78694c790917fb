"""Temporary folders that go away even if their process is killed: the next process of depth3d removes what lies there.

Whose process is still there is told by a lock, which the system opens when a process ends in whatever way.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO

from depth3d.core.errors import OutputError

PREFIX = "depth3d-"
"""How the folders' names begin."""

_LOCK = ".lock"

_private: set[Path] = set()


def make_private(folder: Path) -> None:
    """Let messages call files below a folder by their names alone: where it lies is nobody's concern."""
    _private.add(folder)


def end_private(folder: Path) -> None:
    """Undo `make_private` for a folder that is gone."""
    _private.discard(folder)


def is_private(path: Path) -> bool:
    """Whether messages call a file by its name alone."""
    return not _private.isdisjoint(path.parents)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a folder that only this user can read; it is removed at the end, or at the next start after a kill.

    Raises:
        OutputError: it cannot be made.
    """
    remove_left_behind()
    with contextlib.ExitStack() as stack:
        try:
            folder = Path(tempfile.mkdtemp(prefix=PREFIX))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            make_private(folder)
            stack.callback(end_private, folder)
            lock = _held(folder)
        except OSError as error:
            where = f"{tempfile.gettempdir()}: {error.strerror or error}"
            raise OutputError(
                f"cannot make a temporary folder in {where}", remedy="make room, or set TMPDIR to another folder"
            ) from error
        stack.callback(_close, lock)
        yield folder


@cache
def remove_left_behind() -> None:
    """Remove, once per process, the folders of this user's processes that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if not folder.is_symlink() and _is_ours(folder) and _is_left_behind(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _held(folder: Path) -> IO[bytes]:
    """Hold a folder's lock; it has its name only once it is held, so that nobody takes the folder for left behind."""
    unnamed = folder / f"{_LOCK}.new"
    file = unnamed.open("wb")
    try:
        _lock(file)
        if sys.platform != "win32":  # where an open file cannot be renamed, and a locked one not be removed
            unnamed.rename(folder / _LOCK)
    except BaseException:
        _close(file)
        raise
    return file


def _close(lock: IO[bytes]) -> None:
    with contextlib.suppress(OSError):  # nothing was written into it
        lock.close()


def _is_left_behind(folder: Path) -> bool:
    try:
        with (folder / _LOCK).open("rb+") as file:
            return _lock(file)
    except OSError:  # no lock: not one of these folders, or one that is being made
        return False


def _is_ours(folder: Path) -> bool:
    return os.name != "posix" or folder.lstat().st_uid == os.geteuid()


def _lock(file: IO[bytes]) -> bool:
    """Lock a file until it is closed; False where another process has done so."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
