"""Lengths in the scene against the truth, and their error bars."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from synthetic_scenes import box_corner, small_camera

from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import HintError, UsageError
from depth3d.geometry.measure import measure_length
from depth3d.scale import DepthAt, fit_scale

CAMERA = small_camera(160, 120)
ROOM = box_corner(CAMERA)


def _true(column: float, row: float) -> np.ndarray:
    ray = np.array([(column + 0.5 - CAMERA.cx) / CAMERA.fx, (row + 0.5 - CAMERA.cy) / CAMERA.fy, 1])
    return ray / ROOM.inverse_metres[int(row), int(column)]


def test_lengths_are_true() -> None:
    length = float(np.linalg.norm(_true(20, 100) - _true(120, 40)))
    found = measure_length((20.5, 100.5), (120.5, 40.5), camera=CAMERA, depth=ROOM.depth)
    assert found.metres == pytest.approx(length, rel=1e-5)
    assert found.sigma_m is None
    to_camera = measure_length((20.5, 100.5), camera=CAMERA, depth=ROOM.depth)
    assert to_camera.metres == pytest.approx(float(np.linalg.norm(_true(20, 100))), rel=1e-5)
    np.testing.assert_allclose(found.ends[0], _true(20, 100), rtol=1e-4)


def test_the_error_bar_is_honest() -> None:
    rng = np.random.default_rng(0)
    noise = 0.02
    span = np.subtract(*np.percentile(ROOM.inverse_metres, [98, 2]))
    inside, within = [], []
    for _ in range(150):
        values = (ROOM.inverse_metres + rng.normal(0, noise * span, ROOM.inverse_metres.shape)).astype(np.float32)
        inverse_depth = InverseDepth(values, noise=noise)
        hints = []
        for column, row in ((5, 110), (110, 30), (60, 70), (150, 110)):
            z = 1 / ROOM.inverse_metres[row, column]
            hints.append(DepthAt(column + 0.5, row + 0.5, z * (1 + rng.normal(0, 0.02))))
        fit = fit_scale(inverse_depth, CAMERA, hints)
        start, end = (rng.integers(0, 160), rng.integers(0, 120)), (rng.integers(0, 160), rng.integers(0, 120))
        truth = float(np.linalg.norm(_true(*start) - _true(*end)))
        if truth < 0.5:
            continue
        a, b = (start[0] + 0.5, start[1] + 0.5), (end[0] + 0.5, end[1] + 0.5)
        found = measure_length(
            a, b, camera=CAMERA, depth=fit.apply(inverse_depth), inverse_depth=inverse_depth, fit=fit
        )
        assert found.sigma_m is not None
        assert found.range_m is not None
        inside.append(abs(found.metres - truth) < found.sigma_m)
        within.append(found.range_m[0] < truth < found.range_m[1])
    assert 0.58 < np.mean(inside) < 0.82
    assert np.mean(within) > 0.9


def test_a_sensors_own_sigma_is_used() -> None:
    depth = MetricDepth(np.full((120, 160), 2, np.float32), np.full((120, 160), 0.1, np.float32), unit="m")
    found = measure_length((CAMERA.cx, CAMERA.cy), camera=CAMERA, depth=depth)
    assert found.metres == pytest.approx(2, rel=1e-4)
    assert found.sigma_m == pytest.approx(0.1, rel=1e-3)


def test_bad_ends_are_refused() -> None:
    with pytest.raises(UsageError, match="two different"):
        measure_length((5, 5), (5, 5), camera=CAMERA, depth=ROOM.depth)
    with pytest.raises(HintError, match="outside the 160x120"):
        measure_length((5, 5), (500, 5), camera=CAMERA, depth=ROOM.depth)
    metres = ROOM.depth.z.copy()
    metres[:20, :20] = np.nan
    with pytest.raises(HintError, match="unknown"):
        measure_length((5, 5), (100, 100), camera=CAMERA, depth=MetricDepth(metres, unit="m"))


def test_an_uncertain_focal_length_stretches_what_lies_across() -> None:
    depth = MetricDepth(np.full((120, 160), 2, np.float32), np.full((120, 160), 1e-6, np.float32), unit="m")
    unsure = replace(CAMERA, focal_sigma=0.25)
    across = measure_length((10, 60), (150, 60), camera=unsure, depth=depth)
    assert across.sigma_m == pytest.approx(across.metres * 0.2, rel=1e-3)
    along = measure_length((CAMERA.cx, CAMERA.cy), camera=unsure, depth=depth)
    assert along.sigma_m == pytest.approx(0, abs=1e-5)
