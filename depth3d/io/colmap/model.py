"""COLMAP's sparse models: cameras, images and points as written by COLMAP 3 and 4, as binary and as text files.

A model is a folder with cameras, images and points3D, each .bin or .txt; the binary file is taken where both lie side
by side, as COLMAP does. The files rigs and frames of COLMAP 3.12 and later repeat the poses of images and are not
needed. Format: https://colmap.github.io/format.html. Pixels: centres at +0.5, as everywhere in depth3d; camera axes x
right, y down, z forward. The unit is the model's own: metres only if whoever made the model saw to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Pose
from depth3d.core.errors import ColmapError
from depth3d.io.colmap.parsing import BinaryFile, TextFile
from depth3d.io.open_input import is_file, is_folder, open_regular_file, shown

PARAMETERS_OF_MODEL: dict[str, tuple[str, ...]] = {
    "SIMPLE_PINHOLE": ("f", "cx", "cy"),
    "PINHOLE": ("fx", "fy", "cx", "cy"),
    "SIMPLE_RADIAL": ("f", "cx", "cy", "k"),
    "RADIAL": ("f", "cx", "cy", "k1", "k2"),
    "OPENCV": ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2"),
    "OPENCV_FISHEYE": ("fx", "fy", "cx", "cy", "k1", "k2", "k3", "k4"),
    "FULL_OPENCV": ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"),
    "FOV": ("fx", "fy", "cx", "cy", "omega"),
    "SIMPLE_RADIAL_FISHEYE": ("f", "cx", "cy", "k"),
    "RADIAL_FISHEYE": ("f", "cx", "cy", "k1", "k2"),
    "THIN_PRISM_FISHEYE": ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3", "k4", "sx1", "sy1"),
    "RAD_TAN_THIN_PRISM_FISHEYE": (
        *("fx", "fy", "cx", "cy", "k0", "k1", "k2", "k3", "k4", "k5"),
        *("p0", "p1", "s0", "s1", "s2", "s3"),
    ),
    "SIMPLE_DIVISION": ("f", "cx", "cy", "k"),
    "DIVISION": ("fx", "fy", "cx", "cy", "k"),
    "SIMPLE_FISHEYE": ("f", "cx", "cy"),
    "FISHEYE": ("fx", "fy", "cx", "cy"),
    "EUCM": ("fx", "fy", "cx", "cy", "alpha", "beta"),
    "EQUIRECTANGULAR": ("w", "h"),
}
"""Names of the parameters of every camera model, in the order of COLMAP's model numbers, which start at 0."""

NO_POINT = -1
_MODELS = tuple(PARAMETERS_OF_MODEL)
_LARGEST_SIDE = 1_000_000
_LARGEST_NUMBER = 1e30
_CAMERA_BYTES, _IMAGE_BYTES, _POINT_BYTES = 24, 73, 51  # of the shortest possible records


@dataclass(frozen=True, slots=True)
class ColmapCamera:
    """One camera of a model.

    Attributes:
        camera_id: its number.
        model: COLMAP's name of the lens model, a key of `PARAMETERS_OF_MODEL`.
        width: image width in pixels.
        height: image height in pixels.
        parameters: value by name, in pixels where they are lengths (pixel centres at +0.5).
    """

    camera_id: int
    model: str
    width: int
    height: int
    parameters: dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class ColmapImage:
    """One image of a model.

    Attributes:
        image_id: its number.
        camera_id: number of its camera.
        name: its file's name, with folders as COLMAP saw them.
        pose: where it was taken, in the model's unit.
        xy: (N, 2) float64, keypoints in pixels of the camera's size (pixel centres at +0.5).
        point_ids: (N,) int64, which point each keypoint shows; `NO_POINT` for none.
    """

    image_id: int
    camera_id: int
    name: str
    pose: Pose
    xy: NDArray[np.float64]
    point_ids: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ColmapPoints:
    """The points of a model.

    Attributes:
        point_ids: (N,) int64, ascending.
        xyz: (N, 3) float64, world coordinates in the model's unit.
        rgb: (N, 3) uint8.
        error_px: (N,) float64, mean reprojection error in pixels; negative where COLMAP did not compute it.
        track_length: (N,) int64, number of keypoints that show the point.
    """

    point_ids: NDArray[np.int64]
    xyz: NDArray[np.float64]
    rgb: NDArray[np.uint8]
    error_px: NDArray[np.float64]
    track_length: NDArray[np.int64]


def is_colmap_model(path: Path) -> bool:
    """Whether a path is a folder with at least the cameras of a model."""
    return any(is_file(path / f"cameras{suffix}") for suffix in (".bin", ".txt"))


def read_cameras(path: Path) -> dict[int, ColmapCamera]:
    """The cameras of a model by their numbers.

    Args:
        path: the model's folder, or its file cameras.bin or cameras.txt.

    Raises:
        ColmapError: the file is missing, damaged or cut off, or holds what no camera can have.
    """
    file = path if is_file(path) else _file_of(path, "cameras")
    cameras: dict[int, ColmapCamera] = {}
    for camera in _binary_cameras(file) if _is_binary(file) else _text_cameras(file):
        if camera.camera_id in cameras:
            raise ColmapError(f"{shown(file)}: camera {camera.camera_id} is there twice")
        cameras[camera.camera_id] = camera
    return cameras


def each_image(path: Path) -> Iterator[ColmapImage]:
    """The images of a model, one after the other, so that the keypoints of only one stand in memory.

    Args:
        path: the model's folder, or its file images.bin or images.txt.

    Raises:
        ColmapError: the file is missing, damaged or cut off; found out as the images are asked for.
    """
    file = path if is_file(path) else _file_of(path, "images")
    yield from _binary_images(file) if _is_binary(file) else _text_images(file)


def read_points3d(path: Path) -> ColmapPoints:
    """The points of a model.

    Args:
        path: the model's folder, or its file points3D.bin or points3D.txt.

    Raises:
        ColmapError: the file is missing, damaged or cut off.
    """
    file = path if is_file(path) else _file_of(path, "points3D")
    rows = list(_binary_points(file) if _is_binary(file) else _text_points(file))
    numbers = np.array([row[1:] for row in rows], np.float64).reshape(-1, 8)
    if not (np.abs(numbers) < _LARGEST_NUMBER).all():
        raise ColmapError(f"{shown(file)}: a point has a coordinate that is not finite, or beyond all bounds")
    point_ids = np.array([row[0] for row in rows], np.int64)
    order = np.argsort(point_ids, kind="stable")
    xyz, rgb, error_px, tracks = np.split(numbers[order], (3, 6, 7), axis=1)
    return ColmapPoints(point_ids[order], xyz, rgb.astype(np.uint8), error_px[:, 0], tracks[:, 0].astype(np.int64))


def _file_of(folder: Path, name: str) -> Path:
    found = next((folder / f"{name}{s}" for s in (".bin", ".txt") if is_file(folder / f"{name}{s}")), None)
    if found is None:
        what = "is not a folder" if not is_folder(folder) else f"has no {name}.bin or {name}.txt"
        raise ColmapError(f"{shown(folder)}: {what}; give a COLMAP model's folder, such as sparse/0")
    return found


def _is_binary(file: Path) -> bool:
    if file.suffix.lower() not in {".bin", ".txt"}:
        raise ColmapError(f"{shown(file)}: COLMAP's files end in .bin or .txt")
    return file.suffix.lower() == ".bin"


def _binary_cameras(path: Path) -> Iterator[ColmapCamera]:
    with open_regular_file(path, ColmapError) as stream:
        file = BinaryFile(stream, path)
        for _ in range(file.count(_CAMERA_BYTES, "cameras")):
            camera_id, number, width, height = file.unpack("<IiQQ")
            if not 0 <= number < len(_MODELS):
                raise ColmapError(f"{shown(path)}: camera {camera_id} has the unknown lens model number {number}")
            names = PARAMETERS_OF_MODEL[_MODELS[number]]
            values = file.unpack(f"<{len(names)}d")
            yield _camera(path, camera_id, _MODELS[number], width, height, values)


def _text_cameras(path: Path) -> Iterator[ColmapCamera]:
    with open_regular_file(path, ColmapError) as stream:
        file = TextFile(stream, path)
        for line in file.lines():
            camera_id, model, width, height, *values = file.fields(line, at_least=4)
            yield _camera(path, file.whole(camera_id), model, file.whole(width), file.whole(height), file.reals(values))


def _camera(path: Path, camera_id: int, model: str, width: int, height: int, values: tuple[float, ...]) -> ColmapCamera:
    which = f"{shown(path)}: camera {camera_id}"
    names = PARAMETERS_OF_MODEL.get(model)
    if names is None:
        raise ColmapError(f"{which} has the unknown lens model {model[:40]!r}; known: {', '.join(_MODELS)}")
    if len(values) != len(names):
        raise ColmapError(f"{which}: {model} has the {len(names)} parameters {' '.join(names)}, got {len(values)}")
    if not (1 <= width <= _LARGEST_SIDE and 1 <= height <= _LARGEST_SIDE):
        raise ColmapError(f"{which} is for pictures of {width}x{height}, which cannot be")
    if not np.isfinite(values).all():
        raise ColmapError(f"{which} has a parameter that is not finite")
    return ColmapCamera(camera_id, model, width, height, dict(zip(names, values, strict=True)))


_KEYPOINT = np.dtype([("xy", "<f8", 2), ("point_id", "<i8")])


def _binary_images(path: Path) -> Iterator[ColmapImage]:
    with open_regular_file(path, ColmapError) as stream:
        file = BinaryFile(stream, path)
        for _ in range(file.count(_IMAGE_BYTES, "images")):
            image_id, *pose, camera_id = file.unpack("<I7dI")
            name = file.text()
            keypoints = file.records(_KEYPOINT, f"keypoints of {name}")
            yield _image(path, image_id, pose, camera_id, name, keypoints["xy"], keypoints["point_id"])


def _text_images(path: Path) -> Iterator[ColmapImage]:
    with open_regular_file(path, ColmapError) as stream:
        file = TextFile(stream, path)
        for line in file.lines():
            image_id, *pose, camera_id, name = file.fields(line, at_least=10, at_most=10)
            keypoints = file.table(file.next_line(), columns=3)
            yield _image(
                path,
                file.whole(image_id),
                list(file.reals(pose)),
                file.whole(camera_id),
                name.strip(),
                keypoints[:, :2],
                keypoints[:, 2].astype(np.int64),  # exact below 2^53
            )


def _image(
    path: Path,
    image_id: int,
    pose: list[float],
    camera_id: int,
    name: str,
    xy: NDArray[np.float64],
    point_ids: NDArray[np.int64],
) -> ColmapImage:
    length = math.hypot(*pose[:4])
    bounded = (np.abs(pose) < _LARGEST_NUMBER).all() and (np.abs(xy) < _LARGEST_NUMBER).all()
    if not (bounded and 1e-6 < length < 1e6):
        raise ColmapError(f"{shown(path)}: image {image_id} has a pose or a keypoint that cannot be")
    return ColmapImage(image_id, camera_id, name, _pose(np.array(pose[:4]) / length, pose[4:]), xy, point_ids)


def _pose(quaternion: NDArray[np.float64], translation: list[float]) -> Pose:
    """The pose of COLMAP's cam_from_world: x_cam = R(quaternion) x_world + translation."""
    w, x, y, z = quaternion
    cam_from_world = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    world_from_cam = np.eye(4)
    world_from_cam[:3, :3] = cam_from_world.T
    world_from_cam[:3, 3] = -cam_from_world.T @ translation
    return Pose(world_from_cam)


_Point = tuple[int, float, float, float, int, int, int, float, int]


def _binary_points(path: Path) -> Iterator[_Point]:
    with open_regular_file(path, ColmapError) as stream:
        file = BinaryFile(stream, path)
        for _ in range(file.count(_POINT_BYTES, "points")):
            point_id, x, y, z, r, g, b, error_px, track = file.unpack("<q3d3BdQ")
            file.skip(8 * track, f"track of point {point_id}")
            yield point_id, x, y, z, r, g, b, error_px, track


def _text_points(path: Path) -> Iterator[_Point]:
    with open_regular_file(path, ColmapError) as stream:
        file = TextFile(stream, path)
        for line in file.lines():
            point_id, x, y, z, r, g, b, error_px, *track = file.fields(line, at_least=8)
            place = file.reals([x, y, z, error_px])
            colour = [min(max(file.whole(c), 0), 255) for c in (r, g, b)]
            yield (file.whole(point_id), *place[:3], *colour, place[3], len(track) // 2)  # type: ignore[misc]
