"""Hints that name a depth: a tape, a laser, the nearest and farthest things, the horizon, sparse points."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth
from depth3d.core.errors import HintError, UsageError
from depth3d.scale.hint import (
    FAR_PERCENTILE,
    NEAR_PERCENTILE,
    NO_BOUNDS,
    Anchors,
    Condition,
    Equations,
    Move,
    Unbounded,
    check_length,
    check_pixel,
    moved_pixels,
    one_anchor,
    percentile,
    place_of,
    ray_at,
    relative_sigma,
    sample_bilinear,
    sample_many,
)

INFINITY_SIGMA = 1 / 500
"""How far "infinitely far" may be from 1/z = 0, in 1/m: hills stand at some hundred metres."""


@dataclass(frozen=True, slots=True)
class DistanceAt(Unbounded):
    """The distance from the camera to the thing seen at a pixel: the ray's length, as a tape or laser measures it.

    Attributes:
        u: pixels from the upright photo's left edge (pixel centres at +0.5).
        v: pixels from its top edge.
        metres: the distance.
        sigma_m: its standard deviation; None means 2 % of the distance.
        label: how messages call this hint; None means by its numbers.

    Raises:
        UsageError: a number is not finite, or a length is not positive.
    """

    u: float
    v: float
    metres: float
    sigma_m: float | None = None
    label: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        check_pixel(self.u, self.v)
        check_length(self.name, self.metres, self.sigma_m)

    @property
    def name(self) -> str:
        """How messages call this hint."""
        return self.label or f"{self.u:g},{self.v:g}={self.metres:g}m"

    def equations(self, inverse_depth: InverseDepth, camera: Intrinsics) -> list[Equations]:
        """One anchor: 1/z is the length of the ray whose z is 1, over the distance."""
        d = sample_bilinear(inverse_depth, self.u, self.v, self.name)
        inverse = float(np.linalg.norm(ray_at(camera, self.u, self.v))) / self.metres
        return one_anchor(
            self.name, d, inverse, inverse * relative_sigma(self.metres, self.sigma_m), uv=(self.u, self.v)
        )

    def moved(self, move: Move) -> DistanceAt:
        """The same hint at the pixel's new place."""
        ((u, v),) = moved_pixels(move, (self.u, self.v))
        return replace(self, u=u, v=v)


@dataclass(frozen=True, slots=True)
class DepthAt(Unbounded):
    """The depth along the optical axis of the thing seen at a pixel.

    Attributes:
        u: pixels from the upright photo's left edge (pixel centres at +0.5).
        v: pixels from its top edge.
        metres: z, not the ray's length.
        sigma_m: its standard deviation; None means 2 %.

    Raises:
        UsageError: a number is not finite, or a length is not positive.
    """

    u: float
    v: float
    metres: float
    sigma_m: float | None = None

    def __post_init__(self) -> None:
        check_pixel(self.u, self.v)
        check_length(self.name, self.metres, self.sigma_m)

    @property
    def name(self) -> str:
        """How messages call this hint."""
        return f"depth {self.u:g},{self.v:g}={self.metres:g}m"

    def equations(self, inverse_depth: InverseDepth, camera: Intrinsics) -> list[Equations]:
        """One anchor."""
        d = sample_bilinear(inverse_depth, self.u, self.v, self.name)
        sigma = relative_sigma(self.metres, self.sigma_m) / self.metres
        return one_anchor(self.name, d, 1 / self.metres, sigma, uv=(self.u, self.v))

    def moved(self, move: Move) -> DepthAt:
        """The same hint at the pixel's new place."""
        ((u, v),) = moved_pixels(move, (self.u, self.v))
        return replace(self, u=u, v=v)


@dataclass(frozen=True, slots=True)
class InfinityAt(Unbounded):
    """A point so far away that 1/z is 0: sky, far hills. The standard deviation is 1/500 m.

    Attributes:
        u: pixels from the upright photo's left edge (pixel centres at +0.5).
        v: pixels from its top edge.

    Raises:
        UsageError: a number is not finite.
    """

    u: float
    v: float

    def __post_init__(self) -> None:
        check_pixel(self.u, self.v)

    @property
    def name(self) -> str:
        """How messages call this hint."""
        return f"{self.u:g},{self.v:g} at infinity"

    def equations(self, inverse_depth: InverseDepth, camera: Intrinsics) -> list[Equations]:
        """One condition: 1/z is 0."""
        d = sample_bilinear(inverse_depth, self.u, self.v, self.name)
        return [
            Condition(
                self.name,
                np.array([[self.u, self.v]]),
                np.array([d]),
                lambda inverse: np.asarray(inverse[..., 0]),
                INFINITY_SIGMA,
                lambda inverse: f"{1 / float(inverse[0]):.3g} m",
            )
        ]

    def moved(self, move: Move) -> InfinityAt:
        """The same hint at the pixel's new place."""
        ((u, v),) = moved_pixels(move, (self.u, self.v))
        return replace(self, u=u, v=v)


@dataclass(frozen=True, slots=True)
class _Extreme:
    metres: float
    sigma_m: float | None = None

    def __post_init__(self) -> None:
        check_length(self.name, self.metres, self.sigma_m)

    @property
    def name(self) -> str:
        """How messages call this hint."""
        return f"{type(self).__name__.lower()} {self.metres:g}m"

    def _at(self, percent: float, inverse_depth: InverseDepth) -> list[Equations]:
        d = percentile(inverse_depth, percent)
        sigma = relative_sigma(self.metres, self.sigma_m) / self.metres
        return one_anchor(self.name, d, 1 / self.metres, sigma, uv=place_of(inverse_depth, d))

    def moved(self, move: Move) -> Self:
        """The same hint: it belongs to no pixel."""
        return self


@dataclass(frozen=True, slots=True)
class Nearest(_Extreme):
    """The depth of the nearest things: z at the 98th percentile of d; what is nearer is held there.

    Attributes:
        metres: depth along the optical axis.
        sigma_m: its standard deviation; None means 2 %.

    Raises:
        UsageError: a length is not positive.
    """

    def equations(self, inverse_depth: InverseDepth, camera: Intrinsics) -> list[Equations]:
        """One anchor at the 98th percentile."""
        return self._at(NEAR_PERCENTILE, inverse_depth)

    def bounds_m(self) -> tuple[float, float]:
        """Nothing is nearer."""
        return self.metres, NO_BOUNDS[1]


@dataclass(frozen=True, slots=True)
class Farthest(_Extreme):
    """The depth of the farthest things: z at the 2nd percentile of d; what is farther is held there.

    Attributes:
        metres: depth along the optical axis.
        sigma_m: its standard deviation; None means 2 %.

    Raises:
        UsageError: a length is not positive.
    """

    def equations(self, inverse_depth: InverseDepth, camera: Intrinsics) -> list[Equations]:
        """One anchor at the 2nd percentile."""
        return self._at(FAR_PERCENTILE, inverse_depth)

    def bounds_m(self) -> tuple[float, float]:
        """Nothing is farther."""
        return NO_BOUNDS[0], self.metres


@dataclass(frozen=True, slots=True, eq=False)
class SparsePoints(Unbounded):
    """Many points of known depth, such as from LiDAR, structure from motion or a phone's sensor; outliers expected.

    Attributes:
        u: (N,) float64, pixels from the upright photo's left edge (pixel centres at +0.5).
        v: (N,) float64, pixels from its top edge.
        metres: (N,) float64, depth z along the optical axis.
        relative_sigma: one standard deviation of z as a share of z, one number or (N,).
        source: where they came from, in words for messages.

    Raises:
        UsageError: the arrays differ in length, or a number is not finite or not positive.
    """

    u: NDArray[np.float64]
    v: NDArray[np.float64]
    metres: NDArray[np.float64]
    relative_sigma: float | NDArray[np.float64] = 0.02
    source: str = "sparse points"

    def __post_init__(self) -> None:
        if not (self.u.ndim == 1 and self.u.shape == self.v.shape == self.metres.shape):
            raise UsageError(f"{self.source}: u, v and metres must be (N,) arrays of one length")
        if not (np.isfinite(self.u).all() and np.isfinite(self.v).all()):
            raise UsageError(f"{self.source}: a pixel is not finite")
        if not (np.isfinite(self.metres).all() and (self.metres > 0).all() and np.all(self.relative_sigma > 0)):
            raise UsageError(f"{self.source}: depths and their uncertainties must be positive and finite")

    def equations(self, inverse_depth: InverseDepth, camera: Intrinsics) -> list[Equations]:
        """One anchor per point that lies in the picture where something is known."""
        width, height = inverse_depth.size
        inside = (self.u >= 0) & (self.u <= width) & (self.v >= 0) & (self.v <= height)
        d = np.full(len(self.u), np.nan)
        d[inside] = sample_many(inverse_depth, self.u[inside], self.v[inside])
        used = np.isfinite(d)
        if not used.any():
            raise HintError(
                f"{self.source}: none of {len(self.u)} points lies in the {width}x{height} photo where depth is known"
            )
        inverse = 1 / self.metres[used]
        sigma = np.broadcast_to(self.relative_sigma, self.u.shape)[used] * inverse
        uv = np.stack([self.u[used], self.v[used]], axis=1)
        return [Anchors((self.source,) * int(used.sum()), d[used], inverse, sigma, uv)]

    def moved(self, move: Move) -> SparsePoints:
        """The same points at their new places; those that have none are left out."""
        uv = move(np.stack([self.u, self.v], axis=1))
        kept = np.isfinite(uv).all(axis=1)
        sigma = np.broadcast_to(self.relative_sigma, self.u.shape)[kept]
        return replace(self, u=uv[kept, 0], v=uv[kept, 1], metres=self.metres[kept], relative_sigma=sigma)
