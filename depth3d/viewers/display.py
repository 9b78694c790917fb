"""Whether a window can appear anywhere."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from depth3d.io.temporary import temporary_folder


def has_display() -> bool:
    """True where the desktop's windows can be opened: asked, because Open3D would draw unseen instead of failing."""
    if sys.platform in ("win32", "darwin"):
        return True
    return _has_wayland() or _has_x11()


@contextmanager
def runtime_folder() -> Iterator[None]:
    """Give the graphics driver the folder it expects; in containers, which lack it, it complains on stderr."""
    if sys.platform in ("win32", "darwin") or os.environ.get("XDG_RUNTIME_DIR"):
        yield
        return
    with temporary_folder() as folder:
        os.environ["XDG_RUNTIME_DIR"] = str(folder)
        try:
            yield
        finally:
            del os.environ["XDG_RUNTIME_DIR"]


def _has_wayland() -> bool:
    name = os.environ.get("WAYLAND_DISPLAY")
    return bool(name) and (Path(os.environ.get("XDG_RUNTIME_DIR", "/")) / str(name)).exists()


def _has_x11() -> bool:
    name = os.environ.get("DISPLAY")
    if not name:
        return False
    if name not in _connections:
        try:
            x11 = ctypes.CDLL("libX11.so.6")
        except OSError:
            return False
        x11.XOpenDisplay.restype = ctypes.c_void_p
        _connections[name] = x11.XOpenDisplay(None)
    return _connections[name] is not None


# Stay open: a virtual display whose last client leaves starts again, and a window that opens meanwhile is lost.
_connections: dict[str, int | None] = {}
