"""Photos for two eyes in one file: the Multi-Picture Format (CIPA DC-007) of stereo cameras, .mpo or .jpg."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import PhotoError
from depth3d.io.open_input import open_picture

_ENTRIES = 0xB002
_DISPARITY = "Multi-Frame Image: (Disparity)"
"""The type of pictures taken side by side; panoramas, previews and brightness maps in such files have others."""


@dataclass(frozen=True, slots=True, eq=False)
class StereoPhoto:
    """What two lenses side by side took at once.

    Attributes:
        left: (H, W, 3) uint8 sRGB, the first picture of the file, which is also the photo.
        right: (H, W, 3) uint8 sRGB.
        name: the file's name.
    """

    left: NDArray[np.uint8]
    right: NDArray[np.uint8]
    name: str


def read_stereo_photo(path: Path) -> StereoPhoto | None:
    """Both pictures of a photo for two eyes, or None where a file is none.

    The first picture is taken for the left eye's, as the format numbers viewpoints from the left.

    Raises:
        PhotoError: the file cannot be read, or its pictures have different sizes or are damaged.
    """
    with open_picture(path, PhotoError) as image:
        kinds = [_kind(entry) for entry in (getattr(image, "mpinfo", None) or {}).get(_ENTRIES, ())]
        if len(kinds) < 2 or any(kind != _DISPARITY for kind in kinds[:2]):
            return None
        views = []
        for number in (0, 1):
            image.seek(number)
            views.append(np.asarray(image.convert("RGB")))
    left, right = views
    if left.shape != right.shape:
        sizes = " and ".join(f"{view.shape[1]}x{view.shape[0]}" for view in views)
        raise PhotoError(f"{path.name}: its two pictures are of {sizes}; both must have one size")
    return StereoPhoto(left, right, path.name)


def _kind(entry: dict[str, Any]) -> str:
    return str(entry.get("Attribute", {}).get("MPType", ""))
