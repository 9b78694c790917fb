"""Calls of the system and of libraries that fail when they are told to."""

from __future__ import annotations

import builtins
import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

_REASONS = {
    "open": errno.EMFILE,
    "write": errno.ENOSPC,
    "short write": errno.ENOSPC,
    "close": errno.EIO,
    "rename": errno.EIO,
    "mkdir": errno.EDQUOT,
    "sync": errno.EIO,
    "open to read": errno.EACCES,
    "read": errno.EIO,
    "list": errno.EACCES,
}
KINDS = (*_REASONS, "short read", "memory", "library")

_ALLOCATING = ("numpy", "cv2", "PIL", "_io", "io", "zlib", "laspy", "lazrs", "pye57", "OpenEXR", "pillow_heif", "av")
"""Packages that decode or allocate, by the names of their modules."""


def _damage_of() -> dict[str, Callable[[], BaseException]]:
    """What libraries raise where they cannot go on, by the names of their modules."""
    import av
    import laspy

    return {
        "PIL": lambda: OSError("image file is truncated"),
        "cv2": _opencv_error,
        "pillow_heif": lambda: ValueError("Invalid input: Unspecified"),
        "laspy": lambda: laspy.errors.LaspyException("unknown"),
        "lazrs": lambda: RuntimeError("IoError: failed to fill whole buffer"),
        "OpenEXR": lambda: RuntimeError("Cannot read scanline"),
        "pye57": lambda: _e57_error(),
        "av": lambda: av.FFmpegError(-1, "Invalid data found when processing input"),
        "trimesh": lambda: ValueError("incorrect header"),
        "safetensors": lambda: _safetensors_error(),
        "yaml": lambda: _yaml_error(),
    }


def _opencv_error() -> BaseException:
    """The only one that is nobody's fault: there is no memory."""
    import cv2

    error = cv2.error("OpenCV(5.0) error: (-4:Insufficient memory) Failed to allocate 9 bytes in function 'f'\n")
    error.code = cv2.Error.StsNoMem  # type: ignore[misc]
    return error


def _e57_error() -> BaseException:
    from pye57 import libe57

    error: BaseException = libe57.E57Exception("E57 element path well formed")
    return error


def _safetensors_error() -> BaseException:
    from safetensors import SafetensorError

    error: BaseException = SafetensorError("Error while deserializing header")
    return error


def _yaml_error() -> BaseException:
    import yaml

    return yaml.YAMLError("mapping values are not allowed here")


@dataclass
class Injector:
    """Counts calls of a kind, and lets one of them fail.

    Attributes:
        kind: one of KINDS.
        fails: which call, from 1; 0 for none.
        count: how many there were.
        place: the line of depth3d that made the call that failed.
    """

    kind: str
    fails: int = 0
    count: int = field(default=0, init=False)
    place: str = field(default="", init=False)

    def due(self, kind: str) -> bool:
        """Whether this call of that kind is to fail."""
        if kind != self.kind:
            return False
        self.count += 1
        if self.count == self.fails:
            self.place = _place()
        return self.count == self.fails

    def check(self, kind: str) -> None:
        """Raise if this call is to fail."""
        if self.due(kind):
            raise OSError(_REASONS[kind], os.strerror(_REASONS[kind]))


def _place() -> str:
    frame: Any = sys._getframe(2)
    while frame is not None and "/depth3d/" not in _file_of(frame):
        frame = frame.f_back
    return "" if frame is None else f"{_file_of(frame).rpartition('/depth3d/')[2]}:{frame.f_lineno}"


class _Raw(io.FileIO):
    """A file below its buffer, whose calls may fail."""

    injector: Injector
    writes = False
    is_cut = False

    def write(self, data: Any, /) -> int:
        """Write, or not, or only half of it."""
        self.injector.check("write")
        if self.injector.due("short write"):
            super().write(bytes(data)[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data) or 0

    def readinto(self, buffer: Any, /) -> int:
        """Read, or not, or half of it and nothing more, as of a file that somebody cuts off meanwhile."""
        self.injector.check("read")
        if self.is_cut:
            return 0
        if self.injector.due("short read"):
            self.is_cut = True
            return super().readinto(memoryview(buffer)[: len(buffer) // 2 or 1]) or 0
        return super().readinto(buffer) or 0

    def readall(self) -> bytes:
        """Everything, likewise."""
        self.injector.check("read")
        content = super().readall() or b""
        if self.is_cut or self.injector.due("short read"):
            content, self.is_cut = b"" if self.is_cut else content[: len(content) // 2], True
        return content

    def close(self) -> None:
        """Close, and perhaps say that what was written is lost, as network file systems do."""
        was_open = not self.closed
        super().close()
        if was_open and self.writes:
            self.injector.check("close")


@contextmanager
def injected(injector: Injector, folder: Path) -> Iterator[None]:
    """Let calls that concern files below a folder pass through the injector."""
    opened = io.open

    def is_ours(file: Any) -> bool:
        try:
            return os.path.abspath(os.fsdecode(file)).startswith(f"{folder}{os.sep}")  # noqa: PTH100
        except (TypeError, ValueError):
            return False

    def open_(
        file: Any, mode: str = "r", buffering: int = -1, encoding: Any = None, errors: Any = None, newline: Any = None,
        closefd: bool = True, opener: Any = None,
    ) -> Any:  # fmt: skip
        if not is_ours(file):
            return opened(file, mode, buffering, encoding, errors, newline, closefd, opener)
        writes = bool(set(mode) & set("wxa+"))
        injector.check("open" if writes else "open to read")
        raw = _Raw(os.fspath(file), mode.replace("b", "").replace("t", ""), opener=opener)
        raw.injector, raw.writes = injector, writes
        if buffering == 0:
            return raw
        kind: Any = io.BufferedRandom if "+" in mode else io.BufferedWriter if writes else io.BufferedReader
        return kind(raw) if "b" in mode else io.TextIOWrapper(kind(raw), encoding, errors, newline)

    def passing(kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if kind == "sync" or (args and is_ours(args[0])):
                injector.check(kind)
            return function(*args, **options)

        return call

    kinds = {"link": "rename", "replace": "rename", "rename": "rename", "mkdir": "mkdir", "fsync": "sync"}
    kinds |= {"listdir": "list", "scandir": "list"}
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(builtins, "open", open_))
        stack.enter_context(mock.patch.object(io, "open", open_))
        for name, kind in kinds.items():
            stack.enter_context(mock.patch.object(os, name, passing(kind, getattr(os, name))))
        stack.enter_context(_failing_libraries(injector))
        yield


@contextmanager
def _failing_libraries(injector: Injector) -> Iterator[None]:
    """Calls from depth3d into libraries may fail for want of memory, or as the library itself fails."""
    if injector.kind not in ("memory", "library"):
        yield
        return
    damage = _damage_of() if injector.kind == "library" else dict.fromkeys(_ALLOCATING, MemoryError)
    seen: set[tuple[str, int]] = set()

    def look(frame: Any, event: str, called: Any) -> None:
        if event == "c_call":
            caller, module = frame, _module_of(called)
        elif event == "call":
            caller, module = frame.f_back, frame.f_globals.get("__name__", "")
        else:
            return
        package = module.partition(".")[0]
        if package not in damage or caller is None or "/depth3d/" not in _file_of(caller):
            return
        place = _file_of(caller), caller.f_lineno
        if place in seen:  # every place once; the hundredth block fails as the first does
            return
        seen.add(place)
        if injector.due(injector.kind):
            raise damage[package]()

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(before)


def _module_of(called: Any) -> str:
    return getattr(called, "__module__", None) or type(getattr(called, "__self__", None)).__module__ or ""


def _file_of(frame: Any) -> str:
    return str(frame.f_code.co_filename).replace(os.sep, "/")
