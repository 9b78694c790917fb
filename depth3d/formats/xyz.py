"""XYZ: a line of text for each point. It has no standard; this is what CloudCompare, MeshLab and others read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from depth3d.formats.axes import turned
from depth3d.formats.blocks import write_blocks
from depth3d.pixel_cloud import Cloud

_POINTS_PER_BLOCK = 1 << 15


def write_cloud(cloud: Cloud, file: BinaryIO, *, axes: str, notes: Mapping[str, str]) -> None:
    """Write `x y z red green blue` or `x y z` per line: seven digits, colours from 0 to 255, no header.

    Args:
        cloud: points in camera axes and metres.
        file: where the bytes go.
        axes: axes of the file, see `axes.turned`.
        notes: not stored; a line that is no point would make many programs stop.
    """
    line = "%.7g %.7g %.7g %d %d %d\n" if cloud.has_rgb else "%.7g %.7g %.7g\n"

    def pack(span: slice) -> NDArray[Any]:
        part = cloud.part(span)
        columns = turned(part.xyz, axes).T.tolist()
        if part.rgb is not None:
            columns += part.rgb.T.tolist()
        text = "".join([line % numbers for numbers in zip(*columns, strict=True)])
        return np.frombuffer(text.encode("ascii"), np.uint8)

    write_blocks(file, cloud.spans(_POINTS_PER_BLOCK), pack, packers=1)
