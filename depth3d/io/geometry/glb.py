"""GLB, binary glTF 2.0: textured meshes, meshes with vertex colours, and points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import UsageError
from depth3d.core.options import FileOptions, TextureFormat
from depth3d.geometry.lazy_point_cloud import Cloud, gather
from depth3d.geometry.mesh import Mesh
from depth3d.io.geometry.axes import axes_in_words, wind_faces
from depth3d.io.geometry.gltf import ELEMENT_ARRAY_BUFFER, GltfDocument
from depth3d.io.geometry.gltf_vertices import Vertices
from depth3d.io.geometry.index_tiles import Tile, index_tiles_of, renumbered, whole
from depth3d.io.images.codec import DEFAULT_QUALITY, encode_jpeg, encode_png, encode_webp
from depth3d.io.notes import geometry_notes

_DEFAULTS = FileOptions()

_POINTS, _TRIANGLES = 0, 4
_LINEAR, _LINEAR_MIPMAP_LINEAR, _CLAMP_TO_EDGE = 9729, 9987, 33071


def write_mesh(
    mesh: Mesh,
    file: BinaryIO,
    *,
    axes: str,
    notes: Mapping[str, str],
    unlit: bool = True,
    texture_format: TextureFormat = _DEFAULTS.texture_format,
    texture_quality: int = DEFAULT_QUALITY,
    index_tiles: bool = False,
    uv_bits: Literal[16, 32] = 32,
    compact: bool = False,
) -> None:
    """Write a mesh with its texture, or else with its vertex colours.

    Args:
        mesh: triangles in camera axes.
        file: where the bytes go.
        axes: axes of the file, see `axes.turned`; glTF itself knows only "gltf".
        notes: texts for asset.extras, after axes and unit.
        unlit: show the photo's own light (KHR_materials_unlit); otherwise a matt surface lit by the viewer, with the
            mesh's normals.
        texture_format: "jpeg"; "png" to lose nothing; "webp" (EXT_texture_webp), smaller, for three.js and others that
            know it.
        texture_quality: JPEG or WebP quality, 1 to 100.
        index_tiles: cut the mesh into primitives of at most 65,535 vertices with indices of two bytes instead of
            four. A quarter smaller for a full grid; neighbouring tiles are not connected in programs that edit meshes.
        uv_bits: 16 for texture coordinates of half the size, exact to 1/65535 of the picture. Every viewer reads them,
            trimesh 5.2 takes them for pixels.
        compact: round all that a vertex has (KHR_mesh_quantization, see `Vertices`) and take index tiles: half the
            size. three.js, Babylon.js, model-viewer and Blender read it, trimesh and Open3D do not.
    """
    document = GltfDocument(geometry_notes(notes, axes=axes_in_words(axes), unit=mesh.unit))
    if uv_bits not in (16, 32):
        raise UsageError(f"texture coordinates have 16 or 32 bits, not {uv_bits}")
    split = index_tiles or compact
    tiles = index_tiles_of(mesh.faces, len(mesh.xyz)) if split else [whole(mesh.faces, len(mesh.xyz))]
    vertices = Vertices(document, mesh.xyz, axes, compact=compact)
    if mesh.normals is not None and not unlit:
        vertices.add_normals(mesh.normals)
    texture = None
    if mesh.texture is not None and mesh.uv is not None:
        vertices.add_uv(mesh.uv, bits=uv_bits)
        texture = _add_texture(document, mesh.texture, texture_format, texture_quality)
    elif mesh.rgb is not None:  # glTF multiplies the two, so a texture excludes vertex colours
        vertices.add_colours(mesh.rgb)
    shared = {"material": _add_material(document, unlit=unlit, texture=texture), "mode": _TRIANGLES}
    primitives = [{**part, **shared} for part in _add_faces(document, vertices, mesh.faces, tiles, axes)]
    _add_scene(document, primitives, vertices.node)
    document.write(file)


def write_cloud(
    cloud: Cloud,
    file: BinaryIO,
    *,
    axes: str,
    notes: Mapping[str, str],
    unlit: bool = True,
    compact: bool = False,
) -> None:
    """Write points with their colours.

    Args:
        cloud: points in camera axes.
        file: where the bytes go.
        axes: axes of the file, see `axes.turned`; glTF itself knows only "gltf".
        notes: texts for asset.extras, after axes and unit.
        unlit: show the photo's own light (KHR_materials_unlit); otherwise lit by the viewer, with the cloud's normals.
        compact: round all that a point has (KHR_mesh_quantization, see `Vertices`); not for trimesh and Open3D.
    """
    document, cloud = GltfDocument(geometry_notes(notes, axes=axes_in_words(axes), unit=cloud.unit)), gather(cloud)
    vertices = Vertices(document, cloud.xyz, axes, compact=compact)
    if cloud.normals is not None and not unlit:
        vertices.add_normals(cloud.normals)
    if cloud.rgb is not None:
        vertices.add_colours(cloud.rgb)
    material = _add_material(document, unlit=unlit, texture=None)
    part = vertices.of(0, len(cloud.xyz))
    _add_scene(document, [{"attributes": part, "material": material, "mode": _POINTS}], vertices.node)
    document.write(file)


def _add_faces(
    document: GltfDocument, vertices: Vertices, faces: NDArray[np.uint32], tiles: list[Tile], axes: str
) -> list[dict[str, Any]]:
    """One primitive per tile; their indices lie one after the other in one buffer view."""
    dtype = _index_type(max(tile.vertex_count for tile in tiles))

    def pack(rows: slice) -> NDArray[Any]:
        return np.ascontiguousarray(wind_faces(renumbered(faces, rows, tiles, dtype), axes))

    size = np.dtype(dtype).itemsize
    view = document.add_rows(len(faces), 3 * size, pack, target=ELEMENT_ARRAY_BUFFER)
    primitives: list[dict[str, Any]] = []
    for tile in tiles:
        indices = document.add_accessor(view, dtype, "SCALAR", 3 * tile.face_count, offset=tile.first_face * 3 * size)
        part = vertices.of(tile.first_vertex, tile.vertex_count)
        primitives.append({"attributes": part, "indices": indices})
    return primitives


def _index_type(vertex_count: int) -> str:
    """The smallest type whose greatest value, which glTF keeps for restarts, is not an index."""
    if vertex_count <= 0xFF:
        return "u1"
    return "<u2" if vertex_count <= 0xFFFF else "<u4"


def _add_texture(document: GltfDocument, rgb: NDArray[np.uint8], form: str, quality: int) -> int:
    if form == "jpeg":
        data = encode_jpeg(rgb, quality=quality)
    elif form == "png":
        data = encode_png(rgb, texts={})
    elif form == "webp":
        data = encode_webp(rgb, quality=quality)
    else:
        raise UsageError(f"texture format {form!r} is not known; use jpeg, png or webp")
    image = document.add("images", {"bufferView": document.add_bytes(data), "mimeType": f"image/{form}"})
    clamp = {"wrapS": _CLAMP_TO_EDGE, "wrapT": _CLAMP_TO_EDGE}
    sampler = document.add("samplers", {"magFilter": _LINEAR, "minFilter": _LINEAR_MIPMAP_LINEAR, **clamp})
    if form != "webp":
        return document.add("textures", {"sampler": sampler, "source": image})
    document.require("EXT_texture_webp")
    return document.add("textures", {"sampler": sampler, "extensions": {"EXT_texture_webp": {"source": image}}})


def _add_material(document: GltfDocument, *, unlit: bool, texture: int | None) -> int:
    surface: dict[str, Any] = {"metallicFactor": 0, "roughnessFactor": 1}
    if texture is not None:
        surface["baseColorTexture"] = {"index": texture}
    material: dict[str, Any] = {"pbrMetallicRoughness": surface, "doubleSided": True}
    if unlit:
        material["extensions"] = {"KHR_materials_unlit": {}}
        document.use("KHR_materials_unlit")
    return document.add("materials", material)


def _add_scene(document: GltfDocument, primitives: list[dict[str, Any]], placed: Mapping[str, Any]) -> None:
    node = document.add("nodes", {"mesh": document.add("meshes", {"primitives": primitives}), **placed})
    document.json["scene"] = document.add("scenes", {"nodes": [node]})
