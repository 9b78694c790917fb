"""Both eyes' pictures in one, for glasses with a red and a cyan filter."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.color import to_light, to_srgb
from depth3d.render.stereo.eyes import StereoPair

_FROM_LEFT = np.array(
    [[0.4561, 0.500484, 0.176381], [-0.0400822, -0.0378246, -0.0157589], [-0.0152161, -0.0205971, -0.00546856]]
)
_FROM_RIGHT = np.array(
    [[-0.0434706, -0.0879388, -0.00155529], [0.378476, 0.73364, -0.0184503], [-0.0721527, -0.112961, 1.2264]]
)


def to_anaglyph(pair: StereoPair) -> NDArray[np.uint8]:
    """(H, W, 3) the picture that, seen through both filters, comes nearest to the pair by least squares.

    The matrices are those of E. Dubois, A projection method to generate anaglyph stereo images, ICASSP 2001, for red
    and cyan filters; they mix light, not the numbers of sRGB.
    """
    left, right = (to_light(eye, highlights=1) for eye in (pair.left, pair.right))
    light = cv2.transform(left, _FROM_LEFT) + cv2.transform(right, _FROM_RIGHT)
    return to_srgb(np.asarray(light, np.float32), highlights=1)
