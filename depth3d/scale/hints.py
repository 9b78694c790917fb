"""What a user may know about distances. Each kind of hint is a class that turns itself into anchors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from depth3d.camera import Intrinsics
from depth3d.depth import InverseDepth
from depth3d.errors import HintError, UsageError
from depth3d.lengths import Length

DEFAULT_RELATIVE_SIGMA = 0.02
NEAR_PERCENTILE = 98.0
FAR_PERCENTILE = 2.0


@dataclass(frozen=True, slots=True)
class Anchor:
    """One linear constraint a * d + b = 1 / z.

    Attributes:
        d: the relative inverse depth.
        z_m: depth along the optical axis in metres.
        relative_sigma: one standard deviation of z as a share of z.
        name: what to call the hint in messages.
    """

    d: float
    z_m: float
    relative_sigma: float
    name: str


class Hint(Protocol):
    """Anything a user knows that ties relative inverse depth to metres."""

    def anchors(self, relief: InverseDepth, camera: Intrinsics) -> list[Anchor]:
        """The linear constraints this hint puts on (a, b).

        Raises:
            HintError: the hint does not fit this picture.
        """
        ...

    def held_range(self, relief: InverseDepth) -> tuple[float, float]:
        """The interval of d outside of which d is held at the interval's end; infinite where not held."""
        ...


@dataclass(frozen=True, slots=True)
class DistanceAt:
    """The distance from the camera to the thing seen at a pixel: the ray's length, as a tape or laser measures it.

    Attributes:
        u: pixels from the upright photo's left edge (pixel centres at +0.5).
        v: pixels from its top edge.
        metres: the distance.
        sigma_m: its standard deviation; None means 2 % of the distance.

    Raises:
        UsageError: a number is not finite, or a length is not positive.
    """

    u: float
    v: float
    metres: float
    sigma_m: float | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.u) and math.isfinite(self.v)):
            raise UsageError(f"hint: the pixel {self.u},{self.v} is not finite")
        _check_length(Length(self.metres, self.sigma_m), self.name)

    @property
    def name(self) -> str:
        """How messages call this hint."""
        return f"{self.u:g},{self.v:g}={self.metres:g}m"

    def anchors(self, relief: InverseDepth, camera: Intrinsics) -> list[Anchor]:
        """One anchor: z is the distance over the length of the ray whose z is 1."""
        d = sample_bilinear(relief, self.u, self.v, self.name)
        ray = math.hypot((self.u - camera.cx) / camera.fx, (self.v - camera.cy) / camera.fy, 1)
        return [Anchor(d, self.metres / ray, _relative_sigma(self.metres, self.sigma_m), self.name)]

    def held_range(self, relief: InverseDepth) -> tuple[float, float]:
        """Nothing is held."""
        return -math.inf, math.inf


@dataclass(frozen=True, slots=True)
class _Extreme:
    metres: float
    sigma_m: float | None = None

    def __post_init__(self) -> None:
        _check_length(Length(self.metres, self.sigma_m), self.name)

    @property
    def name(self) -> str:
        """How messages call this hint."""
        return f"{type(self).__name__.lower()} {self.metres:g}m"

    def _anchor_at(self, d: float) -> list[Anchor]:
        return [Anchor(d, self.metres, _relative_sigma(self.metres, self.sigma_m), self.name)]


@dataclass(frozen=True, slots=True)
class Nearest(_Extreme):
    """The depth of the nearest things: z at the 98th percentile of d; what is nearer is held there.

    Attributes:
        metres: depth along the optical axis.
        sigma_m: its standard deviation; None means 2 %.

    Raises:
        UsageError: a length is not positive.
    """

    def anchors(self, relief: InverseDepth, camera: Intrinsics) -> list[Anchor]:
        """One anchor at the 98th percentile."""
        return self._anchor_at(self.held_range(relief)[1])

    def held_range(self, relief: InverseDepth) -> tuple[float, float]:
        """No d above the 98th percentile."""
        return -math.inf, percentile(relief, NEAR_PERCENTILE)


@dataclass(frozen=True, slots=True)
class Farthest(_Extreme):
    """The depth of the farthest things: z at the 2nd percentile of d; what is farther is held there.

    Attributes:
        metres: depth along the optical axis.
        sigma_m: its standard deviation; None means 2 %.

    Raises:
        UsageError: a length is not positive.
    """

    def anchors(self, relief: InverseDepth, camera: Intrinsics) -> list[Anchor]:
        """One anchor at the 2nd percentile."""
        return self._anchor_at(self.held_range(relief)[0])

    def held_range(self, relief: InverseDepth) -> tuple[float, float]:
        """No d below the 2nd percentile."""
        return percentile(relief, FAR_PERCENTILE), math.inf


def percentile(relief: InverseDepth, percent: float) -> float:
    """The value of d that `percent` per cent of the known pixels do not exceed."""
    known = relief.values[np.isfinite(relief.values)]
    rank = min(known.size - 1, round(percent / 100 * (known.size - 1)))
    return float(np.partition(known, rank)[rank])


def sample_bilinear(relief: InverseDepth, u: float, v: float, name: str) -> float:
    """The relative inverse depth at (u, v), between the four nearest pixel centres; unknown ones are left out.

    Raises:
        HintError: the point lies outside the picture, or nothing is known there.
    """
    width, height = relief.size
    if not (0 <= u <= width and 0 <= v <= height):
        raise HintError(
            f"hint {name}: the pixel {u:g},{v:g} lies outside the {width}x{height} photo; "
            "U counts from its left edge, V from its top"
        )
    column, row = min(max(u - 0.5, 0), width - 1), min(max(v - 0.5, 0), height - 1)
    left, top = min(int(column), max(width - 2, 0)), min(int(row), max(height - 2, 0))
    corner = relief.values[top : top + 2, left : left + 2].astype(np.float64)
    weights = _corner_weights(column - left, row - top)[: corner.shape[0], : corner.shape[1]]
    weights = np.where(np.isfinite(corner), weights, 0)
    if weights.sum() <= 0:
        raise HintError(f"hint {name}: the depth at {u:g},{v:g} is unknown; choose a point that the depth map covers")
    return float(np.sum(np.where(weights > 0, corner, 0) * weights) / weights.sum())


def _corner_weights(right: float, below: float) -> NDArray[np.float64]:
    return np.outer((1 - below, below), (1 - right, right))


def _relative_sigma(metres: float, sigma_m: float | None) -> float:
    return DEFAULT_RELATIVE_SIGMA if sigma_m is None else sigma_m / metres


def _check_length(length: Length, name: str) -> None:
    for metres in (length.metres, length.sigma_m):
        if metres is not None and not (math.isfinite(metres) and metres > 0):
            raise UsageError(f"hint {name}: a distance must be positive and finite, got {metres:g} m")
