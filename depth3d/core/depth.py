"""The two depths: what a network sees, and what can be measured. Only the second has a unit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import DepthMapError

_ENOUGH = 1_000_000
"""So many pixels tell a map's percentiles."""


@dataclass(frozen=True, slots=True, eq=False)
class InverseDepth:
    """Relative inverse depth: 1/z = a * values + b with unknown a > 0 and b (Ranftl et al., arXiv 1907.01341).

    Attributes:
        values: (H, W) float32, larger is nearer; finite, or NaN where nothing is known.
        zero_is_infinity: True where the values are known to be proportional to 1/z, so that b = 0.
        noise: one standard deviation of the values as a share of their range from the 2nd to the 98th percentile, as
            far as it is known beforehand; what the hints show corrects it.
        source: who made it, in words for the user.
        details: more about who made it, as (name, text) pairs for the provenance.

    Raises:
        DepthMapError: not a 2-D array, an infinite value, or no known value at all.
    """

    values: NDArray[np.float32]
    zero_is_infinity: bool = False
    noise: float = 0.05
    source: str = "given"
    details: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        values = _checked_map(self.values, "inverse depth")
        object.__setattr__(self, "values", values)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.values.shape[1], self.values.shape[0]


@dataclass(frozen=True, slots=True, eq=False)
class MetricDepth:
    """Depth along the optical axis.

    Attributes:
        metres: (H, W) float32, z along the axis and not the ray's length; positive, or NaN where unknown.
        sigma: (H, W) float32, one standard deviation in metres, or None where no error is known.
        source: how the metres were obtained, in words for the user.

    Raises:
        DepthMapError: not a 2-D array, a value that is infinite or not positive, or no known value at all.
    """

    metres: NDArray[np.float32]
    sigma: NDArray[np.float32] | None = None
    source: str = "given"

    def __post_init__(self) -> None:
        metres = _checked_map(self.metres, "depth")
        object.__setattr__(self, "metres", metres)
        if np.nanmin(metres) <= 0:
            raise DepthMapError(
                f"depth: every known value must be positive, got {np.nanmin(metres):g}; use NaN for unknown"
            )
        if self.sigma is not None and self.sigma.shape != metres.shape:
            raise DepthMapError(f"depth: sigma has shape {self.sigma.shape}, the depth {metres.shape}")

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.metres.shape[1], self.metres.shape[0]


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
