"""Distances that a user knows: one of them sets the unit of a whole model."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import HintError
from depth3d.scale.hint import check_length, check_pixel, relative_sigma

Pixel = tuple[float, float]
PlaceOf = Callable[[str, Pixel | None], NDArray[np.float64]]
"""(photo, pixel) -> (3,) where the thing seen there is, or the photo's camera without a pixel, in the model's unit."""

_SIGMA_OF_DEPTH = 0.05
"""A length between things rests on depth, and that on the model's points: about as good as those."""

_SIGMA_OF_CAMERAS = 0.005
_OUTLIER_SIGMAS = 4.0


@dataclass(frozen=True, slots=True)
class KnownLength:
    """A straight length between two places of a model.

    A place is what is seen at a pixel of a photo, or, without a pixel, the photo's own camera.

    Attributes:
        start: a photo's file name, and a pixel (u, v) of it as taken and upright, or None.
        end: likewise.
        metres: the length.
        sigma_m: one standard deviation; None means 2 %.

    Raises:
        UsageError: a number is not finite, or the length is not positive.
    """

    start: tuple[str, Pixel | None]
    end: tuple[str, Pixel | None]
    metres: float
    sigma_m: float | None = None

    def __post_init__(self) -> None:
        check_length(self.name, self.metres, self.sigma_m)
        for _, pixel in (self.start, self.end):
            if pixel is not None:
                check_pixel(*pixel)

    @property
    def name(self) -> str:
        """How messages call it."""
        ends = [
            photo if pixel is None else f"{photo}@{pixel[0]:g},{pixel[1]:g}" for photo, pixel in (self.start, self.end)
        ]
        return f"{ends[0]}:{ends[1]}={self.metres:g}m"


@dataclass(frozen=True, slots=True)
class Unit:
    """How large a model is.

    Attributes:
        metres: length of the model's unit; 1 where it is not known.
        is_metric: whether it is known.
        words: where that comes from, for the user.
    """

    metres: float
    is_metric: bool
    words: str


def unit_from_lengths(lengths: Sequence[KnownLength], place_of: PlaceOf) -> Unit:
    """The model's unit in which known lengths are right, by weighted mean of their logarithms.

    Args:
        lengths: at least one.
        place_of: finds places in the model.

    Raises:
        HintError: a length is between two places that are the same, or they contradict each other.
    """
    logs, sigmas = [], []
    for length in lengths:
        found = float(np.linalg.norm(place_of(*length.start) - place_of(*length.end)))
        if not found > 0:
            raise HintError(f"the known length {length.name} is between two places that are one in the model")
        rests_on_depth = length.start[1] is not None or length.end[1] is not None
        own = _SIGMA_OF_DEPTH if rests_on_depth else _SIGMA_OF_CAMERAS
        logs.append(math.log(length.metres / found))
        sigmas.append(math.hypot(own, relative_sigma(length.metres, length.sigma_m)))
    weights = 1 / np.square(sigmas)
    mean = float(np.average(logs, weights=weights))
    off = np.abs(np.array(logs) - mean) / sigmas
    if off.max() > _OUTLIER_SIGMAS:
        said = ", ".join(
            f"{one.name} makes a unit {math.exp(log):.4g} m" for one, log in zip(lengths, logs, strict=True)
        )
        raise HintError(f"the known lengths contradict each other: {said}")
    sigma = 1 / math.sqrt(float(weights.sum()))
    words = f"1 unit of the model = {math.exp(mean):.4g} m ± {sigma:.1%}, from {len(lengths)} known length"
    return Unit(math.exp(mean), True, words + ("s" if len(lengths) > 1 else ""))
