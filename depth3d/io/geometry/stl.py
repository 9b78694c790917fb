"""Binary STL, as every slicer reads it: millimetres, z up (3D Systems, StereoLithography Interface Specification)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from depth3d.geometry.plate import Plate
from depth3d.io.geometry.block_writer import row_bytes, write_rows
from depth3d.io.notes import GENERATOR, as_ascii

_HEADER_BYTES = 80
_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "V36"), ("attribute", "<u2")])


def write_plate(plate: Plate, file: BinaryIO, *, notes: Mapping[str, str]) -> None:
    """Write a solid as it stands on the bed.

    Args:
        plate: a closed body in millimetres.
        file: where the bytes go.
        notes: the header has room for the photo's name.
    """
    # A header that began with "solid" would be taken for the text form.
    header = as_ascii(f"{GENERATOR}: plate in mm, z up; {notes.get('photo', '')}").encode("ascii")
    file.write(header[:_HEADER_BYTES].ljust(_HEADER_BYTES))
    file.write(len(plate.faces).to_bytes(4, "little"))

    def pack(rows: slice) -> NDArray[Any]:
        corners = plate.xyz_mm[plate.faces[rows]]
        across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        length = np.linalg.norm(across, axis=1, keepdims=True)
        block = np.zeros(len(corners), _TRIANGLE)
        block["normal"] = across / np.maximum(length, np.finfo(np.float32).tiny)
        block["corners"] = row_bytes(corners.reshape(-1, 9), "<f4")
        return block

    write_rows(file, len(plate.faces), pack)
