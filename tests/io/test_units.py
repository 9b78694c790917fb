"""Arbitrary stays arbitrary and metres stay metres, over every writer and every reader."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import laspy
import numpy as np
import pye57
import pytest
import tifffile
from PIL import Image
from plyfile import PlyData
from pxr import Usd, UsdGeom

from depth3d.cli import run
from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth, MetricDepth, Unit
from depth3d.core.errors import Depth3DError, GeometryError, HintError, UsageError
from depth3d.geometry.gaussians import Gaussians
from depth3d.geometry.mesh import Mesh
from depth3d.geometry.point_cloud import PointCloud
from depth3d.io.depth.depth_map import read_depth_map
from depth3d.io.geometry.axes import AXES
from depth3d.io.geometry.read import READABLE, read_geometries, read_geometry
from depth3d.io.photos.photo import Exif, Photo
from depth3d.io.points.read import read_points
from depth3d.io.registry import FORMATS
from depth3d.io.save import save, suffixes_for

RNG = np.random.default_rng(0)
SIZE = (12, 9)
PHOTO = Photo(np.zeros((9, 12, 3), np.uint8), Exif(), "a.jpg")
CAMERA = Intrinsics.from_fov(12, 9, fov_x_deg=60, source="test")
Z = RNG.uniform(1, 3, (9, 12)).astype(np.float32)
XYZ = np.stack([RNG.uniform(-0.3, 0.3, 60), RNG.uniform(-0.3, 0.3, 60), RNG.uniform(1, 2, 60)], 1).astype(np.float32)
RGB = RNG.integers(0, 256, (60, 3)).astype(np.uint8)
FACES = np.arange(60, dtype=np.uint32).reshape(-1, 3)
UV = RNG.uniform(0.1, 0.9, (60, 2)).astype(np.float32)
TEXTURE = np.full((4, 5, 3), (200, 100, 50), np.uint8)

WITHOUT_ROOM = {".npy", ".pfm", ".xyz", ".spz"}
"""Suffixes whose formats have no place for a word; nor have splats in PLY."""
WITH_UNIT = ("PointCloud", "Mesh", "Gaussians", "MetricDepth")
UNITS: tuple[Unit, ...] = ("m", "arbitrary")


def value_of(kind: str, unit: Unit) -> Any:
    match kind:
        case "PointCloud":
            return PointCloud(XYZ, RGB, unit=unit)
        case "Mesh":
            return Mesh(XYZ, FACES, uv=UV, texture=TEXTURE, unit=unit)
        case "Gaussians":
            flat = np.tile(np.eye(3, dtype=np.float32)[:2], (60, 1, 1))
            return Gaussians(XYZ, RGB, flat, np.full((60, 3), 0.01, np.float32), unit=unit)
        case _:
            return MetricDepth(Z, sigma=Z / 10, unit=unit)


def glb_unit(data: bytes) -> str:
    length = int.from_bytes(data[12:16], "little")
    return str(json.loads(data[20 : 20 + length])["asset"]["extras"]["unit"])


def usd_unit(path: Path) -> str:
    stage = Usd.Stage.Open(str(path))
    assert UsdGeom.StageHasAuthoredMetersPerUnit(stage) == (stage.GetRootLayer().customLayerData["unit"] == "m")
    return str(stage.GetRootLayer().customLayerData["unit"])


def las_unit(path: Path) -> str:
    (record,) = laspy.read(path).header.vlrs
    return str(json.loads(record.record_data_bytes().rstrip(b"\0"))["unit"])


def e57_unit(path: Path) -> str:
    with pye57.E57(str(path)) as file:
        description = str(file.get_header(0)["description"].value())
    return str(re.findall(r"unit: (\w+)", description)[0])


def png_unit(path: Path) -> str:
    with Image.open(path) as image:
        return str(image.info["depth3d:unit"])


def tiff_unit(path: Path) -> str:
    with tifffile.TiffFile(path) as file:
        return str(json.loads(file.pages[0].description)["depth3d:unit"])


def npz_unit(path: Path) -> str:
    with np.load(path) as file:
        return str(json.loads(str(file["notes"]))["unit"])


def comment(path: Path) -> str:
    (unit,) = re.findall(rb"^# unit: (\S+)$", path.read_bytes(), re.MULTILINE)
    return str(unit.decode())


def exr_unit(path: Path) -> str:
    import OpenEXR

    return str(OpenEXR.File(str(path), header_only=True).header()["depth3d:unit"])


INDEPENDENT: dict[str, Callable[[Path], str]] = {
    ".ply": lambda path: dict(line.split(": ", 1) for line in PlyData.read(path).comments if ": " in line)["unit"],
    ".pcd": comment,
    ".obj": comment,
    ".las": las_unit,
    ".laz": las_unit,
    ".e57": e57_unit,
    ".glb": lambda path: glb_unit(path.read_bytes()),
    ".usdz": usd_unit,
    ".py": lambda path: re.findall(r'"unit": "(\w+)"', path.read_text(encoding="utf-8"))[0],
    ".html": lambda path: re.findall(r'"unit": "(\w+)"', path.read_text(encoding="utf-8"))[0],
    ".png": png_unit,
    ".tif": tiff_unit,
    ".tiff": tiff_unit,
    ".npz": npz_unit,
    ".exr": exr_unit,
}
"""What a reader that is not ours finds."""

EVERY = [
    (form.kind, suffix, form.layout)
    for form in FORMATS
    for suffix in form.suffixes
    if form.kind in WITH_UNIT and form.layout != "tum"
]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(("kind", "suffix", "layout"), EVERY)
def test_every_file_with_room_for_it_says_the_unit_of_the_value(
    tmp_path: Path, kind: str, suffix: str, layout: str, unit: Unit
) -> None:
    wrong = {"unit": "arbitrary" if unit == "m" else "m"}
    path = save(value_of(kind, unit), tmp_path / f"a{suffix}", layout=layout, notes=wrong)
    if suffix in WITHOUT_ROOM or (kind == "Gaussians" and suffix == ".ply"):
        assert suffix in WITHOUT_ROOM | {".ply"}
        assert b"arbitrary" not in path.read_bytes()
    else:
        assert INDEPENDENT[suffix](path) == unit


def readable(kind: str) -> list[str]:
    """The suffixes of a type but for Blender's script, whose mesh is the GLB beside it."""
    return [suffix for suffix in suffixes_for(kind) if suffix != ".py"]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("axes", [None, "opencv", "z-up"])
@pytest.mark.parametrize("kind", ["PointCloud", "Mesh"])
def test_clouds_and_meshes_come_back_with_unit_and_axes(
    tmp_path: Path, kind: str, axes: str | None, unit: Unit
) -> None:
    value = value_of(kind, unit)
    for suffix in readable(kind):
        if (suffix == ".usdz" and axes == "opencv") or (suffix == ".html" and axes) or (suffix == ".xyz" and axes):
            continue  # no such axes, or no place for the word
        read = read_geometry(save(value, tmp_path / f"a{suffix}", axes=axes, force=True))
        assert type(read) is type(value), suffix
        assert read.unit == (unit if suffix != ".xyz" else "arbitrary"), suffix
        assert np.allclose(read.xyz, value.xyz, atol=2e-4), suffix
        if isinstance(read, Mesh):
            assert np.array_equal(read.faces, FACES)
            assert suffix == ".ply" or np.abs(read.texture[:4, :5].astype(int) - TEXTURE).max() < 6
            assert suffix == ".ply" or np.allclose(read.uv, UV, atol=2e-5)
        else:
            assert np.abs(read.rgb.astype(int) - RGB).max() <= 1, suffix


@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("kind", ["PointCloud", "Mesh"])
def test_compact_glb_comes_back(tmp_path: Path, kind: str, axes: str) -> None:
    value = value_of(kind, "m")
    read = read_geometry(save(value, tmp_path / "a.glb", axes=axes, compact=True))
    assert np.allclose(read.xyz, value.xyz, atol=2 / 65535)
    assert not isinstance(read, Mesh) or np.array_equal(read.faces, FACES)


def test_readers_of_clouds_know_every_suffix_that_clouds_and_meshes_are_written_to() -> None:
    assert {*readable("PointCloud"), *readable("Mesh")} <= set(READABLE)


@pytest.mark.parametrize("suffix", suffixes_for("MetricDepth"))
@pytest.mark.parametrize("options", [{}, {"bits": 16}], ids=["", "16 bits"])
def test_depth_maps_of_metres_stay_metres(tmp_path: Path, suffix: str, options: dict[str, int]) -> None:
    if options and suffix not in (".tif", ".tiff"):
        return
    path = save(value_of("MetricDepth", "m"), tmp_path / f"a{suffix}", **options)
    read = read_depth_map(path, kind="metric", size=SIZE)
    assert isinstance(read, MetricDepth)
    assert read.unit == "m"
    assert np.allclose(read.z, Z, atol=1e-3)
    assert read_points(path, photo=PHOTO, camera=CAMERA).metres == pytest.approx(Z.ravel(), abs=1e-3)


@pytest.mark.parametrize("suffix", suffixes_for("MetricDepth"))
@pytest.mark.parametrize("options", [{}, {"bits": 16}], ids=["", "16 bits"])
def test_arbitrary_depth_maps_are_never_read_as_metres(tmp_path: Path, suffix: str, options: dict[str, int]) -> None:
    if options and suffix not in (".tif", ".tiff"):
        return
    path = save(value_of("MetricDepth", "arbitrary"), tmp_path / f"a{suffix}", **options)
    if suffix in WITHOUT_ROOM:  # then what is beside the file tells it
        (tmp_path / f"a{suffix}.json").write_text('{"depth3d": "0.1.0", "depth": {"unit": "arbitrary"}}')
    for stated in (None, 1000.0):
        with pytest.raises(UsageError, match="in an arbitrary unit, not in metres; read it with the depth kind depth"):
            read_depth_map(path, kind="metric", size=SIZE, units_per_metre=stated)
        with pytest.raises(HintError, match="in an arbitrary unit, not in metres"):
            read_points(path, photo=PHOTO, camera=CAMERA, units_per_metre=stated)
    read = read_depth_map(path, kind="depth", size=SIZE)
    assert isinstance(read, InverseDepth)
    assert np.ptp(read.values * Z) < 0.01 * np.mean(read.values * Z)


@pytest.mark.parametrize("suffix", [".ply", ".las", ".laz"])
def test_arbitrary_clouds_are_no_points_in_metres(tmp_path: Path, suffix: str) -> None:
    path = save(value_of("PointCloud", "arbitrary"), tmp_path / f"a{suffix}")
    with pytest.raises(HintError, match="its unit is 'arbitrary', not metres; give the units per metre"):
        read_points(path, photo=PHOTO, camera=CAMERA)
    path = save(value_of("PointCloud", "m"), tmp_path / f"b{suffix}")
    assert (read_points(path, photo=PHOTO, camera=CAMERA).metres > 0.9).all()


def test_depth_of_an_arbitrary_unit_has_no_layout_in_metres(tmp_path: Path) -> None:
    with pytest.raises(Depth3DError, match="TUM depth is in metres, this one in an arbitrary unit"):
        save(value_of("MetricDepth", "arbitrary"), tmp_path / "a.png", layout="tum")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npz", ".exr", ".npy", ".pfm"])
def test_a_scene_without_hints_is_not_metric_when_it_comes_back(
    tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    photo, inverse, out = tmp_path / "a.png", tmp_path / "d.npy", tmp_path / f"out{suffix}"
    Image.fromarray(RNG.integers(0, 256, (9, 12, 3)).astype(np.uint8)).save(photo)
    np.save(inverse, 1 / Z)
    assert run(["export", str(photo), "--depth-map", str(inverse), "-o", str(out)]) == 0
    capsys.readouterr()
    again = ["export", str(photo), "--depth-map", str(out), "-o", str(tmp_path / "b.ply"), "--depth-kind"]
    assert run([*again, "metric", "--depth-units", "1000"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "in an arbitrary unit, not in metres; read it with the depth kind depth" in line
    assert run([*again, "depth"]) == 0
    assert read_geometry(tmp_path / "b.ply").unit == "arbitrary"


def test_files_of_others_state_no_unit(tmp_path: Path) -> None:
    import trimesh

    box = trimesh.creation.box((1, 2, 3))
    for suffix in (".ply", ".obj", ".stl", ".glb", ".off"):
        box.export(tmp_path / f"a{suffix}")
        assert read_geometry(tmp_path / f"a{suffix}").unit == "arbitrary"


def test_what_cannot_be_read_back(tmp_path: Path) -> None:
    import trimesh

    scene = trimesh.Scene([trimesh.creation.box(), trimesh.creation.icosphere(1)])
    scene.export(tmp_path / "two.glb")
    assert len(read_geometries(tmp_path / "two.glb")) == 2
    with pytest.raises(GeometryError, match="it holds 2 clouds and meshes"):
        read_geometry(tmp_path / "two.glb")
    with pytest.raises(UsageError, match=r"cannot read \.spz; known are \.ply"):
        read_geometry(tmp_path / "a.spz")
    with pytest.raises(UsageError, match="axes 'sideways' are not known"):
        read_geometry(tmp_path / "two.glb", axes="sideways")
    with zipfile.ZipFile(tmp_path / "a.usdz", "w") as archive:
        archive.writestr("scene.usda", "#usda 1.0\n")
    with pytest.raises(GeometryError, match="only layers that depth3d wrote can be read"):
        read_geometry(tmp_path / "a.usdz")
    (tmp_path / "a.html").write_text("<p>")
    with pytest.raises(GeometryError, match="only pages that depth3d wrote can be read"):
        read_geometry(tmp_path / "a.html")


@pytest.mark.parametrize("suffix", READABLE)
@pytest.mark.parametrize("content", [b"", b"hello\n", b"glTF\2\0\0\0\xff\xff\xff\xff", bytes(200)])
def test_damaged_files_end_in_one_line(
    tmp_path: Path, suffix: str, content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / f"a{suffix}").write_bytes(content)
    with pytest.raises(GeometryError, match="damaged") as caught:
        read_geometry(tmp_path / f"a{suffix}")
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("kind", ["PointCloud", "Mesh"])
def test_our_own_files_cut_off(tmp_path: Path, kind: str) -> None:
    for suffix in readable(kind):
        path = save(value_of(kind, "m"), tmp_path / f"a{suffix}")
        data = path.read_bytes()
        for share in (0.2, 0.6, 0.95):
            if suffix in (".xyz", ".obj"):
                continue  # text may end anywhere
            end = len(data) if suffix != ".html" else data.index(b"</script>", data.index(b'id="model"'))
            path.write_bytes(data[: int(end * share)])
            with pytest.raises(GeometryError, match="damaged") as caught:
                read_geometry(path)
            assert "\n" not in str(caught.value)


def test_normals_come_back(tmp_path: Path) -> None:
    value = replace(value_of("Mesh", "m"), normals=-XYZ / np.linalg.norm(XYZ, axis=1, keepdims=True))
    for suffix, options in ((".usdz", {}), (".glb", {"unlit": False})):
        read = read_geometry(save(value, tmp_path / f"a{suffix}", **options))
        assert isinstance(read, Mesh)
        assert read.normals is not None
        assert np.allclose(read.normals, value.normals, atol=1e-6)
