"""Where photos lie and files go: this machine's folders, and through fsspec whatever else it knows by URL.

fsspec (https://filesystem-spec.readthedocs.io) speaks S3, Google Cloud Storage, Azure, SFTP, HTTP and more, each with a
package of its own that says so when it is missing. Files on this machine are read and written where they are, others
pass through a temporary folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from depth3d.core.errors import OutputError, StoreError, UsageError
from depth3d.io.save import atomic_write, check_writable
from depth3d.io.stale_files import sweep

_LONGEST = 300
"""Characters of a store's own words that are told; some quote what they could not read."""

_WITH_BUCKETS = {"s3", "s3a", "gs", "gcs", "oss", "obs", "cos", "az", "abfs", "abfss"}


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

    def check(self) -> None:
        """Refuse before the work begins what could not be written at its end.

        Raises:
            OutputError: there is no permission to write, or no such bucket; depth3d makes folders, but no buckets.
        """
        if self.path is not None:
            check_writable(self.path / "manifest.jsonl", force=True)
            return
        bucket = self._bucket
        try:
            is_there = not bucket or self._system.exists(bucket)
        except Exception as error:
            raise OutputError(f"cannot write to {self.url}: {reason(error)}") from error
        if not is_there:
            raise OutputError(f"cannot write to {self.url}: there is no bucket {bucket}; correct its name or create it")

    @property
    def _bucket(self) -> str:
        """The first part of the path where the store keeps its files in buckets; else empty."""
        names = self._system.protocol
        names = {names} if isinstance(names, str) else set(names)
        return self._root.lstrip("/").partition("/")[0] if names & _WITH_BUCKETS else ""

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
            raise OutputError(f"cannot write to {self.url}: {reason(error)}") from error

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
            raise OutputError(f"cannot write to {self.url}: {reason(error)}") from error

    def remove(self, file: str) -> None:
        """Remove a file."""
        self._system.rm_file(self._full(file))

    def remove_leftovers(self) -> None:
        """Remove the half-written files of a run that was killed."""
        if self.path is not None:
            sweep(self.path, below=True)

    def _make_folder(self, file: str) -> None:
        if self._bucket:  # a file's name is all that a bucket needs, and asking for a folder would make the bucket
            return
        self._system.makedirs(PurePosixPath(self._full(file)).parent.as_posix(), exist_ok=True)

    def _full(self, file: str) -> str:
        return f"{self._root}/{file}"

    def _below(self, path: str) -> str:
        return path.removeprefix(self._root).lstrip("/")


def filesystem(url: str) -> tuple[Any, str]:
    """The file system of a path or URL, and the path in it.

    Raises:
        UsageError: no such protocol, or the package for it is missing.
        StoreError: what the URL leads through is not there or damaged.
    """
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(os.fspath(url))
    except (ImportError, ValueError) as error:
        raise UsageError(f"{url}: {reason(error)}") from error
    except Exception as error:  # a zip that is damaged or not there, a host that does not answer
        raise StoreError(f"{url}: cannot be opened: {reason(error)}") from error
    return system, str(path)


def is_local(system: Any) -> bool:
    """Whether a file system is this machine's own."""
    from fsspec.implementations.local import LocalFileSystem

    return isinstance(system, LocalFileSystem)


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


def reason(error: BaseException) -> str:
    """Why something of the system's or a store's failed, in one line."""
    return " ".join(str(getattr(error, "strerror", None) or error).split())[:_LONGEST] or type(error).__name__
