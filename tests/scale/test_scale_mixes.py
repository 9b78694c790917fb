"""Laws of scaling with any mix of hints: recovery, honest error bars, outliers, what is left open."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from synthetic_scenes import Truth, box_corner, ground_plane, horizon_row, small_camera

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth
from depth3d.core.errors import HintError, UsageError
from depth3d.geometry.measure import measure_length
from depth3d.lab.evaluation.metrics import align_to_truth
from depth3d.scale import (
    CameraHeight,
    DepthAt,
    DistanceAt,
    Hint,
    InfinityAt,
    LengthBetween,
    RightAngle,
    ScaleFit,
    SparsePoints,
    fit_scale,
)
from depth3d.scale.hint import Anchors
from depth3d.scale.posterior import errors_about, find_posterior
from depth3d.scale.prior import Sites, Trend, shared_covariance
from depth3d.scale.problem import Problem

CAMERA = small_camera(160, 120)
ROOM = box_corner(CAMERA)


def point(truth: Truth, column: int, row: int) -> np.ndarray:
    """The true point in space seen at a pixel's centre."""
    u, v = column + 0.5, row + 0.5
    camera = truth.camera
    ray = np.array([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, 1])
    return ray / truth.inverse_metres[row, column]


def distance(column: int, row: int) -> DistanceAt:
    metres = float(np.linalg.norm(point(ROOM, column, row)))
    return DistanceAt(column + 0.5, row + 0.5, metres, 1e-6 * metres)


def depth(column: int, row: int) -> DepthAt:
    metres = float(point(ROOM, column, row)[2])
    return DepthAt(column + 0.5, row + 0.5, metres, 1e-6 * metres)


def length(column: int, row: int, other_column: int, other_row: int) -> LengthBetween:
    metres = float(np.linalg.norm(point(ROOM, column, row) - point(ROOM, other_column, other_row)))
    return LengthBetween((column + 0.5, row + 0.5), (other_column + 0.5, other_row + 0.5), metres, 1e-6 * metres)


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
    assert fit.a == pytest.approx(0.5, rel=1e-2)  # the pitch is known to a degree only
    assert fit.b == pytest.approx(0.1, abs=2e-2)


def test_a_level_camera_is_assumed_where_only_the_height_is_known() -> None:
    truth = ground_plane(CAMERA, height_m=1.2, pitch_down_deg=0)
    fit = fit_scale(truth.inverse_depth(0.5, 0.1), CAMERA, [CameraHeight(1.2)])
    assert fit.a == pytest.approx(0.5, rel=3e-2)  # "level" is known to three degrees


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
    assert fit.a == pytest.approx(0.5, rel=3e-2)  # "infinity" is somewhere beyond 500 m
    assert fit.b == pytest.approx(0.1, abs=1e-2)


def test_one_length_alone_leaves_the_range_open_and_is_met() -> None:
    hint = length(20, 100, 120, 40)
    inverse_depth = ROOM.inverse_depth(2, 0.1)
    fit = fit_scale(inverse_depth, CAMERA, [hint])
    assert "leave the range of depth open" in fit.notes[0]
    found = measure_length(hint.start, hint.end, camera=CAMERA, depth=fit.apply(inverse_depth))
    assert found.metres == pytest.approx(hint.metres, rel=0.1)


@pytest.mark.parametrize("hint", [distance(60, 60), length(20, 100, 120, 40)], ids=["distance", "length"])
def test_one_hints_interval_holds_the_truth(hint: Hint) -> None:
    inverse_depth = replace(ROOM.inverse_depth(2, 0.1), noise_strength=0.1)
    depth = fit_scale(inverse_depth, CAMERA, [hint]).apply(inverse_depth)
    assert depth.sigma is not None
    off = np.abs(np.log(depth.z / ROOM.depth.z)) / (depth.sigma / depth.z)
    assert np.percentile(off, 90) < 2


@pytest.mark.parametrize("count", [1, 2, 3, 8, 40, 100])
@pytest.mark.parametrize("sigma", [1e-4, 0.01, 0.1])
def test_a_hinted_pixel_has_the_hints_depth_and_error(count: int, sigma: float) -> None:
    """The depth is the hint's to its own error, and is known at least as well as the hint says."""
    wrong = bent_network(seed=count, strength=0.2)
    rng = np.random.default_rng(count)
    columns, rows = rng.integers(0, 160, count), rng.integers(0, 120, count)
    hints = [
        DepthAt(c + 0.5, r + 0.5, float(ROOM.depth.z[r, c]), float(ROOM.depth.z[r, c]) * sigma)
        for c, r in zip(columns, rows, strict=True)
    ]
    fit = fit_scale(wrong, CAMERA, hints)
    depth = fit.apply(wrong)
    assert depth.sigma is not None
    there, known = depth.z[rows, columns], depth.sigma[rows, columns] / depth.z[rows, columns]
    used = np.array([residual.is_used for residual in fit.residuals])
    assert used.mean() > 0.9
    assert np.median(known) < 1.02 * sigma
    off = np.abs(np.log(there / ROOM.depth.z[rows, columns]))[used]
    assert np.percentile(off, 90) < 1e-3 + sigma
    assert off.max() < 0.01 + 3 * sigma


def test_beside_a_hint_the_error_is_little_more_than_the_hints_own() -> None:
    """Within 1 % of the width the error bar is at most twice the hint's 1 %, and honest."""
    found, off = [], []
    for seed in range(20):
        wrong, rng = bent_network(seed=seed, strength=0.2), np.random.default_rng(seed)
        column, row = int(rng.integers(8, 152)), int(rng.integers(8, 112))
        z = float(ROOM.depth.z[row, column])
        depth = fit_scale(wrong, CAMERA, [DepthAt(column + 0.5, row + 0.5, z, 0.01 * z)]).apply(wrong)
        assert depth.sigma is not None
        found.append(depth.sigma[row, column + 1] / depth.z[row, column + 1])
        off.append(abs(math.log(depth.z[row, column + 1] / ROOM.depth.z[row, column + 1])) / found[-1])
    assert np.median(found) < 0.02
    assert np.percentile(off, 90) < 2


def test_error_bars_are_wider_where_hints_disagree_more() -> None:
    """A network that is right in the left half and wrong in the right one: bars follow, and hold in both."""
    rng = np.random.default_rng(5)
    bent = bent_network(seed=3, strength=0.4)
    share_bent = np.clip((np.arange(160) - 60) / 40, 0, 1)
    values = share_bent * bent.values + (1 - share_bent) * (ROOM.inverse_metres - 0.1) / 2
    wrong, right = replace(bent, values=values.astype(np.float32)), np.arange(160) >= 80
    columns, rows = rng.integers(0, 160, 80), rng.integers(0, 120, 80)
    z = ROOM.depth.z[rows, columns]
    hints = [DepthAt(c + 0.5, r + 0.5, float(m), 0.01 * float(m)) for c, r, m in zip(columns, rows, z, strict=True)]
    depth = fit_scale(wrong, CAMERA, hints).apply(wrong)
    assert depth.sigma is not None
    share = depth.sigma / depth.z
    off = np.abs(np.log(depth.z / ROOM.depth.z)) / share
    assert np.median(share[:, right]) > 2 * np.median(share[:, ~right])
    assert np.percentile(off[:, right], 90) < 2
    assert np.percentile(off[:, ~right], 90) < 2


def test_thirty_per_cent_gross_outliers_among_fifty_points_hardly_matter() -> None:
    rng = np.random.default_rng(1)
    worst = []
    for _ in range(40):
        columns, rows = rng.integers(0, 160, 50), rng.integers(0, 120, 50)
        z = 1 / ROOM.inverse_metres[rows, columns]
        wrong = rng.permutation(50) < 15
        z = np.where(wrong, z * rng.choice([0.2, 0.5, 2, 5], 50) * rng.uniform(0.8, 1.2, 50), z)
        fit = fit_scale(ROOM.inverse_depth(2, 0.1), CAMERA, [SparsePoints(columns + 0.5, rows + 0.5, z)])
        assert any("left out" in note for note in fit.notes)
        worst.append(np.abs(fit.apply(ROOM.inverse_depth(2, 0.1)).z / ROOM.depth.z - 1).max())
    assert max(worst) < 0.02


@pytest.mark.parametrize("count", [1, 2, 3, 10, 40])
def test_error_bars_are_honest_whatever_the_number_of_hints(count: int) -> None:
    """Of scenes drawn from the model itself two in three depths lie within one standard deviation, 95 of 100 in two."""
    one, two = [], []
    levels = Trend(0.0, 1.0, proportional=False)
    for seed in range(100):
        rng = np.random.default_rng([seed, count])
        sites = Sites(rng.uniform(0, 0.7, (count + 60, 2)), rng.uniform(0, 1, count + 60))
        strength, log_range = 0.2 * 2 ** rng.normal(), abs(rng.normal(math.log(4), math.log(2.5)))
        together = strength**2 * shared_covariance(sites, sites, levels, 0.2) + 1e-10 * np.eye(count + 60)
        error = np.linalg.cholesky(together) @ rng.normal(size=count + 60)
        truth = np.log(levels.shape(sites.t, np.array([log_range]))[:, 0]) + error + rng.normal(0, 3)
        said = np.exp(truth[:count] + rng.normal(0, 0.02, count))
        anchors = Anchors(("hint",) * count, sites.t[:count], said, 0.02 * said, sites.place[:count])
        posterior = find_posterior(Problem.of([anchors], levels, reach=0.2, diagonal_px=1.0), errors_about(0.2, 0.0))
        mean, sigma = posterior.at(Sites(sites.place[count:], sites.t[count:]))
        one.append(np.mean(np.abs(mean - truth[count:]) < sigma))
        two.append(np.mean(np.abs(mean - truth[count:]) < 2 * sigma))
    assert 0.62 < np.mean(one) < 0.76
    assert 0.91 < np.mean(two) < 0.98


def test_no_true_hint_is_refused_and_more_of_them_never_hurt() -> None:
    """20 draws of 1, 2, 3 and 10 true hints, points and lengths, on networks that are wrong by a third."""
    errors: dict[int, list[float]] = {1: [], 2: [], 3: [], 10: []}
    for seed in range(20):
        rng = np.random.default_rng(seed)
        wrong = bent_network(seed=seed, strength=0.35)
        for count, found in errors.items():
            z, _, truth = somewhere(fit_scale(wrong, CAMERA, true_hints(rng, count)), wrong, rng)
            assert np.isfinite(z).all()
            assert (z > 0).all()
            found.append(float(np.median(np.abs(z / truth - 1))))
    means = [float(np.mean(found)) for found in errors.values()]
    assert means == sorted(means, reverse=True)
    assert means[3] < 0.5 * means[0]


def somewhere(
    fit: ScaleFit, inverse_depth: InverseDepth, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """At 400 pixels: the depth, its error as a share of it, and the true depth."""
    columns, rows = rng.integers(0, 160, 400), rng.integers(0, 120, 400)
    assert fit.posterior is not None
    place = np.stack([columns + 0.5, rows + 0.5], axis=1) / fit.posterior.diagonal_px
    mean, sigma = fit.posterior.at(Sites(place, fit.posterior.trend.level(inverse_depth.values[rows, columns])))
    return np.exp(-mean), sigma, ROOM.depth.z[rows, columns]


def test_what_is_read_from_the_grid_is_the_posterior() -> None:
    """Few hints and many: the depth of the map is that of the formula, to a small part of its error."""
    rng = np.random.default_rng(0)
    wrong = bent_network(seed=0, strength=0.2)
    for count, share in ((1, 0.1), (5, 0.1), (60, 0.25)):
        columns, rows = rng.integers(0, 160, count), rng.integers(0, 120, count)
        hints: list[Hint] = [depth(int(c), int(r)) for c, r in zip(columns, rows, strict=True)]
        fit = fit_scale(wrong, CAMERA, [replace(hint, sigma_m=None) for hint in hints])
        found = fit.apply(wrong)
        v, u = np.mgrid[0:120:7, 0:160:7]
        assert fit.posterior is not None
        place = np.stack([u.ravel() + 0.5, v.ravel() + 0.5], axis=1) / fit.posterior.diagonal_px
        t = fit.posterior.trend.level(wrong.values[v.ravel(), u.ravel()])
        mean, sigma = fit.posterior.at(Sites(place, t))
        off = np.abs(np.log(found.z[v.ravel(), u.ravel()]) + mean) / sigma
        assert np.percentile(off, 98) < share
        assert found.sigma is not None
        relative = (found.sigma / found.z)[v.ravel(), u.ravel()]
        assert np.percentile(np.abs(relative / sigma - 1), 98) < 2 * share


def true_hints(rng: np.random.Generator, count: int) -> list[Hint]:
    """Distances and lengths of the room, 2 % off and knowing it; every fourth is a length."""
    hints: list[Hint] = []
    for number in range(count):
        (c, r), (d, s) = [(int(rng.integers(160)), int(rng.integers(120))) for _ in range(2)]
        factor = 1 + rng.normal(0, 0.02)
        if number % 4 == 3 and (c, r) != (d, s):
            metres = float(np.linalg.norm(point(ROOM, c, r) - point(ROOM, d, s))) * factor
            hints.append(LengthBetween((c + 0.5, r + 0.5), (d + 0.5, s + 0.5), metres))
        else:
            hints.append(DistanceAt(c + 0.5, r + 0.5, float(np.linalg.norm(point(ROOM, c, r))) * factor))
    return hints


def bent_network(*, seed: int, strength: float) -> InverseDepth:
    """The room as a network may see it: errors that neighbouring pixels share, as strong as stated."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(size=(12, 16)).astype(np.float32)
    smooth = cv2.GaussianBlur(cv2.resize(coarse, (160, 120), interpolation=cv2.INTER_CUBIC), (0, 0), 12)
    error = smooth / smooth.std() * strength
    values = (ROOM.inverse_metres * np.exp(error) - 0.1) / 2
    return InverseDepth(values.astype(np.float32), noise_strength=0.2)


def test_points_bend_depth_where_the_network_is_bent_and_hardly_harm_where_it_is_noisy() -> None:
    rng = np.random.default_rng(7)
    v, u = np.mgrid[0:120, 0:160]
    bend = 0.12 * np.sin(u / 40) * np.cos(v / 50)
    columns, rows = rng.integers(0, 160, 200), rng.integers(0, 120, 200)
    points = SparsePoints(columns + 0.5, rows + 0.5, 1 / ROOM.inverse_metres[rows, columns], 0.01)
    bent = InverseDepth((ROOM.inverse_metres + bend).astype(np.float32), noise_strength=0.2)
    error = np.abs(fit_scale(bent, CAMERA, [points]).apply(bent).z / ROOM.depth.z - 1)
    straight = np.abs(align_to_truth(bent.values, ROOM.depth.z) / ROOM.depth.z - 1)
    assert error.mean() < 0.3 * straight.mean()
    noisy = InverseDepth((ROOM.inverse_metres + rng.normal(0, 0.03, v.shape)).astype(np.float32), noise=0.03)
    error = np.abs(fit_scale(noisy, CAMERA, [points]).apply(noisy).z / ROOM.depth.z - 1)
    straight = np.abs(align_to_truth(noisy.values, ROOM.depth.z) / ROOM.depth.z - 1)
    assert error.mean() < 1.05 * straight.mean()


def test_ten_thousand_points_are_thinned_and_say_the_same() -> None:
    rng = np.random.default_rng(3)
    columns, rows = rng.integers(0, 160, 10_000), rng.integers(0, 120, 10_000)
    z = 1 / ROOM.inverse_metres[rows, columns]
    z = np.where(rng.random(10_000) < 0.1, z * rng.uniform(0.2, 5, 10_000), z * (1 + rng.normal(0, 0.01, 10_000)))
    wrong = bent_network(seed=1, strength=0.2)
    fit = fit_scale(wrong, CAMERA, [SparsePoints(columns + 0.5, rows + 0.5, z, 0.01)])
    assert fit.posterior is not None
    assert len(fit.posterior.sites.t) <= 400
    error = np.abs(fit.apply(wrong).z / ROOM.depth.z - 1)
    assert np.median(error) < 0.02


@given(st.floats(0.05, 20), st.floats(0.5, 50))
@settings(max_examples=20, deadline=None)
def test_depth_does_not_depend_on_the_networks_unit(unit: float, offset: float) -> None:
    assume(unit > 0)
    hints: list[Hint] = [
        replace(hint, sigma_m=None) for hint in (distance(*NEAR), length(20, 100, 120, 40), depth(80, 70))
    ]
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
    inverse_depth = InverseDepth(d.reshape(10, 10).astype(np.float32), noise_strength=0.2)
    fit = fit_scale(inverse_depth, Intrinsics.from_fov(10, 10, fov_x_deg=60), [points])
    z = fit.apply(inverse_depth).z.ravel()
    assert np.median(np.abs(z[62:] * inverse[62:] - 1)) < 0.1
    assert np.median(z[62:]) < np.median(z[:62])
