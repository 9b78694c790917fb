"""The manifest of a batch: JSON lines, one row per photo, which outlives whatever happens to the run.

On this machine it is one file, to which each row is added and flushed to the disk as soon as its photo's files are.
Object stores cannot add to a file, so there the rows of every half minute go into a part of their own, and the parts
become one file at the end. A row is believed only while all its files are there, as large as they were.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol

from depth3d.batch.manifest_row import Row
from depth3d.batch.storage import Folder
from depth3d.core.errors import OutputError, UsageError
from depth3d.io.save import atomic_write

MANIFEST_NAME = "manifest.jsonl"

_PARTS = "manifest.parts/"
_SECONDS_PER_PART = 30.0
_ROWS_PER_PART = 1000


@dataclass(frozen=True, slots=True)
class EarlierRuns:
    """What earlier runs have left to a batch.

    Attributes:
        photos: those that need not be done again.
        failed: how many of them failed.
        files: of all their outputs, but only those of photos that the batch does not hold now.
        points_units: the scale that was shared, or None.
    """

    photos: frozenset[str]
    failed: int
    files: frozenset[str]
    points_units: float | None


class Manifest(AbstractContextManager["Manifest"]):
    """The rows of a batch, kept by the one process that may write them.

    Args:
        folder: the batch's.
        digits: of its recipe.
        force: forget what is there.

    Raises:
        UsageError: the folder holds a batch made with other options, or another process is at work on it.
        OutputError: it cannot be written.
    """

    def __init__(self, folder: Folder, digits: str, *, force: bool = False) -> None:
        self._folder, self._digits = folder, digits
        self._log: _Log = _FileLog(folder.path / MANIFEST_NAME) if folder.path is not None else _PartsLog(folder)
        try:
            if force:
                self._log.rewrite([])
            if any(row is not None and row.recipe != digits for row in self.rows()):
                raise UsageError(
                    f"{folder.url} holds a batch that was made with other options or another network; choose another "
                    "folder for -o, or start again with --force"
                )
        except BaseException:
            self._log.close()
            raise

    def rows(self) -> Iterator[Row | None]:
        """Every row as it stands there; None for a line that was cut off."""
        for line in self._log.lines():
            try:
                yield Row.from_json(line)
            except ValueError:
                yield None

    def read_earlier_runs(self, photos: Collection[str], *, retry: bool) -> EarlierRuns:
        """Which photos are done; all other rows leave the manifest.

        Args:
            photos: those of the batch.
            retry: photos that failed are to be done again.
        """
        sizes = self._folder.sizes()
        place, failed, others, units, count = {}, set(), set(), None, 0
        for count, row in enumerate(self.rows(), start=1):  # noqa: B007 - the last count is how many there are
            if (
                row is None
                or row.unreached
                or (retry and row.error)
                or any(sizes.get(o.file) != o.bytes for o in row.outputs)
            ):
                continue
            place[row.photo] = count
            failed |= {row.photo} if row.error else set()
            others |= set() if row.photo in photos else {output.file for output in row.outputs}
            units = row.points_units or units
        if len(place) != count:
            kept = set(place.values())
            lines = (row.to_json() for i, row in enumerate(self.rows(), start=1) if row is not None and i in kept)
            self._log.rewrite(lines)
        return EarlierRuns(frozenset(place), len(failed), frozenset(others), units)

    def add(self, row: Row) -> None:
        """Add a photo's row; when this returns, it is on the disk, or on an object store soon."""
        self._log.add(row.to_json())

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the file, or put the parts together."""
        self._log.close()


class _Log(Protocol):
    """Lines that can be added to and replaced."""

    def lines(self) -> Iterator[str]: ...
    def add(self, line: str) -> None: ...
    def rewrite(self, lines: Iterable[str]) -> None: ...
    def close(self) -> None: ...


class _FileLog:
    """Lines of a file on this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(path.with_name(f".{path.name}.lock"), path)
            self._file = path.open("ab")
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror or error}") from error

    def lines(self) -> Iterator[str]:
        try:
            with self._path.open(encoding="utf-8", errors="replace") as file:
                yield from (line for line in file if line.strip())
        except OSError as error:
            raise OutputError(f"cannot read {self._path}: {error.strerror or error}") from error

    def add(self, line: str) -> None:
        try:
            self._file.write(line.encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror or error}") from error

    def rewrite(self, lines: Iterable[str]) -> None:
        self._file.close()
        with atomic_write(self._path, force=True) as file:
            file.writelines(line.encode() + b"\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        self._file = self._path.open("ab")

    def close(self) -> None:
        with suppress(OSError):  # a full disk: what `add` could not write is no row
            self._file.close()
        with suppress(OSError):  # nothing was written into it
            self._lock.close()


class _PartsLog:
    """Lines in objects of a store, which are written once and never added to."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._waiting: list[str] = []
        self._since = time.monotonic()
        self._number = max((int(Path(part).stem) for part in self._parts()), default=0)
        if MANIFEST_NAME not in folder.sizes():
            folder.write(MANIFEST_NAME, b"")

    def lines(self) -> Iterator[str]:
        seen = set()
        for name in (MANIFEST_NAME, *self._parts()):
            for line in self._folder.read(name).decode(errors="replace").splitlines():
                if line and line not in seen:  # the run may have been killed between joining and removing parts
                    seen.add(line)
                    yield line

    def add(self, line: str) -> None:
        self._waiting.append(line)
        if len(self._waiting) >= _ROWS_PER_PART or time.monotonic() - self._since > _SECONDS_PER_PART:
            self._flush()

    def rewrite(self, lines: Iterable[str]) -> None:
        self._folder.write(MANIFEST_NAME, "".join(f"{line}\n" for line in lines).encode())
        for part in self._parts():
            self._folder.remove(part)

    def close(self) -> None:
        self._flush()
        if self._parts():
            self.rewrite(list(self.lines()))

    def _flush(self) -> None:
        if self._waiting:
            self._number += 1
            self._folder.write(f"{_PARTS}{self._number:08d}.jsonl", "".join(f"{x}\n" for x in self._waiting).encode())
            self._waiting.clear()
        self._since = time.monotonic()

    def _parts(self) -> list[str]:
        return sorted(name for name in self._folder.sizes() if name.startswith(_PARTS))


def _locked(path: Path, manifest: Path) -> BinaryIO:
    """A file that is locked as long as it is open, where the system can do that."""
    file = path.open("ab")
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        return file
    except OSError as error:
        file.close()
        raise UsageError(f"{manifest}: another depth3d batch is at work here; wait until it is done") from error
    return file
