"""Many photos on one scale: a and b that differ, points some of which are wrong, lengths that set the unit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from plyfile import PlyData
from posed_room import PosedRoom, distance_to_walls, posed_room

from depth3d.cli import run
from depth3d.core.camera import Pose
from depth3d.core.errors import GeometryError, HintError, MissingExtraError, UsageError
from depth3d.io.captures import Capture, read_capture
from depth3d.scenes.multiview import Aligned, KnownLength, align_views, fuse_aligned, save_depths
from depth3d.scenes.multiview.known_lengths import unit_from_lengths
from depth3d.scenes.options import Options

pytest.importorskip("open3d")
pytestmark = pytest.mark.open3d
UNITS = 3.0
"""The model's units per metre."""


@pytest.fixture(scope="module")
def room() -> PosedRoom:
    return posed_room(5, (96, 72))


@pytest.fixture(scope="module")
def project(room: PosedRoom, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    room.write_photos(folder / "images")
    room.write_inverse_depths(folder / "inverse depths")
    room.write_colmap(folder / "sparse" / "0", units=UNITS, outliers=20)
    return folder


@pytest.fixture(scope="module")
def capture(project: Path) -> Capture:
    return read_capture(project)


@pytest.fixture(scope="module")
def options(project: Path) -> Options:
    return Options.of(depth_map=project / "inverse depths" / "{name}.npy")


@pytest.fixture(scope="module")
def aligned(capture: Capture, options: Options) -> Iterator[Aligned]:
    with align_views(capture, options) as aligned:
        yield aligned


def test_photos_with_different_a_and_b_come_to_one_scale(aligned: Aligned, room: PosedRoom) -> None:
    assert len(aligned.photos) == 5
    for view, exact in zip(aligned.views(), room.views, strict=True):
        known = np.isfinite(view.z)
        assert known.mean() > 0.8
        assert np.median(np.abs(view.z / (exact.z * UNITS) - 1)[known]) < 0.01
    assert not aligned.unit.is_metric


def test_up_is_found_though_all_cameras_look_down(aligned: Aligned) -> None:
    assert aligned.up == pytest.approx((0, -1, 0), abs=0.015)  # they look down by 4 degrees, 0.07


@pytest.mark.parametrize(
    ("length", "tolerance"),
    [
        (KnownLength(("100.5.png", None), ("104.5.png", None), 1.6), 0.003),
        (KnownLength(("102.5.png", None), ("102.5", (48.0, 36.0)), 4.49), 0.03),
        (KnownLength(("102.5.png", (40.0, 36.0)), ("102.5.png", (56.0, 36.0)), 1.05), 0.06),
    ],
)
def test_a_known_length_sets_the_unit(length: KnownLength, tolerance: float, aligned: Aligned) -> None:
    unit = unit_from_lengths([length], aligned.place_of)
    assert unit.is_metric
    assert unit.metres == pytest.approx(1 / UNITS, rel=tolerance)


def test_contradicting_lengths_and_unknown_places_are_named(aligned: Aligned) -> None:
    first = KnownLength(("100.5.png", None), ("104.5.png", None), 1.6)
    for lengths, words in (
        ([first, KnownLength(("100.5.png", None), ("103.5.png", None), 2.4)], "contradict each other"),
        ([KnownLength(("a.png", None), ("104.5.png", None), 1.0)], "no photo that was used is called a.png"),
        ([KnownLength(("100.5.png", None), ("100.5.png", None), 1.0)], "one in the model"),
        ([KnownLength(("100.5.png", None), ("100.5.png", (500.0, 5.0)), 1.0)], "no depth on which photos agree"),
    ):
        with pytest.raises(HintError, match=words):
            unit_from_lengths(lengths, aligned.place_of)


def test_a_photo_that_cannot_be_used_is_left_out_with_its_reason(
    room: PosedRoom, project: Path, tmp_path: Path, options: Options
) -> None:
    images = room.write_photos(tmp_path / "images")
    (images / "101.5.png").write_bytes(b"not a picture")
    with align_views(read_capture(project / "sparse/0", [images]), options) as aligned:
        assert [photo.path.name for photo in aligned.photos] == ["100.5.png", "102.5.png", "103.5.png", "104.5.png"]
        ((name, why),) = aligned.left_out
        assert name == "101.5.png"
        assert "no picture" in why
    for path in images.iterdir():
        path.write_bytes(b"not a picture")
    with (
        pytest.raises(GeometryError, match="0 of 5 photos"),
        align_views(read_capture(project / "sparse/0", [images]), options),
    ):
        pass


def test_a_photo_without_points_takes_its_scale_from_the_depth_of_others(
    room: PosedRoom, project: Path, options: Options
) -> None:
    capture = read_capture(project)
    blind = replace(capture.photos[2], points=None)
    photos = (*capture.photos[:2], blind, *capture.photos[3:])
    with align_views(replace(capture, photos=photos), options) as aligned:
        assert not aligned.left_out
        (number,) = [i for i, photo in enumerate(aligned.photos) if photo.path == blind.photo]
        assert "from the depth of those" in aligned.photos[number].notes[-1]
        z = aligned.view(number).z
    ratio = z / (room.views[2].z * UNITS)
    assert np.isfinite(ratio).mean() > 0.9
    assert np.nanmedian(np.abs(ratio - 1)) < 0.02


def test_a_photo_of_something_else_in_a_model_is_left_out_in_words(project: Path, options: Options) -> None:
    capture = read_capture(project)
    away = np.eye(4)
    away[:3, 3] = (0, 0, 100)
    lost = replace(capture.photos[2], points=None, pose=Pose(away))
    with align_views(replace(capture, photos=(*capture.photos[:2], lost)), options) as aligned:
        ((name, why),) = aligned.left_out
    assert name == "102.5.png"
    assert "shows too little of what the other photos show" in why


def test_metric_depth_maps_need_a_metric_model(room: PosedRoom, project: Path, tmp_path: Path) -> None:
    for name, view in zip(room.names, room.views, strict=True):
        np.save(tmp_path / f"{name}.npy", view.z)
    exact = Options.of(depth_map=tmp_path / "{name}.npy", depth_kind="metric")
    capture = read_capture(project)
    with pytest.raises(UsageError, match="need a model in metres"), align_views(capture, exact):
        pass
    with align_views(capture, exact, units_per_metre=UNITS) as aligned:
        scene = fuse_aligned(aligned, voxel_m=0.08)
    assert scene.unit == "m"
    model = scene.mesh.xyz.astype(np.float64) @ (scene.upright_from_model[:3, :3] * UNITS)
    assert np.median(distance_to_walls(model.astype(np.float32))) < 0.005


def test_options_that_cannot_be_meant(capture: Capture, options: Options) -> None:
    from depth3d.scale import Nearest

    length = KnownLength(("100.5.png", None), ("104.5.png", None), 1.6)
    with pytest.raises(UsageError, match="single photos"), align_views(capture, Options.of(hints=(Nearest(1.0),))):
        pass
    with (
        pytest.raises(UsageError, match="give one of them"),
        align_views(capture, options, lengths=[length], units_per_metre=2),
    ):
        pass
    with pytest.raises(UsageError, match="positive"), align_views(capture, options, units_per_metre=-1):
        pass


def test_fuse_writes_an_upright_room_in_metres(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["--depth-map", str(project / "inverse depths" / "{name}.npy"), "--known", "100.5.png:104.5.png=1.6m"]
    command = ["fuse", str(project), *arguments, "--voxel", "8cm"]
    assert run([*command, "-o", "room.ply", "-o", "room.glb", "-o", "room.html", "--depths", "depths"]) == 0
    said = capsys.readouterr()
    assert "photos: 5 of 5 on one scale" in said.err
    assert "room.glb: " in said.out
    mesh = trimesh.load_mesh("room.glb", process=False)
    height = mesh.extents[1]
    assert height == pytest.approx(2.4, abs=0.15)  # y is up, whatever the model's axes
    cloud = PlyData.read("room.ply")["vertex"]
    places = np.stack([cloud[axis] for axis in "xyz"], axis=1)
    # At seams of the texture vertices stand twice, and now and then two of the surface in one place.
    assert len(np.unique(places, axis=0)) == len(np.unique(mesh.vertices, axis=0))
    assert cloud.count - len(np.unique(places, axis=0)) < 0.01 * cloud.count
    assert np.std(cloud["red"]) > 10
    told = json.loads(Path("room.glb.json").read_text())
    assert told["unit"]["name"] == "m"
    assert len(told["photos"]) == 5
    file_from_model = np.array(told["file_from_model"])
    assert np.linalg.det(file_from_model[:3, :3]) == pytest.approx(UNITS**-3, rel=0.02)
    assert sorted(path.name for path in Path("depths").iterdir())[0] == "100.5.png"
    assert run([*command, "-o", "room.ply"]) == 1
    assert "exists already" in capsys.readouterr().err
    assert run([*command, "-o", "again.ply"]) == 0
    assert Path("again.ply").read_bytes() == Path("room.ply").read_bytes()


def test_model_axes_are_kept_when_asked_for(aligned: Aligned, tmp_path: Path) -> None:
    scene = fuse_aligned(aligned)
    saved = scene.save(tmp_path / "room.ply", kind="mesh", axes="model")
    vertices = PlyData.read(saved.path)["vertex"]
    xyz = np.stack([vertices[axis] for axis in "xyz"], axis=1)
    assert np.median(distance_to_walls((xyz / UNITS).astype(np.float32))) < 0.02
    assert np.allclose(json.loads((tmp_path / "room.ply.json").read_text())["file_from_model"], np.eye(4), atol=1e-6)
    with pytest.raises(UsageError, match="a fused scene becomes a cloud or a mesh"):
        scene.save(tmp_path / "room.png")


def test_depth_maps_for_training_are_on_the_models_scale(aligned: Aligned, room: PosedRoom, tmp_path: Path) -> None:
    import cv2

    assert save_depths(aligned, tmp_path / "splats") == 5
    assert save_depths(aligned, tmp_path / "nerf", layout="nerfstudio") == 5
    exact = room.views[2].z * UNITS
    entry = json.loads((tmp_path / "splats" / "depth_params.json").read_text())["102.5"]
    stored = cv2.imread(str(tmp_path / "splats" / "102.5.png"), cv2.IMREAD_UNCHANGED).astype(float)
    known = stored > 0
    inverse = stored[known] / 65536 * entry["scale"] + entry["offset"]
    assert np.median(np.abs(inverse * exact[known] - 1)) < 0.01
    stored = cv2.imread(str(tmp_path / "nerf" / "102.5.png"), cv2.IMREAD_UNCHANGED).astype(float)
    assert np.median(np.abs(stored[stored > 0] / 1000 / exact[stored > 0] - 1)) < 0.01


def test_the_command_line_needs_something_to_write(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fuse", str(project)]) == 2
    assert "nothing to write" in capsys.readouterr().err
    assert run(["fuse", str(project), "-o", "a.ply", "--known", "a.jpg=2m"]) == 2
    assert "names one photo only" in capsys.readouterr().err


def test_without_open3d_the_extra_is_named(aligned: Aligned, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "open3d", None)
    with pytest.raises(MissingExtraError, match=r"depth3d\[view\]"):
        fuse_aligned(aligned)


def test_fuse_each_makes_a_folder_for_each_capture(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    command = ["fuse", str(project), "empty", "--each", "models", "--vertex-colours", "--voxel", "30cm"]
    command += ["--depth-map", str(project / "inverse depths" / "{name}.npy")]
    assert run([*command, "-o", "room.glb"]) == 0
    said = capsys.readouterr().out
    assert "5 photos, room.glb" in said
    assert "nothing: " in said
    assert trimesh.load_mesh(tmp_path / "models" / project.name / "room.glb").faces.shape[0] > 100
    rows = [json.loads(line) for line in (tmp_path / "models" / "places.jsonl").read_text().splitlines()]
    assert [row["photos"] for row in rows] == [5, 0]
    assert run([*command, "-o", "models/room.glb"]) == 2
    assert "without a folder" in capsys.readouterr().err
    assert run([*command, "-o", "room.glb", "--known", "a.png:b.png=1m"]) == 2
    assert "--known is of one place" in capsys.readouterr().err
