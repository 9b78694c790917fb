"""Depth all around: the values of panoramas. Distances are lengths along the ray, for want of an axis."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import Unit
from depth3d.core.equirectangular import Equirect
from depth3d.core.errors import DepthMapError, UsageError


@dataclass(frozen=True, slots=True, eq=False)
class SphericalInverseDepth:
    """Relative inverse distance: 1 / distance = s values + t shift, with s > 0 and t about 0.

    Attributes:
        equirect: the grid; its size is that of the arrays.
        picture_size: (width, height) of the panorama it was made of, in pixels.
        values: (H, W) float32, larger is nearer, 1 where the nearest things are (98th percentile); NaN where unknown.
        shift: (H, W) float32, what 1 / distance gains when 1/z of every face gains 1: the cosine of the angle to the
            face's axis.
        shift_sigma: one standard deviation of t / s, as far as the faces' overlaps could tell.
        noise: one standard deviation of `values` between faces where they overlap.
        metres: the s and the t that the network's own metres give; None where it knows none.
        metric_sigma: one standard deviation of the scale of these metres, as a share; None where it knows none.
        notes: what was assumed or left out, in sentences for the user.

    Raises:
        DepthMapError: the arrays are not of the grid's size, or nothing is known.
    """

    equirect: Equirect
    picture_size: tuple[int, int]
    values: NDArray[np.float32]
    shift: NDArray[np.float32]
    shift_sigma: float
    noise: float
    metres: tuple[float, float] | None = None
    metric_sigma: float | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check(self.values, self.equirect, "relative inverse distance")
        _check(self.shift, self.equirect, "shift")


@dataclass(frozen=True, slots=True, eq=False)
class SphericalDepth:
    """Distances from the camera, along the ray.

    Attributes:
        equirect: the grid; its size is that of the array.
        picture_size: (width, height) of the panorama it was made of, in pixels.
        metres: (H, W) float32, positive, or NaN where unknown.
        unit: "m", or "arbitrary" where no hint gave one.
        notes: how the distances were obtained, in sentences for the user.

    Raises:
        DepthMapError: the array is not of the grid's size, nothing is known, or a distance is not positive.
    """

    equirect: Equirect
    picture_size: tuple[int, int]
    metres: NDArray[np.float32]
    unit: Unit = "m"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check(self.metres, self.equirect, "distance")
        if np.nanmin(self.metres) <= 0:
            raise DepthMapError(f"panorama: every known distance must be positive, got {np.nanmin(self.metres):g}")


def without_far_points(depth: SphericalDepth, limit_m: float | None) -> SphericalDepth:
    """Make distances over a limit unknown; None keeps all.

    Raises:
        UsageError: distances have no unit, or none is below the limit.
    """
    if limit_m is None:
        return depth
    if depth.unit != "m":
        raise UsageError(f"a greatest depth of {limit_m:g} m needs metres; give a distance, such as --at U,V=2.4m")
    far = depth.metres > limit_m
    if not np.isfinite(depth.metres[~far]).any():
        raise UsageError(f"no distance is below {limit_m:g} m; the nearest is {np.nanmin(depth.metres):.3g} m")
    note = f"{far.mean():.1%} of the panorama lies beyond {limit_m:g} m and is left out"
    return replace(depth, metres=np.where(far, np.float32(np.nan), depth.metres), notes=(*depth.notes, note))


def coarser(depth: SphericalDepth, share: float) -> SphericalDepth:
    """The same distances on a grid with a share of the cells, each the one in the middle of its cell.

    Args:
        depth: distances.
        share: of the cells that are kept, about; between 0 and 1.
    """
    old = depth.equirect
    shrink = math.sqrt(share)
    grid = old.resized(max(1, int(old.width * shrink)), max(1, int(old.height * shrink)))
    rows = ((np.arange(grid.height) * 2 + 1) * old.height) // (2 * grid.height)
    columns = ((np.arange(grid.width) * 2 + 1) * old.width) // (2 * grid.width)
    return replace(depth, equirect=grid, metres=depth.metres[np.ix_(rows, columns)])


def _check(values: NDArray[np.float32], equirect: Equirect, what: str) -> None:
    if values.shape != (equirect.height, equirect.width):
        raise DepthMapError(f"panorama: {what} has shape {values.shape}, its grid {equirect.width}x{equirect.height}")
    if not np.isfinite(values).any():
        raise DepthMapError(f"panorama: {what} is unknown everywhere")
