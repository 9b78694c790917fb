"""How far to trust the metres: error against the number and kind of hints, on frames whose depth was measured.

    python -m depth3d.lab.bench.scale ../shared/data/frames.json [--predictor bundled]
    python -m depth3d.lab.bench.scale FRAMES.json --predictor bundled --model COLMAP_FOLDER

Without a predictor the true inverse depth stands in for a perfect network: turned by a random affine map, with noise of
1 % of its range; hints are off by 1 % too. Each row is the mean over the frames of a frame's median depth error, and
the share of pixels whose error lies within one of their own standard deviations.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.calibration import choose_intrinsics
from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth
from depth3d.core.errors import Depth3DError
from depth3d.io.photos.photo import Photo, read_photo
from depth3d.io.points.read import read_points
from depth3d.lab.evaluation.metrics import Frame, align_to_truth, read_frames, read_truth
from depth3d.predictors import Predictor, load_predictor
from depth3d.scale import DistanceAt, Farthest, Hint, LengthBetween, Nearest, fit_scale
from depth3d.scale.correction import correct_inverse_depth

NOISE = 0.01
TAPE = 0.01
REPEATS = 5
Pick = Callable[["Case"], list[Hint]]


class Case:
    """One frame with its truth, and hints that are true."""

    def __init__(self, frame: Frame, camera: Intrinsics, rng: np.random.Generator) -> None:
        truth = read_truth(frame)
        self.truth = cv2.resize(truth, camera.size, interpolation=cv2.INTER_NEAREST)
        self.camera = camera
        self.rng = rng
        known = np.isfinite(self.truth) & (self.truth > 0.1) & (self.truth < 80)
        self.rows, self.columns = np.nonzero(known)
        self.z = self.truth[self.rows, self.columns].astype(np.float64)

    def at_share(self, share: float) -> int:
        """A random one of the pixels whose depth lies at this share of the ordered depths."""
        order = np.argsort(self.z, kind="stable")
        near = max(0, int((share - 0.01) * len(order)))
        return int(self.rng.choice(order[near : near + max(1, len(order) // 50)]))

    def point(self, index: int) -> NDArray[np.float64]:
        """The true point in space."""
        u, v, c = self.columns[index] + 0.5, self.rows[index] + 0.5, self.camera
        return np.array([(u - c.cx) / c.fx, (v - c.cy) / c.fy, 1]) * self.z[index]

    def pixel(self, index: int) -> tuple[float, float]:
        """The pixel's centre."""
        return float(self.columns[index]) + 0.5, float(self.rows[index]) + 0.5

    def distance(self, index: int) -> DistanceAt:
        """A tape measurement, 1 % off and knowing it."""
        metres = float(np.linalg.norm(self.point(index))) * (1 + self.rng.normal(0, TAPE))
        return DistanceAt(*self.pixel(index), metres, TAPE * metres)

    def length(self) -> LengthBetween:
        """A length between a near and a far point."""
        one, other = self.at_share(0.1), self.at_share(0.9)
        metres = float(np.linalg.norm(self.point(one) - self.point(other))) * (1 + self.rng.normal(0, TAPE))
        return LengthBetween(self.pixel(one), self.pixel(other), metres, TAPE * metres)


KINDS: dict[str, Pick] = {
    "1 distance": lambda case: [case.distance(case.at_share(0.5))],
    "2 distances, at 10 % and 90 % of depth": lambda case: [case.distance(case.at_share(s)) for s in (0.1, 0.9)],
    "3 distances, anywhere": lambda case: _anywhere(case, 3),
    "10 distances, anywhere": lambda case: _anywhere(case, 10),
    "100 distances, anywhere": lambda case: _anywhere(case, 100),
    "nearest and farthest": lambda case: [
        Nearest(float(np.percentile(case.z, 2))), Farthest(float(np.percentile(case.z, 98)))],
    "1 distance and 1 length": lambda case: [case.distance(case.at_share(0.1)), case.length()],
}  # fmt: skip


def _anywhere(case: Case, count: int) -> list[Hint]:
    return [case.distance(int(i)) for i in case.rng.integers(0, len(case.z), count)]


def perfect_network(case: Case) -> InverseDepth:
    """The true inverse depth under a random affine map, with noise."""
    with np.errstate(divide="ignore"):
        inverse = 1 / case.truth.astype(np.float64)
    inverse[~np.isfinite(inverse) | (case.truth <= 0)] = np.nan
    known = inverse[np.isfinite(inverse)]
    span = float(np.subtract(*np.percentile(known, [98, 2])))
    inverse += case.rng.normal(0, NOISE * span, inverse.shape)
    a, b = case.rng.uniform(0.01, 10), case.rng.uniform(-0.1, 0.1)
    return InverseDepth(((inverse - b) / a).astype(np.float32), noise=NOISE)


def camera_of(photo: Photo, numbers: list[float] | None) -> Intrinsics:
    """The frame's camera; frames without one get what the photo says."""
    if numbers is None:
        return choose_intrinsics(photo)
    return Intrinsics.from_integer_centres(*photo.size, *numbers)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("frames", type=Path)
    parser.add_argument("--predictor", help="a network instead of the perfect one")
    parser.add_argument("--model", type=Path, help="a metric COLMAP model of the 7scenes frames, scaled by its points")
    chosen = parser.parse_args()
    predictor = load_predictor(chosen.predictor) if chosen.predictor else None
    entries = json.loads(chosen.frames.read_text())
    frames = read_frames(chosen.frames)
    if chosen.model is not None and predictor is not None:
        sparse_points(chosen.model, frames, entries, predictor)
        return
    photos = [read_photo(frame.photo) for frame in frames]
    inverse_depths = [predictor.predict(photo) if predictor else None for photo in photos]
    print(f"{'hints':42} {'median error':>13} {'inside 1 sigma':>15} {'refused':>8}")
    for name, pick in KINDS.items():
        errors, inside, refused = [], [], 0
        for frame, entry, photo, inverse_depth in zip(frames, entries, photos, inverse_depths, strict=True):
            camera = camera_of(photo, entry["fx_fy_cx_cy"])
            for repeat in range(REPEATS):
                case = Case(frame, camera, np.random.default_rng(repeat))
                try:
                    error, share = _judged(case, inverse_depth or perfect_network(case), pick)
                except Depth3DError:
                    refused += 1
                    continue
                errors.append(error)
                inside.append(share)
        print(f"{name:42} {np.mean(errors):12.1%} {np.mean(inside):14.0%} {refused:5} of {len(frames) * REPEATS}")


def sparse_points(model: Path, frames: list[Frame], entries: list[dict[str, Any]], predictor: Predictor) -> None:
    """A network's depth scaled by a COLMAP model's points, beside its alignment to all of the truth."""
    print(f"{'frame':16} {'points':>7} {'points':>8} {'refined':>8} {'all truth':>10}   (AbsRel)")
    for frame, entry in zip(frames, entries, strict=True):
        if not frame.name.startswith("7scenes"):
            continue
        photo = read_photo(frame.photo)
        camera = camera_of(photo, entry["fx_fy_cx_cy"])
        truth = read_truth(frame)
        inverse_depth = predictor.predict(photo)
        points = read_points(model, photo=photo, camera=camera)
        fit = fit_scale(inverse_depth, camera, [points])
        refined = correct_inverse_depth(inverse_depth, fit)
        known = np.isfinite(truth) & (truth > 0.1) & (truth < 80)
        depths = (fit.apply(inverse_depth).z, refined.fit.apply(refined.inverse_depth).z)
        ours = [_abs_rel(z, truth, known) for z in depths]
        best = _abs_rel(align_to_truth(inverse_depth.values, np.where(known, truth, np.nan)), truth, known)
        print(f"{frame.name:16} {len(points.u):7} {ours[0]:8.3f} {ours[1]:8.3f} {best:10.3f}")


def _abs_rel(z: NDArray[Any], truth: NDArray[np.float32], known: NDArray[np.bool_]) -> float:
    """Unknown depth counts as wholly wrong."""
    return float(np.mean(np.where(np.isfinite(z), np.abs(z / truth - 1), 1.0)[known]))


def _judged(case: Case, inverse_depth: InverseDepth, pick: Pick) -> tuple[float, float]:
    depth = fit_scale(inverse_depth, case.camera, pick(case)).apply(inverse_depth)
    z = depth.z[case.rows, case.columns]
    known = np.isfinite(z)
    error = np.where(known, np.abs(z / case.z - 1), 1.0)
    if depth.sigma is None:
        return float(np.median(error)), 0.0
    sigma = depth.sigma[case.rows, case.columns]
    # 1/z is where errors are symmetric.
    off = np.abs(1 / z - 1 / case.z) < sigma / z**2
    return float(np.median(error)), float(np.mean(off[known]))


if __name__ == "__main__":
    main()
