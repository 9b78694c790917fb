"""Depth that other photos hand on: where a photo has no points near, and where it has none at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from posed_room import PosedRoom, posed_room

from depth3d.core.depth import InverseDepth
from depth3d.scale import SparsePoints
from depth3d.scenes.multiview.fusion import DepthView
from depth3d.scenes.multiview.guided_again import guide_of, guided_again, only_sure, unsure
from depth3d.scenes.multiview.guided_depth import TRUE_OVER_STATED, guide_by_points
from depth3d.scenes.multiview.handed_depth import givers, handed_points

ROOM: PosedRoom = posed_room(5, (96, 72))


def _sure(view: DepthView, doubt: float = 0.05) -> DepthView:
    return replace(view, doubt=np.full(view.z.shape, doubt, np.float32))


def test_what_is_handed_on_lies_where_the_photo_sees_it() -> None:
    one, *others = ROOM.views
    found = handed_points(one.camera, one.pose, [_sure(view) for view in others])
    assert found is not None
    u, v = np.floor(found.u).astype(int), np.floor(found.v).astype(int)
    assert len(u) > 100
    assert np.median(np.abs(found.metres / one.z[v, u] - 1)) < 0.01
    assert np.percentile(np.abs(found.metres / one.z[v, u] - 1), 95) < 0.05
    assert np.min(found.relative_sigma) >= 0.1
    low = np.zeros(one.z.shape, bool)
    low[50:] = True
    part = handed_points(one.camera, one.pose, [_sure(view) for view in others], where=low)
    assert part is not None
    assert part.v.min() >= 50


def test_what_is_hidden_is_not_handed_on() -> None:
    """A wall two metres behind the one that the photo sees."""
    one, other = ROOM.views[:2]
    behind = replace(other, z=other.z + 2)
    found = handed_points(one.camera, one.pose, [_sure(other), _sure(behind)])
    assert found is not None
    u, v = np.floor(found.u).astype(int), np.floor(found.v).astype(int)
    assert np.percentile(found.metres / one.z[v, u], 90) < 1.15


def test_nothing_is_handed_on_by_photos_that_look_away() -> None:
    one, other = ROOM.views[:2]
    assert handed_points(one.camera, one.pose, []) is None
    blind = replace(other, z=np.full_like(other.z, np.nan))
    assert handed_points(one.camera, one.pose, [blind]) is None
    assert givers([view.pose for view in ROOM.views], one.pose)[:2] == [0, 1]


def test_a_photo_without_points_below_is_guided_there_by_others() -> None:
    """A network that bends the floor by up to 40 %, and points on the upper half only."""
    view = ROOM.views[2]
    height, width = view.z.shape
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    bend = np.exp(0.4 * np.clip(rows - 0.5, 0, None) * 2)
    network = InverseDepth((bend / view.z).astype(np.float32), noise_strength=0.6, noise_reach=0.3)
    pick = np.random.default_rng(0)
    u, v = pick.uniform(0, width, 80), pick.uniform(0, 0.45 * height, 80)
    z = view.z[v.astype(int), u.astype(int)].astype(np.float64)
    points = (SparsePoints(u, v, z, 0.03),)
    own = guide_by_points(network, view.camera, points).depth
    assert own.sigma is not None
    before = replace(view, z=own.z, doubt=(TRUE_OVER_STATED * own.sigma / own.z).astype(np.float32))
    where = unsure(before)
    assert where is not None
    assert where[-1].mean() > 0.9
    others = [only_sure(_sure(other)) for other in (ROOM.views[1], ROOM.views[3])]
    handed = handed_points(view.camera, view.pose, others, where=where)
    guide = guide_of(network, points, view.camera.size)
    assert guide is not None
    after = guided_again(before, guide, handed)
    low = slice(3 * height // 4, None)
    error = [float(np.median(np.abs(found.z[low] / view.z[low] - 1))) for found in (before, after)]
    assert error[1] < 0.6 * error[0]
    assert after.doubt is not None
    assert before.doubt is not None
    assert np.median(after.doubt[low]) < np.median(before.doubt[low])
    assert guided_again(before, guide, None) is before


def test_only_what_is_sure_is_handed_on() -> None:
    view = _sure(ROOM.views[0], 0.3)
    assert np.isnan(only_sure(view).z).all()
    assert unsure(_sure(ROOM.views[0])) is None
    assert only_sure(ROOM.views[0]) is ROOM.views[0]
