"""The user's own depth instead of a network's: from a sensor, a renderer, or any other network."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from depth3d.core.aspect_ratio import same_aspect
from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import Depth3DWarning, DepthMapError, UsageError
from depth3d.core.options import DepthKind
from depth3d.io.depth.read import read_stored_depth
from depth3d.io.depth.stored_depth import StoredDepth
from depth3d.io.notes import unit_beside
from depth3d.io.open_input import shown

_ASPECT_TOLERANCE = 0.02
"""Networks round each side to a multiple of 14 or 32 and stretch the photo to it: 518x392 for 4:3 is 0.9 % off."""

_ONE_SURFACE_RATIO = 1.1
"""Neighbours whose depths differ by less belong to one surface, between whose depths others may lie."""

_ARBITRARY = "in an arbitrary unit, not in metres; read it with the depth kind depth, and give a distance such as --at"


class DepthMapWarning(Depth3DWarning):
    """A depth map can be used, but will show its limits."""


def read_depth_map(
    path: Path,
    *,
    kind: DepthKind,
    size: tuple[int, int],
    units_per_metre: float | None = None,
    brighter_is_farther: bool = False,
) -> InverseDepth | MetricDepth:
    """Read a depth map and bring it to the photo's size.

    What the stored values v mean is the caller's to say:

    - ``inverse``: 1/z = a v + b with unknown a > 0 and b; larger is nearer. Every finite value is valid, 0 and negative
      ones too (only in a file that depth3d wrote 0 is unknown, as the file says); NaN is unknown, and so is infinite,
      which would lie in the lens and marks unknown disparities.
    - ``depth``: z = a v with unknown a > 0, so that 1/z = (1/a) / v without an offset.
    - ``metric``: z = v / units_per_metre.

    For the last two 0, negative, NaN and infinite values are unknown. Inverse values are resized bilinearly, averaged
    when the map is larger than the photo; depths bilinearly in 1/z within a surface and from the nearest pixel where
    neighbours differ by more than 10 %, so that nothing hangs between a near and a far one. Unknown never spreads into
    known values.

    Args:
        path: PNG, JPEG, TIFF, PGM or another picture, PFM, EXR, NPY or NPZ; see `read_stored_depth`.
        kind: "inverse", "depth" or "metric".
        size: (width, height) of the upright photo in pixels.
        units_per_metre: stored units per metre, for metric only. Default: what the file itself states, else 1 for
            floating point; whole numbers without either are refused.
        brighter_is_farther: for inverse only, larger is farther, as in Google's RangeInverse maps.

    Returns:
        MetricDepth for metric, with its error bar if the file holds one; else InverseDepth, whose `zero_is_infinity` is
        True for depth.

    Raises:
        UsageError: the options contradict each other or the file, the unit is missing, or metres are asked for where
            the file, or the provenance beside an NPY or PFM (which have no place for it), says an arbitrary unit.
        DepthMapError: the file is no depth map, knows no value, or has another aspect ratio than the photo.
        MissingExtraError: an EXR file without the package OpenEXR.

    Warns:
        DepthMapWarning: the file has 8 bits, or an error bar that cannot be used.
    """
    path = Path(path)
    _check_options(kind, units_per_metre, brighter_is_farther)
    stored = read_stored_depth(path)
    units = _units(stored, path, kind, units_per_metre)
    _check_aspect(stored, size, path)
    if stored.bits == 8:
        message = f"{shown(path)}: 8 bits hold 256 depths, expect terraces; 16 bits or floating point are better"
        warnings.warn(DepthMapWarning(message), stacklevel=2)
    source = f"depth map {path.name} as {kind}"
    if kind == "inverse":
        inverse_depth = _inverse_values(stored, flip=brighter_is_farther)
        _check_known(np.isfinite(inverse_depth), path, "not NaN or infinite")
        return InverseDepth(
            resized_inverse_depth(inverse_depth, size), source=source + (", flipped" if brighter_is_farther else "")
        )
    depth = _depth_values(stored.values, units)
    _check_known(np.isfinite(depth), path, "positive and finite")
    depth = resized_depth(depth, size)
    if kind == "metric":
        sigma = _sigma_values(stored.sigma, depth, units, path)
        return MetricDepth(depth, sigma=sigma, source=f"{source}, {units:g} units per metre", unit="m")
    return InverseDepth(np.reciprocal(depth), zero_is_infinity=True, source=source)


def _check_options(kind: str, units_per_metre: float | None, brighter_is_farther: bool) -> None:
    if kind not in get_args(DepthKind):
        raise UsageError(f"unknown depth kind {kind!r}; expected {', '.join(get_args(DepthKind))}")
    if brighter_is_farther and kind != "inverse":
        raise UsageError(f"brighter-is-farther flips inverse depth; in a map of kind {kind} larger is farther anyway")
    if units_per_metre is None:
        return
    if kind != "metric":
        raise UsageError(f"depth units belong to the depth kind metric; a map of kind {kind} has no unit")
    if not (math.isfinite(units_per_metre) and units_per_metre > 0):
        raise UsageError(f"depth units must be a positive number of units per metre, got {units_per_metre:g}")


def _units(stored: StoredDepth, path: Path, kind: DepthKind, units_per_metre: float | None) -> float:
    stated = stored.units_per_metre
    if stored.is_relative and kind != "inverse":
        raise UsageError(
            f"{shown(path)}: the file says that it holds relative depth; read it with the depth kind inverse"
        )
    if stored.unit == "m" and kind == "inverse":
        raise UsageError(f"{shown(path)}: the file says that it holds metres; read it with the depth kind metric")
    if stored.unit == "arbitrary" and kind != "depth":
        raise UsageError(f"{shown(path)}: the file says that its depth is {_ARBITRARY}")
    if kind != "metric":
        return 1.0
    if stored.unit is None and unit_beside(path) == "arbitrary":
        raise UsageError(f"{shown(path)}: the file {path.name}.json beside it says that its depth is {_ARBITRARY}")
    if units_per_metre is not None:
        return units_per_metre
    if stated is None and stored.bits is not None:
        raise UsageError(
            f"{shown(path)}: whole numbers do not say their unit; give the depth units per metre, 1000 for millimetres"
        )
    return stated or 1.0


def _check_aspect(stored: StoredDepth, size: tuple[int, int], path: Path) -> None:
    height, width = stored.values.shape
    if same_aspect((width, height), size, tolerance=_ASPECT_TOLERANCE):
        return
    turned = same_aspect((height, width), size, tolerance=_ASPECT_TOLERANCE)
    remedy = "turn it upright as the photo" if turned else "crop it to the photo's part"
    raise DepthMapError(
        f"{shown(path)}: {width}x{height} has another aspect ratio than the photo's {size[0]}x{size[1]}; {remedy}"
    )


def _check_known(known: NDArray[np.bool_], path: Path, valid: str) -> None:
    if not known.any():
        raise DepthMapError(f"{shown(path)}: no value is {valid}, so no depth is known")


def _inverse_values(stored: StoredDepth, *, flip: bool) -> NDArray[np.float32]:
    """(H, W) float32, larger is nearer, NaN where unknown."""
    with np.errstate(over="ignore", invalid="ignore"):  # what float32 cannot hold becomes infinite, and so unknown
        values = stored.values.astype(np.float32)
    values[~np.isfinite(values)] = np.nan
    if stored.zero_is_unknown:
        values[stored.values == 0] = np.nan
    if flip and not np.isnan(values).all():
        np.subtract(np.nanmax(values), values, out=values)
    return values


def _depth_values(stored: NDArray[Any], units: float) -> NDArray[np.float32]:
    """(H, W) float32 in the unit asked for, NaN where unknown."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        values = (stored / np.float64(units)).astype(np.float32)
    smallest = np.finfo(np.float32).tiny  # below, 1/z would overflow
    values[~(np.isfinite(values) & (values >= smallest))] = np.nan
    return values


def _sigma_values(
    stored: NDArray[Any] | None, depth: NDArray[np.float32], units: float, path: Path
) -> NDArray[np.float32] | None:
    """(H, W) one standard deviation in metres, of the depth's size; None where there is none for every depth."""
    if stored is None:
        return None
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        sigma = (stored / np.float64(units)).astype(np.float32)
    sigma[~((sigma >= 0) & np.isfinite(sigma))] = np.nan
    sigma = resized_inverse_depth(sigma, (depth.shape[1], depth.shape[0]))
    if np.isnan(sigma[np.isfinite(depth)]).any():
        message = f"{shown(path)}: its sigma is unknown or negative where depth is known; it is left out"
        warnings.warn(DepthMapWarning(message), stacklevel=3)
        return None
    return sigma


def resized_inverse_depth(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Bilinear, or the mean when shrinking, of the known values only; unknown where most of the weight is unknown."""
    import cv2

    height, width = values.shape
    if (width, height) == size:
        return values
    method = cv2.INTER_AREA if size[0] < width or size[1] < height else cv2.INTER_LINEAR
    known = np.isfinite(values)
    if known.all():
        return np.asarray(cv2.resize(values, size, interpolation=method), np.float32)
    weight = cv2.resize(known.astype(np.float32), size, interpolation=method)
    resized = cv2.resize(np.where(known, values, np.float32(0)), size, interpolation=method)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(weight >= 0.5, resized / weight, np.float32(np.nan))


def resized_depth(depth: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Bilinear in 1/z, in which planes stay planes, within a surface; the nearest pixel's depth everywhere else."""
    import cv2

    height, width = depth.shape
    if (width, height) == size:
        return depth
    inverse = np.nan_to_num(1 / depth)  # 0 where unknown
    neighbours = np.ones((3, 3), np.uint8)
    farthest, nearest = cv2.erode(inverse, neighbours), cv2.dilate(inverse, neighbours)
    one_surface = (farthest > 0) & (nearest <= _ONE_SURFACE_RATIO * farthest)
    rows = ((np.arange(size[1]) + 0.5) * (height / size[1])).astype(np.intp)[:, None]
    columns = ((np.arange(size[0]) + 0.5) * (width / size[0])).astype(np.intp)
    smooth = cv2.resize(inverse, size, interpolation=cv2.INTER_LINEAR)
    with np.errstate(divide="ignore"):
        return np.where(one_surface[rows, columns], 1 / smooth, depth[rows, columns])
