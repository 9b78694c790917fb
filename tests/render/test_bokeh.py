"""Laws of depth of field, against the formulas of optics."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.special import j1
from synthetic_scenes import small_camera, step

from depth3d.cli import run
from depth3d.core.camera import Intrinsics
from depth3d.core.color import to_light, to_srgb
from depth3d.core.depth import MetricDepth
from depth3d.core.errors import UsageError
from depth3d.core.rgbd import RGBD
from depth3d.lab.bench import bokeh as bokeh_bench
from depth3d.layers import to_layers
from depth3d.render.bokeh import compositing as slices
from depth3d.render.bokeh import defocus, depth_of_field
from depth3d.render.bokeh.aperture import aperture, halvings, spread_light
from depth3d.render.bokeh.depth_of_field import aperture_m

CAMERA = small_camera(240, 160)
EDGE = 120
NEAR, FAR = (40.0, 120.0), (200.0, 60.0)
"""A pixel on the near wall, which covers the left half, and one on the far wall."""


def _walls(
    near_rgb: tuple[int, int, int] = (190, 60, 40), *, columns: int = EDGE
) -> tuple[NDArray[np.uint8], MetricDepth]:
    """A plain near wall of so many columns before a far one with smooth vertical waves."""
    truth = step(CAMERA, near_m=1.0, far_m=3.0)
    wave = 90 + 60 * np.cos(2 * np.pi * np.arange(CAMERA.width) / 40)
    rgb = np.repeat(np.broadcast_to(wave, (CAMERA.height, CAMERA.width))[..., None], 3, axis=2)
    rgb = np.rint(rgb * (0.6, 1.0, 0.8)).astype(np.uint8)
    rgb[:, :columns] = near_rgb
    return rgb, truth.depth


def _light(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    return to_light(rgb, highlights=1).astype(np.float64)


def _disc_edge(distance_px: NDArray[np.float64], radius_px: float) -> NDArray[np.float64]:
    """The share of a disc that lies beyond a straight edge at a distance from its middle."""
    t = np.clip(distance_px / radius_px, -1, 1)
    return 0.5 - (t * np.sqrt(1 - t**2) + np.arcsin(t)) / np.pi


@pytest.mark.parametrize("radius", [1.0, 3.3, 7.0])
@pytest.mark.parametrize("blades", [0, 3, 6])
def test_an_aperture_has_its_area_and_all_of_the_light(radius: float, blades: int) -> None:
    shares = aperture(radius, blades=blades, turned=False)
    assert shares.sum() == pytest.approx(1, abs=1e-5)
    assert 1 / shares.max() == pytest.approx(math.pi * radius**2, rel=0.05)
    upside_down = aperture(radius, blades=blades, turned=True)
    np.testing.assert_array_equal(upside_down, shares[::-1, ::-1])
    if blades == 3:
        assert not np.allclose(shares, upside_down, atol=1e-3)


@pytest.mark.parametrize("radius", [3.0, 7.9, 8.0, 15.0, 31.0])
def test_a_disc_spreads_as_far_as_it_should_at_any_size(radius: float) -> None:
    size = 160
    image = np.zeros((size, size, 4), np.float32)
    image[size // 2, size // 2] = 1
    spread = spread_light(image, radius, blades=0, turned=False)[..., 0].astype(np.float64)
    across = np.arange(size) - size / 2
    assert spread.sum() == pytest.approx(1, abs=1e-3)
    variance = (spread * across**2).sum() - (spread * across).sum() ** 2
    assert variance == pytest.approx(radius**2 / 4 + 1 / 12, rel=0.01)
    assert 2 ** halvings(radius) * 4 <= max(radius, 4)


def test_light_and_back_is_the_photo() -> None:
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (60, 60, 3)).astype(np.uint8)
    rgb[0] = 255
    rgb[1] = np.arange(60)[:, None]
    for highlights in (1.0, 4.0, 50.0):
        light = to_light(rgb, highlights=highlights)
        np.testing.assert_array_equal(to_srgb(light, highlights=highlights), rgb)
        np.testing.assert_allclose(light[0], highlights, rtol=1e-5)
    assert to_light(np.full((1, 1, 3), 128, np.uint8), highlights=4)[0, 0, 0] == pytest.approx(0.21586, abs=1e-5)


@pytest.mark.parametrize("blur_percent", [2.5, 6.0, 14.0])
def test_a_blurred_near_wall_spreads_as_a_disc_does(blur_percent: float) -> None:
    rgb, depth = _walls()
    radius = blur_percent / 200 * CAMERA.width
    seen = _light(defocus(RGBD(rgb, depth, CAMERA), focus=FAR, blur_percent=blur_percent, highlights=1).rgb)
    photo, behind = _light(rgb), _light(_walls(columns=0)[0])
    share = _disc_edge(np.arange(CAMERA.width) + 0.5 - EDGE, radius)[:, None]
    expected = share * photo[80, 10] + (1 - share) * behind[80]
    contrast = np.abs(photo[80, 10] - behind[80]).max()
    assert np.abs(seen[80] - expected)[EDGE:].max() < 0.01 * contrast
    # Left of the edge, what is behind can only be guessed.
    assert np.abs(seen[80] - expected)[:EDGE].max() < 0.12 * contrast
    touched = np.abs(seen[80] - photo[80]).max(axis=1) > 0.005
    assert touched[EDGE : EDGE + int(0.8 * radius)].all()
    assert not touched[EDGE + math.ceil(radius) + 1 :].any()


@pytest.mark.parametrize("blur_percent", [2.5, 6.0, 14.0])
def test_a_far_wall_is_blurred_as_a_disc_blurs_waves(blur_percent: float) -> None:
    rgb, depth = _walls()
    radius = blur_percent / 200 * CAMERA.width
    photo = _light(rgb)
    seen = _light(defocus(RGBD(rgb, depth, CAMERA), focus=NEAR, blur_percent=blur_percent, highlights=1).rgb)
    # The waves are harmonics of one wave; a disc weakens each by 2 J1(x) / x.
    wave = photo[80, EDGE : EDGE + 40]
    harmonics = np.fft.rfft(wave, axis=0)
    x = 2 * np.pi * np.arange(len(harmonics)) / 40 * radius
    weaker = np.fft.irfft(harmonics * (2 * j1(np.maximum(x, 1e-9)) / np.maximum(x, 1e-9))[:, None], 40, axis=0)
    columns = np.arange(EDGE + math.ceil(radius) + 2, CAMERA.width - math.ceil(radius) - 2)
    assert np.abs(seen[80, columns] - weaker[(columns - EDGE) % 40]).max() < 0.01 * np.ptp(photo[80, EDGE:])


def test_a_sharp_near_wall_keeps_its_edge_and_lends_no_colour() -> None:
    rgb, depth = _walls()
    other, _ = _walls((20, 80, 200))
    one, two = (defocus(RGBD(image, depth, CAMERA), focus=NEAR, blur_percent=8).rgb for image in (rgb, other))
    np.testing.assert_array_equal(one[:, : EDGE - 1], rgb[:, : EDGE - 1])
    assert np.abs(one[:, EDGE - 1].astype(int) - rgb[:, EDGE - 1]).max() <= 2
    np.testing.assert_array_equal(one[:, EDGE:], two[:, EDGE:])
    assert np.abs(one[:, EDGE + 20 : -20].astype(int) - rgb[:, EDGE + 20 : -20]).max() > 10


def test_only_ratios_of_inverse_depth_differences_matter() -> None:
    rgb, depth = _walls()
    inverse = 1 / depth.z
    changed = MetricDepth((1 / (7 * inverse + 2)).astype(np.float32), unit="m")
    one, two = (defocus(RGBD(rgb, d, CAMERA), focus=FAR, blur_percent=6).rgb for d in (depth, changed))
    assert np.abs(one.astype(int) - two).max() <= 1


def test_a_lens_of_50_mm_and_f_2_is_25_mm_wide() -> None:
    camera = Intrinsics(360, 240, 500, 500, 180, 120)
    assert aperture_m(camera, 2.0) == pytest.approx(0.025)
    # Focused at 1 m, a point at 2.5 m becomes a disc of A f |1/z - 1/s| = 0.025 * 500 * 0.6 = 7.5 pixels.
    metres = np.full((240, 360), 2.5, np.float32)
    metres[:, :100] = 1.0
    rgb = np.full((240, 360, 3), 30, np.uint8)
    rgb[120, 250] = 200
    seen = _light(defocus(RGBD(rgb, MetricDepth(metres, unit="m"), camera), focus=(50, 120), f_number=2.0).rgb)[..., 1]
    more = seen - _light(rgb[:1, :1])[0, 0, 1]
    more[:, :220] = 0
    across = np.arange(360) - 250
    assert (more * across**2).sum() / more.sum() == pytest.approx(3.75**2 / 4, rel=0.06)


def test_highlights_bloom() -> None:
    rgb, depth = _walls()
    rgb[60:63, 180:183] = 255
    plain, bright = (
        defocus(RGBD(rgb, depth, CAMERA), focus=NEAR, blur_percent=6, highlights=h).rgb[61, 181].astype(int)
        for h in (1, 12)
    )
    assert (bright > plain + 20).all()
    far = defocus(RGBD(rgb, depth, CAMERA), focus=FAR, highlights=12)
    np.testing.assert_array_equal(far.rgb[60:63, 180:183], 255)


def test_the_apertures_shape_shows_and_turns_over_at_the_focus() -> None:
    rgb, depth = _walls()
    rgb[80, 40] = rgb[80, 200] = 255
    shapes = []
    for focus, column in ((FAR, 40), (NEAR, 200)):
        with_point, without = rgb.copy(), rgb.copy()
        without[80, column] = rgb[79, column]
        pictures = (
            defocus(RGBD(i, depth, CAMERA), focus=focus, blur_percent=8, blades=3) for i in (with_point, without)
        )
        on, off = (_light(picture.rgb)[..., 0] for picture in pictures)
        shapes.append((on - off)[68:93, column - 12 : column + 13] > 0.004)
    before, behind = shapes
    assert 150 < before.sum() < 400
    assert (before[::-1] ^ behind).mean() < 0.1 < (before ^ behind).mean()


def test_bands_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    rgb, depth = _walls()
    whole = defocus(RGBD(rgb, depth, CAMERA), focus=FAR, blur_percent=8).rgb
    monkeypatch.setattr(slices, "_BAND_PX", 30 * CAMERA.width)
    np.testing.assert_array_equal(defocus(RGBD(rgb, depth, CAMERA), focus=FAR, blur_percent=8).rgb, whole)


def test_photos_larger_than_their_layers_keep_their_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    rgb, depth = _walls()
    rgb[::2] //= 2
    monkeypatch.setattr(depth_of_field, "to_layers", partial(to_layers, max_pixels=10_000))
    seen = defocus(RGBD(rgb, depth, CAMERA), focus=NEAR, blur_percent=8).rgb
    np.testing.assert_array_equal(seen[:, : EDGE - 4], rgb[:, : EDGE - 4])
    assert np.abs(np.diff(seen[20:-20, EDGE + 4 :].astype(int), axis=0)).max() < 10


def test_one_plane_stays_sharp_and_the_same_call_gives_the_same_bytes() -> None:
    rgb, depth = _walls()
    flat = MetricDepth(np.full_like(depth.z, 2.0), unit="m")
    np.testing.assert_array_equal(defocus(RGBD(rgb, flat, CAMERA)).rgb, rgb)
    once, again = (defocus(RGBD(rgb, depth, CAMERA), blades=5).rgb.tobytes() for _ in range(2))
    assert once == again


def test_the_benchmark_says_what_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bokeh_bench, "_LARGE", (160, 120))
    monkeypatch.setattr(bokeh_bench, "_BLURS_PERCENT", (3.0,))
    section = bokeh_bench.exact_discs(rounds=1)
    assert len(section.figures) == 4
    assert [figure.what for figure in section.figures if not figure.is_met] == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"focus": (241, 3)}, "focus lies outside the photo"),
        ({"blur_percent": 0}, "blur must lie between 0 and 20 per cent"),
        ({"f_number": 0.1}, "f-number must lie between 0.5 and 64"),
        ({"blades": 2}, "3 to 20 blades"),
        ({"highlights": 0.5}, "highlights must lie between 1 and 100"),
    ],
)
def test_numbers_out_of_range_are_refused(wrong: dict[str, float], said: str) -> None:
    rgb, depth = _walls()
    with pytest.raises(UsageError, match=said):
        defocus(RGBD(rgb, depth, CAMERA), **wrong)  # type: ignore[arg-type]


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rgb, depth = _walls()
    Image.fromarray(rgb).save(tmp_path / "a.png")
    np.save(tmp_path / "d.npy", 1 / depth.z)
    command = ["bokeh", str(tmp_path / "a.png"), "--depth-map", str(tmp_path / "d.npy"), "--focus", "200,60"]
    command += ["--fov", "60"]
    assert run([*command, "--blur", "5", "-o", str(tmp_path / "b.png")]) == 0
    assert "picture 240x160" in capsys.readouterr().out
    with Image.open(tmp_path / "b.png") as written:
        expected = defocus(RGBD(rgb, depth, CAMERA), focus=FAR, blur_percent=5).rgb
        assert np.abs(np.asarray(written).astype(int) - expected).max() <= 2
    assert run([*command, "--f-number", "2", "-o", str(tmp_path / "c.png")]) == 2
    assert "an f-number needs depth in metres" in capsys.readouterr().err
    assert run([*command, "--f-number", "2", "--at", "200,60=3m", "-o", str(tmp_path / "c.png")]) == 0
