"""Laws of scaling with any mix of hints: recovery, honest error bars, outliers, what is left open."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scenes import Truth, box_corner, ground_plane, horizon_row, small_camera

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth
from depth3d.core.errors import HintError, UsageError
from depth3d.scale import (
    CameraHeight,
    DepthAt,
    DistanceAt,
    Hint,
    InfinityAt,
    LengthBetween,
    RightAngle,
    SparsePoints,
    fit_scale,
)
from depth3d.scale.correction import correct_inverse_depth

CAMERA = small_camera(160, 120)
ROOM = box_corner(CAMERA)


def point(truth: Truth, column: int, row: int) -> np.ndarray:
    """The true point in space seen at a pixel's centre."""
    u, v = column + 0.5, row + 0.5
    camera = truth.camera
    ray = np.array([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, 1])
    return ray / truth.inverse_metres[row, column]


def distance(column: int, row: int) -> DistanceAt:
    return DistanceAt(column + 0.5, row + 0.5, float(np.linalg.norm(point(ROOM, column, row))))


def depth(column: int, row: int) -> DepthAt:
    return DepthAt(column + 0.5, row + 0.5, float(point(ROOM, column, row)[2]))


def length(column: int, row: int, other_column: int, other_row: int) -> LengthBetween:
    metres = float(np.linalg.norm(point(ROOM, column, row) - point(ROOM, other_column, other_row)))
    return LengthBetween((column + 0.5, row + 0.5), (other_column + 0.5, other_row + 0.5), metres)


NEAR, FAR = (8, 110), (110, 30)
MIXES: dict[str, list[Hint]] = {
    "two distances": [distance(*NEAR), distance(*FAR)],
    "distance and depth": [distance(*NEAR), depth(*FAR)],
    "distance and length": [distance(*NEAR), length(20, 100, 120, 40)],
    "distance and two lengths": [distance(*NEAR), length(20, 100, 120, 40), length(5, 20, 60, 110)],
    "four of all": [distance(*NEAR), depth(*FAR), length(20, 100, 120, 40), depth(80, 70)],
}


@pytest.mark.parametrize("mix", MIXES)
@given(a=st.floats(1e-3, 1e3), b=st.floats(-0.5, 0.3))
@settings(max_examples=12, deadline=None)
def test_exact_hints_of_any_mix_recover_a_and_b(mix: str, a: float, b: float) -> None:
    # float64 values show that the solver is exact; an inverse depth of float32 adds its own rounding.
    inverse_depth = InverseDepth(((ROOM.inverse_metres - b) / a).astype(np.float32))
    exact = inverse_depth.values.astype(np.float64) * a + b
    rounding = float(np.abs(exact - ROOM.inverse_metres).max())
    fit = fit_scale(inverse_depth, CAMERA, MIXES[mix])
    got = inverse_depth.values.astype(np.float64) * fit.a + fit.b
    assert np.abs(got - ROOM.inverse_metres).max() < 1e-6 + 40 * rounding
    assert fit.notes == ()


def test_a_right_angle_and_a_distance_fix_both() -> None:
    # Left wall, floor and back wall meet at right angles: an edge down the back wall's corner and one along the floor.
    inverse_depth = ROOM.inverse_depth(2.0, 0.15)
    inverse = ROOM.inverse_metres
    corner = max(
        ((c, r) for c in range(20, 140, 3) for r in range(40, 110, 3)),
        key=lambda p: -_corner_distance(p[0], p[1]),
    )
    assert inverse[corner[1], corner[0]] > 0
    arms = _right_angle_arms(corner)
    hint = RightAngle(*(tuple(np.add(p, 0.5)) for p in (arms[0], corner, arms[1])))  # type: ignore[arg-type]
    fit = fit_scale(inverse_depth, CAMERA, [distance(*NEAR), hint])
    assert fit.a == pytest.approx(2.0, rel=0.02)
    assert fit.b == pytest.approx(0.15, abs=0.01)


def _corner_distance(column: int, row: int) -> float:
    """How far the point is from the back wall's foot."""
    x, y, z = point(ROOM, column, row)
    yaw = math.radians(20)
    return abs(y - 1.2) + abs(math.sin(yaw) * x + math.cos(yaw) * z - 3.0)


def _right_angle_arms(corner: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Two pixels whose true directions from the corner are as perpendicular as pixels allow."""
    origin = point(ROOM, *corner)
    best, arms = 1.0, ((0, 0), (0, 0))
    for up in range(5, corner[1] - 10, 5):
        for down in range(160):
            one, other = (corner[0], up), (down, 118)
            a, b = point(ROOM, *one) - origin, point(ROOM, *other) - origin
            cosine = abs(float(a @ b) / float(np.linalg.norm(a) * np.linalg.norm(b)))
            if cosine < best:
                best, arms = cosine, (one, other)
    assert best < 5e-3
    return arms


@pytest.mark.parametrize("how", ["pitch", "horizon"])
def test_the_cameras_height_gives_unit_and_shift(how: str) -> None:
    truth = ground_plane(CAMERA, height_m=1.6, pitch_down_deg=12)
    inverse_depth = truth.inverse_depth(0.5, 0.1)
    extra = {"pitch_deg": 12.0} if how == "pitch" else {"horizon_v": horizon_row(CAMERA, pitch_down_deg=12)}
    fit = fit_scale(inverse_depth, CAMERA, [CameraHeight(1.6, **extra)])
    assert fit.a == pytest.approx(0.5, rel=1e-3)
    assert fit.b == pytest.approx(0.1, abs=1e-3)


def test_a_level_camera_is_assumed_where_only_the_height_is_known() -> None:
    truth = ground_plane(CAMERA, height_m=1.2, pitch_down_deg=0)
    fit = fit_scale(truth.inverse_depth(0.5, 0.1), CAMERA, [CameraHeight(1.2)])
    assert fit.a == pytest.approx(0.5, rel=1e-3)


def test_no_ground_is_said() -> None:
    wall = InverseDepth(np.full((120, 160), 2, np.float32))
    with pytest.raises(HintError, match="no ground"):
        fit_scale(wall, CAMERA, [CameraHeight(1.6)])
    noise = InverseDepth(np.random.default_rng(0).random((120, 160), np.float32))
    with pytest.raises(HintError, match="no level ground"):
        fit_scale(noise, CAMERA, [CameraHeight(1.6)])


def test_infinity_fixes_the_shift() -> None:
    truth = ground_plane(CAMERA, pitch_down_deg=5)
    inverse_depth = truth.inverse_depth(0.5, 0.1)
    below = DistanceAt(80.5, 110.5, float(np.linalg.norm(point(truth, 80, 110))))
    fit = fit_scale(inverse_depth, CAMERA, [below, InfinityAt(80, 3)])
    assert fit.a == pytest.approx(0.5, rel=1e-3)
    assert fit.b == pytest.approx(0.1, abs=1e-3)


def test_one_length_alone_leaves_the_range_open_and_two_solutions_are_named() -> None:
    fit = fit_scale(ROOM.inverse_depth(2, 0.1), CAMERA, [length(20, 100, 120, 40)])
    assert "leave the range of depth open" in fit.notes[0]
    outcomes = []
    for first, second in (((5, 110, 110, 30), (5, 20, 60, 110)), ((100, 110, 110, 30), (30, 20, 60, 60))):
        try:
            fit = fit_scale(ROOM.inverse_depth(2, 0.1), CAMERA, [length(*first), length(*second)])
            outcomes.append((fit.a, fit.b))
        except HintError as error:
            outcomes.append(("two solutions" in str(error),))
    for outcome in outcomes:
        assert outcome == (True,) or outcome == pytest.approx((2, 0.1), rel=1e-2)


def test_one_hints_interval_holds_the_truth() -> None:
    fit = fit_scale(ROOM.inverse_depth(2, 0.1), CAMERA, [distance(60, 60)])
    metres = fit.apply(ROOM.inverse_depth(2, 0.1))
    assert metres.sigma is not None
    off = np.abs(metres.z - ROOM.depth.z) / metres.sigma
    assert np.percentile(off, 90) < 3
    assert metres.sigma[60, 60] < 0.2 * metres.z[60, 60]


def test_thirty_per_cent_gross_outliers_among_fifty_points_hardly_matter() -> None:
    rng = np.random.default_rng(1)
    worst = []
    for _ in range(40):
        columns, rows = rng.integers(0, 160, 50), rng.integers(0, 120, 50)
        z = 1 / ROOM.inverse_metres[rows, columns]
        wrong = rng.permutation(50) < 15
        z = np.where(wrong, z * rng.choice([0.2, 0.5, 2, 5], 50) * rng.uniform(0.8, 1.2, 50), z)
        fit = fit_scale(ROOM.inverse_depth(2, 0.1), CAMERA, [SparsePoints(columns + 0.5, rows + 0.5, z)])
        assert "left out" in fit.notes[0]
        worst.append(np.abs(fit.apply(ROOM.inverse_depth(2, 0.1)).z / ROOM.depth.z - 1).max())
    assert max(worst) < 0.02


@pytest.mark.parametrize("count", [2, 4, 12])
def test_the_error_bar_is_honest(count: int) -> None:
    """Of 1,000 simulated cases about 68 % of the truths lie within one standard deviation."""
    rng = np.random.default_rng(count)
    inside = []
    noise = 0.02
    span = np.subtract(*np.percentile(ROOM.inverse_metres, [98, 2])) / 2
    clean = ((ROOM.inverse_metres - 0.1) / 2).astype(np.float32)
    while len(inside) < 1000:
        noisy = clean + rng.normal(0, noise * span, clean.shape).astype(np.float32)
        inverse_depth = InverseDepth(noisy, noise=noise)
        columns, rows = rng.integers(0, 160, count), rng.integers(0, 120, count)
        inverse = ROOM.inverse_metres[rows, columns]
        if np.ptp(inverse) < 0.25:
            continue
        z = 1 / inverse * (1 + rng.normal(0, 0.02, count))
        hints: list[Hint] = [DepthAt(c + 0.5, r + 0.5, x) for c, r, x in zip(columns, rows, z, strict=True)]
        fit = fit_scale(inverse_depth, CAMERA, hints)
        c, r = rng.integers(0, 160), rng.integers(0, 120)
        patch = InverseDepth(noisy[r : r + 1, c : c + 1])
        found = fit.apply(patch)
        assert found.sigma is not None
        # 1/z is where the errors are normal.
        error = 1 / found.z[0, 0] - ROOM.inverse_metres[r, c]
        inside.append(abs(error) < found.sigma[0, 0] / found.z[0, 0] ** 2)
    assert 0.60 < np.mean(inside) < 0.76


def test_many_points_teach_how_noisy_the_network_is() -> None:
    rng = np.random.default_rng(5)
    span = np.subtract(*np.percentile(ROOM.inverse_metres, [98, 2]))
    for true_noise in (0.01, 0.15):
        values = ROOM.inverse_metres + rng.normal(0, true_noise * span, ROOM.inverse_metres.shape)
        columns, rows = rng.integers(0, 160, 300), rng.integers(0, 120, 300)
        points = SparsePoints(columns + 0.5, rows + 0.5, 1 / ROOM.inverse_metres[rows, columns], 0.001)
        fit = fit_scale(InverseDepth(values.astype(np.float32)), CAMERA, [points])
        assert fit.d_sigma == pytest.approx(true_noise * span, rel=0.25)


def test_a_smooth_error_of_the_network_is_corrected_and_noise_is_not() -> None:
    rng = np.random.default_rng(7)
    v, u = np.mgrid[0:120, 0:160]
    bend = 0.12 * np.sin(u / 40) * np.cos(v / 50)
    columns, rows = rng.integers(0, 160, 200), rng.integers(0, 120, 200)
    points = SparsePoints(columns + 0.5, rows + 0.5, 1 / ROOM.inverse_metres[rows, columns], 0.01)
    bent = InverseDepth((ROOM.inverse_metres + bend).astype(np.float32))
    fit = fit_scale(bent, CAMERA, [points])
    corrected = correct_inverse_depth(bent, fit)
    assert corrected.error_after is not None
    assert corrected.error_after < 0.5 * corrected.error_before
    before = np.abs(fit.apply(bent).z / ROOM.depth.z - 1)
    after = np.abs(corrected.fit.apply(corrected.inverse_depth).z / ROOM.depth.z - 1)
    assert after.mean() < 0.4 * before.mean()
    noisy = InverseDepth((ROOM.inverse_metres + rng.normal(0, 0.05, v.shape)).astype(np.float32))
    fit = fit_scale(noisy, CAMERA, [points])
    kept = correct_inverse_depth(noisy, fit)
    before = np.abs(fit.apply(noisy).z / ROOM.depth.z - 1)
    after = np.abs(kept.fit.apply(kept.inverse_depth).z / ROOM.depth.z - 1)
    assert after.mean() < 1.02 * before.mean()


def test_correcting_needs_points() -> None:
    inverse_depth = ROOM.inverse_depth()
    with pytest.raises(HintError, match="at least 12 points"):
        correct_inverse_depth(inverse_depth, fit_scale(inverse_depth, CAMERA, [distance(*NEAR), distance(*FAR)]))


@given(st.floats(0.05, 20), st.floats(0.5, 50))
@settings(max_examples=20, deadline=None)
def test_depth_does_not_depend_on_the_networks_unit(unit: float, offset: float) -> None:
    assume(unit > 0)
    hints = MIXES["four of all"]
    plain = fit_scale(ROOM.inverse_depth(), CAMERA, hints).apply(ROOM.inverse_depth()).z
    scaled = InverseDepth((ROOM.inverse_depth().values * np.float32(unit) + np.float32(offset)).astype(np.float32))
    np.testing.assert_allclose(fit_scale(scaled, CAMERA, hints).apply(scaled).z, plain, rtol=5e-3)


@pytest.mark.parametrize(
    "make",
    [
        lambda: LengthBetween((1, 1), (1, 1), 2.0),
        lambda: LengthBetween((1, 1), (2, math.nan), 2.0),
        lambda: LengthBetween((1, 1), (2, 2), -2.0),
        lambda: RightAngle((1, 1), (1, 1), (2, 2)),
        lambda: CameraHeight(0),
        lambda: CameraHeight(1, pitch_deg=5, horizon_v=3),
        lambda: CameraHeight(1, pitch_deg=95),
        lambda: InfinityAt(math.inf, 0),
        lambda: SparsePoints(np.zeros(2), np.zeros(2), np.array([1.0, -1.0])),
        lambda: SparsePoints(np.zeros(2), np.zeros(3), np.ones(2)),
    ],
)
def test_nonsense_is_refused(make: object) -> None:
    with pytest.raises(UsageError):
        make()  # type: ignore[operator]


def test_a_majority_at_one_depth_does_not_turn_the_picture_around() -> None:
    """62 far points that say nothing about the slope, and 38 nearer ones that do."""
    rng = np.random.default_rng(0)
    d = np.concatenate([rng.uniform(0.05, 0.12, 62), rng.uniform(0.1, 0.9, 38)])
    inverse = np.concatenate(
        [0.42 - 0.4 * d[:62] + rng.normal(0, 0.004, 62), 0.25 + 0.55 * d[62:] + rng.normal(0, 0.06, 38)]
    )
    row, column = np.divmod(np.arange(100), 10)
    points = SparsePoints(column + 0.5, row + 0.5, 1 / inverse, relative_sigma=0.03)
    inverse_depth = InverseDepth(d.reshape(10, 10).astype(np.float32))
    fit = fit_scale(inverse_depth, Intrinsics.from_fov(10, 10, fov_x_deg=60), [points])
    assert 0.3 < fit.a < 0.7
    assert "all of them are kept" in fit.notes[0]
