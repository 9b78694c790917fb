"""Laws of scaling: exact hints recover a and b; what is not determined is said; no true hint is refused."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from synthetic_scenes import box_corner, slanted_plane, small_camera

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth
from depth3d.core.errors import CameraError, HintError, UsageError
from depth3d.scale import DepthAt, DistanceAt, Farthest, Nearest, fit_scale
from depth3d.scale.posterior import ASSUMED_FAR_OVER_NEAR

CAMERA = small_camera()
TRUTH = box_corner(CAMERA)
columns = st.integers(0, CAMERA.width - 1)
rows = st.integers(0, CAMERA.height - 1)


def tape(column: int, row: int) -> DistanceAt:
    """An exact tape measurement of the true scene."""
    z = 1 / TRUTH.inverse_metres[row, column]
    u, v = column + 0.5, row + 0.5
    ray = (u - CAMERA.cx) / CAMERA.fx, (v - CAMERA.cy) / CAMERA.fy, 1
    metres = z * math.hypot(*ray)
    return DistanceAt(u, v, metres, 1e-6 * metres)


@given(
    a=st.floats(1e-4, 1e4),
    b=st.floats(-0.5, 0.5),
    pixels=st.lists(st.tuples(columns, rows), min_size=2, max_size=6, unique=True),
)
def test_exact_distances_recover_a_and_b(a: float, b: float, pixels: list[tuple[int, int]]) -> None:
    inverse = [TRUTH.inverse_metres[row, column] for column, row in pixels]
    assume(max(inverse) - min(inverse) > 0.02)
    fit = fit_scale(TRUTH.inverse_depth(a, b), CAMERA, [tape(*pixel) for pixel in pixels])
    # float32 inverse depth carries 1e-7 of its own size, which a small range of hints magnifies.
    slack = 1e-4 * (1 + abs(b))
    assert fit.a == pytest.approx(a, rel=slack)
    assert fit.b == pytest.approx(b, abs=slack)
    assert fit.is_metric
    np.testing.assert_allclose(fit.apply(TRUTH.inverse_depth(a, b)).z, TRUTH.depth.z, rtol=1e-3)


def test_a_distance_is_the_length_of_the_ray_and_not_z() -> None:
    camera = Intrinsics(4, 4, 2, 2, 2, 2)
    inverse_depth = InverseDepth(np.ones((4, 4), np.float32), zero_is_infinity=True)
    # At the corner (4, 4) the ray is (1, 1, 1), of length sqrt(3).
    fit = fit_scale(inverse_depth, camera, [DistanceAt(4, 4, math.sqrt(3) * 5)])
    assert fit.apply(inverse_depth).z == pytest.approx(np.full((4, 4), 5))


def test_between_pixel_centres_d_is_read_bilinearly_and_unknown_neighbours_are_left_out() -> None:
    camera = Intrinsics.from_fov(2, 2, fov_x_deg=60)
    values = np.array([[1, 3], [5, np.nan]], np.float32)
    inverse_depth = InverseDepth(values, zero_is_infinity=True)
    flat = InverseDepth(np.nan_to_num(values, nan=7), zero_is_infinity=True)
    hint = [DistanceAt(1, 1, 2.0)]
    assert fit_scale(flat, camera, hint).a == pytest.approx(1 / (4 * 2.0))
    assert fit_scale(inverse_depth, camera, hint).a == pytest.approx(1 / (3 * 2.0))
    assert fit_scale(inverse_depth, camera, [DistanceAt(0, 0, 1.0)]).a == pytest.approx(
        math.hypot(1, 1, math.sqrt(3)) / math.sqrt(3)
    )


def test_near_and_far_bound_the_depth_and_hold_what_lies_beyond() -> None:
    inverse_depth = InverseDepth(np.linspace(-3, 9, 1001, dtype=np.float32).reshape(7, 143))
    fit = fit_scale(inverse_depth, Intrinsics.from_fov(143, 7, fov_x_deg=60), [Nearest(0.8), Farthest(12)])
    metres = fit.apply(inverse_depth).z
    assert metres.min() == pytest.approx(0.8, rel=1e-3)
    assert metres.max() == pytest.approx(12, rel=1e-2)
    d = inverse_depth.values.ravel()
    assert metres.ravel()[20] == pytest.approx(12, rel=1e-2)
    assert (metres.ravel()[981:] == metres.min()).all()
    assert fit.a * d[980] + fit.b == pytest.approx(1 / 0.8, rel=1e-3)
    # A straight ramp in d stays one in 1/z.
    inside = 1 / metres.ravel()[21:979]
    np.testing.assert_allclose(np.diff(inside), (1 / 0.8 - 1 / 12) / 960, rtol=0.05)


def test_no_hint_is_an_arbitrary_unit_and_says_so() -> None:
    fit = fit_scale(TRUTH.inverse_depth(3.0, 0.1), CAMERA)
    assert not fit.is_metric
    assert fit.unit == "arbitrary"
    assert "arbitrary" in fit.notes[0]
    metres = fit.apply(TRUTH.inverse_depth(3.0, 0.1)).z
    assert np.percentile(metres, 2) == pytest.approx(1, rel=0.02)
    assert np.percentile(metres, 98) == pytest.approx(ASSUMED_FAR_OVER_NEAR, rel=0.05)


def test_one_hint_meets_its_distance_and_states_the_guess() -> None:
    hint = tape(10, 40)
    fit = fit_scale(TRUTH.inverse_depth(3.0, 0.1), CAMERA, [hint])
    assert fit.is_metric
    assert "leave the range of depth open" in fit.notes[0]
    assert "4 times" in fit.notes[0]
    assert fit.apply(TRUTH.inverse_depth(3.0, 0.1)).z[40, 10] == pytest.approx(
        1 / TRUTH.inverse_metres[40, 10], rel=1e-5
    )


def test_where_zero_is_infinity_one_hint_is_enough() -> None:
    inverse_depth = InverseDepth(np.asarray(TRUTH.inverse_metres * 7, np.float32), zero_is_infinity=True)
    fit = fit_scale(inverse_depth, CAMERA, [tape(10, 40)])
    assert fit.notes == ()
    np.testing.assert_allclose(fit.apply(inverse_depth).z, TRUTH.depth.z, rtol=1e-5)
    arbitrary = fit_scale(inverse_depth, CAMERA)
    assert not arbitrary.is_metric
    assert arbitrary.b == 0


def test_nothing_that_is_seen_is_put_beyond_infinity() -> None:
    """The straight line through two hints is negative at d = -1; what the network sees there is far, and has depth."""
    inverse_depth = InverseDepth(np.array([[-1, 0, 1, 2, np.nan]], np.float32), noise_strength=0.2)
    camera = Intrinsics.from_fov(5, 1, fov_x_deg=1e-3)
    depth = fit_scale(inverse_depth, camera, [DistanceAt(2.5, 0.5, 1), DistanceAt(3.5, 0.5, 0.5)]).apply(inverse_depth)
    assert np.isfinite(depth.z[0, :4]).all()
    assert np.isnan(depth.z[0, 4])
    assert (np.diff(depth.z[0, :4]) < 0).all()
    assert depth.z[0, 0] > 2


def test_where_d_is_proportional_to_inverse_depth_zero_is_infinity() -> None:
    inverse_depth = InverseDepth(np.array([[-1, 0, 1, 2]], np.float32), zero_is_infinity=True)
    camera = Intrinsics.from_fov(4, 1, fov_x_deg=1e-3)
    fit = fit_scale(inverse_depth, camera, [DistanceAt(2.5, 0.5, 1)])
    np.testing.assert_allclose(fit.apply(inverse_depth).z, [[np.nan, np.nan, 1, 0.5]], rtol=1e-5)


@pytest.mark.parametrize("factor", [0.3, 1.6, 6])
def test_a_hint_that_contradicts_the_others_is_named_and_left_out(factor: float) -> None:
    hints = [tape(5, 5), tape(30, 20), tape(60, 5), tape(20, 45), tape(40, 30)]
    wrong = DistanceAt(hints[1].u, hints[1].v, hints[1].metres * factor)
    fit = fit_scale(TRUTH.inverse_depth(), CAMERA, [hints[0], wrong, *hints[2:]])
    assert fit.a == pytest.approx(1, rel=1e-4)
    assert fit.b == pytest.approx(0, abs=1e-4)
    (note,) = fit.notes
    assert f"{wrong.u:g},{wrong.v:g}={wrong.metres:g}m means a depth of" in note
    assert "the others say 2.52 m there; it is left out" in note
    assert fit.doubted == (wrong.name,)
    assert [r.is_used for r in fit.residuals] == [True, False, True, True, True]


def test_messages_call_a_hint_by_its_label_wherever_its_pixel_has_moved() -> None:
    hints = [tape(column, row) for column, row in ((5, 5), (20, 30), (40, 10), (55, 40), (60, 5))]
    wrong = replace(hints[1], metres=hints[1].metres * 3, label="B (9 m)")
    assert wrong.moved(lambda uv: uv + 0.25).name == wrong.name == "B (9 m)"
    assert wrong == replace(wrong, label=None), "the same hint, whatever it is called"
    fit = fit_scale(TRUTH.inverse_depth(), CAMERA, [hints[0], wrong, *hints[2:]])
    assert fit.doubted == ("B (9 m)",)
    assert any("the hint B (9 m) means a depth of" in note for note in fit.notes)
    assert [residual.pixel for residual in fit.residuals] == [(hint.u, hint.v) for hint in hints]


def test_of_three_hints_none_is_left_out() -> None:
    hints = [tape(5, 5), tape(30, 20), tape(60, 5)]
    wrong = DistanceAt(hints[1].u, hints[1].v, hints[1].metres * 4)
    fit = fit_scale(TRUTH.inverse_depth(), CAMERA, [hints[0], wrong, hints[2]])
    assert fit.doubted == ()
    assert all(residual.is_used for residual in fit.residuals)
    assert any("agrees badly with the others" in note for note in fit.notes)


def test_two_distances_of_one_place_that_disagree_are_named() -> None:
    hint = tape(5, 5)
    fit = fit_scale(TRUTH.inverse_depth(), CAMERA, [hint, DistanceAt(hint.u, hint.v, 2 * hint.metres)])
    assert any("are of one place and disagree" in note for note in fit.notes)
    alike = fit_scale(TRUTH.inverse_depth(), CAMERA, [hint, DistanceAt(hint.u, hint.v, 1.01 * hint.metres)])
    assert not any("of one place" in note for note in alike.notes)


def test_a_hint_beyond_the_farthest_depth_is_named() -> None:
    fit = fit_scale(TRUTH.inverse_depth(), CAMERA, [DepthAt(5.5, 5.5, 6.0), Farthest(2.0)])
    assert any("is farther than the farthest depth, 2 m" in note for note in fit.notes)
    near = fit_scale(TRUTH.inverse_depth(), CAMERA, [DepthAt(5.5, 5.5, 1.0), Nearest(2.0)])
    assert any("is nearer than the nearest depth, 2 m" in note for note in near.notes)
    within = fit_scale(TRUTH.inverse_depth(), CAMERA, [DepthAt(5.5, 5.5, 2.01), Farthest(2.0)])
    assert not any("than the" in note and "depth, 2 m" in note for note in within.notes)


def test_hints_in_the_opposite_order_are_believed_and_the_network_is_doubted_in_words() -> None:
    near, far = tape(2, 40), tape(50, 5)
    swapped = [DistanceAt(near.u, near.v, 4), DistanceAt(far.u, far.v, 1)]
    inverse_depth = replace(TRUTH.inverse_depth(), noise_strength=0.2)
    fit = fit_scale(inverse_depth, CAMERA, swapped)
    assert any(f"the network sees {swapped[0].name} nearer than {swapped[1].name}" in note for note in fit.notes)
    for residual in fit.residuals:
        assert residual.fitted_m == pytest.approx(residual.said_m, rel=0.05)


def test_a_wall_with_two_distances_is_bent_and_not_refused() -> None:
    wall = InverseDepth(np.full((48, 64), 3, np.float32), noise_strength=0.2)
    hints = [tape(2, 40), tape(50, 5)]
    for residual in fit_scale(wall, CAMERA, hints).residuals:
        assert residual.fitted_m == pytest.approx(residual.said_m, rel=0.05)


@pytest.mark.parametrize(("u", "v"), [(-1, 5), (5, -0.1), (64.1, 5), (5, 49), (1e9, 5)])
def test_a_hint_outside_the_picture_is_refused_with_the_pictures_size(u: float, v: float) -> None:
    with pytest.raises(HintError, match=r"outside the 64x48 photo"):
        fit_scale(TRUTH.inverse_depth(), CAMERA, [DistanceAt(u, v, 1)])


def test_a_hint_on_unknown_depth_is_refused() -> None:
    values = TRUTH.inverse_depth().values.copy()
    values[10:14, 10:14] = np.nan
    with pytest.raises(HintError, match="depth at 12,12 is unknown"):
        fit_scale(InverseDepth(values), CAMERA, [DistanceAt(12, 12, 1)])


@pytest.mark.parametrize("metres", [0, -1, math.nan, math.inf])
def test_distances_are_positive(metres: float) -> None:
    for make in (lambda: DistanceAt(1, 1, metres), lambda: Nearest(metres), lambda: Farthest(metres)):
        with pytest.raises(UsageError, match="positive"):
            make()


def test_the_camera_must_fit_the_picture() -> None:
    with pytest.raises(CameraError, match="camera is for 5x5, the depth is 64x48"):
        fit_scale(TRUTH.inverse_depth(), Intrinsics.from_fov(5, 5, fov_x_deg=60))


def test_a_flat_picture_becomes_one_surface() -> None:
    camera = Intrinsics.from_fov(3, 3, fov_x_deg=60)
    inverse_depth = InverseDepth(np.zeros((3, 3), np.float32))
    assert fit_scale(inverse_depth, camera).apply(inverse_depth).z == pytest.approx(np.ones((3, 3)))
    fit = fit_scale(inverse_depth, camera, [DistanceAt(1.5, 1.5, 2.0)])
    assert fit.apply(inverse_depth).z == pytest.approx(np.full((3, 3), 2))


def test_the_stated_error_of_a_hint_weighs() -> None:
    truth = slanted_plane(CAMERA, normal=(0.5, -0.5, -1))
    inverse_depth = truth.inverse_depth()
    pixels = [(3, 3), (60, 44), (30, 20)]
    exact = []
    for column, row in pixels:
        ray = math.hypot((column + 0.5 - CAMERA.cx) / CAMERA.fx, (row + 0.5 - CAMERA.cy) / CAMERA.fy, 1)
        exact.append((column + 0.5, row + 0.5, ray / truth.inverse_metres[row, column]))
    off = [
        DistanceAt(u, v, m * (1.1 if i == 2 else 1), m * (0.5 if i == 2 else 0.001))
        for i, (u, v, m) in enumerate(exact)
    ]
    fit = fit_scale(inverse_depth, CAMERA, off)
    assert fit.a == pytest.approx(1, abs=1e-2)
    assert fit.b == pytest.approx(0, abs=1e-2)
