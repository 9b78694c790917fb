"""Converted networks on the disk, beside the downloaded weights.

Every file's name says what it was made from and by what, so that a stale file is simply not found: the folder is the
hash of the weights, the name holds the version of our conversion and of the library that reads it. Beside each file
lies its checksum, without which it is made again: what a disk has spoiled, or what was cut off, would give other depth
without a word. Against somebody who writes both there is no checksum, so a folder that others can write is not used.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from depth3d.predictors.runtimes.runtime_errors import RuntimeFailedError
from depth3d.predictors.weights import cache_folder

CONVERSION = 2
"""Raise this when the conversion makes something else of the same weights."""


@dataclass(frozen=True, slots=True)
class Store:
    """The files made from one set of weights.

    Attributes:
        folder: where they are.
    """

    folder: Path

    @classmethod
    def of(cls, sha256: str) -> Store:
        """The store of the weights with that hash; its folder need not exist."""
        return cls(cache_folder() / "converted" / sha256[:16])

    def spec(self) -> Path:
        """The network's description as JSON."""
        return self.folder / f"network-v{CONVERSION}.json"

    def onnx(self, *, quantised: bool = False) -> Path:
        """The network as ONNX, which onnxruntime reads."""
        return self.folder / f"network-v{CONVERSION}{'-int8' if quantised else ''}.onnx"

    def openvino(self, version: str, *, quantised: bool = False) -> Path:
        """The network as OpenVINO's .xml, with a .bin beside it."""
        return self.folder / f"network-v{CONVERSION}{'-int8' if quantised else ''}-openvino-{version}.xml"

    def measured(self, machine: str) -> Path:
        """What was measured with the libraries and on the processor that `machine` stands for."""
        return self.folder / f"measured-v{CONVERSION}-{machine}.json"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from converting the same weights; they wait here.

        Raises:
            RuntimeFailedError: the folder cannot be made or written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / "lock").open("ab")
        except OSError as error:
            raise RuntimeFailedError(
                f"cannot store converted networks in {self.folder}: {error.strerror or error}; "
                "set DEPTH3D_CACHE to another folder"
            ) from error
        with lock:
            _wait_for(lock.fileno())
            yield

    def seal(self, *paths: Path) -> None:
        """Write down the checksums of files that were just made.

        Raises:
            RuntimeFailedError: they cannot be written.
        """
        for path in paths:
            with write_then_rename(_seal_of(path)) as temporary:
                temporary.write_text(_checksum(path), encoding="ascii")

    def is_sound(self, *paths: Path) -> bool:
        """Whether files are there and are what was made."""
        try:
            return all(_seal_of(path).read_bytes() == _checksum(path).encode("ascii") for path in paths)
        except OSError:
            return False

    def check_trusted(self) -> None:
        """See to it that nobody else can write into the folder, or into those above it up to the cache's own.

        Raises:
            RuntimeFailedError: somebody can.
        """
        for folder in (self.folder, *self.folder.parents[:3]):
            if who := _who_else_writes(folder):
                raise RuntimeFailedError(
                    f"converted networks in {folder} are not used, because {who} can change them; "
                    "set DEPTH3D_CACHE to a folder that only you can write"
                )

    def clear(self) -> None:
        """Remove everything that was made, because something in it is damaged.

        Raises:
            RuntimeFailedError: it cannot be removed.
        """
        for path in self.folder.glob("*-v*.*"):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise RuntimeFailedError(
                    f"the damaged converted network {path} cannot be replaced: {error.strerror or error}; remove it, "
                    "or set DEPTH3D_CACHE to another folder"
                ) from error

    def remove_stale(self, openvino: str | None) -> None:
        """Remove what older versions of our conversion, or other ones of OpenVINO, made.

        Args:
            openvino: the version whose files stay, or None if it is not installed.
        """
        for path in self.folder.glob("*-v*.*"):
            old = f"-v{CONVERSION}" not in path.name
            foreign = "-openvino-" in path.name and openvino is not None and f"-openvino-{openvino}." not in path.name
            if old or foreign:
                with contextlib.suppress(OSError):  # on Windows a file in use stays, and goes the next time
                    path.unlink()


@contextmanager
def write_then_rename(path: Path) -> Iterator[Path]:
    """Give a temporary path with the same suffix, which becomes `path` at the end of the block.

    Raises:
        RuntimeFailedError: the disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise RuntimeFailedError(
            f"cannot store {path}: {error.strerror or error}; make room or set DEPTH3D_CACHE to another folder"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _seal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _who_else_writes(folder: Path) -> str:
    """Who beside us and the system's administrator can change a folder, in words; empty where nobody or no folder."""
    try:
        status = folder.stat()
    except OSError:
        return ""
    if os.name != "posix":
        return ""
    if status.st_uid not in (0, os.geteuid()):
        return f"its owner (user {status.st_uid})"
    is_open = status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX  # as /tmp, where names are safe
    return "everybody" if is_open else ""


def _wait_for(descriptor: int) -> None:
    """Lock a file until it is closed."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, 0, os.SEEK_SET)
        while True:
            with contextlib.suppress(OSError):  # gives up after ten attempts, one a second
                msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
                return
    import fcntl

    with contextlib.suppress(OSError):  # a file system without locks; names are given whole, so nothing breaks
        fcntl.flock(descriptor, fcntl.LOCK_EX)
