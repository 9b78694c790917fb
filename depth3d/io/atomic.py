"""Files appear whole or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from depth3d.core.errors import OutputError


@contextmanager
def atomic_write(path: str | Path, *, force: bool = False) -> Iterator[BinaryIO]:
    """Open a new file whose name becomes `path` only once everything is in it.

    The data goes to a temporary file in the target's folder, so that the last step is a rename within one file system.
    Whatever ends the block early, a full disk or Ctrl-C, removes the temporary file and leaves the target as it was.
    A symbolic link is followed, not replaced. The file object's `name` is the temporary path.

    Args:
        path: the target.
        force: replace an existing file.

    Raises:
        OutputError: see `check_writable`; or the disk is full, or writing fails in another way.
    """
    check_writable(path, force)
    try:
        target = Path(path).resolve()
        temporary = target.with_name(f".depth3d-{os.urandom(8).hex()}.part")
        try:
            with temporary.open("xb") as file:
                yield file
            _give_name(temporary, target, force=force)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


class Beside:
    """Opens the further files of a format that needs several; they get their names together with the first.

    Names are those of the first file, room.obj, with another ending, room.mtl, so that the files stay together. Spaces
    become underscores, because many readers of such references stop at them.

    Args:
        path: the first file.
        files: closes the files, the last one first.
        force: replace existing files.

    Attributes:
        path: the first file.
    """

    def __init__(self, path: Path, files: ExitStack, *, force: bool) -> None:
        self.path, self._files, self._force = path, files, force
        self._opened: list[BinaryIO] = []

    def name(self, ending: str) -> str:
        """The name of the file with that ending, such as ".mtl"."""
        return beside(self.path, ending).name

    def open(self, ending: str) -> BinaryIO:
        """A file that gets its name when the first one does, see `atomic_write`."""
        file = self._files.enter_context(atomic_write(beside(self.path, ending), force=self._force))
        self._opened.append(file)
        return file

    @contextmanager
    def shared(self, name: str) -> Iterator[Path]:
        """A file that all outputs of a folder share, while no other process of ours changes it; on Windows it might."""
        with _locked(self.path.resolve().parent):
            yield self.path.with_name(name)

    def flush(self) -> None:
        """Bring every byte to the disk before the first file gets its name, so that a full disk leaves none."""
        for file in self._opened:
            file.flush()


def beside(path: Path, ending: str) -> Path:
    """The file that goes with another one, by the other ending.

    >>> beside(Path("my room.obj"), "_texture.jpg").name
    'my_room_texture.jpg'
    """
    return path.with_name(re.sub(r"[\s#]+", "_", path.stem) + ending)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def check_writable(path: str | Path, force: bool = False) -> None:
    """Refuse early what could not be written at the end of long work.

    Args:
        path: the target.
        force: whether an existing file may be replaced.

    Raises:
        OutputError: the folder is missing or not writable, the target is no plain file, or it exists and `force` is
            not given.
    """
    try:
        target = Path(path).resolve()
        folder = target.parent
        if not folder.is_dir():
            raise OutputError(f"cannot write {path}: the folder {folder} does not exist; create it first")
        exists = _exists(target)
        if exists and not target.is_file():
            what = "a folder" if target.is_dir() else "not a plain file"
            raise OutputError(f"cannot write {path}: it is {what}; give a file name")
    except (OSError, RuntimeError, ValueError) as error:  # name too long, a loop of links, a NUL character
        raise OutputError(f"cannot write {str(path)[:200]!r}: {getattr(error, 'strerror', None) or error}") from error
    if exists and not force:
        raise OutputError(f"{path} exists already; use --force (force=True) to replace it")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write {path}: no permission to write in the folder {folder}")


def _exists(target: Path) -> bool:
    """Like `Path.exists`, but names that no file can have are an OSError."""
    try:
        target.stat()
    except FileNotFoundError:
        return False
    return True


def _give_name(temporary: Path, target: Path, *, force: bool) -> None:
    """Rename; without `force` never over a file that appeared in the meantime."""
    if force:
        temporary.replace(target)
        return
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise OutputError(f"{target} appeared while it was being written; use --force to replace it") from None
    except OSError:  # a file system without hard links, such as FAT: the race cannot be closed there
        if target.exists():
            raise OutputError(f"{target} appeared while it was being written; use --force to replace it") from None
        temporary.replace(target)
    else:
        temporary.unlink()
