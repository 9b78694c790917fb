"""What a network says comes back as the depth that it meant, whatever its terms."""

from __future__ import annotations

import numpy as np
import pytest
from exact import CAMERA, FOCAL_PX, HEIGHT, WIDTH, exact_depth, exact_points

from depth3d.core.depth import InverseDepth
from depth3d.core.errors import DepthMapError, UsageError
from depth3d.predictors.point_map_focal import recover_focal, recover_shift
from depth3d.predictors.prediction import KINDS, Prediction
from depth3d.predictors.to_inverse import to_inverse_depth

Z = exact_depth().astype(np.float32)
SIZE = (WIDTH, HEIGHT)


def said(kind: str, a: float = 1.0, b: float = 0.0) -> np.ndarray:
    """The true depth in a network's terms, such that the kind's formula holds with this a and b."""
    points = exact_points()
    return {
        "inverse": (1 / Z - b) / a,
        "disparity": 1 / Z / a,
        "relative": (Z - b) / a,
        "depth": Z / a,
        "log": np.log(Z / a),
        "metric": Z,
        "points": (points + (0, 0, b)) / a,
        "metric points": points + (0, 0, b),
    }[kind]


def proportional(values: np.ndarray, wanted: np.ndarray) -> float:
    """How far two maps are from proportional, relative."""
    ratio = values / wanted
    return float(np.ptp(ratio) / ratio.mean())


@pytest.mark.parametrize("kind", ["disparity", "depth", "log", "metric", "points", "metric points"])
def test_depth_up_to_scale_comes_back_as_inverse_depth_whose_zero_is_infinity(kind: str) -> None:
    a, b = (2.5, 0.7) if kind == "points" else (1, -0.4) if kind == "metric points" else (2.5, 0)
    if kind == "metric":
        a = 1
    seen = to_inverse_depth(Prediction(said(kind, a, b), kind), SIZE)
    assert seen.zero_is_infinity
    assert proportional(seen.values, 1 / Z) < 1e-3
    assert (seen.metric_sigma is not None) == (kind in ("metric", "metric points"))
    if seen.metric_sigma is not None:
        np.testing.assert_allclose(1 / seen.values, Z, rtol=1e-3)


def test_affine_inverse_depth_stays_affine_and_is_never_negative() -> None:
    seen = to_inverse_depth(Prediction(said("inverse", 0.1, 0.9), "inverse"), SIZE)
    assert not seen.zero_is_infinity
    assert seen.values.min() == 0
    assert np.corrcoef(seen.values.ravel(), (1 / Z).ravel())[0, 1] == pytest.approx(1, abs=1e-6)


def test_relative_depth_gets_a_shift_that_is_assumed_and_said() -> None:
    seen = to_inverse_depth(Prediction(said("relative", 3, 2), "relative"), SIZE)
    near, far = np.percentile(1 / seen.values, (2, 98))
    assert far / near == pytest.approx(4, rel=1e-3)
    assert "its shift assumed" in seen.source
    assert not seen.zero_is_infinity


@pytest.mark.parametrize("shape", [(60, 80), (48, 97)])
def test_camera_and_shift_are_recovered_from_points_of_any_grid(shape: tuple[int, int]) -> None:
    points = (exact_points(shape[1], shape[0]) - (0, 0, 0.9)) * 0.3
    known = np.ones(shape, bool)
    found = recover_focal(points.astype(np.float32), known, SIZE)
    assert found.focal_px == pytest.approx(FOCAL_PX, rel=1e-3)
    assert found.shift == pytest.approx(0.27, rel=1e-3)
    assert found.error_px < 0.05
    assert recover_shift(points.astype(np.float32), known, CAMERA).shift == pytest.approx(0.27, rel=1e-3)


def test_points_behind_the_camera_of_no_shift_are_moved_before_it() -> None:
    found = recover_focal((exact_points() - (0, 0, 3)).astype(np.float32), np.ones(Z.shape, bool), SIZE)
    assert found.shift == pytest.approx(3, rel=1e-3)


def test_points_that_no_camera_sees_are_refused() -> None:
    mirrored = exact_points() * (-1, -1, 1)
    with pytest.raises(DepthMapError, match="seen by no camera"):
        recover_focal(mirrored.astype(np.float32), np.ones(Z.shape, bool), SIZE)
    with pytest.raises(DepthMapError, match="0 points of the photo, too few"):
        recover_focal(mirrored.astype(np.float32), np.zeros(Z.shape, bool), SIZE)


def test_metres_of_another_focal_length_follow_the_camera() -> None:
    half = Prediction(Z / 2, "metric", focal_px=FOCAL_PX / 2, follows_focal=True)
    np.testing.assert_allclose(1 / to_inverse_depth(half, SIZE, CAMERA).values, Z, rtol=1e-6)
    np.testing.assert_allclose(1 / to_inverse_depth(half, SIZE).values, Z / 2, rtol=1e-6)


def test_what_the_network_does_not_know_stays_unknown() -> None:
    mask, confidence = Z < 4.9, np.ones_like(Z)
    confidence[:10] = 0
    seen = to_inverse_depth(Prediction(Z, "metric", mask=mask, confidence=confidence), SIZE)
    np.testing.assert_array_equal(np.isfinite(seen.values), mask & (confidence > 0))
    larger = to_inverse_depth(Prediction(Z, "metric", mask=mask), (WIDTH * 2, HEIGHT * 2))
    assert larger.values.shape == (HEIGHT * 2, WIDTH * 2)
    assert np.isnan(larger.values).mean() == pytest.approx((~mask).mean(), abs=0.01)
    assert 1 / np.nanmin(larger.values) <= 4.9


def test_each_wrong_prediction_is_named() -> None:
    with pytest.raises(UsageError, match="unknown kind of network output 'deep'; choose one of inverse, disparity"):
        Prediction(Z, "deep")
    with pytest.raises(DepthMapError, match=r"a network: inverse must have shape \(h, w\), got \(120, 160, 3\)"):
        Prediction(exact_points(), "inverse")
    with pytest.raises(DepthMapError, match=r"points must have shape \(h, w, 3\), got \(120, 160\)"):
        Prediction(Z, "points")
    with pytest.raises(DepthMapError, match=r"mask has shape \(2, 2\)"):
        Prediction(Z, "depth", mask=np.ones((2, 2), bool))
    with pytest.raises(DepthMapError, match="focal_px must be positive, got -3"):
        Prediction(Z, "depth", focal_px=-3)
    with pytest.raises(DepthMapError, match="tells no depth of this photo"):
        to_inverse_depth(Prediction(-Z, "depth"), SIZE)
    with pytest.raises(DepthMapError, match="metres need a positive error and a zero at infinity, got error 0.1"):
        InverseDepth(Z, metric_sigma=0.1)


def test_every_kind_is_tried_above() -> None:
    for kind in KINDS:
        assert Prediction(said(kind), kind).is_metric == kind.startswith("metric")
