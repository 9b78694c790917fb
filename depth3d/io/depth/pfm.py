"""Depth as portable float map (Debevec, PFM): float32 rows from bottom to top; it has no place for a unit."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.io.depth.depth_image import depth_values
from depth3d.io.depth.stored_depth import UnusableError, check_pixels

_HEAD_BYTES = 512


def write_depth(depth: MetricDepth | InverseDepth, file: BinaryIO, *, notes: Mapping[str, str]) -> None:
    """Write one channel, little-endian, NaN where unknown; notes and the unit have no place in it.

    Args:
        depth: along the axis, or relative inverse depth.
        file: where the bytes go.
        notes: not stored.
    """
    width, height = depth.size
    file.write(f"Pf\n{width} {height}\n-1\n".encode("ascii"))
    file.write(np.ascontiguousarray(depth_values(depth)[::-1], "<f4").data)


def read_pfm(stream: IO[bytes]) -> NDArray[Any]:
    """Portable float map: rows from bottom to top, a negative scale for little-endian; its size has no agreed meaning.

    http://www.pauldebevec.com/Research/HDR/PFM/
    """
    header = re.match(rb"P([Ff])\s+(\d{1,9})\s+(\d{1,9})\s+([-+.\deE]{1,40})(?:\r\n|\s)", stream.read(_HEAD_BYTES))
    if header is None:
        raise UnusableError("its PFM header is not 'Pf', width, height and scale")
    kind, width, height, scale_text = header.groups()
    width, height, scale = int(width), int(height), float(scale_text)
    if kind == b"F":
        raise UnusableError("it is a PFM in colour ('PF'), a depth map has one channel ('Pf')")
    if scale == 0 or not math.isfinite(scale):
        raise UnusableError(f"its PFM scale of {scale:g} does not say the byte order")
    check_pixels(width * height)
    stream.seek(header.end())
    content = stream.read(4 * width * height)
    if len(content) < 4 * width * height:
        raise UnusableError(f"it is cut off: {len(content)} bytes instead of {4 * width * height}")
    return np.frombuffer(content, "<f4" if scale < 0 else ">f4").reshape(height, width)[::-1]
