"""Laws of refinement: planes stay, blurred steps become crisp at the photo's edge, and nothing else is invented."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from real_frames import measured_frames

from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import DepthMapError, UsageError
from depth3d.lab.bench.edges import judge_edges
from depth3d.lab.evaluation.boundaries import as_a_network_sees, boundary_f1, flying_points
from depth3d.refine import refine_depth, refine_inverse_depth
from depth3d.refine.cell_grid import fill_unknown, nearest, positions, shrink
from depth3d.refine.color_edges import follow_colours
from depth3d.refine.edge_surfaces import find_surfaces
from depth3d.refine.edge_width import edge_width
from depth3d.refine.inverse_depth import smooth_known
from depth3d.refine.local_planes import fit_patches

WIDTH, HEIGHT = 320, 240
EDGE = 134  # first column of the far side


def _noise_photo(width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """Texture of all sizes, as unlike a plane's depth as can be."""
    rng = np.random.default_rng(3)
    fine = rng.integers(0, 256, (height, width, 3))
    coarse = np.kron(rng.integers(0, 256, (height // 20, width // 20, 3)), np.ones((20, 20, 1)))
    return np.where(rng.random((height, width, 1)) < 0.3, fine, coarse).astype(np.uint8)


PHOTO = _noise_photo()


def _two_walls(edge: int = EDGE) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """A near wall at the left, a slanted one behind it at the right, and a photo that shows which is which."""
    u = np.arange(WIDTH, dtype=np.float32)[None] + 0.5
    v = np.arange(HEIGHT, dtype=np.float32)[:, None] + 0.5
    near = 2.0 + 0.0005 * v + 0 * u
    far = 0.4 + 0.001 * u + 0.0005 * v
    left = np.broadcast_to(u < edge, near.shape)
    rgb = np.where(left[..., None], np.uint8([200, 60, 40]), np.uint8([30, 90, 160])).astype(np.uint8)
    return np.where(left, near, far).astype(np.float32), rgb


def _blurred(values: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.float32)


def _plane(slope_x: float, slope_y: float, width: int, height: int) -> NDArray[np.float32]:
    """A plane across the photo, seen on a grid of width x height cells."""
    columns = (np.arange(width) + 0.5) * (WIDTH / width)
    rows = (np.arange(height) + 0.5) * (HEIGHT / height)
    return (1 + slope_x * columns[None] + slope_y * rows[:, None]).astype(np.float32)


@given(slope_x=st.floats(-0.01, 0.01), slope_y=st.floats(-0.01, 0.01), cell=st.sampled_from([1, 2, 4]))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_a_textured_plane_stays_the_plane_it_is(slope_x: float, slope_y: float, cell: int) -> None:
    """Within a hundred-thousandth of its range, whatever the photo shows."""
    inverse_depth = InverseDepth(_plane(slope_x, slope_y, WIDTH // cell, HEIGHT // cell))
    plane = _plane(slope_x, slope_y, WIDTH, HEIGHT)
    refined = refine_inverse_depth(inverse_depth, PHOTO, colour_weight=1).values
    np.testing.assert_allclose(refined, plane, atol=1e-5 * float(np.ptp(plane)) + 1e-6)


@pytest.mark.parametrize("sigma", [1.0, 1.2, 1.4])
@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_a_blurred_step_becomes_crisp_at_the_photos_edge(sigma: float, shift: int) -> None:
    """Also where the depth has it a pixel beside; all pixels are within 3 % of the jump, so both slopes are kept."""
    truth, rgb = _two_walls()
    moved, _ = _two_walls(EDGE + shift)
    refined = refine_inverse_depth(InverseDepth(_blurred(moved, sigma)), rgb, colour_weight=0.9).values
    assert np.abs(refined - truth).max() < 0.03 * float(np.ptp(truth))


def test_without_colours_the_step_is_where_the_inverse_depth_has_it() -> None:
    truth, _ = _two_walls()
    refined = refine_inverse_depth(InverseDepth(_blurred(truth, 1.4)), PHOTO, colour_weight=0).values
    assert np.abs(refined - truth).max() < 0.02 * float(np.ptp(truth))


def test_a_small_map_becomes_crisp_at_photo_size() -> None:
    """Cells are 4 pixels, the edge lies within one; nothing lies between the surfaces."""
    truth, rgb = _two_walls()
    small = shrink(truth, (WIDTH // 4, HEIGHT // 4))
    refined = refine_inverse_depth(InverseDepth(small), rgb).values
    assert refined.shape == truth.shape
    assert refined.dtype == np.float32
    assert np.abs(refined - truth).max() < 0.02 * float(np.ptp(truth))
    bicubic = cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    assert np.abs(bicubic - truth).max() > 0.3 * float(np.ptp(truth))


@given(a=st.floats(0.01, 1000), b=st.floats(-5, 5))
@settings(max_examples=10, deadline=None, derandomize=True)
def test_scale_and_shift_pass_through(a: float, b: float) -> None:
    """refine(a d + b) = a refine(d) + b; rounding may move a pixel that lies right on the border between surfaces."""
    truth, rgb = _two_walls()
    inverse_depth = _blurred(truth, 1.4) + np.random.default_rng(0).normal(0, 1e-3, truth.shape).astype(np.float32)
    plain = refine_inverse_depth(InverseDepth(inverse_depth), rgb).values
    scaled = refine_inverse_depth(InverseDepth((a * (inverse_depth + b)).astype(np.float32)), rgb).values
    differences = np.abs(scaled / np.float32(a) - b - plain)
    assert np.mean(differences > 1e-4) < 1e-3
    assert np.abs(plain - inverse_depth).max() > 0.5  # there was something to refine


def test_the_same_call_gives_the_same_bytes_and_leaves_its_input_alone() -> None:
    truth, rgb = _two_walls()
    inverse_depth = InverseDepth(_blurred(truth, 1.4))
    before, photo_before = inverse_depth.values.copy(), rgb.copy()
    first, second = refine_inverse_depth(inverse_depth, rgb), refine_inverse_depth(inverse_depth, rgb)
    assert first.values.tobytes() == second.values.tobytes()
    assert inverse_depth.values.tobytes() == before.tobytes()
    assert rgb.tobytes() == photo_before.tobytes()


def test_what_was_known_about_the_inverse_depth_is_kept() -> None:
    truth, rgb = _two_walls()
    inverse_depth = InverseDepth(_blurred(truth, 1.4), zero_is_infinity=True, noise=0.01, source="somebody")
    refined = refine_inverse_depth(inverse_depth, rgb)
    assert (refined.zero_is_infinity, refined.noise, refined.source) == (True, 0.01, "somebody")


def test_unknown_stays_unknown_and_does_not_bleed() -> None:
    truth, rgb = _two_walls()
    inverse_depth = _blurred(truth, 1.4)
    inverse_depth[40:61, 20 : EDGE - 12] = np.nan
    inverse_depth[103:120, EDGE - 40 : EDGE + 40] = np.nan
    inverse_depth[80, 150] = np.nan
    refined = refine_inverse_depth(InverseDepth(inverse_depth), rgb).values
    np.testing.assert_array_equal(np.isnan(refined), np.isnan(inverse_depth))
    off = np.abs(refined - truth) > 0.03 * float(np.ptp(truth))
    assert off.sum() <= 4  # in the corner between the edge and the unknown


def test_unknown_cells_of_a_small_map_are_unknown_pixels() -> None:
    truth, rgb = _two_walls()
    small = shrink(truth, (WIDTH // 4, HEIGHT // 4))
    small[5:8, 3:6] = np.nan
    unknown = np.isnan(refine_inverse_depth(InverseDepth(small), rgb).values)
    expected = np.zeros_like(unknown)
    expected[20:32, 12:24] = True
    np.testing.assert_array_equal(unknown, expected)


def test_smoothing_blurs_by_its_pixels_and_keeps_the_unknown() -> None:
    spike = np.zeros((41, 41), np.float32)
    spike[20, 20] = 1
    spike[:5] = np.nan
    smooth = smooth_known(spike, 2)
    np.testing.assert_array_equal(np.isnan(smooth), np.isnan(spike))
    assert smooth[20, 20] == pytest.approx(1 / (2 * np.pi * 4), rel=0.02)
    assert smooth[20, 22] / smooth[20, 20] == pytest.approx(np.exp(-0.5), rel=0.02)
    level = smooth_known(np.where(np.isnan(spike), spike, np.float32(3)), 2)
    np.testing.assert_allclose(level[5:], 3, rtol=1e-6)


def test_smoothing_comes_last() -> None:
    truth, rgb = _two_walls()
    inverse_depth = InverseDepth(_blurred(truth, 1))
    crisp = refine_inverse_depth(inverse_depth, rgb).values
    np.testing.assert_array_equal(refine_inverse_depth(inverse_depth, rgb, smooth_px=3).values, smooth_known(crisp, 3))


def test_metric_depth_is_refined_in_inverse_depth() -> None:
    truth, rgb = _two_walls()
    blurred = _blurred(truth, 1.4)
    blurred[:5] = np.nan
    sigma = np.full_like(blurred, 0.01)
    depth = MetricDepth(1 / blurred, sigma, source="a sensor", unit="m")
    refined = refine_depth(depth, rgb, refine=True, smooth_px=1)
    assert isinstance(refined, MetricDepth)
    expected = refine_inverse_depth(InverseDepth(1 / depth.z), rgb, smooth_px=1).values
    np.testing.assert_allclose(1 / refined.z, expected, rtol=1e-5)
    assert refined.sigma is not None
    known = np.isfinite(expected)
    np.testing.assert_allclose((refined.sigma / refined.z**2)[known], (0.01 * blurred**2)[known], rtol=1e-4)
    assert refined.source == "a sensor, edges refined, smoothed by 1 px"


def test_nothing_to_polish_is_nothing_done() -> None:
    truth, rgb = _two_walls()
    inverse_depth = InverseDepth(_blurred(truth, 1.4), source="somebody")
    assert refine_depth(inverse_depth, rgb, refine=False) is inverse_depth
    smooth = refine_depth(inverse_depth, rgb, refine=False, smooth_px=2)
    assert isinstance(smooth, InverseDepth)
    np.testing.assert_array_equal(smooth.values, smooth_known(inverse_depth.values, 2))
    assert smooth.source == "somebody, smoothed by 2 px"
    with pytest.raises(UsageError, match="smoothing must be zero or a positive number of pixels, .*got -1"):
        refine_depth(inverse_depth, rgb, refine=False, smooth_px=-1)


def test_thin_things_keep_their_crest() -> None:
    """A pole two cells wide is no plane patch, but neither is it lost."""
    truth = np.full((HEIGHT, WIDTH), 0.5, np.float32)
    truth[:, 80:88] = 1.5
    rgb = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    rgb[:, 80:88] = 220
    refined = refine_inverse_depth(InverseDepth(shrink(truth, (WIDTH // 4, HEIGHT // 4))), rgb).values
    assert np.mean(np.abs(refined - truth) > 0.05) < 0.02


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 2), (3, 3), (7, 5)])
def test_tiny_and_flat_maps(shape: tuple[int, int]) -> None:
    rgb = np.zeros((*shape, 3), np.uint8)
    flat = np.full(shape, 3.25, np.float32)
    np.testing.assert_array_equal(refine_inverse_depth(InverseDepth(flat), rgb).values, flat)
    ramp = np.arange(flat.size, dtype=np.float32).reshape(shape)
    assert np.isfinite(refine_inverse_depth(InverseDepth(ramp), rgb).values).all()


def test_a_single_known_value() -> None:
    inverse_depth = np.full((30, 40), np.nan, np.float32)
    inverse_depth[3, 4] = 2
    np.testing.assert_array_equal(
        refine_inverse_depth(InverseDepth(inverse_depth), np.zeros((30, 40, 3), np.uint8)).values, inverse_depth
    )


def test_a_map_larger_than_the_photo_is_reduced() -> None:
    truth, rgb = _two_walls()
    half = cv2.resize(rgb, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
    assert refine_inverse_depth(InverseDepth(truth), half).size == (WIDTH // 2, HEIGHT // 2)


def test_what_cannot_be_meant_is_refused() -> None:
    truth, rgb = _two_walls()
    inverse_depth = InverseDepth(truth)
    with pytest.raises(UsageError, match="colour weight must lie between 0 and 1, got 2"):
        refine_inverse_depth(inverse_depth, rgb, colour_weight=2)
    with pytest.raises(UsageError, match="smoothing must be zero or a positive number of pixels, .*got -1"):
        refine_inverse_depth(inverse_depth, rgb, smooth_px=-1)
    with pytest.raises(UsageError, match="cells must be at least 1, got 0"):
        refine_inverse_depth(inverse_depth, rgb, cells=0)
    with pytest.raises(UsageError, match="uint8 photo, got float32"):
        refine_inverse_depth(inverse_depth, rgb.astype(np.float32))  # type: ignore[arg-type]
    with pytest.raises(DepthMapError, match="the inverse depth is 320x240, the photo 240x320"):
        refine_inverse_depth(inverse_depth, np.ascontiguousarray(rgb.transpose(1, 0, 2)))


@pytest.mark.parametrize(("sigma", "low", "high"), [(0.0, 0.9, 1.3), (1.0, 2.0, 2.6), (2.0, 3.5, 5.0)])
def test_the_width_of_an_edge_is_measured(sigma: float, low: float, high: float) -> None:
    """A Gaussian of sigma samples has its steepest slope at jump / (sigma sqrt(2 pi))."""
    truth, _ = _two_walls()
    width = edge_width(_blurred(truth, sigma) if sigma else truth)
    assert width is not None
    assert low < width < high
    assert edge_width(_plane(0.01, 0.02, WIDTH, HEIGHT)) is None


def test_surfaces_of_a_mixed_column() -> None:
    """One column of cells lies halfway between two planes: those are found, and continued to its centre."""
    x = np.arange(12, dtype=np.float32)
    row = np.where(x < 6, 1 + 0.01 * x, 0.2 - 0.01 * x).astype(np.float32)
    row[6] = (1.06 + 0.14) / 2
    surfaces = find_surfaces(np.repeat(row[None], 9, axis=0))
    assert surfaces.mixed[:, 6].all()
    assert surfaces.mixed.sum() == 9
    np.testing.assert_allclose(surfaces.near[:, 4, 6], [1.06, 0.01, 0], atol=1e-6)
    np.testing.assert_allclose(surfaces.far[:, 4, 6], [0.14, -0.01, 0], atol=1e-6)
    np.testing.assert_array_equal(surfaces.jump[:, :6], 0)


def test_patches_are_exact_on_planes_with_holes() -> None:
    y, x = np.mgrid[:9, :11]
    values = 3 + 0.5 * x - 0.25 * y
    values[4, 5] = values[8, 3] = np.nan
    patches = fit_patches(values)
    np.testing.assert_allclose(patches.value, 3 + 0.5 * x - 0.25 * y, atol=1e-9)
    np.testing.assert_allclose(patches.slope_x, 0.5, atol=1e-9)
    np.testing.assert_allclose(patches.slope_y, -0.25, atol=1e-9)
    assert patches.deviation.max() < 1e-7


def test_cells_and_pixels() -> None:
    np.testing.assert_allclose(positions(4, 2), [-0.25, 0.25, 0.75, 1.25])
    assert nearest(5, 2).tolist() == [0, 0, 1, 1, 1]
    assert nearest(2, 5).tolist() == [1, 3]
    holes = np.float32([[1, np.nan, np.nan, np.nan, 9]])
    assert fill_unknown(holes).tolist()[0][1] == 1
    assert fill_unknown(holes).tolist()[0][3] == 9


@pytest.mark.parametrize("name", ["motorcycle", "redwood_0", "tum", "7scenes_480"])
def test_flying_points_and_boundaries_of_real_frames(shared_data: Path, name: str) -> None:
    """True inverse depth shrunk to 256 cells and refined: at least 40 % fewer flying points than bicubic; F1 higher."""
    (frame,) = measured_frames(shared_data, (name,))
    figures = judge_edges(frame)
    assert figures.bicubic_flying > 1000
    assert figures.fewer_percent > 85
    assert figures.refined_f1 > 1.8 * figures.bicubic_f1


def test_a_map_already_enlarged_is_refined_as_well(shared_data: Path) -> None:
    """Nothing says how coarse it was; its edges do."""
    (frame,) = measured_frames(shared_data, ("redwood_3",))
    large = cv2.resize(
        fill_unknown(as_a_network_sees(frame.truth_m)), frame.rgb.shape[1::-1], interpolation=cv2.INTER_CUBIC
    )
    refined = refine_inverse_depth(InverseDepth(large), frame.rgb).values
    assert flying_points(1 / refined, frame.truth_m).sum() < 0.3 * flying_points(1 / large, frame.truth_m).sum()
    assert boundary_f1(1 / refined, frame.truth_m) > 1.5 * boundary_f1(1 / large, frame.truth_m)


def test_wide_windows_are_looked_at_on_fewer_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    """A coarse inverse depth's windows hold thousands of pixels; half of them along each side say the same."""
    truth, rgb = _two_walls()
    rgb = np.clip(rgb + np.random.default_rng(0).normal(0, 3, rgb.shape), 0, 255).astype(np.uint8)
    coarse = cv2.resize(shrink(truth, (24, 18)), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    quick = follow_colours(coarse, rgb, cell_px=13, colour_weight=0.5)
    monkeypatch.setattr("depth3d.refine.color_edges._COARSE_RADIUS", 1000)
    exact = follow_colours(coarse, rgb, cell_px=13, colour_weight=0.5)
    changed = np.abs(exact - coarse).mean()
    assert changed > 0.005
    assert 0 < np.abs(quick - exact).mean() < 0.1 * changed


def test_no_step_is_made_of_a_slope_too_wide_to_be_an_edge() -> None:
    """4 % of the picture: nobody saw where one surface ends, so the depth stays as the network drew it."""
    truth, rgb = _two_walls()
    soft = _blurred(truth, 5)
    np.testing.assert_allclose(refine_inverse_depth(InverseDepth(soft), rgb).values, soft, atol=1e-3)


def test_a_sharp_edge_is_refined_beside_a_soft_one() -> None:
    """What the network saw decides place by place."""
    truth, rgb = _two_walls()
    mixed = np.vstack([_blurred(truth, 1)[: HEIGHT // 2], _blurred(truth, 5)[HEIGHT // 2 :]])
    refined = refine_inverse_depth(InverseDepth(mixed), rgb).values
    assert np.abs(refined - truth)[: HEIGHT // 2 - 20].max() < 0.03 * float(np.ptp(truth))
    np.testing.assert_allclose(refined[HEIGHT // 2 + 20 :], mixed[HEIGHT // 2 + 20 :], atol=0.02)


@pytest.mark.parametrize("refine", [False, True])
def test_smoothing_beyond_the_photo_is_refused(refine: bool) -> None:
    """A Gaussian of 1e9 pixels has more weights than memory has room."""
    rgb = np.zeros((20, 30, 3), np.uint8)
    depth = InverseDepth(np.linspace(0, 1, 600, dtype=np.float32).reshape(20, 30))
    with pytest.raises(UsageError, match="up to the photo's longer side of 30; got 1e\\+09"):
        refine_depth(depth, rgb, refine=refine, smooth_px=1e9)
    assert np.ptp(refine_depth(depth, rgb, refine=refine, smooth_px=30).values) < 0.5


@pytest.mark.parametrize("shape", [(1, 3000), (3000, 1), (1, 1), (2, 3000)])
def test_photos_of_one_row_or_column_are_refined(shape: tuple[int, int]) -> None:
    values = np.linspace(0, 1, shape[0] * shape[1], dtype=np.float32).reshape(shape)
    rgb = np.repeat((values * 255).astype(np.uint8)[..., None], 3, axis=2)
    bent = follow_colours(values, rgb, cell_px=max(shape) / 8, colour_weight=0.5)
    assert bent.shape == shape
    assert np.isfinite(bent).all()
