"""Splats of layers, drawn on the CPU: the photo from its own place, and what its things hide from beside."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from real_frames import motorcycle
from splat_renderer import draw_splats, psnr
from synthetic_scenes import slanted_plane, small_camera

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import MetricDepth
from depth3d.core.errors import GeometryError
from depth3d.core.rgbd import RGBD
from depth3d.geometry.gaussians import Gaussians, to_gaussians
from depth3d.io.photos.photo import read_photo
from depth3d.layers import to_layered_gaussians

CAMERA = small_camera(120, 90)
BOX = np.s_[25:65, 40:80]
WALL_RGB, BOX_RGB = (70, 140, 90), (220, 60, 40)


def _box_before_a_wall() -> RGBD:
    """A box before a slanted wall; the column at its left edge is mixed, as a lens does."""
    inverse = slanted_plane(CAMERA, normal=(0.2, -0.1, -1.0), metres=2.5).inverse_metres.astype(np.float32)
    inverse[BOX] = 0.9
    rgb = np.full((90, 120, 3), WALL_RGB, np.uint8)
    rgb[BOX] = BOX_RGB
    rgb[25:65, 39] = np.rint(0.4 * np.array(BOX_RGB) + 0.6 * np.array(WALL_RGB))
    return RGBD(rgb, MetricDepth(1 / inverse, unit="m"), CAMERA)


RGBD_BOX = _box_before_a_wall()
SPLATS = to_layered_gaussians(RGBD_BOX)


def test_from_the_photo_s_place_they_are_the_photo_with_fewer_splats() -> None:
    drawn = draw_splats(SPLATS, CAMERA)
    plain = to_gaussians(RGBD_BOX)
    inside = np.zeros((90, 120), bool)
    inside[3:-3, 3:-3] = True
    assert len(SPLATS.xyz) < 0.4 * len(plain.xyz)
    assert drawn.light[inside].max() < 0.15
    assert psnr(drawn.rgb, RGBD_BOX.rgb, inside) > 32


def test_from_beside_the_wall_is_seen_where_plain_splats_leave_a_gap() -> None:
    pose = np.eye(4)
    pose[0, 3] = -0.4
    layered, plain = draw_splats(SPLATS, CAMERA, pose), draw_splats(to_gaussians(RGBD_BOX), CAMERA, pose)
    gap = plain.light[5:-5, 5:85] > 0.5
    assert gap.sum() > 300
    assert layered.light[5:-5, 5:85][gap].mean() < 0.1
    off = np.abs(layered.rgb[5:-5, 5:85] - WALL_RGB).max(axis=2)[gap]
    assert np.median(off) < 15


def test_soft_edges_have_splats_as_opaque_as_the_thing_covers_the_pixel() -> None:
    near = SPLATS.xyz[:, 2] < 1.2
    soft = near & (SPLATS.opacities < 0.6)
    assert 30 <= soft.sum() <= 90
    assert SPLATS.opacities[soft].mean() == pytest.approx(0.4, abs=0.08)


def test_unknown_depth_gives_no_splat() -> None:
    z = RGBD_BOX.depth.z.copy()
    z[:, :60] = np.nan
    splats = to_layered_gaussians(RGBD(RGBD_BOX.rgb, MetricDepth(z, unit="m"), CAMERA))
    assert (splats.xyz[:, 0] / splats.xyz[:, 2] * CAMERA.fx + CAMERA.cx).min() > 52  # blocks of 8


def test_noise_keeps_a_splat_per_pixel() -> None:
    rng = np.random.default_rng(1)
    noisy = cv2.GaussianBlur(rng.integers(0, 256, (90, 120, 3)).astype(np.uint8), (0, 0), 1)
    assert len(to_layered_gaussians(replace(RGBD_BOX, rgb=np.asarray(noisy, np.uint8))).xyz) > 0.95 * 90 * 120


def test_an_opacity_must_be_one() -> None:
    with pytest.raises(GeometryError, match="opacity"):
        Gaussians(
            SPLATS.xyz, SPLATS.rgb, SPLATS.directions, SPLATS.sigma, np.ones(len(SPLATS.xyz), np.float32), unit="m"
        )


def test_a_real_photo_from_its_place_and_from_a_second_camera_s(shared_data: Path) -> None:
    frame = motorcycle(shared_data)
    calib = json.loads((shared_data / "middlebury_motorcycle/calib.json").read_text("utf-8"))
    height, width = frame.truth_m.shape
    left, top, shift = 340, 160, 50
    part = np.s_[top : top + 100, left : left + 140]
    whole = Intrinsics(width, height, calib["fx"], calib["fx"], calib["cx"] + 0.5, calib["cy"] + 0.5, source="file")
    camera = whole.cropped(left, top, 140, 100)
    rgb, z = frame.rgb[part], frame.truth_m[part]
    splats = to_layered_gaussians(RGBD(rgb, MetricDepth(z, unit="m"), camera))
    known = np.isfinite(z)
    assert psnr(draw_splats(splats, camera).rgb, rgb, known) > 30
    other = replace(whole, cx=whole.cx + calib["doffs"]).cropped(left - shift, top, 140, 100)
    truth = read_photo(shared_data / "middlebury_motorcycle/motorcycle_right.png").rgb
    pose = np.eye(4)
    pose[0, 3] = -calib["baseline_m"]
    drawn = draw_splats(splats, other, pose)
    seen = drawn.light < 0.5
    assert seen.mean() > 0.7
    assert psnr(drawn.rgb, truth[top : top + 100, left - shift : left - shift + 140], seen) > 21
