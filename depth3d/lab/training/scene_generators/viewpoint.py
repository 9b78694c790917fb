"""Where a photo is taken from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

import numpy as np

from depth3d.core.camera import Intrinsics, Pose
from depth3d.lab.training.scene import Vector


@dataclass(frozen=True, slots=True)
class View:
    """A camera's place and direction, and the angle it sees.

    Attributes:
        eye: position in metres.
        yaw: in radians about z; 0 looks along +y.
        pitch_deg: upwards.
        roll_deg: clockwise tilt of the camera.
        fov_deg: across the picture's diagonal.
    """

    eye: Vector
    yaw: float
    pitch_deg: float
    roll_deg: float
    fov_deg: float

    @classmethod
    def handheld(
        cls, rng: Random, eye: Vector, yaw: float, pitch_deg: float, *, fov: tuple[float, float] = (52, 92)
    ) -> View:
        """Held by a person: a little tilted, now and then a lot."""
        roll = rng.gauss(0, 2.5) if rng.random() < 0.85 else rng.uniform(-25, 25)
        return cls(eye, yaw, max(-75.0, min(40.0, pitch_deg)), roll, rng.uniform(*fov))

    def camera(self, width: int, height: int) -> Intrinsics:
        """The pinhole camera for a picture of this size."""
        f_px = math.hypot(width, height) / 2 / math.tan(math.radians(self.fov_deg) / 2)
        return Intrinsics(width, height, f_px, f_px, width / 2, height / 2)

    def pose(self) -> Pose:
        """The camera's pose in the world of `scene.py`."""
        cy, sy = math.cos(self.yaw), math.sin(self.yaw)
        cp, sp = math.cos(math.radians(self.pitch_deg)), math.sin(math.radians(self.pitch_deg))
        cr, sr = math.cos(math.radians(self.roll_deg)), math.sin(math.radians(self.roll_deg))
        right, forward = np.array([cy, sy, 0.0]), np.array([-sy * cp, cy * cp, sp])
        down = np.cross(forward, right)
        matrix = np.eye(4)
        matrix[:3, 0], matrix[:3, 1], matrix[:3, 2] = cr * right + sr * down, cr * down - sr * right, forward
        matrix[:3, 3] = self.eye
        return Pose(matrix)
