"""Animations beside the exact pictures from the same places."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, Pose
from depth3d.core.rgbd import RGBD
from depth3d.lab.bench.image_similarity import psnr
from depth3d.lab.bench.quad_scene import Shot, shoot
from depth3d.lab.bench.timing import Figure, Section
from depth3d.layers import to_layers
from depth3d.layers.views import Viewpoint, draw_view, prepare_layers
from depth3d.render.parallax.camera_paths import MOTIONS, preset_motion
from depth3d.render.parallax.framing import find_focus, to_viewpoints

_CAMERA = Intrinsics.from_fov(640, 360, fov_x_deg=60)
_FRAMES = 24
_SAME = 0.01
_RIM_PX = 2
"""So near to the edge of a card a pixel is mixed, and belongs to neither side."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """One motion: how far its frames are from the exact ones.

    Attributes:
        visible_db: PSNR where the photo shows the thing too.
        hidden_db: PSNR where the photo did not.
        flicker: mean change of the error from frame to frame on the visible wall, of 255.
        seam: greatest difference between the first frame and the one after the last, of 255.
    """

    visible_db: float
    hidden_db: float
    flicker: float
    seam: int


def exact_views(*, frames: int = _FRAMES, camera: Intrinsics = _CAMERA) -> Section:
    """Every motion through a scene of cards, each frame beside the exact picture of the same pose."""
    first = shoot(camera, Pose(np.eye(4)))
    layers = to_layers(RGBD(first.rgb, first.depth, camera))
    focus = find_focus(layers, None)
    phases = [index / frames for index in range(frames + 1)]
    judged = {}
    for name in MOTIONS:
        viewpoints = to_viewpoints(preset_motion(name), phases, focus, camera, camera.size)
        prepared = prepare_layers(layers, viewpoints, cell=3)
        judged[name] = _judged(first, camera, viewpoints, [draw_view(prepared, one) for one in viewpoints])
    lines = [f"{'motion':12s} visible  disoccluded  flicker  seam"]
    lines += [
        f"{name:12s} {one.visible_db:4.1f} dB {one.hidden_db:9.1f} dB {one.flicker:8.3f} {one.seam:5d}"
        for name, one in judged.items()
    ]
    figures = (
        Figure(
            "flicker on visible background, worst motion", max(j.flicker for j in judged.values()), 1, False, "/255"
        ),
        Figure(
            "first frame beside the one after the last, worst", max(j.seam for j in judged.values()), 0, False, "/255"
        ),
    )
    title = f"{frames} frames of {camera.width}x{camera.height} beside exact pictures of the same poses"
    return Section(title, figures=figures, remarks=tuple(lines))


def _judged(first: Shot, camera: Intrinsics, viewpoints: list[Viewpoint], drawn: list[NDArray[np.uint8]]) -> _Judged:
    seen, hidden, truths, errors, walls = [], [], [], [], []
    for viewpoint, frame in zip(viewpoints, drawn, strict=True):
        truth = shoot(viewpoint.camera, viewpoint.pose)
        inside, visible = _known_from_photo(first, camera, truth)
        clear = ~_rims(truth)
        seen.append(visible & clear)
        hidden.append(inside & ~visible & clear)
        walls.append(visible & clear & (truth.thing == 0))
        truths.append(truth.rgb)
        errors.append(frame.astype(np.int16) - truth.rgb)
    changes = [
        float(np.abs(after - before)[wall & wall_before].mean())
        for before, after, wall_before, wall in zip(errors, errors[1:], walls, walls[1:], strict=False)
    ]
    every, truth_all = np.stack(drawn), np.stack(truths)
    return _Judged(
        psnr(every, truth_all, np.stack(seen)),
        psnr(every, truth_all, np.stack(hidden)),
        max(changes),
        int(np.abs(drawn[0].astype(int) - drawn[-1]).max()),
    )


def _known_from_photo(first: Shot, camera: Intrinsics, truth: Shot) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which pixels lie in the photo's field of view, and which of them show what the photo shows."""
    x, y, z = np.moveaxis(truth.xyz, -1, 0)
    u, v = camera.cx + camera.fx * x / z - 0.5, camera.cy + camera.fy * y / z - 0.5
    inside = (u >= 0) & (v >= 0) & (u <= camera.width - 1) & (v <= camera.height - 1)
    column, row = (
        np.rint(np.clip(at, 0, most - 1)).astype(int) for at, most in ((u, camera.width), (v, camera.height))
    )
    same = (first.thing[row, column] == truth.thing) & (np.abs(first.metres[row, column] / z - 1) < _SAME)
    return inside, inside & same


def _rims(shot: Shot) -> NDArray[np.bool_]:
    size = np.ones((2 * _RIM_PX + 1, 2 * _RIM_PX + 1), np.uint8)
    return np.asarray(cv2.dilate(shot.thing, size) != cv2.erode(shot.thing, size))
