"""The unit of a model from the positions that phones wrote into photos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.io.photos.gps import GpsPosition, east_north_up

DEFAULT_SIGMA_M = 5.0
"""What a phone's position is good for in the open, where it does not say."""

MOST_RELATIVE_SIGMA = 0.25
"""A unit known worse than this is not called metres."""

_LEAST_PHOTOS = 3
_OUTLIER_SIGMAS = 3.0
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class GpsUnit:
    """How large a model is, by GPS.

    Attributes:
        metres: length of the model's unit.
        relative_sigma: one standard deviation of it, as a share.
        count: how many positions agreed.
    """

    metres: float
    relative_sigma: float
    count: int


def unit_from_gps(centres: NDArray[np.float64], positions: list[GpsPosition | None]) -> GpsUnit | None:
    """Find the length of a model's unit from where its cameras stand and what GPS says of them.

    The similarity between both sets of horizontal places by least squares (Umeyama, "Least-Squares Estimation of
    Transformation Parameters Between Two Point Patterns", 1991), without positions that are far off. Errors of GPS are
    common to photos taken one after the other, so that the scatter that is seen is no measure of all of them: the
    stated one counts too.

    Args:
        centres: (N, 3) of the cameras, in the model's unit.
        positions: of the same photos; None where a photo has none.

    Returns:
        None where fewer than three photos have positions, or they lie too near to each other to tell the unit.
    """
    rows = [number for number, position in enumerate(positions) if position is not None]
    known = [position for position in positions if position is not None]
    if len(known) < _LEAST_PHOTOS:
        return None
    world, model = east_north_up(known), centres[rows]
    sigma = float(np.median([one.sigma_m or DEFAULT_SIGMA_M for one in known]))
    kept = np.ones(len(known), bool)
    for _ in range(_ROUNDS):
        metres, errors = _similarity(model, world, kept)
        allowed = _OUTLIER_SIGMAS * max(sigma, 1.4826 * float(np.median(errors)))
        if np.array_equal(errors <= allowed, kept):
            break
        kept = errors <= allowed
        if kept.sum() < _LEAST_PHOTOS:
            return None
    spread = np.sqrt(np.square(model[kept] - model[kept].mean(axis=0)).sum())
    found = max(sigma, float(np.sqrt(np.mean(errors[kept] ** 2)))) / max(metres * float(spread), 1e-9)
    # Positions of one walk share their error; sqrt(N) as if they did not would promise too much.
    relative = found * float(np.sqrt(kept.sum() / _LEAST_PHOTOS))
    return GpsUnit(metres, relative, int(kept.sum())) if metres > 0 else None


def _similarity(
    model: NDArray[np.float64], world: NDArray[np.float64], kept: NDArray[np.bool_]
) -> tuple[float, NDArray[np.float64]]:
    """The scale of the best similarity from model to world, and how far each point is off, in metres."""
    a, b = model[kept], world[kept]
    a_mean, b_mean = a.mean(axis=0), b.mean(axis=0)
    u, strength, vt = np.linalg.svd((b - b_mean).T @ (a - a_mean))
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    turn = (u * sign) @ vt
    scale = float(strength @ sign) / max(float(np.square(a - a_mean).sum()), 1e-300)
    off = world - b_mean - scale * (model - a_mean) @ turn.T
    return scale, np.linalg.norm(off[:, :2], axis=1)
