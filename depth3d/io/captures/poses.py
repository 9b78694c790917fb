"""Poses as other programs write them, become ours: world from camera, camera axes x right, y down, z forward."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Pose
from depth3d.core.errors import CameraError

_NEARLY_RIGID = 1e-2
"""Files round their numbers; a matrix this near to a rotation is meant as one."""

_CV_FROM_GL = np.diag([1.0, -1.0, -1.0, 1.0])
"""Cameras of OpenGL, Blender, nerfstudio and ARKit look along -z, with y up."""


def pose_of_matrix(numbers: Sequence[float], where: str, *, looks_along_minus_z: bool = False) -> Pose:
    """The pose of a world-from-camera matrix, row by row.

    Args:
        numbers: 16 of them, or 12 without the last row.
        where: for messages.
        looks_along_minus_z: the camera's axes are those of OpenGL.

    Raises:
        CameraError: not a rotation and a translation.
    """
    if len(numbers) == 12:
        numbers = (*numbers, 0.0, 0.0, 0.0, 1.0)
    matrix = np.array(numbers, np.float64)
    if matrix.shape != (16,) or not np.isfinite(matrix).all():
        raise CameraError(f"{where}: a pose must be a matrix of 4x4 finite numbers, got {len(numbers)}")
    matrix = matrix.reshape(4, 4)
    u, stretch, vt = np.linalg.svd(matrix[:3, :3])
    mirrored = np.linalg.det(u @ vt) < 0
    if mirrored or np.abs(stretch - 1).max() > _NEARLY_RIGID or not np.allclose(matrix[3], (0, 0, 0, 1)):
        raise CameraError(f"{where}: a pose must be a rotation and a translation; its matrix stretches or mirrors")
    matrix[:3, :3] = u @ vt
    return Pose(matrix @ _CV_FROM_GL if looks_along_minus_z else matrix)


def pose_of_quaternion(
    translation: Sequence[float], quaternion: Sequence[float], where: str, *, looks_along_minus_z: bool = False
) -> Pose:
    """The pose of a camera's place and its turn (x, y, z, w), as in the TUM RGB-D data set.

    Args:
        translation: of the camera's centre.
        quaternion: world from camera.
        where: for messages.
        looks_along_minus_z: the camera's axes are those of OpenGL.

    Raises:
        CameraError: a number is not finite, or the quaternion has no length.
    """
    length = math.hypot(*quaternion)
    if not np.isfinite([*translation, *quaternion]).all() or not 1e-6 < length < 1e6:
        raise CameraError(f"{where}: a pose needs tx ty tz qx qy qz qw, finite and with a turn")
    matrix = np.eye(4)
    matrix[:3, :3] = _rotation(np.array(quaternion) / length)
    matrix[:3, 3] = translation
    return Pose(matrix @ _CV_FROM_GL if looks_along_minus_z else matrix)


def _rotation(quaternion: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y, z, w = quaternion
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
