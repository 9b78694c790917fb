"""Laws of pictures for two eyes, with angles and pixels worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from real_frames import motorcycle
from synthetic_scenes import slanted_plane, small_camera, step

from depth3d.cli import param_types, run
from depth3d.core.camera import Intrinsics
from depth3d.core.color import to_light
from depth3d.core.depth import MetricDepth
from depth3d.core.errors import UsageError
from depth3d.core.options import AnaglyphColors, Layout
from depth3d.core.rgbd import RGBD
from depth3d.layers import Layers, to_layers
from depth3d.layers.views import render_view
from depth3d.render.stereo import LAYOUTS, ComfortWarning, Eyes, animate_wigglegram, to_stereo
from depth3d.render.stereo.anaglyph import to_anaglyph
from depth3d.render.stereo.autostereogram import separation, to_autostereogram
from depth3d.render.stereo.quilt import to_quilt
from depth3d.render.stereo.stereo_rig import Rig, StereoPair, to_rig
from depth3d.render.stereo.vr180 import to_vr180

CAMERA = small_camera(160, 120)
TRUTH = step(CAMERA, near_m=1.0, far_m=3.0)
NEAR_PX, FAR_PX = (40, 60), (120, 60)


def _dotted(*pixels: tuple[int, int]) -> Layers:
    """Two dark walls, with a white spot of 3 x 3 pixels around each of these."""
    rgb = np.full((CAMERA.height, CAMERA.width, 3), 30, np.uint8)
    for column, row in pixels:
        rgb[row - 1 : row + 2, column - 1 : column + 2] = 255
    return to_layers(RGBD(rgb, TRUTH.depth, CAMERA))


def _spot(rgb: NDArray[np.uint8]) -> tuple[float, float]:
    """Where the middle of what is bright lies, pixel centres at +0.5."""
    light = np.maximum(rgb[..., 1].astype(np.float64) - 31, 0)
    v, u = np.mgrid[: rgb.shape[0], : rgb.shape[1]] + 0.5
    return float((light * u).sum() / light.sum()), float((light * v).sum() / light.sum())


@pytest.mark.parametrize(("pixel", "metres"), [(NEAR_PX, 1.0), (FAR_PX, 3.0)])
@pytest.mark.parametrize("convergence_m", [1.0, 2.0, 3.0])
def test_disparity_is_that_of_two_eyes_before_a_window(
    pixel: tuple[int, int], metres: float, convergence_m: float
) -> None:
    layers = _dotted(pixel)
    rig = to_rig(layers, Eyes(ipd_m=0.063, convergence_m=convergence_m))
    places = []
    for side in (-1.0, 1.0):
        viewpoint = rig.viewpoint(CAMERA, side)
        places.append(_spot(render_view(layers, viewpoint.camera, viewpoint.pose).rgb))
    (left_u, left_v), (right_u, right_v) = places
    # What is nearer than the window is seen further to the right by the left eye.
    expected = CAMERA.fx * 0.063 * (1 / metres - 1 / convergence_m)
    assert left_u - right_u == pytest.approx(expected, abs=0.1)
    assert left_v == pytest.approx(right_v, abs=0.02)
    assert (left_u + right_u) / 2 == pytest.approx(pixel[0] + 0.5, abs=0.1)


def test_disparity_in_per_cent_needs_no_metres() -> None:
    near, far = to_rig(_dotted(), Eyes(focus=(0.8, 0.5))), to_rig(_dotted(), Eyes(focus=(0.2, 0.5)))
    assert (near.before, near.behind) == (pytest.approx(0.02), pytest.approx(0))
    assert (far.before, far.behind) == (pytest.approx(0), pytest.approx(0.02))
    feet = to_layers(RGBD(TRUTH.rgb, MetricDepth(TRUTH.depth.z * np.float32(3.28), unit="m"), CAMERA))
    assert to_rig(feet, Eyes(focus=(0.8, 0.5))).baseline == pytest.approx(3.28 * near.baseline, rel=1e-5)
    assert to_rig(_dotted(), Eyes(ipd_m=0.06, convergence_m=2)).before == pytest.approx(
        CAMERA.fx / CAMERA.width * 0.06 / 2
    )


def test_beyond_comfort_is_said() -> None:
    with pytest.warns(ComfortWarning, match=r"up to 5\.0 % of the width .*may strain the eyes"):
        to_stereo(RGBD(TRUTH.rgb, TRUTH.depth, CAMERA), eyes=Eyes(disparity_percent=5))


def test_every_layout_holds_both_pictures() -> None:
    def drawn(layout: str) -> NDArray[np.uint8]:
        return to_stereo(RGBD(TRUTH.rgb, TRUTH.depth, CAMERA), layout=layout).rgb  # type: ignore[arg-type]

    wide, swapped, tall = drawn("side-by-side"), drawn("cross-eyed"), drawn("top-bottom")
    assert wide.shape == (120, 320, 3)
    left, right = wide[:, :160], wide[:, 160:]
    assert np.abs(left.astype(int) - right).max() > 20
    np.testing.assert_array_equal(swapped, np.hstack([right, left]))
    np.testing.assert_array_equal(tall, np.vstack([left, right]))
    half_wide, half_tall = drawn("half-side-by-side"), drawn("half-top-bottom")
    assert half_wide.shape == half_tall.shape == left.shape
    pairs = left.reshape(120, 80, 2, 3).mean(axis=2)
    assert np.abs(half_wide[:, :80] - pairs).max() <= 0.5
    assert np.abs(half_tall[60:] - right.reshape(60, 2, 160, 3).mean(axis=1)).max() <= 0.5
    np.testing.assert_array_equal(drawn("anaglyph"), to_anaglyph(StereoPair(left, right)))
    np.testing.assert_array_equal(drawn("side-by-side"), wide)


def test_an_anaglyph_is_duboiss() -> None:
    grey, black = np.full((1, 1, 3), 120, np.uint8), np.zeros((1, 1, 3), np.uint8)
    light = to_light(grey, highlights=1)[0, 0, 0]
    both = to_anaglyph(StereoPair(grey, grey))[0, 0].astype(int)
    assert np.abs(both - 120).max() <= 3
    left_only = to_light(to_anaglyph(StereoPair(grey, black)), highlights=1)[0, 0] / light
    right_only = to_light(to_anaglyph(StereoPair(black, grey)), highlights=1)[0, 0] / light
    # Sums of the rows of the published matrices; what would be less than no light is none.
    np.testing.assert_allclose(left_only, [1.132965, 0, 0], atol=0.01)
    np.testing.assert_allclose(right_only, [0, 1.093666, 1.041286], atol=0.01)


def test_each_filter_shows_its_eye_on_a_real_photo(shared_data: Path) -> None:
    frame = motorcycle(shared_data)
    camera = Intrinsics.from_fov(frame.rgb.shape[1], frame.rgb.shape[0], fov_x_deg=40)
    options = {"eyes": Eyes(disparity_percent=3), "width": 320}
    depth = MetricDepth(frame.truth_m, unit="m")
    pair = to_stereo(RGBD(frame.rgb, depth, camera), layout="side-by-side", **options).rgb  # type: ignore[arg-type]
    mixed = to_stereo(RGBD(frame.rgb, depth, camera), **options).rgb  # type: ignore[arg-type]
    left, right = (pair[:, part].mean(axis=2).ravel() for part in (np.s_[:320], np.s_[320:]))
    red, cyan = mixed[..., 0].ravel(), mixed[..., 1:].mean(axis=2).ravel()

    def alike(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
        return float(np.corrcoef(one, other)[0, 1])

    assert alike(red, left) > 0.85 > alike(red, right)
    assert alike(cyan, right) > 0.85 > alike(cyan, left)


def _decoded(dots: NDArray[np.uint8], eyes_px: int) -> NDArray[np.int64]:
    """How many pixels apart what is alike lies, around each place halfway between: by matching blocks."""
    nearest, farthest = separation(np.array([1.0, 0.0], np.float32), eyes_px)
    costs = []
    for apart in range(nearest, farthest + 1):
        off = np.full(dots.shape[:2], 255, np.float32)
        start = apart // 2
        off[:, start : start + dots.shape[1] - apart] = np.abs(
            dots[:, apart:].astype(np.float32) - dots[:, : dots.shape[1] - apart]
        ).mean(axis=2)
        costs.append(cv2.blur(off, (9, 9)))
    return nearest + np.argmin(costs, axis=0)


def test_an_autostereogram_gives_its_depth_back() -> None:
    width, height = 400, 90
    nearness = np.repeat(np.linspace(0, 0.5, width, dtype=np.float32)[None], height, axis=0)
    nearness[25:65, 150:260] = 0.9
    colours = np.random.default_rng(1).integers(0, 256, (500, 3)).astype(np.uint8)
    dots = to_autostereogram(nearness, colours)
    assert (separation(np.array([0.0, 1.0], np.float32), 100) == [50, 40]).all()
    seen = _decoded(dots, 100)
    expected = separation(nearness, 100)
    inner = np.s_[5:-5, 30:-30]
    right = np.abs(seen - expected)[inner] <= 1
    assert right.mean() > 0.93
    assert (np.abs(seen - expected)[32:58, 160:250] <= 1).all()
    np.testing.assert_array_equal(to_autostereogram(nearness, colours), dots)
    assert {tuple(dot) for dot in dots.reshape(-1, 3)} <= {tuple(colour) for colour in colours}


@pytest.mark.parametrize("pixel", [(30, 20), (75, 60), (130, 110)])
def test_vr180_shows_things_in_their_true_directions(pixel: tuple[int, int]) -> None:
    layers = _dotted(pixel)
    metres = 1.0 if pixel[0] < 80 else 3.0
    baseline, width = 0.2, 600
    pair = to_vr180(layers, Rig(baseline, 0.0, 0.0, 0.0), width)
    x = (pixel[0] + 0.5 - CAMERA.cx) / CAMERA.fx * metres
    y = (pixel[1] + 0.5 - CAMERA.cy) / CAMERA.fy * metres
    for eye, picture in ((-baseline / 2, pair.left), (baseline / 2, pair.right)):
        assert picture.shape == (width, width, 3)
        longitude = math.atan2(x - eye, metres)
        latitude = math.atan2(y, math.hypot(x - eye, metres))
        expected = (0.5 + longitude / math.pi) * width, (0.5 + latitude / math.pi) * width
        assert _spot(picture) == pytest.approx(expected, abs=0.35)


@pytest.mark.filterwarnings("ignore:the scene is flat")
def test_vr180_spans_the_photos_angles_and_is_black_beyond() -> None:
    camera = Intrinsics.from_fov(120, 80, fov_x_deg=90)
    flat = MetricDepth(np.full((80, 120), 50.0, np.float32), unit="m")
    picture = to_stereo(RGBD(np.full((80, 120, 3), 200, np.uint8), flat, camera), layout="vr180", width=360).rgb
    assert picture.shape == (360, 720, 3)
    left = picture[:, :360]
    assert np.flatnonzero(left[180, :, 0] > 100)[[0, -1]].tolist() == pytest.approx([90, 269], abs=1.5)
    half_height = math.degrees(math.atan(80 / 120))
    rows = np.flatnonzero(left[:, 180, 0] > 100)[[0, -1]]
    assert rows.tolist() == pytest.approx([180 - 2 * half_height, 179 + 2 * half_height], abs=1.5)
    assert not left[:, :85].any()
    assert not left[:100].any()


def test_a_wigglegram_is_a_loop_of_both_eyes() -> None:
    animation = animate_wigglegram(RGBD(TRUTH.rgb, TRUTH.depth, CAMERA), width=80)
    left, middle, right, again = animation.frames()
    assert animation.count == 4
    assert animation.loops
    assert left.shape == (60, 80, 3)
    np.testing.assert_array_equal(middle, again)
    assert np.abs(left.astype(int) - right).mean() > np.abs(left.astype(int) - middle).mean() > 0
    for one, other in zip(animation.frames(), animation.frames(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.filterwarnings("ignore:the scene is flat")
def test_a_flat_scene_looks_the_same_to_both_eyes() -> None:
    flat = MetricDepth(np.full((120, 160), 2.0, np.float32), unit="m")
    for layout in ("side-by-side", "autostereogram", "vr180"):
        rgb = to_stereo(RGBD(TRUTH.rgb, flat, CAMERA), layout=layout, width=160).rgb  # type: ignore[arg-type]
        if layout != "autostereogram":
            np.testing.assert_array_equal(*np.split(rgb, 2, axis=1))


@pytest.mark.filterwarnings("ignore:the scene is flat")
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 40), (5, 4)])
def test_tiny_photos_pass(size: tuple[int, int]) -> None:
    rgb = np.arange(size[0] * size[1] * 3, dtype=np.uint8).reshape(size[1], size[0], 3)
    depth = MetricDepth(np.linspace(1, 2, rgb[..., 0].size, dtype=np.float32).reshape(rgb.shape[:2]), unit="m")
    for layout in LAYOUTS:
        assert to_stereo(RGBD(rgb, depth, Intrinsics.from_fov(*size, fov_x_deg=60)), layout=layout, width=16).rgb.size


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"disparity_percent": 0}, "disparity must lie between 0 and 15 per cent"),
        ({"ipd_m": -1.0}, "distance between the eyes must be positive"),
        ({"convergence_m": math.inf}, "convergence must be positive and finite"),
        ({"convergence_m": 1.0, "focus": (0.5, 0.5)}, "give one of them"),
    ],
)
def test_eyes_out_of_range_are_refused(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Eyes(**wrong)  # type: ignore[arg-type]


def test_layouts_and_widths_out_of_range_are_refused() -> None:
    with pytest.raises(UsageError, match="no layout 'hologram'"):
        to_stereo(RGBD(TRUTH.rgb, TRUTH.depth, CAMERA), layout="hologram")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="between 16 and 8192 pixels, got 9000"):
        to_stereo(RGBD(TRUTH.rgb, TRUTH.depth, CAMERA), width=9000)
    slope = slanted_plane(CAMERA, normal=(1.5, 0, -1))
    with pytest.raises(UsageError, match="enlarged"):
        animate_wigglegram(RGBD(slope.rgb, slope.depth, CAMERA), eyes=Eyes(ipd_m=5.0))


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert param_types.LAYOUTS == LAYOUTS
    Image.fromarray(TRUTH.rgb).save(tmp_path / "a.png")
    np.save(tmp_path / "d.npy", TRUTH.inverse_metres)
    command = ["stereo", str(tmp_path / "a.png"), "--depth-map", str(tmp_path / "d.npy"), "--no-provenance"]
    command += ["--fov", "60"]
    assert run([*command, "--layout", "side-by-side", "--eye-width", "80", "-o", str(tmp_path / "b.png")]) == 0
    assert "picture 160x60" in capsys.readouterr().out
    assert run([*command, "--layout", "wigglegram", "-o", str(tmp_path / "b.gif")]) == 0
    assert "4 frames at 10 per second" in capsys.readouterr().out
    assert run([*command, "--disparity", "5", "-o", str(tmp_path / "c.jpg")]) == 0
    assert "warning: disparities up to 5.0 % of the width" in capsys.readouterr().err
    assert run([*command, "--ipd", "63mm", "-o", str(tmp_path / "e.png")]) == 2
    assert "need depth in metres" in capsys.readouterr().err
    metres = ["--at", "120,60=3m", "--ipd", "63mm", "--convergence", "2m"]
    assert run([*command, *metres, "-o", str(tmp_path / "e.png")]) == 0
    assert run([*command, "-o", str(tmp_path / "f.gif")]) == 2
    assert "an animation; a picture goes into" in capsys.readouterr().err


@pytest.mark.parametrize("colors", get_args(AnaglyphColors))
def test_white_stays_white_and_each_eye_has_a_colour_of_its_own(colors: AnaglyphColors) -> None:
    white, black = np.full((2, 2, 3), 255, np.uint8), np.zeros((2, 2, 3), np.uint8)
    assert np.abs(to_anaglyph(StereoPair(white, white), colors).astype(int) - 255).max() <= 1
    left, right = (to_anaglyph(pair, colors)[0, 0] for pair in (StereoPair(white, black), StereoPair(black, white)))
    first, second = {"green-magenta": ((1,), (0, 2)), "amber-blue": ((0, 1), (2,))}.get(colors, ((0,), (1, 2)))
    assert min(left[list(first)]) > 200
    assert max(left[list(second)]) < 100
    assert min(right[list(second)]) > 200
    assert max(right[list(first)]) < 100


def test_grey_has_no_colours_and_color_has_the_photos_own() -> None:
    eye = np.full((2, 2, 3), (200, 50, 120), np.uint8)
    pair = StereoPair(eye, eye)
    assert np.ptp(to_anaglyph(pair, "grey")[0, 0]) <= 1
    np.testing.assert_array_equal(to_anaglyph(pair, "color"), eye)
    assert to_anaglyph(pair, "half-color")[0, 0, 1:].tolist() == [50, 120]


def test_swapping_exchanges_the_halves() -> None:
    rgbd = RGBD(TRUTH.rgb, TRUTH.depth, CAMERA)
    usual, swapped = (to_stereo(rgbd, layout="side-by-side", swap=swap).rgb for swap in (False, True))
    np.testing.assert_array_equal(np.hstack(np.split(usual, 2, axis=1)[::-1]), swapped)
    np.testing.assert_array_equal(to_stereo(rgbd, layout="cross-eyed").rgb, swapped)


def test_rgbd_has_depth_at_the_right_and_the_nearest_is_white() -> None:
    rgbd = RGBD(TRUTH.rgb, TRUTH.depth, CAMERA)
    photo, depth = np.split(to_stereo(rgbd, layout="rgbd").rgb, 2, axis=1)
    np.testing.assert_array_equal(photo, TRUTH.rgb)
    assert depth[NEAR_PX[1], NEAR_PX[0]].tolist() == [255] * 3
    assert depth[FAR_PX[1], FAR_PX[0]].tolist() == [0] * 3


def test_a_quilt_goes_from_the_left_below_to_the_right_above() -> None:
    layers = _dotted(NEAR_PX)
    rig = to_rig(layers, Eyes(disparity_percent=0.5, focus=(0.8, 0.5)))
    tile = (80, 60)
    quilt = to_quilt(layers, rig, tile, (3, 2))
    assert quilt.shape == (120, 240, 3)
    views = [quilt[60 * (1 - k // 3) :, 80 * (k % 3) :][:60, :80] for k in range(6)]
    places = [_spot(np.where(view > 100, view, 0))[0] for view in views]
    assert all(np.diff(places) < -0.1)  # what is near moves to the left as one goes to the right
    assert np.ptp(np.diff(places)) < 0.5
    with pytest.raises(UsageError, match="a quilt has 2 to 128 views in columns and rows, got 1x1"):
        to_quilt(layers, rig, tile, (1, 1))


def test_a_quilt_tells_the_name_that_looking_glass_reads(tmp_path: Path) -> None:
    rgbd = RGBD(TRUTH.rgb, TRUTH.depth, CAMERA)
    picture = to_stereo(rgbd, layout="quilt", width=64, quilt=(4, 2))
    assert picture.rgb.shape == (96, 256, 3)
    assert picture.remark == "Looking Glass software wants a name that ends in _qs4x2a1.333"


@pytest.mark.parametrize(
    ("layout", "more", "words"),
    [
        ("quilt", {"swap": True}, "has no eyes to be exchanged"),
        ("side-by-side", {"anaglyph": "grey"}, "the glasses belong to the layout 'anaglyph', got 'side-by-side'"),
        ("anaglyph", {"quilt": (2, 2)}, "columns and rows belong to the layout 'quilt', got 'anaglyph'"),
    ],
)
def test_options_of_another_layout_are_refused(layout: Layout, more: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        to_stereo(RGBD(TRUTH.rgb, TRUTH.depth, CAMERA), layout=layout, **more)
