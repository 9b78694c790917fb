"""Lens distortion: where a real lens puts the ray that an ideal one would put at (x, y) = (X/Z, Y/Z).

Two models, both as OpenCV defines them (https://docs.opencv.org/5.x/, "Camera Calibration and 3D Reconstruction"):

* Brown's, (k1, k2, p1, p2[, k3[, k4, k5, k6]]): with r² = x² + y² the radius grows by
  (1 + k1 r² + k2 r⁴ + k3 r⁶) / (1 + k4 r² + k5 r⁴ + k6 r⁶), and p1, p2 tilt the lens (Brown 1966; Ma et al. 2003).
* The fisheye's, (k1, k2, k3, k4): the angle θ = atan r off the axis becomes the radius
  θ (1 + k1 θ² + k2 θ⁴ + k3 θ⁶ + k4 θ⁸) (Kannala & Brandt, PAMI 2006).

Coordinates here are free of pixels: (u - cx) / fx and (v - cy) / fy.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

WIDEST_HALF_ANGLE_DEG = 60.0
"""An ideal picture stretches its borders by 1 / cos³; beyond 60 degrees off the axis little but stretch is left."""

_TABLE = 2000
_NEWTON_STEPS = 12
_SOLVED = 1e-9
_WIDEST_RADIUS = 1e3
_EDGE_SAMPLES = 65
_BISECTIONS = 60


def distort_points(xy: Points, distortion: tuple[float, ...], *, fisheye: bool) -> Points:
    """Where the lens puts ideal points, (N, 2) to (N, 2).

    Beyond `greatest_radius` the models fold back, and the result means nothing.
    """
    if fisheye:
        radius = np.linalg.norm(xy, axis=-1, keepdims=True)
        angle = np.arctan(radius)
        growth = _horner(angle**2, np.array([1.0, *distortion]))
        # angle / radius tends to 1 on the axis.
        return np.asarray(xy * growth * np.divide(angle, radius, out=np.ones_like(radius), where=radius > 0))
    if not distortion:
        return xy.copy()
    x, y = xy[..., 0], xy[..., 1]
    p1, p2 = distortion[2:4]
    square = x * x + y * y
    radial = _brown_growth(square, distortion)
    return np.stack(
        [
            x * radial + 2 * p1 * x * y + p2 * (square + 2 * x * x),
            y * radial + p1 * (square + 2 * y * y) + 2 * p2 * x * y,
        ],
        axis=-1,
    )


def undistort_points(xy: Points, distortion: tuple[float, ...], *, fisheye: bool) -> Points:
    """The ideal points that the lens puts at `xy`, (N, 2) to (N, 2); NaN where there is none.

    Newton's method, from a table of the radial part, so that strong lenses are inverted as exactly as weak ones.
    """
    if fisheye:
        return _undistort_fisheye(xy, distortion)
    return _undistort_brown(xy, distortion) if distortion else xy.copy()


def greatest_radius(distortion: tuple[float, ...], *, fisheye: bool) -> float:
    """The ideal radius up to which the distorted radius grows; beyond it the model folds the picture over."""
    if fisheye:
        slope = np.array([1.0, *distortion]) * (1, 3, 5, 7, 9)
        angle = math.sqrt(_first_positive_root(slope))
        return math.tan(angle) if angle < math.pi / 2 else math.inf
    over, under = _brown_polynomials(distortion)
    p = np.polynomial.polynomial
    # d/dr of r N(s) / D(s) with s = r² is ((N + 2 s N') D - 2 s N D') / D².
    grows = p.polymul(p.polyadd(over, p.polymul((0, 2), p.polyder(over))), under)
    shrinks = p.polymul(p.polymul((0, 2), over), p.polyder(under))
    return math.sqrt(min(_first_positive_root(p.polysub(grows, shrinks)), _first_positive_root(under)))


def inner_rectangle(
    rectangle: tuple[float, float, float, float], distortion: tuple[float, ...], *, fisheye: bool
) -> tuple[float, float, float, float]:
    """The rectangle of ideal points (left, top, right, bottom) that the lens puts inside a picture's `rectangle`.

    It reaches no farther than 60 degrees from the axis to either side. The axis must lie inside the rectangle. The
    result is empty (left equals right) where a whole side of the picture shows no ray at all, which only a fisheye can.
    """
    left, top, right, bottom = rectangle
    across = np.linspace(left, right, _EDGE_SAMPLES)
    down = np.linspace(top, bottom, _EDGE_SAMPLES)

    def ideal(x: Points, y: Points) -> Points:
        edge = np.stack(np.broadcast_arrays(x, y), axis=-1)
        return undistort_points(edge, distortion, fisheye=fisheye)

    sides = (
        -ideal(np.array(left), down)[:, 0],
        -ideal(across, np.array(top))[:, 1],
        ideal(np.array(right), down)[:, 0],
        ideal(across, np.array(bottom))[:, 1],
    )
    widest = math.tan(math.radians(WIDEST_HALF_ANGLE_DEG))
    beyond = widest if fisheye else 0.0
    reach = [min(np.nanmin(side), widest) if np.isfinite(side).any() else beyond for side in sides]
    inner = np.array(reach) * (-1, -1, 1, 1)
    left, top, right, bottom = inner * _largest_share(inner, rectangle, distortion, fisheye=fisheye)
    return float(left), float(top), float(right), float(bottom)


def _largest_share(
    inner: Points, rectangle: tuple[float, float, float, float], distortion: tuple[float, ...], *, fisheye: bool
) -> float:
    """How far an ideal rectangle must shrink about the axis until the lens puts its whole border into the picture."""
    limit = greatest_radius(distortion, fisheye=fisheye)
    steps = np.linspace(0, 1, _EDGE_SAMPLES)
    x = inner[0] + steps * (inner[2] - inner[0])
    y = inner[1] + steps * (inner[3] - inner[1])
    sides = [(x, inner[1]), (x, inner[3]), (inner[0], y), (inner[2], y)]
    border = np.concatenate([np.stack(np.broadcast_arrays(*side), axis=-1) for side in sides])
    slack = 1e-9 * max(1.0, *(abs(edge) for edge in rectangle))

    def fits(share: float) -> bool:
        seen = distort_points(border * share, distortion, fisheye=fisheye)
        inside = (seen >= np.array(rectangle[:2]) - slack) & (seen <= np.array(rectangle[2:]) + slack)
        return bool(inside.all() and np.linalg.norm(border * share, axis=-1).max() <= limit)

    if fits(1.0):
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _brown_polynomials(distortion: tuple[float, ...]) -> tuple[Points, Points]:
    """Numerator and denominator of the radial growth as polynomials in r², lowest power first."""
    k1, k2, _, _, k3, k4, k5, k6 = (*distortion, *(0.0,) * (8 - len(distortion)))
    return np.array([1, k1, k2, k3]), np.array([1, k4, k5, k6])


def _brown_growth(square: Points, distortion: tuple[float, ...]) -> Points:
    """The radial growth at r²."""
    over, under = _brown_polynomials(distortion)
    growth = _horner(square, over)
    return growth / _horner(square, under) if len(distortion) == 8 else growth


def _brown_slope(square: Points, growth: Points, distortion: tuple[float, ...]) -> Points:
    """The derivative of the radial growth by r²."""
    over, under = _brown_polynomials(distortion)
    order = np.arange(1, 4)
    return (_horner(square, over[1:] * order) - growth * _horner(square, under[1:] * order)) / _horner(square, under)


def _horner(x: Points, polynomial: NDArray[np.floating]) -> Points:
    value = np.full_like(x, polynomial[-1])
    for coefficient in polynomial[-2::-1]:
        value *= x
        value += coefficient
    return value


def _undistort_brown(seen: Points, distortion: tuple[float, ...]) -> Points:
    limit = greatest_radius(distortion, fisheye=False)
    p1, p2 = distortion[2:4]
    xy = _radial_start(seen, distortion, min(limit, _WIDEST_RADIUS))
    with np.errstate(all="ignore"):  # points without a solution run away and are marked below
        for _ in range(_NEWTON_STEPS):
            x, y = xy[..., 0], xy[..., 1]
            square = x * x + y * y
            radial = _brown_growth(square, distortion)
            slope = _brown_slope(square, radial, distortion)
            error = distort_points(xy, distortion, fisheye=False) - seen
            xx = radial + 2 * x * x * slope + 2 * p1 * y + 6 * p2 * x
            xy_term = 2 * x * y * slope + 2 * p1 * x + 2 * p2 * y
            yy = radial + 2 * y * y * slope + 6 * p1 * y + 2 * p2 * x
            determinant = xx * yy - xy_term * xy_term
            step_x = (yy * error[..., 0] - xy_term * error[..., 1]) / determinant
            step_y = (xx * error[..., 1] - xy_term * error[..., 0]) / determinant
            xy = xy - np.stack([step_x, step_y], axis=-1)
        error = np.abs(distort_points(xy, distortion, fisheye=False) - seen).max(axis=-1)
        radius = np.linalg.norm(xy, axis=-1)
        solved = (error <= _SOLVED * (1 + np.abs(seen).max(axis=-1))) & (radius <= limit) & (determinant > 0)
    return np.where(solved[..., None], xy, np.nan)


def _radial_start(seen: Points, distortion: tuple[float, ...], limit: float) -> Points:
    """Ideal points for a lens with the radial part alone, from a table; beyond the table its last radius."""
    radius = np.tan(np.linspace(0, math.atan(limit), _TABLE))
    growth = _brown_growth(radius**2, distortion)
    target = np.linalg.norm(seen, axis=-1)
    found = np.interp(target, np.maximum.accumulate(radius * growth), radius)
    return np.asarray(seen * np.divide(found, target, out=np.ones_like(target), where=target > 0)[..., None])


def _undistort_fisheye(seen: Points, distortion: tuple[float, ...]) -> Points:
    curve = np.array([1.0, *distortion])
    slope = curve * (1, 3, 5, 7, 9)
    limit = min(math.sqrt(_first_positive_root(slope)), math.pi / 2)
    target = np.linalg.norm(seen, axis=-1)
    table = np.linspace(0, limit, _TABLE)
    angle = np.interp(target, np.maximum.accumulate(table * _horner(table**2, curve)), table)
    with np.errstate(all="ignore"):
        for _ in range(_NEWTON_STEPS):
            angle = angle - (angle * _horner(angle**2, curve) - target) / _horner(angle**2, slope)
        error = np.abs(angle * _horner(angle**2, curve) - target)
        solved = (error <= _SOLVED * (1 + target)) & (angle >= 0) & (angle < limit) & (angle < math.pi / 2 - 1e-6)
        scale = np.divide(np.tan(angle), target, out=np.ones_like(target), where=target > 0)
    return np.where(solved[..., None], seen * scale[..., None], np.nan)


def _first_positive_root(polynomial: NDArray[np.floating]) -> float:
    """The smallest x > 0 where a polynomial (lowest power first) that starts positive falls to 0, or infinity.

    Looked for on a grid: roots of polynomials whose last coefficients are almost 0 come out wrong.
    """
    grid = np.geomspace(1e-6, _WIDEST_RADIUS**2, _TABLE)
    with np.errstate(all="ignore"):
        fallen = np.flatnonzero(_horner(grid, polynomial) <= 0)
        if fallen.size == 0:
            return math.inf
        low, high = (0.0 if fallen[0] == 0 else grid[fallen[0] - 1]), grid[fallen[0]]
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            low, high = (low, middle) if _horner(np.array(middle), polynomial) <= 0 else (middle, high)
    return float(low)
