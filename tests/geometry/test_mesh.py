"""Laws of meshes: cut at jumps, light elsewhere, and true to the grid."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasteriser import render
from synthetic_scenes import Truth, box_corner, ground_plane, slanted_plane, small_camera, step

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import MetricDepth
from depth3d.core.errors import GeometryError, UsageError
from depth3d.core.point_map import PointMap, unproject
from depth3d.core.rgbd import RGBD
from depth3d.geometry.mesh import Mesh, mesh_of_points, to_mesh
from depth3d.geometry.mesh.texture_shift import shift_per_px

SLANTS = st.tuples(st.floats(-0.6, 0.6), st.floats(-0.6, 0.6), st.just(-1.0))


def _points(truth: Truth, *, max_points: int | None = None) -> PointMap:
    return unproject(truth.depth, truth.camera, max_points=max_points)


def _grey(truth: Truth) -> NDArray[np.uint8]:
    return np.full_like(truth.rgb, 99)


def _corners(mesh: Mesh) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return mesh.xyz[mesh.faces[:, 0]], mesh.xyz[mesh.faces[:, 1]], mesh.xyz[mesh.faces[:, 2]]


def _terrain(camera: Intrinsics, *, seed: int = 3) -> Truth:
    """Hills with a box in front of them and a hole: all that a mesh meets. Smooth noise of about 0.4 pixels on top."""
    rng = np.random.default_rng(seed)
    v, u = np.mgrid[: camera.height, : camera.width].astype(np.float64)
    inverse = 0.4 + 0.1 * np.sin(u / 9) * np.cos(v / 13) + 0.002 * u + rng.normal(0, 2e-4, u.shape)
    inverse[8:20, 10:30] = 1.1 + 0.004 * u[8:20, 10:30]
    inverse[30:34, 33:41] = 0
    shades = np.stack([np.sin(u / 3) * np.cos(v / 4), np.cos(u / 5), np.sin((u + v) / 6)], axis=-1)
    return Truth(camera, inverse, (127 + 100 * shades).astype(np.uint8))


def _edges(mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
    """Undirected edges and how many faces share each."""
    faces = mesh.faces.astype(np.int64)
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    return np.unique(edges, axis=0, return_counts=True)


def _outline_px(mesh: Mesh, camera: Intrinsics) -> float:
    """Total length in the picture of the edges that only one face has."""
    edges, shared = _edges(mesh)
    xy = mesh.xyz[:, :2] / mesh.xyz[:, 2:] * (camera.fx, camera.fy)
    alone = edges[shared == 1]
    return float(np.linalg.norm(xy[alone[:, 0]] - xy[alone[:, 1]], axis=1).sum())


@given(normal=SLANTS)
@settings(max_examples=12, deadline=None)
def test_an_untextured_plane_of_any_slant_is_two_triangles(normal: tuple[float, float, float]) -> None:
    truth = slanted_plane(small_camera(37, 29, fov_x_deg=50), normal=normal)
    assert len(mesh_of_points(_points(truth), _grey(truth), textured=False).faces) == 2
    unevenly_thinned = mesh_of_points(_points(truth, max_points=500), _grey(truth), textured=False)
    assert len(unevenly_thinned.faces) == 2


def test_every_connected_rectangle_of_a_plane_is_two_triangles() -> None:
    truth = slanted_plane(small_camera())
    metres = truth.depth.z.copy()
    metres[17], metres[:, 41] = np.nan, np.nan
    mesh = to_mesh(RGBD(_grey(truth), MetricDepth(metres, unit="m"), truth.camera), textured=False)
    assert len(mesh.faces) == 2 * 4
    assert len(mesh.xyz) == 4 * 4


def test_a_textured_plane_takes_as_many_as_its_texture_needs() -> None:
    camera = small_camera(320, 240)
    facing, slanted = slanted_plane(camera, normal=(0, 0, -1)), slanted_plane(camera)
    assert len(mesh_of_points(_points(facing), facing.rgb).faces) == 2
    # A right triangle with legs a and b, the photo's plane changing by g = |d ln q| per pixel, shifts by about
    # a b g / 4, so that a picture needs at least area * g / (2 * bound) of them.
    log_inverse = np.log(slanted.inverse_metres)
    needed = np.hypot(*np.gradient(log_inverse)).sum() / (2 * 0.5)
    assert 0.7 * needed < len(mesh_of_points(_points(slanted), slanted.rgb).faces) < 2.5 * needed


@given(
    corners=st.tuples(*[st.tuples(st.floats(0, 90), st.floats(0, 90), st.floats(0.2, 5)) for _ in range(3)]),
    weights=st.tuples(st.floats(0.01, 1), st.floats(0.01, 1), st.floats(0.01, 1)),
)
def test_the_texture_shift_has_a_bound_in_closed_form(
    corners: tuple[tuple[float, float, float], ...], weights: tuple[float, float, float]
) -> None:
    places, inverse = np.array(corners)[:, :2], np.array(corners)[:, 2]
    barycentric = np.array(weights) / sum(weights)
    in_space = barycentric * inverse / (barycentric @ inverse)
    shift = float(np.linalg.norm((in_space - barycentric) @ places))
    longest = max(math.dist(places[i], places[j]) for i, j in ((0, 1), (1, 2), (2, 0)))
    roots = np.sqrt(inverse).astype(np.float32)
    assert shift <= longest * float(shift_per_px(*roots)) * (1 + 1e-4) + 1e-4


def test_the_texture_shift_of_an_edge_reaches_its_bound() -> None:
    near, far, length = 4.0, 1.0, 30.0
    t = np.linspace(0, 1, 10_001)
    shift = length * (t * near / ((1 - t) * far + t * near) - t)
    assert shift.max() == pytest.approx(length * (2 - 1) / (2 + 1), rel=1e-6)
    assert float(shift_per_px(*np.sqrt(np.array([near, far, far], np.float32)))) == pytest.approx(1 / 3)


@pytest.mark.parametrize("max_points", [None, 3000])
def test_each_pixel_is_kept_within_the_bound(max_points: int | None) -> None:
    truth = _terrain(small_camera(96, 72))
    points = _points(truth, max_points=max_points)
    mesh = mesh_of_points(points, truth.rgb)
    assert mesh.meshing is not None
    assert mesh.meshing.error_px == 0.5
    assert mesh.meshing.faces == len(mesh.faces) < 0.3 * mesh.meshing.grid_faces
    shown = render(mesh, truth.camera)
    step_px = truth.camera.fx * 0.1 * float(np.nanmedian(points.z))
    at = np.ix_(points.rows, points.columns)
    error_px = np.abs(step_px / shown.z[at] - step_px / points.z)
    assert 0.1 < np.nanmax(error_px) <= 0.5 + 1e-3
    assert not (np.isnan(points.z) & (shown.face[at] >= 0)).any()
    own = np.stack([(points.columns + 0.5)[None, :] + 0 * points.z, (points.rows + 0.5)[:, None] + 0 * points.z], -1)
    shift_px = np.linalg.norm(shown.uv[at] * truth.camera.size - own, axis=-1)
    assert np.nanmax(shift_px) <= 0.5 + 1e-3


def test_the_photo_is_seen_again() -> None:
    truth = _terrain(small_camera(96, 72))
    shown = render(mesh_of_points(_points(truth), truth.rgb), truth.camera)
    kept = shown.face >= 0
    assert kept.mean() > 0.9
    error = shown.picture(truth.rgb)[kept].astype(np.float64) - truth.rgb[kept]
    assert 10 * math.log10(255**2 / np.mean(error**2)) > 35


def test_outlines_keep_the_pixels_they_had() -> None:
    truth = _terrain(small_camera(96, 72))
    grid = render(mesh_of_points(_points(truth), truth.rgb, max_error_px=None), truth.camera)
    light = render(mesh_of_points(_points(truth), truth.rgb), truth.camera)
    assert (light.face[grid.face >= 0] >= 0).all()


def test_there_are_no_cracks_and_no_points_on_neighbours_sides() -> None:
    truth = _terrain(small_camera(96, 72))
    smooth = Truth(truth.camera, np.maximum(np.minimum(truth.inverse_metres, 0.8), 0.2), truth.rgb)
    mesh = mesh_of_points(_points(smooth), smooth.rgb, cut_ratio=10, cut_angle_deg=0)
    _, shared = _edges(mesh)
    assert set(shared) == {1, 2}
    # A point on a neighbour's side would make edges of a single face inside the picture.
    assert _outline_px(mesh, smooth.camera) == pytest.approx(2 * (95 + 71), rel=1e-4)
    holed = mesh_of_points(_points(truth), truth.rgb)
    _, shared = _edges(holed)
    assert set(shared) == {1, 2}
    full = mesh_of_points(_points(truth), truth.rgb, max_error_px=None)
    assert _outline_px(holed, truth.camera) <= _outline_px(full, truth.camera) * (1 + 1e-4)


@pytest.mark.parametrize("max_error_px", [None, 0.5])
def test_every_face_looks_at_the_camera(max_error_px: float | None) -> None:
    truth = _terrain(small_camera(96, 72))
    mesh = mesh_of_points(_points(truth), truth.rgb, cut_ratio=10, max_error_px=max_error_px)
    a, b, c = _corners(mesh)
    assert (np.einsum("ij,ij->i", np.cross(b - a, c - a), a) < 0).all()


def test_the_full_grid_has_every_point() -> None:
    truth = box_corner(small_camera())
    mesh = mesh_of_points(_points(truth), truth.rgb, cut_ratio=10, max_error_px=None)
    assert len(mesh.faces) == 2 * 63 * 47
    assert len(mesh.xyz) == 64 * 48
    assert mesh.meshing is not None
    assert mesh.meshing.error_px is None
    assert mesh.meshing.notes == ()


def test_a_step_is_cut_and_nothing_else() -> None:
    truth = step(small_camera(), column=20)
    full = mesh_of_points(_points(truth), truth.rgb, max_error_px=None)
    light = mesh_of_points(_points(truth), truth.rgb)
    assert len(full.faces) == 2 * 47 * (19 + 43)
    assert len(light.faces) == 4
    for mesh in (full, light):
        assert set(np.ptp(np.stack([corner[:, 2] for corner in _corners(mesh)]), axis=0)) == {0}
        assert mesh.meshing is not None
        assert (mesh.meshing.cut_by_ratio, mesh.meshing.cut_by_angle) == (2 * 47, 0)
    assert light.meshing is not None
    assert light.meshing.notes == (
        "99.9% fewer faces than the grid, within 0.5 px",
        "1.6% of the grid's triangles cut at depth jumps (94 by ratio, 0 by angle)",
    )


@pytest.mark.parametrize(("angle_deg", "cut"), [(4.0, False), (2.0, True)])
def test_a_sheet_seen_edge_on_is_cut_whatever_its_ratio(angle_deg: float, cut: bool) -> None:
    camera = Intrinsics.from_fov(20, 10, fov_x_deg=1.6)
    slope = 1 / math.tan(math.radians(angle_deg))
    truth = slanted_plane(camera, normal=(-slope, 0.0, -1.0), metres=1.0)
    ratios = truth.depth.z[:, 1:] / truth.depth.z[:, :-1]
    assert np.maximum(ratios, 1 / ratios).max() < 1.08
    if cut:
        with pytest.raises(GeometryError, match="cut at ratio 1.08 and 3 degrees"):
            mesh_of_points(_points(truth), truth.rgb, cut_angle_deg=3.0)
    else:
        mesh = mesh_of_points(_points(truth), truth.rgb, cut_angle_deg=3.0)
        assert mesh.meshing is not None
        assert mesh.meshing.cut_by_angle == 0


def test_steps_too_far_away_to_be_seen_are_not_cut() -> None:
    inverse = np.round(np.linspace(0.02, 1, 500) * 255) / 255
    metres = np.broadcast_to(1 / inverse[:, None], (500, 4)).astype(np.float32)
    assert metres[0, 0] / metres[-1, 0] > 40
    points = unproject(MetricDepth(metres, unit="m"), Intrinsics.from_fov(4, 500, fov_x_deg=2))
    mesh = mesh_of_points(points, np.zeros((500, 4, 3), np.uint8), max_error_px=None)
    assert len(mesh.faces) == 2 * 3 * 499


@pytest.mark.parametrize("factor", [100.0, 1e-3, 0.3048])
def test_the_unit_does_not_matter(factor: float) -> None:
    truth = _terrain(small_camera(96, 72))
    mesh = mesh_of_points(_points(truth), truth.rgb)
    other = to_mesh(RGBD(truth.rgb, MetricDepth(truth.depth.z * np.float32(factor), unit="m"), truth.camera))
    np.testing.assert_array_equal(mesh.faces, other.faces)
    np.testing.assert_allclose(mesh.xyz * np.float32(factor), other.xyz, rtol=1e-6)


def test_millimetres_on_the_very_limit_are_not_cut_in_any_unit() -> None:
    metres = np.full((20, 20), 1.0, np.float32)
    metres[:, 10:] = 1.08
    camera = small_camera(20, 20)
    for factor in (1, 1000, 0.001, 3.3, 1 / 0.3048):
        points = unproject(MetricDepth(metres * np.float32(factor), unit="m"), camera)
        mesh = mesh_of_points(points, np.zeros((20, 20, 3), np.uint8))
        assert mesh.meshing is not None
        assert mesh.meshing.cut_by_ratio == 0


def test_the_same_call_gives_the_same_mesh() -> None:
    truth = _terrain(small_camera(96, 72))
    once, again = (mesh_of_points(_points(truth), truth.rgb, normals=True) for _ in range(2))
    assert once.xyz.tobytes() == again.xyz.tobytes()
    assert once.faces.tobytes() == again.faces.tobytes()


def test_unknown_depth_leaves_a_hole_and_no_unused_vertex() -> None:
    metres = np.ones((6, 6), np.float32)
    metres[2, 2] = np.nan
    points = unproject(MetricDepth(metres, unit="m"), Intrinsics.from_fov(6, 6, fov_x_deg=60))
    mesh = mesh_of_points(points, np.zeros((6, 6, 3), np.uint8), max_error_px=None)
    assert len(mesh.xyz) == 35
    # The four cells around the hole keep the one triangle that does not touch it.
    assert len(mesh.faces) == 2 * 25 - 4
    assert np.unique(mesh.faces).tolist() == list(range(35))
    light = mesh_of_points(points, np.zeros((6, 6, 3), np.uint8))
    assert np.unique(light.faces).tolist() == list(range(len(light.xyz)))
    assert len(light.xyz) == 4 + 4
    assert len(light.faces) == 8


def test_texture_coordinates_are_the_pixel_centres() -> None:
    truth = slanted_plane(small_camera())
    mesh = mesh_of_points(_points(truth), truth.rgb)
    assert mesh.texture is truth.rgb
    assert mesh.rgb is None
    assert mesh.uv is not None
    u = truth.camera.fx * mesh.xyz[:, 0] / mesh.xyz[:, 2] + truth.camera.cx
    v = truth.camera.fy * mesh.xyz[:, 1] / mesh.xyz[:, 2] + truth.camera.cy
    np.testing.assert_allclose(mesh.uv * truth.camera.size, np.stack([u, v], 1), atol=1e-3)
    assert mesh.uv[0] == pytest.approx((0.5 / 64, 0.5 / 48))


def test_coloured_vertices_keep_the_photos_colours() -> None:
    truth = _terrain(small_camera(96, 72))
    mesh = mesh_of_points(_points(truth), truth.rgb, textured=False, max_colour_error=20)
    assert mesh.texture is None
    assert mesh.uv is None
    assert mesh.meshing is not None
    assert mesh.meshing.faces < 0.8 * mesh.meshing.grid_faces
    shown = render(mesh, truth.camera)
    seen = shown.face >= 0
    error = np.abs(shown.rgb[seen] - truth.rgb[seen]).max(axis=1)
    # The bound holds for colours spread evenly over the picture; viewers spread them evenly in space.
    assert 5 < np.quantile(error, 0.99) <= 20
    assert error.max() < 25


def test_normals_are_those_of_the_surface() -> None:
    truth = slanted_plane(small_camera(), normal=(0.3, -0.4, -1.0))
    mesh = mesh_of_points(_points(truth), truth.rgb, normals=True)
    assert mesh.normals is not None
    expected = np.array([0.3, -0.4, -1.0]) / math.hypot(0.3, -0.4, -1.0)
    np.testing.assert_allclose(mesh.normals, np.broadcast_to(expected, mesh.normals.shape), atol=2e-3)
    terrain = _terrain(small_camera(96, 72))
    bumpy = mesh_of_points(_points(terrain), terrain.rgb, normals=True)
    assert bumpy.normals is not None
    np.testing.assert_allclose(np.linalg.norm(bumpy.normals, axis=1), 1, atol=1e-5)
    assert (np.einsum("ij,ij->i", bumpy.normals, bumpy.xyz) < 0).all()


@pytest.mark.parametrize("max_faces", [100, 30, 2])
def test_the_number_of_faces_can_be_limited(max_faces: int) -> None:
    truth = _terrain(small_camera(96, 72))
    free = mesh_of_points(_points(truth), truth.rgb)
    mesh = mesh_of_points(_points(truth), truth.rgb, max_faces=max_faces)
    assert max_faces / 2 <= len(mesh.faces) <= max_faces < len(free.faces)
    assert mesh.meshing is not None
    assert mesh.meshing.error_px is not None
    assert mesh.meshing.error_px > 0.5
    _, shared = _edges(mesh)
    assert set(shared) <= {1, 2}
    enough = mesh_of_points(_points(truth), truth.rgb, max_faces=10**6)
    np.testing.assert_array_equal(enough.faces, free.faces)
    full = mesh_of_points(_points(truth), truth.rgb, max_faces=10**6, max_error_px=None)
    assert full.meshing is not None
    assert len(full.faces) == full.meshing.grid_faces


def test_sky_gives_no_geometry() -> None:
    truth = ground_plane(small_camera())
    for max_error_px in (None, 0.5):
        mesh = mesh_of_points(_points(truth), truth.rgb, max_error_px=max_error_px)
        assert (mesh.xyz[:, 1] > 0).all()
        assert np.isfinite(mesh.xyz).all()
        assert len(mesh.xyz) < 64 * 48


def test_nothing_to_connect_and_a_cut_that_cuts_everything_are_said() -> None:
    one = unproject(MetricDepth(np.ones((1, 1), np.float32), unit="m"), Intrinsics.from_fov(1, 1, fov_x_deg=60))
    with pytest.raises(GeometryError, match="no triangle is left of a 1x1 grid"):
        mesh_of_points(one, np.zeros((1, 1, 3), np.uint8))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cut_ratio": 1.0}, "above 1"),
        ({"cut_angle_deg": 90}, "between 0 and 90"),
        ({"cut_angle_deg": -1}, "between 0 and 90"),
        ({"max_error_px": 0.0}, "must be positive, got 0 px"),
        ({"max_error_px": math.nan}, "must be positive"),
        ({"max_colour_error": 0}, "colour error must be positive"),
        ({"max_faces": 1}, "at least 2"),
    ],
)
def test_options_out_of_range_are_said(options: dict[str, float], words: str) -> None:
    truth = step(small_camera())
    with pytest.raises(UsageError, match=words):
        mesh_of_points(_points(truth), truth.rgb, **options)  # type: ignore[arg-type]


def test_a_mesh_is_checked_at_birth() -> None:
    xyz = np.zeros((3, 3), np.float32)
    with pytest.raises(GeometryError, match="vertex 3 of 3"):
        Mesh(xyz, np.array([[0, 1, 3]], np.uint32), unit="m")
    with pytest.raises(GeometryError, match="texture needs"):
        Mesh(xyz, np.array([[0, 1, 2]], np.uint32), texture=np.zeros((1, 1, 3), np.uint8), unit="m")
