"""A scene whose every view is known exactly: patterned cards before a slanted wall."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, Pose, pixel_centres
from depth3d.core.depth import MetricDepth

_FINER = 3
_WALL_M, _WALL_NORMAL = 4.0, np.array([0.15, -0.1, -1.0])


@dataclass(frozen=True, slots=True)
class _Card:
    """A rectangle that faces the first camera, in metres; each has its own colours."""

    left: float
    right: float
    top: float
    bottom: float
    z: float


_CARDS = (_Card(-0.9, -0.25, -0.4, 0.55, 2.0), _Card(0.2, 0.75, -0.55, 0.2, 1.6), _Card(-0.1, 0.35, 0.1, 0.6, 1.3))


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """What a camera sees.

    Attributes:
        rgb: (H, W, 3) uint8, each pixel the mean over its area.
        metres: (H, W) float32 z at the pixels' centres.
        xyz: (H, W, 3) float32, the points seen, in the first camera's axes.
        thing: (H, W) uint8, 0 the wall, then the cards.
    """

    rgb: NDArray[np.uint8]
    metres: NDArray[np.float32]
    xyz: NDArray[np.float32]
    thing: NDArray[np.uint8]

    @property
    def depth(self) -> MetricDepth:
        """The exact depth."""
        return MetricDepth(self.metres, source="exact", unit="m")


def shoot(camera: Intrinsics, pose: Pose) -> Shot:
    """The exact picture from a place."""
    fine = camera.resized(camera.width * _FINER, camera.height * _FINER)
    colours = _colours(*_hit(fine, pose)[::2])
    rgb = np.rint(cv2.resize(colours, camera.size, interpolation=cv2.INTER_AREA)).astype(np.uint8)
    xyz, metres, thing = _hit(camera, pose)
    return Shot(rgb, metres, xyz, thing)


def _hit(camera: Intrinsics, pose: Pose) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint8]]:
    """Points, their z for the camera, and which thing each is on."""
    u, v = np.moveaxis(pixel_centres(*camera.size), -1, 0)
    rays = np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones_like(u)], axis=-1)
    rays = rays @ pose.world_from_cam[:3, :3].T.astype(np.float32)
    eye = pose.world_from_cam[:3, 3]
    z = (_WALL_NORMAL @ (np.array([0, 0, _WALL_M]) - eye) / (rays @ _WALL_NORMAL)).astype(np.float32)
    thing = np.zeros(z.shape, np.uint8)
    for number, card in enumerate(_CARDS, start=1):
        away = ((card.z - eye[2]) / rays[..., 2]).astype(np.float32)
        x, y = eye[0] + away * rays[..., 0], eye[1] + away * rays[..., 1]
        on = (x > card.left) & (x < card.right) & (y > card.top) & (y < card.bottom) & (away < z)
        z, thing = np.where(on, away, z), np.where(on, np.uint8(number), thing)
    return (eye + z[..., None] * rays).astype(np.float32), z, thing


def _colours(xyz: NDArray[np.float32], thing: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Waves of several lengths, none too short for a pixel, on a ground of each thing's own."""
    x, y = xyz[..., 0], xyz[..., 1]
    grounds = np.array([(110, 120, 130), (190, 90, 70), (80, 150, 90), (200, 170, 80)], np.float32)
    waves = np.stack(
        [
            np.sin(11 * x + thing) + np.sin(17 * y) + 0.5 * np.sin(31 * (x + y)),
            np.sin(13 * y + thing) + np.sin(19 * (x - y)) + 0.5 * np.sin(37 * x),
            np.sin(9 * (x + 2 * y)) + np.sin(23 * x + thing) + 0.5 * np.sin(29 * y),
        ],
        axis=-1,
    )
    return np.asarray(grounds[thing] + 18 * waves, np.float32)
