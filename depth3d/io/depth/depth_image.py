"""Depth as whole numbers of 16 bits, which PNG and TIFF hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import UsageError
from depth3d.io.depth.stored_depth import meaning_of, own_notes
from depth3d.io.images.codec import encode_png

_MOST = 0xFFFF
_MILLIMETRES = 1000.0
_TOO_COARSE_M = 0.65  # nearer than this, millimetres would use less than one per cent of the 16 bits


def write_metric_png(
    depth: MetricDepth, file: BinaryIO, *, notes: Mapping[str, str], units_per_metre: float | None = None
) -> None:
    """Write whole numbers of 16 bits, 0 where unknown; depth3d:units_per_metre says what a number means.

    Of depth in an arbitrary unit depth3d:numbers_per_unit says it instead, and depth3d:unit that it is arbitrary.

    Args:
        depth: along the axis.
        file: where the bytes go.
        notes: texts named depth3d:<name>.
        units_per_metre: stored numbers per metre, or per unit of the depth; see `png_units_per_metre` for the default.

    Raises:
        UsageError: the units are not positive, or the farthest depth does not fit into 16 bits.
    """
    levels, texts = metric_levels(depth, units_per_metre)
    file.write(encode_png(levels, texts=own_notes({**notes, **texts})))


def metric_levels(depth: MetricDepth, units_per_metre: float | None) -> tuple[NDArray[np.uint16], dict[str, str]]:
    """Depth as whole numbers of 16 bits, 0 where unknown, and the texts that say what they mean.

    Raises:
        UsageError: the units are not positive, or the farthest depth does not fit into 16 bits.
    """
    units = png_units_per_metre(depth) if units_per_metre is None else units_per_metre
    farthest = float(np.nanmax(depth.z))
    if not (units > 0 and _fits(units, farthest)):
        per, unit = ("units per metre", " m") if depth.unit == "m" else ("numbers per unit", "")
        holds = f"16 bits hold {_MOST / farthest:.6g} {per}"
        raise UsageError(f"{holds} for a depth of {farthest:.4g}{unit}, got {units:g}")
    stored = np.rint(depth.z * np.float32(units))
    np.clip(stored, 1, _MOST, out=stored)  # 0 means unknown; what is known must not become it
    scale = "units_per_metre" if depth.unit == "m" else "numbers_per_unit"
    return _unknown_is_zero(stored), {**meaning_of(depth), scale: f"{units:.10g}", "unknown": "0"}


def png_units_per_metre(depth: MetricDepth) -> float:
    """The units of a 16-bit PNG: 1000 where they fit well, else the largest of 1, 2, 5, 10, 20... that fits.

    Millimetres are what other programs expect, and reach to 65.535 m. Depths that all lie within 0.65 m, as those of
    an arbitrary unit may, would use less than one per cent of the numbers, and get finer units too.
    """
    farthest = float(np.nanmax(depth.z))
    if farthest >= _TOO_COARSE_M and _fits(_MILLIMETRES, farthest):
        return _MILLIMETRES
    power = math.floor(math.log10(_MOST / farthest))
    nice = [float(f"{digit}e{exponent}") for exponent in (power + 1, power) for digit in (5, 2, 1)]
    return next(units for units in nice if _fits(units, farthest))


def _fits(units_per_metre: float, farthest_m: float) -> bool:
    return units_per_metre * farthest_m < _MOST + 0.5


def write_inverse_png(
    inverse_depth: InverseDepth, file: BinaryIO, *, notes: Mapping[str, str], ends: tuple[float, float] | None = None
) -> None:
    """Write relative inverse depth stretched over 1 to 65535, larger is nearer, 0 where unknown.

    The texts depth3d:value_at_1 and depth3d:value_at_65535 give the original values back.

    Args:
        inverse_depth: inverse depth.
        file: where the bytes go.
        notes: texts named depth3d:<name>.
        ends: the values that become 1 and 65535, beyond which values are held; None means the least and the greatest.
    """
    levels, texts = inverse_levels(inverse_depth, ends)
    file.write(encode_png(levels, texts=own_notes({**notes, **texts})))


def inverse_levels(
    inverse_depth: InverseDepth, ends: tuple[float, float] | None = None
) -> tuple[NDArray[np.uint16], dict[str, str]]:
    """Inverse depth stretched over 1 to 65535, 0 where unknown, and the texts that say what the numbers mean."""
    least, greatest = ends or (float(np.nanmin(inverse_depth.values)), float(np.nanmax(inverse_depth.values)))
    step = (greatest - least) / (_MOST - 1) or 1.0
    stored = np.rint((inverse_depth.values - np.float32(least)) / np.float32(step)) + 1
    np.clip(stored, 1, _MOST, out=stored)
    said = {"value_at_1": f"{least:.9g}", "value_at_65535": f"{least + step * (_MOST - 1):.9g}"}
    return _unknown_is_zero(stored), {**meaning_of(inverse_depth), "unknown": "0", **said}


def depth_values(depth: MetricDepth | InverseDepth) -> NDArray[np.float32]:
    """Depth along the axis, or relative inverse depth."""
    return depth.z if isinstance(depth, MetricDepth) else depth.values


def _unknown_is_zero(stored: NDArray[np.float32]) -> NDArray[np.uint16]:
    return np.nan_to_num(stored, copy=False, nan=0).astype(np.uint16)
