"""The values: one photo's place in a model, and all of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, Pose
from depth3d.core.errors import CameraError
from depth3d.core.orientation import upright_pixels
from depth3d.io.cameras.camera_file import fitted_camera, is_turned
from depth3d.io.cameras.entries import Asked, FileCamera
from depth3d.io.captures.unpack_folder import UnpackFolder
from depth3d.io.photos.photo import Photo
from depth3d.io.points.pixel_depths import PixelDepths, to_hint
from depth3d.io.points.read import read_points
from depth3d.scale import Hint

_MIRRORED = (2, 4, 5, 7)


@dataclass(frozen=True, slots=True, eq=False)
class SeenPoints:
    """Points of a model as one photo saw them.

    Attributes:
        xy: (N, 2) float64, pixels of the picture as stored and of the lens's size (pixel centres at +0.5).
        z: (N,) float64, depth along the optical axis in the model's unit.
        relative_sigma: (N,) float64, one standard deviation of z as a share of z.
    """

    xy: NDArray[np.float64]
    z: NDArray[np.float64]
    relative_sigma: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PosedPhoto:
    """One photo of a model.

    Attributes:
        photo: the photo's file.
        pose: where it was taken, in the model's unit, of the picture as the lens describes it.
        camera_as_taken: its camera as written; None where the model has none.
        points: points that it saw; None where the model has none.
        depth_file: depth measured with the photo, such as by a phone's LiDAR, as a 16-bit picture; None for none.
        depth_units: stored units of `depth_file` per unit of the model.
        confidence_file: how sure that depth is: 0 low, 1 medium, 2 high; None where that is not known.
    """

    photo: Path
    pose: Pose
    camera_as_taken: FileCamera | None = None
    points: SeenPoints | None = None
    depth_file: Path | None = None
    depth_units: float = 1000.0
    confidence_file: Path | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Capture:
    """Photos whose places are known in one model.

    Attributes:
        photos: those whose photo is there, in the model's order.
        source: where the poses came from, in words for the user.
        is_metric: whether the model's unit is known to be the metre.
        up: (3,) the direction opposite to gravity in the model's axes, where whoever made the model knew it.
        notes: sentences for the user, such as which photos are missing.
        left_out: (file name, reason) of photos that have no place in the model.
        model: the folder of the COLMAP model that says so, or None.
        scratch: folders of unpacked files, which go with the capture.
    """

    photos: tuple[PosedPhoto, ...]
    source: str
    is_metric: bool = False
    up: tuple[float, float, float] | None = None
    notes: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    model: Path | None = None
    scratch: tuple[UnpackFolder, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class PlacedPhoto:
    """What a capture says about its photo once that has been read and turned upright.

    Attributes:
        camera: of the upright photo's size, with its lens's distortion; None where the model has no camera.
        pose: of the upright photo's camera.
        hints: what the model knows of its depth, in the model's unit.
    """

    camera: Intrinsics | None
    pose: Pose
    hints: tuple[Hint, ...]


def place(posed: PosedPhoto, photo: Photo, *, fallback: Intrinsics | None = None) -> PlacedPhoto:
    """Turn what a model says of the picture as stored as the photo was turned upright.

    Args:
        posed: of the photo.
        photo: the upright photo.
        fallback: the camera where the model has none, needed to read depth measured with the photo.

    Raises:
        CameraError: the camera is of another aspect ratio than the photo, or the photo is mirrored.
        HintError: points were seen, and none of them lies in the photo.
    """
    if posed.camera_as_taken is None:
        pose = posed.pose.turned(photo.exif.orientation)
        return PlacedPhoto(None, pose, _measured(posed, photo, fallback))
    asked = Asked(photo.name, photo.size, photo.name)
    camera = fitted_camera(posed.camera_as_taken, asked, photo.exif.orientation, source="the model's camera")
    turned = is_turned(posed.camera_as_taken, asked, photo.exif.orientation)
    if turned and photo.exif.orientation in _MIRRORED:
        raise CameraError(
            f"{photo.name}: is mirrored by its Exif orientation, which a camera's position cannot be; save it again"
        )
    orientation = photo.exif.orientation if turned else 1
    hints = (*_seen(posed, photo, orientation), *_measured(posed, photo, camera))
    return PlacedPhoto(camera, posed.pose.turned(orientation), hints)


def _seen(posed: PosedPhoto, photo: Photo, orientation: int) -> tuple[Hint, ...]:
    if posed.points is None or posed.camera_as_taken is None or not len(posed.points.z):
        return ()
    stored = posed.camera_as_taken.size or photo.size
    uv = upright_pixels(posed.points.xy, stored, orientation)
    upright = stored[::-1] if orientation >= 5 else stored  # sides swap
    uv = uv * (photo.size[0] / upright[0], photo.size[1] / upright[1])
    found = PixelDepths(
        *(uv[:, 0], uv[:, 1], posed.points.z, posed.points.relative_sigma),
        source=f"points of the model that {photo.name} saw",
        remedy="check that the model is of this photo",
    )
    return (to_hint(found, photo.size),)


def _measured(posed: PosedPhoto, photo: Photo, camera: Intrinsics | None) -> tuple[Hint, ...]:
    if posed.depth_file is None or camera is None:
        return ()
    return (
        read_points(
            posed.depth_file,
            photo=photo,
            camera=camera,
            units_per_metre=posed.depth_units,
            confidence=posed.confidence_file,
        ),
    )
