"""Depth on a grid: sparse depth of the photo's size, or the small depth picture of a phone's or robot's sensor.

A smaller grid shows the same picture as the photo, as ARKit's 256x192 LiDAR depth does: each of its pixels stands at
its centre, scaled up. 0, negative and not finite values are unknown.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.aspect_ratio import same_aspect
from depth3d.core.errors import HintError, UsageError
from depth3d.core.orientation import SIDES_SWAP, upright_grid
from depth3d.io.depth.read import read_stored_depth
from depth3d.io.depth.stored_depth import StoredDepth
from depth3d.io.notes import unit_beside
from depth3d.io.open_input import shown
from depth3d.io.photos.photo import Photo
from depth3d.io.points.pixel_depths import DEFAULT_RELATIVE_SIGMA, PixelDepths

_ASPECT_TOLERANCE = 0.02
_SIGMA_OF_CONFIDENCE = np.array([0.2, 0.05, 0.02])
"""One standard deviation as a share of the depth for ARKit's low, medium and high confidence. High is what the sensor
does on walls and furniture, about a centimetre (Luetzenburg, Kroon and Bjork, 2021, doi 10.1038/s41598-021-01763-9),
with room for its registration to the photo; the other two are our judgement."""

_WITHIN_A_PIXEL = 1 / math.sqrt(12)
"""Standard deviation of where in its pixel a depth was measured, in pixels."""


def sensor_depths(
    path: Path, photo: Photo, *, units_per_metre: float | None = None, confidence: Path | None = None
) -> PixelDepths:
    """Read depth on a grid.

    Args:
        path: 16-bit PNG, NPY, NPZ, EXR, PFM or another file that `read_stored_depth` reads.
        photo: the upright photo.
        units_per_metre: stored units per metre; None means what the file itself says, else metres for floating point.
        confidence: a grid of the same size with 0, 1 or 2.

    Raises:
        UsageError: whole numbers without a unit.
        HintError: the file holds no depth in metres, or does not fit the photo.
        DepthMapError: the file cannot be read.
    """
    stored = read_stored_depth(path)
    units = _units(stored, path, units_per_metre)
    with np.errstate(invalid="ignore", over="ignore"):
        metres = stored.values.astype(np.float64) / units
    metres[~(np.isfinite(metres) & (metres > 0))] = np.nan
    sigma = np.full(metres.shape, DEFAULT_RELATIVE_SIGMA)
    if confidence is not None:
        sigma = _SIGMA_OF_CONFIDENCE[_levels(confidence, metres.shape)]
    orientation = _turn(metres.shape, photo, path)
    metres, sigma = upright_grid(metres, orientation), upright_grid(sigma, orientation)
    sigma = np.hypot(sigma, _WITHIN_A_PIXEL * _relative_step(metres))
    height, width = metres.shape
    row, column = np.nonzero(np.isfinite(metres))
    return PixelDepths(
        (column + 0.5) * (photo.size[0] / width),
        (row + 0.5) * (photo.size[1] / height),
        metres[row, column],
        sigma[row, column],
        f"{path.name} ({width}x{height}{', turned as the photo' if orientation > 1 else ''})",
        "0 means unknown",
    )


def _units(stored: StoredDepth, path: Path, units_per_metre: float | None) -> float:
    if stored.is_relative:
        raise HintError(f"{shown(path)}: holds relative depth, not metres; give it as the depth map instead")
    if stored.unit == "arbitrary" or (stored.unit is None and unit_beside(path) == "arbitrary"):
        raise HintError(
            f"{shown(path)}: holds depth in an arbitrary unit, not in metres; give it as the depth map instead, of the"
            " depth kind depth"
        )
    if stored.bits == 8:
        raise HintError(f"{shown(path)}: 8 bits cannot hold measured depth; save it with 16 bits or as floating point")
    units = units_per_metre or stored.units_per_metre
    if units is None and stored.bits is not None:
        raise UsageError(
            f"{shown(path)}: whole numbers do not say their unit; give the units per metre, 1000 for millimetres"
        )
    return units or 1.0


def _levels(path: Path, shape: tuple[int, ...]) -> NDArray[np.intp]:
    """(H, W) of 0, 1 and 2."""
    levels = read_stored_depth(path).values
    if levels.shape != shape:
        sizes = f"{levels.shape[1]}x{levels.shape[0]}, the depth {shape[1]}x{shape[0]}"
        raise HintError(f"{shown(path)}: the confidence is of {sizes}; both must be of one size")
    if not np.isin(levels, (0, 1, 2)).all():
        raise HintError(f"{shown(path)}: a confidence is 0, 1 or 2 (low, medium, high), found {levels.max():g}")
    return levels.astype(np.intp)


def _turn(shape: tuple[int, ...], photo: Photo, path: Path) -> int:
    """The orientation by which the grid must be turned: 1, or the photo's if it lies as the photo was stored."""
    size = shape[1], shape[0]
    if same_aspect(size, photo.size, tolerance=_ASPECT_TOLERANCE):
        return 1
    is_turned = same_aspect(size[::-1], photo.size, tolerance=_ASPECT_TOLERANCE)
    if is_turned and photo.exif.orientation >= SIDES_SWAP:
        return photo.exif.orientation
    remedy = "turn it upright as the photo" if is_turned else "crop it to the photo's part"
    raise HintError(
        f"{shown(path)}: {size[0]}x{size[1]} has another aspect ratio than the photo's"
        f" {photo.size[0]}x{photo.size[1]}; {remedy}"
    )


def _relative_step(metres: NDArray[np.float64]) -> NDArray[np.float64]:
    """(H, W), by how much depth changes from one pixel to the next, as a share of it; 0 beside the unknown."""

    def along(axis: int) -> NDArray[Any]:
        if metres.shape[axis] < 2:
            return np.zeros(metres.shape)
        step = np.abs(np.diff(metres, axis=axis))
        blank = np.full_like(np.take(metres, [0], axis=axis), np.nan)
        before = np.concatenate([blank, step], axis=axis)
        after = np.concatenate([step, blank], axis=axis)
        return np.asarray(np.fmax(np.nan_to_num(before), np.nan_to_num(after)))

    return np.asarray(np.hypot(along(0), along(1)) / np.where(np.isnan(metres), 1, metres))
