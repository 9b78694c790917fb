"""What a hint is: something a user knows, turned into equations for the depth of points of the picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth, sample_known
from depth3d.core.errors import HintError, UsageError

DEFAULT_RELATIVE_SIGMA = 0.02
"""Where a hint states no uncertainty: 2 % of its length."""

NEAR_PERCENTILE = 98.0
FAR_PERCENTILE = 2.0

_LOOKED_AT = 100_000

NO_BOUNDS = (0.0, math.inf)


@dataclass(frozen=True, slots=True, eq=False)
class Anchors:
    """Points of known depth, one per row.

    Attributes:
        names: what messages call each row; one name may serve many rows.
        d: (N,) float64 relative inverse depth.
        inverse_m: (N,) float64, 1/z in 1/m, positive.
        sigma: (N,) float64, one standard deviation of `inverse_m`, in 1/m.
        uv: (N, 2) float64 image points in pixels.
    """

    names: tuple[str, ...]
    d: NDArray[np.float64]
    inverse_m: NDArray[np.float64]
    sigma: NDArray[np.float64]
    uv: NDArray[np.float64]

    @classmethod
    def joined(cls, parts: Sequence[Anchors]) -> Anchors:
        """All rows of several."""
        empty = np.zeros(0)
        return cls(
            tuple(name for part in parts for name in part.names),
            np.concatenate([empty, *(part.d for part in parts)]),
            np.concatenate([empty, *(part.inverse_m for part in parts)]),
            np.concatenate([empty, *(part.sigma for part in parts)]),
            np.concatenate([np.zeros((0, 2)), *(part.uv for part in parts)]),
        )

    def keeping(self, rows: NDArray[np.bool_]) -> Anchors:
        """Only some rows."""
        names = tuple(name for name, kept in zip(self.names, rows, strict=True) if kept)
        return Anchors(names, self.d[rows], self.inverse_m[rows], self.sigma[rows], self.uv[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """An equation between the depths of a few points.

    Attributes:
        name: what messages call it.
        uv: (K, 2) float64, image points in pixels.
        d: (K,) float64, their relative inverse depth.
        error: 1/z of the points in 1/m, (..., K) and positive -> how far the condition is from being met, (...).
        sigma: one standard deviation of the error from the hint itself.
        fitted: (K,) 1/z -> what a fit says instead, in words, such as "2.31 m".
        length_m: where the condition says how large the scene is, its error falls by the logarithm by which 1/z grows;
            the length that it states. None for what says nothing about size, such as an angle.
    """

    name: str
    uv: NDArray[np.float64]
    d: NDArray[np.float64]
    error: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    sigma: float
    fitted: Callable[[NDArray[np.float64]], str]
    length_m: float | None = None


Equations = Anchors | Condition

Move = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""(N, 2) pixels of the picture a hint was given for -> (N, 2) pixels of the picture it is used in."""


class Hint(Protocol):
    """Anything a user knows that ties relative inverse depth to metres."""

    def equations(self, inverse_depth: InverseDepth, camera: Intrinsics) -> list[Equations]:
        """What this hint says about points of the picture.

        Raises:
            HintError: the hint does not fit this picture.
        """
        ...

    def bounds_m(self) -> tuple[float, float]:
        """The least and the greatest depth z that this hint leaves any pixel; 0 and infinity where it sets no bound."""
        ...

    def moved(self, move: Move) -> Hint:
        """The same hint in a picture whose pixels were moved, as by undoing a lens's distortion.

        Raises:
            HintError: a pixel has no place in the new picture.
        """
        ...


class Unbounded:
    """The part of a hint that sets no bound to other pixels."""

    __slots__ = ()

    def bounds_m(self) -> tuple[float, float]:
        """No bound."""
        return NO_BOUNDS


def one_anchor(name: str, d: float, inverse_m: float, sigma: float, *, uv: tuple[float, float]) -> list[Equations]:
    """A single point of known depth."""
    return [Anchors((name,), np.array([d]), np.array([inverse_m]), np.array([sigma]), np.array([uv]))]


def ray_at(camera: Intrinsics, u: float, v: float) -> NDArray[np.float64]:
    """(3,) the ray through image point (u, v), with z = 1."""
    return np.array([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, 1.0])


def relative_sigma(metres: float, sigma_m: float | None) -> float:
    """A length's uncertainty as a share of it."""
    return DEFAULT_RELATIVE_SIGMA if sigma_m is None else sigma_m / metres


def percentile(inverse_depth: InverseDepth, percent: float) -> float:
    """The value of d that `percent` per cent of the known pixels do not exceed."""
    known = sample_known(inverse_depth.values)
    rank = min(known.size - 1, round(percent / 100 * (known.size - 1)))
    return float(np.partition(known, rank)[rank])


def place_of(inverse_depth: InverseDepth, d: float) -> tuple[float, float]:
    """A pixel in the middle of those whose relative inverse depth is nearest to `d`, as (u, v)."""
    step = max(1, math.ceil(math.sqrt(inverse_depth.values.size / _LOOKED_AT)))
    values = inverse_depth.values[::step, ::step]
    row, column = np.nonzero(np.isfinite(values))
    off = np.abs(values[row, column] - d)
    alike = np.argsort(off, kind="stable")[: max(1, len(off) // 100)]
    places = np.stack([column[alike], row[alike]], axis=1)
    from_middle = np.abs(places - np.median(places, axis=0)).sum(axis=1)
    u, v = places[int(np.argmin(from_middle))] * step + 0.5
    return float(u), float(v)


def sample_bilinear(inverse_depth: InverseDepth, u: float, v: float, name: str) -> float:
    """The relative inverse depth at (u, v), between the four nearest pixel centres; unknown ones are left out.

    Raises:
        HintError: the point lies outside the picture, or nothing is known there.
    """
    check_inside(u, v, inverse_depth.size, name)
    d = sample_many(inverse_depth, np.array([u]), np.array([v]))[0]
    if not math.isfinite(d):
        raise HintError(f"hint {name}: the depth at {u:g},{v:g} is unknown; choose a point that the depth map covers")
    return float(d)


def sample_many(inverse_depth: InverseDepth, u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bilinear d at many points inside the picture, (N,) float64; NaN where nothing is known."""
    width, height = inverse_depth.size
    column = np.clip(u - 0.5, 0, width - 1)
    row = np.clip(v - 0.5, 0, height - 1)
    left, top = column.astype(int), row.astype(int)
    right, below = column - left, row - top
    total, weight = np.zeros(len(u)), np.zeros(len(u))
    for step_y, share_y in ((0, 1 - below), (1, below)):
        for step_x, share_x in ((0, 1 - right), (1, right)):
            corner = inverse_depth.values[np.minimum(top + step_y, height - 1), np.minimum(left + step_x, width - 1)]
            known = np.isfinite(corner)
            share = share_x * share_y * known
            total += share * np.where(known, corner, 0)
            weight += share
    with np.errstate(invalid="ignore"):
        return np.where(weight > 0, total / weight, np.nan)


def moved_pixels(move: Move, *pixels: tuple[float, float]) -> list[tuple[float, float]]:
    """Where pixels come to lie.

    Raises:
        HintError: one has no place in the new picture.
    """
    found = move(np.array(pixels, np.float64))
    for (u, v), place in zip(pixels, found, strict=True):
        if not np.isfinite(place).all():
            raise HintError(f"hint: the pixel {u:g},{v:g} is lost when the lens distortion is undone; choose another")
    return [(float(u), float(v)) for u, v in found]


def check_pixel(u: float, v: float) -> None:
    """Raise UsageError unless both are finite."""
    if not (math.isfinite(u) and math.isfinite(v)):
        raise UsageError(f"hint: the pixel {u},{v} is not finite")


def check_inside(u: float, v: float, size: tuple[int, int], name: str) -> None:
    """Raise HintError unless a pixel lies in a photo of (width, height)."""
    width, height = size
    if not (0 <= u <= width and 0 <= v <= height):
        raise HintError(
            f"hint {name}: the pixel {u:g},{v:g} lies outside the {width}x{height} photo; "
            "U counts from its left edge, V from its top"
        )


def check_length(name: str, metres: float, sigma_m: float | None = None) -> None:
    """Raise UsageError unless a length, and its uncertainty where given, are positive and finite."""
    for what, value in (("a length", metres), ("the uncertainty behind ±", sigma_m)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise UsageError(f"hint {name}: {what} must be positive and finite, got {value:g} m")
