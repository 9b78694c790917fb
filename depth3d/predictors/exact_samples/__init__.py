"""Three rendered photos with their exact depth, small enough to travel with the package: samples/ a quarter as wide.

A network whose output is of unknown kind is run on them, see `depth3d.predictors.external.detect_output_kind`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

NAMES = ("room", "desk", "courtyard")


@dataclass(frozen=True, slots=True, eq=False)
class ExactSample:
    """A rendered photo.

    Attributes:
        name: what it shows.
        rgb: (240, 320, 3) uint8, sRGB.
        z: (240, 320) float32, depth along the axis in metres; NaN in the sky and beyond windows.
    """

    name: str
    rgb: NDArray[np.uint8]
    z: NDArray[np.float32]


@cache
def exact_samples() -> tuple[ExactSample, ...]:
    """All of them: a room, a desk and a courtyard, 0.8 to 51 m deep."""
    return tuple(_read(name) for name in NAMES)


def _read(name: str) -> ExactSample:
    from PIL import Image

    folder = Path(__file__).parent
    with Image.open(folder / f"{name}.jpg") as picture, Image.open(folder / f"{name}.png") as millimetres:
        rgb = np.asarray(picture.convert("RGB"))
        stored = np.asarray(millimetres).astype(np.float32)
    return ExactSample(name, rgb, np.where(stored > 0, stored / np.float32(1000), np.float32(np.nan)))
