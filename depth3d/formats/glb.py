"""GLB, binary glTF 2.0: textured meshes, meshes with vertex colours, and points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from depth3d.errors import UsageError
from depth3d.formats.axes import turned, wound
from depth3d.formats.codec import DEFAULT_QUALITY, encode_jpeg, encode_png
from depth3d.formats.gltf import ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, GltfDocument
from depth3d.formats.skin import linear_from_srgb
from depth3d.formats.tiles import Tile, index_tiles_of, renumbered, whole
from depth3d.mesh import Mesh
from depth3d.pixel_cloud import Cloud, gather

_POINTS, _TRIANGLES = 0, 4
_LINEAR, _LINEAR_MIPMAP_LINEAR, _CLAMP_TO_EDGE = 9729, 9987, 33071
_BOUNDS_ROW = 256


def write_mesh(
    mesh: Mesh,
    file: BinaryIO,
    *,
    axes: str,
    notes: Mapping[str, str],
    unlit: bool = True,
    texture_format: Literal["jpeg", "png"] = "jpeg",
    texture_quality: int = DEFAULT_QUALITY,
    index_tiles: bool = False,
) -> None:
    """Write a mesh with its texture, or else with its vertex colours.

    Args:
        mesh: triangles in camera axes and metres.
        file: where the bytes go.
        axes: axes of the file, see `axes.turned`; glTF itself knows only "gltf".
        notes: texts for asset.extras.
        unlit: show the photo's own light (KHR_materials_unlit); otherwise a matt surface lit by the viewer, with the
            mesh's normals.
        texture_format: "jpeg", or "png" to lose nothing.
        texture_quality: JPEG quality, 1 to 100.
        index_tiles: cut the mesh into primitives of at most 65,535 vertices with indices of two bytes instead of
            four. A quarter smaller for a full grid; neighbouring tiles are not connected in programs that edit meshes.
    """
    document = GltfDocument(notes)
    tiles = index_tiles_of(mesh.faces, len(mesh.xyz)) if index_tiles else [whole(mesh.faces, len(mesh.xyz))]
    attributes = _Attributes(document, mesh.xyz, axes)
    if mesh.normals is not None and not unlit:
        attributes.add_normals(mesh.normals)
    texture = None
    if mesh.texture is not None and mesh.uv is not None:
        attributes.add_floats("TEXCOORD_0", mesh.uv)
        texture = _add_texture(document, mesh.texture, texture_format, texture_quality)
    elif mesh.rgb is not None:  # glTF multiplies the two, so a texture excludes vertex colours
        attributes.add_colours(mesh.rgb)
    material = _add_material(document, unlit=unlit, texture=texture)
    shared = {"material": material, "mode": _TRIANGLES}
    primitives = [{**part, **shared} for part in _add_faces(document, attributes, mesh.faces, tiles)]
    _add_scene(document, primitives)
    document.write(file)


def write_cloud(cloud: Cloud, file: BinaryIO, *, axes: str, notes: Mapping[str, str], unlit: bool = True) -> None:
    """Write points with their colours.

    Args:
        cloud: points in camera axes and metres.
        file: where the bytes go.
        axes: axes of the file, see `axes.turned`; glTF itself knows only "gltf".
        notes: texts for asset.extras.
        unlit: show the photo's own light (KHR_materials_unlit); otherwise lit by the viewer, with the cloud's normals.
    """
    document, cloud = GltfDocument(notes), gather(cloud)
    attributes = _Attributes(document, cloud.xyz, axes)
    if cloud.normals is not None and not unlit:
        attributes.add_normals(cloud.normals)
    if cloud.rgb is not None:
        attributes.add_colours(cloud.rgb)
    material = _add_material(document, unlit=unlit, texture=None)
    part = attributes.of(0, len(cloud.xyz))
    _add_scene(document, [{"attributes": part, "material": material, "mode": _POINTS}])
    document.write(file)


class _Attributes:
    """The arrays that each vertex has a row in, stored once and named again by each tile."""

    def __init__(self, document: GltfDocument, xyz: NDArray[np.float32], axes: str) -> None:
        self._document, self._xyz, self._axes = document, xyz, axes
        self._views: dict[str, tuple[int, int]] = {}
        self._add("POSITION", 3, len(xyz), lambda rows: turned(xyz[rows], axes))

    def add_normals(self, normals: NDArray[np.float32]) -> None:
        self._add("NORMAL", 3, len(normals), lambda rows: turned(normals[rows], self._axes))

    def add_floats(self, name: str, values: NDArray[np.float32]) -> None:
        self._add(name, values.shape[1], len(values), lambda rows: values[rows])

    def add_colours(self, rgb: NDArray[np.uint8]) -> None:
        """Colours in linear light, as glTF has them; photos are sRGB.

        Eight bits would lose the dark tones. Of the two finer types, float is the one that every reader takes right:
        trimesh 5.2 reads normalised 16-bit colours by their low byte.
        """
        linear = linear_from_srgb().astype("<f4")
        self._add("COLOR_0", 3, len(rgb), lambda rows: linear[rgb[rows]])

    def wound(self, faces: NDArray[Any]) -> NDArray[Any]:
        """Triangles with the winding of the file's axes."""
        return np.ascontiguousarray(wound(faces, self._axes))

    def of(self, first: int, count: int) -> dict[str, int]:
        """Accessors of `count` vertices from `first` on."""
        return {name: self._accessor(name, first, count) for name in self._views}

    def _accessor(self, name: str, first: int, count: int) -> int:
        view, width = self._views[name]
        limits = _bounds(self._xyz[first : first + count], self._axes) if name == "POSITION" else None
        return self._document.add_accessor(view, "<f4", f"VEC{width}", count, offset=first * width * 4, limits=limits)

    def _add(self, name: str, width: int, count: int, pack: Callable[[slice], NDArray[Any]]) -> None:
        def little_endian(rows: slice) -> NDArray[Any]:
            return np.ascontiguousarray(pack(rows), "<f4")

        view = self._document.add_rows(count, width * 4, little_endian, target=ARRAY_BUFFER)
        self._views[name] = view, width


def _add_faces(
    document: GltfDocument, attributes: _Attributes, faces: NDArray[np.uint32], tiles: list[Tile]
) -> list[dict[str, Any]]:
    """One primitive per tile; their indices lie one after the other in one buffer view."""
    dtype = _index_type(max(tile.vertex_count for tile in tiles))

    def pack(rows: slice) -> NDArray[Any]:
        return attributes.wound(renumbered(faces, rows, tiles, dtype))

    size = np.dtype(dtype).itemsize
    view = document.add_rows(len(faces), 3 * size, pack, target=ELEMENT_ARRAY_BUFFER)
    primitives: list[dict[str, Any]] = []
    for tile in tiles:
        indices = document.add_accessor(view, dtype, "SCALAR", 3 * tile.face_count, offset=tile.first_face * 3 * size)
        part = attributes.of(tile.first_vertex, tile.vertex_count)
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
    else:
        raise UsageError(f"texture format {form!r} is not known; use jpeg or png")
    image = document.add("images", {"bufferView": document.add_bytes(data), "mimeType": f"image/{form}"})
    clamp = {"wrapS": _CLAMP_TO_EDGE, "wrapT": _CLAMP_TO_EDGE}
    sampler = document.add("samplers", {"magFilter": _LINEAR, "minFilter": _LINEAR_MIPMAP_LINEAR, **clamp})
    return document.add("textures", {"sampler": sampler, "source": image})


def _add_material(document: GltfDocument, *, unlit: bool, texture: int | None) -> int:
    surface: dict[str, Any] = {"metallicFactor": 0, "roughnessFactor": 1}
    if texture is not None:
        surface["baseColorTexture"] = {"index": texture}
    material: dict[str, Any] = {"pbrMetallicRoughness": surface, "doubleSided": True}
    if unlit:
        material["extensions"] = {"KHR_materials_unlit": {}}
        document.json["extensionsUsed"] = ["KHR_materials_unlit"]
    return document.add("materials", material)


def _add_scene(document: GltfDocument, primitives: list[dict[str, Any]]) -> None:
    node = document.add("nodes", {"mesh": document.add("meshes", {"primitives": primitives})})
    document.json["scene"] = document.add("scenes", {"nodes": [node]})


def _bounds(xyz: NDArray[np.float32], axes: str) -> NDArray[np.float32]:
    """Least and greatest coordinate on the file's axes, (2, 3); exact, because turning only swaps and negates.

    Rows of many points at once are forty times as fast as rows of three numbers.
    """
    even = len(xyz) // _BOUNDS_ROW * _BOUNDS_ROW
    wide = np.ascontiguousarray(xyz[:even]).reshape(-1, 3 * _BOUNDS_ROW)
    rest = xyz[even:]
    parts = [rest] if even == 0 else [wide.min(axis=0).reshape(-1, 3), wide.max(axis=0).reshape(-1, 3), rest]
    points = np.concatenate(parts)
    corners = turned(np.stack([points.min(axis=0), points.max(axis=0)]), axes)
    return np.stack([corners.min(axis=0), corners.max(axis=0)])
