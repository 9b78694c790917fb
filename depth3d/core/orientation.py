"""Turning what was stored beside a photo as the photo itself was turned upright (Exif orientation, CIPA DC-008)."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_Scalar = TypeVar("_Scalar", bound=np.generic)

SIDES_SWAP = 5
"""From this orientation on, the stored width is the upright height."""


def upright_grid(stored: NDArray[_Scalar], orientation: int) -> NDArray[_Scalar]:
    """A stored (H, W) grid, upright; a view.

    Args:
        stored: as in the file.
        orientation: 1 to 8.
    """
    match orientation:
        case 2:
            return stored[:, ::-1]
        case 3:
            return stored[::-1, ::-1]
        case 4:
            return stored[::-1]
        case 5:
            return stored.T
        case 6:
            return np.rot90(stored, -1)
        case 7:
            return stored[::-1, ::-1].T
        case 8:
            return np.rot90(stored, 1)
        case _:
            return stored


def upright_pixels(uv: NDArray[np.float64], stored_size: tuple[int, int], orientation: int) -> NDArray[np.float64]:
    """Stored (N, 2) pixels (centres at +0.5), upright.

    Args:
        uv: pixels of the picture as stored.
        stored_size: (width, height) of the picture as stored.
        orientation: 1 to 8.
    """
    u, v = uv.T
    width, height = stored_size
    across, down = width - u, height - v
    turned = {
        2: (across, v),
        3: (across, down),
        4: (u, down),
        5: (v, u),
        6: (down, u),
        7: (down, across),
        8: (v, across),
    }
    return np.stack(turned.get(orientation, (u, v)), axis=1)
