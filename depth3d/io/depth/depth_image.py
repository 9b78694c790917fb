"""Depth on the photo's pixel grid: 16-bit PNG, NPY, NPZ, EXR."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import MissingExtraError, OutputError, UsageError
from depth3d.io.images.codec import encode_png

_MOST = 0xFFFF
_MILLIMETRES = 1000.0
_TOO_COARSE_M = 0.65  # nearer than this, millimetres would use less than one per cent of the 16 bits


def write_metric_png(
    depth: MetricDepth, file: BinaryIO, *, notes: Mapping[str, str], units_per_metre: float | None = None
) -> None:
    """Write whole numbers of 16 bits, 0 where unknown; depth3d:units_per_metre says what a number means.

    Args:
        depth: metres.
        file: where the bytes go.
        notes: texts named depth3d:<name>.
        units_per_metre: stored units per metre; see `png_units_per_metre` for the default.

    Raises:
        UsageError: the units are not positive, or the farthest depth does not fit into 16 bits.
    """
    levels, texts = metric_levels(depth, units_per_metre)
    file.write(encode_png(levels, texts=_named(notes, **texts)))


def metric_levels(depth: MetricDepth, units_per_metre: float | None) -> tuple[NDArray[np.uint16], dict[str, str]]:
    """Depth as whole numbers of 16 bits, 0 where unknown, and the texts that say what they mean.

    Raises:
        UsageError: the units are not positive, or the farthest depth does not fit into 16 bits.
    """
    units = png_units_per_metre(depth) if units_per_metre is None else units_per_metre
    farthest = float(np.nanmax(depth.z))
    if not (units > 0 and _fits(units, farthest)):
        raise UsageError(
            f"16 bits hold {_MOST / farthest:.6g} units per metre for a depth of {farthest:.4g} m, got {units:g}"
        )
    stored = np.rint(depth.z * np.float32(units))
    np.clip(stored, 1, _MOST, out=stored)  # 0 means unknown; what is known must not become it
    return _unknown_is_zero(stored), {"kind": "metric depth", "units_per_metre": f"{units:.10g}", "unknown": "0"}


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
    file.write(encode_png(levels, texts=_named(notes, **texts)))


def inverse_levels(
    inverse_depth: InverseDepth, ends: tuple[float, float] | None = None
) -> tuple[NDArray[np.uint16], dict[str, str]]:
    """Inverse depth stretched over 1 to 65535, 0 where unknown, and the texts that say what the numbers mean."""
    least, greatest = ends or (float(np.nanmin(inverse_depth.values)), float(np.nanmax(inverse_depth.values)))
    step = (greatest - least) / (_MOST - 1) or 1.0
    stored = np.rint((inverse_depth.values - np.float32(least)) / np.float32(step)) + 1
    np.clip(stored, 1, _MOST, out=stored)
    said = {"value_at_1": f"{least:.9g}", "value_at_65535": f"{least + step * (_MOST - 1):.9g}"}
    return _unknown_is_zero(stored), {"kind": "relative inverse depth, larger is nearer", "unknown": "0", **said}


def write_npy(depth: MetricDepth | InverseDepth, file: BinaryIO, *, notes: Mapping[str, str]) -> None:
    """Write one (H, W) float32 array, NaN where unknown; notes have no place in it."""
    values = np.ascontiguousarray(depth_values(depth))
    # Not np.save: on a full disk it loses the reason.
    np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(values))
    file.write(values.data)


def write_npz(depth: MetricDepth | InverseDepth, file: BinaryIO, *, notes: Mapping[str, str]) -> None:
    """Write named arrays: depth (metres) and sigma if known, or inverse_depth; and notes, a JSON text."""
    if isinstance(depth, MetricDepth):
        arrays = {"depth": depth.z} | ({} if depth.sigma is None else {"sigma": depth.sigma})
    else:
        arrays = {"inverse_depth": depth.values}
    text = np.array(json.dumps(dict(notes), ensure_ascii=False))
    np.savez_compressed(file, allow_pickle=False, notes=text, **arrays)


def write_exr(depth: MetricDepth | InverseDepth, file: BinaryIO, *, notes: Mapping[str, str]) -> None:
    """Write float32 channels, NaN where unknown: Z (depth, metres) and sigma if known, or Y (relative inverse depth).

    Z is OpenEXR's name for depth; Y, its name for grey, keeps anyone from taking the other for it.

    Raises:
        MissingExtraError: the package OpenEXR is not installed.
        OutputError: the file cannot be written.
    """
    try:
        import OpenEXR
    except ImportError:
        raise MissingExtraError("EXR files", "OpenEXR", "formats") from None
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **_named(notes)}
    channels = {"Z" if isinstance(depth, MetricDepth) else "Y": depth_values(depth)}
    if isinstance(depth, MetricDepth) and depth.sigma is not None:
        channels["sigma"] = depth.sigma
    try:  # the library opens files by name only, here the temporary one; a full disk is a RuntimeError to it
        stored = {name: OpenEXR.Channel(np.ascontiguousarray(values)) for name, values in channels.items()}
        OpenEXR.File(header, stored).write(file.name)
    except RuntimeError as error:
        reason = str(error).rsplit('". ', 1)[-1]
        raise OutputError(f"cannot write the EXR file: {reason}") from error


def depth_values(depth: MetricDepth | InverseDepth) -> NDArray[np.float32]:
    """Metres, or relative inverse depth."""
    return depth.z if isinstance(depth, MetricDepth) else depth.values


def _unknown_is_zero(stored: NDArray[np.float32]) -> NDArray[np.uint16]:
    return np.nan_to_num(stored, copy=False, nan=0).astype(np.uint16)


def _named(notes: Mapping[str, str], **texts: str) -> dict[str, str]:
    return {f"depth3d:{name}": text for name, text in {**notes, **texts}.items()}
