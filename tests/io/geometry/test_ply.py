from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from independent_readers import open3d
from numpy.typing import NDArray
from plyfile import PlyData

from depth3d.geometry.mesh import Mesh
from depth3d.geometry.point_cloud import PointCloud
from depth3d.io.geometry.axes import turned
from depth3d.io.save import save


def cloud(count: int = 1000, *, rgb: bool = True, normals: bool = True) -> PointCloud:
    rng = np.random.default_rng(count)
    directions = rng.normal(size=(count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return PointCloud(
        rng.normal(size=(count, 3)).astype(np.float32),
        rng.integers(0, 256, (count, 3)).astype(np.uint8) if rgb else None,
        directions.astype(np.float32) if normals else None,
        unit="m",
    )


def mesh(count: int = 1000, faces: int = 1800) -> Mesh:
    points = cloud(count)
    indices = np.random.default_rng(1).integers(0, count, (faces, 3)).astype(np.uint32)
    return Mesh(points.xyz, indices, rgb=points.rgb, normals=points.normals, unit="m")


def columns(element: NDArray[np.void], *names: str) -> NDArray[np.generic]:
    return np.stack([element[name] for name in names], axis=1)


@pytest.mark.parametrize("axes", ["gltf", "opencv"])
def test_plyfile_reads_the_cloud(tmp_path: Path, axes: str) -> None:
    value = cloud()
    vertices = PlyData.read(str(save(value, tmp_path / "a.ply", axes=axes)))["vertex"].data
    assert vertices.dtype.names == ("x", "y", "z", "nx", "ny", "nz", "red", "green", "blue")
    assert value.normals is not None
    assert np.array_equal(columns(vertices, "x", "y", "z"), turned(value.xyz, axes))
    assert np.array_equal(columns(vertices, "nx", "ny", "nz"), turned(value.normals, axes))
    assert np.array_equal(columns(vertices, "red", "green", "blue"), value.rgb)


def test_a_point_above_and_behind_is_up_and_away(tmp_path: Path) -> None:
    one = PointCloud(np.array([[1, -2, 3]], np.float32), unit="m")
    vertices = PlyData.read(str(save(one, tmp_path / "a.ply")))["vertex"].data
    assert vertices.dtype.names == ("x", "y", "z")
    assert vertices[0].tolist() == (1, 2, -3)


def test_plyfile_reads_the_mesh(tmp_path: Path) -> None:
    value = mesh()
    read = PlyData.read(str(save(value, tmp_path / "a.ply")))
    assert [element.name for element in read.elements] == ["vertex", "face"]
    assert np.array_equal(np.stack(read["face"].data["vertex_indices"]), value.faces)
    assert np.array_equal(columns(read["vertex"].data, "x", "y", "z"), turned(value.xyz, "gltf"))


def test_open3d_reads_cloud_and_mesh(tmp_path: Path) -> None:
    o3d = open3d()
    points, surface = cloud(), mesh()
    read = o3d.io.read_point_cloud(str(save(points, tmp_path / "cloud.ply")))
    assert np.array_equal(np.asarray(read.points, np.float32), turned(points.xyz, "gltf"))
    assert np.array_equal(np.rint(np.asarray(read.colors) * 255), points.rgb)
    assert np.allclose(np.asarray(read.normals), turned(points.normals, "gltf"))
    read = o3d.io.read_triangle_mesh(str(save(surface, tmp_path / "mesh.ply")))
    assert np.array_equal(np.asarray(read.vertices, np.float32), turned(surface.xyz, "gltf"))
    assert np.array_equal(np.asarray(read.triangles), surface.faces)
    assert np.array_equal(np.rint(np.asarray(read.vertex_colors) * 255), surface.rgb)


def test_trimesh_reads_cloud_and_mesh(tmp_path: Path) -> None:
    import trimesh

    points, surface = cloud(normals=False), mesh()
    read = trimesh.load(save(points, tmp_path / "cloud.ply"))
    assert np.array_equal(read.vertices.astype(np.float32), turned(points.xyz, "gltf"))
    assert np.array_equal(read.colors[:, :3], points.rgb)
    read = trimesh.load(save(surface, tmp_path / "mesh.ply"), process=False)
    assert np.array_equal(read.vertices.astype(np.float32), turned(surface.xyz, "gltf"))
    assert np.array_equal(read.faces, surface.faces)
    assert np.array_equal(read.visual.vertex_colors[:, :3], surface.rgb)


def test_faces_keep_looking_at_the_camera(tmp_path: Path) -> None:
    corners = np.array([[0, 0, 2], [1, 0, 2], [0, 1, 2]], np.float32)  # x right, y down
    facing = Mesh(corners, np.array([[0, 2, 1]], np.uint32), unit="m")  # counter-clockwise for the camera
    read = PlyData.read(str(save(facing, tmp_path / "a.ply")))
    xyz = columns(read["vertex"].data, "x", "y", "z")[read["face"].data["vertex_indices"][0]]
    assert np.cross(xyz[1] - xyz[0], xyz[2] - xyz[0])[2] > 0  # towards the viewer


def test_a_texture_becomes_vertex_colours(tmp_path: Path) -> None:
    texture = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [9, 9, 9]]], np.uint8)
    uv = np.array([[0.25, 0.25], [0.75, 0.25], [0.25, 0.75]], np.float32)
    faces = np.array([[0, 2, 1]], np.uint32)
    value = Mesh(np.eye(3, dtype=np.float32), faces, uv=uv, texture=texture, unit="m")
    vertices = PlyData.read(str(save(value, tmp_path / "a.ply")))["vertex"].data
    assert columns(vertices, "red", "green", "blue").tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]


def test_comments_say_axes_unit_and_origin(tmp_path: Path) -> None:
    notes = {"photo": "kü\nche.jpg", "camera": "EXIF " * 100}
    read = PlyData.read(str(save(cloud(5), tmp_path / "a.ply", notes=notes)))
    assert read.comments[:4] == [
        "generated by depth3d",
        "axes: x right, y up, z towards the viewer",
        "unit: m",
        "photo: k\\xfc che.jpg",
    ]
    assert " ".join(read.comments[4:]) == "camera: " + " ".join(["EXIF"] * 100)
    assert max(map(len, read.comments)) <= 200
    value = replace(cloud(5), unit="arbitrary")
    read = PlyData.read(str(save(value, tmp_path / "b.ply", notes={"unit": "m"}, axes="opencv")))
    assert "axes: x right, y down, z forward" in read.comments
    assert [line for line in read.comments if line.startswith("unit")] == ["unit: arbitrary"]


def test_blocks_of_a_large_cloud_fit_together(tmp_path: Path) -> None:
    value = cloud(300_000, normals=False)
    vertices = PlyData.read(str(save(value, tmp_path / "a.ply")))["vertex"].data
    assert np.array_equal(columns(vertices, "x", "y", "z"), turned(value.xyz, "gltf"))
    assert np.array_equal(columns(vertices, "red", "green", "blue"), value.rgb)


def test_other_memory_layouts_give_the_same_bytes(tmp_path: Path) -> None:
    value = mesh()
    assert value.rgb is not None
    other = Mesh(
        np.asfortranarray(value.xyz.astype(np.float64)),
        np.asfortranarray(value.faces.astype(np.int64)),
        rgb=np.asfortranarray(value.rgb),
        normals=value.normals,
        unit="m",
    )
    assert save(other, tmp_path / "a.ply").read_bytes() == save(value, tmp_path / "b.ply").read_bytes()


def test_memory_while_writing_stays_a_fraction_of_the_file(tmp_path: Path) -> None:
    import tracemalloc

    value = cloud(2_000_000, normals=False)
    tracemalloc.start()
    path = save(value, tmp_path / "a.ply")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.5 * path.stat().st_size
