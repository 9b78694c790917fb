"""Files appear whole or not at all, and together where they belong together."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from depth3d.core.errors import OutputError
from depth3d.io.open_input import shown
from depth3d.io.stale_files import hold, new_part_name, sweep


@contextmanager
def atomic_write(path: str | Path, *, force: bool = False) -> Iterator[BinaryIO]:
    """Open a new file whose name becomes `path` only once everything is in it.

    The data goes to a temporary file in the target's folder, so that the last step is a rename within one file system.
    Whatever ends the block early, a full disk or Ctrl-C, removes the temporary file and leaves the target as it was.
    A symbolic link is followed, not replaced. The file object's `name` is the temporary path. A missing folder is made,
    and what a killed process left in the folder is removed.

    Args:
        path: the target.
        force: replace an existing file.

    Raises:
        OutputError: see `check_writable`; or the disk is full, or writing fails in another way.
    """
    with atomic_files(force=force) as files:
        yield files.open(path)


@contextmanager
def atomic_files(*, force: bool = False) -> Iterator[AtomicFiles]:
    """Open files that get their names together, once everything is in all of them; see `atomic_write`.

    Raises:
        OutputError: see `check_writable`; or the disk is full, or writing fails in another way.
    """
    files = AtomicFiles(force=force)
    try:
        yield files
        files.close()
        files.rename_all()
    except OSError as error:
        raise OutputError(f"cannot write {files.first}: {error.strerror or error}") from error
    finally:
        files.remove_temporaries()


class AtomicFiles:
    """Files under temporary names; the first one is the one that messages name.

    Args:
        force: replace existing files.

    Attributes:
        first: the first file's path as given.
    """

    def __init__(self, *, force: bool) -> None:
        self.first: str | Path = ""
        self._force = force
        self._waiting: list[_Waiting] = []
        self._folders: list[Path] = []

    def open(self, path: str | Path) -> BinaryIO:
        """A further file.

        Raises:
            OutputError: see `check_writable`.
        """
        self.first = self.first or path
        check_writable(path, self._force)
        target = Path(path).resolve()
        self._make_folders(target.parent)
        sweep(target.parent)
        waiting = _Waiting(target)
        self._waiting.append(waiting)
        return waiting.file

    def close(self) -> None:
        """Write out what is still in buffers, so that a full disk is noticed before any file has its name."""
        for waiting in self._waiting:
            waiting.file.close()

    def rename_all(self) -> None:
        """Rename all; what cannot be done is undone."""
        with ExitStack() as undo:
            for waiting in reversed(self._waiting):
                undo.callback(waiting.undo_rename)
                waiting.rename(force=self._force)
            undo.pop_all()
        self._folders.clear()

    def remove_temporaries(self) -> None:
        """Remove what has no name of its own, and the folders that were made for nothing."""
        for waiting in self._waiting:
            waiting.remove()
        for folder in reversed(self._folders):
            with suppress(OSError):
                folder.rmdir()

    def _make_folders(self, folder: Path) -> None:
        missing = [one for one in (folder, *folder.parents) if not one.exists()]
        for one in reversed(missing):
            with suppress(FileExistsError):  # another process had the same wish
                one.mkdir()
                self._folders.append(one)


class _Waiting:
    """One file that waits for its name; while it does, no other process takes it for abandoned."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self._before: Path | None = None
        self._hold: int | None = None
        self._is_named = False
        while not self._is_ours():  # swept between its birth and being held
            self.remove()

    def _is_ours(self) -> bool:
        """Make the temporary file and hold it."""
        self.temporary = new_part_name(self.target.parent)
        self.file: BinaryIO = self.temporary.open("xb")
        try:
            self._hold = hold(self.file.fileno())
            return os.fstat(self.file.fileno()).st_nlink > 0
        except BaseException:
            self.remove()
            raise

    def rename(self, *, force: bool) -> None:
        if force and self.target.exists():
            self._before = new_part_name(self.target.parent)
            try:
                os.link(self.target, self._before)
            except OSError:  # a file system without hard links: the old file cannot be kept
                self._before = None
        _give_name(self.temporary, self.target, force=force)
        self._is_named = True

    def undo_rename(self) -> None:
        if not self._is_named:
            return
        with suppress(OSError):
            if self._before is not None:
                self._before.replace(self.target)
                self._before = None
            else:
                self.target.unlink()

    def remove(self) -> None:
        with suppress(OSError, MemoryError):  # what could not be written cannot be flushed either
            self.file.close()
        for path in filter(None, (self.temporary, self._before)):
            with suppress(OSError):
                path.unlink(missing_ok=True)
        if self._hold is not None:
            os.close(self._hold)
            self._hold = None


class Beside:
    """Opens the further files of a format that needs several; they get their names together with the first.

    Names are those of the first file, room.obj, with another ending, room.mtl, so that the files stay together. Spaces
    become underscores, because many readers of such references stop at them.

    Args:
        path: the first file.
        files: where the first one was opened.

    Attributes:
        path: the first file.
    """

    def __init__(self, path: Path, files: AtomicFiles) -> None:
        self.path, self._files = path, files

    def name(self, ending: str) -> str:
        """The name of the file with that ending, such as ".mtl"."""
        return side_path(self.path, ending).name

    def open(self, ending: str) -> BinaryIO:
        """A file that gets its name when the first one does, see `atomic_files`."""
        return self._files.open(side_path(self.path, ending))

    @contextmanager
    def shared(self, name: str) -> Iterator[Path]:
        """A file that all outputs of a folder share, while no other process of ours changes it; on Windows it might."""
        with _locked(self.path.resolve().parent):
            yield self.path.with_name(name)


def side_path(path: Path, ending: str) -> Path:
    """The file that goes with another one, by the other ending.

    >>> side_path(Path("my room.obj"), "_texture.jpg").name
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

    A folder that is missing is no reason, for it will be made.

    Args:
        path: the target.
        force: whether an existing file may be replaced.

    Raises:
        OutputError: the folder is none, cannot be made or is not writable, the target is not a plain file, or it exists
            and `force` is not given.
    """
    name = shown(Path(path))
    try:
        target = Path(path).resolve()
        folder = _nearest_folder(target.parent, path)
        _check_lengths(target.relative_to(folder), folder)
        exists = _exists(target)
        if exists and not target.is_file():
            what = "a folder" if target.is_dir() else "not a plain file"
            raise OutputError(f"cannot write {name}: it is {what}; give a file name")
    except (OSError, RuntimeError, ValueError) as error:  # name too long, a loop of links, a NUL character
        raise OutputError(f"cannot write {name[:200]}: {getattr(error, 'strerror', None) or error}") from error
    if exists and not force:
        raise OutputError(f"{name} exists already; use --force to replace it")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write {name}: no permission to write in the folder {shown(folder)}")


def _nearest_folder(folder: Path, path: str | Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    there = next(one for one in (folder, *folder.parents) if _exists(one))
    if not there.is_dir():
        raise OutputError(f"cannot write {shown(Path(path))}: {shown(there)} is not a folder")
    return there


def _check_lengths(missing: Path, folder: Path) -> None:
    """The system only looks at the length of a name where everything above it is there."""
    most = os.pathconf(folder, "PC_NAME_MAX") if hasattr(os, "pathconf") else 255
    if any(len(os.fsencode(part)) > most for part in missing.parts):
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))


def _exists(target: Path) -> bool:
    """Like `Path.exists`, but names that no file can have are an OSError."""
    try:
        target.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _give_name(temporary: Path, target: Path, *, force: bool) -> None:
    """Rename; without `force` never over a file that appeared in the meantime."""
    if force:
        temporary.replace(target)
        return
    appeared = OutputError(f"{shown(target)} appeared while it was being written; use --force to replace it")
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise appeared from None
    except OSError:  # a file system without hard links, such as FAT: the race cannot be closed there
        if target.exists():
            raise appeared from None
        temporary.replace(target)
    else:
        temporary.unlink()
