"""How far to trust the metres: error, error bars and refusals against the number and kind of hints, on measured frames.

Beside it, in the same run, what a plain script does: 1/z = a d + b by least squares through the same hints.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import Depth3DError
from depth3d.io.points.read import read_points
from depth3d.lab.bench.scale_cases import KINDS, TAPE, Case, MeasuredPhoto, perfect_network
from depth3d.lab.evaluation.metrics import align_to_truth
from depth3d.predictors import Predictor
from depth3d.scale import DistanceAt, Hint, SparsePoints, fit_scale
from depth3d.scale.hint import sample_many

_NEAR_A_HINT = 0.01
_INDOORS_M = 8.0


@dataclass(frozen=True, slots=True)
class Judged:
    """One fit against the truth; errors are medians over the picture's pixels.

    Attributes:
        error: |z - true z| / true z; unknown depth counts as 1.
        plain_error: the same of the least-squares line; NaN where hints are not all points.
        inside: share of pixels whose error lies within one standard deviation.
        inside_two: within two.
        near_hint: the error bar at pixels within 1 % of the width of a hint, over the hint's own; NaN without points.
        beyond: share of the pixels of a room (nothing beyond 8 m) that have no depth.
        left_out: share of the hints that were left out.
        seconds: how long the fit and the map took.
    """

    error: float
    plain_error: float
    inside: float
    inside_two: float
    near_hint: float
    beyond: float
    left_out: float
    seconds: float


def bench_scale(photos: Sequence[MeasuredPhoto], predictor: Predictor | None, *, draws: int) -> str:
    """The table of every kind of hint, as text.

    Args:
        photos: frames with depth.
        predictor: a network, or None for a perfect one.
        draws: how often hints are drawn for each frame.
    """
    seen = [predictor.predict(measured.photo) if predictor else None for measured in photos]
    lines = [
        f"{len(photos)} frames, {draws} draws each; hints are {TAPE:.0%} off and say so",
        f"{'hints':40}{'error':>8}{'plain':>8}{'in 1 s':>8}{'in 2 s':>8}{'at hint':>8}{'beyond':>8}{'left out':>9}"
        f"{'refused':>13}{'seconds':>8}",
    ]
    for name, pick in KINDS.items():
        rows, refused = _rows(photos, seen, pick, draws)
        mean = {field: _mean([getattr(row, field) for row in rows]) for field in Judged.__slots__}
        lines.append(
            f"{name:40}{mean['error']:8.3f}{mean['plain_error']:8.3f}{mean['inside']:8.0%}{mean['inside_two']:8.0%}"
            f"{mean['near_hint']:7.2f}x{mean['beyond']:8.1%}{mean['left_out']:9.1%}"
            f"{refused:5} of {len(rows) + refused:4}{mean['seconds']:8.2f}"
        )
    return "\n".join(lines)


def _rows(
    photos: Sequence[MeasuredPhoto],
    seen: Sequence[InverseDepth | None],
    pick: Callable[[Case], list[Hint]],
    draws: int,
) -> tuple[list[Judged], int]:
    rows, refused = [], 0
    for measured, inverse_depth in zip(photos, seen, strict=True):
        for seed in range(draws):
            case = Case(measured, seed)
            used = perfect_network(case) if inverse_depth is None else inverse_depth
            try:
                rows.append(judge(case, used, pick(case)))
            except Depth3DError:
                refused += 1
    return rows, refused


def judge(case: Case, inverse_depth: InverseDepth, hints: list[Hint]) -> Judged:
    """Fit, and compare with the truth.

    Raises:
        Depth3DError: the hints were refused.
    """
    start = time.perf_counter()
    fit = fit_scale(inverse_depth, case.measured.camera, hints)
    depth = fit.apply(inverse_depth)
    seconds = time.perf_counter() - start
    z = depth.z[case.rows, case.columns]
    known = np.isfinite(z)
    sigma = np.zeros_like(z) if depth.sigma is None else depth.sigma[case.rows, case.columns]
    # The logarithm is where errors are symmetric, and sigma / z is its standard deviation.
    off = np.abs(np.log(z[known] / case.z[known])) / np.maximum(sigma / z, 1e-9)[known]
    is_room = float(np.percentile(case.z, 99)) < _INDOORS_M
    return Judged(
        error=float(np.median(np.where(known, np.abs(z / case.z - 1), 1.0))),
        plain_error=_plain_error(case, inverse_depth, hints),
        inside=float(np.mean(off < 1)),
        inside_two=float(np.mean(off < 2)),
        near_hint=_near_hint(case, depth, hints),
        beyond=float(np.mean(~np.isfinite(depth.z[np.isfinite(inverse_depth.values)]))) if is_room else np.nan,
        left_out=len(fit.doubted) / len(hints),
        seconds=seconds,
    )


def _plain_error(case: Case, inverse_depth: InverseDepth, hints: list[Hint]) -> float:
    """The error of numpy's least squares, as a script would do it; one hint alone gives 1/z = a d."""
    points = [hint for hint in hints if isinstance(hint, DistanceAt)]
    if len(points) < len(hints):
        return np.nan
    uv = np.array([(hint.u, hint.v) for hint in points])
    camera = case.measured.camera
    rays = np.hypot(np.hypot((uv[:, 0] - camera.cx) / camera.fx, (uv[:, 1] - camera.cy) / camera.fy), 1)
    inverse = rays / np.array([hint.metres for hint in points])
    d = sample_many(inverse_depth, uv[:, 0], uv[:, 1])
    design = np.stack([d, np.ones_like(d)], axis=1)[:, : len(points)]
    line = np.linalg.lstsq(design, inverse, rcond=None)[0]
    a, b = float(line[0]), float(line[1]) if len(line) > 1 else 0.0
    found = a * inverse_depth.values[case.rows, case.columns].astype(np.float64) + b
    error = np.abs(1 / np.where(found > 0, found, np.nan) / case.z - 1)
    return float(np.median(np.where(np.isfinite(error), error, 1.0)))


def _near_hint(case: Case, depth: MetricDepth, hints: list[Hint]) -> float:
    points = [hint for hint in hints if isinstance(hint, DistanceAt)]
    if not points or depth.sigma is None:
        return np.nan
    height, width = depth.z.shape
    v, u = np.mgrid[0:height, 0:width]
    found = []
    for hint in points:
        near = np.hypot(u + 0.5 - hint.u, v + 0.5 - hint.v) <= _NEAR_A_HINT * width
        found.append(depth.sigma[near] / depth.z[near] / TAPE)
    return float(np.nanmedian(np.concatenate(found)))


def _mean(values: list[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else np.nan


def bench_sparse_points(photos: Sequence[MeasuredPhoto], predictor: Predictor, model: Path) -> str:
    """AbsRel of a network's depth scaled by a metric COLMAP model's points, beside its alignment to all of the truth.

    Args:
        photos: frames; those that are not in the model are left out.
        predictor: the network.
        model: the model, in metres.

    Raises:
        Depth3DError: the points of no frame can be read; why the first one's cannot.
    """
    first_problem: Depth3DError | None = None
    lines = [f"{'frame':16} {'points':>7} {'ours':>8} {'all truth':>10}   (AbsRel)"]
    for measured in photos:
        try:
            points = read_points(model, photo=measured.photo, camera=measured.camera)
        except Depth3DError as problem:
            first_problem = first_problem or problem
            continue
        inverse_depth = predictor.predict(measured.photo)
        lines.append(_sparse_row(measured, inverse_depth, points))
    if first_problem is not None and len(lines) == 1:
        raise first_problem
    return "\n".join(lines)


def _sparse_row(measured: MeasuredPhoto, inverse_depth: InverseDepth, points: SparsePoints) -> str:
    truth = measured.truth_m
    z = fit_scale(inverse_depth, measured.camera, [points]).apply(inverse_depth).z
    aligned = align_to_truth(inverse_depth.values, truth)
    ours, best = _abs_rel(z, truth), _abs_rel(aligned, truth)
    return f"{measured.name:16} {len(points.u):7} {ours:8.3f} {best:10.3f}"


def _abs_rel(z: NDArray[np.floating], truth: NDArray[np.float32]) -> float:
    """Unknown depth counts as wholly wrong."""
    error = np.where(np.isfinite(z), np.abs(z / truth - 1), 1.0)
    return float(np.mean(error[np.isfinite(truth)]))
