"""The result of scaling: two numbers, where they came from, and how well the hints agree."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth, MetricDepth, Unit
from depth3d.core.errors import HintError
from depth3d.scale.hint import Anchors

_FARTHEST_INVERSE_M = 1e-6
"""Below this 1/z, beyond 1000 km, a point is as good as infinitely far."""


@dataclass(frozen=True, slots=True)
class Residual:
    """How one hint agrees with the fit.

    Attributes:
        name: the hint.
        said_m: the depth z that the hint states, in metres.
        fitted_m: the depth the fit gives there; infinite if it lies at or beyond infinity.
    """

    name: str
    said_m: float
    fitted_m: float


@dataclass(frozen=True, slots=True, eq=False)
class ScaleFit:
    """1/z = a * d + b, with d held inside [held_low, held_high].

    Attributes:
        a: scale in 1/m per unit of d, positive.
        b: shift in 1/m.
        covariance: (2, 2) of (a, b), or None where no hint gave a unit.
        d_sigma: one standard deviation of d itself, as stated beforehand and corrected by the hints' scatter.
        anchors: the linear equations that were believed, or None.
        held_low: smaller d is taken as this; -inf where nothing is held.
        held_high: larger d is taken as this; inf where nothing is held.
        is_metric: False where no hint gave a unit, so that "metres" are arbitrary units.
        notes: sentences for the user: assumptions and their consequences, and hints that were left out.
        doubted: names of the hints that disagree with the others, whether they were left out or not.
    """

    a: float
    b: float
    covariance: NDArray[np.float64] | None = None
    d_sigma: float = 0.0
    anchors: Anchors | None = None
    held_low: float = -math.inf
    held_high: float = math.inf
    is_metric: bool = True
    notes: tuple[str, ...] = ()
    doubted: tuple[str, ...] = ()

    @property
    def unit(self) -> Unit:
        """The unit of every length that comes from this fit."""
        return "m" if self.is_metric else "arbitrary"

    @property
    def residuals(self) -> tuple[Residual, ...]:
        """How each believed anchor agrees with the fit."""
        if self.anchors is None:
            return ()
        fitted = self.a * self.anchors.d + self.b
        rows = zip(self.anchors.names, self.anchors.inverse_m.tolist(), fitted.tolist(), strict=True)
        return tuple(Residual(name, _depth(said), _depth(inverse)) for name, said, inverse in rows)

    def apply(self, inverse_depth: InverseDepth) -> MetricDepth:
        """Depth along the optical axis and its standard deviation.

        NaN where d is unknown or a d + b is not positive (beyond infinity). The standard deviation of 1/z is that of
        (a, b) and a times that of d; that of z is z^2 times as large.

        Raises:
            HintError: no pixel has a positive depth.
        """
        d = np.clip(inverse_depth.values, self.held_low, self.held_high)
        inverse = d * np.float32(self.a)
        inverse += np.float32(self.b)
        with np.errstate(invalid="ignore"):
            inverse[inverse < _FARTHEST_INVERSE_M] = np.nan
        if np.isnan(inverse).all():
            raise HintError(
                f"scale: with 1/z = {self.a:g} d + {self.b:g} every point lies beyond infinity; check the hints"
            )
        metres = np.divide(np.float32(1), inverse, out=inverse)
        return MetricDepth(metres, self._sigma(d, metres), inverse_depth.source, unit=self.unit)

    def _sigma(self, d: NDArray[np.float32], metres: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """Standard deviation of z; overwrites `d`."""
        if self.covariance is None:
            return None
        (caa, cab), (_, cbb) = self.covariance
        # The variance of a d + b is a parabola in d; about its vertex float32 does not cancel.
        vertex = -cab / caa if caa > 0 else 0.0
        least = max(cbb - (cab**2 / caa if caa > 0 else 0.0), 0.0) + (self.a * self.d_sigma) ** 2
        d -= np.float32(vertex)
        d *= d
        d *= np.float32(caa)
        d += np.float32(least)
        np.sqrt(d, out=d)
        d *= metres
        d *= metres
        return d


def _depth(inverse_m: float) -> float:
    return 1 / inverse_m if inverse_m > 0 else math.inf
