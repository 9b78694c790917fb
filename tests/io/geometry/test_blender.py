"""Blender scenes: what the script says, and what Blender draws from it."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
from conftest import absent

import depth3d as d3
from depth3d.core.camera import Intrinsics
from depth3d.core.depth import MetricDepth
from depth3d.core.rgbd import RGBD
from depth3d.geometry.mesh import to_mesh
from depth3d.io.atomic import Beside, atomic_files
from depth3d.io.geometry.blender import write_scene
from depth3d.io.photos.photo import Exif

CAMERA = Intrinsics(96, 64, 100, 110, 44, 35)
"""Off its middle, and with pixels that are not square."""

_DRAW = """
import runpy, sys, bpy
sys.argv = ["x", "--", {blend!r}]
runpy.run_path({script!r}, run_name="__main__")
scene = bpy.context.scene
scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 16, False
scene.render.film_transparent, scene.render.filepath = True, {picture!r}
bpy.ops.render.render(write_still=True)
marks = [thing.name for thing in bpy.data.objects if thing.type == "EMPTY"]
print("DONE", marks, scene.unit_settings.system, flush=True)
"""


def _photo() -> np.ndarray:
    v, u = np.mgrid[:64, :96]
    bands = np.stack([127 + 90 * np.sin(u / 9), 127 + 90 * np.sin(v / 7), 127 + 90 * np.cos((u + v) / 11)], axis=2)
    return bands.astype(np.uint8)


def _write(folder: Path, unit: str = "m") -> Path:
    z = np.full((64, 96), 3, np.float32)
    z[20:40, 30:60] = 2
    mesh = to_mesh(RGBD(_photo(), MetricDepth(z, unit=unit), CAMERA), max_error_px=None)  # type: ignore[arg-type]
    script = folder / "room.py"
    with atomic_files() as files:
        file = files.open(script)
        beside = Beside(script, files)
        marks = [("table: 2 m", (0.1, 0.2, 2.0))]
        write_scene(mesh, file, notes={"unit": unit}, beside=beside, camera=CAMERA, rgb=_photo(), marks=marks)
    return script


def _content(script: Path) -> dict[str, object]:
    tree = ast.parse(script.read_text(encoding="utf-8"))
    call = next(node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "CONTENT")  # type: ignore[attr-defined]
    return json.loads(call.args[0].value)  # type: ignore[attr-defined, no-any-return]


def test_the_script_names_its_files_and_turns_places_to_z_up(tmp_path: Path) -> None:
    content = _content(_write(tmp_path))
    assert (content["mesh"], content["photo"]) == ("room_mesh.glb", "room_photo.jpg")
    assert {path.name for path in tmp_path.iterdir()} == {"room.py", "room_mesh.glb", "room_photo.jpg"}
    assert content["marks"] == [["table: 2 m", [0.1, 2.0, -0.2]]]
    assert content["is_metric"] is True


def test_hints_become_empties_with_what_they_said(tmp_path: Path) -> None:
    inverse = d3.InverseDepth(np.tile(np.linspace(0.5, 0.25, 96, dtype=np.float32), (64, 1)), source="made")
    hints = [d3.DepthAt(8.5, 20.5, 2.2), d3.DepthAt(80.5, 40.5, 3.6)]
    scene = d3.reconstruct(
        d3.Photo(_photo(), Exif(), "made"), hints=hints, inverse_depth=inverse, options=d3.Options.of(fov_x_deg=60.0)
    )
    scene.save(tmp_path / "room.py")
    (name, place), _ = _content(tmp_path / "room.py")["marks"]  # type: ignore[misc]
    assert name.startswith("depth 8.5,20.5=2.2m: said 2.2, fitted 2.")
    x, forward, up = place
    f = scene.camera.fx
    np.testing.assert_allclose((x, forward, up), (2.2 * (8.5 - 48) / f, 2.2, -2.2 * (20.5 - 32) / f), rtol=1e-6)


def test_an_arbitrary_unit_is_not_called_metric(tmp_path: Path) -> None:
    assert _content(_write(tmp_path, unit="arbitrary"))["is_metric"] is False


def _blender() -> str | None:
    """A Python that has bpy: named by DEPTH3D_BLENDER_PYTHON, since bpy wants an older NumPy than everything else."""
    return shutil.which(os.environ.get("DEPTH3D_BLENDER_PYTHON", "no-python-with-bpy"))


def test_blenders_camera_sees_the_photo(tmp_path: Path) -> None:
    python = _blender()
    if python is None:
        absent("no Python with bpy; name one in DEPTH3D_BLENDER_PYTHON (python3.11 -m venv, pip install bpy==4.2.0)")
    script, picture, blend = _write(tmp_path), tmp_path / "seen.png", tmp_path / "room.blend"
    program = _DRAW.format(script=str(script), picture=str(picture), blend=str(blend))
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False)  # bpy may crash at exit
    assert "DONE ['table: 2 m'] METRIC" in done.stdout, done.stderr[-2000:]
    seen = cv2.imread(str(picture), cv2.IMREAD_UNCHANGED)
    assert blend.stat().st_size > 10_000
    # Blender stretches pixels by resampling nothing: its picture has the photo's size.
    assert seen.shape == (64, 96, 4)
    inside = seen[..., 3] > 250
    assert inside[2:-2, 2:-2].mean() > 0.9
    error = seen[..., 2::-1][inside].astype(float) - _photo()[inside]
    assert 10 * np.log10(255**2 / np.square(error).mean()) > 30
