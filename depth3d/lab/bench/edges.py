"""Refinement beside bicubic interpolation, on frames whose depth was measured."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth
from depth3d.core.errors import UsageError
from depth3d.io.photos.photo import read_photo
from depth3d.lab.bench.timing import Figure, Section
from depth3d.lab.evaluation.boundaries import NETWORK_CELLS, as_a_network_sees, boundary_f1, flying_points
from depth3d.lab.evaluation.metrics import Frame, read_truth
from depth3d.refine import refine_inverse_depth
from depth3d.refine.cell_grid import fill_unknown

_DENSE = 0.5
"""Share of pixels with depth."""


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredFrame:
    """A photo whose depth was measured.

    Attributes:
        name: what the frame is called.
        rgb: (H, W, 3) uint8.
        truth_m: (H, W) metres, NaN where unknown.
    """

    name: str
    rgb: NDArray[np.uint8]
    truth_m: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class EdgeFigures:
    """Edges of one frame, brought back from a network's resolution in two ways.

    Attributes:
        name: the frame.
        points: how many points are judged.
        bicubic_flying: flying points after bicubic interpolation.
        refined_flying: flying points after refinement.
        bicubic_f1: boundary F1 after bicubic interpolation.
        refined_f1: boundary F1 after refinement.
        seconds: how long refinement took.
    """

    name: str
    points: int
    bicubic_flying: int
    refined_flying: int
    bicubic_f1: float
    refined_f1: float
    seconds: float

    @property
    def fewer_percent(self) -> float:
        """How many of the flying points refinement saves, in per cent."""
        return 100 * (self.bicubic_flying - self.refined_flying) / max(1, self.bicubic_flying)


def read_measured(frame: Frame) -> MeasuredFrame:
    """Read a listed frame, its photo at the size of its depth.

    Raises:
        PhotoError: its photo cannot be read.
        DepthMapError: its depth cannot be read.
    """
    rgb, truth_m = read_photo(frame.photo).rgb, read_truth(frame)
    if rgb.shape[:2] != truth_m.shape:
        rgb = np.asarray(cv2.resize(rgb, truth_m.shape[::-1], interpolation=cv2.INTER_AREA), np.uint8)
    return MeasuredFrame(frame.name, rgb, truth_m)


def bench_edges(frames: Iterable[MeasuredFrame]) -> Section:
    """Shrink each frame's true inverse depth to 256 cells, bring it back, and count what flies between surfaces.

    Frames that are no larger than that, and scattered depth as of a lidar, have no edges to lose and are left out.

    Raises:
        UsageError: no frame is left.
    """
    rows = [judge_edges(frame) for frame in frames if _is_dense(frame) and max(frame.truth_m.shape) > NETWORK_CELLS]
    if not rows:
        raise UsageError(f"edges need a frame of more than {NETWORK_CELLS} pixels, half of them with measured depth")
    figures = (
        Figure("fewer flying points than bicubic, mean", _mean([r.fewer_percent for r in rows]), 40, True, " %"),
        Figure("the same, worst frame", min(r.fewer_percent for r in rows), 40, True, " %"),
        Figure(
            "boundary F1 more than bicubic's, mean", _mean([r.refined_f1 - r.bicubic_f1 for r in rows]), 0, True, ""
        ),
    )
    return Section("true depth shrunk to 256 cells and refined, beside bicubic", figures=figures, remarks=_lines(rows))


def judge_edges(frame: MeasuredFrame) -> EdgeFigures:
    """The figures of one frame; both ways are judged at the pixels where refinement knows the depth."""
    small = as_a_network_sees(frame.truth_m)
    size = (frame.rgb.shape[1], frame.rgb.shape[0])
    bicubic = cv2.resize(fill_unknown(small), size, interpolation=cv2.INTER_CUBIC)
    start = time.perf_counter()
    refined = refine_inverse_depth(InverseDepth(small), frame.rgb).values
    seconds = time.perf_counter() - start
    truth_m = np.where(np.isfinite(refined), frame.truth_m, np.float32(np.nan))
    plain_z, refined_z = (1 / np.maximum(inverse, np.float32(1e-6)) for inverse in (bicubic, refined))
    return EdgeFigures(
        frame.name,
        points=int(np.isfinite(truth_m).sum()),
        bicubic_flying=int(flying_points(plain_z, truth_m).sum()),
        refined_flying=int(flying_points(refined_z, truth_m).sum()),
        bicubic_f1=boundary_f1(plain_z, truth_m),
        refined_f1=boundary_f1(refined_z, truth_m),
        seconds=seconds,
    )


def _is_dense(frame: MeasuredFrame) -> bool:
    return float(np.isfinite(frame.truth_m).mean()) >= _DENSE


def _lines(rows: Sequence[EdgeFigures]) -> tuple[str, ...]:
    head = f"{'frame':14s}   points  flying: bicubic  refined    fewer  F1: bicubic  refined"
    return (
        head,
        *(
            f"{r.name:14s} {r.points:8d} {r.bicubic_flying:16d} {r.refined_flying:8d} {r.fewer_percent:6.1f} %"
            f" {r.bicubic_f1:12.3f} {r.refined_f1:8.3f}"
            for r in rows
        ),
    )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
