"""Both eyes' pictures in one, for glasses with two coloured filters."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.color import to_light, to_srgb
from depth3d.core.options import AnaglyphColors, StereoOptions
from depth3d.render.stereo.stereo_rig import StereoPair

DEFAULT_COLORS = StereoOptions().anaglyph
_LUMA = (0.2126, 0.7152, 0.0722)
_NONE = (0.0, 0.0, 0.0)

# E. Dubois, A projection method to generate anaglyph stereo images, ICASSP 2001, and the matrices that he published
# for other filters later: least squares in linear light. Rows of both sum to 1, so that white stays white.
_MATRICES: dict[AnaglyphColors, tuple[tuple[tuple[float, ...], ...], tuple[tuple[float, ...], ...]]] = {
    "red-cyan": (
        ((0.4561, 0.500484, 0.176381), (-0.0400822, -0.0378246, -0.0157589), (-0.0152161, -0.0205971, -0.00546856)),
        ((-0.0434706, -0.0879388, -0.00155529), (0.378476, 0.73364, -0.0184503), (-0.0721527, -0.112961, 1.2264)),
    ),
    "green-magenta": (
        ((-0.062, -0.158, -0.039), (0.284, 0.668, 0.143), (-0.015, -0.027, 0.021)),
        ((0.529, 0.705, 0.024), (-0.016, -0.015, -0.065), (0.009, 0.075, 0.937)),
    ),
    "amber-blue": (
        ((1.062, -0.205, 0.299), (-0.026, 0.908, 0.068), (-0.038, -0.173, 0.022)),
        ((-0.016, -0.123, -0.017), (0.006, 0.062, -0.017), (0.094, 0.185, 0.911)),
    ),
    "color": (((1, 0, 0), _NONE, _NONE), (_NONE, (0, 1, 0), (0, 0, 1))),
    "half-color": ((_LUMA, _NONE, _NONE), (_NONE, (0, 1, 0), (0, 0, 1))),
    "grey": ((_LUMA, _NONE, _NONE), (_NONE, _LUMA, _LUMA)),
}


def to_anaglyph(pair: StereoPair, colors: AnaglyphColors = DEFAULT_COLORS) -> NDArray[np.uint8]:
    """(H, W, 3) the pair for glasses whose left filter is red, green or amber.

    Args:
        pair: both eyes' pictures.
        colors: "red-cyan", "green-magenta" and "amber-blue" come nearest to the pair by least squares (Dubois);
            "color", "half-color" and "grey" are for red and cyan filters too and give the left eye red alone: all
            colours, those of the left eye grey, or all grey.
    """
    left, right = (to_light(eye, highlights=1) for eye in (pair.left, pair.right))
    from_left, from_right = (np.array(matrix, np.float64) for matrix in _MATRICES[colors])
    light = cv2.transform(left, from_left) + cv2.transform(right, from_right)
    return to_srgb(np.asarray(light, np.float32), highlights=1)
