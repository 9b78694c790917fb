"""The container of binary glTF 2.0: a JSON text and one binary chunk (Khronos, glTF 2.0 specification, section 4)."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from numpy.typing import NDArray

from depth3d.core.errors import OutputError
from depth3d.io.geometry.block_writer import write_rows
from depth3d.io.notes import GENERATOR

ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
_COMPONENT = {"i1": 5120, "u1": 5121, "<u2": 5123, "<u4": 5125, "<f4": 5126}
_LIMIT = 2**32 - 1


class GltfDocument:
    """A file under construction: descriptions at once, bytes only when the file is written.

    Args:
        notes: texts for asset.extras.
    """

    def __init__(self, notes: Mapping[str, str]) -> None:
        self.json: dict[str, Any] = {"asset": {"version": "2.0", "generator": GENERATOR, "extras": dict(notes)}}
        self._pieces: list[tuple[int, Callable[[BinaryIO], object]]] = []
        self._length = 0

    def add(self, collection: str, item: Mapping[str, Any]) -> int:
        """Append an object to a top-level array, such as "materials", and return its index."""
        items: list[Mapping[str, Any]] = self.json.setdefault(collection, [])
        items.append(item)
        return len(items) - 1

    def use(self, extension: str) -> None:
        """Declare an extension that readers may ignore."""
        used: list[str] = self.json.setdefault("extensionsUsed", [])
        if extension not in used:
            used.append(extension)

    def require(self, extension: str) -> None:
        """Declare an extension that readers must support."""
        self.use(extension)
        self.json.setdefault("extensionsRequired", []).append(extension)

    def add_bytes(self, data: bytes) -> int:
        """A buffer view of finished bytes, such as an image."""
        return self._add_view(len(data), lambda file: file.write(data), {})

    def add_rows(self, count: int, row_bytes: int, pack: Callable[[slice], NDArray[Any]], *, target: int) -> int:
        """A buffer view of `count` rows of `row_bytes` bytes, which `pack` makes for each slice while writing."""
        more = {"target": target}
        if target == ARRAY_BUFFER:
            more["byteStride"] = row_bytes  # demanded where several accessors share a view
        return self._add_view(count * row_bytes, lambda file: write_rows(file, count, pack), more)

    def add_accessor(
        self,
        view: int,
        dtype: str,
        kind: str,
        count: int,
        *,
        offset: int = 0,
        limits: NDArray[Any] | None = None,
        is_normalised: bool = False,
    ) -> int:
        """Say what a buffer view holds.

        Args:
            view: index of the buffer view.
            dtype: "i1", "u1", "<u2", "<u4" or "<f4".
            kind: "SCALAR", "VEC2", "VEC3"...
            count: number of elements.
            offset: first byte in the view.
            limits: (2, K) least and greatest value of each component, which positions must state.
            is_normalised: whether whole numbers stand for shares of the greatest one.
        """
        accessor: dict[str, Any] = {
            "bufferView": view,
            "componentType": _COMPONENT[dtype],
            "count": count,
            "type": kind,
        }
        if offset:
            accessor["byteOffset"] = offset
        if is_normalised:
            accessor["normalized"] = True
        if limits is not None:
            accessor["min"], accessor["max"] = limits.tolist()
        return self.add("accessors", accessor)

    def write(self, file: BinaryIO) -> None:
        """Write header, JSON and binary chunk.

        Raises:
            OutputError: more than the 4 GiB that a GLB file can hold.
        """
        self.json["buffers"] = [{"byteLength": self._length}]
        text = json.dumps(self.json, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8")
        text += b" " * (-len(text) % 4)
        total = 12 + 8 + len(text) + 8 + self._length
        if total > _LIMIT:
            raise OutputError(f"{total / 2**30:.1f} GiB do not fit into a GLB file, which holds 4; use fewer points")
        file.write(struct.pack("<4sIIII", b"glTF", 2, total, len(text), 0x4E4F534A) + text)
        file.write(struct.pack("<II", self._length, 0x004E4942))
        for length, write in self._pieces:
            write(file)
            file.write(b"\0" * (-length % 4))

    def _add_view(self, length: int, write: Callable[[BinaryIO], object], more: Mapping[str, int]) -> int:
        view = {"buffer": 0, "byteOffset": self._length, "byteLength": length, **more}
        self._pieces.append((length, write))
        self._length += length + -length % 4  # every view starts at a multiple of four
        return self.add("bufferViews", view)
