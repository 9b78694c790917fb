"""Every format with a small scene to write."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from depth3d.core.depth import InverseDepth
from depth3d.io.photos.photo import Photo
from depth3d.scenes.options import Options, OutputOptions
from depth3d.scenes.photo import reconstruct
from depth3d.scenes.scene import Scene

SAVES = (
    *(".ply", ".pcd", ".xyz", ".las", ".laz", ".e57", ".spz", ".glb", ".obj", ".usdz", ".html", ".stl"),
    *(".png", ".npy", ".npz", ".exr", ".tif", ".pfm", ".jpg", ".json"),
    *(".gif", ".webp", ".apng", ".avif", ".mp4", ".webm"),
)


@cache
def scene() -> Scene:
    """A ramp of 32x24 pixels, and moving pictures of two frames."""
    values = np.linspace(0.5, 1, 32 * 24, dtype=np.float32).reshape(24, 32)
    rgb = np.random.default_rng(0).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    ramp = InverseDepth(values, source="a ramp")
    return reconstruct(Photo(rgb, name="a.jpg"), options=Options.of(fov_x_deg=60), inverse_depth=ramp)


def save_action(suffix: str, *, force: bool) -> Callable[[Path], object]:
    """Writes the scene into a folder below the one that is given."""

    moving = suffix in (".gif", ".webp", ".apng", ".avif", ".mp4", ".webm")
    short = {"seconds": 0.2, "fps": 10, "width": 32, "amount_percent": 1} if moving else {}
    options = OutputOptions.of(provenance=False, **short)

    def action(folder: Path) -> object:
        return scene().save(folder / "deep" / f"out{suffix}", options=options, force=force)

    return action
