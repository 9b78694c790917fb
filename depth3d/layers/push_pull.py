"""Values known in some places, spread smoothly over all others."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_SMALLEST = 2


def push_pull(values: NDArray[np.float32], weight: NDArray[np.float32], *, gain: float = 4.0) -> NDArray[np.float32]:
    """Fill by an image pyramid: near known values by these, farther away by averages of ever wider surroundings.

    Pull and push of Gortler et al., "The Lumigraph", SIGGRAPH 1996. Its cost is that of a few blurs, however wide the
    gaps are.

    Args:
        values: (H, W, C) known values; finite everywhere.
        weight: (H, W) from 0 (unknown) to 1 (kept as it is).
        gain: what a pixel of the next coarser image makes of its weight: at 4 it is known once a quarter of it is, at 2
            lines of known pixels keep their weight, and what is far away has more say.

    Returns:
        (H, W, C) float32; zeros if nothing has a weight.
    """
    height, width = weight.shape
    if min(height, width) <= _SMALLEST:
        total = float(weight.sum())
        mean = (values * weight[..., None]).sum(axis=(0, 1)) / (total if total > 0 else 1)
        return np.broadcast_to(mean, values.shape).astype(np.float32)
    pulled = _channels(cv2.pyrDown(values * weight[..., None]))
    pulled_weight = np.asarray(cv2.pyrDown(weight), np.float32)
    pulled /= np.maximum(pulled_weight, np.float32(1e-6))[..., None]
    coarse = push_pull(pulled, np.minimum(pulled_weight * np.float32(gain), 1), gain=gain)
    pushed = _channels(cv2.pyrUp(coarse, dstsize=(width, height)))
    return pushed + (values - pushed) * weight[..., None]


def _channels(image: NDArray[np.float32] | cv2.typing.MatLike) -> NDArray[np.float32]:
    array = np.asarray(image, np.float32)
    return array[..., None] if array.ndim == 2 else array
