"""Views of real photos beside the photos really taken there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, Pose, pixel_centres
from depth3d.core.depth import MetricDepth
from depth3d.core.rgbd import RGBD
from depth3d.io.photos.photo import read_photo
from depth3d.lab.bench.image_similarity import psnr, ssim
from depth3d.lab.bench.timing import Figure, Section
from depth3d.lab.evaluation.metrics import read_frames, read_truth
from depth3d.layers import Layers, to_layers
from depth3d.layers.views import render_view
from depth3d.layers.views.warp import epipolar_lines, trace

_LEAST_OVERLAP = 0.6
_SAME = 0.03
_ROUNDS = 6
_MARGIN_PX = 1
"""The truth is known to a pixel: one so near to the border may or may not be in view."""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A photo with depth, and another one of the same scene.

    Attributes:
        name: what the pair is called.
        rgb: (H, W, 3) uint8, the photo.
        metres: (H, W) float32 its depth, NaN where unknown.
        camera: its intrinsics.
        other_rgb: (H', W', 3) uint8, the other photo.
        other_camera: its intrinsics.
        pose: where the other camera stands, in the first one's axes.
        visible: (H', W') True where the other photo shows what the first one shows.
        hidden: (H', W') True where it shows what lies hidden in the first one's field of view.
    """

    name: str
    rgb: NDArray[np.uint8]
    metres: NDArray[np.float32]
    camera: Intrinsics
    other_rgb: NDArray[np.uint8]
    other_camera: Intrinsics
    pose: Pose
    visible: NDArray[np.bool_]
    hidden: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Judged:
    """How one pair came out.

    Attributes:
        name: of the pair.
        figures: PSNR and SSIM as text: of the view where visible and where hidden, of the plain warp likewise.
        gain_db: how much closer the view is than the plain warp, over both.
        unfilled: pixels that the view leaves to the repeated border although the photo's field of view has them.
    """

    name: str
    figures: tuple[str, ...]
    gain_db: float
    unfilled: int


def real_views(data: Path) -> Section:
    """Middlebury's Motorcycle to its second camera, and Redwood's and 7-Scenes' frames to each other's poses.

    Args:
        data: a folder with `middlebury_motorcycle`, and with `frames.json`, as of `depth3d eval`, that lists frames
            named redwood_0 and so on, with poses in `rgbd_redwood_open3d/trajectory.log`, and 7scenes_0 and so on, with
            poses beside them.

    Raises:
        PhotoError: a photo cannot be read.
        DepthMapError: a depth cannot be read.
    """
    judged = [judge_pair(pair) for pair in _pairs(data)]
    lines = [f"{'':22s}   ours, visible   disoccluded      one layer, visible   disoccluded    all: gain"]
    lines += [f"{one.name:22s} {'  '.join(one.figures)}  {one.gain_db:+6.2f} dB" for one in judged]
    figures = (
        Figure("gain over one layer warped backwards, Motorcycle", judged[0].gain_db, 1, True, " dB"),
        Figure("the same, mean of all pairs", float(np.mean([one.gain_db for one in judged])), 1, True, " dB"),
        Figure("unfilled pixels inside the field of view", sum(one.unfilled for one in judged), 0, False, ""),
    )
    return Section("views from where another photo was taken: PSNR and SSIM", figures=figures, remarks=tuple(lines))


def judge_pair(pair: Pair) -> Judged:
    """Draw the view of one pair and compare."""
    layers = to_layers(RGBD(pair.rgb, MetricDepth(pair.metres, unit="m"), pair.camera))
    view = render_view(layers, pair.other_camera, pair.pose)
    plain = _plainly_warped(layers, pair)
    both = pair.visible | pair.hidden
    figures = tuple(
        f"{psnr(rgb, pair.other_rgb, where):6.2f} dB {ssim(rgb, pair.other_rgb, where):.3f}"
        for rgb in (view.rgb, plain)
        for where in (pair.visible, pair.hidden)
    )
    gain_db = psnr(view.rgb, pair.other_rgb, both) - psnr(plain, pair.other_rgb, both)
    return Judged(pair.name, figures, gain_db, int((both & ~view.coverage).sum()))


def _plainly_warped(layers: Layers, pair: Pair) -> NDArray[np.uint8]:
    """What a single backward warp of the photo by its depth makes of it."""
    seen = layers.front_inverse
    inverse = np.where(np.isfinite(seen), seen, np.nanmin(seen)).astype(np.float32)
    uv = pixel_centres(*pair.other_camera.size)
    lines = epipolar_lines(layers.camera, pair.other_camera, pair.pose, uv[..., 0], uv[..., 1])
    x, y = trace(inverse, lines, rounds=_ROUNDS)
    half = np.float32(0.5)
    return np.asarray(
        cv2.remap(pair.rgb, x - half, y - half, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def _pairs(data: Path) -> Iterator[Pair]:
    yield motorcycle(data / "middlebury_motorcycle")
    frames = {frame.name: frame for frame in read_frames(data / "frames.json")}
    intrinsics = {e["name"]: e.get("fx_fy_cx_cy") for e in json.loads((data / "frames.json").read_text("utf-8"))}
    for poses in (_redwood_poses(data), _kitchen_poses(data)):
        for one, other in permutations(poses, 2):
            photos = [read_photo(frames[name].photo).rgb for name in (one, other)]
            depths = [read_truth(frames[name]) for name in (one, other)]
            cameras = [
                Intrinsics.from_integer_centres(rgb.shape[1], rgb.shape[0], *intrinsics[name])
                for name, rgb in zip((one, other), photos, strict=True)
            ]
            pose = Pose(np.linalg.inv(poses[one]) @ poses[other])
            visible, hidden = _known_from(depths[0], cameras[0], depths[1], cameras[1], pose)
            if visible.mean() >= _LEAST_OVERLAP:
                yield Pair(
                    f"{one} to {other}", photos[0], depths[0], cameras[0], photos[1], cameras[1], pose, visible, hidden
                )


def motorcycle(folder: Path) -> Pair:
    """Middlebury's left photo with its true depth, and the right one; what that one sees follows from the left depth.

    Args:
        folder: with calib.json, motorcycle_disp.npz and both photos.

    Raises:
        PhotoError: a photo cannot be read.
    """
    calibration = json.loads((folder / "calib.json").read_text("utf-8"))
    f_px, more, step_m = calibration["fx"], calibration["doffs"], calibration["baseline_m"]
    disparity = np.load(folder / "motorcycle_disp.npz")["arr_0"].astype(np.float64)
    height, width = disparity.shape
    metres = np.where(np.isfinite(disparity), step_m * f_px / (disparity + more), np.nan).astype(np.float32)
    cx, cy = calibration["cx"], calibration["cy"]
    left = Intrinsics.from_integer_centres(width, height, f_px, f_px, cx, cy)
    right = Intrinsics.from_integer_centres(width, height, f_px, f_px, cx + more, cy)
    pose = np.eye(4)
    pose[0, 3] = step_m
    known = np.isfinite(disparity)
    rows, columns = np.nonzero(known)
    reached = np.zeros((height, width), bool)
    for nudge in (0, 0.5):
        at = np.rint(columns - disparity[known] + nudge).astype(int)
        inside = (at >= 0) & (at < width) & (columns >= _MARGIN_PX) & (columns <= width - 1 - _MARGIN_PX)
        reached[rows[inside], at[inside]] = True
    column = np.arange(width)
    in_view = np.zeros((height, width), bool)
    in_view[:, (column >= 0) & (column + disparity[known].max() <= width - 1 - _MARGIN_PX)] = True
    photos = [read_photo(folder / f"motorcycle_{side}.png").rgb for side in ("left", "right")]
    return Pair("motorcycle", photos[0], metres, left, photos[1], right, Pose(pose), reached, in_view & ~reached)


def _known_from(
    metres: NDArray[np.float32],
    camera: Intrinsics,
    other_metres: NDArray[np.float32],
    other: Intrinsics,
    pose: Pose,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which pixels of the other photo the first one shows too, and which lie hidden behind what it shows."""
    uv = pixel_centres(*other.size).astype(np.float64)
    rays = np.stack([(uv[..., 0] - other.cx) / other.fx, (uv[..., 1] - other.cy) / other.fy, np.ones(uv.shape[:2])], -1)
    xyz = (rays * other_metres[..., None]) @ pose.world_from_cam[:3, :3].T + pose.world_from_cam[:3, 3]
    with np.errstate(invalid="ignore", divide="ignore"):
        u, v = (
            camera.cx + camera.fx * xyz[..., 0] / xyz[..., 2] - 0.5,
            camera.cy + camera.fy * xyz[..., 1] / xyz[..., 2] - 0.5,
        )
        inside = (xyz[..., 2] > 0) & (u >= _MARGIN_PX) & (u <= camera.width - 1 - _MARGIN_PX)
        inside &= (v >= _MARGIN_PX) & (v <= camera.height - 1 - _MARGIN_PX)
    column, row = (np.rint(np.where(inside, at, 0)).astype(int) for at in (u, v))
    with np.errstate(invalid="ignore"):
        ratio = xyz[..., 2] / metres[row, column]
        return inside & (np.abs(ratio - 1) < _SAME), inside & (ratio > 1 + _SAME)


def _redwood_poses(data: Path) -> dict[str, NDArray[np.float64]]:
    lines = (data / "rgbd_redwood_open3d" / "trajectory.log").read_text("utf-8").splitlines()
    numbers = [np.array([row.split() for row in lines[i + 1 : i + 5]], np.float64) for i in range(0, len(lines) - 4, 5)]
    return {f"redwood_{index}": pose for index, pose in enumerate(numbers)}


def _kitchen_poses(data: Path) -> dict[str, NDArray[np.float64]]:
    folder = data / "rgbd_7scenes_redkitchen"
    return {f"7scenes_{int(file.name[6:12])}": _rigid(np.loadtxt(file)) for file in sorted(folder.glob("*.pose.txt"))}


def _rigid(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest rigid transform: files round their numbers."""
    u, _, v = np.linalg.svd(matrix[:3, :3])
    matrix = matrix.copy()
    matrix[:3, :3] = u @ v
    return matrix
