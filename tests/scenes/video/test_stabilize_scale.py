"""Depth over time: static points keep still although the network's a and b do not; a cut begins again."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from posed_room import room_on_an_orbit

from depth3d.core.depth import InverseDepth
from depth3d.core.errors import UsageError
from depth3d.scenes.multiview.fusion import DepthView
from depth3d.scenes.video.stabilize_scale import ScaleStabilizer

SIZE = (192, 144)
FPS = 30.0


@pytest.fixture(scope="module")
def orbit() -> tuple[DepthView, ...]:
    return room_on_an_orbit(16, SIZE)


def unsteady(orbit: tuple[DepthView, ...], *, noise: float) -> list[InverseDepth]:
    """What a network might say: the truth with another a and b in each frame, and blotches."""
    rng = np.random.default_rng(0)
    seen = []
    for view in orbit:
        a, b = math.exp(rng.normal(0, 0.12)), rng.normal(0, 0.05)
        blotches = cv2.resize(rng.normal(0, noise, (6, 8)).astype(np.float32), SIZE, interpolation=cv2.INTER_CUBIC)
        seen.append(InverseDepth(((1 / view.z + blotches - b) / a).astype(np.float32)))
    return seen


def wobble(orbit: tuple[DepthView, ...], inverse_depths: list[InverseDepth]) -> float:
    """How much static points move in 1/z over time, after the one (a, b) that suits all frames best."""
    points = orbit[len(orbit) // 2].points(9).reshape(-1, 3)
    exact, seen = [], []
    for view, inverse_depth in zip(orbit, inverse_depths, strict=True):
        cam = view.pose.cam_from_world
        xyz = points @ cam[:3, :3].T + cam[:3, 3]
        u = np.floor(xyz[:, 0] / xyz[:, 2] * view.camera.fx + view.camera.cx).astype(int)
        v = np.floor(xyz[:, 1] / xyz[:, 2] * view.camera.fy + view.camera.cy).astype(int)
        inside = (u >= 0) & (u < SIZE[0]) & (v >= 0) & (v < SIZE[1])
        values = np.full(len(points), np.nan)
        values[inside] = inverse_depth.values[v[inside], u[inside]]
        exact.append(1 / xyz[:, 2])
        seen.append(values)
    x, y = np.array(exact), np.array(seen)
    known = np.isfinite(y)
    a, b = np.polyfit(x[known], y[known], 1)
    error = (y - a * x - b) / a
    return float(np.nanstd(error - np.nanmean(error, axis=0)))


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_static_points_wobble_at_most_a_third(orbit: tuple[DepthView, ...], noise: float) -> None:
    before = unsteady(orbit, noise=noise)
    steadier = ScaleStabilizer(fps=FPS)
    found = [steadier.next(inverse_depth, view.rgb) for inverse_depth, view in zip(before, orbit, strict=True)]
    assert [one.is_new_scene for one in found] == [True] + [False] * (len(orbit) - 1)
    assert wobble(orbit, [one.inverse_depth for one in found]) < wobble(orbit, before) / 3


def test_alignment_does_not_flatten_depth_with_time(orbit: tuple[DepthView, ...]) -> None:
    """60 frames from the same place, each with noise of its own: the range of depth stays."""
    view, rng = orbit[0], np.random.default_rng(1)
    steadier = ScaleStabilizer(fps=FPS)
    spans = []
    for _ in range(60):
        noisy = 1 / view.z + rng.normal(0, 0.02, view.z.shape)
        spans.append(np.std(steadier.next(InverseDepth(noisy.astype(np.float32)), view.rgb).inverse_depth.values))
    assert np.mean(spans[-5:]) == pytest.approx(np.std(1 / view.z), rel=0.05)


def test_a_cut_begins_anew(orbit: tuple[DepthView, ...]) -> None:
    steadier = ScaleStabilizer(fps=FPS)
    for view in orbit[:3]:
        steadier.next(InverseDepth(1 / view.z), view.rgb)
    other = np.random.default_rng(2).integers(0, 255, (9, 12, 3), dtype=np.uint8)
    picture = cv2.resize(other, SIZE, interpolation=cv2.INTER_CUBIC)
    inverse_depth = InverseDepth(np.linspace(5, 9, SIZE[0] * SIZE[1], dtype=np.float32).reshape(SIZE[::-1]))
    after = steadier.next(inverse_depth, picture)
    assert after.is_new_scene
    assert np.array_equal(after.inverse_depth.values, inverse_depth.values)
    assert not steadier.next(inverse_depth, picture).is_new_scene


def test_a_moving_thing_is_not_smeared(orbit: tuple[DepthView, ...]) -> None:
    """A near square jumps over the picture; where it was, the wall is back at once."""
    steadier, view = ScaleStabilizer(fps=FPS), orbit[0]
    for step in range(4):
        values, rgb = (1 / view.z).copy(), view.rgb.copy()
        columns = slice(20 + 30 * step, 50 + 30 * step)
        values[50:80, columns], rgb[50:80, columns] = 1.5, (250, 20, 20)
        found = steadier.next(InverseDepth(values), rgb).inverse_depth.values
    assert np.abs(found[52:78, 22:108] - values[52:78, 22:108]).max() < 0.02
    assert np.abs(found[52:78, 112:138] - 1.5).max() < 0.02


def test_unknown_stays_unknown_and_nothing_else_becomes_so(orbit: tuple[DepthView, ...]) -> None:
    steadier = ScaleStabilizer(fps=FPS)
    for number, view in enumerate(orbit[:3]):
        values = 1 / view.z
        values[:20] = np.nan
        values[40:50] = np.nan if number == 0 else values[40:50]
        found = steadier.next(InverseDepth(values), view.rgb).inverse_depth.values
    assert np.array_equal(np.isnan(found), np.isnan(values))


def test_the_same_twice(orbit: tuple[DepthView, ...]) -> None:
    runs: list[NDArray[np.float32]] = []
    for _ in range(2):
        steadier = ScaleStabilizer(fps=FPS)
        for inverse_depth, view in zip(unsteady(orbit[:4], noise=0.02), orbit[:4], strict=True):
            last = steadier.next(inverse_depth, view.rgb).inverse_depth.values
        runs.append(last)
    assert np.array_equal(*runs)


def test_nonsense_is_refused() -> None:
    for wrong in ({"fps": 0.0}, {"fps": 30.0, "steady_s": -1.0}, {"fps": 30.0, "steady_s": math.inf}):
        with pytest.raises(UsageError):
            ScaleStabilizer(**wrong)
