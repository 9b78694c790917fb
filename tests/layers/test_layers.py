"""Laws of layers: what is seen stays, and what is behind goes on."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from rasteriser import Shown, render
from synthetic_scenes import Truth, box_corner, slanted_plane, small_camera

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import MetricDepth
from depth3d.core.errors import GeometryError, UsageError
from depth3d.core.point_map import unproject
from depth3d.core.rgbd import RGBD
from depth3d.geometry.mesh import Mesh, mesh_of_points, to_mesh
from depth3d.io.photos.photo import read_photo
from depth3d.layers import Layers, layers_to_mesh, peel, to_layers
from depth3d.layers.disocclusions import find_disocclusions
from depth3d.layers.holes import fill_holes
from depth3d.layers.push_pull import push_pull

BOX = np.s_[30:66, 40:80]
MIXED = 0.4
TABLE = (40, 150, 60)


def _box_before_a_wall() -> tuple[Truth, Truth]:
    """A red box before a slanted wall of smooth colours, and the wall alone."""
    camera = small_camera(120, 96)
    wall = slanted_plane(camera, normal=(0.25, -0.2, -1.0), metres=2.5)
    v, u = np.mgrid[: camera.height, : camera.width]
    rgb = np.stack([60 + u // 2, 200 - v, 120 + u // 3], axis=-1).astype(np.uint8)
    inverse, seen = wall.inverse_metres.copy(), rgb.copy()
    inverse[BOX] = 0.9
    seen[BOX] = (230, 40, 30)
    # One column of the box's edge is mixed with the wall, as a lens does.
    mixed = MIXED * seen[BOX][:, :1] + (1 - MIXED) * rgb[30:66, 39:40]
    seen[30:66, 39:40] = np.rint(mixed)
    return Truth(camera, inverse, seen), Truth(camera, wall.inverse_metres, rgb)


def _layers(truth: Truth, **options: float) -> Layers:
    return to_layers(RGBD(truth.rgb, truth.depth, truth.camera), **options)  # type: ignore[arg-type]


def _disocclusions(layers: Layers) -> tuple[NDArray[np.bool_], ...]:
    return find_disocclusions(layers, peel(layers))


def _box_on_a_table_before_a_wall() -> tuple[Truth, Truth]:
    """A red box on a green table that ends before a grey wall, and the same without the box."""
    camera = small_camera(320, 240)
    table = slanted_plane(camera, normal=(0.0, -1.0, -0.15), metres=1.5).inverse_metres
    on_table = (table > 0.5) & (np.arange(240)[:, None] > 120)
    inverse = np.where(on_table, table, 0.2).astype(np.float32)
    rgb = np.where(on_table[..., None], TABLE, (128, 128, 128)).astype(np.uint8)
    before, seen = inverse.copy(), rgb.copy()
    foot = 226
    before[172:foot, 120:180] = table[foot, 150]
    seen[172:foot, 120:180] = (230, 40, 30)
    return Truth(camera, before, seen), Truth(camera, inverse, rgb)


def _turned(degrees: float, metres: float) -> NDArray[np.float64]:
    """The scene turned about a vertical line `metres` before the camera."""
    angle = math.radians(degrees)
    pose = np.eye(4)
    pose[:3, :3] = [[math.cos(angle), 0, math.sin(angle)], [0, 1, 0], [-math.sin(angle), 0, math.cos(angle)]]
    pivot = np.array([0, 0, metres])
    pose[:3, 3] = pivot - pose[:3, :3] @ pivot
    return pose


def test_the_wall_goes_on_behind_the_box_as_a_plane() -> None:
    seen, wall = _box_before_a_wall()
    layers = _layers(seen)
    np.testing.assert_allclose(layers.behind_inverse, wall.inverse_metres, rtol=0.02)
    off = np.abs(layers.behind_rgb.astype(int) - wall.rgb)
    assert off[BOX].max() <= 12
    assert off.mean() < 1.5


def test_both_layers_together_are_the_photo() -> None:
    seen, _ = _box_before_a_wall()
    layers = _layers(seen)
    share = layers.matte[..., None]
    photo = share * layers.rgb + (1 - share) * layers.behind_rgb
    assert np.abs(photo - seen.rgb).max() <= 1
    np.testing.assert_allclose(layers.front_inverse, seen.inverse_metres, rtol=1e-6)


def test_the_matte_knows_mixed_pixels() -> None:
    seen, _ = _box_before_a_wall()
    layers = _layers(seen)
    assert layers.matte.min() == 0
    assert layers.matte.max() == 1
    assert (layers.matte[34:62, 44:76] == 1).all()
    assert (layers.matte[:26] == 0).all()
    assert layers.matte[32:64, 39] == pytest.approx(MIXED, abs=0.06)
    np.testing.assert_allclose(layers.rgb[32:64, 39], np.broadcast_to((230, 40, 30), (32, 3)), atol=25)
    assert layers.inverse[40, 39] == pytest.approx(0.9)


def test_one_surface_has_nothing_behind_it() -> None:
    corner = box_corner(small_camera(96, 72))
    layers = _layers(corner)
    assert not _disocclusions(layers)
    assert not layers.matte.any()
    np.testing.assert_array_equal(layers.behind_rgb, corner.rgb)
    alone, layered = (
        to_mesh(RGBD(corner.rgb, corner.depth, corner.camera)),
        layers_to_mesh(layers, corner.rgb),
    )
    np.testing.assert_array_equal(alone.faces, layered.faces)
    assert layered.texture is corner.rgb


@pytest.mark.parametrize("degrees", [-20.0, -8.0, 13.0, 20.0])
def test_a_turned_scene_shows_no_holes_and_no_stretched_sheets(degrees: float) -> None:
    seen, wall = _box_before_a_wall()
    pose = _turned(degrees, 2.0)
    single = render(to_mesh(RGBD(seen.rgb, seen.depth, seen.camera)), seen.camera, pose)
    mesh = layers_to_mesh(_layers(seen), seen.rgb)
    layered = render(mesh, seen.camera, pose)
    truth = render(to_mesh(RGBD(wall.rgb, wall.depth, wall.camera)), wall.camera, pose)
    inside = (truth.face >= 0)[:, 15:-15]
    assert (inside & (single.face < 0)[:, 15:-15]).sum() > 50
    assert not (inside & (layered.face < 0)[:, 15:-15]).any()
    assert mesh.texture is not None
    opened = (single.face < 0) & (truth.face >= 0) & (layered.face >= 0)
    z_off = np.abs(layered.z / truth.z - 1)[opened]
    assert np.median(z_off) < 0.01
    assert (z_off < 0.03).mean() > 0.9
    colours_off = np.abs(layered.picture(mesh.texture).astype(int) - truth.picture(wall.rgb))[opened]
    assert np.median(colours_off) <= 6


@pytest.mark.parametrize("degrees", [-15.0, 15.0])
def test_behind_a_box_on_a_table_the_table_goes_on_and_not_the_wall(degrees: float) -> None:
    seen, bare = _box_on_a_table_before_a_wall()
    layers = _layers(seen)
    mesh = layers_to_mesh(layers, seen.rgb)
    pose = _turned(degrees, 1.6)
    single = render(to_mesh(RGBD(seen.rgb, seen.depth, seen.camera)), seen.camera, pose)
    truth = render(to_mesh(RGBD(bare.rgb, bare.depth, bare.camera)), bare.camera, pose)
    shown = render(mesh, seen.camera, pose)
    table = (truth.face >= 0) & (truth.picture(bare.rgb)[..., 1] > 140)
    opened = table & (single.face < 0)
    assert opened.sum() > 300
    assert (shown.face >= 0)[opened].mean() > 0.99
    off = np.abs(_picture(shown, mesh).astype(int) - TABLE).max(axis=2)[opened]
    assert np.median(off) <= 8
    assert (off > 60).mean() < 0.1
    assert np.median(np.abs(shown.z / truth.z - 1)[opened]) < 0.02


def test_the_front_of_a_layered_mesh_is_the_photo() -> None:
    seen, _ = _box_before_a_wall()
    mesh = layers_to_mesh(_layers(seen), seen.rgb)
    assert mesh.texture is not None
    assert mesh.texture.shape == (96 + 8 + 48, 120, 3)
    shown = render(mesh, seen.camera)
    assert (shown.face >= 0).all()
    off = np.abs(_picture(shown, mesh).astype(int) - seen.rgb)
    clear = np.ones(off.shape[:2], bool)
    clear[28:68, 37:83] = False
    clear[33:63, 43:77] = True
    assert off[clear].max() <= 6


def test_the_texture_may_be_larger_than_the_layers() -> None:
    seen, _ = _box_before_a_wall()
    layers = to_layers(RGBD(seen.rgb, seen.depth, seen.camera), max_pixels=3000)
    assert layers.camera.size == (61, 48)
    assert layers.camera.fov_x_deg == pytest.approx(seen.camera.fov_x_deg)
    mesh = layers_to_mesh(layers, seen.rgb)
    assert mesh.texture is not None
    assert mesh.texture.shape == (96 + 8 + 48, 120, 3)
    np.testing.assert_array_equal(mesh.texture[:96], seen.rgb)
    shown = render(mesh, seen.camera)
    inner = np.s_[4:-4, 4:-4]
    off = np.abs(_picture(shown, mesh).astype(int) - seen.rgb).max(axis=2)[inner]
    assert np.median(off) <= 3


def test_coloured_vertices_and_a_limit_of_faces() -> None:
    seen, _ = _box_before_a_wall()
    layers = _layers(seen)
    coloured = layers_to_mesh(layers, seen.rgb, textured=False, normals=True)
    assert coloured.texture is None
    assert coloured.uv is None
    assert coloured.rgb is not None
    assert coloured.normals is not None
    few = layers_to_mesh(layers, seen.rgb, max_faces=40)
    assert 20 <= len(few.faces) <= 40
    assert few.meshing is not None
    assert few.meshing.faces == len(few.faces)
    full = layers_to_mesh(layers, seen.rgb, max_error_px=None)
    assert full.meshing is not None
    assert full.meshing.grid_faces == len(full.faces) > 2 * 100 * 90


def test_the_unit_does_not_matter() -> None:
    seen, _ = _box_before_a_wall()
    metres = _layers(seen)
    feet = to_layers(RGBD(seen.rgb, MetricDepth(seen.depth.z * np.float32(3.28), unit="m"), seen.camera))
    np.testing.assert_array_equal(_disocclusions(metres), _disocclusions(feet))
    np.testing.assert_array_equal(metres.matte, feet.matte)
    np.testing.assert_allclose(metres.behind_inverse, feet.behind_inverse * 3.28, rtol=1e-3)


def test_the_same_call_gives_the_same_layers() -> None:
    seen, _ = _box_before_a_wall()
    once, again = _layers(seen), _layers(seen)
    for name in ("rgb", "inverse", "matte", "behind_rgb", "behind_inverse"):
        assert getattr(once, name).tobytes() == getattr(again, name).tobytes()
    assert layers_to_mesh(once, seen.rgb).xyz.tobytes() == layers_to_mesh(again, seen.rgb).xyz.tobytes()


def test_the_sky_gives_no_geometry_and_no_rim() -> None:
    seen, _ = _box_before_a_wall()
    sky = seen.inverse_metres.copy()
    sky[:50][seen.inverse_metres[:50] < 0.8] = 0
    layers = _layers(Truth(seen.camera, sky, seen.rgb))
    assert layers.unknown[:50, :40].all()
    assert np.isfinite(layers.behind_inverse).all()
    mesh = layers_to_mesh(layers, seen.rgb)
    shown = render(mesh, seen.camera)
    assert (shown.face[:49, :38] < 0).all()
    assert (shown.face[:28] < 0).all()
    (disocclusion,) = _disocclusions(layers)
    assert not disocclusion[31:40, 44:76].any()


def test_small_holes_get_a_depth_that_is_there() -> None:
    seen, _ = _box_before_a_wall()
    inverse = seen.inverse_metres.astype(np.float32)
    inverse[45:49, 35:45] = np.nan
    inverse[10, 10] = np.nan
    filled = fill_holes(inverse, seen.rgb)
    assert np.isfinite(filled).all()
    assert filled[46, 43] == pytest.approx(0.9)
    assert filled[46, 36] == pytest.approx(float(seen.inverse_metres[46, 36]), rel=0.02)
    assert not ((filled > 0.6) & (filled < 0.85)).any()
    known = np.isfinite(inverse)
    np.testing.assert_array_equal(filled[known], inverse[known])


def test_spreading_keeps_what_is_known_and_constants() -> None:
    rng = np.random.default_rng(0)
    weight = (rng.random((37, 53)) < 0.05).astype(np.float32)
    values = rng.random((37, 53, 2)).astype(np.float32) * weight[..., None]
    out = push_pull(values, weight)
    np.testing.assert_allclose(out[weight == 1], values[weight == 1], atol=1e-6)
    assert out.min() >= values[weight == 1].min() - 1e-6
    assert out.max() <= values[weight == 1].max() + 1e-6
    np.testing.assert_allclose(push_pull(np.full((37, 53, 1), 7, np.float32), weight), 7, rtol=1e-5)
    assert not push_pull(np.zeros((5, 5, 1), np.float32), np.zeros((5, 5), np.float32)).any()


def test_what_does_not_fit_together_is_said() -> None:
    seen, _ = _box_before_a_wall()
    with pytest.raises(GeometryError, match="differ|camera 64x48"):
        to_layers(RGBD(seen.rgb, seen.depth, small_camera()))
    with pytest.raises(UsageError, match="between 0 and 90 degrees, got 0"):
        _layers(seen, turn_deg=0)
    with pytest.raises(UsageError, match="at least 4"):
        _layers(seen, max_pixels=3)
    layers = _layers(seen)
    with pytest.raises(UsageError, match="at least 4 for 2 layers"):
        layers_to_mesh(layers, seen.rgb, max_faces=3)
    with pytest.raises(GeometryError, match="layers: arrays of sizes"):
        replace(layers, camera=small_camera())


def _picture(shown: Shown, mesh: Mesh) -> NDArray[np.uint8]:
    assert mesh.texture is not None
    return shown.picture(mesh.texture)


def _psnr(picture: NDArray[np.uint8], truth: NDArray[np.uint8], where: NDArray[np.bool_]) -> float:
    return float(10 * np.log10(255**2 / np.mean((picture[where].astype(np.float64) - truth[where]) ** 2)))


def test_the_motorcycle_seen_from_the_second_camera(shared_data: Path) -> None:
    folder = shared_data / "middlebury_motorcycle"
    photo, right_photo = (read_photo(folder / f"motorcycle_{side}.png").rgb for side in ("left", "right"))
    f_px, baseline_m, more = 994.978, 0.193001, 31.086
    disparity = np.load(folder / "motorcycle_disp.npz")["arr_0"].astype(np.float64)
    metres = np.where(np.isfinite(disparity), baseline_m * f_px / (disparity + more), np.nan).astype(np.float32)
    height, width = metres.shape
    left = Intrinsics.from_integer_centres(width, height, f_px, f_px, 311.193, 254.877)
    right = Intrinsics.from_integer_centres(width, height, f_px, f_px, 311.193 + more, 254.877)
    pose = np.eye(4)
    pose[0, 3] = -baseline_m
    layers = to_layers(RGBD(photo, MetricDepth(metres, unit="m"), left))
    mesh = layers_to_mesh(layers, photo)
    whole = unproject(MetricDepth(1 / layers.front_inverse, unit="m"), left)
    single, uncut = mesh_of_points(whole, photo), mesh_of_points(whole, photo, cut_ratio=math.inf, cut_angle_deg=0)
    layered, cut, stretched = (render(one, right, pose) for one in (mesh, single, uncut))
    # The columns that the left photo shows whatever the depth there; one pixel at the border has no neighbour.
    shift = f_px * baseline_m / np.array([np.nanmin(metres), np.nanmax(metres)]) - more
    column = np.arange(width) + 0.5
    in_view = np.zeros((height, width), bool)
    in_view[1:-1] = (column + shift.min() >= 0.5) & (column + shift.max() <= width - 0.5)
    assert not (in_view & (layered.face < 0)).any()
    opened = in_view & (cut.face < 0)
    assert opened.mean() > 0.05
    ours = _psnr(_picture(layered, mesh), right_photo, opened)
    assert ours > _psnr(_picture(stretched, uncut), right_photo, opened) + 1.5
    assert ours > _psnr(_picture(cut, single), right_photo, opened) + 8
    seen = in_view & (cut.face >= 0)
    assert _psnr(_picture(layered, mesh), right_photo, seen) > _psnr(_picture(cut, single), right_photo, seen) - 0.3


def test_what_leans_away_behind_an_edge_is_filled_as_far_as_it_comes_into_sight() -> None:
    camera = small_camera(160, 128)
    wall = slanted_plane(camera, normal=(-1.2, 0.0, -1.0), metres=2.0).inverse_metres
    inverse = wall.copy()
    near = 1.35 * wall[0, 100]  # the wall behind it recedes to the left
    inverse[:, :100] = near
    rgb = np.full((128, 160, 3), (90, 120, 150), np.uint8)
    rgb[:, :100] = (230, 40, 30)
    layers = _layers(Truth(camera, inverse, rgb))
    (disocclusion,) = _disocclusions(layers)
    opening_px = layers.px_per_gap * (near - wall[64, :100])
    comes_out = 100 - np.arange(100) <= opening_px
    assert comes_out.sum() > 1.2 * layers.px_per_gap * (near - wall[64, 100])
    assert disocclusion[64, :100][comes_out].all()
    assert disocclusion[64, :100].sum() < 2 * comes_out.sum()
