"""One frame for every benchmark: a photo cut to 1920x1080, with depth at every pixel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import MetricDepth
from depth3d.io.photos.photo import read_photo

SIZE = (1920, 1080)
_FOV_X_DEG = 65.0


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A photo with depth.

    Attributes:
        rgb: (H, W, 3) uint8.
        depth: metres, known everywhere.
        camera: of the same size.
    """

    rgb: NDArray[np.uint8]
    depth: MetricDepth
    camera: Intrinsics


def frame_of(photo: Path, *, size: tuple[int, int] = SIZE) -> Frame:
    """The middle of a photo, resized to (width, height), in front of a wavy wall three metres away.

    Raises:
        PhotoError: the file is not a photo.
    """
    width, height = size
    rgb = read_photo(photo).rgb
    scale = max(width / rgb.shape[1], height / rgb.shape[0])
    near_size = (max(width, round(rgb.shape[1] * scale)), max(height, round(rgb.shape[0] * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    resized = np.asarray(cv2.resize(rgb, near_size, interpolation=way), np.uint8)
    left, top = (near_size[0] - width) // 2, (near_size[1] - height) // 2
    cut = np.ascontiguousarray(resized[top : top + height, left : left + width])
    u, v = np.meshgrid(np.linspace(0, 9, width), np.linspace(0, 7, height))
    metres = (3 + 0.4 * np.sin(u) * np.cos(v)).astype(np.float32)
    return Frame(cut, MetricDepth(metres, unit="m"), Intrinsics.from_fov(width, height, fov_x_deg=_FOV_X_DEG))
