"""The pictures on which converted networks are calibrated and judged, drawn by `lab.samples.probes`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SHEET = Path(__file__).with_name("probes.jpg")
COLUMNS, ROWS = 6, 4
SIZE = (256, 192)
"""(width, height) of each picture."""

_JUDGING = 8


def calibration_pictures() -> list[NDArray[np.uint8]]:
    """The (192, 256, 3) pictures that tell a quantised network which numbers occur."""
    return _pictures()[_JUDGING:]


def judging_pictures() -> list[NDArray[np.uint8]]:
    """The pictures that tell how far a converted network strays; none of them calibrates, and every fourth is upright.

    A conversion that kept the proportions of one picture strays on those of another.
    """
    chosen = _pictures()[:_JUDGING]
    return [picture if i % 4 else np.ascontiguousarray(np.rot90(picture)) for i, picture in enumerate(chosen, start=1)]


@cache
def _pictures() -> list[NDArray[np.uint8]]:
    from PIL import Image

    width, height = SIZE
    with Image.open(SHEET) as image:
        sheet = np.asarray(image.convert("RGB"))
    grid = sheet.reshape(ROWS, height, COLUMNS, width, 3).swapaxes(1, 2)
    return list(np.ascontiguousarray(grid.reshape(-1, height, width, 3)))
