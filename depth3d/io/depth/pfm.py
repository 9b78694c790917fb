"""Depth as portable float map (Debevec, PFM): float32 rows from bottom to top."""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO

import numpy as np

from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.io.depth.depth_image import depth_values


def write_depth(depth: MetricDepth | InverseDepth, file: BinaryIO, *, notes: Mapping[str, str]) -> None:
    """Write one channel, little-endian, NaN where unknown; notes have no place in it.

    Args:
        depth: metres, or relative inverse depth.
        file: where the bytes go.
        notes: not stored.
    """
    width, height = depth.size
    file.write(f"Pf\n{width} {height}\n-1\n".encode("ascii"))
    file.write(np.ascontiguousarray(depth_values(depth)[::-1], "<f4").data)
