"""Frames whose depth was measured, and true hints drawn from them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.calibration import choose_intrinsics
from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth
from depth3d.io.photos.photo import Photo, read_photo
from depth3d.lab.evaluation.metrics import read_frames, read_truth
from depth3d.scale import DistanceAt, Farthest, Hint, LengthBetween, Nearest

TAPE = 0.01
"""Hints are off by 1 %, one standard deviation, and say so."""

NOISE = 0.01
"""Of the perfect network, as a share of the range of inverse depth."""

_GROSS = 0.3
_GROSS_FACTORS = (0.2, 0.5, 2.0, 5.0)


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredPhoto:
    """A photo with its camera and its true depth.

    Attributes:
        name: what the frame is called.
        photo: the photo.
        camera: of the photo's size.
        truth_m: (H, W) metres, NaN where unknown.
    """

    name: str
    photo: Photo
    camera: Intrinsics
    truth_m: NDArray[np.float32]


def read_measured_photos(path: Path) -> list[MeasuredPhoto]:
    """The frames of a JSON list as `depth3d eval` reads it; `fx_fy_cx_cy` has integer pixel centres.

    Raises:
        DepthMapError, PhotoError: a frame cannot be read.
    """
    entries = json.loads(path.read_text(encoding="utf-8"))
    found = []
    for frame, entry in zip(read_frames(path), entries, strict=True):
        photo, numbers = read_photo(frame.photo), entry.get("fx_fy_cx_cy")
        camera = Intrinsics.from_integer_centres(*photo.size, *numbers) if numbers else choose_intrinsics(photo)
        truth = np.asarray(cv2.resize(read_truth(frame), camera.size, interpolation=cv2.INTER_NEAREST), np.float32)
        found.append(MeasuredPhoto(frame.name, photo, camera, truth))
    return found


class Case:
    """One frame, and hints that are true."""

    def __init__(self, measured: MeasuredPhoto, seed: int) -> None:
        self.measured, self.rng = measured, np.random.default_rng(seed)
        self.rows, self.columns = np.nonzero(np.isfinite(measured.truth_m))
        self.z = measured.truth_m[self.rows, self.columns].astype(np.float64)

    def anywhere(self) -> int:
        """A random pixel."""
        return int(self.rng.integers(0, len(self.z)))

    def point(self, index: int) -> NDArray[np.float64]:
        """The true point in space."""
        u, v, c = self.columns[index] + 0.5, self.rows[index] + 0.5, self.measured.camera
        return np.array([(u - c.cx) / c.fx, (v - c.cy) / c.fy, 1]) * self.z[index]

    def pixel(self, index: int) -> tuple[float, float]:
        """The pixel's centre."""
        return float(self.columns[index]) + 0.5, float(self.rows[index]) + 0.5

    def distance(self, index: int) -> DistanceAt:
        """A tape measurement, 1 % off and knowing it."""
        metres = float(np.linalg.norm(self.point(index))) * (1 + self.rng.normal(0, TAPE))
        return DistanceAt(*self.pixel(index), metres, TAPE * metres)

    def length(self) -> LengthBetween:
        """A length between two things, 1 % off and knowing it."""
        one, other = self.anywhere(), self.anywhere()
        while self.pixel(one) == self.pixel(other):
            other = self.anywhere()
        metres = float(np.linalg.norm(self.point(one) - self.point(other))) * (1 + self.rng.normal(0, TAPE))
        return LengthBetween(self.pixel(one), self.pixel(other), metres, TAPE * metres)

    def distances(self, count: int) -> list[Hint]:
        """Tape measurements of random things."""
        return [self.distance(self.anywhere()) for _ in range(count)]

    def with_outliers(self, count: int) -> list[Hint]:
        """Tape measurements, 30 % of which are off by a factor of 2 to 5."""
        hints: list[Hint] = []
        for number in range(count):
            hint = self.distance(self.anywhere())
            if number < _GROSS * count:
                factor = float(self.rng.choice(_GROSS_FACTORS)) * self.rng.uniform(0.8, 1.2)
                hint = DistanceAt(hint.u, hint.v, hint.metres * factor, TAPE * hint.metres * factor)
            hints.append(hint)
        return hints

    def extremes(self) -> list[Hint]:
        """The nearest and the farthest things."""
        near, far = np.percentile(self.z, [2, 98])
        return [Nearest(float(near)), Farthest(float(far))]


KINDS: dict[str, Callable[[Case], list[Hint]]] = {
    "1 distance": lambda case: case.distances(1),
    "1 length": lambda case: [case.length()],
    "2 distances": lambda case: case.distances(2),
    "1 distance and 1 length": lambda case: [*case.distances(1), case.length()],
    "nearest and farthest": lambda case: case.extremes(),
    "3 distances": lambda case: case.distances(3),
    "10 distances": lambda case: case.distances(10),
    "7 distances and 3 lengths": lambda case: [*case.distances(7), *(case.length() for _ in range(3))],
    "100 distances": lambda case: case.distances(100),
    "50 distances, 15 of them grossly wrong": lambda case: case.with_outliers(50),
}


def perfect_network(case: Case) -> InverseDepth:
    """The true inverse depth under a random affine map, with noise of its own at every pixel."""
    with np.errstate(divide="ignore"):
        inverse = 1 / case.measured.truth_m.astype(np.float64)
    span = float(np.subtract(*np.percentile(inverse[np.isfinite(inverse)], [98, 2])))
    inverse += case.rng.normal(0, NOISE * span, inverse.shape)
    a, b = case.rng.uniform(0.01, 10), case.rng.uniform(-0.1, 0.1)
    return InverseDepth(((inverse - b) / a).astype(np.float32), noise=NOISE)
