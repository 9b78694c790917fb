"""Hints that name a shape: a length between two pixels, a right angle, the camera's height over the ground."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth
from depth3d.core.errors import HintError, UsageError
from depth3d.scale.ground import find_ground
from depth3d.scale.hint import (
    Condition,
    Equations,
    Move,
    Unbounded,
    check_length,
    check_pixel,
    moved_pixels,
    ray_at,
    relative_sigma,
    sample_bilinear,
)

Pixel = tuple[float, float]

RIGHT_ANGLE_SIGMA_DEG = 2.0
LEVEL_SIGMA_DEG = 3.0
"""How level a camera is that is held "level", one standard deviation."""
PITCH_SIGMA_DEG = 1.0


@dataclass(frozen=True, slots=True)
class LengthBetween(Unbounded):
    """The length of a straight line between the things seen at two pixels.

    Attributes:
        start: (u, v) of one end in pixels of the upright photo (pixel centres at +0.5).
        end: (u, v) of the other.
        metres: the length.
        sigma_m: its standard deviation; None means 2 %.
        label: how messages call this hint; None means by its numbers.

    Raises:
        UsageError: the ends coincide, a number is not finite, or a length is not positive.
    """

    start: Pixel
    end: Pixel
    metres: float
    sigma_m: float | None = None
    label: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        check_pixel(*self.start)
        check_pixel(*self.end)
        check_length(self.name, self.metres, self.sigma_m)
        if self.start == self.end:
            raise UsageError(f"hint {self.name}: both ends are the same pixel; give two different ones")

    @property
    def name(self) -> str:
        """How messages call this hint."""
        (u1, v1), (u2, v2) = self.start, self.end
        return self.label or f"{u1:g},{v1:g}:{u2:g},{v2:g}={self.metres:g}m"

    def equations(self, inverse_depth: InverseDepth, camera: Intrinsics) -> list[Equations]:
        """The logarithm of the length, so that its error is relative."""
        d, rays = _points(inverse_depth, camera, (self.start, self.end), self.name)

        def length(inverse: NDArray[np.float64]) -> NDArray[np.float64]:
            xyz = rays / inverse[..., None]
            return np.asarray(np.linalg.norm(xyz[..., 1, :] - xyz[..., 0, :], axis=-1))

        return [
            Condition(
                self.name,
                np.array([self.start, self.end]),
                d,
                lambda inverse: np.log(length(inverse) / self.metres),
                relative_sigma(self.metres, self.sigma_m),
                lambda inverse: f"{float(length(inverse)):.3g} m",
                self.metres,
            )
        ]

    def moved(self, move: Move) -> LengthBetween:
        """The same length between the pixels' new places."""
        start, end = moved_pixels(move, self.start, self.end)
        return replace(self, start=start, end=end)


@dataclass(frozen=True, slots=True)
class RightAngle(Unbounded):
    """A right angle in space at the thing seen at pixel `corner`, between the directions to two other pixels.

    It says nothing about the unit, but fixes the shift b where distances are missing.

    Attributes:
        first: (u, v) on one arm, in pixels of the upright photo (pixel centres at +0.5).
        corner: (u, v) of the angle.
        second: (u, v) on the other arm.
        sigma_deg: one standard deviation in degrees.

    Raises:
        UsageError: two of the pixels coincide, or a number is not finite.
    """

    first: Pixel
    corner: Pixel
    second: Pixel
    sigma_deg: float = RIGHT_ANGLE_SIGMA_DEG

    def __post_init__(self) -> None:
        for pixel in (self.first, self.corner, self.second):
            check_pixel(*pixel)
        if len({self.first, self.corner, self.second}) < 3:
            raise UsageError(f"hint {self.name}: the three pixels must differ")
        if not (math.isfinite(self.sigma_deg) and self.sigma_deg > 0):
            raise UsageError(f"hint {self.name}: its uncertainty must be positive, got {self.sigma_deg:g} degrees")

    @property
    def name(self) -> str:
        """How messages call this hint."""
        return "right angle " + ":".join(f"{u:g},{v:g}" for u, v in (self.first, self.corner, self.second))

    def equations(self, inverse_depth: InverseDepth, camera: Intrinsics) -> list[Equations]:
        """The angle less 90 degrees, in radians."""
        pixels = (self.first, self.corner, self.second)
        d, rays = _points(inverse_depth, camera, pixels, self.name)

        def angle(inverse: NDArray[np.float64]) -> NDArray[np.float64]:
            xyz = rays / inverse[..., None]
            one, other = xyz[..., 0, :] - xyz[..., 1, :], xyz[..., 2, :] - xyz[..., 1, :]
            across = np.linalg.norm(np.cross(one, other), axis=-1)
            return np.asarray(np.arctan2(across, (one * other).sum(axis=-1)))

        return [
            Condition(
                self.name,
                np.array(pixels),
                d,
                lambda inverse: angle(inverse) - math.pi / 2,
                math.radians(self.sigma_deg),
                lambda inverse: f"{math.degrees(float(angle(inverse))):.0f} degrees",
            )
        ]

    def moved(self, move: Move) -> RightAngle:
        """The same angle at the pixels' new places."""
        first, corner, second = moved_pixels(move, self.first, self.corner, self.second)
        return replace(self, first=first, corner=corner, second=second)


@dataclass(frozen=True, slots=True)
class CameraHeight(Unbounded):
    """The camera's height over level ground that is seen in the picture.

    On a plane 1/z is affine in pixel coordinates, so the ground is the robust affine fit to d in the lower part of the
    picture. Its height gives the unit, its horizon gives the shift. At most one of pitch and horizon may be given;
    with neither the camera is taken to be held level, to within 3 degrees.

    Attributes:
        metres: height of the camera over the ground.
        pitch_deg: how far the optical axis points below the horizon, in degrees.
        horizon_v: where the horizon crosses the picture's middle column, in pixels from its top edge; it may lie
            outside the picture.
        sigma_m: standard deviation of the height; None means 2 %.

    Raises:
        UsageError: both pitch and horizon, or a number out of range.
    """

    metres: float
    pitch_deg: float | None = None
    horizon_v: float | None = None
    sigma_m: float | None = None

    def __post_init__(self) -> None:
        check_length(self.name, self.metres, self.sigma_m)
        if self.pitch_deg is not None and self.horizon_v is not None:
            raise UsageError("hint camera height: give the pitch or the horizon, not both")
        if self.pitch_deg is not None and not -80 <= self.pitch_deg <= 89:
            raise UsageError(f"hint camera height: pitch must lie between -80 and 89 degrees, got {self.pitch_deg:g}")
        if self.horizon_v is not None and not math.isfinite(self.horizon_v):
            raise UsageError(f"hint camera height: the horizon {self.horizon_v:g} is not finite")

    @property
    def name(self) -> str:
        """How messages call this hint."""
        return f"camera height {self.metres:g}m"

    def equations(self, inverse_depth: InverseDepth, camera: Intrinsics) -> list[Equations]:
        """Two conditions on the ground's plane m . ray = 1/z: its distance 1/|m| and its tilt.

        Raises:
            HintError: no ground is found.
        """
        ground = find_ground(inverse_depth, self.name)
        pitch, sigma = self._pitch(camera)
        # The plane is held by the depth of three of its points, so that errors of d mean the same as elsewhere.
        pixels = np.array([(0.2, 1.0), (0.8, 1.0), (0.5, 0.75)]) * camera.size
        rays = np.stack([ray_at(camera, u, v) for u, v in pixels])
        d = np.array([ground.at(u, v) for u, v in pixels])
        plane_from_inverse = np.linalg.inv(rays)

        def plane(inverse: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(inverse @ plane_from_inverse.T)

        def height(inverse: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(1 / np.linalg.norm(plane(inverse), axis=-1))

        def tilt(inverse: NDArray[np.float64]) -> NDArray[np.float64]:
            m = plane(inverse)
            return np.arctan2(m[..., 2], np.hypot(m[..., 0], m[..., 1]))

        return [
            Condition(
                self.name,
                pixels,
                d,
                lambda inverse: np.log(height(inverse) / self.metres),
                relative_sigma(self.metres, self.sigma_m),
                lambda inverse: f"{float(height(inverse)):.3g} m",
                self.metres,
            ),
            Condition(
                f"pitch {math.degrees(pitch):.3g} degrees",
                pixels,
                d,
                lambda inverse: tilt(inverse) - pitch,
                sigma,
                lambda inverse: f"{math.degrees(float(tilt(inverse))):.3g} degrees",
            ),
        ]

    def moved(self, move: Move) -> CameraHeight:
        """The same height; a horizon given by its row is refused, for a distorted horizon is no row.

        Raises:
            HintError: the horizon is given by its row.
        """
        if self.horizon_v is not None:
            raise HintError(f"hint {self.name}: give --pitch instead of --horizon where the lens distorts the picture")
        return self

    def _pitch(self, camera: Intrinsics) -> tuple[float, float]:
        """The pitch and its standard deviation in radians."""
        if self.horizon_v is not None:
            return math.atan((camera.cy - self.horizon_v) / camera.fy), math.radians(PITCH_SIGMA_DEG)
        if self.pitch_deg is not None:
            return math.radians(self.pitch_deg), math.radians(PITCH_SIGMA_DEG)
        return 0.0, math.radians(LEVEL_SIGMA_DEG)


def _points(
    inverse_depth: InverseDepth, camera: Intrinsics, pixels: tuple[Pixel, ...], name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    d = np.array([sample_bilinear(inverse_depth, u, v, name) for u, v in pixels])
    rays = np.stack([ray_at(camera, u, v) for u, v in pixels])
    return d, rays
