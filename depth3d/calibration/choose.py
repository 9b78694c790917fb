"""Camera sources in order: the first that can answer does, and says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from depth3d.calibration.apple_calibration import camera_from_apple_depth
from depth3d.calibration.applied_crop import find_applied_crop
from depth3d.calibration.default_camera import assume_camera
from depth3d.calibration.exif import camera_from_exif
from depth3d.calibration.photo_sphere import find_panorama
from depth3d.calibration.user_focal import camera_from_focal, camera_from_fov
from depth3d.calibration.vanishing_points import camera_from_vanishing_points
from depth3d.core.camera import Intrinsics
from depth3d.core.errors import CameraError, UsageError
from depth3d.io.cameras.camera_file import read_camera_file
from depth3d.io.photos.photo import Photo


def choose_intrinsics(
    photo: Photo,
    *,
    fov_x_deg: float | None = None,
    focal_px: float | None = None,
    camera_file: Path | None = None,
    ask_network: Callable[[Photo], Intrinsics | None] | None = None,
) -> Intrinsics:
    """The camera of an upright photo: the first of several sources that can tell.

    They are: what the user states, the device's own calibration, EXIF, the network that sees the depth, vanishing
    points, an assumption.

    Args:
        photo: the photo; its size binds the camera.
        fov_x_deg: horizontal field of view of the upright photo in degrees.
        focal_px: focal length in pixels of the upright photo.
        camera_file: a camera's file, or the folder of a COLMAP model; see `depth3d.io.cameras.camera_file`.
        ask_network: gives the camera that a network sees in the photo, or None; called only if its turn comes.

    Returns:
        Intrinsics of the photo's size whose `source` says where the numbers came from and how sure they are.

    Raises:
        UsageError: more than one of the three is given, or a number cannot be meant.
        CameraError: the camera file cannot be read or does not fit the photo, or the photo is a panorama.
        ColmapError: the COLMAP model cannot be read.
    """
    stated = [value for value in (fov_x_deg, focal_px, camera_file) if value is not None]
    if len(stated) > 1:
        raise UsageError("field of view, focal length and camera file exclude one another; give one of them")
    if fov_x_deg is not None:
        return camera_from_fov(fov_x_deg, photo.size)
    if focal_px is not None:
        return camera_from_focal(focal_px, photo.size)
    if camera_file is not None:
        return read_camera_file(camera_file, photo.size, photo_name=photo.name, orientation=photo.exif.orientation)
    if find_panorama(photo) is not None:
        raise CameraError(
            f"{photo.name}: is a panorama, by its XMP, and no one camera's picture; use `depth3d panorama`, or state a "
            "field of view to take it as a flat picture"
        )
    calibrated = camera_from_apple_depth(photo)
    if calibrated is not None:
        return calibrated
    from_exif = camera_from_exif(photo.exif, photo.size, crop=find_applied_crop(photo))
    if isinstance(from_exif, Intrinsics):
        return from_exif
    from_network = None if ask_network is None else ask_network(photo)
    if from_network is not None:
        return replace(from_network, source=f"{from_network.source} ({from_exif.reason})")
    from_lines = camera_from_vanishing_points(photo.rgb)
    if isinstance(from_lines, Intrinsics):
        return replace(from_lines, source=f"{from_lines.source} ({from_exif.reason})")
    return assume_camera(photo.size, reason=f"{from_exif.reason}, and {from_lines.reason}")
