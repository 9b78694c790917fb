"""LAS 1.2 and its compressed form LAZ (ASPRS, LAS Specification 1.2): the format of surveyors."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import Depth3DError, GeometryError, MissingExtraError, OutputError
from depth3d.geometry.lazy_point_cloud import Cloud
from depth3d.io.geometry.axes import axes_in_words, turned_part
from depth3d.io.geometry.block_writer import ROWS, raise_if_full
from depth3d.io.notes import GENERATOR, geometry_notes
from depth3d.io.open_input import DECODER_DAMAGE, open_regular_file, shown

_POSITION_AND_COLOUR, _POSITION_ONLY = 2, 0
_STEPS = (1e-4, 1e-3, 1e-2)
_MOST = 2**31 - 1
_COLOUR_STEP = 257  # 255 becomes 65535: the specification wants colours over all 16 bits
_TEXT_RECORD = ("LASF_Spec", 3)
_TEXT_BYTES = 0xFFFF
_DATE_OFFSET = 90
_HEADER_BYTES = 375
_RECORD_BYTES = 54  # of the shortest variable-length record
_COMPRESSED = 0xC0
_POINTS_AT_ONCE = 1_000_000
_MOST_POINTS = 200_000_000
"""As many as the largest photo has pixels."""


def write_cloud(cloud: Cloud, file: BinaryIO, *, axes: str, notes: Mapping[str, str]) -> None:
    """Write a point cloud as LAS: whole multiples of 0.0001, colours of 16 bits.

    Clouds wider than 200,000 take steps of 0.001. There is no coordinate reference system, and no normals. Axes, unit
    and notes are a text record of JSON.

    Args:
        cloud: points in camera axes.
        file: where the bytes go.
        axes: axes of the file, see `axes.turned`; programs that read LAS expect "z-up".
        notes: kept in a variable length record.

    Raises:
        MissingExtraError: the package laspy is not installed.
        OutputError: the points lie too far away for 32 bits, or the file cannot be written.
    """
    _write(cloud, file, axes, notes, compressed=False)


def write_compressed(cloud: Cloud, file: BinaryIO, *, axes: str, notes: Mapping[str, str]) -> None:
    """Write a point cloud as LAZ: what `write_cloud` writes, at about a third of the size.

    Raises:
        MissingExtraError: the package laspy or its compressor lazrs is not installed.
        OutputError: see `write_cloud`.
    """
    _write(cloud, file, axes, notes, compressed=True)


def _write(cloud: Cloud, file: BinaryIO, axes: str, notes: Mapping[str, str], *, compressed: bool) -> None:
    try:
        import laspy

        if compressed:
            import lazrs  # noqa: F401
    except ImportError as error:
        what = "LAZ files" if compressed else "LAS files"
        raise MissingExtraError(what, str(error.name or "laspy"), "formats") from None
    step = _step(cloud)
    try:
        header = _header(laspy, cloud, step, geometry_notes(notes, axes=axes_in_words(axes), unit=cloud.unit))
        with laspy.LasWriter(file, header, do_compress=compressed, closefd=False) as writer:
            for span in cloud.spans(ROWS):
                writer.write_points(_points(laspy, header, cloud, span, axes))
        file.seek(_DATE_OFFSET)  # laspy writes today's date; the same photo shall give the same bytes
        file.write(bytes(4))
    except laspy.LaspyException as error:
        raise OutputError(f"cannot write the LAS file: {error}") from error
    except RuntimeError as error:  # of lazrs, when the disk is full; the system knows better words
        raise_if_full(file)
        raise OutputError(f"cannot write the LAZ file: {error}") from error


def _header(laspy: Any, cloud: Cloud, step: float, said: Mapping[str, str]) -> Any:
    header = laspy.LasHeader(version="1.2", point_format=_POSITION_AND_COLOUR if cloud.has_rgb else _POSITION_ONLY)
    header.generating_software, header.system_identifier = GENERATOR, "OTHER"
    header.scales, header.offsets = np.full(3, step), np.zeros(3)
    user, record = _TEXT_RECORD
    header.vlrs.append(laspy.VLR(user, record, "notes of depth3d, JSON", _as_text(said)))
    return header


def _points(laspy: Any, header: Any, cloud: Cloud, span: slice, axes: str) -> Any:
    part = turned_part(cloud, span, axes)
    points = laspy.ScaleAwarePointRecord.zeros(len(part.xyz), header=header)
    xyz = np.rint(part.xyz.astype(np.float64) / header.scales).astype(np.int32)
    points["X"], points["Y"], points["Z"] = xyz.T
    if part.rgb is not None:
        points["red"], points["green"], points["blue"] = part.rgb.T.astype(np.uint16) * np.uint16(_COLOUR_STEP)
    return points


def _step(cloud: Cloud) -> float:
    """The finest step in which every coordinate fits into 32 bits."""
    farthest = max(_farthest(cloud.part(span).xyz) for span in cloud.spans(ROWS))
    for step in _STEPS:
        if farthest / step < _MOST:
            return step
    raise OutputError(f"a LAS file reaches to {_MOST * _STEPS[-1]:.4g}, the cloud to {farthest:.4g}; cut it first")


def _farthest(xyz: NDArray[np.float32]) -> float:
    return max(float(xyz.max()), -float(xyz.min())) if xyz.size else 0.0


def _as_text(said: Mapping[str, str]) -> bytes:
    """JSON; texts that would not fit into a record are left out."""
    kept = dict(said)
    while len(text := json.dumps(kept).encode("ascii") + b"\0") > _TEXT_BYTES:
        kept.popitem()
    return text


def read_notes(path: Path) -> dict[str, str]:
    """What `write_cloud` says about a file, in a text record of JSON; nothing where another program wrote it."""
    laspy = _laspy()
    try:
        with laspy.open(path) as reader:
            records = [record for record in reader.header.vlrs if record.record_id == _TEXT_RECORD[1]]
            said = json.loads(records[0].record_data_bytes().rstrip(b"\0")) if records else {}
    except (laspy.errors.LaspyException, *DECODER_DAMAGE):
        return {}  # somebody else's record; a damaged file is found when its points are read
    return {str(name): str(text) for name, text in said.items()} if isinstance(said, dict) else {}


def read_points(path: Path) -> tuple[NDArray[np.float64], NDArray[np.uint8] | None]:
    """Positions (N, 3) in the file's axes, and colours (N, 3) where there are some.

    Raises:
        MissingExtraError: the package laspy is not installed.
        GeometryError: points are missing or damaged, or there are too many; what else is wrong raises an error of the
            library.
    """
    with open_regular_file(path, GeometryError) as file:
        check_counts(file, path, GeometryError)
    parts = list(_parts(path))
    xyz = np.concatenate([np.zeros((0, 3)), *(part for part, _ in parts)])
    levels = [part for _, part in parts if part is not None]
    if not levels:
        return xyz, None
    step = _COLOUR_STEP if max(part.max(initial=0) for part in levels) > 0xFF else 1  # some write 8 bits into the 16
    return xyz, np.concatenate([(part // step).astype(np.uint8) for part in levels])


def _parts(path: Path) -> Iterator[tuple[NDArray[np.float64], NDArray[np.uint16] | None]]:
    """Positions and colours, a million points at a time, so that memory follows what is there and not what is said."""
    laspy = _laspy()
    read = 0
    try:
        with laspy.open(path, laz_backend=laspy.LazBackend.Lazrs) as reader:
            stated, has_rgb = reader.header.point_count, "red" in reader.header.point_format.dimension_names
            if stated > _MOST_POINTS:
                raise GeometryError(f"holds {stated:,} points, more than {_MOST_POINTS:,}; thin it first")
            for part in reader.chunk_iterator(_POINTS_AT_ONCE):
                read += len(part)
                rgb = np.stack([part["red"], part["green"], part["blue"]], axis=1) if has_rgb else None
                yield np.stack([part.x, part.y, part.z], axis=1).astype(np.float64), rgb
    except BaseException as problem:
        if type(problem).__name__ != "PanicException":  # of lazrs, which is written in Rust and has no better class
            raise
        raise GeometryError("its compressed points are damaged") from None
    if read < stated:
        raise GeometryError(f"cut off: {read:,} of {stated:,} points are there")


def _laspy() -> Any:
    try:
        import laspy
    except ImportError:
        raise MissingExtraError("LAS and LAZ files", "laspy[lazrs]", "formats") from None
    return laspy


def check_counts(file: IO[bytes], path: Path, error: type[Depth3DError]) -> None:
    """Refuse counts that the file cannot hold; readers believe them, for hours or with all memory."""
    head = file.read(_HEADER_BYTES).ljust(_HEADER_BYTES, b"\0")
    header_bytes, data_at, records, form, point_bytes, points = struct.unpack_from("<HIIBHI", head, 94)
    extended = 0
    if head[25] >= 4:  # the minor version
        extended, points = struct.unpack_from("<IQ", head, 243)
    size = os.fstat(file.fileno()).st_size
    if form & _COMPRESSED:
        points = _chunk_count(file, data_at, size)  # each chunk begins with one point as it is
    needed = max(data_at + points * point_bytes, extended * _RECORD_BYTES)
    if header_bytes + records * _RECORD_BYTES > data_at or needed > size:
        raise error(f"{shown(path)}: damaged or cut off: its header asks for {needed:,} bytes, {size:,} are there")


def _chunk_count(file: IO[bytes], data_at: int, size: int) -> int:
    """How many chunks a LAZ file says it has (Isenburg, LASzip, PE&RS 2013): a table whose place stands at the data."""
    table_at = _number(file, data_at, "<q", size)
    if table_at == -1:  # written to something that could not be sought in
        table_at = _number(file, size - 8, "<q", size)
    return _number(file, table_at + 4, "<I", size)


def _number(file: IO[bytes], at: int, layout: str, size: int) -> int:
    """A whole number at a place in the file of `size` bytes; larger than any file where that place does not exist."""
    if not 0 <= at <= size - struct.calcsize(layout):
        return 2**62
    file.seek(at)
    return int(struct.unpack(layout, file.read(struct.calcsize(layout)))[0])
