"""Points in space, written by others' writers and by ours, seen through the photo's camera."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import laspy
import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from plyfile import PlyData, PlyElement

from depth3d.core.camera import Intrinsics
from depth3d.core.errors import HintError, UsageError
from depth3d.geometry.point_cloud import PointCloud
from depth3d.io.points.las import las_depths
from depth3d.io.points.pixel_depths import PixelDepths
from depth3d.io.points.ply import ply_depths
from depth3d.io.save import save

CAMERA = Intrinsics(64, 48, 50, 51, 31, 25)


def _points() -> np.ndarray:
    """Points on a known raster of pixels, at known depths, one per pixel."""
    u, v = np.meshgrid(np.arange(4.5, 60, 8), np.arange(3.5, 48, 8))
    z = 1 + (u + 2 * v) / 50
    return np.stack([(u - 31) / 50 * z, (v - 25) / 51 * z, z], axis=-1).reshape(-1, 3)


def _ply(path: Path, xyz: np.ndarray, *, text: bool = False, kind: str = "f4", order: str = "<") -> Path:
    rows = np.empty(len(xyz), [(name, kind) for name in ("confidence", "x", "y", "z")])
    rows["confidence"] = 1
    for axis, name in enumerate("xyz"):
        rows[name] = xyz[:, axis]
    PlyData([PlyElement.describe(rows, "vertex")], text=text, byte_order=order).write(path)
    return path


def _las(path: Path, xyz: np.ndarray) -> Path:
    header = laspy.LasHeader(point_format=3, version="1.2")
    header.scales, header.offsets = [1e-6] * 3, [0.5, -0.25, 1.0]
    las = laspy.LasData(header)
    las.x, las.y, las.z = xyz.T
    las.write(path)
    return path


def _check(found: PixelDepths, tolerance: float) -> None:
    u, v = np.meshgrid(np.arange(4.5, 60, 8), np.arange(3.5, 48, 8))
    np.testing.assert_allclose(found.u, u.ravel(), atol=tolerance * 100)
    np.testing.assert_allclose(found.v, v.ravel(), atol=tolerance * 100)
    np.testing.assert_allclose(found.metres, 1 + (u + 2 * v).ravel() / 50, atol=tolerance)


@pytest.mark.parametrize("style", [{"text": True}, {"order": "<"}, {"order": ">"}, {"kind": "f8"}])
def test_every_kind_of_ply_is_read(tmp_path: Path, style: dict[str, object]) -> None:
    path = _ply(tmp_path / "c.ply", _points(), **style)  # type: ignore[arg-type]
    _check(ply_depths(path, CAMERA, units_per_metre=None, axes=None), 1e-5)


@pytest.mark.parametrize("suffix", ["las", "laz"])
def test_las_and_laz_are_read(tmp_path: Path, suffix: str) -> None:
    path = _las(tmp_path / f"c.{suffix}", _points())
    _check(las_depths(path, CAMERA, units_per_metre=None, axes=None), 1e-5)


def test_axes_and_units_are_the_users_to_say(tmp_path: Path) -> None:
    path = _ply(tmp_path / "c.ply", _points() * (1, -1, -1) * 1000)
    _check(ply_depths(path, CAMERA, units_per_metre=1000, axes="gltf"), 1e-5)
    with pytest.raises(UsageError, match="axes 'sideways' are not known; use one of gltf, opencv"):
        ply_depths(path, CAMERA, units_per_metre=None, axes="sideways")


@pytest.mark.parametrize("axes", ["gltf", "opencv", "ros", "unity", "z-up"])
@pytest.mark.parametrize("suffix", [".las", ".laz"])
def test_our_own_las_says_its_axes(tmp_path: Path, axes: str, suffix: str) -> None:
    path = tmp_path / f"own{suffix}"
    save(PointCloud(_points().astype(np.float32), unit="m"), path, axes=axes)
    _check(las_depths(path, CAMERA, units_per_metre=None, axes=None), 1e-3)
    save(PointCloud(_points().astype(np.float32), unit="arbitrary"), path, axes=axes, force=True)
    with pytest.raises(HintError, match="its unit is 'arbitrary'"):
        las_depths(path, CAMERA, units_per_metre=None, axes=None)


@pytest.mark.parametrize("axes", ["gltf", "opencv", "ros", "unity"])
def test_our_own_ply_says_its_axes(tmp_path: Path, axes: str) -> None:
    save(
        PointCloud(_points().astype(np.float32), np.zeros((42, 3), np.uint8), unit="m"), tmp_path / "own.ply", axes=axes
    )
    found = ply_depths(tmp_path / "own.ply", CAMERA, units_per_metre=None, axes=None)
    _check(found, 1e-5)
    assert found.source == f"own.ply (axes {axes}, 42 points in space)"


def test_our_own_ply_of_an_arbitrary_unit_is_refused(tmp_path: Path) -> None:
    cloud = PointCloud(_points().astype(np.float32), np.zeros((42, 3), np.uint8), unit="arbitrary")
    save(cloud, tmp_path / "own.ply")
    with pytest.raises(HintError, match="says that its unit is 'arbitrary', not metres"):
        ply_depths(tmp_path / "own.ply", CAMERA, units_per_metre=None, axes=None)


def test_a_mesh_gives_its_vertices(tmp_path: Path) -> None:
    box = trimesh.creation.box((0.6, 0.6, 0.6), transform=trimesh.transformations.translation_matrix([0, 0, 2]))
    box.export(tmp_path / "box.ply")
    found = ply_depths(tmp_path / "box.ply", CAMERA, units_per_metre=None, axes=None)
    assert found.metres == pytest.approx([1.7, 2.3] * 4)
    assert len(found.u) == 8


def test_what_is_behind_the_camera_is_left_out_and_the_nearest_hides_the_rest(tmp_path: Path) -> None:
    xyz = np.array([(0, 0, -2), (0, 0, 3), (0, 0, 2), (0.001, 0, 2.5), (0.5, 0, 2), (9, 9, 1)])
    found = ply_depths(_ply(tmp_path / "c.ply", xyz), CAMERA, units_per_metre=None, axes=None)
    assert found.metres.tolist() == [2, 2]


@pytest.mark.parametrize("fisheye", [False, True])
def test_points_are_seen_through_the_lens(tmp_path: Path, fisheye: bool) -> None:
    distortion = (-0.2, 0.05, 0.002, -0.001) if not fisheye else (0.03, -0.01, 0.002, 0.0)
    camera = Intrinsics(64, 48, 50, 51, 31, 25, distortion, fisheye=fisheye)
    xyz = _points()
    project = cv2.fisheye.projectPoints if fisheye else cv2.projectPoints
    zero, matrix = np.zeros((3, 1)), camera.integer_centre_matrix()
    expected = project(xyz[:, None], zero, zero, matrix, np.array(distortion))[0][:, 0] + 0.5
    found = ply_depths(_ply(tmp_path / "c.ply", xyz, kind="f8"), camera, units_per_metre=None, axes=None)
    np.testing.assert_allclose(np.stack([found.u, found.v], axis=1), expected, atol=1e-9)
    assert np.abs(expected[:, 0] - (xyz[:, 0] / xyz[:, 2] * 50 + 31)).max() > 1


def test_a_lens_model_is_not_believed_beyond_its_reach(tmp_path: Path) -> None:
    """1 - 0.5 r^2 folds back at r = sqrt(2/3): a point far aside would land in the middle of the picture."""
    camera = Intrinsics(64, 48, 50, 51, 31, 25, (-0.5, 0, 0, 0))
    xyz = np.array([(0, 0, 2), (math.sqrt(2) * 2, 0, 2)])
    found = ply_depths(_ply(tmp_path / "c.ply", xyz), camera, units_per_metre=None, axes=None)
    assert found.u.tolist() == [31]


def _refusal(path: Path) -> str:
    read = las_depths if path.suffix == ".las" else ply_depths
    try:
        read(path, CAMERA, units_per_metre=None, axes=None)
    except HintError as problem:
        return str(problem)
    return ""


@pytest.mark.parametrize("suffix", ["las", "ply"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damage_gives_values_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp()
    whole = folder / f"whole.{suffix}"
    content = bytearray(((_las if suffix == "las" else _ply)(whole, _points()[:5])).read_bytes())
    for _ in range(data.draw(st.integers(0, 3))):
        content[data.draw(st.integers(4, len(content) - 1))] = data.draw(st.integers(0, 255))
    damaged = folder / f"damaged.{suffix}"
    damaged.write_bytes(content[: data.draw(st.integers(4, len(content)))])
    assert "\n" not in _refusal(damaged)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"ply\n", "the PLY header does not end"),
        (b"ply\nformat binary_little_endian 1.0\nelement vertex 9\nproperty float x\nend_header\nabc", "read as PLY"),
        (b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nend_header\n1\n", "read as PLY"),
    ],
)
def test_a_damaged_ply_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "c.ply").write_bytes(content)
    assert says in _refusal(tmp_path / "c.ply")


def test_a_cut_las_is_refused(tmp_path: Path) -> None:
    path = _las(tmp_path / "c.las", _points())
    path.write_bytes(path.read_bytes()[:-20])
    assert "c.las: " in _refusal(path)
