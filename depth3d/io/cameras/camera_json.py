"""A camera as JSON: the file that `--camera` reads back as it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO

from depth3d.core.camera import Intrinsics


def camera_to_json(camera: Intrinsics, *, notes: Mapping[str, str] | None = None) -> str:
    """The camera as JSON text, every number exact; `depth3d.io.cameras.plain_file` reads it.

    Pixel centres lie at +0.5, and the text says so: OpenCV's, ROS's or Open3D's cx and cy are smaller by 0.5.

    Args:
        camera: any camera.
        notes: short texts to keep beside it.
    """
    lens = "ideal" if camera.is_ideal else "opencv_fisheye" if camera.fisheye else "opencv"
    entries = {
        "width": camera.width,
        "height": camera.height,
        "fx": camera.fx,
        "fy": camera.fy,
        "cx": camera.cx,
        "cy": camera.cy,
        "pixel_centre": 0.5,
        "lens": lens,
        "distortion": list(camera.distortion),
        "focal_sigma": camera.focal_sigma,
        "source": camera.source,
    }
    if notes:
        entries["notes"] = dict(notes)
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def write(camera: Intrinsics, file: IO[bytes], *, notes: Mapping[str, str]) -> None:
    """Write a camera as JSON."""
    file.write(camera_to_json(camera, notes=notes).encode("utf-8", "replace"))
