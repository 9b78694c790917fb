"""The sphere on a rectangle: where directions lie, absolutely and forth and back."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depth3d.core.equirectangular import Equirect, pixel_rays, pixels_of_rays, rays_of_pixels
from depth3d.core.errors import CameraError

WHOLE = Equirect.whole(800, 400)
PART = Equirect(300, 100, 800, 400, 250, 120)


@pytest.mark.parametrize(
    ("uv", "ray"),
    [
        ((400, 200), (0, 0, 1)),
        ((600, 200), (1, 0, 0)),
        ((200, 200), (-1, 0, 0)),
        ((0, 200), (0, 0, -1)),
        ((800, 200), (0, 0, -1)),
        ((123, 0), (0, -1, 0)),
        ((123, 400), (0, 1, 0)),
        ((400, 100), (0, -math.sqrt(0.5), math.sqrt(0.5))),
    ],
)
def test_where_directions_lie(uv: tuple[float, float], ray: tuple[float, float, float]) -> None:
    np.testing.assert_allclose(rays_of_pixels(WHOLE, np.array(uv, float)), ray, atol=1e-12)


@given(u=st.floats(0.01, 799.99), v=st.floats(0.5, 399.5), length=st.floats(0.1, 100))
def test_pixels_go_forth_and_back(u: float, v: float, length: float) -> None:
    ray = rays_of_pixels(WHOLE, np.array([u, v]))
    assert np.linalg.norm(ray) == pytest.approx(1)
    np.testing.assert_allclose(pixels_of_rays(WHOLE, ray * length), (u, v), atol=1e-6)


@given(u=st.floats(-200, 500), v=st.floats(-100, 200))
def test_a_part_has_the_directions_of_the_whole(u: float, v: float) -> None:
    np.testing.assert_allclose(
        rays_of_pixels(PART, np.array([u, v])), rays_of_pixels(WHOLE, np.array([u + 250, v + 120])), atol=1e-12
    )
    np.testing.assert_allclose(pixels_of_rays(PART, rays_of_pixels(PART, np.array([u, v]))), (u, v), atol=1e-6)


def test_resizing_keeps_every_direction() -> None:
    small = PART.resized(150, 25)
    uv = np.random.default_rng(0).uniform(0, 100, (50, 2))
    np.testing.assert_allclose(rays_of_pixels(small, uv * (0.5, 0.25)), rays_of_pixels(PART, uv), atol=1e-12)


def test_what_a_picture_reaches() -> None:
    assert WHOLE.closes
    assert WHOLE.reaches_top
    assert WHOLE.reaches_bottom
    assert [PART.closes, PART.reaches_top, PART.reaches_bottom] == [False] * 3
    assert WHOLE.resized(37, 18).closes


def test_pixel_rays_are_even_around_the_axis() -> None:
    rays = pixel_rays(WHOLE)
    assert rays.shape == (400, 800, 3)
    np.testing.assert_allclose(rays.mean(axis=(0, 1)), 0, atol=1e-12)


@pytest.mark.parametrize(
    "numbers", [(0, 4, 8, 4), (8, 4, math.nan, 4), (9, 4, 8, 4), (8, 4, 8, 4, 0, 1), (8, 4, 8, 4, -1), (8, 4, 8, 4, 9)]
)
def test_nonsense_is_refused(numbers: tuple[float, ...]) -> None:
    with pytest.raises(CameraError, match="panorama"):
        Equirect(*numbers)  # type: ignore[arg-type]
