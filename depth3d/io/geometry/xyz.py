"""XYZ: a line of text for each point. It has no standard; this is what CloudCompare, MeshLab and others read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import GeometryError
from depth3d.geometry.lazy_point_cloud import Cloud
from depth3d.io.geometry.axes import turned_part
from depth3d.io.geometry.text_writer import LINES_PER_BLOCK, Columns, write_spans


def write_cloud(cloud: Cloud, file: BinaryIO, *, axes: str, notes: Mapping[str, str]) -> None:
    """Write `x y z red green blue` or `x y z` per line: seven digits, colours from 0 to 255, no header and no unit.

    Args:
        cloud: points in camera axes.
        file: where the bytes go.
        axes: axes of the file, see `axes.turned`.
        notes: not stored; a line that is no point would make many programs stop.
    """

    def rows(span: slice) -> Columns:
        part = turned_part(cloud, span, axes)
        return [part.xyz] if part.rgb is None else [part.xyz, part.rgb]

    line = "%.7g %.7g %.7g %d %d %d\n" if cloud.has_rgb else "%.7g %.7g %.7g\n"
    write_spans(file, cloud.spans(LINES_PER_BLOCK), line, rows)


def read_points(path: Path) -> tuple[NDArray[np.float64], NDArray[np.uint8] | None]:
    """Positions (N, 3) in the file's axes, and colours (N, 3) where each line has six numbers.

    Raises:
        GeometryError: the lines are not three or six numbers each.
    """
    numbers = np.loadtxt(path, np.float64, ndmin=2)
    if numbers.shape[1] not in (3, 6):
        raise GeometryError(f"its lines hold {numbers.shape[1]} numbers, not three or six")
    return numbers[:, :3], numbers[:, 3:].astype(np.uint8) if numbers.shape[1] == 6 else None
