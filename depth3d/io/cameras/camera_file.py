"""Camera source: a file, of whichever program; each kind of file has a module of its own in this folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from depth3d.core.aspect_ratio import same_aspect
from depth3d.core.camera import Intrinsics
from depth3d.core.errors import CameraError
from depth3d.core.focal_35mm import film_mm_from_focal_px, is_plausible_film_mm
from depth3d.io.cameras.document import read_document
from depth3d.io.cameras.entries import Asked, Entries, FileCamera
from depth3d.io.cameras.kalibr_file import camera_from_kalibr_file, is_kalibr_file
from depth3d.io.cameras.nerfstudio_file import camera_from_nerfstudio_file, is_nerfstudio_file
from depth3d.io.cameras.open3d_file import camera_from_open3d_file, is_open3d_file
from depth3d.io.cameras.opencv_file import camera_from_opencv_file, is_opencv_file
from depth3d.io.cameras.plain_file import camera_from_plain_file
from depth3d.io.cameras.ros_file import camera_from_ros_file, is_ros_file
from depth3d.io.colmap.camera import camera_from_colmap, is_colmap_path
from depth3d.io.open_input import shown

_Reader = Callable[[Entries, Asked], FileCamera]

# The first whose signs are there reads the document; a file without any of them is taken as our own kind.
_READERS: tuple[tuple[Callable[[Entries], bool], _Reader], ...] = (
    (is_nerfstudio_file, camera_from_nerfstudio_file),
    (is_kalibr_file, camera_from_kalibr_file),
    (is_ros_file, camera_from_ros_file),
    (is_opencv_file, camera_from_opencv_file),
    (is_open3d_file, camera_from_open3d_file),
)

_OFF_CENTRE = 0.1
_OFF_CENTRE_OF_STATED_SIZE = 1.5
_SIDES_SWAP = 5


def read_camera_file(path: Path, size: tuple[int, int], *, photo_name: str = "", orientation: int = 1) -> Intrinsics:
    """The camera of an upright photo from a file: JSON, YAML or XML, or a COLMAP model.

    Known are our own plain files, and those of Open3D, nerfstudio, ROS, OpenCV, Kalibr and COLMAP; the file's content
    decides. A camera of another picture size is resized with every ray kept, if the aspect ratio is the photo's. One
    for the picture as it was stored is turned as the photo was.

    Args:
        path: the file, or the folder of a COLMAP model.
        size: (width, height) of the upright photo in pixels.
        photo_name: the photo's file name; needed where the file holds the cameras of many photos.
        orientation: how the photo was turned upright, 1 to 8 as in Exif.

    Raises:
        CameraError: the file cannot be read, lacks a key (which is named), holds what no camera can have, or is of a
            picture with another aspect ratio.
        ColmapError: a COLMAP model cannot be read.
    """
    path = Path(path)
    asked = Asked(shown(path), size, photo_name)
    if is_colmap_path(path):
        found = camera_from_colmap(path, asked)
    else:
        entries = _entries(read_document(path), asked.where)
        reader = next((read for has_signs, read in _READERS if has_signs(entries)), camera_from_plain_file)
        found = reader(entries, asked)
    return fitted_camera(found, asked, orientation, source=f"camera file {path.resolve().name}")


def fitted_camera(found: FileCamera, asked: Asked, orientation: int, *, source: str) -> Intrinsics:
    """A camera as a file has it, checked, turned and resized as the upright photo was.

    Args:
        found: the camera as written.
        asked: the photo it is for.
        orientation: how the photo was turned upright, 1 to 8 as in Exif.
        source: where it is from, in words for the user.

    Raises:
        CameraError: it holds what no camera can have, or is of a picture with another aspect ratio.
    """
    _check_plausible(found, found.size or asked.size, asked.where)
    words = f" ({found.words})" if found.words else ""
    camera = _converted(found, found.size or asked.size, f"{source}{words}")
    return _fitted(camera, asked, orientation, turned=is_turned(found, asked, orientation))


def is_turned(found: FileCamera, asked: Asked, orientation: int) -> bool:
    """Whether a camera as written is of the photo before it was turned upright."""
    own, swaps = found.size or asked.size, orientation >= _SIDES_SWAP
    as_stored = found.as_stored and found.size is not None
    return orientation > 1 and (as_stored or swaps) and same_aspect(own[::-1] if swaps else own, asked.size)


def _entries(document: Any, where: str) -> Entries:
    if isinstance(document, list):
        return {"K": document}
    if isinstance(document, Mapping) and document:
        return {str(key): value for key, value in document.items()}
    raise CameraError(f"{where}: holds no camera; expected K, or fx, fy, cx and cy")


def _converted(found: FileCamera, size: tuple[int, int], source: str) -> Intrinsics:
    """The one border where half a pixel is added, for every file whose pixel centres lie at integers."""
    build = Intrinsics if found.pixel_centre else Intrinsics.from_integer_centres
    camera = build(
        *size,
        *(found.fx, found.fy, found.cx, found.cy),
        distortion=found.distortion,
        fisheye=found.fisheye,
        source=source,
    )
    return replace(camera, focal_sigma=found.focal_sigma)


def _check_plausible(found: FileCamera, size: tuple[int, int], where: str) -> None:
    width, height = size
    for key, focal_px in (("fx", found.fx), ("fy", found.fy)):
        if not is_plausible_film_mm(film_mm_from_focal_px(focal_px, size)):
            raise CameraError(
                f"{where}: {key} = {focal_px:g} cannot be for a picture of {width}x{height};"
                " focal lengths are in pixels, not millimetres or fractions"
            )
    tolerance, remedy = (
        (_OFF_CENTRE, "add the width and height it belongs to")
        if found.size is None
        else (_OFF_CENTRE_OF_STATED_SIZE, "check it")
    )
    for key, centre, side in (("cx", found.cx, width), ("cy", found.cy, height)):
        if abs(centre / side - 0.5) > max(tolerance, 1 / side):
            raise CameraError(f"{where}: {key} = {centre:g} is far from the middle of {width}x{height}; {remedy}")


def _fitted(camera: Intrinsics, asked: Asked, orientation: int, *, turned: bool) -> Intrinsics:
    """The camera turned and resized as the photo was."""
    own = camera.size
    if turned:
        camera = replace(camera.turned(orientation), source=f"{camera.source}, turned upright with the photo")
    if camera.size == asked.size:
        return camera
    shown_own, photo = f"{own[0]}x{own[1]}", f"{asked.size[0]}x{asked.size[1]}"
    if not same_aspect(camera.size, asked.size):
        turned = same_aspect(camera.size, asked.size[::-1])
        remedy = "give it for the photo turned upright" if turned else "they must have one aspect ratio"
        raise CameraError(f"{asked.where}: the camera is of a picture of {shown_own}, the photo is {photo}; {remedy}")
    return replace(camera.resized(*asked.size), source=f"{camera.source}, resized from {shown_own}")
