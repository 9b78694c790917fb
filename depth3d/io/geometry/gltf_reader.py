"""GLB files of ours read back: rounded vertices, index tiles and all that `glb` writes."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import GeometryError
from depth3d.io.geometry.vertex_colors import srgb_from_linear
from depth3d.io.notes import GENERATOR

_DTYPES = {5120: "i1", 5121: "u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3}
_JSON, _BINARY = 0x4E4F534A, 0x004E4942


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """What a GLB file holds, its coordinates in the file's axes.

    Attributes:
        said: texts of asset.extras.
        xyz: (N, 3) float32.
        faces: (M, 3) uint32, or None for points.
        normals: (N, 3) float32, or None.
        uv: (N, 2) float32, or None.
        rgb: (N, 3) uint8, sRGB, or None.
        texture: (H, W, 3) uint8, or None.
    """

    said: dict[str, str]
    xyz: NDArray[np.float32]
    faces: NDArray[np.uint32] | None
    normals: NDArray[np.float32] | None
    uv: NDArray[np.float32] | None
    rgb: NDArray[np.uint8] | None
    texture: NDArray[np.uint8] | None


def is_ours(data: bytes) -> bool:
    """Whether depth3d wrote a GLB file."""
    try:
        description, _ = _chunks(data)
        return bool(description["asset"].get("generator") == GENERATOR)
    except (struct.error, ValueError, LookupError, AttributeError, TypeError):
        return False


def read_model(data: bytes) -> Model:
    """Read a GLB file of ours; the tiles of a mesh become one, neighbours keep vertices of their own.

    Raises:
        GeometryError: there is nothing in it.
    """
    description, binary = _chunks(data)
    primitives = description["meshes"][0]["primitives"]
    if not primitives:
        raise GeometryError("there is nothing in it")
    tables = [_attributes(description, binary, primitive) for primitive in primitives]
    names = tables[0].keys()
    columns = {name: np.concatenate([table[name] for table in tables]) for name in names}
    node = description["nodes"][0]
    scale, origin = node.get("scale", [1.0] * 3), node.get("translation", [0.0] * 3)
    rgb = columns.get("COLOR_0")
    return Model(
        {str(name): str(text) for name, text in description["asset"].get("extras", {}).items()},
        (columns["POSITION"] * np.float32(scale) + np.float32(origin)).astype(np.float32),
        _faces(description, binary, primitives, [len(table["POSITION"]) for table in tables]),
        columns.get("NORMAL"),
        columns.get("TEXCOORD_0"),
        None if rgb is None else srgb_from_linear(rgb),
        _texture(description, binary),
    )


def _chunks(data: bytes) -> tuple[dict[str, Any], bytes]:
    magic, _, total, length, kind = struct.unpack_from("<4sIIII", data)
    if magic != b"glTF" or kind != _JSON or total > len(data):
        raise GeometryError("it is not a GLB file, or is cut off")
    rest, binary_kind = struct.unpack_from("<II", data, 20 + length)
    if binary_kind != _BINARY:
        raise GeometryError("its second part is not the binary one")
    description: dict[str, Any] = json.loads(data[20 : 20 + length])
    return description, data[28 + length : 28 + length + rest]


def _attributes(
    description: Mapping[str, Any], binary: bytes, primitive: Mapping[str, Any]
) -> dict[str, NDArray[np.float32]]:
    return {
        name: _values(description, binary, index).astype(np.float32) for name, index in primitive["attributes"].items()
    }


def _values(description: Mapping[str, Any], binary: bytes, index: int) -> NDArray[Any]:
    """The rows of an accessor; whole numbers that stand for shares become shares."""
    accessor = description["accessors"][index]
    view = description["bufferViews"][accessor["bufferView"]]
    dtype, width = np.dtype(_DTYPES[accessor["componentType"]]), _WIDTHS[accessor["type"]]
    stride = view.get("byteStride", dtype.itemsize * width)
    start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    count = accessor["count"]
    rows: NDArray[Any] = np.ndarray((count, width), dtype, binary, start, (stride, dtype.itemsize))
    if accessor.get("normalized"):
        return rows.astype(np.float32) / np.float32(np.iinfo(dtype).max)
    return rows


def _faces(
    description: Mapping[str, Any], binary: bytes, primitives: Sequence[Mapping[str, Any]], counts: Sequence[int]
) -> NDArray[np.uint32] | None:
    if "indices" not in primitives[0]:
        return None
    firsts = np.cumsum([0, *counts[:-1]])
    parts = [
        _values(description, binary, primitive["indices"]).reshape(-1, 3).astype(np.uint32) + np.uint32(first)
        for primitive, first in zip(primitives, firsts, strict=True)
    ]
    return np.concatenate(parts)


def _texture(description: Mapping[str, Any], binary: bytes) -> NDArray[np.uint8] | None:
    images = description.get("images")
    if not images:
        return None
    from PIL import Image

    view = description["bufferViews"][images[0]["bufferView"]]
    start = view.get("byteOffset", 0)
    with Image.open(io.BytesIO(binary[start : start + view["byteLength"]])) as image:
        return np.asarray(image.convert("RGB"))
