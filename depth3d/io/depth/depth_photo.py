"""A photo and its depth as two JPEG files, which Facebook and others make a 3D photo of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO

import numpy as np

from depth3d.core.images import DepthPhoto
from depth3d.io.atomic import Beside
from depth3d.io.images.codec import encode_jpeg

_QUALITY = 95


def write_pair(
    pair: DepthPhoto, file: BinaryIO, *, notes: Mapping[str, str], beside: Beside, quality: int = _QUALITY
) -> None:
    """Write room.jpg, the photo, and room_depth.jpg beside it: grey, the nearest white.

    Args:
        pair: photo and depth.
        file: where the photo goes.
        notes: not stored.
        beside: opens the second file.
        quality: JPEG quality of both, 1 to 100.
    """
    grey = np.repeat(pair.nearness[..., None], 3, axis=2)
    beside.open("_depth.jpg").write(encode_jpeg(grey, quality=quality))
    file.write(encode_jpeg(pair.rgb, quality=quality))
