"""Laws of the moving camera."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import slanted_plane, small_camera, step

from depth3d.depth import MetricDepth
from depth3d.errors import GeometryError, UsageError
from depth3d.parallax import animate_parallax

TRUTH = step(small_camera(160, 120), near_m=1, far_m=4)


def test_frames_have_the_asked_size_and_number() -> None:
    animation = animate_parallax(TRUTH.rgb, TRUTH.depth, width=80, seconds=1, fps=12)
    frames = list(animation.frames())
    assert len(frames) == animation.count == 12
    assert {frame.shape for frame in frames} == {(60, 80, 3)}
    assert {frame.dtype for frame in frames} == {np.dtype(np.uint8)}


def test_a_second_pass_draws_the_same_frames() -> None:
    animation = animate_parallax(TRUTH.rgb, TRUTH.depth, seconds=0.3)
    for one, other in zip(animation.frames(), animation.frames(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_small_photos_are_not_enlarged() -> None:
    animation = animate_parallax(TRUTH.rgb, TRUTH.depth, width=4000, seconds=0.1)
    assert next(animation.frames()).shape == (120, 160, 3)


def test_near_things_move_one_way_far_things_the_other_by_the_stated_amount() -> None:
    truth = slanted_plane(small_camera(320, 240), normal=(0, -1.2, -1))
    marks = truth.rgb.copy()
    marks[:] = 0
    marks[:, 155:165] = 255
    frames = list(animate_parallax(marks, truth.depth, width=320, seconds=1, fps=20, amount_percent=3).frames())

    def column(frame: np.ndarray, row: int) -> float:
        light = frame[row, :, 0].astype(float)
        return float((light * (np.arange(320) + 0.5)).sum() / light.sum())

    lower = [column(frame, 225) for frame in frames]
    upper = [column(frame, 15) for frame in frames]
    # The floor is near at the bottom; the extremes lie at a quarter and three quarters of the loop.
    assert lower[5] - lower[15] == pytest.approx(2 * 0.03 * 320, rel=0.3)
    assert (upper[5] - upper[15]) < -1
    assert abs(lower[0] - lower[10]) < 1


def test_the_loop_has_no_seam() -> None:
    frames = [f.astype(float) for f in animate_parallax(TRUTH.rgb, TRUTH.depth, seconds=2, fps=24).frames()]
    steps = [np.abs(a - b).mean() for a, b in zip(frames, [*frames[1:], frames[0]], strict=True)]
    assert steps[-1] < 1.5 * max(steps[:-1])


def test_no_pixel_looks_outside_the_photo() -> None:
    # A photo with a red rim one pixel wide: a frame that looked outside would repeat the rim over several pixels.
    truth = slanted_plane(small_camera(160, 120), normal=(0.8, 0, -1))
    rgb = np.full_like(truth.rgb, 80)
    rgb[[0, -1]] = rgb[:, [0, -1]] = (255, 0, 0)
    for frame in animate_parallax(rgb, truth.depth, amount_percent=5, seconds=0.5).frames():
        red = frame[..., 0] > 200
        assert red[:, :3].sum(axis=1).max() <= 2
        assert red[:, -3:].sum(axis=1).max() <= 2


def test_unknown_depth_moves_like_the_farthest() -> None:
    metres = TRUTH.depth.metres.copy()
    metres[:, 100:] = np.nan
    holes = animate_parallax(TRUTH.rgb, MetricDepth(metres), seconds=0.2)
    whole = animate_parallax(TRUTH.rgb, TRUTH.depth, seconds=0.2)
    for one, other in zip(holes.frames(), whole.frames(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_flat_scene_does_not_move() -> None:
    frames = list(animate_parallax(TRUTH.rgb, MetricDepth(np.ones((120, 160), np.float32)), seconds=0.2).frames())
    for frame in frames:
        np.testing.assert_array_equal(frame, TRUTH.rgb)


@pytest.mark.parametrize("wrong", [{"width": 0}, {"seconds": 0}, {"fps": -1}, {"amount_percent": 50}])
def test_numbers_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="must"):
        animate_parallax(TRUTH.rgb, TRUTH.depth, **wrong)  # type: ignore[arg-type]


def test_a_depth_of_another_size_is_refused() -> None:
    with pytest.raises(GeometryError, match="photo is 160x120, its depth 2x2"):
        animate_parallax(TRUTH.rgb, MetricDepth(np.ones((2, 2), np.float32)))
