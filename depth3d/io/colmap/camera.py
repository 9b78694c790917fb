"""Camera source: a COLMAP model's folder, or its file cameras.bin or cameras.txt.

Where the model has several cameras, its images say which is the photo's, by the photo's name. COLMAP's pixel centres
lie at +0.5 as ours do, and it sees pictures as they are stored, before any turning by Exif.
"""

from __future__ import annotations

from pathlib import Path

from depth3d.core.errors import CameraError
from depth3d.io.cameras.entries import Asked, FileCamera, brown_conrady, fisheye, listed, places_of_photo
from depth3d.io.colmap.index import names_and_cameras
from depth3d.io.colmap.model import ColmapCamera, is_colmap_model, read_cameras
from depth3d.io.open_input import is_file, is_folder

_FILE_SUFFIXES = (".bin", ".txt")
_BROWN_NAMES = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")
_BROWN_MODELS = {"SIMPLE_PINHOLE", "PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV", "FULL_OPENCV"}
_FISHEYE_MODELS = {"OPENCV_FISHEYE", "SIMPLE_RADIAL_FISHEYE", "RADIAL_FISHEYE", "SIMPLE_FISHEYE", "FISHEYE"}


def is_colmap_path(path: Path) -> bool:
    """Whether a path is a model's folder or can be its file of cameras."""
    return is_colmap_model(path) if is_folder(path) else path.suffix.lower() in _FILE_SUFFIXES


def camera_from_colmap(path: Path, asked: Asked) -> FileCamera:
    """The photo's camera.

    Raises:
        ColmapError: the model is damaged or cut off.
        CameraError: the model has several cameras and none is the photo's, or its lens model is unknown here.
    """
    cameras = read_cameras(path)
    if not cameras:
        raise CameraError(f"{asked.where}: the model has no camera")
    camera = next(iter(cameras.values())) if len(cameras) == 1 else _camera_of_photo(path, cameras, asked)
    return lens_of(camera, asked.where, count=len(cameras))


def lens_of(camera: ColmapCamera, where: str, *, count: int) -> FileCamera:
    """One camera of a model.

    Args:
        camera: as COLMAP wrote it.
        where: the model, for messages.
        count: how many cameras the model has.

    Raises:
        CameraError: its lens model is unknown here.
    """
    if camera.model not in _BROWN_MODELS | _FISHEYE_MODELS:
        known = ", ".join(sorted(_BROWN_MODELS | _FISHEYE_MODELS))
        raise CameraError(f"{where}: the lens model {camera.model} is not known here; known are {known}")
    values = camera.parameters
    is_fisheye = camera.model in _FISHEYE_MODELS
    radial = values.get("k1", values.get("k", 0.0))
    if is_fisheye:
        distortion = fisheye((radial, *(values.get(name, 0.0) for name in ("k2", "k3", "k4"))), where)
    else:
        distortion = brown_conrady((radial, *(values.get(name, 0.0) for name in _BROWN_NAMES[1:])), where)
    return FileCamera(
        fx=values.get("fx", values.get("f", 0.0)),
        fy=values.get("fy", values.get("f", 0.0)),
        cx=values["cx"],
        cy=values["cy"],
        pixel_centre=0.5,
        size=(camera.width, camera.height),
        words=f"COLMAP, {camera.model} camera {camera.camera_id} of {count}",
        distortion=distortion,
        fisheye=is_fisheye,
        as_stored=True,
    )


def _camera_of_photo(path: Path, cameras: dict[int, ColmapCamera], asked: Asked) -> ColmapCamera:
    folder = path if is_folder(path) else path.parent
    if not any(is_file(folder / f"images{suffix}") for suffix in _FILE_SUFFIXES):
        raise CameraError(f"{asked.where}: {len(cameras)} cameras, and no file of images says which is the photo's")
    images = names_and_cameras(folder)
    found = {images[i][1] for i in places_of_photo([name for name, _ in images], asked.photo_name)}
    if len(found) != 1:
        names = listed([name for name, _ in images])
        what = "no image is called" if not found else "images with different cameras are called"
        raise CameraError(f"{asked.where}: {what} {asked.photo_name or '(no name)'} (found {names})")
    camera = cameras.get(found.pop())
    if camera is None:
        raise CameraError(f"{asked.where}: the photo's camera is not among the model's cameras; the model is damaged")
    return camera
