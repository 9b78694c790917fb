"""The result of scaling: two numbers, where they came from, and how well the hints agree."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.depth import InverseDepth, MetricDepth
from depth3d.errors import HintError

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
        covariance: (2, 2) of (a, b), or None where the hints do not determine both.
        residuals: one per hint.
        d_sigma: one standard deviation of d itself.
        held_low: smaller d is taken as this; -inf where nothing is held.
        held_high: larger d is taken as this; inf where nothing is held.
        is_metric: False where no hint gave a unit, so that "metres" are arbitrary units.
        notes: sentences for the user: assumptions and their consequences.
    """

    a: float
    b: float
    covariance: NDArray[np.float64] | None = None
    residuals: tuple[Residual, ...] = ()
    d_sigma: float = 0.0
    held_low: float = -math.inf
    held_high: float = math.inf
    is_metric: bool = True
    notes: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """The unit of every length that comes from this fit."""
        return "m" if self.is_metric else "arbitrary"

    def apply(self, relief: InverseDepth) -> MetricDepth:
        """Depth along the optical axis; NaN where d is unknown or a d + b is not positive (beyond infinity).

        Raises:
            HintError: no pixel has a positive depth.
        """
        inverse = np.clip(relief.values, self.held_low, self.held_high)
        inverse = inverse * np.float32(self.a)
        inverse += np.float32(self.b)
        with np.errstate(invalid="ignore"):
            inverse[inverse < _FARTHEST_INVERSE_M] = np.nan
        if np.isnan(inverse).all():
            raise HintError(
                f"scale: with 1/z = {self.a:g} d + {self.b:g} every point lies beyond infinity; check the hints"
            )
        return MetricDepth(np.divide(np.float32(1), inverse, out=inverse), source=relief.source)
