"""Laws of the moving camera."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from synthetic_scenes import Truth, slanted_plane, small_camera, step

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import MetricDepth
from depth3d.core.errors import GeometryError, UsageError
from depth3d.core.images import Animation
from depth3d.core.rgbd import RGBD
from depth3d.io.cameras.keyframes_file import read_motion
from depth3d.layers import to_layers
from depth3d.layers.views import Viewpoint
from depth3d.render.parallax import EASINGS, MOTIONS, ShotParallax, animate_layers, animate_parallax, to_motion
from depth3d.render.parallax.camera_paths import preset_motion
from depth3d.render.parallax.framing import find_focus, to_viewpoints

CAMERA = small_camera(160, 120)


def _before(near_m: float = 1.0, far_m: float = 3.0) -> Truth:
    """A smooth box, nearer than the wall in the middle of the picture; the focus is on it."""
    truth = step(CAMERA, far_m=far_m, column=0)
    inverse, rgb = truth.inverse_metres.copy(), np.full((120, 160, 3), 90, np.uint8)
    v, u = np.mgrid[:120, :160]
    rgb[..., 0], rgb[..., 1] = u, 2 * v
    inverse[30:100, 50:90] = 1 / near_m
    rgb[30:100, 50:90, 2] = 240
    return Truth(CAMERA, inverse, rgb)


TRUTH = _before()


def _animation(truth: Truth = TRUTH, **options: Any) -> Animation:
    return animate_parallax(RGBD(truth.rgb, truth.depth, truth.camera), **({"seconds": 0.5, "fps": 16} | options))


def _frames(truth: Truth = TRUTH, **options: Any) -> list[NDArray[np.uint8]]:
    return list(_animation(truth, **options).frames())


def _viewpoints(motion: str, phases: list[float], focus: tuple[float, float] | None = None) -> list[Viewpoint]:
    layers = to_layers(RGBD(TRUTH.rgb, TRUTH.depth, CAMERA))
    return to_viewpoints(preset_motion(motion), phases, find_focus(layers, focus), CAMERA, CAMERA.size)


def _seen_at(viewpoint: Viewpoint, u: float, v: float, metres: float) -> NDArray[np.float64]:
    """Where a view shows the thing that the photo shows at a pixel."""
    point = np.array([(u - CAMERA.cx) / CAMERA.fx * metres, (v - CAMERA.cy) / CAMERA.fy * metres, metres, 1])
    x, y, z, _ = viewpoint.pose.cam_from_world @ point
    camera: Intrinsics = viewpoint.camera
    return np.array([camera.cx + camera.fx * x / z, camera.cy + camera.fy * y / z])


def test_frames_have_the_asked_size_and_number() -> None:
    animation = _animation(width=80, seconds=1, fps=12)
    frames = list(animation.frames())
    assert len(frames) == animation.count == 12
    assert {frame.shape for frame in frames} == {(60, 80, 3)}
    assert {frame.dtype for frame in frames} == {np.dtype(np.uint8)}


def test_frames_that_nobody_asks_for_any_more_wait_for_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python may drop them while it starts a thread; a thread that ends then needs the lock which that holds."""
    frames = _animation(width=32).frames()
    next(frames)

    def wait(*_: object, **__: object) -> None:
        raise AssertionError("waited for a thread")

    monkeypatch.setattr(threading.Thread, "join", wait)
    frames.close()  # type: ignore[attr-defined]  # as the garbage collector does


@pytest.mark.parametrize("motion", MOTIONS)
def test_every_motion_closes_exactly_and_draws_the_same_again(motion: str) -> None:
    way = preset_motion(motion)
    start, end = (np.array([getattr(way.place(p), n) for n in way.place(p).__slots__]) for p in (0.0, 1.0))
    np.testing.assert_allclose(start, end, atol=1e-12)
    animation = _animation(motion=motion, seconds=2, fps=20, width=80)
    frames = [frame.astype(float) for frame in animation.frames()]
    for one, other in zip(frames, animation.frames(), strict=True):
        np.testing.assert_array_equal(one, other)
    steps = [np.abs(a - b).mean() for a, b in zip(frames, [*frames[1:], frames[0]], strict=True)]
    assert max(steps) > 0.05
    assert steps[-1] <= 1.2 * max(steps[:-1])


@pytest.mark.parametrize("easing", EASINGS)
def test_easings_reach_the_same_ends_in_another_rhythm(easing: str) -> None:
    way = preset_motion("swing", easing=easing)  # type: ignore[arg-type]
    assert [way.place(p).right for p in (0, 0.25, 0.5, 0.75)] == pytest.approx([0, 2.5, 0, -2.5], abs=1e-9)
    near_the_end = {"linear": 0.8, "smooth": 0.95, "pause": 0.99}
    assert way.place(0.2).right / 2.5 == pytest.approx(near_the_end[easing], abs=0.01)


def test_small_photos_are_not_enlarged() -> None:
    assert next(_animation(width=4000).frames()).shape == (120, 160, 3)


def test_what_moves_most_moves_by_the_stated_amount() -> None:
    left, right = _viewpoints("horizontal", [0.75, 0.25])
    far = [_seen_at(one, 100, 60, 3.0)[0] for one in (left, right)]
    near = [_seen_at(one, 70, 60, 1.0)[0] for one in (left, right)]
    assert abs(near[1] - near[0]) < 1e-6  # the middle of the photo is on the box
    assert far[1] - far[0] == pytest.approx(2 * 0.02 * 160)


@pytest.mark.parametrize("motion", ["orbit", "swing", "dolly", "zoom", "vertigo", "horizontal", "circle"])
def test_the_focus_stays_still(motion: str) -> None:
    # On the wall, or on the box.
    for u, v, metres in ((20.0, 20.0, 3.0), (60.0, 50.0, 1.0)):
        for viewpoint in _viewpoints(motion, [0, 0.13, 0.5, 0.8], (u / 160, v / 120)):
            np.testing.assert_allclose(_seen_at(viewpoint, u, v, metres), (u, v), atol=1e-6)


def test_vertigo_keeps_the_size_of_what_is_in_focus_and_no_other() -> None:
    for viewpoint in _viewpoints("vertigo", [0.2, 0.5], (70 / 160, 60 / 120)):
        ends = [_seen_at(viewpoint, u, 60, 1.0) for u in (55, 85)]
        assert ends[1][0] - ends[0][0] == pytest.approx(30)
        behind = [_seen_at(viewpoint, u, 60, 3.0) for u in (55, 85)]
        assert behind[1][0] - behind[0][0] < 29


def test_zoom_shifts_nothing_against_anything() -> None:
    (viewpoint,) = _viewpoints("zoom", [0.5])
    np.testing.assert_allclose(_seen_at(viewpoint, 55, 40, 1.0), _seen_at(viewpoint, 55, 40, 3.0))
    assert viewpoint.camera.fx > CAMERA.fx


@pytest.mark.parametrize("motion", MOTIONS)
def test_no_pixel_looks_outside_the_photo(motion: str) -> None:
    # A photo with a red rim two pixels wide: a frame that looked outside would repeat it over more pixels.
    truth = slanted_plane(CAMERA, normal=(0.8, 0, -1))
    rgb = np.full_like(truth.rgb, 80)
    for rim in (np.s_[:2], np.s_[-2:], np.s_[:, :2], np.s_[:, -2:]):
        rgb[rim] = (255, 0, 0)
    animation = _animation(Truth(CAMERA, truth.inverse_metres, rgb), motion=motion)
    assert 1 <= animation.zoom < 1.3
    for frame in animation.frames():
        red = frame[..., 0] > 170
        assert max(red[10:-10, :6].sum(axis=1).max(), red[10:-10, -6:].sum(axis=1).max()) <= 3
        assert max(red[:6, 10:-10].sum(axis=0).max(), red[-6:, 10:-10].sum(axis=0).max()) <= 3


def test_nothing_of_the_box_is_smeared_over_the_wall_behind_it() -> None:
    still = _frames(amount_percent=0.01)[0]
    blue = float((still[..., 2] > 165).sum())
    animation = _animation(motion="horizontal", amount_percent=5)
    for frame in animation.frames():
        assert (frame[..., 2] > 165).sum() == pytest.approx(blue * animation.zoom**2, rel=0.03)
        mixed = (frame[..., 2] > 110) & (frame[..., 2] < 220)
        assert mixed.sum() < 2.5 * (2 * 40 + 2 * 70)


def test_a_video_that_stands_still_moves_like_a_photo() -> None:
    layers = to_layers(RGBD(TRUTH.rgb, TRUTH.depth, TRUTH.camera))
    motion = preset_motion("swing")
    photo = list(animate_layers(layers, motion=motion, width=60, seconds=1, fps=6).frames())
    height = photo[0].shape[0]
    shot = ShotParallax(layers, (60, height), motion, count=6, focus=None)
    for number in range(8):
        assert np.array_equal(shot.frame(layers, number), photo[number % 6])


def test_unknown_depth_moves_like_the_farthest() -> None:
    metres = TRUTH.depth.z.copy()
    metres[:, 120:] = np.nan
    holes = animate_parallax(RGBD(TRUTH.rgb, MetricDepth(metres, unit="m"), CAMERA), seconds=0.2)
    whole = animate_parallax(RGBD(TRUTH.rgb, TRUTH.depth, CAMERA), seconds=0.2)
    for one, other in zip(holes.frames(), whole.frames(), strict=True):
        assert np.abs(one.astype(int) - other).mean() < 0.5


def test_a_flat_scene_does_not_move() -> None:
    flat = Truth(CAMERA, np.ones((120, 160)), TRUTH.rgb)
    for frame in _frames(flat, motion="circle"):
        assert np.abs(frame.astype(int) - TRUTH.rgb).max() <= 1


def test_the_unit_of_depth_does_not_matter() -> None:
    far = Truth(CAMERA, TRUTH.inverse_metres / 100, TRUTH.rgb)
    for one, other in zip(_frames(motion="dolly"), _frames(far, motion="dolly"), strict=True):
        assert np.abs(one.astype(int) - other).mean() < 0.1


KEYS = {
    "keys": [{"move": [0, 0, 0]}, {"move": [2, 0, 1], "turn": [1, 0, 0], "zoom": 1.1}, {"move": [0, 1, 0], "at": 0.8}]
}


def test_key_poses_are_reached_and_the_loop_closes(tmp_path: Path) -> None:
    keys = [dict(key, at=at) for key, at in zip(KEYS["keys"], (0, 0.3, 0.8), strict=True)]
    file = tmp_path / "way.json"
    file.write_text(json.dumps({"keys": keys}))
    way = read_motion(file)
    assert way.place(0.3).right == pytest.approx(2)
    assert way.place(0.3).yaw_deg == pytest.approx(1)
    assert way.place(0.3).zoom == pytest.approx(1.1)
    assert way.place(0.8).down == pytest.approx(1)
    assert way.place(1).right == pytest.approx(way.place(0).right) == pytest.approx(0)
    assert len(_frames(motion=way)) == 8


def test_key_poses_may_go_one_way_in_the_scene_s_unit() -> None:
    way = to_motion(
        {"keys": [{"move": [0, 0, 0]}, {"move": [0.1, 0, 0]}], "unit": "scene", "hold": "nothing", "loop": False}
    )
    assert not way.loops
    layers = to_layers(RGBD(TRUTH.rgb, TRUTH.depth, CAMERA))
    last = to_viewpoints(way, [1.0], find_focus(layers, None), CAMERA, CAMERA.size)[0]
    assert last.pose.world_from_cam[0, 3] == pytest.approx(0.1)
    animation = _animation(motion=way)
    assert not animation.loops


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "expected"),
        ({"keys": [{}]}, "2 to 1000 keys"),
        ({"keys": [{}, 3]}, "key 2 is not an object"),
        ({"keys": [{}, {"mov": [1, 2, 3]}]}, "unknown mov"),
        ({"keys": [{}, {"move": [1, 2]}]}, "three numbers"),
        ({"keys": [{}, {"move": [1, 2, "x"]}]}, "must be a number"),
        ({"keys": [{}, {"zoom": 0}]}, "zoom must lie"),
        ({"keys": [{}, {"turn": [90, 0, 0]}]}, "at most 45 degrees"),
        ({"keys": [{"at": 0.5}, {"at": 0.2}]}, "must rise"),
        ({"keys": [{"at": 0.5}, {}]}, "must be a number"),
        ({"keys": [{}, {}], "hold": "on"}, "hold must be one of"),
        ({"keys": [{}, {}], "unit": "m"}, "unit must be one of"),
        ({"keys": [{}, {}], "loop": 1}, "loop must be"),
        ({"keys": [{}, {}], "speed": 1}, "unknown speed"),
        ({"keys": [{}, {"move": [1e200, 0, 0]}]}, "a move must lie within 1e\\+06, got 1e\\+200"),
        ({"keys": [{}, {"move": [0, 0, -1e7]}]}, "a move must lie within"),
    ],
)
def test_wrong_key_poses_are_refused(document: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        to_motion(document)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_files_that_hold_no_key_poses_are_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "way.json"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=r"way\.json"):
        read_motion(file)


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 0},
        {"seconds": 0},
        {"fps": -1},
        {"amount_percent": 50},
        {"motion": "fly"},
        {"easing": "jump"},
        {"focus": (500, 3)},
        {"motion": to_motion(dict(KEYS, keys=[{}, {"move": [0, 0, 400]}]))},
        {"motion": to_motion(dict(KEYS, keys=[{}, {"move": [0, 0, -100]}]))},
        {"motion": to_motion(dict(KEYS, keys=[{}, {}])), "amount_percent": 2},
    ],
)
def test_what_cannot_be_meant_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        _animation(**wrong)


def test_a_depth_of_another_size_is_refused() -> None:
    with pytest.raises(GeometryError, match="photo is 160x120, its depth 2x2"):
        animate_parallax(RGBD(TRUTH.rgb, MetricDepth(np.ones((2, 2), np.float32), unit="m"), CAMERA))


@pytest.mark.parametrize("unit", ["percent", "scene"])
@pytest.mark.parametrize("hold", ["plane", "point", "size", "nothing"])
@pytest.mark.parametrize("move", [[1e6, 0, 0], [0, -1e6, 0], [0, 0, -1e6], [0, 0, 1e6]])
def test_the_longest_moves_are_drawn_or_refused(unit: str, hold: str, move: list[float]) -> None:
    way = to_motion({"keys": [{}, {"move": move}], "unit": unit, "hold": hold})
    with suppress(UsageError):
        assert len(_frames(motion=way, seconds=0.2, fps=10)) == 2


def test_a_photo_too_long_for_views_is_refused() -> None:
    height = 40_000
    camera = Intrinsics.from_fov(1, height, fov_x_deg=60)
    depth = MetricDepth(np.linspace(1, 2, height, dtype=np.float32)[:, None], unit="m")
    with pytest.raises(UsageError, match="1x40000 pixels cannot be drawn.*crop it first"):
        animate_parallax(RGBD(np.zeros((height, 1, 3), np.uint8), depth, camera))
