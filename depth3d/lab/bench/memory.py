"""How much memory this process holds."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def memory_mb() -> float:
    """What this process holds in memory; where the system does not tell, the most it ever held; NaN on Windows."""
    statm = Path("/proc/self/statm")
    if statm.is_file():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    if sys.platform == "win32":
        return float("nan")
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # bytes on macOS
