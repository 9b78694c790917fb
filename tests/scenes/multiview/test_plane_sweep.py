"""Depth that makes photos look alike, in a room whose depth is known exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from posed_room import PosedRoom, posed_room, textured

from depth3d.scenes.multiview.fusion import DepthView, agree, sweep


@pytest.fixture(scope="module")
def room() -> PosedRoom:
    return textured(posed_room(5, (240, 180)))


def bent(view: DepthView, share: float) -> DepthView:
    """A view whose depth is off by up to that share, differently from place to place."""
    v, u = np.mgrid[0 : view.z.shape[0], 0 : view.z.shape[1]]
    off = share * np.sin(u / 31) * np.cos(v / 23)
    doubt = np.full(view.z.shape, 0.06, np.float32)
    return replace(view, z=(view.z * (1 + off)).astype(np.float32), doubt=doubt)


def test_what_a_network_bends_is_moved_back_where_colours_tell(room: PosedRoom) -> None:
    exact = room.views[2]
    view = bent(exact, 0.08)
    swept = sweep(view, [room.views[number] for number in (1, 3, 0, 4)])
    before, after = np.abs(view.z / exact.z - 1), np.abs(swept.z / exact.z - 1)
    inside = (slice(8, -8), slice(40, -40))  # seen by neighbours on both sides
    assert np.median(before[inside]) > 0.03
    assert np.median(after[inside]) < 0.012
    assert np.median(swept.doubt[inside]) < 0.04
    assert swept.moved > 0.02


def test_true_depth_stays_and_unknown_depth_stays_unknown(room: PosedRoom) -> None:
    view = replace(room.views[2], doubt=np.full(room.views[2].z.shape, 0.06, np.float32))
    view.z[60:80, 100:130] = np.nan
    swept = sweep(view, [room.views[1], room.views[3]])
    assert np.array_equal(np.isnan(swept.z), np.isnan(view.z))
    assert np.nanmedian(np.abs(swept.z / view.z - 1)) < 0.01
    view.z[60:80, 100:130] = 2.0


def test_without_texture_or_neighbours_nothing_moves(room: PosedRoom) -> None:
    grey = [replace(view, rgb=np.full_like(view.rgb, 120)) for view in room.views]
    view = bent(grey[2], 0.05)
    for others in ([], [grey[1], grey[3]]):
        swept = sweep(view, others)
        assert swept.z == pytest.approx(view.z, rel=1e-3)
        assert np.median(swept.doubt) > 0.05


def test_sure_neighbours_count_more_than_doubtful_ones(room: PosedRoom) -> None:
    exact = room.views[2]
    sure, unsure = np.full(exact.z.shape, 0.01, np.float32), np.full(exact.z.shape, 0.08, np.float32)
    own = replace(exact, z=exact.z * np.float32(1.04), doubt=unsure)
    near_truth = agree(own, [replace(room.views[1], doubt=sure)]).view.z / exact.z
    far_from_it = agree(own, [replace(room.views[1], doubt=unsure)]).view.z / exact.z
    assert np.median(near_truth) < 1.012
    assert np.median(far_from_it) > 1.018
