"""What the system forbids to everybody but its administrator, tested also where the tests run as administrator."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_VERSION = 0x20080522
_OVERRIDE, _READ_SEARCH = 1 << 1, 1 << 2  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, see capabilities(7)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


@contextmanager
def as_ordinary_user() -> Iterator[None]:
    """Obey the permissions of files inside the block, in this thread, whoever runs the tests."""
    if sys.platform != "linux" or os.geteuid() != 0:
        yield
        return
    before = _capabilities()
    after = (_Sets * 2)(before[0], before[1])
    after[0].effective = before[0].effective & ~(_OVERRIDE | _READ_SEARCH)
    _set(after)
    try:
        yield
    finally:
        _set(before)


def _capabilities() -> ctypes.Array[_Sets]:
    found = (_Sets * 2)()
    _call("capget", found)
    return found


def _set(wanted: ctypes.Array[_Sets]) -> None:
    _call("capset", wanted)


def _call(name: str, sets: ctypes.Array[_Sets]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(ctypes.byref(_Header(_VERSION, 0)), sets) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
