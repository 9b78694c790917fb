from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from independent_readers import open3d
from synthetic_scenes import Truth, box_corner, ground_plane, slanted_plane, small_camera

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import GeometryError, UsageError
from depth3d.geometry import plate as plate
from depth3d.geometry.plate import Plate, to_plate
from depth3d.io.save import save

CAMERA = small_camera()
SIZE_MM = (100.0, 75.0)


def printed(tmp_path: Path, body: Plate) -> Any:
    """What a program for meshes sees in the file."""
    import trimesh

    return trimesh.load(save(body, tmp_path / "a.stl", force=True))


def height_at(body: Any, right: float, up: float) -> float:
    """Height over the bed of the vertex nearest to a place from 0 to 1, walls and floor aside."""
    surface = body.vertices[body.vertices[:, 2] > 0]
    distance = np.linalg.norm(surface[:, :2] - [right * body.bounds[1, 0], up * body.bounds[1, 1]], axis=1)
    return float(surface[distance.argmin(), 2])


@pytest.mark.parametrize("scene", [box_corner, slanted_plane, ground_plane])
def test_it_can_be_printed(tmp_path: Path, scene: Callable[[Intrinsics], Truth]) -> None:
    body = printed(tmp_path, to_plate(scene(CAMERA).depth, width_mm=100, relief_mm=8, base_mm=2))
    assert body.is_watertight
    assert body.is_winding_consistent
    assert body.volume > 0
    assert len(body.split()) == 1
    assert np.allclose(body.bounds, [[0, 0, 0], [*SIZE_MM, 10]], atol=0.2)
    assert body.bounds[0].tolist() == [0, 0, 0]
    assert np.allclose(body.extents[:2], SIZE_MM)
    assert body.area_faces.min() > 0


def test_the_volume_is_that_of_plate_and_relief(tmp_path: Path) -> None:
    ramp = InverseDepth(np.broadcast_to(np.linspace(0, 1, 2001, dtype=np.float32), (1000, 2001)))
    body = printed(tmp_path, to_plate(ramp, width_mm=20, relief_mm=6, base_mm=2))
    assert body.volume == pytest.approx(20 * (20 * 1000 / 2001) * 5, rel=1e-3)


def test_near_is_high_and_the_picture_lies_upright_on_the_bed(tmp_path: Path) -> None:
    inverse = np.ones((48, 64), np.float32)
    inverse[30:44, 40:60] = 3  # near, at the bottom right
    inverse[:12, :20] = 2  # less near, at the top left
    body = printed(tmp_path, to_plate(MetricDepth(1 / inverse, unit="m"), relief_mm=8, base_mm=2))
    assert height_at(body, 0.78, 0.2) == pytest.approx(10, abs=1e-3)
    assert height_at(body, 0.15, 0.9) == pytest.approx(6, abs=1e-3)
    assert height_at(body, 0.15, 0.2) == pytest.approx(2, abs=1e-3)
    assert height_at(body, 0.78, 0.9) == pytest.approx(2, abs=1e-3)


def test_a_plane_stays_a_plane() -> None:
    body = to_plate(slanted_plane(CAMERA).depth)
    top = body.xyz_mm[: 64 * 48].astype(np.float64)
    inner = top[(top[:, 2] > 2.2) & (top[:, 2] < 9.8)]
    fit, *_ = np.linalg.lstsq(np.column_stack([inner[:, :2], np.ones(len(inner))]), inner[:, 2], rcond=None)
    assert np.abs(np.column_stack([inner[:, :2], np.ones(len(inner))]) @ fit - inner[:, 2]).max() < 1e-3


def test_the_unit_of_depth_does_not_matter() -> None:
    depth = box_corner(CAMERA).depth
    first, second = to_plate(depth), to_plate(MetricDepth(depth.z * 128, unit="m"))
    assert np.allclose(first.xyz_mm, second.xyz_mm, atol=1e-4)
    relative = to_plate(InverseDepth(5 / depth.z - 1))
    assert np.allclose(first.xyz_mm, relative.xyz_mm, atol=1e-3)


def test_a_hole_is_as_low_as_its_rim() -> None:
    inverse = np.full((48, 64), 2, np.float32)  # a wall, and a near thing with a shadow of unknown depth beside it
    inverse[:, :16] = 1
    inverse[10:30, 30:40] = 4
    inverse[12:28, 28:32] = np.nan
    inverse[40:44, 40:44] = np.nan
    top = to_plate(MetricDepth(1 / inverse, unit="m"), relief_mm=9, base_mm=2).xyz_mm[: 64 * 48, 2].reshape(48, 64)
    assert np.allclose(top[12:28, 28:32], 2 + 9 / 3)
    assert np.allclose(top[40:44, 40:44], 2 + 9 / 3)
    assert np.allclose(top[15, 35], 2 + 9)


def test_the_sky_is_as_low_as_the_horizon() -> None:
    metres = np.linspace(3, 1, 64 * 48, dtype=np.float32).reshape(48, 64)
    metres[:24] = np.nan
    body = to_plate(MetricDepth(metres, unit="m"), base_mm=3)
    assert np.allclose(body.xyz_mm[: 64 * 24, 2], 3)


def test_a_wall_is_a_plain_plate(tmp_path: Path) -> None:
    body = printed(tmp_path, to_plate(MetricDepth(np.full((30, 40), 2, np.float32), unit="m"), base_mm=1.5))
    assert body.is_watertight
    assert body.volume == pytest.approx(100 * 75 * 1.5, rel=1e-5)


def test_the_grid_is_no_finer_than_a_printer(monkeypatch: pytest.MonkeyPatch) -> None:
    depth = MetricDepth(np.linspace(1, 2, 600 * 800, dtype=np.float32).reshape(600, 800), unit="m")
    around_and_middle = 2 * (100 + 75) - 4 + 1
    assert len(to_plate(depth, width_mm=20).xyz_mm) == 100 * 75 + around_and_middle
    monkeypatch.setattr(plate, "_MOST_CELLS", 30_000)
    assert len(to_plate(depth, width_mm=2000).xyz_mm) < 31_000


def test_a_picture_of_one_pixel_is_a_block(tmp_path: Path) -> None:
    body = printed(tmp_path, to_plate(MetricDepth(np.ones((1, 1), np.float32), unit="m"), width_mm=10, base_mm=1))
    assert body.volume == pytest.approx(100)


@pytest.mark.parametrize("lengths", [{"width_mm": 0}, {"relief_mm": -1}, {"base_mm": 0}, {"width_mm": 6000}])
def test_lengths_that_cannot_be(lengths: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=r"must lie between 0 and 5000 mm, got"):
        to_plate(box_corner(CAMERA).depth, **lengths)


def test_what_is_no_solid() -> None:
    xyz = np.zeros((3, 3), np.float32)
    with pytest.raises(GeometryError, match="a vertex that is not there"):
        Plate(xyz, np.array([[0, 1, 3]], np.uint32))
    with pytest.raises(GeometryError, match="not finite"):
        Plate(xyz + np.inf, np.array([[0, 1, 2]], np.uint32))


def test_the_file_is_binary_stl(tmp_path: Path) -> None:
    body = to_plate(box_corner(CAMERA).depth)
    path = save(body, tmp_path / "a.stl", notes={"photo": "küche.jpg" + "x" * 80})
    data = path.read_bytes()
    assert data.startswith(b"depth3d: plate in mm, z up; k\\xfcche.jpg")
    assert int.from_bytes(data[80:84], "little") == len(body.faces)
    assert len(data) == 84 + 50 * len(body.faces)
    triangles = np.frombuffer(data, np.dtype([("n", "<f4", 3), ("c", "<f4", (3, 3)), ("a", "<u2")]), offset=84)
    assert np.array_equal(triangles["c"], body.xyz_mm[body.faces])
    edges = triangles["c"][:, 1:] - triangles["c"][:, :1]
    assert np.allclose(np.linalg.norm(triangles["n"], axis=1), 1, atol=1e-5)
    assert (np.einsum("ij,ij->i", np.cross(edges[:, 0], edges[:, 1]), triangles["n"]) > 0).all()


def test_open3d_reads_it(tmp_path: Path) -> None:
    body = to_plate(box_corner(CAMERA).depth)
    read = open3d().io.read_triangle_mesh(str(save(body, tmp_path / "a.stl")))
    read.remove_duplicated_vertices()
    assert read.is_watertight()
    assert read.is_orientable()
    assert read.get_volume() > 0
