"""Real photos with measured depth, read for tests."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from depth3d.io.photos.photo import read_photo
from depth3d.lab.bench.edges import MeasuredFrame, read_measured
from depth3d.lab.evaluation.metrics import read_frames


def measured_frames(shared_data: Path, names: tuple[str, ...]) -> list[MeasuredFrame]:
    """The frames of frames.json so named, and "motorcycle"."""
    listed = {frame.name: frame for frame in read_frames(shared_data / "frames.json")}
    return [motorcycle(shared_data) if name == "motorcycle" else read_measured(listed[name]) for name in names]


def motorcycle(shared_data: Path) -> MeasuredFrame:
    """Middlebury 2014: depth from the disparity and the difference of the principal points."""
    folder = shared_data / "middlebury_motorcycle"
    calib = json.loads((folder / "calib.json").read_text())
    disparity = np.load(folder / "motorcycle_disp.npz")["arr_0"].astype(np.float64)
    known = np.isfinite(disparity)
    metres = calib["baseline_m"] * calib["fx"] / (np.where(known, disparity, 1) + calib["doffs"])
    rgb = read_photo(folder / "motorcycle_left.png").rgb
    return MeasuredFrame("motorcycle", rgb, np.where(known, metres, np.nan).astype(np.float32))
