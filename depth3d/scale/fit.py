"""The result of scaling: depth and its error at every pixel, where they came from, and how well the hints agree."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth, MetricDepth, Unit
from depth3d.core.errors import HintError
from depth3d.scale.hint import NO_BOUNDS, Anchors, sample_many
from depth3d.scale.mixture import Posterior
from depth3d.scale.posterior_grid import each_strip, read_grid, to_grid
from depth3d.scale.prior import Array, Sites

_Float = TypeVar("_Float", np.float32, np.float64)

_FARTHEST_INVERSE_M = 1e-6
"""Below this 1/z, beyond 1000 km, a point is as good as infinitely far."""


@dataclass(frozen=True, slots=True)
class Residual:
    """How one hint agrees with the fit.

    Attributes:
        name: the hint.
        pixel: (u, v) of the point that it speaks of.
        said_m: the depth z that the hint states, in metres.
        fitted_m: the depth the fit gives there.
        is_used: False where it was left out because the others speak against it.
    """

    name: str
    pixel: tuple[float, float]
    said_m: float
    fitted_m: float
    is_used: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class ScaleFit:
    """How relative inverse depth becomes metres: 1/z = (a d + b) exp e, with a field e that the hints tell of.

    Attributes:
        a: scale of the most probable trend in 1/m per unit of d, positive or 0.
        b: its shift in 1/m.
        floor: the trend's least value in 1/m.
        posterior: log 1/z at every point, or None where no hint was given.
        anchors: the points of known depth, left out or not, or None.
        used: (N,) which of the anchors were used.
        nearest_m: no depth is less.
        farthest_m: no depth is greater.
        is_metric: False where no hint gave a unit, so that "metres" are arbitrary units.
        notes: sentences for the user: assumptions and their consequences, and hints that were left out.
        doubted: names of the hints that were left out because the others speak against them.
    """

    a: float
    b: float
    floor: float = 0.0
    posterior: Posterior | None = None
    anchors: Anchors | None = None
    used: NDArray[np.bool_] | None = None
    nearest_m: float = NO_BOUNDS[0]
    farthest_m: float = NO_BOUNDS[1]
    is_metric: bool = True
    notes: tuple[str, ...] = ()
    doubted: tuple[str, ...] = ()

    @property
    def unit(self) -> Unit:
        """The unit of every length that comes from this fit."""
        return "m" if self.is_metric else "arbitrary"

    @property
    def residuals(self) -> tuple[Residual, ...]:
        """How each point of known depth agrees with the fit."""
        if self.anchors is None or self.posterior is None or self.used is None:
            return ()
        mean, _ = self.posterior.at(self._sites(self.anchors.uv, self.anchors.d))
        depths = zip(1 / self.anchors.inverse_m, 1 / self._bounded(np.exp(mean)), self.used, strict=True)
        points = zip(self.anchors.names, self.anchors.uv.tolist(), strict=True)
        return tuple(
            Residual(name, (u, v), float(said), float(fitted), bool(is_used))
            for (name, (u, v)), (said, fitted, is_used) in zip(points, depths, strict=True)
        )

    def apply(self, inverse_depth: InverseDepth) -> MetricDepth:
        """Depth along the optical axis and its standard deviation: z times that of the logarithm of z.

        NaN where d is unknown, and where 1/z is known to be proportional to d and d is not positive.

        Raises:
            HintError: no pixel has a positive depth.
        """
        values = inverse_depth.values
        inverse = np.empty(values.shape, np.float32)
        sigma = None if self.posterior is None or not self.is_metric else np.empty_like(inverse)
        grid = None if self.posterior is None else to_grid(self.posterior, values)

        def strip(rows: slice) -> None:
            d = values[rows]
            trend = d * np.float32(self.a) + np.float32(self.b)
            np.maximum(trend, np.float32(self.floor), out=trend)
            if grid is not None and self.posterior is not None:
                t = (d - np.float32(self.posterior.trend.d_low)) * np.float32(1 / self.posterior.trend.span)
                found = read_grid(grid, np.nan_to_num(t, nan=0.0), rows)
                trend *= np.exp(found.real)
                if sigma is not None:
                    sigma[rows] = found.imag
            inverse[rows] = trend

        each_strip(values.shape[0], strip)
        with np.errstate(invalid="ignore"):
            inverse[inverse < _FARTHEST_INVERSE_M] = np.nan
        if np.isnan(inverse).all():
            raise HintError(
                f"scale: with 1/z = {self.a:g} d + {self.b:g} every point lies beyond infinity; check the hints"
            )
        metres = np.divide(np.float32(1), self._bounded(inverse), out=inverse)
        if sigma is not None:
            sigma *= metres
        return MetricDepth(metres, sigma, inverse_depth.source, unit=self.unit)

    def draw_inverse(self, inverse_depth: InverseDepth, uv: Array, count: int) -> Array | None:
        """(count, N) values of 1/z at N image points, drawn together from the posterior; None without one.

        Args:
            inverse_depth: what the fit was made for.
            uv: (N, 2) pixels.
            count: how many.
        """
        if self.posterior is None or not self.is_metric:
            return None
        d = sample_many(inverse_depth, uv[:, 0], uv[:, 1])
        return self._bounded(np.exp(self.posterior.draws(self._sites(uv, d), count)))

    def covariance(self, inverse_depth: InverseDepth, uv: Array) -> Array | None:
        """(N, N) covariance of the logarithm of z at N image points; None without a posterior."""
        if self.posterior is None or not self.is_metric:
            return None
        return self.posterior.covariance(self._sites(uv, sample_many(inverse_depth, uv[:, 0], uv[:, 1])))

    def for_other_pictures(self) -> ScaleFit:
        """The trend alone, without the errors that hints show at pixels of this picture, as for later frames."""
        return self if self.posterior is None else replace(self, posterior=self.posterior.of_trend())

    def _sites(self, uv: Array, d: Array) -> Sites:
        assert self.posterior is not None
        return Sites(uv / self.posterior.diagonal_px, self.posterior.trend.level(d))

    def _bounded(self, inverse: NDArray[_Float]) -> NDArray[_Float]:
        greatest = math.inf if self.nearest_m == 0 else 1 / self.nearest_m
        return np.clip(inverse, 1 / self.farthest_m, greatest, out=inverse)
