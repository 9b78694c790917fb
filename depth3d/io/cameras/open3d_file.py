"""Camera source: Open3D's PinholeCameraIntrinsic, PinholeCameraParameters and PinholeCameraTrajectory as JSON.

`intrinsic_matrix` has nine numbers by columns. Open3D counts pixel centres at integers: it unprojects pixel (u, v) by
(u - cx) / fx with u from 0, and its PrimeSense default is cx = 319.5 of 640.
"""

from __future__ import annotations

from typing import Any

from depth3d.core.errors import CameraError
from depth3d.io.cameras.entries import Asked, Entries, FileCamera, picture_size, pinhole


def is_open3d_file(entries: Entries) -> bool:
    """Whether a document looks like one of Open3D's."""
    return "intrinsic_matrix" in entries or isinstance(entries.get("intrinsic"), dict) or "parameters" in entries


def camera_from_open3d_file(entries: Entries, asked: Asked) -> FileCamera:
    """The camera of a document by Open3D.

    Raises:
        CameraError: something is missing, or a trajectory has several cameras: it does not name its photos.
    """
    if "parameters" in entries:
        return _of_trajectory(entries["parameters"], asked)
    if "intrinsic_matrix" not in entries:
        entries = entries["intrinsic"]
    if "intrinsic_matrix" not in entries:
        raise CameraError(f"{asked.where}: Open3D's intrinsic_matrix is missing")
    return FileCamera(
        *pinhole(entries["intrinsic_matrix"], "intrinsic_matrix", asked.where),
        pixel_centre=0.0,
        size=picture_size(entries, ("width", "height"), asked.where),
        words="Open3D",
    )


def _of_trajectory(parameters: Any, asked: Asked) -> FileCamera:
    if not (isinstance(parameters, list) and parameters and all(isinstance(one, dict) for one in parameters)):
        raise CameraError(f"{asked.where}: the trajectory holds no camera")
    intrinsics = [one.get("intrinsic") for one in parameters]
    if any(other != intrinsics[0] for other in intrinsics):
        raise CameraError(
            f"{asked.where}: the trajectory's {len(intrinsics)} cameras differ, and it does not name their photos;"
            " give the photo's own intrinsic as a file"
        )
    if not isinstance(intrinsics[0], dict):
        raise CameraError(f"{asked.where}: the trajectory holds no camera")
    return camera_from_open3d_file(intrinsics[0], asked)
