"""Photo to the picture a network sees, and the network's output back to the photo's size. Numpy and cv2, no torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depth3d.predictors.spec import NetworkSpec

_CUBIC_A = -0.75  # the cubic kernel's free parameter, as in OpenCV and torch


def prepare_picture(rgb: NDArray[np.uint8], spec: NetworkSpec) -> NDArray[np.float32]:
    """Resize and normalise a photo for a network.

    With ``spec.shrink`` "cubic" only the pixels that the cubic kernel touches are read, so that the size of the photo
    costs neither time nor memory.

    Args:
        rgb: (H, W, 3) photo, sRGB.
        spec: says what the network wants to see.

    Returns:
        (3, h, w) with the size that :func:`network_size` gives.
    """
    height, width = rgb.shape[:2]
    net_width, net_height = network_size(width, height, spec)
    if spec.shrink == "area" and net_width <= width and net_height <= height:
        import cv2

        small = cv2.resize(rgb, (net_width, net_height), interpolation=cv2.INTER_AREA)
        picture = np.asarray(small, np.float32)
    else:
        picture = _resize_cubic(rgb, net_width, net_height)
    mean, std = (np.asarray(channels, np.float32) * np.float32(255) for channels in (spec.mean, spec.std))
    return np.ascontiguousarray(((picture - mean) / std).transpose(2, 0, 1))


def network_size(width: int, height: int, spec: NetworkSpec) -> tuple[int, int]:
    """(width, height) of the picture the network sees, in pixels.

    The longer side becomes ``spec.net_size``, the aspect is kept, and both sides are rounded to the nearest multiple
    of ``spec.multiple_of`` that is neither zero nor above ``spec.net_size``.
    """
    scale = spec.net_size / max(width, height)
    step = spec.multiple_of

    def rounded(side: int) -> int:
        # round() takes halves to the even multiple, as the original does
        return min(max(round(side * scale / step), 1), spec.net_size // step) * step

    return rounded(width), rounded(height)


def to_photo_size(output: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """Bring a network's output to the photo's size by cubic interpolation, pixel centres at +0.5.

    Equals torch's ``interpolate(mode="bicubic", align_corners=False)``. The cubic kernel overshoots beside steps, so
    the result may lie a little outside the output's range.

    Args:
        output: (h, w) network output.
        width: of the photo, in pixels.
        height: of the photo, in pixels.

    Returns:
        (height, width).
    """
    import cv2

    return np.asarray(cv2.resize(output, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _resize_cubic(rgb: NDArray[np.uint8], width: int, height: int) -> NDArray[np.float32]:
    """Cubic interpolation without antialiasing: (H, W, 3) to (height, width, 3), values still in 0..255."""
    rows, row_weights = _cubic_taps(height, rgb.shape[0])
    cols, col_weights = _cubic_taps(width, rgb.shape[1])
    touched = rgb.take(rows.ravel(), axis=0).take(cols.ravel(), axis=1).reshape(height, 4, width * 12)
    # Sums of four long rows are several times faster than einsum.
    lines = sum(weights[:, None] * touched[:, tap] for tap, weights in enumerate(row_weights.T))
    taps = np.asarray(lines, np.float32).reshape(height, width, 4, 3)
    resized = sum(weights[:, None] * taps[:, :, tap] for tap, weights in enumerate(col_weights.T))
    return np.asarray(resized, np.float32)


def _cubic_taps(count: int, available: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """The four samples each of ``count`` outputs reads of ``available`` inputs: indices and weights, both (count, 4).

    Keys, "Cubic convolution interpolation for digital image processing", IEEE TASSP 29 (1981); the border is repeated.
    """
    # OpenCV keeps the position in single precision; the original's pictures show it in the fifth decimal.
    centres = ((np.arange(count) + 0.5) * (available / count) - 0.5).astype(np.float32)
    first = np.floor(centres).astype(np.intp) - 1
    distance = np.abs(centres[:, None] - (first[:, None] + np.arange(4)))
    near = ((_CUBIC_A + 2) * distance - (_CUBIC_A + 3)) * distance**2 + 1
    far = ((_CUBIC_A * distance - 5 * _CUBIC_A) * distance + 8 * _CUBIC_A) * distance - 4 * _CUBIC_A
    weights = np.where(distance <= 1, near, far).astype(np.float32)
    return np.clip(first[:, None] + np.arange(4), 0, available - 1), weights
