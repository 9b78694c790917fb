"""Laws of soft depth edges, and of how far what lies behind them reaches."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from rasteriser import render
from synthetic_scenes import Truth, slanted_plane, small_camera

from depth3d.core.rgbd import RGBD
from depth3d.geometry.mesh import Mesh, TurnLimits
from depth3d.layers import to_layered_mesh, to_layers
from depth3d.layers.sharpen import sharpen_edges
from depth3d.layers.view_range import find_turn_limits

NEAR, FAR, SOFT_PX = 0.9, 0.4, 16
CAMERA = small_camera(320, 240)


def _soft_box(left: int = 120, right: int = 200) -> NDArray[np.float32]:
    """A near box whose left and right side slope to the wall over some pixels, as a network draws them."""
    u = np.arange(320) + 0.5
    rise = np.clip((np.minimum(u - left, right - u) / SOFT_PX) + 0.5, 0, 1)
    inverse = np.full((240, 320), FAR, np.float32)
    inverse[70:170] = (FAR + (NEAR - FAR) * rise).astype(np.float32)
    return inverse


def test_a_soft_edge_becomes_a_step_halfway_up() -> None:
    sharp = sharpen_edges(_soft_box())
    row = sharp[120]
    assert np.isclose(row, FAR, rtol=0.02).sum() + np.isclose(row, NEAR, rtol=0.02).sum() >= 318
    assert abs(int((row > (NEAR + FAR) / 2).argmax()) - 120) <= 1
    assert abs(int((row[::-1] > (NEAR + FAR) / 2).argmax()) - 120) <= 1


@pytest.mark.parametrize("name", ["floor", "step", "gentle"])
def test_floors_steps_and_gentle_slopes_stay(name: str) -> None:
    inverse = {
        "floor": slanted_plane(CAMERA, normal=(0.0, -1.0, -0.3), metres=2).inverse_metres.astype(np.float32),
        "step": np.where(_soft_box() > (NEAR + FAR) / 2, np.float32(NEAR), np.float32(FAR)),
        "gentle": np.broadcast_to(np.linspace(0.5, 0.9, 320, dtype=np.float32), (240, 320)).copy(),
    }[name]
    np.testing.assert_allclose(sharpen_edges(inverse), inverse, rtol=1e-6)


def test_sharpening_does_not_depend_on_the_unit() -> None:
    soft = _soft_box()
    np.testing.assert_allclose(sharpen_edges(soft * 100) / 100, sharpen_edges(soft), rtol=1e-4)


def _layered(inverse: NDArray[np.float32]) -> tuple[Mesh, Truth]:
    rgb = np.full((240, 320, 3), 90, np.uint8)
    rgb[inverse > (NEAR + FAR) / 2] = (200, 40, 40)
    truth = Truth(CAMERA, inverse, rgb)
    return to_layered_mesh(RGBD(rgb, truth.depth, CAMERA)), truth


@pytest.mark.parametrize("degrees", [-15.0, 15.0])
def test_a_soft_edge_is_no_rubber_sheet_when_it_is_turned(degrees: float) -> None:
    mesh, _ = _layered(_soft_box())
    angle, pivot = math.radians(degrees), np.array([0, 0, 1 / FAR])
    pose = np.eye(4)
    pose[:3, :3] = [[math.cos(angle), 0, math.sin(angle)], [0, 1, 0], [-math.sin(angle), 0, math.cos(angle)]]
    pose[:3, 3] = pivot - pose[:3, :3] @ pivot
    shown = render(mesh, CAMERA, pose)
    back = np.linalg.inv(pose)
    # Its upper and lower side are steps already.
    rows, columns = np.nonzero((shown.face >= 0) & (np.abs(np.arange(240) - 120) < 30)[:, None])
    z = shown.z[rows, columns]
    seen = np.stack([(columns + 0.5 - CAMERA.cx) / CAMERA.fx * z, (rows + 0.5 - CAMERA.cy) / CAMERA.fy * z, z], axis=1)
    metres = (seen @ back[:3, :3].T + back[:3, 3])[:, 2]
    between = (1 / metres > FAR * 1.1) & (1 / metres < NEAR / 1.1)
    assert between.mean() < 0.002
    assert (shown.face >= 0)[80:160, 60:260].all()


def test_what_is_in_the_middle_may_be_turned_as_far_as_layers_reach() -> None:
    mesh, _ = _layered(_soft_box())
    assert mesh.meshing is not None
    assert mesh.meshing.turn_limits == TurnLimits(20.0, 20.0, 20.0, 20.0)


def test_what_stands_at_the_border_hides_what_the_photo_never_saw() -> None:
    step = np.where(_soft_box(270, 340) > (NEAR + FAR) / 2, np.float32(NEAR), np.float32(FAR))
    layers = to_layers(RGBD(np.zeros((240, 320, 3), np.uint8), Truth(CAMERA, step, step).depth, CAMERA))
    limits = find_turn_limits(layers)
    # 50 pixels of the wall are filled behind it, and a gap of one hundredth of the width may stay.
    opened_px = CAMERA.fx * (NEAR - FAR) * 2 * math.sin(math.radians(limits.left) / 2) / FAR
    assert opened_px == pytest.approx(50 + 3.2, rel=0.05)
    assert (limits.right, limits.up, limits.down) == (20.0, 20.0, 20.0)
