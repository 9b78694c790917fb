"""Turning grids and pixels as photos are turned: held against Pillow, and against each other."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps

from depth3d.core.orientation import SIDES_SWAP, upright_grid, upright_pixels

STORED = np.arange(12, dtype=np.uint8).reshape(3, 4)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_grid_is_turned_as_pillow_turns_a_photo(orientation: int) -> None:
    image = Image.fromarray(STORED)
    image.getexif()[0x0112] = orientation
    assert np.array_equal(upright_grid(STORED, orientation), np.asarray(ImageOps.exif_transpose(image)))
    assert (upright_grid(STORED, orientation).shape == (4, 3)) == (orientation >= SIDES_SWAP)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_pixel_goes_where_its_grid_value_goes(orientation: int) -> None:
    row, column = np.nonzero(STORED >= 0)
    uv = upright_pixels(np.stack([column + 0.5, row + 0.5], axis=1), (4, 3), orientation)
    turned = upright_grid(STORED, orientation)
    assert np.array_equal(turned[(uv[:, 1] - 0.5).astype(int), (uv[:, 0] - 0.5).astype(int)], STORED[row, column])


def test_sixth_is_a_quarter_turn_clockwise() -> None:
    """The anchor: the stored top-left corner of a phone held upright becomes the top-right one."""
    assert upright_pixels(np.array([[0.0, 0.0]]), (4, 3), 6).tolist() == [[3, 0]]
