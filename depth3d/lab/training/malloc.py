"""How the C library handles memory while training."""

from __future__ import annotations

import ctypes
import sys


def keep_memory() -> None:
    """Lets glibc keep freed memory: without it every large tensor is mapped, zeroed and unmapped again."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):
            libc.mallopt(-3, 1 << 30)  # M_MMAP_THRESHOLD
            libc.mallopt(-1, (1 << 31) - 1)  # M_TRIM_THRESHOLD
