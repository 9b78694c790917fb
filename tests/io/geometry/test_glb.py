from __future__ import annotations

import io
import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import four_colour_wall
import numpy as np
import pytest
from independent_readers import check_gltf, gltf_report, open3d
from numpy.typing import NDArray
from PIL import Image

from depth3d.core.errors import OutputError, UsageError
from depth3d.geometry.mesh import Mesh
from depth3d.geometry.point_cloud import PointCloud
from depth3d.io.geometry import gltf
from depth3d.io.geometry.axes import AXES, turned
from depth3d.io.geometry.vertex_colors import linear_from_srgb
from depth3d.io.save import save


def surface(width: int = 40, height: int = 30) -> Mesh:
    """A wavy grid with everything a mesh can have."""
    u, v = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    z = 2 + 0.3 * np.sin(5 * u) * np.cos(4 * v)
    xyz = np.stack([(u - 0.5) * z, (v - 0.5) * z, z], axis=-1).reshape(-1, 3).astype(np.float32)
    index = np.arange(width * height, dtype=np.uint32).reshape(height, width)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    faces = np.stack([a, c, b, b, c, d], axis=-1).reshape(-1, 3)
    texture = np.stack([u * 255, v * 255, 90 + 60 * np.sin(9 * u * v)], axis=-1).astype(np.uint8)
    return Mesh(
        xyz,
        faces,
        rgb=texture.reshape(-1, 3),
        normals=-xyz / np.linalg.norm(xyz, axis=1, keepdims=True),
        uv=np.stack([u, v], axis=-1).reshape(-1, 2).astype(np.float32),
        texture=texture,
        unit="m",
    )


def textured() -> Mesh:
    return replace(surface(), rgb=None, normals=None)


def coloured() -> Mesh:
    return replace(surface(), texture=None, uv=None, normals=None)


def points(normals: bool = False) -> PointCloud:
    mesh = surface()
    return PointCloud(mesh.xyz, mesh.rgb, mesh.normals if normals else None, unit="m")


def description(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    magic, version, total, length, kind = struct.unpack_from("<4sIIII", data)
    assert (magic, version, total, kind) == (b"glTF", 2, len(data), 0x4E4F534A)
    result: dict[str, Any] = json.loads(data[20 : 20 + length])
    return result


def only(scene: Any) -> Any:
    (geometry,) = scene.geometry.values()
    return geometry


VALUES: dict[str, Any] = {
    "texture": textured(),
    "texture and colours and normals": surface(),
    "colours": coloured(),
    "bare": replace(coloured(), rgb=None),
    "points": points(),
    "points with normals": points(normals=True),
    "points without colour": PointCloud(surface().xyz, unit="m"),
    "one point": PointCloud(np.ones((1, 3), np.float32), unit="m"),
}


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("unlit", [True, False], ids=["unlit", "lit"])
def test_khronos_finds_no_error_and_no_warning(tmp_path: Path, name: str, unlit: bool) -> None:
    value = VALUES[name]
    info = check_gltf(save(value, tmp_path / "a.glb", unlit=unlit, notes={"photo": "kü\tche.jpg"}))
    assert info["totalVertexCount"] == len(value.xyz)
    assert info["totalTriangleCount"] == (len(value.faces) if isinstance(value, Mesh) else 0)
    assert info.get("extensionsUsed", []) == (["KHR_materials_unlit"] if unlit else [])


def test_the_validator_would_complain(tmp_path: Path) -> None:
    path = save(coloured(), tmp_path / "a.glb")
    data = path.read_bytes()
    (tmp_path / "b.glb").write_bytes(data.replace(b'"max":[', b'"max":[9'))
    assert gltf_report(tmp_path / "b.glb")["issues"]["numErrors"] > 0


def test_khronos_accepts_index_tiles(tmp_path: Path) -> None:
    value = replace(surface(400, 300), rgb=None, normals=None)
    whole, tiled = tmp_path / "whole.glb", tmp_path / "tiled.glb"
    assert check_gltf(save(value, whole))["drawCallCount"] == 1
    info = check_gltf(save(value, tiled, index_tiles=True))
    assert 2 <= info["drawCallCount"] <= 4
    assert info["totalTriangleCount"] == len(value.faces)
    assert tiled.stat().st_size < 0.8 * whole.stat().st_size


def test_tiles_hold_the_same_triangles(tmp_path: Path) -> None:
    import trimesh

    value = replace(surface(400, 300), rgb=None, normals=None)
    scene = trimesh.load(save(value, tmp_path / "a.glb", index_tiles=True), process=False)
    corners = np.concatenate([part.vertices[part.faces] for part in scene.geometry.values()])
    assert np.array_equal(corners.astype(np.float32), turned(value.xyz, "gltf")[value.faces])


@pytest.mark.parametrize("axes", ["gltf", "opencv"])
def test_trimesh_reads_the_textured_mesh(tmp_path: Path, axes: str) -> None:
    import trimesh

    value = textured()
    path = save(value, tmp_path / "a.glb", axes=axes, texture_format="png")
    read = only(trimesh.load(path, process=False))
    assert np.array_equal(read.vertices.astype(np.float32), turned(value.xyz, axes))
    assert np.array_equal(read.faces, value.faces)
    assert value.uv is not None
    assert np.allclose(read.visual.uv, value.uv * [1, -1] + [0, 1], atol=1e-7)  # trimesh's v points up
    assert np.array_equal(np.asarray(read.visual.material.baseColorTexture.convert("RGB")), value.texture)


def test_open3d_reads_the_textured_mesh(tmp_path: Path) -> None:
    value = textured()
    read = open3d().io.read_triangle_mesh(str(save(value, tmp_path / "a.glb", texture_format="png")))
    corners = np.asarray(read.vertices, np.float32)[np.asarray(read.triangles)]  # it numbers vertices again
    assert np.array_equal(corners, turned(value.xyz, "gltf")[value.faces])
    assert value.uv is not None
    uv = np.asarray(read.triangle_uvs).reshape(-1, 3, 2)
    assert np.allclose(uv, value.uv[value.faces] * [1, -1] + [0, 1], atol=1e-6)  # Open3D turns both upside down
    assert np.array_equal(np.asarray(read.textures[0])[::-1, :, :3], value.texture)


def test_vertex_colours_are_linear_light(tmp_path: Path) -> None:
    import trimesh

    value = coloured()
    path = save(value, tmp_path / "a.glb")
    linear = linear_from_srgb()[value.rgb]
    read = only(trimesh.load(path, process=False))
    assert np.allclose(read.visual.vertex_attributes["color"], linear, atol=1e-6)
    read = open3d().io.read_triangle_mesh(str(path))
    corners = np.asarray(read.vertex_colors)[np.asarray(read.triangles)]
    assert np.allclose(corners, linear[value.faces], atol=1e-6)


def test_every_dark_tone_comes_back(tmp_path: Path) -> None:
    greys = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    xyz = np.random.default_rng(0).normal(size=(256, 3)).astype(np.float32)
    path = save(PointCloud(xyz, greys, unit="m"), tmp_path / "a.glb")
    linear = attribute(path, "COLOR_0")
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert np.array_equal(np.rint(srgb * 255), greys)


def attribute(path: Path, name: str) -> NDArray[np.float64]:
    """A float attribute of the first primitive, by the specification's own words."""
    document, data = description(path), path.read_bytes()
    accessor = document["accessors"][document["meshes"][0]["primitives"][0]["attributes"][name]]
    view = document["bufferViews"][accessor["bufferView"]]
    (length,) = struct.unpack_from("<I", data, 12)
    start = 20 + length + 8 + view["byteOffset"]
    assert accessor["componentType"] == 5126
    return np.frombuffer(data, "<f4", view["byteLength"] // 4, start).reshape(accessor["count"], -1).astype(np.float64)


def test_trimesh_reads_the_points(tmp_path: Path) -> None:
    import trimesh

    value = points()
    read = only(trimesh.load(save(value, tmp_path / "a.glb")))
    assert type(read).__name__ == "PointCloud"
    assert np.array_equal(read.vertices.astype(np.float32), turned(value.xyz, "gltf"))
    assert np.allclose(read.colors[:, :3], linear_from_srgb()[value.rgb] * 255, atol=0.51)


def test_a_texture_excludes_vertex_colours_which_would_darken_it(tmp_path: Path) -> None:
    (primitive,) = description(save(surface(), tmp_path / "a.glb"))["meshes"][0]["primitives"]
    assert set(primitive["attributes"]) == {"POSITION", "TEXCOORD_0"}


def test_normals_are_stored_where_light_falls(tmp_path: Path) -> None:
    value = surface()
    path = save(value, tmp_path / "a.glb", unlit=False)
    assert np.array_equal(attribute(path, "NORMAL"), turned(value.normals, "gltf"))


def test_limits_are_exact(tmp_path: Path) -> None:
    for count in (1, 255, 256, 257, 1000):
        xyz = np.random.default_rng(count).normal(size=(count, 3)).astype(np.float32)
        document = description(save(PointCloud(xyz, unit="m"), tmp_path / f"{count}.glb"))
        stored = turned(xyz, "gltf")
        (accessor,) = document["accessors"]
        assert accessor["min"] == stored.min(axis=0).tolist()
        assert accessor["max"] == stored.max(axis=0).tolist()


@pytest.mark.parametrize(("vertices", "component"), [(255, 5121), (256, 5123), (65535, 5123), (65536, 5125)])
def test_indices_are_as_small_as_fits(tmp_path: Path, vertices: int, component: int) -> None:
    import trimesh

    xyz = np.random.default_rng(0).normal(size=(vertices, 3)).astype(np.float32)
    faces = np.array([[0, 1, 2], [vertices - 3, vertices - 2, vertices - 1]], np.uint32)
    path = save(Mesh(xyz, faces, unit="m"), tmp_path / "a.glb")
    document = description(path)
    accessor = document["accessors"][document["meshes"][0]["primitives"][0]["indices"]]
    assert accessor["componentType"] == component
    check_gltf(path)
    assert np.array_equal(only(trimesh.load(path, process=False)).faces, faces)


def test_the_texture_is_a_jpeg_of_the_chosen_quality(tmp_path: Path) -> None:
    sizes = []
    for quality in (30, 90):
        path = save(textured(), tmp_path / f"{quality}.glb", texture_quality=quality)
        document, data = description(path), path.read_bytes()
        assert document["images"][0]["mimeType"] == "image/jpeg"
        view = document["bufferViews"][document["images"][0]["bufferView"]]
        (length,) = struct.unpack_from("<I", data, 12)
        start = 20 + length + 8 + view["byteOffset"]
        jpeg = data[start : start + view["byteLength"]]
        picture = np.asarray(Image.open(io.BytesIO(jpeg)), np.float64)
        assert picture.shape == (30, 40, 3)
        sizes.append(len(jpeg))
    texture = textured().texture
    assert texture is not None
    assert np.abs(picture - texture).mean() < 4
    assert sizes[0] < sizes[1]


def test_the_texture_does_not_wrap_at_its_border(tmp_path: Path) -> None:
    (sampler,) = description(save(textured(), tmp_path / "a.glb"))["samplers"]
    assert (sampler["wrapS"], sampler["wrapT"]) == (33071, 33071)


def test_photos_are_shown_as_they_are_and_from_both_sides(tmp_path: Path) -> None:
    (material,) = description(save(textured(), tmp_path / "a.glb"))["materials"]
    assert material["doubleSided"] is True
    assert "KHR_materials_unlit" in material["extensions"]
    (material,) = description(save(textured(), tmp_path / "b.glb", unlit=False))["materials"]
    assert "extensions" not in material
    assert material["pbrMetallicRoughness"]["metallicFactor"] == 0


def decoded(path: Path, name: str, primitive: int = 0) -> NDArray[np.float64]:
    """An attribute as the specification and KHR_mesh_quantization have it read, positions placed by their node."""
    document, data = description(path), path.read_bytes()
    accessor = document["accessors"][document["meshes"][0]["primitives"][primitive]["attributes"][name]]
    view = document["bufferViews"][accessor["bufferView"]]
    dtype = np.dtype({5120: "i1", 5121: "u1", 5123: "<u2", 5126: "<f4"}[accessor["componentType"]])
    width = int(accessor["type"].removeprefix("VEC"))
    (length,) = struct.unpack_from("<I", data, 12)
    start = 20 + length + 8 + view["byteOffset"] + accessor.get("byteOffset", 0)
    stride = view.get("byteStride", width * dtype.itemsize)
    room = np.frombuffer(data, np.uint8, stride * (accessor["count"] - 1) + width * dtype.itemsize, start)
    rows = np.lib.stride_tricks.as_strided(room, (accessor["count"], width * dtype.itemsize), (stride, 1))
    values = np.ascontiguousarray(rows).view(dtype).astype(np.float64)
    if accessor.get("normalized"):
        values = np.maximum(values / np.iinfo(dtype).max, -1)
    if name == "POSITION":
        (node,) = document["nodes"]
        values = values * node.get("scale", [1, 1, 1]) + node.get("translation", [0, 0, 0])
    return values


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("unlit", [True, False], ids=["unlit", "lit"])
def test_khronos_accepts_compact_files(tmp_path: Path, name: str, unlit: bool) -> None:
    value = VALUES[name]
    info = check_gltf(save(value, tmp_path / "a.glb", unlit=unlit, compact=True))
    assert info["totalVertexCount"] == len(value.xyz)
    assert "KHR_mesh_quantization" in info["extensionsUsed"]


def test_compact_files_are_half_as_large_and_hardly_less_exact(tmp_path: Path) -> None:
    value = replace(surface(300, 250), rgb=None)
    plain = save(value, tmp_path / "plain.glb", unlit=False)
    small = save(value, tmp_path / "small.glb", unlit=False, compact=True)
    assert small.stat().st_size < 0.6 * plain.stat().st_size
    step = np.ptp(value.xyz, axis=0).max() / 65535
    for name, exact, error in (
        ("POSITION", turned(value.xyz, "gltf"), 0.51 * step),
        ("TEXCOORD_0", value.uv, 0.51 / 65535),
        ("NORMAL", turned(value.normals, "gltf"), 0.51 / 127),
    ):
        assert exact is not None
        read = decoded(small, name)  # of the first tile
        assert np.abs(read - exact[: len(read)]).max() <= error


def test_compact_colours_keep_every_dark_tone(tmp_path: Path) -> None:
    greys = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    xyz = np.random.default_rng(0).normal(size=(256, 3)).astype(np.float32)
    linear = decoded(save(PointCloud(xyz, greys, unit="m"), tmp_path / "a.glb", compact=True), "COLOR_0")
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    assert np.array_equal(np.rint(srgb * 255), greys)


def test_compact_tiles_fit_together(tmp_path: Path) -> None:
    value = replace(surface(400, 300), rgb=None, normals=None)
    path = save(value, tmp_path / "a.glb", compact=True)
    assert check_gltf(path)["drawCallCount"] >= 2
    parts = len(description(path)["meshes"][0]["primitives"])
    stored = np.concatenate([np.unique(decoded(path, "POSITION", part), axis=0) for part in range(parts)])
    assert len(np.unique(stored, axis=0)) == len(value.xyz)  # vertices on a border of two tiles are the same


def test_compact_points_that_all_lie_together(tmp_path: Path) -> None:
    path = save(PointCloud(np.full((3, 3), 2.5, np.float32), unit="m"), tmp_path / "a.glb", axes="opencv", compact=True)
    check_gltf(path)
    assert np.allclose(decoded(path, "POSITION"), 2.5)


def test_texture_coordinates_of_16_bits(tmp_path: Path) -> None:
    value = textured()
    path = save(value, tmp_path / "a.glb", uv_bits=16)
    info = check_gltf(path)
    assert info["extensionsUsed"] == ["KHR_materials_unlit"]
    assert np.abs(decoded(path, "TEXCOORD_0") - value.uv).max() <= 0.51 / 65535
    assert np.array_equal(decoded(path, "POSITION"), turned(value.xyz, "gltf"))
    assert path.stat().st_size < save(value, tmp_path / "b.glb").stat().st_size


def test_a_texture_as_webp(tmp_path: Path) -> None:
    path = save(textured(), tmp_path / "a.glb", texture_format="webp")
    info = check_gltf(path)
    assert sorted(info["extensionsUsed"]) == ["EXT_texture_webp", "KHR_materials_unlit"]
    document, data = description(path), path.read_bytes()
    assert document["extensionsRequired"] == ["EXT_texture_webp"]
    (image,) = document["images"]
    assert image["mimeType"] == "image/webp"
    (length,) = struct.unpack_from("<I", data, 12)
    view = document["bufferViews"][image["bufferView"]]
    start = 20 + length + 8 + view["byteOffset"]
    with Image.open(io.BytesIO(data[start : start + view["byteLength"]])) as webp:
        assert webp.format == "WEBP"
        picture = np.asarray(webp.convert("RGB"), np.float64)
    texture = textured().texture
    assert texture is not None
    assert np.abs(picture - texture).mean() < 8


@pytest.mark.parametrize("axes", AXES)
def test_the_corners_of_the_wall_stand_where_they_should(tmp_path: Path, axes: str) -> None:
    import trimesh

    read = only(
        trimesh.load(save(four_colour_wall.mesh(), tmp_path / "a.glb", axes=axes, texture_format="png"), process=False)
    )
    texture = np.asarray(read.visual.material.baseColorTexture.convert("RGB"))
    row = ((1 - read.visual.uv[:, 1]) * texture.shape[0]).astype(int)
    rgb = texture[row, (read.visual.uv[:, 0] * texture.shape[1]).astype(int)]
    four_colour_wall.check_upright(read.vertices, rgb, axes)
    fronts = np.einsum("ij,ij->i", read.face_normals, read.triangles_center)
    assert (fronts < 0).all()  # the camera is at the origin


def test_notes_are_in_asset_extras(tmp_path: Path) -> None:
    value = replace(points(), unit="arbitrary")
    asset = description(save(value, tmp_path / "a.glb", notes={"photo": "kü\nche.jpg", "unit": "m"}))["asset"]
    assert asset == {
        "version": "2.0",
        "generator": "depth3d",
        "extras": {"axes": "x right, y up, z towards the viewer", "unit": "arbitrary", "photo": "kü che.jpg"},
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"texture_format": "bmp"}, "use jpeg, png or webp"),
        ({"texture_quality": 0}, "between 1 and 100, got 0"),
        ({"uv_bits": 8}, "have 16 or 32 bits, not 8"),
    ],
)
def test_options_that_cannot_be(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        save(textured(), tmp_path / "a.glb", **options)
    assert not list(tmp_path.iterdir())


def test_a_file_beyond_four_gigabytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gltf, "_LIMIT", 10_000)
    with pytest.raises(OutputError, match="do not fit into a GLB file"):
        save(surface(), tmp_path / "a.glb")
    assert not list(tmp_path.iterdir())
