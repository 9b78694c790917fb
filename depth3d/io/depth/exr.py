"""Depth as OpenEXR: float32 channels."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import MissingExtraError, OutputError
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
from depth3d.io.geometry.block_writer import name_as_text
from depth3d.io.open_input import DECODER_DAMAGE

_NAMES = ("Z", "depth", "Y", "V")


def write_exr(depth: MetricDepth | InverseDepth, file: BinaryIO, *, notes: Mapping[str, str]) -> None:
    """Write float32 channels, NaN where unknown: Z (depth) and sigma if known, or Y (relative inverse depth).

    Z is OpenEXR's name for depth; Y, its name for grey, keeps anyone from taking the other for it.

    Raises:
        MissingExtraError: the package OpenEXR is not installed.
        OutputError: the file cannot be written.
    """
    try:
        import OpenEXR
    except ImportError:
        raise MissingExtraError("EXR files", "OpenEXR", "formats") from None
    header = {
        "compression": OpenEXR.ZIP_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        **own_notes({**notes, **meaning_of(depth)}),
    }
    channels = {"Z" if isinstance(depth, MetricDepth) else "Y": depth_values(depth)}
    if isinstance(depth, MetricDepth) and depth.sigma is not None:
        channels["sigma"] = depth.sigma
    try:  # the library opens files by name only, here the temporary one; a full disk is a RuntimeError to it
        stored = {name: OpenEXR.Channel(np.ascontiguousarray(values)) for name, values in channels.items()}
        OpenEXR.File(header, stored).write(name_as_text(file))
    except RuntimeError as error:
        reason = str(error).rsplit('". ', 1)[-1]
        raise OutputError(f"cannot write the EXR file: {reason}") from error


def read_exr(path: Path) -> StoredDepth:
    """The depth of an OpenEXR file, and what its header says where depth3d wrote it."""
    channels, header = _channels(path)
    stored = as_stored(_depth(channels))
    if SIGMA_NAME in channels and len(channels) > 1:
        stored = with_sigma(stored, channels[SIGMA_NAME])
    return with_meaning(stored, header, path)


def _channels(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    try:
        import OpenEXR
    except ImportError:
        raise MissingExtraError("EXR depth maps", "OpenEXR", "formats") from None
    with redirect_stdout(StringIO()):  # OpenEXR prints why it cannot go on, and raises something that does not say it
        try:
            header = OpenEXR.File(str(path), header_only=True).header()
            _check_window(header)
            stored = OpenEXR.File(str(path), separate_channels=True).channels()
        except DECODER_DAMAGE:
            raise UnusableError("the EXR file is damaged or cut off") from None
    return {name: np.asarray(channel.pixels) for name, channel in stored.items()}, header


def _depth(channels: dict[str, NDArray[Any]]) -> NDArray[Any]:
    if len(channels) == 1:
        return next(iter(channels.values()))
    for name in _NAMES:
        if name in channels:
            return channels[name]
    if {"R", "G", "B"} <= set(channels):
        red, others = channels["R"], (channels["G"], channels["B"])
        if all(np.array_equal(red, other, equal_nan=True) for other in others):
            return red
    raise UnusableError(
        f"it holds the channels {', '.join(sorted(channels))}; name the depth 'Z', or keep one channel only"
    )


def _check_window(header: dict[str, Any]) -> None:
    (left, top), (right, bottom) = np.asarray(header["dataWindow"], np.int64).tolist()
    check_pixels((right - left + 1) * (bottom - top + 1))
    if not np.array_equal(header["dataWindow"], header["displayWindow"]):
        raise UnusableError("its data window is not its display window; save the whole picture")
