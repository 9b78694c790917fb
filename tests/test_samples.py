"""The samples: rendered photos whose depth, camera and hints are true, and scripts that run."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from depth3d.calibration import choose_intrinsics
from depth3d.core.camera import Intrinsics
from depth3d.core.depth import MetricDepth
from depth3d.core.point_map import unproject
from depth3d.io.depth.depth_map import read_depth_map
from depth3d.io.photos.photo import Photo, read_photo
from depth3d.io.points.hints_file import read_hints
from depth3d.lab.training.textures import texture_bank
from depth3d.scale import DistanceAt, LengthBetween

SAMPLES = ROOT / "samples"
SCENES = ("room", "courtyard", "desk")
SCRIPTS = sorted(SAMPLES.glob("[0-9][0-9]_*.py"))


@pytest.fixture(scope="module")
def make() -> ModuleType:
    """The script that draws the samples, as a module."""
    return importlib.import_module("depth3d.lab.samples.draw")


@pytest.fixture(params=SCENES)
def sample(request: pytest.FixtureRequest) -> tuple[str, Photo, Intrinsics, MetricDepth]:
    """Name, photo, camera and depth, read from the files as a user reads them."""
    name = request.param
    photo = read_photo(SAMPLES / f"{name}.jpg")
    camera = choose_intrinsics(photo, camera_file=SAMPLES / f"{name}_camera.json")
    size = (photo.rgb.shape[1], photo.rgb.shape[0])
    depth = read_depth_map(SAMPLES / f"{name}_depth.png", kind="metric", size=size)
    assert isinstance(depth, MetricDepth)
    return name, photo, camera, depth


def test_photo_is_large_light_and_colourful(sample: tuple[str, Photo, Intrinsics, MetricDepth]) -> None:
    name, photo, camera, _ = sample
    height, width, _ = photo.rgb.shape
    assert width >= 1280
    assert height >= 960
    assert camera.size == (width, height)
    assert 70 < photo.rgb.mean() < 190
    assert photo.rgb.astype(float).std() > 35
    assert (photo.rgb.min(axis=2) > 250).mean() < 0.08  # hardly burnt out
    assert np.ptp(photo.rgb.astype(int), axis=2).mean() > 15
    assert (SAMPLES / f"{name}.jpg").stat().st_size < 600_000
    assert (SAMPLES / f"{name}_depth.png").stat().st_size < 1_000_000


def test_depth_is_exact(sample: tuple[str, Photo, Intrinsics, MetricDepth], make: ModuleType) -> None:
    """A window of the picture, traced again at the same pixels, gives the stored numbers but for their rounding."""
    name, _, camera, depth = sample
    scene = make.SCENES[name]
    assert camera.fx == pytest.approx(scene.camera().fx, abs=1e-5)
    left, top, width, height = 608, 448, 96, 64
    traced = make.exact_depth(
        make.Studio(scene.scene()), scene.camera().cropped(left, top, width, height), scene.pose()
    )
    stored = depth.z[top : top + height, left : left + width]
    assert np.array_equal(np.isnan(traced), np.isnan(stored))
    with Image.open(SAMPLES / f"{name}_depth.png") as image:
        half_a_step = 0.5 / float(image.text["depth3d:units_per_metre"])
    assert np.nanmax(np.abs(traced - stored)) <= half_a_step + 1e-4


def test_hints_are_true(sample: tuple[str, Photo, Intrinsics, MetricDepth]) -> None:
    name, _, camera, depth = sample
    xyz = unproject(depth, camera).xyz
    hints = read_hints(SAMPLES / f"{name}_hints.json")
    assert sum(isinstance(hint, DistanceAt) for hint in hints) >= 4
    assert sum(isinstance(hint, LengthBetween) for hint in hints) >= 1
    for hint in json.loads((SAMPLES / f"{name}_hints.json").read_text())["hints"]:
        assert hint["what"]
        if hint["kind"] == "at":
            metres = np.linalg.norm(xyz[int(hint["v"]), int(hint["u"])])
        else:
            start, end = (xyz[int(v), int(u)] for u, v in (hint["from"], hint["to"]))
            metres = np.linalg.norm(start - end)
        assert metres == pytest.approx(hint["metres"], rel=2e-3), hint["what"]


def test_drawing_again_gives_the_same_bytes(tmp_path: Path, make: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("depth3d.lab.samples.rays.bank", texture_bank)  # coarser, and sooner painted
    rough = make.Quality(subpixels=1, sun_rays=1, grid=8, gather_rays=2)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        make.draw("desk", tmp_path / folder, width=96, quality=rough)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == ["desk.jpg", "desk_camera.json", "desk_depth.png", "desk_hints.json"]
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.open3d
def test_pictures_of_the_manual_begin_with_the_photo(make: ModuleType) -> None:
    pytest.importorskip("open3d")
    from depth3d.lab.docs_pictures import draw

    drawn = draw.overview("desk", yaw_deg=26.0, pitch_deg=16.0)
    with Image.open(SAMPLES / "desk.jpg") as photo:
        small = np.asarray(photo.resize((640, 480), Image.Resampling.BOX), int)
    assert drawn.shape == (480, 3 * 640 + 2 * 8, 3)
    assert np.abs(drawn[:, :640] - small).mean() < 3
    folder = ROOT / "docs" / "pictures"
    assert sorted(path.name for path in folder.iterdir()) == sorted(draw.PICTURES)
    assert all(path.stat().st_size < 400_000 for path in folder.iterdir())


def test_a_scene_that_does_not_exist() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "depth3d.lab.samples.draw", "castle"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "castle" in done.stderr


def test_there_are_scripts_and_they_are_short() -> None:
    assert len(SCRIPTS) >= 4
    for script in SCRIPTS:
        lines = script.read_text(encoding="utf-8").splitlines()
        assert len(lines) < 30, script.name
        assert lines[0].startswith('"""'), script.name


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_script_runs(script: Path, tmp_path: Path) -> None:
    arguments = ["view.png"] if script.stem.startswith("05") else []
    if arguments:
        pytest.importorskip("open3d")
    environment = {**os.environ, "DEPTH3D_OFFLINE": "1", "DEPTH3D_CACHE": str(tmp_path / "cache")}
    environment.pop("DEPTH3D_WEIGHTS", None)
    done = subprocess.run(
        [sys.executable, "-W", "error", script, *arguments],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    written = [path for path in tmp_path.iterdir() if path.is_file()]
    assert done.stdout or written
    assert all(path.stat().st_size > 1000 for path in written if path.suffix != ".json")
