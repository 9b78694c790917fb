"""Photos that bring their own depth: Apple's disparity in HEIC, Google's depth maps in JPEG."""

from __future__ import annotations

import warnings
from pathlib import Path

from depth3d.core.errors import Depth3DWarning, DepthMapError, PhotoError
from depth3d.io.open_input import HEIF_BRANDS, open_regular_file
from depth3d.io.photos.embedded_depth import EmbeddedDepth
from depth3d.io.photos.google_depth import depth_of_jpeg
from depth3d.io.photos.heic_depth import depth_of_heic

_HEAD_BYTES = 32


class EmbeddedDepthWarning(Depth3DWarning):
    """A photo holds depth that cannot be used; the photo itself is fine."""


def read_embedded_depth(path: str | Path) -> EmbeddedDepth | None:
    """The depth inside a HEIC or JPEG photo, or None where there is none.

    Args:
        path: the photo's file; its content decides, not its suffix.

    Returns:
        The depth of its own size, upright as `read_photo` turns the photo, or None.

    Raises:
        PhotoError: the file is missing, empty or cannot be read.

    Warns:
        EmbeddedDepthWarning: there is depth, but it is damaged or of an unknown kind; None is returned.
    """
    path = Path(path)
    with open_regular_file(path, PhotoError) as file:
        head = file.read(_HEAD_BYTES)
    try:
        if head[4:8] == b"ftyp" and head[8:12] in HEIF_BRANDS:
            return depth_of_heic(path)
        if head.startswith(b"\xff\xd8\xff"):
            return depth_of_jpeg(path)
    except DepthMapError as problem:
        warnings.warn(EmbeddedDepthWarning(f"{problem}; the photo's own depth is left out"), stacklevel=2)
    return None
