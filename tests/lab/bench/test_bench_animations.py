"""The benchmark of moving pictures measures what it says."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from depth3d.core.camera import Intrinsics, Pose
from depth3d.lab.bench.exact_views import exact_views
from depth3d.lab.bench.image_similarity import psnr, ssim
from depth3d.lab.bench.quad_scene import shoot
from depth3d.lab.bench.real_views import judge_pair, motorcycle

CAMERA = Intrinsics.from_fov(96, 54, fov_x_deg=60)


def test_cards_have_exact_depth_and_points() -> None:
    pose = np.eye(4)
    pose[:3, 3] = 0.1, -0.05, 0.2
    shot = shoot(CAMERA, Pose(pose))
    assert set(np.unique(shot.thing)) == {0, 1, 2, 3}
    seen = shot.xyz - pose[:3, 3]
    np.testing.assert_allclose(seen[..., 2], shot.metres, rtol=1e-5)
    u = CAMERA.cx + CAMERA.fx * seen[..., 0] / seen[..., 2]
    np.testing.assert_allclose(u, np.broadcast_to(np.arange(96) + 0.5, u.shape), atol=1e-3)
    np.testing.assert_allclose(shot.xyz[shot.thing == 3][:, 2], 1.3, rtol=1e-5)


def test_likeness_knows_equal_and_unequal() -> None:
    rng = np.random.default_rng(0)
    one = rng.integers(0, 256, (40, 40, 3)).astype(np.uint8)
    everywhere = np.ones((40, 40), bool)
    assert ssim(one, one, everywhere) == pytest.approx(1, abs=1e-4)
    assert ssim(one, 255 - one, everywhere) < 0
    assert psnr(np.zeros_like(one), np.full_like(one, 51)) == pytest.approx(20 * math.log10(5))
    assert math.isnan(psnr(one, one, ~everywhere))


def test_every_motion_is_judged_and_flickers_little() -> None:
    section = exact_views(frames=4, camera=CAMERA)
    assert len(section.remarks) == 10
    assert section.figures[0].is_met
    assert section.figures[1].value == 0


def test_the_motorcycle_gains_from_layers(shared_data: Path) -> None:
    judged = judge_pair(motorcycle(shared_data / "middlebury_motorcycle"))
    assert judged.gain_db > 4.3
    assert judged.unfilled == 0
