"""A COLMAP project of straight photos, their cameras and places, the fused points, and depth maps.

images/, sparse/0/ as text, and stereo/depth_maps/ as COLMAP's own dense step writes them, in the model's axes and unit:
what trainers of Gaussian splats and COLMAP itself take.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import OutputError
from depth3d.io.images.codec import encode_jpeg
from depth3d.io.save import atomic_write
from depth3d.scenes.multiview.aligned_photos import Aligned, AlignedPhoto
from depth3d.scenes.multiview.outputs import FusedScene
from depth3d.scenes.multiview.texture_photos import straight_pixels

MOST_POINTS = 200_000

_QUALITY = 95


def save_colmap_project(
    aligned: Aligned,
    scene: FusedScene,
    folder: Path,
    *,
    force: bool = False,
    saved: Callable[[Path], None] | None = None,
) -> int:
    """Write a project.

    Args:
        aligned: the photos.
        scene: what was fused from them; its vertices become the points.
        folder: where to; made if it is not there.
        force: overwrite existing files.
        saved: told of each photo.

    Returns:
        How many photos it holds.

    Raises:
        OutputError: a file exists, or cannot be written.
    """
    sparse, images, depths = folder / "sparse" / "0", folder / "images", folder / "stereo" / "depth_maps"
    try:
        for inner in (sparse, images, depths):
            inner.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {error.filename}: {error.strerror or error}") from None
    cameras, places = [], []
    for number, photo in enumerate(aligned.photos, start=1):
        name = f"{photo.path.stem}.jpg"
        with atomic_write(images / name, force=force) as file:
            file.write(encode_jpeg(straight_pixels(photo, photo.camera.size), quality=_QUALITY))
        with atomic_write(depths / f"{name}.geometric.bin", force=force) as file:
            file.write(dense_bytes(_full_size(aligned.view(number - 1).z, photo)))
        cameras.append(_camera_line(number, photo))
        places += [_place_line(number, photo, name), ""]
        if saved is not None:
            saved(images / name)
    for target, lines in (("cameras", cameras), ("images", places), ("points3D", _point_lines(scene))):
        with atomic_write(sparse / f"{target}.txt", force=force) as file:
            file.write(("\n".join(lines) + "\n").encode("utf-8"))
    return len(aligned.photos)


def dense_bytes(z: NDArray[np.float32]) -> bytes:
    """A depth map as COLMAP's dense step has it: width&height&channels& and float32 row by row, 0 for unknown."""
    height, width = z.shape
    return f"{width}&{height}&1&".encode() + np.nan_to_num(z, nan=0).astype("<f4").tobytes()


def _full_size(z: NDArray[np.float32], photo: AlignedPhoto) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(z, photo.camera.size, interpolation=cv2.INTER_NEAREST_EXACT), np.float32)


def _camera_line(number: int, photo: AlignedPhoto) -> str:
    camera = photo.camera
    values = " ".join(f"{float(value)!r}" for value in (camera.fx, camera.fy, camera.cx, camera.cy))
    return f"{number} PINHOLE {camera.width} {camera.height} {values}"


def _place_line(number: int, photo: AlignedPhoto, name: str) -> str:
    cam_from_world = photo.pose.cam_from_world
    quaternion = _quaternion(cam_from_world[:3, :3])
    values = " ".join(f"{float(value)!r}" for value in (*quaternion, *cam_from_world[:3, 3]))
    return f"{number} {values} {number} {name}"


def _quaternion(turn: NDArray[np.float64]) -> NDArray[np.float64]:
    """(w, x, y, z) of a rotation: the eigenvector of Bar-Itzhack's matrix (2000)."""
    (a, b, c), (d, e, f), (g, h, i) = turn
    matrix = np.array(
        [
            [a - e - i, b + d, c + g, h - f],
            [b + d, e - a - i, f + h, c - g],
            [c + g, f + h, i - a - e, d - b],
            [h - f, c - g, d - b, a + e + i],
        ]
    )
    x, y, z, w = np.linalg.eigh(matrix)[1][:, -1]
    return np.array([w, x, y, z]) * (-1.0 if w < 0 else 1.0)


def _point_lines(scene: FusedScene) -> list[str]:
    """Points evenly chosen from the surface's vertices; COLMAP wants an error, which is not known and written as 1."""
    mesh, model_from_upright = scene.mesh, np.linalg.inv(scene.upright_from_model)
    rows = np.unique(np.linspace(0, len(mesh.xyz) - 1, min(len(mesh.xyz), MOST_POINTS)).astype(int))
    xyz = mesh.xyz[rows] @ model_from_upright[:3, :3].T + model_from_upright[:3, 3]
    assert mesh.rgb is not None
    points = zip(xyz.tolist(), mesh.rgb[rows].tolist(), strict=True)
    return [f"{k} {x:.6g} {y:.6g} {z:.6g} {r} {g} {b} 1" for k, ((x, y, z), (r, g, b)) in enumerate(points, start=1)]
