"""Sky: smooth, far, and beyond the upper edge; walls, ceilings and lakes are none."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from depth3d.scenes.multiview.sky import find_sky

HORIZON = 60


def street(size: tuple[int, int] = (160, 120)) -> NDArray[np.uint8]:
    """A blue that pales towards the horizon, over cobbles."""
    width, height = size
    rng = np.random.default_rng(0)
    rgb = rng.integers(60, 200, (height, width, 3), dtype=np.uint8)
    pale = np.linspace(0, 60, HORIZON)[:, None, None]
    sky = np.array((110.0, 160.0, 230.0)) + pale * (1, 0.5, 0) + rng.normal(0, 2, (HORIZON, width, 3))
    rgb[:HORIZON] = np.clip(sky, 0, 255).astype(np.uint8)
    return rgb


def doubt(above: float) -> NDArray[np.float32]:
    values = np.full((120, 160), 0.05, np.float32)
    values[:HORIZON] = above
    return values


@pytest.mark.parametrize("above", [0.15, 0.8, np.nan])
def test_what_is_smooth_and_far_above_is_sky(above: float) -> None:
    sky = find_sky(street(), doubt(above))
    assert sky[: HORIZON - 6].all()
    assert not sky[HORIZON + 6 :].any()


def test_a_smooth_ceiling_is_near() -> None:
    assert not find_sky(street(), doubt(0.06)).any()


def test_what_ends_below_the_upper_edge_is_none() -> None:
    rgb = np.ascontiguousarray(street()[::-1])  # far and smooth, at the bottom
    assert not find_sky(rgb, np.ascontiguousarray(doubt(0.5)[::-1])).any()


def test_large_photos_are_looked_at_small() -> None:
    rgb, values = (np.kron(array, np.ones(shape, array.dtype)) for array, shape in
                   ((street(), (4, 4, 1)), (doubt(0.5), (4, 4))))  # fmt: skip
    assert find_sky(rgb, values).mean() == pytest.approx(find_sky(street(), doubt(0.5)).mean(), abs=0.03)
