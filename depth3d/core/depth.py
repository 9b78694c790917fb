"""The two depths: what a network sees, and what can be measured. Only the second has a unit."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import DepthMapError, UsageError
from depth3d.core.short_repr import short_repr

Unit = Literal["m", "arbitrary"]
"""What lengths are in: metres, or a unit of the picture's own, which no measurement ties to anything."""

_ENOUGH = 1_000_000
"""So many pixels tell a map's percentiles."""


@dataclass(frozen=True, slots=True, eq=False)
class InverseDepth:
    """Relative inverse depth: 1/z = a * values + b with unknown a > 0 and b (Ranftl et al., arXiv 1907.01341).

    Attributes:
        values: (H, W) float32, larger is nearer; finite, or NaN where nothing is known.
        zero_is_infinity: True where the values are known to be proportional to 1/z, so that b = 0.
        noise: one standard deviation of what is wrong with each value by itself, as a share of their range from the
            2nd to the 98th percentile; 0 where none is known.
        source: who made it, in words for the user.
        details: more about who made it, as (name, text) pairs for the provenance.
        metric_sigma: where the values claim to be 1/z in 1/m, one standard deviation of that claim as a share of z;
            None where they are relative.
        noise_strength: one standard deviation of the relative error of a d + b, with the best a and b, that
            neighbouring pixels share: how far a network's surfaces bend and shift. 0 for measured depth. Hints tell
            whether it is more or less.
        noise_reach: how far such errors are correlated, as a share of the picture's diagonal: the length of the Matern
            covariance that `depth3d.scale` assumes.
        shift_is_assumed: True where they come from depth that is known up to a shift, which was assumed; two depths
            in the photo tell it.

    Raises:
        DepthMapError: not a 2-D array, an infinite value, or no known value at all; or a claim of metres whose error is
            not positive, or whose zero is not infinity.
        UsageError: a noise is negative or not finite, or its reach is not positive.
    """

    values: NDArray[np.float32]
    zero_is_infinity: bool = False
    noise: float = 0.0
    source: str = "given"
    details: tuple[tuple[str, str], ...] = ()
    metric_sigma: float | None = None
    noise_strength: float = field(default=0.0, kw_only=True)
    noise_reach: float = field(default=0.44, kw_only=True)
    shift_is_assumed: bool = field(default=False, kw_only=True)

    __repr__ = short_repr

    def __post_init__(self) -> None:
        values = _checked_map(self.values, "inverse depth")
        object.__setattr__(self, "values", values)
        if self.metric_sigma is not None and not (0 < self.metric_sigma < math.inf and self.zero_is_infinity):
            raise DepthMapError(
                f"inverse depth: metres need a positive error and a zero at infinity, got error {self.metric_sigma}"
            )
        if not (0 <= self.noise < math.inf and 0 <= self.noise_strength < math.inf and 0 < self.noise_reach < math.inf):
            raise UsageError(
                f"inverse depth: noise {self.noise:g} and its strength {self.noise_strength:g} must not be negative, "
                f"its reach {self.noise_reach:g} must be positive, all finite"
            )

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.values.shape[1], self.values.shape[0]


@dataclass(frozen=True, slots=True, eq=False)
class MetricDepth:
    """Depth along the optical axis.

    Attributes:
        z: (H, W) float32, depth along the axis and not the ray's length; positive, or NaN where unknown.
        sigma: (H, W) float32, one standard deviation in the same unit, or None where no error is known.
        unit: "m", or "arbitrary" where nothing ties the values to metres.
        source: how the depth was obtained, in words for the user.

    Raises:
        DepthMapError: not a 2-D array, a value that is infinite or not positive, or no known value at all.
        UsageError: there is no such unit.
    """

    z: NDArray[np.float32]
    sigma: NDArray[np.float32] | None = None
    source: str = "given"
    unit: Unit = field(kw_only=True)

    __repr__ = short_repr

    def __post_init__(self) -> None:
        z = _checked_map(self.z, "depth")
        object.__setattr__(self, "z", z)
        check_unit(self.unit)
        if np.nanmin(z) <= 0:
            raise DepthMapError(f"depth: every known value must be positive, got {np.nanmin(z):g}; use NaN for unknown")
        if self.sigma is not None and self.sigma.shape != z.shape:
            raise DepthMapError(f"depth: sigma has shape {self.sigma.shape}, the depth {z.shape}")

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.z.shape[1], self.z.shape[0]


def check_unit(unit: str) -> None:
    """Raise UsageError unless the unit of lengths is one of `Unit`."""
    if unit not in get_args(Unit):
        raise UsageError(f"unit: expected {' or '.join(map(repr, get_args(Unit)))}, got {unit!r}")


def sample_known(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """What is known in a map, (N,), to tell what is common in it; of a map of many megapixels an evenly spread part.

    Where little is known, all of it counts.
    """
    step = math.ceil(math.sqrt(values.size / _ENOUGH))
    for part in (values[::step, ::step], values):
        known = part[np.isfinite(part)]
        if known.size >= _ENOUGH / 10:
            break
    return known


def _checked_map(values: NDArray[np.float32], what: str) -> NDArray[np.float32]:
    array = np.asarray(values, np.float32)
    if array.ndim != 2 or array.size == 0:
        raise DepthMapError(f"{what}: expected a non-empty (H, W) array, got shape {array.shape}")
    least, greatest = np.fmin.reduce(array, axis=None), np.fmax.reduce(array, axis=None)
    if np.isinf(least) or np.isinf(greatest):
        raise DepthMapError(f"{what}: infinite values are not allowed; use NaN for unknown")
    if np.isnan(least):
        raise DepthMapError(f"{what}: every value is unknown")
    return array
