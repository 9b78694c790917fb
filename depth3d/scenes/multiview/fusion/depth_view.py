"""The value that fusion takes: one photo's depth and where it was taken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, Pose
from depth3d.core.errors import GeometryError


@dataclass(frozen=True, slots=True, eq=False)
class DepthView:
    """A photo with depth in a world that it shares with others.

    Attributes:
        camera: of the photo's size, without lens distortion.
        pose: where it was taken; the unit is that of `z`.
        z: (H, W) float32, depth along the optical axis; NaN where unknown, infinite where sky is seen.
        rgb: (H, W, 3) uint8, sRGB.
        doubt: (H, W) float32, one standard deviation of z as a share of z; None where that is not known.

    Raises:
        GeometryError: the sizes differ.
    """

    camera: Intrinsics
    pose: Pose
    z: NDArray[np.float32]
    rgb: NDArray[np.uint8]
    doubt: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        height, width = self.z.shape
        if self.camera.size != (width, height) or self.rgb.shape != (height, width, 3):
            raise GeometryError(
                f"fusion: the camera is of {self.camera.size}, the depth of {(width, height)}, the photo of "
                f"{self.rgb.shape[1::-1]}; they must be of one size"
            )

    def points(self, step: int = 1) -> NDArray[np.float32]:
        """(h, w, 3) world coordinates of every `step`-th pixel; NaN where unknown, and where sky is seen."""
        z = self.z[step // 2 :: step, step // 2 :: step]
        z = np.where(np.isinf(z), np.float32(np.nan), z)
        height, width = z.shape
        u = np.arange(width, dtype=np.float32) * step + (step // 2 + 0.5)
        v = np.arange(height, dtype=np.float32) * step + (step // 2 + 0.5)
        x = (u - np.float32(self.camera.cx)) / np.float32(self.camera.fx)
        y = (v - np.float32(self.camera.cy)) / np.float32(self.camera.fy)
        rays = np.stack(np.broadcast_arrays(x[None, :], y[:, None], np.float32(1)), axis=-1)
        turn = self.pose.world_from_cam.astype(np.float32)
        world: NDArray[np.float32] = (rays * z[..., None]) @ turn[:3, :3].T + turn[:3, 3]
        return world


def project_world(
    xyz: NDArray[np.float32], camera: Intrinsics, pose: Pose
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Pixels and depths of points of the world, for a camera without distortion; those behind it lie far outside."""
    cam_from_world = pose.cam_from_world.astype(np.float32)
    cam = xyz @ cam_from_world[:3, :3].T + cam_from_world[:3, 3]
    z = cam[:, 2]
    safe = np.where(z > 1e-9, z, np.float32(np.inf))
    far = np.where(z > 1e-9, np.float32(0), np.float32(-1e6))
    u = cam[:, 0] / safe * np.float32(camera.fx) + np.float32(camera.cx) + far
    v = cam[:, 1] / safe * np.float32(camera.fy) + np.float32(camera.cy) + far
    return np.asarray(u, np.float32), np.asarray(v, np.float32), np.asarray(z, np.float32)
