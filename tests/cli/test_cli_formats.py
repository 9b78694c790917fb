"""Every file format and every option of one, as a user of the command line meets them."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import four_colour_wall
import numpy as np
import pytest
import tifffile
from PIL import Image
from plyfile import PlyData
from test_cli import says

from depth3d.cli import run
from depth3d.io.registry import FORMATS
from depth3d.io.save import suffixes_for
from depth3d.scenes.outputs import KINDS, OUTPUTS, target_of

COMMAND = ["export", "room.png", "--depth-map", "depth.npy", "--depth-kind", "metric", "--no-provenance"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(four_colour_wall.picture()).save("room.png")
    np.save("depth.npy", four_colour_wall.depth().z)
    return tmp_path


def gltf(path: str) -> dict[str, Any]:
    data = Path(path).read_bytes()
    (length,) = struct.unpack_from("<I", data, 12)
    document: dict[str, Any] = json.loads(data[20 : 20 + length])
    return document


def test_every_suffix_that_can_be_written_has_a_kind() -> None:
    assert {target_of(f"a{suffix}").kind for suffix in suffixes_for()} <= set(KINDS)
    assert {output.type for output in OUTPUTS} == {form.kind for form in FORMATS}


@pytest.mark.parametrize("suffix", suffixes_for())
def test_every_suffix_is_an_export(here: Path, suffix: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pye57") if suffix == ".e57" else None
    short = ["--seconds", "0.2"] if target_of(f"out{suffix}").kind == "parallax" else []
    assert run([*COMMAND, *short, "-o", f"out{suffix}"]) == 0
    assert capsys.readouterr().out.startswith(f"out{suffix}: ")
    assert Path(f"out{suffix}").stat().st_size > 100


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("splat", "a.ply", "90 Gaussian splats"),
        ("splat", "a.spz", "90 Gaussian splats"),
        ("splat", "a.glb", "90 Gaussian splats"),
        ("plate", "a.stl", "printable plate of 100 x 75 x 10 mm"),
        ("relief", "a.stl", "printable plate of 100 x 75 x 10 mm"),
        ("tum", "a.png", "depth 48x36"),
        ("3dgs", "a.png", "depth 48x36"),
        ("depth-photo", "a.jpg", "photo and grey depth 48x36, near is white"),
        ("mesh", "a.ply", "coloured vertices"),
        ("cloud", "a.glb", "1,728 points"),
        ("points", "a.glb", "1,728 points"),
    ],
)
def test_every_kind_is_an_export(
    here: Path, kind: str, name: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*COMMAND, "--as", kind, "-o", name]) == 0
    assert said in capsys.readouterr().out


def test_files_beside_are_checked_before_the_work(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.mtl").touch()
    Path("b_depth.jpg").touch()
    line = says(capsys, [*COMMAND, "-o", "a.obj"], 1)
    assert line == "depth3d: a.mtl exists already; use --force to replace it"
    assert "b_depth.jpg exists already" in says(capsys, [*COMMAND, "--as", "depth-photo", "-o", "b.jpg"], 1)
    twice = [*COMMAND, "-o", "my room.obj", "-o", "my_room.obj"]
    assert "my_room.mtl would be written twice" in says(capsys, twice, 2)
    assert run([*COMMAND, "-o", "a.obj", "--force"]) == 0
    assert run([*COMMAND, "-o", "b.jpg"]) == 0  # a heat map has nothing beside it


def test_a_kind_in_the_wrong_file_is_refused_before_the_work(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = says(capsys, [*COMMAND, "--as", "splat", "-o", "a.obj"], 2)
    assert line == "depth3d: a.obj: .obj holds a mesh; a cloud of splats goes into .ply .spz .glb"
    line = says(capsys, [*COMMAND, "--as", "mesh", "-o", "a.png"], 2)
    holds = "a metric depth map, a relative depth map, a picture, an animation or a picture of normals"
    assert line == f"depth3d: a.png: .png holds {holds}; a mesh goes into .ply .glb .obj .usdz .html .py"
    assert "has no layout 'tum' in .npy" in says(capsys, [*COMMAND, "--as", "tum", "-o", "a.npy"], 2)


def test_options_of_glb(here: Path) -> None:
    outputs = ["-o", "a.glb"]
    assert run([*COMMAND, *outputs, "--compact", "--texture", "webp"]) == 0
    assert sorted(gltf("a.glb")["extensionsRequired"]) == ["EXT_texture_webp", "KHR_mesh_quantization"]
    assert run([*COMMAND, *outputs, "--texture", "png", "--force"]) == 0
    assert gltf("a.glb")["images"][0]["mimeType"] == "image/png"
    assert run([*COMMAND, *outputs, "--as", "points", "--compact", "--force"]) == 0
    assert gltf("a.glb")["extensionsRequired"] == ["KHR_mesh_quantization"]


@pytest.mark.parametrize(("bits", "dtype"), [("16", np.uint16), ("32", np.float32)])
def test_bits_of_a_tiff(here: Path, bits: str, dtype: type) -> None:
    assert run([*COMMAND, "-o", "a.tif", "--tiff-bits", bits]) == 0
    assert tifffile.imread("a.tif").dtype == dtype


@pytest.mark.parametrize("name", ["plate", "relief"])
def test_lengths_of_a_plate(here: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    import trimesh

    lengths = [f"--{name}-width", "12cm", f"--{name}-height", "5mm", f"--{name}-base", "1.5mm"]
    assert run([*COMMAND, "-o", "a.stl", *lengths]) == 0
    assert np.allclose(trimesh.load("a.stl").extents, [120, 90, 6.5], atol=1e-4)
    assert "printable plate of 120 x 90 x 6.5 mm" in capsys.readouterr().out
    assert run([*COMMAND, "-o", "b.stl", f"--{name}-width", "12"]) == 2  # a bare number is metres
    line = capsys.readouterr().err.splitlines()[-1]
    assert line == "depth3d: plate: its width must lie between 0 and 5000 mm, got 12000 mm"
    assert not Path("b.stl").exists()


@pytest.mark.parametrize("axes", four_colour_wall.DIRECTIONS)
def test_axes(here: Path, axes: str) -> None:
    assert run([*COMMAND, "--axes", axes, "--focal-px", "50", "-o", "a.ply"]) == 0
    read = PlyData.read("a.ply")["vertex"].data
    xyz, rgb = (np.stack([read[name] for name in names], axis=1) for names in ("xyz", ("red", "green", "blue")))
    four_colour_wall.check_upright(xyz, rgb, axes)


def test_several_photos_share_one_file_of_parameters(here: Path) -> None:
    (here / "other.png").write_bytes((here / "room.png").read_bytes())
    arguments = ["export", "room.png", "other.png", *COMMAND[2:], "--as", "3dgs", "--same-view"]
    arguments += ["-o", "depths/{name}.png"]
    (here / "depths").mkdir()
    assert run(arguments) == 0
    assert set(json.loads((here / "depths" / "depth_params.json").read_text())) == {"room", "other"}


def test_the_library_knows_no_format_that_the_command_line_does_not() -> None:
    layouts = {form.layout for form in FORMATS if form.layout}
    assert layouts <= set(KINDS)


def test_the_camera_of_a_straightened_photo_is_written_and_read_back(here: Path) -> None:
    np.save("depth.npy", np.full((30, 40), 2.0, np.float32))
    Image.new("RGB", (40, 30), (200, 10, 10)).save("photo.png")
    Path("lens.json").write_text(
        json.dumps({"fx": 30, "fy": 30, "cx": 20, "cy": 15, "pixel_centre": 0.5, "distortion": [0.1, 0, 0, 0]})
    )
    command = ["export", "photo.png", "--depth-map", "depth.npy", "--depth-kind", "metric", "--no-provenance"]
    assert run([*command, "--camera", "lens.json", "-o", "camera.json"]) == 0
    assert run([*command, "--camera", "lens.json", "--as", "photo", "-o", "straight.png"]) == 0
    written = json.loads(Path("camera.json").read_text())
    assert written["lens"] == "ideal"
    assert (written["width"], written["height"]) == Image.open("straight.png").size
    assert run(["export", "straight.png", *command[2:], "--camera", "camera.json", "-o", "again.json"]) == 0
    again = json.loads(Path("again.json").read_text())
    assert [again[key] for key in ("fx", "fy", "cx", "cy")] == [written[key] for key in ("fx", "fy", "cx", "cy")]
