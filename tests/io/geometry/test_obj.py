from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from four_colour_wall import check_upright, mesh, picture
from independent_readers import open3d
from PIL import Image
from test_atomic import largest_file, names

from depth3d.core.errors import OutputError
from depth3d.io.geometry.axes import AXES, turned, wind_faces
from depth3d.io.save import files_for, save


@pytest.mark.parametrize("axes", AXES)
def test_trimesh_reads_the_textured_mesh(tmp_path: Path, axes: str) -> None:
    import trimesh

    value = mesh()
    read = trimesh.load(save(value, tmp_path / "a.obj", axes=axes, texture_quality=100), process=False)
    assert np.allclose(read.vertices, turned(value.xyz, axes), rtol=5e-7, atol=0)
    assert np.array_equal(read.faces, wind_faces(value.faces, axes))
    assert value.uv is not None
    assert np.allclose(read.visual.uv, value.uv * [1, -1] + [0, 1], atol=1e-6)  # trimesh's v points up
    texture = np.asarray(read.visual.material.image.convert("RGB"))
    assert np.abs(texture.astype(int) - picture()).mean() < 3
    pixel = np.asarray(read.visual.uv) * [1, -1] + [0, 1]
    rgb = texture[(pixel[:, 1] * texture.shape[0]).astype(int), (pixel[:, 0] * texture.shape[1]).astype(int)]
    check_upright(np.asarray(read.vertices), rgb, axes)


def test_open3d_reads_the_textured_mesh(tmp_path: Path) -> None:
    value = mesh()
    read = open3d().io.read_triangle_mesh(str(save(value, tmp_path / "a.obj")))
    corners = np.asarray(read.vertices)[np.asarray(read.triangles)]  # it numbers vertices again
    assert np.allclose(corners, turned(value.xyz, "gltf")[value.faces], rtol=5e-7, atol=0)
    uv = np.asarray(read.triangle_uvs).reshape(-1, 3, 2)
    assert value.uv is not None
    assert np.allclose(uv, value.uv[value.faces] * [1, -1] + [0, 1], atol=1e-6)
    texture = np.asarray(read.textures[-1])[::-1].astype(int)  # Open3D turns it upside down, as its v
    assert np.abs(texture - picture()).mean() < 6


@pytest.mark.parametrize("axes", AXES)
def test_colours_without_a_texture_follow_the_vertices(tmp_path: Path, axes: str) -> None:
    import trimesh

    value = mesh(textured=False)
    path = save(value, tmp_path / "a.obj", axes=axes)
    assert names(tmp_path) == ["a.obj"]
    read = trimesh.load(path, process=False)
    assert np.array_equal(read.visual.vertex_colors[:, :3], value.rgb)
    check_upright(np.asarray(read.vertices), read.visual.vertex_colors[:, :3], axes)
    theirs = open3d().io.read_triangle_mesh(str(path))
    corners = np.rint(np.asarray(theirs.vertex_colors) * 255)[np.asarray(theirs.triangles)]
    assert value.rgb is not None
    assert np.array_equal(corners, value.rgb[wind_faces(value.faces, axes)])


@pytest.mark.parametrize(("textured", "corner"), [(True, r"(\d+)/\1/\1"), (False, r"(\d+)//\1")])
def test_normals(tmp_path: Path, textured: bool, corner: str) -> None:
    import trimesh

    value = mesh(textured=textured, normals=True)
    path = save(value, tmp_path / "a.obj")
    first = next(line for line in path.read_text().splitlines() if line.startswith("f "))
    assert all(re.fullmatch(corner, one) for one in first.split()[1:])
    read = trimesh.load(path, process=False)
    assert value.normals is not None
    assert np.allclose(read.vertex_normals, turned(value.normals, "gltf"), atol=1e-4)


def test_the_three_files_belong_together(tmp_path: Path) -> None:
    path = save(mesh(), tmp_path / "my room #2.obj", notes={"photo": "küche.jpg"})
    assert names(tmp_path) == ["my room #2.obj", "my_room_2.mtl", "my_room_2_texture.jpg"]
    assert set(files_for(path, "Mesh")) == set(tmp_path.iterdir())
    lines = path.read_text().splitlines()
    assert "mtllib my_room_2.mtl" in lines
    assert "usemtl photo" in lines
    assert "# axes: x right, y up, z towards the viewer" in lines
    assert "# photo: k\\xfcche.jpg" in lines
    material = (tmp_path / "my_room_2.mtl").read_text().splitlines()
    assert "newmtl photo" in material
    assert "map_Kd my_room_2_texture.jpg" in material
    with Image.open(tmp_path / "my_room_2_texture.jpg") as texture:
        assert texture.size == (48, 36)


@pytest.mark.parametrize("name", ["a.mtl", "a_texture.jpg"])
def test_files_beside_are_not_overwritten_without_force(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(OutputError, match=rf"{name} exists already; use --force"):
        save(mesh(), tmp_path / "a.obj")
    assert names(tmp_path) == [name]
    assert (tmp_path / name).read_bytes() == b"mine"
    save(mesh(), tmp_path / "a.obj", force=True)
    assert (tmp_path / name).read_bytes() != b"mine"


def test_a_full_disk_leaves_none_of_the_three(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    save(mesh(), tmp_path / "whole" / "a.obj")
    largest = max(one.stat().st_size for one in (tmp_path / "whole").iterdir())
    for size in (20, largest // 2, largest - 1):
        with largest_file(size), pytest.raises(OutputError, match="File too large"):
            save(mesh(), tmp_path / "a.obj")
        assert names(tmp_path) == ["whole"]


def test_the_photo_itself_is_never_the_texture(tmp_path: Path) -> None:
    (tmp_path / "room.jpg").write_bytes(b"the photo")
    save(mesh(), tmp_path / "room.obj", force=True)
    assert (tmp_path / "room.jpg").read_bytes() == b"the photo"
