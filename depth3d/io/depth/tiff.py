"""Depth as TIFF 6.0 (Adobe, 1992), of one channel: float32, or whole numbers of 16 bits."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import UsageError
from depth3d.core.options import FileOptions, TiffBits
from depth3d.io.depth.depth_image import depth_values, inverse_levels, metric_levels
from depth3d.io.depth.stored_depth import meaning_of, own_notes

_DEFAULTS = FileOptions()

_DESCRIPTION = 270


def write_depth(
    depth: MetricDepth | InverseDepth,
    file: BinaryIO,
    *,
    notes: Mapping[str, str],
    bits: TiffBits = _DEFAULTS.tiff_bits,
) -> None:
    """Write one channel, compressed without loss; the notes and the meaning of the numbers are its description, JSON.

    Args:
        depth: along the axis, or relative inverse depth.
        file: where the bytes go.
        notes: short texts.
        bits: 32 for float32 with NaN where unknown; 16 for the same whole numbers as in a 16-bit PNG, 0 = unknown.

    Raises:
        UsageError: `bits` is neither, or the depth does not fit into 16 bits.
    """
    if bits == 16:
        levels, texts = metric_levels(depth, None) if isinstance(depth, MetricDepth) else inverse_levels(depth)
        file.write(_encoded(levels, {**notes, **texts}))
    elif bits == 32:
        file.write(_encoded(depth_values(depth), {**notes, **meaning_of(depth), "unknown": "NaN"}))
    else:
        raise UsageError(f"a depth TIFF has 16 or 32 bits, not {bits}")


def _encoded(values: NDArray[np.float32] | NDArray[np.uint16], texts: Mapping[str, str]) -> bytes:
    from PIL import Image

    description = json.dumps(own_notes(texts))
    room = io.BytesIO()  # libtiff writes to real files behind Python's back, and would lose the reason of a full disk
    Image.fromarray(values).save(room, "TIFF", compression="tiff_adobe_deflate", tiffinfo={_DESCRIPTION: description})
    return room.getvalue()
