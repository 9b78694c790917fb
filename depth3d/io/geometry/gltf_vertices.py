"""The arrays that each vertex of a glTF file has a row in, whole or rounded (KHR_mesh_quantization)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.io.geometry.axes import turned
from depth3d.io.geometry.gltf import ARRAY_BUFFER, GltfDocument
from depth3d.io.geometry.vertex_colors import linear_from_srgb

Pack = Callable[[slice], NDArray[Any]]

_MOST = 0xFFFF
_BOUNDS_ROW = 256


@dataclass(frozen=True, slots=True)
class _Attribute:
    view: int
    dtype: str
    width: int
    stride: int
    is_normalised: bool


class Vertices:
    """Vertices under construction: each attribute is stored once and named again by each tile.

    Args:
        document: the file.
        xyz: (N, 3) positions in camera axes.
        axes: axes of the file.
        compact: round: positions to 1/65535 of the longest side of the box around them, texture coordinates and
            colours to 16 bits, normals to 8.
    """

    def __init__(self, document: GltfDocument, xyz: NDArray[np.float32], axes: str, *, compact: bool = False) -> None:
        self._document, self._xyz, self._axes, self._compact = document, xyz, axes, compact
        self._attributes: dict[str, _Attribute] = {}
        least, greatest = _bounds(xyz, axes)
        self._origin = least
        self._step = np.float32(max(float((greatest - least).max()) / _MOST, float(np.finfo(np.float32).tiny)))
        if compact:
            document.require("KHR_mesh_quantization")
            self._add("POSITION", "<u2", 3, lambda rows: self._on_lattice(turned(xyz[rows], axes)))
        else:
            self._add("POSITION", "<f4", 3, lambda rows: turned(xyz[rows], axes))

    @property
    def node(self) -> dict[str, list[float]]:
        """What the node of the mesh must say, so that positions are metres."""
        if not self._compact:
            return {}
        return {"translation": self._origin.tolist(), "scale": [float(self._step)] * 3}

    def add_normals(self, normals: NDArray[np.float32]) -> None:
        """Unit normals in camera axes."""
        if self._compact:
            pack = lambda rows: np.rint(turned(normals[rows], self._axes) * np.float32(127))  # noqa: E731
            self._add("NORMAL", "i1", 3, pack, is_normalised=True)
        else:
            self._add("NORMAL", "<f4", 3, lambda rows: turned(normals[rows], self._axes))

    def add_uv(self, uv: NDArray[np.float32], *, bits: int = 32) -> None:
        """Texture coordinates, from 0 to 1, of 16 or 32 bits; 16 in compact files."""
        if self._compact or bits == 16:
            pack = lambda rows: np.clip(uv[rows], 0, 1) * np.float32(_MOST) + np.float32(0.5)  # noqa: E731
            self._add("TEXCOORD_0", "<u2", 2, pack, is_normalised=True)
        else:
            self._add("TEXCOORD_0", "<f4", 2, lambda rows: uv[rows])

    def add_colours(self, rgb: NDArray[np.uint8]) -> None:
        """Colours in linear light, as glTF has them; photos are sRGB.

        Eight bits would lose the dark tones. Of the two finer types, float is the one that every reader takes right:
        trimesh 5.2 reads normalised 16-bit colours by their low byte. So only compact files have the other.
        """
        linear = linear_from_srgb()
        if self._compact:
            levels = np.rint(linear * _MOST).astype("<u2")
            self._add("COLOR_0", "<u2", 3, lambda rows: levels[rgb[rows]], is_normalised=True)
        else:
            floats = linear.astype("<f4")
            self._add("COLOR_0", "<f4", 3, lambda rows: floats[rgb[rows]])

    def of(self, first: int, count: int) -> dict[str, int]:
        """Accessors of `count` vertices from `first` on."""
        return {name: self._accessor(name, attribute, first, count) for name, attribute in self._attributes.items()}

    def _accessor(self, name: str, attribute: _Attribute, first: int, count: int) -> int:
        limits: NDArray[Any] | None = None
        if name == "POSITION":
            limits = _bounds(self._xyz[first : first + count], self._axes)
            if self._compact:
                limits = self._on_lattice(limits)
        return self._document.add_accessor(
            attribute.view,
            attribute.dtype,
            f"VEC{attribute.width}",
            count,
            offset=first * attribute.stride,
            limits=limits,
            is_normalised=attribute.is_normalised,
        )

    def _on_lattice(self, xyz: NDArray[np.float32]) -> NDArray[np.uint16]:
        steps = np.rint((xyz - self._origin) / self._step)
        return np.asarray(np.clip(steps, 0, _MOST), "<u2")

    def _add(self, name: str, dtype: str, width: int, pack: Pack, *, is_normalised: bool = False) -> None:
        """Rows are filled up to a multiple of four bytes."""
        size = np.dtype(dtype).itemsize
        stride = width * size + -(width * size) % 4

        def filled(rows: slice) -> NDArray[Any]:
            values = np.ascontiguousarray(pack(rows), dtype)
            if stride == width * size:
                return values
            block = np.zeros((len(values), stride // size), dtype)
            block[:, :width] = values
            return block

        view = self._document.add_rows(len(self._xyz), stride, filled, target=ARRAY_BUFFER)
        self._attributes[name] = _Attribute(view, dtype, width, stride, is_normalised)


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
