"""Depth images as particular programs want them: the TUM RGB-D data set, and the training of Gaussian splats."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from depth3d.core.depth import MetricDepth
from depth3d.core.errors import Depth3DWarning, DepthMapError, OutputError
from depth3d.io.atomic import Beside, atomic_write
from depth3d.io.depth.depth_image import metric_levels
from depth3d.io.depth.stored_depth import own_notes
from depth3d.io.images.codec import encode_png
from depth3d.io.open_input import read_small_file, shown

PARAMETERS_NAME = "depth_params.json"

_LARGEST_BYTES = 500_000_000
_TUM_UNITS_PER_METRE = 5000
_MOST = 0xFFFF
_FULL = 0x10000


def write_tum(depth: MetricDepth, file: BinaryIO, *, notes: Mapping[str, str]) -> None:
    """Write a 16-bit PNG with 5000 units per metre, 0 = unknown (Sturm et al., TUM RGB-D benchmark: file formats).

    It reaches to 13.1 m; what is farther becomes unknown, with a warning.

    Args:
        depth: in metres.
        file: where the bytes go.
        notes: texts named depth3d:<name>.

    Raises:
        DepthMapError: everything is farther, or the unit is arbitrary.
    """
    if depth.unit != "m":
        raise DepthMapError("TUM depth is in metres, this one in an arbitrary unit; give a distance (--at, --near ...)")
    farthest_m = _MOST / _TUM_UNITS_PER_METRE
    far = depth.z > farthest_m
    if far.any():
        share = float(far.sum() / np.isfinite(depth.z).sum())
        if share == 1:
            raise DepthMapError(f"TUM depth reaches to {farthest_m:.4g} m, and everything is farther")
        warnings.warn(
            Depth3DWarning(f"TUM depth reaches to {farthest_m:.4g} m; {share:.1%} is farther and became unknown"),
            stacklevel=2,
        )
        depth = replace(depth, z=np.where(far, np.float32(np.nan), depth.z))
    levels, texts = metric_levels(depth, _TUM_UNITS_PER_METRE)
    file.write(encode_png(levels, texts=own_notes({**notes, **texts})))


def write_3dgs(depth: MetricDepth, file: BinaryIO, *, notes: Mapping[str, str], beside: Beside) -> None:
    """Write inverse depth as a 16-bit PNG, and its scale into depth_params.json beside it.

    For the depth regularisation of Kerbl et al.'s training (gaussian-splatting, README: Depth regularization), which
    reads 1/z = value / 65536 * scale + offset. Here the offset is 0, so that 0, which stands for unknown, is infinitely
    far. The PNG must be called as its photo, and the JSON file, one for all photos of a folder, belongs into sparse/0;
    the unit must be that of the COLMAP model.

    Args:
        depth: along the axis.
        file: where the bytes go.
        notes: texts named depth3d:<name>.
        beside: opens the JSON file.

    Raises:
        OutputError: there is a depth_params.json of another kind.
    """
    inverse = np.float32(1) / depth.z
    scale = float(np.nanmax(inverse)) * _FULL / _MOST
    levels = np.nan_to_num(np.rint(inverse * np.float32(_FULL / scale)), nan=0).clip(0, _MOST).astype(np.uint16)
    texts = {
        **notes,
        "unit": depth.unit,
        "kind": "inverse depth, 1/z = value / 65536 * scale",
        "scale": f"{scale:.9g}",
        "unknown": "0",
    }
    file.write(encode_png(levels, texts=own_notes(texts)))
    file.flush()  # a full disk is noticed before the other file changes
    with beside.shared(PARAMETERS_NAME) as path:
        entries = {**_read_parameters(path), beside.path.stem: {"scale": scale, "offset": 0.0}}
        with atomic_write(path, force=True) as parameters:
            parameters.write(json.dumps(entries, indent=2, sort_keys=True).encode() + b"\n")


def _read_parameters(path: Path) -> dict[str, object]:
    """The entries that are there already, those of other photos."""
    if not path.exists():
        return {}
    try:
        entries = json.loads(read_small_file(path, OutputError, most_bytes=_LARGEST_BYTES, what="depth parameters"))
    except (ValueError, RecursionError):
        entries = None
    if not isinstance(entries, dict):
        raise OutputError(f"{shown(path)} exists and holds something other than depth parameters; move it away")
    return entries
