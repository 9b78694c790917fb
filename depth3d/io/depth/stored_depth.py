"""What a depth file holds, before anything is decided about what its numbers mean."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth, MetricDepth, Unit
from depth3d.core.errors import DepthMapError
from depth3d.io.open_input import MAX_MEGAPIXELS, shown

SIGMA_NAME = "sigma"
METRIC_KIND, ARBITRARY_KIND = "metric depth", "depth in an arbitrary unit"
INVERSE_KIND = "relative inverse depth, larger is nearer"
"""What our own files say they hold; the reader looks for the word inverse."""

_UNITS_TEXT, _UNKNOWN_TEXT, _KIND_TEXT, _UNIT_TEXT = (
    f"depth3d:{name}" for name in ("units_per_metre", "unknown", "kind", "unit")
)


@dataclass(frozen=True, slots=True, eq=False)
class StoredDepth:
    """The numbers of a depth file, untouched.

    Attributes:
        values: (H, W) in the file's own number type.
        bits: 8, 16 or more for whole numbers, None for floating point.
        units_per_metre: the scale that the file itself states, and with it that it holds metres; or None.
        is_relative: whether the file itself states that it holds inverse depth without a unit.
        unit: the unit of the depth that the file itself states, or None.
        zero_is_unknown: whether the file itself states that 0 stands for unknown.
        sigma: (H, W) one standard deviation of each value, in the values' unit, where the file has a channel or an
            array of that name beside the depth; or None.
    """

    values: NDArray[Any]
    bits: int | None
    units_per_metre: float | None = None
    is_relative: bool = False
    zero_is_unknown: bool = False
    sigma: NDArray[Any] | None = None
    unit: Unit | None = None


def meaning_of(depth: MetricDepth | InverseDepth) -> dict[str, str]:
    """Notes that say what a file's numbers mean; the unit is the depth's own."""
    if isinstance(depth, InverseDepth):
        return {"kind": INVERSE_KIND}
    return {"kind": METRIC_KIND if depth.unit == "m" else ARBITRARY_KIND, "unit": depth.unit}


def with_meaning(stored: StoredDepth, texts: Mapping[Any, Any], path: Path) -> StoredDepth:
    """The numbers with what a file's texts say about them; texts of other programs mean nothing.

    Raises:
        DepthMapError: the units that are stated are no positive number.
    """
    units = _stated_units(texts, path)
    zero_is_unknown = texts.get(_UNKNOWN_TEXT) == "0"
    kind = texts.get(_KIND_TEXT)
    is_relative = "inverse" in kind if isinstance(kind, str) else zero_is_unknown and units is None
    unit = None if is_relative else _unit(texts.get(_UNIT_TEXT), units)
    return replace(
        stored,
        units_per_metre=None if unit == "arbitrary" else units,
        is_relative=is_relative,
        zero_is_unknown=zero_is_unknown,
        unit=unit,
    )


def own_notes(notes: Mapping[Any, Any]) -> dict[str, Any]:
    """Notes under the names that texts of pictures have."""
    return {f"depth3d:{name}": text for name, text in notes.items()}


class UnusableError(Exception):
    """A file's content is not a depth map; the message says why, without the file's name."""


def as_stored(values: NDArray[Any]) -> StoredDepth:
    """A grid of numbers of which nothing else is known; axes of length one are dropped.

    Raises:
        UnusableError: the array is no grid.
    """
    while values.ndim > 2 and 1 in (values.shape[0], values.shape[-1]):
        values = values[0] if values.shape[0] == 1 else values[..., 0]
    if values.ndim != 2 or values.size == 0:
        raise UnusableError(f"it holds an array of shape {values.shape}, expected (height, width)")
    return StoredDepth(values, None if values.dtype.kind == "f" else values.dtype.itemsize * 8)


def with_sigma(stored: StoredDepth, sigma: NDArray[Any]) -> StoredDepth:
    """The depth with its error bars.

    Raises:
        UnusableError: they are of another size.
    """
    if sigma.shape != stored.values.shape:
        raise UnusableError(f"its sigma has shape {sigma.shape}, its depth {stored.values.shape}")
    return replace(stored, sigma=sigma)


def _stated_units(texts: Mapping[Any, Any], path: Path) -> float | None:
    text = texts.get(_UNITS_TEXT)
    if text is None:
        return None
    try:
        units = float(text)
    except ValueError:
        units = math.nan
    if not (math.isfinite(units) and units > 0):
        raise DepthMapError(f"{shown(path)}: its text {_UNITS_TEXT} is {str(text)[:40]!r}, not a positive number")
    return units


def _unit(text: object, units_per_metre: float | None) -> Unit | None:
    if text == "arbitrary":
        return "arbitrary"
    return "m" if text == "m" or units_per_metre is not None else None


def check_pixels(count: int) -> None:
    """Raise UnusableError where a grid has more values than a picture may have."""
    if count > MAX_MEGAPIXELS * 1_000_000:
        raise UnusableError(f"{count:.3g} values are more than {MAX_MEGAPIXELS} megapixels; resize it first")
