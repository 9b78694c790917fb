"""How far a triangle shifts the texture it carries.

The photo belongs on a triangle perspectively: the point at the middle of a slanted edge shows the photo nearer to the
edge's far end. Viewers interpolate texture coordinates affinely in space instead (glTF 2.0 has no fourth texture
coordinate), which puts at the pixel p = sum l_i p_i of the original view the photo's pixel
p' = sum l_i q_i p_i / sum l_i q_i, where l_i are p's barycentric coordinates and q_i is 1/z at the corners.

The shift is p' - p = Cov(q, p) / E(q) under the weights l_i. Along any direction the corners span at most the longest
edge D, so |p' - p| <= D * E(q - E q)+ / E q. Among all weights with the mean m of values between q_min and q_max, the
two-point distribution has the greatest E(q - m)+ = (q_max - m)(m - q_min) / (q_max - q_min), and over m this over m is
greatest at m = sqrt(q_min q_max). With r = q_max / q_min therefore

    |p' - p| <= D * (sqrt(r) - 1) / (sqrt(r) + 1),

which is reached on an edge as long as the longest that joins the nearest and the farthest corner.
"""

from __future__ import annotations

from functools import reduce

import numpy as np
from numpy.typing import NDArray


def shift_per_px(*roots: NDArray[np.float32]) -> NDArray[np.float32]:
    """Greatest texture shift of a triangle per pixel of its longest edge.

    Args:
        roots: square roots of 1/z, in any unit, at the corners; arrays of shapes that broadcast.
    """
    near, far = reduce(np.maximum, roots), reduce(np.minimum, roots)
    return np.asarray((near - far) / (near + far), np.float32)
