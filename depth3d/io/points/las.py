"""Points of a LAS or LAZ file (ASPRS LAS 1.4), read by laspy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.errors import HintError, MissingExtraError
from depth3d.io.geometry.las import check_counts, read_notes
from depth3d.io.open_input import DECODER_DAMAGE, open_regular_file, shown
from depth3d.io.points.pixel_depths import PixelDepths
from depth3d.io.points.project import seen_points, stated_axes

_CHUNK = 1_000_000


def las_depths(path: Path, camera: Intrinsics, *, units_per_metre: float | None, axes: str | None) -> PixelDepths:
    """Read the points of a LAS or LAZ file.

    Args:
        path: the file.
        camera: of the photo.
        units_per_metre: the file's units per metre; None means metres.
        axes: a name of `depth3d.io.geometry.axes.AXES`; None means what a file of ours says in its header, else opencv.

    Raises:
        HintError: the file is damaged, or says that its unit is arbitrary.
        UsageError: unknown axes.
        MissingExtraError: the package laspy is not installed.
    """
    with open_regular_file(path, HintError) as file:
        check_counts(file, path, HintError)
    axes = stated_axes(read_notes(path), path, axes=axes, units_per_metre=units_per_metre)
    return seen_points(_chunks(path), camera, units_per_metre=units_per_metre or 1.0, axes=axes, name=path.name)


def _laspy() -> Any:
    try:
        import laspy
    except ImportError:
        raise MissingExtraError("LAS and LAZ files", "laspy[lazrs]", "formats") from None
    return laspy


def _chunks(path: Path) -> Iterator[NDArray[np.float64]]:
    """(N, 3) float64 each."""
    laspy = _laspy()
    read = 0
    try:
        with np.errstate(all="ignore"), laspy.open(path, laz_backend=laspy.LazBackend.Lazrs) as reader:
            stated = reader.header.point_count
            for points in reader.chunk_iterator(_CHUNK):
                read += len(points)
                yield np.stack([points.x, points.y, points.z], axis=1).astype(np.float64)
    except (laspy.errors.LaspyException, *DECODER_DAMAGE) as problem:
        reason = " ".join(str(problem).split())[:120] or type(problem).__name__
        raise HintError(f"{shown(path)}: cannot be read as LAS: {reason}") from None
    except BaseException as problem:
        if type(problem).__name__ != "PanicException":  # of lazrs, which is written in Rust and has no better class
            raise
        raise HintError(f"{shown(path)}: cannot be read as LAS: its compressed points are damaged") from None
    if read != stated:
        raise HintError(f"{shown(path)}: cut off: {read:,} of {stated:,} points are there")
