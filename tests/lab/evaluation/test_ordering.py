"""Are things seen: the order of neighbouring points, on scenes whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from depth3d.lab.evaluation.metrics import judge
from depth3d.lab.evaluation.ordering import right_order

ROOM = np.full((60, 100), 4.0, np.float32)
ROOM[20:50, 40:60] = 2.0  # a thing before a wall
SEEN = (1 / ROOM).astype(np.float32)


def test_a_thing_that_is_seen_and_one_that_is_not() -> None:
    assert right_order(SEEN, ROOM) == 1
    assert right_order(-SEEN, ROOM) == 0
    assert right_order(np.ones_like(SEEN), ROOM) == 0.5


def test_lower_is_nearer_is_right_only_below_the_thing() -> None:
    """Above the thing lower is nearer, below it farther, at its sides neither: about a coin's chances."""
    rows = np.repeat(np.arange(60, dtype=np.float32)[:, None], 100, axis=1)
    assert right_order(rows, ROOM) == pytest.approx(0.5, abs=0.03)


def test_scale_and_shift_change_nothing_and_unknown_pixels_do_not_count() -> None:
    blurred = (SEEN + np.random.default_rng(1).normal(0, 0.2, SEEN.shape)).astype(np.float32)
    assert right_order(blurred, ROOM) == pytest.approx(right_order(7 * blurred - 3, ROOM), abs=1e-3)
    assert 0.6 < right_order(blurred, ROOM) < 0.99
    half = ROOM.copy()
    half[:, 50:] = np.nan
    wrong_there = SEEN.copy()
    wrong_there[:, 50:] = 0
    assert right_order(wrong_there, half) == 1


def test_a_flat_wall_has_no_order() -> None:
    assert np.isnan(right_order(SEEN, np.full_like(ROOM, 3)))
    assert np.isnan(right_order(SEEN, np.full_like(ROOM, np.nan)))
    assert np.isnan(judge(SEEN, np.where(ROOM < 3, np.float32(2), np.float32(np.nan))).order)


def test_a_step_of_14_percent_is_none() -> None:
    step = np.where(ROOM < 3, 1.0, 1.14).astype(np.float32)
    assert np.isnan(right_order(SEEN, step))
    assert right_order(SEEN, np.where(ROOM < 3, 1.0, 1.16).astype(np.float32)) == 1
