"""How good predicted depth is: predictions against frames whose depth was measured.

Predictions are known up to a scale and a shift in inverse depth, so both are first fitted to the truth by least squares
(Ranftl et al., arXiv 1907.01341). Edges are judged by `depth3d.lab.evaluation.boundaries`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth
from depth3d.core.errors import DepthMapError
from depth3d.io.depth.read import read_stored_depth
from depth3d.io.open_input import read_small_file, shown
from depth3d.io.photos.photo import Photo, read_photo
from depth3d.lab.evaluation.boundaries import boundary_f1, flying_points
from depth3d.lab.evaluation.ordering import right_order

NEAREST_M, FARTHEST_M = 0.1, 80.0
_LARGEST_LIST_BYTES = 50_000_000
_BEYOND = 1.2  # aligned depth is held below this times the frame's greatest true depth

Predict = Callable[[Photo], InverseDepth]


@dataclass(frozen=True, slots=True)
class Frame:
    """A photo with measured depth.

    Attributes:
        name: what the frame is called.
        photo: the picture's file.
        depth: the file of a single-channel picture of depth along the axis; 0 is unknown.
        units_per_metre: what the depth's numbers mean.
    """

    name: str
    photo: Path
    depth: Path
    units_per_metre: float


@dataclass(frozen=True, slots=True)
class Figures:
    """How good one prediction is.

    Attributes:
        abs_rel: mean of |z - true z| / true z.
        rmse_m: root of the mean squared error of z, in metres.
        delta: share of pixels whose z is within a factor 1.25 of the truth.
        boundary_f1: scale-invariant boundary F1, 0 to 1.
        flying: share of points more than 5 % in depth from every true depth within 3 pixels.
        order: share of neighbouring pixels, at different true depths, that are in the right order: are things seen?
            NaN where the truth has none.
        pixels: how many pixels have measured depth.
    """

    abs_rel: float
    rmse_m: float
    delta: float
    boundary_f1: float
    flying: float
    order: float
    pixels: int


@dataclass(frozen=True, slots=True)
class Report:
    """Figures of several predictors on several frames.

    Attributes:
        frames: the frames' names.
        figures: per predictor, one `Figures` per frame.
    """

    frames: tuple[str, ...]
    figures: dict[str, tuple[Figures, ...]]

    def mean(self, predictor: str) -> Figures:
        """The mean over frames, each counting the same; `pixels` is their sum."""
        rows = self.figures[predictor]
        names = ("abs_rel", "rmse_m", "delta", "boundary_f1", "flying", "order")
        means = {name: _mean_of_known([getattr(row, name) for row in rows]) for name in names}
        return Figures(**means, pixels=sum(row.pixels for row in rows))

    def table(self) -> str:
        """The figures as text: a line per frame, AbsRel and delta of every predictor, then the means of everything."""
        width = max(len(name) for name in (*self.frames, "mean", "frame"))
        columns = list(self.figures)
        head = f"{'frame':<{width}}" + "".join(f"  {name[:15]:>15}" for name in columns)
        lines = ["AbsRel / delta < 1.25, after fitting scale and shift of inverse depth", head]
        for i, frame in enumerate(self.frames):
            cells = (self.figures[name][i] for name in columns)
            lines.append(f"{frame:<{width}}" + "".join(f"  {c.abs_rel:7.3f} /{c.delta:6.3f}" for c in cells))
        means = [self.mean(name) for name in columns]
        lines.append(f"{'mean':<{width}}" + "".join(f"  {m.abs_rel:7.3f} /{m.delta:6.3f}" for m in means))
        lines.append(f"{'RMSE m':<{width}}" + "".join(f"  {m.rmse_m:15.3f}" for m in means))
        lines.append(f"{'edges F1':<{width}}" + "".join(f"  {m.boundary_f1:15.3f}" for m in means))
        lines.append(f"{'flying':<{width}}" + "".join(f"  {m.flying:15.3f}" for m in means))
        lines.append(f"{'order':<{width}}" + "".join(f"  {m.order:15.3f}" for m in means))
        return "\n".join(lines)

    def to_json(self) -> str:
        """Everything, as JSON."""
        content = {
            name: {"mean": _plain(self.mean(name)), "frames": dict(zip(self.frames, map(_plain, rows), strict=True))}
            for name, rows in self.figures.items()
        }
        return json.dumps(content, indent=1, sort_keys=True) + "\n"


def read_frames(path: Path) -> list[Frame]:
    """The frames that a JSON list names, with paths relative to it.

    Each entry has ``name``, ``color``, ``depth`` and ``units_per_metre``; other entries are left alone.

    Raises:
        DepthMapError: the file cannot be read, or an entry lacks something.
    """
    content = read_small_file(path, DepthMapError, most_bytes=_LARGEST_LIST_BYTES, what="list of frames")
    try:
        frames = [_frame(entry, path.parent) for entry in json.loads(content)]
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise DepthMapError(
            f"{shown(path)}: is not a list of frames with name, color, depth, units_per_metre: {repr(error)[:200]}"
        ) from error
    if not frames:
        raise DepthMapError(f"{shown(path)}: names no frame")
    bad = [frame.name for frame in frames if not 0 < frame.units_per_metre < np.inf]
    if bad:
        raise DepthMapError(f"{shown(path)}: units_per_metre of {bad[0][:200]} must be positive")
    return frames


def _frame(entry: Mapping[str, Any], folder: Path) -> Frame:
    name = str(entry["name"]).encode("utf-8", "backslashreplace").decode("utf-8")
    return Frame(name, folder / entry["color"], folder / entry["depth"], float(entry["units_per_metre"]))


def read_truth(frame: Frame) -> NDArray[np.float32]:
    """Measured depth in metres (H, W), NaN where unknown or outside 0.1 to 80 m.

    Raises:
        DepthMapError: the file holds no single grid of numbers, or nothing in it is known.
    """
    values = read_stored_depth(frame.depth).values
    with np.errstate(all="ignore"):
        metres = (values / frame.units_per_metre).astype(np.float32)
    metres[~((metres >= NEAREST_M) & (metres <= FARTHEST_M))] = np.nan
    if np.isnan(metres).all():
        raise DepthMapError(f"{shown(frame.depth)}: no depth between {NEAREST_M} and {FARTHEST_M:g} m")
    return metres


def evaluate(frames: Sequence[Frame], predictors: dict[str, Predict]) -> Report:
    """Judges predictors on frames, beside two that know nothing: ``constant``, and ``vertical`` (lower is nearer).

    Raises:
        PhotoError, DepthMapError: a frame cannot be read.
    """
    everyone = {"constant": _constant, "vertical": _vertical, **predictors}
    rows: dict[str, list[Figures]] = {name: [] for name in everyone}
    for frame in frames:
        photo, truth = read_photo(frame.photo), read_truth(frame)
        for name, predict in everyone.items():
            rows[name].append(judge(predict(photo).values, truth))
    return Report(tuple(frame.name for frame in frames), {name: tuple(r) for name, r in rows.items()})


def judge(inverse: NDArray[np.float32], truth_m: NDArray[np.float32]) -> Figures:
    """Figures of one prediction.

    Args:
        inverse: (h, w) relative inverse depth; another size than the truth's is resized to it.
        truth_m: (H, W) metres, NaN where unknown.
    """
    inverse = _resized(inverse, truth_m.shape[1], truth_m.shape[0])
    z = align_to_truth(inverse, truth_m)
    known = np.isfinite(truth_m) & np.isfinite(inverse)
    estimate, true = z[known], truth_m[known].astype(np.float64)
    ratio = np.maximum(estimate / true, true / estimate)
    return Figures(
        abs_rel=float(np.mean(np.abs(estimate - true) / true)),
        rmse_m=float(np.sqrt(np.mean((estimate - true) ** 2))),
        delta=float(np.mean(ratio < 1.25)),
        boundary_f1=boundary_f1(z, np.where(known, truth_m, np.nan)),
        flying=float(flying_points(np.where(known, z, np.nan), truth_m).sum() / known.sum()),
        order=right_order(inverse, truth_m),
        pixels=int(known.sum()),
    )


def align_to_truth(inverse: NDArray[np.float32], truth_m: NDArray[np.float32]) -> NDArray[np.float64]:
    """Depth in metres (H, W) after 1/z = a d + b was fitted to the truth by least squares.

    Inverse depth is held above 1 / (1.2 x the greatest true depth), so that z stays positive and finite.
    """
    known = np.isfinite(truth_m) & np.isfinite(inverse)
    if not known.any():
        raise DepthMapError("no pixel has both predicted and measured depth")
    d, target = inverse[known].astype(np.float64), 1 / truth_m[known].astype(np.float64)
    spread = d - d.mean()
    variance = float(spread @ spread)
    a = float(spread @ target) / variance if variance > 1e-12 * max(1.0, float(d @ d)) else 0.0
    b = target.mean() - a * d.mean()
    floor = 1 / (_BEYOND * float(truth_m[known].max()))
    result: NDArray[np.float64] = 1 / np.maximum(a * inverse.astype(np.float64) + b, floor)
    return result


def _mean_of_known(values: list[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def _plain(figures: Figures) -> dict[str, float | int | None]:
    """For JSON, which has no NaN."""
    return {name: None if math.isnan(value) else value for name, value in asdict(figures).items()}


def _resized(inverse: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    import cv2

    if inverse.shape == (height, width):
        return inverse
    how = cv2.INTER_AREA if width < inverse.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(inverse.astype(np.float32), (width, height), interpolation=how), np.float32)


def _constant(photo: Photo) -> InverseDepth:
    return InverseDepth(np.ones(photo.rgb.shape[:2], np.float32), source="constant")


def _vertical(photo: Photo) -> InverseDepth:
    height, width = photo.rgb.shape[:2]
    rows = (np.arange(height, dtype=np.float32) + np.float32(0.5)) / np.float32(height)
    return InverseDepth(np.repeat(rows[:, None], width, axis=1), source="lower in the picture is nearer")
