"""Laws of views: what a camera elsewhere sees of a photo in layers."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from synthetic_scenes import slanted_plane, small_camera

from depth3d.core.camera import Intrinsics, Pose, pixel_centres
from depth3d.core.depth import MetricDepth
from depth3d.core.rgbd import RGBD
from depth3d.layers import Layers, to_layers
from depth3d.layers.views import Viewpoint, draw_view, prepare_layers, render_view
from depth3d.layers.views.warp import epipolar_lines, limit_slopes, trace

CAMERA = small_camera(160, 120)
BOX_M = 1.2
BOX = (-0.25, 0.2, -0.2, 0.25)
"""Left, right, top and bottom of a flat box in metres."""


def _pose(x: float, y: float, z: float, *, yaw: float = 0.0) -> Pose:
    matrix = np.eye(4)
    matrix[:3, :3] = [[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]]
    matrix[:3, 3] = x, y, z
    return Pose(matrix)


def _seen(camera: Intrinsics, pose: Pose) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.bool_]]:
    """The exact picture of a box before a slanted wall, its z, and where the box is."""
    uv = pixel_centres(*camera.size).astype(np.float64)
    rays = np.stack(
        [(uv[..., 0] - camera.cx) / camera.fx, (uv[..., 1] - camera.cy) / camera.fy, np.ones(uv.shape[:2])], -1
    )
    rays = rays @ pose.world_from_cam[:3, :3].T
    eye = pose.world_from_cam[:3, 3]
    normal = np.array([0.2, -0.15, -1.0])
    wall = (normal @ (np.array([0, 0, 3.0]) - eye)) / (rays @ normal)
    box = (BOX_M - eye[2]) / rays[..., 2]
    hit = eye + rays * box[..., None]
    on_box = (hit[..., 0] > BOX[0]) & (hit[..., 0] < BOX[1]) & (hit[..., 1] > BOX[2]) & (hit[..., 1] < BOX[3])
    point = np.where(on_box[..., None], hit, eye + rays * wall[..., None])
    waves = 0.5 + 0.5 * np.sin(point[..., :2] * np.where(on_box[..., None], 14, 5))
    rgb = np.stack([60 + 80 * waves[..., 0], 60 + 80 * waves[..., 1], np.full(on_box.shape, 90)], axis=-1)
    rgb[on_box, 0] += 90
    return np.rint(rgb).astype(np.uint8), np.where(on_box, box, wall).astype(np.float32), on_box


def _layers() -> Layers:
    rgb, metres, _ = _seen(CAMERA, _pose(0, 0, 0))
    return to_layers(RGBD(rgb, MetricDepth(metres, unit="m"), CAMERA))


LAYERS = _layers()
PLACES = [_pose(0.08, 0, 0), _pose(-0.08, 0.05, 0), _pose(0, 0, 0.15), _pose(0.05, 0.02, -0.1, yaw=-0.03)]


@pytest.mark.parametrize("pose", PLACES)
def test_a_view_is_what_the_camera_would_see(pose: Pose) -> None:
    truth, _, _ = _seen(CAMERA, pose)
    view = render_view(LAYERS, CAMERA, pose)
    off = np.abs(view.rgb.astype(int) - truth).max(axis=2)[view.coverage]
    assert np.median(off) <= 1
    assert (off < 12).mean() > 0.97  # the rest is the box's rim, which the truth draws without soft edges


def test_the_view_from_the_photo_s_own_place_is_the_photo() -> None:
    rgb, _, _ = _seen(CAMERA, _pose(0, 0, 0))
    view = render_view(LAYERS, CAMERA, _pose(0, 0, 0))
    assert view.coverage.all()
    assert np.abs(view.rgb.astype(int) - rgb).max() <= 2


def _ramp_that_ends_in_a_jump() -> Layers:
    """A surface that rises from a wall without a jump and falls back to it with one."""
    metres = np.full((CAMERA.height, CAMERA.width), 3, np.float32)
    metres[30:90, 40:120] = 1 / np.linspace(1 / 3, 1, 80, dtype=np.float32)
    rng = np.random.default_rng(4)
    rgb = np.asarray(cv2.GaussianBlur(rng.integers(0, 256, (120, 160, 3)).astype(np.uint8), (0, 0), 1.2), np.uint8)
    return to_layers(RGBD(rgb, MetricDepth(metres, unit="m"), CAMERA))


def test_no_seam_where_one_surface_passes_from_layer_to_layer() -> None:
    layers = _ramp_that_ends_in_a_jump()
    half = replace(CAMERA, cx=CAMERA.cx - 0.5)
    shown = render_view(layers, half, _pose(0, 0, 0)).rgb
    photo = np.where(layers.matte[..., None] > 0.5, layers.rgb, layers.behind_rgb).astype(np.float32)
    inner, outer = photo[:, 1:-2] + photo[:, 2:-1], photo[:, :-3] + photo[:, 3:]
    truth = 0.59375 * inner - 0.09375 * outer  # cubic convolution, half way between
    along_the_ramp = np.s_[38:82, 44:108]
    off = np.abs(shown[:, 1:-2].astype(np.float32) - truth)[along_the_ramp].max(axis=-1)
    assert np.percentile(off, 99) < 5


def test_a_sensor_s_frame_without_depth_leaves_nothing_unfilled() -> None:
    rgb, metres, _ = _seen(CAMERA, _pose(0, 0, 0))
    framed = np.full_like(metres, np.nan)
    framed[5:-5, 6:-6] = metres[5:-5, 6:-6]
    layers = to_layers(RGBD(rgb, MetricDepth(framed, unit="m"), CAMERA))
    assert not layers.unknown.any()
    for pose in PLACES:
        whole, view = render_view(LAYERS, CAMERA, pose), render_view(layers, CAMERA, pose)
        # Which place the outermost covered pixels show hangs on the depth that was filled in.
        surely = cv2.erode(whole.coverage.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        assert not (surely & ~view.coverage).any()


def test_what_the_photo_did_not_see_is_not_covered() -> None:
    view = render_view(LAYERS, CAMERA, _pose(0.3, 0, 0))
    assert not view.coverage[:, -10:].any()
    assert view.coverage[:, :130].all()


def test_a_view_may_have_any_size() -> None:
    large = CAMERA.resized(320, 240)
    truth, _, _ = _seen(large, PLACES[0])
    view = render_view(LAYERS, large, PLACES[0])
    assert view.rgb.shape == (240, 320, 3)
    assert np.median(np.abs(view.rgb.astype(int) - truth)[view.coverage]) <= 1


@pytest.mark.parametrize("cell", [1, 2, 3])
def test_prepared_layers_are_drawn_the_same_and_faster(cell: int) -> None:
    viewpoints = [Viewpoint(CAMERA, pose) for pose in PLACES]
    prepared = prepare_layers(LAYERS, viewpoints, cell=cell)
    for viewpoint in viewpoints:
        drawn, exact = draw_view(prepared, viewpoint), render_view(LAYERS, CAMERA, viewpoint.pose).rgb
        off = np.abs(drawn.astype(int) - exact)
        assert np.percentile(off, 98) <= 3 * cell


def test_a_line_meets_a_plane_where_geometry_says() -> None:
    plane = slanted_plane(CAMERA)
    pose = _pose(0.1, -0.05, 0.2, yaw=0.05)
    uv = pixel_centres(*CAMERA.size)
    x, y = trace(plane.inverse_metres.astype(np.float32), epipolar_lines(CAMERA, CAMERA, pose, uv[..., 0], uv[..., 1]))
    inside = np.s_[20:100, 20:140]
    inverse = plane.inverse_metres[0, 0] + (plane.inverse_metres[0, 1] - plane.inverse_metres[0, 0]) * (x - 0.5)
    inverse = inverse + (plane.inverse_metres[1, 0] - plane.inverse_metres[0, 0]) * (y - 0.5)
    points = (
        np.stack([(x - CAMERA.cx) / CAMERA.fx, (y - CAMERA.cy) / CAMERA.fy, np.ones_like(x)], -1) / inverse[..., None]
    )
    seen = (points - pose.world_from_cam[:3, 3]) @ pose.world_from_cam[:3, :3]
    back = seen[..., :2] / seen[..., 2:] * (CAMERA.fx, CAMERA.fy) + (CAMERA.cx, CAMERA.cy)
    np.testing.assert_allclose(back[inside], uv[inside], atol=0.05)


def test_gentle_keeps_what_is_near_and_falls_no_faster() -> None:
    step = np.zeros((5, 40), np.float32)
    step[:, :10] = 1
    soft = limit_slopes(step, 0.1, np.inf)
    np.testing.assert_array_equal(soft[:, :10], 1)
    np.testing.assert_allclose(np.diff(soft[2, 9:21]), [-0.1] * 10 + [0.0], atol=1e-6)
    np.testing.assert_array_equal(limit_slopes(step, np.inf, 0.1), step)
