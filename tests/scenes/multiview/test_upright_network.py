"""Photos that lie on their side are seen upright by the network and by the finder of sky."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import depth3d as d3
from depth3d.core.camera import Intrinsics, Pose
from depth3d.core.options import DepthOptions
from depth3d.io.photos.photo import Photo
from depth3d.scenes.multiview.upright_network import UprightNetwork, quarter_turns, with_upright_sky
from depth3d.scenes.photo import reconstruct

UP = (0.0, 1.0, 0.0)
"""ARKit's."""

LEVEL = np.diag([1.0, -1.0, -1.0, 1.0])
"""World from a camera that is held level in a world with y up."""


def _rolled(turns: int) -> Pose:
    """A camera that was turned so that its photo stands upright after so many quarter turns counter-clockwise."""
    angle = np.radians(90 * turns)
    roll = np.eye(4)
    roll[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return Pose(LEVEL @ roll.T)


def _street() -> NDArray[np.uint8]:
    rgb = np.random.default_rng(0).integers(30, 150, (60, 80, 3), dtype=np.uint8)
    rgb[:30] = (110, 165, 235)
    return rgb


def _ground_is_near(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Knows no more than that what is below is near, as networks do of upright photos."""
    height, width = rgb.shape[:2]
    rows = np.clip(np.linspace(-1, 1, height, dtype=np.float32), 0, None)
    return np.repeat(rows[:, None], width, axis=1)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_gravity_tells_how_a_camera_was_held(turns: int) -> None:
    pose = _rolled(turns)
    assert quarter_turns(pose, UP) == turns
    assert quarter_turns(pose, None) == 0
    # Turning the photo so, with the camera's own rule for it, makes it level.
    upright = pose.turned({0: 1, 1: 8, 2: 3, 3: 6}[turns])
    assert upright.cam_from_world[:3, :3] @ UP == pytest.approx((0, -1, 0), abs=1e-9)


def test_a_camera_that_looks_down_is_left_alone() -> None:
    assert quarter_turns(Pose(np.eye(4)), (0.2, 0.1, -1.0)) == 0
    assert quarter_turns(Pose(np.eye(4)), (0.8, 0.1, -1.0)) == 1


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_depth_and_sky_are_those_of_the_upright_photo_turned_back(turns: int) -> None:
    upright = Photo(_street())
    lying = Photo(np.ascontiguousarray(np.rot90(upright.rgb, -turns)))
    predictor = d3.predictor(kind="inverse")(_ground_is_near)
    true = reconstruct(upright, predictor=predictor)
    assert true.sky is not None
    assert true.inverse_depth is not None
    camera = Intrinsics.from_fov(*lying.size, fov_x_deg=60)
    scene = reconstruct(lying, camera=camera, predictor=UprightNetwork(DepthOptions(), turns, predictor))
    scene = with_upright_sky(scene, turns)
    assert scene.inverse_depth is not None
    assert scene.sky is not None
    assert np.array_equal(np.rot90(scene.inverse_depth.values, turns), true.inverse_depth.values)
    assert np.array_equal(np.rot90(scene.sky, turns), true.sky)
