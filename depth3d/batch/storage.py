"""Where photos lie and files go: this machine's folders, and through fsspec whatever else it knows by URL.

fsspec (https://filesystem-spec.readthedocs.io) speaks S3, Google Cloud Storage, Azure, SFTP, HTTP and more, each with a
package of its own that says so when it is missing. Files on this machine are read and written where they are, others
pass through a temporary folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from depth3d.core.errors import OutputError, PhotoError, UsageError
from depth3d.io.save import atomic_write
from depth3d.io.temporary import PREFIX, temporary_folder

_LEFTOVERS = ".depth3d-*.part"


@contextmanager
def local_photo(photo: str) -> Iterator[Path]:
    """A photo as a file on this machine, under its own name.

    Raises:
        PhotoError: it cannot be fetched.
    """
    system, path = filesystem(photo)
    if is_local(system):
        yield Path(path)
        return
    with temporary_folder() as folder:
        copy = folder / (PurePosixPath(path).name or "photo")
        try:
            system.get_file(path, str(copy))
        except Exception as error:
            raise PhotoError(f"{photo}: cannot be fetched: {_reason(error)}") from error
        yield copy


class Folder:
    """The folder of a batch, here or elsewhere.

    Args:
        url: a path, or a URL that fsspec knows.

    Attributes:
        url: as given.
        path: the folder, where it is on this machine.

    Raises:
        UsageError: no such protocol, or the package for it is missing.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._system, self._root = filesystem(url)
        self._root = self._root.rstrip("/")
        self.path = Path(self._root or "/") if is_local(self._system) else None

    def sizes(self) -> dict[str, int]:
        """Size in bytes of every file, by its path below the folder; empty where there is no folder."""
        self._system.invalidate_cache()
        try:
            found = self._system.find(self._root, detail=True)
        except FileNotFoundError:
            return {}
        return {self._below(path): int(info.get("size") or 0) for path, info in found.items()}

    def keep(self, files: Mapping[str, Path]) -> None:
        """See to it that files written below `path`, or elsewhere if that is None, outlive whatever comes.

        Args:
            files: where each lies on this machine, by its path below the folder.

        Raises:
            OutputError: they cannot be written.
        """
        try:
            if self.path is not None:
                _flush_to_disk(files.values())
                return
            for file, here in files.items():
                self._make_folder(file)
                self._system.put_file(str(here), self._full(file))
        except Exception as error:
            raise OutputError(f"cannot write to {self.url}: {_reason(error)}") from error

    def read(self, file: str) -> bytes:
        """A file's content."""
        content: bytes = self._system.cat_file(self._full(file))
        return content

    def write(self, file: str, content: bytes) -> None:
        """Write a file at once.

        Raises:
            OutputError: it cannot be written.
        """
        if self.path is not None:
            with atomic_write(self.path / file, force=True) as here:
                here.write(content)
            return
        try:
            self._make_folder(file)
            self._system.pipe_file(self._full(file), content)
        except Exception as error:
            raise OutputError(f"cannot write to {self.url}: {_reason(error)}") from error

    def remove(self, file: str) -> None:
        """Remove a file."""
        self._system.rm_file(self._full(file))

    def remove_leftovers(self) -> None:
        """Remove the half-written files of a run that was killed."""
        for file in self.path.rglob(_LEFTOVERS) if self.path is not None else ():
            file.unlink(missing_ok=True)

    def _make_folder(self, file: str) -> None:
        self._system.makedirs(PurePosixPath(self._full(file)).parent.as_posix(), exist_ok=True)

    def _full(self, file: str) -> str:
        return f"{self._root}/{file}"

    def _below(self, path: str) -> str:
        return path.removeprefix(self._root).lstrip("/")


def filesystem(url: str) -> tuple[Any, str]:
    """The file system of a path or URL, and the path in it.

    Raises:
        UsageError: no such protocol, or the package for it is missing.
    """
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(os.fspath(url))
    except (ImportError, ValueError) as error:
        raise UsageError(f"{url}: {_reason(error)}") from error
    return system, str(path)


def is_local(system: Any) -> bool:
    """Whether a file system is this machine's own."""
    from fsspec.implementations.local import LocalFileSystem

    return isinstance(system, LocalFileSystem)


def without_temporary(text: str) -> str:
    """A message without the names of our temporary folders."""
    return re.sub(rf"(?<![^\s'\"])[^\s'\"]*/{PREFIX}\w+/", "", text)


def _flush_to_disk(files: Any) -> None:
    """Files and their names survive a loss of power from here on."""
    folders = set()
    for file in files:
        _sync(file, os.O_RDONLY)
        folders.add(file.parent)
    if os.name != "posix":
        return
    for folder in folders:
        _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: BaseException) -> str:
    return " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__
