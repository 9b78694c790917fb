"""The renderer against closed forms: depth is exact, because everything that is learned or tested leans on it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from depth3d.core.camera import Intrinsics, pixel_centres
from depth3d.lab.training.packing import visible_part
from depth3d.lab.training.render import Rendered, look_at, render, render_batch
from depth3d.lab.training.scene import Light, Material, SceneBuilder
from depth3d.lab.training.scene_generators import WORLDS, random_world

CAMERA = Intrinsics.from_fov(48, 32, fov_x_deg=60)
LEVEL = look_at((0, 0, 1.5), (0, 1, 1.5))


def _slopes(camera: Intrinsics) -> tuple[np.ndarray, np.ndarray]:
    uv = pixel_centres(camera.width, camera.height).astype(np.float64)
    return (uv[..., 0] - camera.cx) / camera.fx, (uv[..., 1] - camera.cy) / camera.fy


def _one(build) -> Rendered:
    builder = SceneBuilder()
    build(builder, builder.material(Material()))
    return render(builder.build(), CAMERA, LEVEL)


def test_ground_plane_is_exact() -> None:
    got = _one(lambda b, m: b.plane((0, 0, 0), m))
    _, down = _slopes(CAMERA)
    expected = np.where(down > 0, down / 1.5, 0)  # z = height / slope
    np.testing.assert_allclose(got.inverse_depth, expected, rtol=1e-5, atol=1e-7)
    assert (got.ids[down < 0] == -1).all()
    np.testing.assert_allclose(got.normals[down > 0], [[0, -1, 0]] * int((down > 0).sum()), atol=1e-6)


def test_sphere_is_exact() -> None:
    got = _one(lambda b, m: b.ellipsoid((0.3, 5, 1.2), (1, 1, 1), m))
    x, y = _slopes(CAMERA)
    centre = np.array([0.3, 0.3, 5.0])  # in camera axes: right, down, forward
    ray = np.stack([x, y, np.ones_like(x)], -1)
    a, b, c = (ray**2).sum(-1), ray @ centre, centre @ centre - 1
    disc = b * b - a * c
    expected = np.where(disc > 0, a / np.where(disc > 0, b - np.sqrt(np.maximum(disc, 0)), 1), 0)
    np.testing.assert_allclose(got.inverse_depth, expected, rtol=1e-4, atol=1e-7)
    hit = disc > 0.01
    z = 1 / got.inverse_depth[hit]
    np.testing.assert_allclose(got.normals[hit], ray[hit] * z[:, None] - centre, atol=1e-3)


def test_box_front_and_room_from_inside() -> None:
    front = _one(lambda b, m: b.box((0, 4, 1.5), (9, 1, 9), m))
    np.testing.assert_allclose(front.depth, 3.0, rtol=1e-6)
    room = _one(lambda b, m: b.box((0, 0, 1.5), (2, 6, 2), m))
    x, y = _slopes(CAMERA)
    expected = np.minimum(6, 2 / np.maximum(np.maximum(abs(x), abs(y)), 1e-9))
    np.testing.assert_allclose(room.depth, expected, rtol=1e-5)


def test_rod_is_a_cylinder_between_its_ends() -> None:
    got = _one(lambda b, m: b.rod((-3, 4, 1.5), (3, 4, 1.5), 0.5, m))
    _, y = _slopes(CAMERA)
    a, disc = 1 + y**2, 16 - (1 + y**2) * (16 - 0.25)
    middle = abs(_slopes(CAMERA)[0]) < 0.5
    expected = np.where(disc > 0, a / (4 - np.sqrt(np.maximum(disc, 0))), 0)
    np.testing.assert_allclose(got.inverse_depth[middle], expected[middle], rtol=1e-4, atol=1e-7)


def test_cone_narrows_and_cap_is_flat() -> None:
    builder = SceneBuilder()
    builder.frustum((0, 0, 1), (1, 1, 1), builder.material(Material()), taper=0.5)
    camera = Intrinsics.from_fov(65, 65, fov_x_deg=60)
    got = render(builder.build(), camera, look_at((0, -1e-6, 6), (0, 0, 0)))
    np.testing.assert_allclose(got.depth[32, 32], 4.0, rtol=1e-5)
    row = got.depth[32]
    cap = row[np.isclose(row, 4.0, rtol=1e-4)]
    assert len(cap) * 4 / camera.fx == pytest.approx(1.0, abs=2 * 4 / camera.fx)  # the top is 1 m across


def test_batch_equals_single_and_supersampling_keeps_depth() -> None:
    worlds = [random_world(i) for i in (3, 4)]
    cameras, poses = [v.camera(40, 30) for _, v in worlds], [v.pose() for _, v in worlds]
    both = render_batch([s for s, _ in worlds], cameras, poses)
    for i, (scene, _) in enumerate(worlds):
        one = render(scene, cameras[i], poses[i], supersample=2)
        np.testing.assert_array_equal(one.inverse_depth, both.inverse_depth[i].numpy())
        np.testing.assert_array_equal(one.ids, both.ids[i].numpy())


def test_culling_changes_nothing_that_is_seen() -> None:
    fewer = 0
    for seed in range(8):
        scene, view = random_world(seed)
        camera, pose = view.camera(40, 30), view.pose()
        kept = visible_part(scene, camera, pose)
        fewer += len(scene.shapes) - len(kept.shapes)
        full, culled = (render(s, camera, pose).inverse_depth for s in (scene, kept))
        np.testing.assert_array_equal(full, culled)
    assert fewer > 0


def test_shadow_lies_away_from_the_sun() -> None:
    builder = SceneBuilder()
    white = builder.material(Material(colour=(1, 1, 1), colour2=(1, 1, 1)))
    builder.plane((0, 0, 0), white)
    builder.box((0, 5, 0.5), (0.2, 0.2, 0.5), white)
    sun = Light((math.sqrt(0.5), 0, math.sqrt(0.5)), (1, 1, 1), radius=0.0)
    got = render(builder.build((sun,)), CAMERA, LEVEL).rgb.sum(-1)
    u, v = CAMERA.cx + 0.6 / 5 * CAMERA.fx, CAMERA.cy + 1.5 / 5 * CAMERA.fy  # on the ground, 0.6 m right of the box
    left = got[int(v), int(2 * CAMERA.cx - u)]
    assert left < 0.7 * got[int(v), int(u)]


def test_same_seed_same_bytes_and_every_kind_renders() -> None:
    for kind in WORLDS:
        scene, view = random_world(11, kind)
        first, second = (render(scene, view.camera(32, 24), view.pose(), seed=5) for _ in range(2))
        assert first.rgb.tobytes() == second.rgb.tobytes()
        assert np.isfinite(first.rgb).all()
        assert (first.inverse_depth >= 0).all()
        again, _ = random_world(11, kind)
        assert again.shapes.tobytes() == scene.shapes.tobytes()


def test_axes_are_the_cameras() -> None:
    """A thing to the right is at larger u, a thing above at smaller v."""
    builder = SceneBuilder()
    m = builder.material(Material())
    builder.ellipsoid((1, 5, 2.2), (0.3, 0.3, 0.3), m)
    got = render(builder.build(), CAMERA, LEVEL)
    rows, columns = np.nonzero(got.ids >= 0)
    assert columns.mean() + 0.5 == pytest.approx(CAMERA.cx + 1 / 5 * CAMERA.fx, abs=0.6)
    assert rows.mean() + 0.5 == pytest.approx(CAMERA.cy - 0.7 / 5 * CAMERA.fy, abs=0.6)
