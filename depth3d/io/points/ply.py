"""Points of a PLY file: its vertices, with or without faces."""

from __future__ import annotations

import re
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.errors import HintError
from depth3d.io.open_input import DECODER_DAMAGE, open_regular_file, shown
from depth3d.io.points.pixel_depths import PixelDepths
from depth3d.io.points.project import seen_points, stated_axes

_LARGEST_HEADER_BYTES = 1_000_000


def ply_depths(path: Path, camera: Intrinsics, *, units_per_metre: float | None, axes: str | None) -> PixelDepths:
    """Read the vertices of a PLY file.

    Args:
        path: ASCII or binary PLY.
        camera: of the photo.
        units_per_metre: the file's units per metre; None means metres.
        axes: a name of `depth3d.io.geometry.axes.AXES`; None means what a file of ours says in its header, else opencv.

    Raises:
        HintError: the file is damaged, or says that its unit is arbitrary.
        UsageError: unknown axes.
    """
    with open_regular_file(path, HintError) as file:
        axes = stated_axes(_comments(file, path), path, axes=axes, units_per_metre=units_per_metre)
        xyz = _vertices(file, path)
    return seen_points([xyz], camera, units_per_metre=units_per_metre or 1.0, axes=axes, name=path.name)


def _comments(file: IO[bytes], path: Path) -> dict[str, str]:
    """What the lines `comment name: text` say."""
    head = file.read(_LARGEST_HEADER_BYTES)
    file.seek(0)
    end = re.search(rb"^end_header\s", head, re.MULTILINE)
    if end is None:
        raise HintError(f"{shown(path)}: the PLY header does not end; the file is damaged or cut off")
    lines = re.findall(r"^comment (\w+): ([^\r\n]*)", head[: end.start()].decode("ascii", "replace"), re.MULTILINE)
    return {name: text.strip() for name, text in lines}


def _vertices(file: IO[bytes], path: Path) -> NDArray[np.float64]:
    import trimesh

    try:
        with np.errstate(all="ignore"):
            loaded = trimesh.load(file, file_type="ply", process=False)
        xyz = np.asarray(getattr(loaded, "vertices", []), np.float64)
    except (NameError, *DECODER_DAMAGE) as problem:  # trimesh raises UnboundLocalError too
        reason = " ".join(str(problem).split())[:120] or type(problem).__name__
        raise HintError(f"{shown(path)}: cannot be read as PLY: {reason}") from None
    if xyz.ndim != 2 or xyz.shape[1] != 3:
        raise HintError(f"{shown(path)}: the PLY holds no vertices with x, y and z")
    return xyz
