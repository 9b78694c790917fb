"""How much does depth flicker in a video? A camera goes around in the sample room; every point's depth is known.

    python -m depth3d.lab.bench.video_flicker --predictor bundled

Frames are drawn from the sample's photo and its exact depth, in layers, with the noise of a phone's video added. What
is wrong with the depth of static points is followed over time, after the one a and b that suits all frames best.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import depth3d as d3
from depth3d.core.camera import Intrinsics, Pose
from depth3d.lab.training.render import look_at
from depth3d.layers import to_layers
from depth3d.layers.views import Viewpoint, draw_view, prepare_layers
from depth3d.scenes.video.stabilize_scale import ScaleStabilizer

_SAMPLES = Path(__file__).resolve().parents[3] / "samples"
_FPS, _FRAMES, _RADIUS_M = 24.0, 48, 0.22
_SIZE = (512, 384)
_NOISE = 6.0
"""Standard deviation of a colour, of 255."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame of the video.

    Attributes:
        rgb: (H, W, 3) uint8.
        camera: of its size.
        pose: in the axes of the sample's camera.
    """

    rgb: NDArray[np.uint8]
    camera: Intrinsics
    pose: Pose


def main() -> None:
    """Print how much static points move from frame to frame, and over the whole video."""
    parser = argparse.ArgumentParser(description="How much does depth flicker in a video?")
    parser.add_argument("--predictor", default="bundled")
    network = d3.load_predictor(parser.parse_args().predictor)
    options = d3.Options.of(
        camera_file=_SAMPLES / "room_camera.json", depth_map=_SAMPLES / "room_depth.png", depth_kind="metric"
    )
    scene = d3.reconstruct(_SAMPLES / "room.jpg", options=options)
    frames = list(_frames(scene))
    alone = [network.predict(d3.Photo(frame.rgb)) for frame in frames]
    steadier = ScaleStabilizer(fps=_FPS)
    steadied = [
        steadier.next(inverse_depth, frame.rgb).inverse_depth
        for inverse_depth, frame in zip(alone, frames, strict=True)
    ]
    world = _calm_points(d3.unproject(scene.depth, scene.camera).xyz)
    print(f"{len(world)} points, {_FRAMES} frames; standard deviations of 1/z in 1/m")
    for name, inverse_depths in (("each frame alone", alone), ("steadied", steadied)):
        wrong = _wrong(world, frames, [inverse_depth.values for inverse_depth in inverse_depths])
        over_time = float(np.nanstd(wrong - np.nanmean(wrong, axis=0)))
        print(f"{name:18} frame to frame {np.nanstd(np.diff(wrong, axis=0)):.4f}, over time {over_time:.4f}")


def _frames(scene: d3.Scene) -> Iterator[Frame]:
    pivot_m = float(np.nanmedian(scene.depth.z))
    angles = np.linspace(0, 2 * math.pi, _FRAMES, endpoint=False)
    eyes = [(_RADIUS_M * math.cos(a), 0.6 * _RADIUS_M * math.sin(a), 0.0) for a in angles]
    poses = [look_at(eye, (0.0, 0.0, pivot_m), up=(0.0, -1.0, 0.0)) for eye in eyes]
    points = [Viewpoint(scene.camera.resized(*_SIZE), pose) for pose in poses]
    prepared = prepare_layers(to_layers(scene.rgbd), points, cell=1)
    rng = np.random.default_rng(0)
    for point in points:
        rgb = draw_view(prepared, point)
        noisy = np.clip(rgb + rng.normal(0, _NOISE, rgb.shape), 0, 255).astype(np.uint8)
        yield Frame(noisy, point.camera, point.pose)


def _wrong(
    world: NDArray[np.float64], frames: Sequence[Frame], maps: Sequence[NDArray[np.float32]]
) -> NDArray[np.float64]:
    """(frames, points ever seen) what is wrong with 1/z in 1/m; NaN where a point is not seen."""
    seen, exact = [], []
    for frame, values in zip(frames, maps, strict=True):
        xyz = world @ frame.pose.cam_from_world[:3, :3].T + frame.pose.cam_from_world[:3, 3]
        u = (xyz[:, 0] / xyz[:, 2] * frame.camera.fx + frame.camera.cx - 0.5).astype(np.float32)
        v = (xyz[:, 1] / xyz[:, 2] * frame.camera.fy + frame.camera.cy - 0.5).astype(np.float32)
        beyond = (math.nan,) * 4
        found = cv2.remap(values, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=beyond)
        seen.append(found.ravel())
        exact.append(1 / xyz[:, 2])
    x, y = np.array(seen, np.float64), np.array(exact)
    known = np.isfinite(x)
    a, b = np.polyfit(x[known], y[known], 1)
    return np.asarray((a * x + b - y)[:, known.any(axis=0)])


def _calm_points(xyz: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N, 3) points spread over the photo, away from depth jumps, which hide and show things."""
    window = np.ones((41, 41), np.uint8)
    z = np.nan_to_num(xyz[..., 2], nan=1e6)
    calm = cv2.dilate(z, window) < 1.35 * cv2.erode(z, window)
    return np.asarray(xyz[20::40, 20::40][calm[20::40, 20::40]], np.float64)


if __name__ == "__main__":
    main()
