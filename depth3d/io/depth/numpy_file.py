"""Depth as NumPy's arrays: NPY and NPZ."""

from __future__ import annotations

import json
import math
import tokenize
import warnings
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.io.depth.depth_image import depth_values
from depth3d.io.depth.stored_depth import (
    SIGMA_NAME,
    StoredDepth,
    UnusableError,
    as_stored,
    check_pixels,
    meaning_of,
    own_notes,
    with_meaning,
    with_sigma,
)
from depth3d.io.open_input import DECODER_DAMAGE

_ARCHIVE_NAMES = ("depth", "inverse_depth", "arr_0")
_NOTES_NAME = "notes"
_LONGEST_NOTES = 1_000_000


def write_npy(depth: MetricDepth | InverseDepth, file: BinaryIO, *, notes: Mapping[str, str]) -> None:
    """Write one (H, W) float32 array, NaN where unknown; notes and the unit have no place in it."""
    values = np.ascontiguousarray(depth_values(depth))
    # Not np.save: on a full disk it loses the reason.
    np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(values))
    file.write(values.data)


def write_npz(depth: MetricDepth | InverseDepth, file: BinaryIO, *, notes: Mapping[str, str]) -> None:
    """Write named arrays: depth and sigma if known, or inverse_depth; and notes, a JSON text with the unit."""
    if isinstance(depth, MetricDepth):
        arrays = {"depth": depth.z} | ({} if depth.sigma is None else {"sigma": depth.sigma})
    else:
        arrays = {"inverse_depth": depth.values}
    text = np.array(json.dumps({**notes, **meaning_of(depth)}, ensure_ascii=False))
    np.savez_compressed(file, allow_pickle=False, notes=text, **arrays)


def read_npy(stream: IO[bytes]) -> NDArray[Any]:
    """An array whose header is checked before anything is allocated, and which cannot be a pickle."""
    shape, by_columns, dtype = _read_npy_header(stream)
    if dtype.hasobject:
        raise UnusableError("it holds pickled objects, which can run code when read; save a plain array of numbers")
    if dtype.kind not in "fiu":
        raise UnusableError(f"it holds values of type {dtype}, expected numbers")
    count = math.prod(shape)
    check_pixels(count)
    content = stream.read(count * dtype.itemsize)
    if len(content) < count * dtype.itemsize:
        raise UnusableError(f"it is cut off: {len(content)} bytes instead of {count * dtype.itemsize}")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if by_columns else "C")


def _read_npy_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether by columns, and number type; https://numpy.org/doc/stable/reference/generated/numpy.lib.format."""
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about headers that old programs wrote
            shape, by_columns, dtype = readers[np.lib.format.read_magic(stream)](stream)
    except (tokenize.TokenError, *DECODER_DAMAGE):
        raise UnusableError("its NPY header is damaged, or of a version that is not for plain numbers") from None
    if any(side < 0 for side in shape):
        raise UnusableError(f"its NPY header states the shape {shape}")
    return shape, by_columns, dtype


def read_npz(stream: IO[bytes], path: Path) -> StoredDepth:
    """The depth of an archive of arrays, and what its notes say where depth3d wrote them."""
    with zipfile.ZipFile(stream) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
        chosen = names[0] if len(names) == 1 else next((name for name in _ARCHIVE_NAMES if name in names), None)
        if chosen is None:
            found = ", ".join(sorted(names))[:120] or "nothing"
            raise UnusableError(f"it holds {found}; name the depth 'depth', or keep one array only")
        with archive.open(f"{chosen}.npy") as member:
            stored = as_stored(read_npy(member))
        if SIGMA_NAME in names and chosen != SIGMA_NAME:
            with archive.open(f"{SIGMA_NAME}.npy") as member:
                stored = with_sigma(stored, read_npy(member))
        stored = with_meaning(stored, own_notes(_read_notes(archive)), path)
    return replace(stored, is_relative=True, unit=None) if chosen == "inverse_depth" else stored


def _read_notes(archive: zipfile.ZipFile) -> dict[str, Any]:
    """What `write_npz` said; nothing where another program wrote the file."""
    name = f"{_NOTES_NAME}.npy"
    if name not in archive.namelist() or archive.getinfo(name).file_size > _LONGEST_NOTES:
        return {}
    with archive.open(name) as member:
        shape, _, dtype = _read_npy_header(member)
        if shape != () or dtype.kind != "U":
            return {}
        text = np.frombuffer(member.read(dtype.itemsize), dtype)
    with suppress(ValueError):
        said = json.loads(str(text[0]))
        return said if isinstance(said, dict) else {}
    return {}
