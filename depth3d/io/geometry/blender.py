"""Blender scenes: a script that builds the scene, and beside it the mesh as GLB and the photo.

`blender --python room.py` opens the scene; `blender --background --python room.py -- room.blend` writes it as .blend.
The mesh's camera stands at the origin: glTF's axes (x right, y up, z towards the viewer) become Blender's (z up) when
Blender imports the GLB, so the camera looks along +y there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.geometry.mesh import Mesh
from depth3d.io.atomic import Beside
from depth3d.io.geometry import glb
from depth3d.io.images.codec import DEFAULT_QUALITY, encode_jpeg

MESH, PHOTO = "_mesh.glb", "_photo.jpg"


def write_scene(
    mesh: Mesh,
    file: BinaryIO,
    *,
    notes: Mapping[str, str],
    beside: Beside,
    camera: Intrinsics | None = None,
    rgb: NDArray[np.uint8] | None = None,
    marks: Sequence[tuple[str, tuple[float, float, float]]] = (),
    texture_quality: int = DEFAULT_QUALITY,
) -> None:
    """Write the script, the mesh and the photo.

    Args:
        mesh: triangles in camera axes.
        file: where the script goes.
        notes: how the scene was obtained; they become custom properties of Blender's scene.
        beside: opens the mesh and the photo.
        camera: the ideal camera of the photo; without it the scene has no camera.
        rgb: (H, W, 3) uint8, the photo, which becomes the camera's background; None means the texture.
        marks: names and places, in camera axes (x right, y down, z forward), of what is marked by an empty: the hints.
        texture_quality: JPEG quality of the texture and the photo, 1 to 100.
    """
    rgb = mesh.texture if rgb is None else rgb
    if rgb is not None:
        beside.open(PHOTO).write(encode_jpeg(rgb, quality=texture_quality))
    glb.write_mesh(mesh, beside.open(MESH), axes="gltf", notes=notes, texture_quality=texture_quality)
    content = {
        "mesh": beside.name(MESH),
        "photo": None if rgb is None else beside.name(PHOTO),
        "camera": None if camera is None else _blender_camera(camera),
        "far": 2 * float(np.abs(mesh.xyz).max()),
        "is_metric": mesh.unit == "m",
        "marks": [[name, [x, z, -y]] for name, (x, y, z) in marks],
        "notes": dict(notes),
    }
    template = (files("depth3d.io.geometry") / "blender_scene.py.txt").read_text(encoding="utf-8")
    file.write(template.replace("{{CONTENT}}", _as_python(content)).encode())


def _blender_camera(camera: Intrinsics) -> dict[str, float | int]:
    """Intrinsics as Blender has them: a lens on a sensor 36 mm wide, shifted by shares of the picture's width.

    Blender's sensor_fit HORIZONTAL: fx = lens / sensor_width * width; the shift of the principal point is measured in
    sensor widths, to the left and upwards positive in the picture. Pixels that are not square have a pixel aspect.
    """
    sensor_mm = 36.0
    return {
        "width": camera.width,
        "height": camera.height,
        "sensor_mm": sensor_mm,
        "lens_mm": camera.fx / camera.width * sensor_mm,
        "shift_x": (camera.width / 2 - camera.cx) / camera.width,
        "shift_y": (camera.cy - camera.height / 2) / camera.fy * camera.fx / camera.width,
        "pixel_aspect": camera.fx / camera.fy,
    }


def _as_python(content: dict[str, Any]) -> str:
    """A literal that JSON and Python read alike: a JSON text inside a raw-free Python string."""
    return repr(json.dumps(content, ensure_ascii=True, sort_keys=True))
