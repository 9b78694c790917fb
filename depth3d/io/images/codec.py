"""Still images as bytes: the one place that calls OpenCV's encoders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import OutputError, UsageError
from depth3d.io.images.png import with_texts

DEFAULT_QUALITY = 90


def encode_jpeg(rgb: NDArray[np.uint8], *, quality: int = DEFAULT_QUALITY) -> bytes:
    """A (H, W, 3) uint8 sRGB image as JPEG of the given quality, 1 to 100."""
    import cv2

    return _encode(".jpg", _bgr(rgb), [cv2.IMWRITE_JPEG_QUALITY, _checked_quality(quality)])


def encode_webp(rgb: NDArray[np.uint8], *, quality: int = DEFAULT_QUALITY) -> bytes:
    """A (H, W, 3) uint8 sRGB image as lossy WebP of the given quality, 1 to 100."""
    import cv2

    return _encode(".webp", _bgr(rgb), [cv2.IMWRITE_WEBP_QUALITY, _checked_quality(quality)])


def encode_png(pixels: NDArray[np.uint8 | np.uint16], *, texts: Mapping[str, str]) -> bytes:
    """A (H, W, 3) uint8 sRGB or (H, W) uint16 image as PNG with texts inside, see `png.with_texts`."""
    return with_texts(_encode(".png", _bgr(pixels) if pixels.ndim == 3 else pixels, []), texts)


def _bgr(rgb: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(rgb[..., ::-1])


def _checked_quality(quality: int) -> int:
    if not 1 <= quality <= 100:
        raise UsageError(f"image quality must lie between 1 and 100, got {quality}")
    return int(quality)


def _encode(suffix: str, pixels: NDArray[Any], parameters: Sequence[int]) -> bytes:
    import cv2

    height, width = pixels.shape[:2]
    try:
        done, data = cv2.imencode(suffix, pixels, parameters)
    except cv2.error as error:
        raise OutputError(f"a picture of {width}x{height} pixels does not fit into {suffix}: {error.err}") from error
    if not done:
        raise OutputError(f"a picture of {width}x{height} pixels does not fit into {suffix}")
    return bytes(data)
