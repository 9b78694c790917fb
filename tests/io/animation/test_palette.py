from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from depth3d.io.animation.palette import COLOURS, palette_of


def gradient(width: int = 96, height: int = 64) -> NDArray[np.uint8]:
    u, v = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return np.stack([u, v, (u + v) / 2], axis=-1).astype(np.uint8)


def mean_square(rgb: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    return float(np.mean((rgb.astype(float) - other) ** 2))


def test_few_colours_are_kept_exactly() -> None:
    few = np.array([[255, 0, 0], [0, 200, 30], [7, 7, 7], [255, 255, 255]], np.uint8)
    rgb = few[np.random.default_rng(0).integers(0, 4, (20, 30))]
    palette = palette_of(rgb)
    assert np.array_equal(palette.colours[palette.indices(rgb)], rgb)


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_one_colour_is_kept_exactly(colour: tuple[int, int, int]) -> None:
    rgb = np.full((4, 5, 3), colour, np.uint8)
    palette = palette_of(rgb)
    assert np.array_equal(palette.colours[palette.indices(rgb)], rgb)


def test_closer_to_the_picture_than_pillows_octree_and_median_cut() -> None:
    from PIL import Image

    rgb = gradient()
    palette = palette_of(rgb)
    ours = mean_square(rgb, palette.colours[palette.indices(rgb)])
    for method in (Image.Quantize.FASTOCTREE, Image.Quantize.MEDIANCUT):
        theirs = Image.fromarray(rgb).quantize(256, method=method, dither=Image.Dither.NONE).convert("RGB")
        assert ours < mean_square(rgb, np.asarray(theirs))


def test_the_table_finds_nearly_the_nearest_colour_of_any_picture() -> None:
    palette = palette_of(gradient())
    rgb = np.random.default_rng(0).integers(0, 256, (50, 60, 3)).astype(np.uint8)
    used = palette.colours[:COLOURS].astype(float)
    nearest = np.square(rgb.reshape(-1, 1, 3) - used).sum(axis=2).min(axis=1)
    found = np.square(rgb.astype(float) - palette.colours[palette.indices(rgb)]).sum(axis=2).ravel()
    assert palette.indices(rgb).max() < COLOURS
    assert (np.sqrt(found) <= np.sqrt(nearest) + 2 * np.hypot(np.hypot(3.5, 1.5), 3.5)).all()
    assert found.mean() < 1.05 * nearest.mean()


def test_the_error_is_the_mean_square() -> None:
    rgb = gradient()
    palette = palette_of(rgb)
    indices = palette.indices(rgb)
    assert np.isclose(palette.error(rgb, indices), mean_square(rgb[::4, ::4], palette.colours[indices[::4, ::4]]))
    assert palette.error(rgb, indices) > 0
