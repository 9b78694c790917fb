"""Laws of the grid mesh."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import box_corner, ground_plane, slanted_plane, small_camera, step

from depth3d.camera import Intrinsics
from depth3d.depth import MetricDepth
from depth3d.errors import GeometryError, UsageError
from depth3d.mesh import Mesh, to_mesh
from depth3d.points import unproject


def _corners(mesh: Mesh) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return mesh.xyz[mesh.faces[:, 0]], mesh.xyz[mesh.faces[:, 1]], mesh.xyz[mesh.faces[:, 2]]


def test_every_face_looks_at_the_camera() -> None:
    truth = box_corner(small_camera())
    mesh = to_mesh(unproject(truth.depth, truth.camera), truth.rgb, cut_ratio=10)
    a, b, c = _corners(mesh)
    assert (np.einsum("ij,ij->i", np.cross(b - a, c - a), a) < 0).all()
    assert len(mesh.faces) == 2 * 63 * 47
    assert len(mesh.xyz) == 64 * 48


def test_a_step_is_cut_and_nothing_else() -> None:
    truth = step(small_camera(), column=20)
    mesh = to_mesh(unproject(truth.depth, truth.camera), truth.rgb)
    assert len(mesh.faces) == 2 * 47 * (19 + 43)
    depths = np.stack([corner[:, 2] for corner in _corners(mesh)])
    assert set(np.ptp(depths, axis=0)) == {0}


def test_steps_too_far_away_to_be_seen_are_not_cut() -> None:
    inverse = np.round(np.linspace(0.02, 1, 500) * 255) / 255
    metres = np.broadcast_to(1 / inverse[:, None], (500, 4)).astype(np.float32)
    assert metres[0, 0] / metres[-1, 0] > 40
    mesh = to_mesh(
        unproject(MetricDepth(metres), Intrinsics.from_fov(4, 500, fov_x_deg=2)), np.zeros((500, 4, 3), np.uint8)
    )
    assert len(mesh.faces) == 2 * 3 * 499


def test_the_unit_does_not_matter() -> None:
    truth = box_corner(small_camera())
    mesh = to_mesh(unproject(truth.depth, truth.camera), truth.rgb)
    larger = to_mesh(unproject(MetricDepth(truth.depth.metres * np.float32(128)), truth.camera), truth.rgb)
    np.testing.assert_array_equal(mesh.faces, larger.faces)


def test_unknown_depth_leaves_a_hole_and_no_unused_vertex() -> None:
    metres = np.ones((6, 6), np.float32)
    metres[2, 2] = np.nan
    points = unproject(MetricDepth(metres), Intrinsics.from_fov(6, 6, fov_x_deg=60))
    mesh = to_mesh(points, np.zeros((6, 6, 3), np.uint8))
    assert len(mesh.xyz) == 35
    # The four cells around the hole keep the one triangle that does not touch it.
    assert len(mesh.faces) == 2 * 25 - 4
    assert np.unique(mesh.faces).tolist() == list(range(35))


def test_texture_coordinates_are_the_pixel_centres() -> None:
    truth = slanted_plane(small_camera())
    mesh = to_mesh(unproject(truth.depth, truth.camera), truth.rgb)
    assert mesh.texture is truth.rgb
    assert mesh.rgb is None
    assert mesh.uv is not None
    u = truth.camera.fx * mesh.xyz[:, 0] / mesh.xyz[:, 2] + truth.camera.cx
    v = truth.camera.fy * mesh.xyz[:, 1] / mesh.xyz[:, 2] + truth.camera.cy
    np.testing.assert_allclose(mesh.uv * truth.camera.size, np.stack([u, v], 1), atol=1e-3)
    assert mesh.uv[0] == pytest.approx((0.5 / 64, 0.5 / 48))


def test_coloured_vertices_have_their_pixels_colour() -> None:
    truth = slanted_plane(small_camera())
    mesh = to_mesh(unproject(truth.depth, truth.camera), truth.rgb, textured=False, normals=True)
    assert mesh.texture is None
    assert mesh.uv is None
    assert mesh.rgb is not None
    np.testing.assert_array_equal(mesh.rgb, truth.rgb.reshape(-1, 3))
    assert mesh.normals is not None
    assert mesh.normals.shape == mesh.xyz.shape


def test_sky_gives_no_geometry() -> None:
    truth = ground_plane(small_camera())
    mesh = to_mesh(unproject(truth.depth, truth.camera), truth.rgb)
    assert (mesh.xyz[:, 1] > 0).all()
    assert np.isfinite(mesh.xyz).all()
    assert len(mesh.xyz) < 64 * 48


def test_nothing_to_connect_and_a_cut_that_cuts_everything_are_said() -> None:
    one = unproject(MetricDepth(np.ones((1, 1), np.float32)), Intrinsics.from_fov(1, 1, fov_x_deg=60))
    with pytest.raises(GeometryError, match="no triangle is left of a 1x1 grid"):
        to_mesh(one, np.zeros((1, 1, 3), np.uint8))
    with pytest.raises(UsageError, match="above 1"):
        to_mesh(one, np.zeros((1, 1, 3), np.uint8), cut_ratio=1.0)


def test_a_mesh_is_checked_at_birth() -> None:
    xyz = np.zeros((3, 3), np.float32)
    with pytest.raises(GeometryError, match="vertex 3 of 3"):
        Mesh(xyz, np.array([[0, 1, 3]], np.uint32))
    with pytest.raises(GeometryError, match="texture needs"):
        Mesh(xyz, np.array([[0, 1, 2]], np.uint32), texture=np.zeros((1, 1, 3), np.uint8))
