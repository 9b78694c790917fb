"""Agreement between views, and the surface they fuse into."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from posed_room import distance_to_walls, posed_room

from depth3d.core.camera import Intrinsics, Pose
from depth3d.core.errors import GeometryError, UsageError
from depth3d.scenes.multiview.fusion import DepthView, agree, fuse_depth
from depth3d.scenes.multiview.fusion.neighbours import ViewSummary, neighbours_of

pytest.importorskip("open3d")
pytestmark = pytest.mark.open3d


@pytest.fixture(scope="module")
def views() -> tuple[DepthView, ...]:
    return posed_room(5).views


def test_exact_depths_agree_and_stay(views: tuple[DepthView, ...]) -> None:
    found = agree(views[2], [views[1], views[3]])
    assert np.abs(found.view.z / views[2].z - 1).max() < 0.05  # neighbours are read at the nearest pixel
    assert np.median(np.abs(found.view.z / views[2].z - 1)) < 0.005
    assert found.contradicted.sum() < 0.01 * found.contradicted.size
    assert (found.seconded[:, 20:44] == 2).mean() > 0.95


def test_a_photo_that_is_off_is_drawn_to_the_others(views: tuple[DepthView, ...]) -> None:
    off = replace(views[2], z=views[2].z * np.float32(1.06))
    found = agree(off, [views[0], views[1], views[3], views[4]], tolerance=0.15)
    before, after = (np.median(np.abs(z / views[2].z - 1)) for z in (off.z, found.view.z))
    assert before == pytest.approx(0.06, abs=1e-3)
    assert after < before / 3


def test_a_thing_that_others_look_through_is_contradicted(views: tuple[DepthView, ...]) -> None:
    z = views[2].z.copy()
    z[20:28, 28:36] = 1.0
    found = agree(replace(views[2], z=z), [views[1], views[3]])
    ghost = np.zeros(z.shape, bool)
    ghost[20:28, 28:36] = True
    assert (found.contradicted[ghost] == 2).all()
    assert found.confidence[ghost].max() < 0.2 < found.confidence[~ghost & (found.seconded > 0)].min()
    assert np.array_equal(found.view.z[ghost], z[ghost])


def test_what_is_hidden_says_nothing(views: tuple[DepthView, ...]) -> None:
    found = agree(views[2], [replace(views[3], z=views[3].z * np.float32(0.5))])
    assert found.seconded.sum() == 0
    assert found.contradicted.sum() == 0
    assert np.array_equal(found.view.z, views[2].z)


def test_unknown_stays_unknown(views: tuple[DepthView, ...]) -> None:
    z = views[2].z.copy()
    z[:10] = np.nan
    found = agree(replace(views[2], z=z), [views[1]])
    assert np.array_equal(np.isnan(found.view.z), np.isnan(z))
    assert (found.confidence[:10] == 0).all()


def test_neighbours_see_the_same_from_another_side(views: tuple[DepthView, ...]) -> None:
    elsewhere = np.eye(4)
    elsewhere[:3, :3] = np.diag([-1.0, 1.0, -1.0])  # looks the other way
    away = replace(views[2], pose=type(views[2].pose)(views[2].pose.world_from_cam @ elsewhere))
    glimpses = [ViewSummary.of(view) for view in (*views, views[2], away)]
    found = neighbours_of(glimpses, 2)
    assert set(found) == {0, 1, 3, 4}  # not itself, not its copy without parallax, not the one that looks away
    assert neighbours_of(glimpses, 2, most=2)[0] in (0, 4)


def test_the_surface_is_the_room() -> None:
    views = posed_room(3, (160, 120)).views
    fused = fuse_depth(lambda: views, voxel=0.08, farthest=10)
    off = distance_to_walls(fused.mesh.xyz)
    assert np.median(off) < 0.005
    assert np.percentile(off, 95) < 0.03
    corners = fused.mesh.xyz[fused.mesh.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    towards = views[1].pose.world_from_cam[:3, 3] - corners.mean(axis=1)
    assert ((normals * towards).sum(axis=1) > 0).mean() > 0.99
    assert fused.mesh.rgb is not None
    assert (
        np.abs(fused.mesh.rgb.mean(axis=0) - np.concatenate([v.rgb.reshape(-1, 3) for v in views]).mean(0)).max() < 15
    )


def test_no_half_pixel_is_lost() -> None:
    """Walls at an angle to the pixels would move by half a pixel's depth step."""
    views = posed_room(5, (48, 36)).views
    fused = fuse_depth(lambda: views, voxel=0.04, farthest=10)
    left = fused.mesh.xyz[(np.abs(fused.mesh.xyz[:, 0] + 2) < 0.1) & (np.abs(fused.mesh.xyz[:, 1]) < 0.8)]
    shifted = [replace(v, camera=replace(v.camera, cx=v.camera.cx + 0.5)) for v in views]
    wrong = fuse_depth(lambda: shifted, voxel=0.04, farthest=10).mesh.xyz
    wrong = wrong[(np.abs(wrong[:, 0] + 2) < 0.15) & (np.abs(wrong[:, 1]) < 0.8)]
    assert abs(np.median(left[:, 0]) + 2) < 0.004 < abs(np.median(wrong[:, 0]) + 2)


def test_the_same_bytes_twice(views: tuple[DepthView, ...]) -> None:
    first, second = (fuse_depth(lambda: views, voxel=0.06, farthest=10).mesh for _ in range(2))
    for name in ("xyz", "faces", "rgb", "normals"):
        assert np.array_equal(getattr(first, name), getattr(second, name))


def test_memory_is_bounded(views: tuple[DepthView, ...]) -> None:
    free = fuse_depth(lambda: views, voxel=0.03, farthest=10)
    least_gb = free.blocks * 16**3 * 20 / 1e9
    with pytest.raises(UsageError, match="take larger ones"):
        fuse_depth(lambda: views, voxel=0.03, farthest=10, memory_gb=least_gb / 3)
    bounded = fuse_depth(lambda: views, voxel=0.03, farthest=10, memory_gb=least_gb / 3, may_grow=True)
    assert bounded.blocks <= free.blocks / 3
    assert bounded.voxel > 0.03
    assert "so that they fit" in bounded.notes[0]


def test_nothing_left_is_said(views: tuple[DepthView, ...]) -> None:
    with pytest.raises(GeometryError, match="no depth is known"):
        fuse_depth(lambda: views, voxel=0.05, farthest=0.1)
    with pytest.raises(UsageError, match="voxel must be positive"):
        fuse_depth(lambda: views, voxel=0, farthest=1)
    with pytest.raises(GeometryError, match="one size"):
        replace(views[0], z=views[0].z[1:])


def test_a_floor_seen_at_a_slant_has_no_holes() -> None:
    """A floor 1.5 below the camera, up to 30 away, with voxels of 0.1: one step up is 20 steps along the ray."""
    camera = Intrinsics.from_fov(160, 120, fov_x_deg=60, source="synthetic")
    v = np.arange(120, dtype=np.float32)[:, None] + np.float32(0.5)
    with np.errstate(divide="ignore"):
        z = np.broadcast_to(1.5 * np.float32(camera.fy) / (v - np.float32(camera.cy)), (120, 160))
    z = np.where((z > 0) & (z < 30), z, np.float32(np.nan))
    view = DepthView(camera, Pose(np.eye(4)), z, np.full((120, 160, 3), 128, np.uint8))
    mesh = fuse_depth(lambda: [view], voxel=0.1, farthest=30).mesh
    corners = mesh.xyz[mesh.faces]
    there = ((corners[..., 2] > 5) & (corners[..., 2] < 25)).all(axis=1)
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(across[there], axis=1).sum() / 2
    assert area > 0.95 * np.tan(np.radians(30)) * (25**2 - 5**2)
    assert np.abs(mesh.xyz[:, 1] - 1.5).max() < 0.06


def _with_plate(view: DepthView, side: float) -> DepthView:
    """A room's view with a small square plate hanging in the middle of the room, facing the cameras."""
    rays = (view.points() - view.pose.world_from_cam[:3, 3]) / view.z[..., None]
    share = (0 - view.pose.world_from_cam[2, 3]) / rays[..., 2]
    xyz = view.pose.world_from_cam[:3, 3] + rays * share[..., None]
    on_plate = (np.abs(xyz[..., 0]) < side / 2) & (np.abs(xyz[..., 1]) < side / 2) & (share > 0) & (share < view.z)
    return replace(view, z=np.where(on_plate, share, view.z).astype(np.float32))


def test_small_pieces_stay_where_photos_saw_them_and_go_where_one_did() -> None:
    views = posed_room(5, (160, 120)).views
    hanging = tuple(_with_plate(view, 0.45) for view in views)
    for shown, is_there in ((hanging, True), ((*views[:2], hanging[2], *views[3:]), False)):
        xyz = fuse_depth(lambda shown=shown: shown, voxel=0.05, farthest=10).mesh.xyz
        near = (np.abs(xyz) < (0.2, 0.2, 0.1)).all(axis=1)
        assert bool(near.any()) is is_there


def test_sky_contradicts_what_another_photo_sees_before_it(views: tuple[DepthView, ...]) -> None:
    one, *others = views
    with_sky = [replace(other, z=np.full_like(other.z, np.inf)) for other in others]
    found = agree(one, with_sky)
    assert found.contradicted.max() == len(others)
    assert np.array_equal(found.view.z, one.z)
    assert (found.confidence[found.contradicted > 1] < 0.4).all()
