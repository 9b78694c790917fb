"""The depth map of each photo of a set, for those who train splats or radiance fields."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np

from depth3d.core.depth import MetricDepth
from depth3d.core.errors import OutputError
from depth3d.io.save import save
from depth3d.scenes.multiview.aligned_photos import Aligned

DepthLayout = Literal["3dgs", "nerfstudio"]

_NERFSTUDIO_UNITS = 1000.0


def save_depths(
    aligned: Aligned,
    folder: Path,
    *,
    layout: DepthLayout = "3dgs",
    force: bool = False,
    saved: Callable[[Path], None] | None = None,
) -> int:
    """Write each photo's depth map on the model's scale, for training splats or radiance fields.

    "3dgs": inverse depth in 16 bits and depth_params.json, see `depth3d.io.depth.depth_layouts`. "nerfstudio": depth in
    16 bits, 1000 units per unit of the model, as its `depth_file_path` expects. The unit is the model's own, whatever
    known lengths say. A map belongs to the photo with its lens's distortion undone, and is as large as photos were
    compared.

    Args:
        aligned: the photos.
        folder: where to; made if it is not there.
        layout: which program reads them.
        force: overwrite existing files.
        saved: told of each file.

    Returns:
        How many were written; a photo without any depth on which photos agree has none.

    Raises:
        OutputError: a file exists, or cannot be written.
        UsageError: a depth does not fit into nerfstudio's numbers.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror or error}") from None
    count = 0
    for number, photo in enumerate(aligned.photos):
        z = aligned.view(number).z
        if np.isnan(z).all():
            continue
        path = folder / f"{photo.path.stem}.png"
        depth = MetricDepth(z, source=f"aligned with {len(aligned.photos)} photos", unit="arbitrary")
        if layout == "3dgs":
            save(depth, path, layout="3dgs", force=force, notes={"unit": "the model's"})
        else:
            save(depth, path, units_per_metre=_NERFSTUDIO_UNITS, force=force, notes={"unit": "the model's"})
        count += 1
        if saved is not None:
            saved(path)
    return count
