"""Depth guided by points, on depth maps that are known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth
from depth3d.core.errors import HintError
from depth3d.scale import SparsePoints
from depth3d.scenes.multiview.guided_depth import GuidedDepth, guide_by_points

WIDTH, HEIGHT = 160, 120
CAMERA = Intrinsics.from_fov(WIDTH, HEIGHT, fov_x_deg=60)


def _true() -> NDArray[np.float32]:
    """(H, W) a floor that rises to a wall, and a box before it."""
    v, u = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    z = np.minimum(120 / np.maximum(v - 40, 24), 5.0)
    box = (abs(u - 60) < 25) & (abs(v - 60) < 22)
    return np.where(box, 1.4, z).astype(np.float32)


def _points(z: NDArray[np.float32], count: int, *, outliers: int = 0) -> SparsePoints:
    rng = np.random.default_rng(4)
    u, v = rng.integers(0, WIDTH, count), rng.integers(0, HEIGHT, count)
    metres = z[v, u] * (1 + rng.normal(0, 0.01, count))
    metres[:outliers] *= rng.uniform(1.5, 3, outliers)
    return SparsePoints(u + 0.5, v + 0.5, metres, 0.01)


def _errors(guided: GuidedDepth, z: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.abs(guided.depth.z / z - 1)


def test_exact_inverse_depth_stays_exact_in_spite_of_outliers() -> None:
    z = _true()
    guided = guide_by_points(InverseDepth((1 / z - 0.07) / 0.3), CAMERA, [_points(z, 300, outliers=60)])
    assert np.nanmedian(_errors(guided, z)) < 0.005
    assert np.nanquantile(_errors(guided, z), 0.95) < 0.02
    assert guided.points == 300
    assert guided.notes == ()


def test_what_the_network_bends_is_bent_back() -> None:
    z = _true()
    u = np.linspace(-1, 1, WIDTH, dtype=np.float32)
    seen = InverseDepth((1 / z) * (1 + 0.25 * u) + 0.1 * u**2)
    points = _points(z, 400, outliers=20)
    a, b = np.polyfit(seen.values.ravel(), 1 / z.ravel(), 1)  # the best line of all
    plain = 1 / (a * seen.values + b)
    guided = guide_by_points(seen, CAMERA, [points])
    assert np.nanmedian(np.abs(plain / z - 1)) > 0.05
    assert np.nanmedian(_errors(guided, z)) < 0.015
    box = _errors(guided, z)[45:75, 40:80]
    assert np.median(box) < 0.02  # the correction does not cross the edge of the box


def test_a_network_that_sees_the_points_in_another_order_drops_no_photo() -> None:
    z = _true()
    guided = guide_by_points(InverseDepth(z.copy()), CAMERA, [_points(z, 400)])
    assert "another order" in guided.notes[0]
    assert np.nanmedian(_errors(guided, z)) < 0.05
    with pytest.raises(HintError, match="2 points of known depth, at least 3"):
        guide_by_points(InverseDepth(z.copy()), CAMERA, [_points(z, 2)])


def test_the_error_bar_holds_and_grows_where_no_points_are() -> None:
    z = _true()
    rng = np.random.default_rng(2)
    waves = sum(np.sin(np.mgrid[0:HEIGHT, 0:WIDTH][axis] / 17 + phase) for axis, phase in ((0, 1), (1, 2)))
    seen = InverseDepth((1 / z + 0.03 * waves + rng.normal(0, 0.004, z.shape)).astype(np.float32))
    points = _points(z, 500)
    left = points.u < WIDTH / 2
    half = SparsePoints(points.u[left], points.v[left], points.metres[left], 0.01)
    guided = guide_by_points(seen, CAMERA, [half])
    assert guided.depth.sigma is not None
    share = guided.depth.sigma / guided.depth.z
    assert np.median(share[:, -40:]) > 1.5 * np.median(share[:, :60])
    inside = np.abs(guided.depth.z - z) < 2 * guided.depth.sigma
    assert inside[:, :60].mean() > 0.85
    assert inside[:, -40:].mean() > 0.75


def test_the_same_points_in_another_unit_give_the_same_depth() -> None:
    z = _true()
    seen = InverseDepth((1 / z) ** 1.2)
    points = _points(z, 200)
    large = SparsePoints(points.u, points.v, points.metres * 1000, 0.01)
    one, other = guide_by_points(seen, CAMERA, [points]), guide_by_points(seen, CAMERA, [large])
    assert other.depth.z / 1000 == pytest.approx(one.depth.z, rel=1e-3, nan_ok=True)
    assert other.farthest == pytest.approx(1000 * one.farthest)
