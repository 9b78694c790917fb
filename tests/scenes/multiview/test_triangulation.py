"""Points found by matching photos with known poses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from posed_room import PosedRoom, room_on_an_orbit

from depth3d.core.camera import Intrinsics, Pose
from depth3d.io.captures import place, read_capture
from depth3d.io.depth.depth_map import read_depth_map
from depth3d.io.photos.photo import read_photo
from depth3d.scenes.multiview import align_views
from depth3d.scenes.multiview.triangulation import Sighting, find_keypoints, triangulate
from depth3d.scenes.options import Options


def _seen(points: np.ndarray, x: float, camera: Intrinsics) -> Sighting:
    """Points as a camera at (x, 0, 0) sees them, with descriptors of their own."""
    pose = np.eye(4)
    pose[0, 3] = x
    rays = (points - (x, 0, 0)) / points[:, 2:]
    uv = rays[:, :2] * camera.fx + (camera.cx, camera.cy)
    descriptors = np.random.default_rng(0).integers(0, 255, (len(points), 128), dtype=np.uint8)
    return Sighting(uv, rays, descriptors, Pose(pose), 0.001)


def test_exact_rays_meet_where_the_points_are() -> None:
    camera = Intrinsics.from_fov(400, 300, fov_x_deg=60)
    points = np.random.default_rng(1).uniform((-1, -1, 2), (1, 1, 5), (50, 3))
    for found in triangulate([_seen(points, x, camera) for x in (0.0, 0.3, 0.5)]):
        assert found is not None
        assert len(found.u) == 50
        assert np.allclose(np.sort(found.metres), np.sort(points[:, 2]))
        assert np.asarray(found.relative_sigma).min() >= 0.03


def test_wrong_matches_and_rays_without_parallax_give_nothing() -> None:
    camera = Intrinsics.from_fov(400, 300, fov_x_deg=60)
    points = np.random.default_rng(1).uniform((-1, -1, 2), (1, 1, 5), (50, 3))
    one, other = (_seen(points, x, camera) for x in (0.0, 0.3))
    mixed = replace(other, rays=other.rays[::-1].copy())
    (first, _) = triangulate([one, mixed])
    assert first is None or len(first.u) < 10
    assert list(triangulate([one, _seen(points, 0.001, camera)])) == [None, None]
    assert list(triangulate([one, replace(other, pose=one.pose)])) == [None, None]
    turned = np.diag([-1.0, 1.0, -1.0, 1.0])
    assert list(triangulate([one, replace(other, pose=Pose(other.pose.world_from_cam @ turned))])) == [None, None]


def test_keypoints_have_no_half_pixel_of_error() -> None:
    """Points of a textured room from its pictures alone."""
    views = room_on_an_orbit(20, (480, 360))[::5]
    sightings = [find_keypoints(view.rgb, view.camera, view.pose) for view in views]
    for view, found in zip(views, triangulate(sightings), strict=True):
        assert found is not None
        exact = view.z[found.v.astype(int), found.u.astype(int)]
        assert len(exact) > 30
        assert abs(np.median(found.metres / exact) - 1) < 0.01


def test_points_of_real_photos_are_as_good_as_colmaps(shared_data: Path) -> None:
    capture = read_capture(shared_data / "colmap_7scenes_metric" / "sparse")
    chosen = [posed for posed in capture.photos if posed.photo.name[6:12] in ("000200", "000220", "000240", "000260")]
    sightings = []
    for posed in chosen:
        photo = read_photo(posed.photo)
        placed = place(posed, photo)
        assert placed.camera is not None
        sightings.append(find_keypoints(photo.rgb, placed.camera, placed.pose))
    found = list(triangulate(sightings))[2]
    assert found is not None
    folder = shared_data / "rgbd_7scenes_redkitchen"
    depth = read_depth_map(
        folder / "frame-000240.depth_registered.png", kind="metric", size=(640, 480), units_per_metre=1000
    )
    error = np.abs(found.metres / depth.z[found.v.astype(int), found.u.astype(int)] - 1)
    assert len(found.u) > 150
    assert np.nanmedian(error) < 0.06


def test_a_trajectory_alone_brings_photos_to_one_scale(tmp_path: Path) -> None:
    views = room_on_an_orbit(20, (320, 240))[::7]
    room = PosedRoom(views, ("0", "1", "2"))
    room.write_photos(tmp_path / "images")
    room.write_inverse_depths(tmp_path / "inverse depths")
    room.write_nerfstudio(tmp_path / "transforms.json")
    options = Options.of(depth_map=tmp_path / "inverse depths" / "{name}.npy")
    with align_views(read_capture(tmp_path / "transforms.json"), options) as aligned:
        assert any("found by matching" in note for note in aligned.notes)
        for view, exact in zip(aligned.views(), views, strict=True):
            assert np.nanmedian(np.abs(view.z / exact.z - 1)) < 0.03
