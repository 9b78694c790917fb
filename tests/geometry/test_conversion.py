"""Clouds and meshes as trimesh and Open3D hold them."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import trimesh
from independent_readers import open3d
from synthetic_scenes import box_corner, small_camera

from depth3d.core.errors import MissingExtraError
from depth3d.core.point_map import unproject
from depth3d.geometry.mesh import Mesh, mesh_of_points
from depth3d.geometry.point_cloud import PointCloud, cloud_of_points
from depth3d.io.geometry.vertex_colors import vertex_rgb

TRUTH = box_corner(small_camera())
POINTS = unproject(TRUTH.depth, TRUTH.camera)
CLOUD = cloud_of_points(POINTS, TRUTH.rgb, normals=True)


def mesh(*, textured: bool) -> Mesh:
    return mesh_of_points(POINTS, TRUTH.rgb, textured=textured, normals=True)


def test_trimesh_has_the_cloud() -> None:
    theirs = CLOUD.to_trimesh()
    assert isinstance(theirs, trimesh.PointCloud)
    assert np.array_equal(theirs.vertices, CLOUD.xyz)
    assert np.array_equal(theirs.colors[:, :3], CLOUD.rgb)
    assert theirs.metadata["unit"] == "m"


def test_trimesh_has_the_coloured_mesh() -> None:
    ours = mesh(textured=False)
    theirs = ours.to_trimesh()
    assert np.array_equal(theirs.vertices, ours.xyz)
    assert np.array_equal(theirs.faces, ours.faces)
    assert np.array_equal(theirs.visual.vertex_colors[:, :3], ours.rgb)
    assert np.allclose(theirs.vertex_normals, ours.normals, atol=1e-6)
    assert theirs.units == "meters"


def test_trimesh_has_the_texture_where_the_photo_is() -> None:
    ours = mesh(textured=True)
    theirs = ours.to_trimesh()
    seen = theirs.visual.to_color().vertex_colors[:, :3].astype(int)
    expected = vertex_rgb(ours)
    assert expected is not None
    assert np.median(np.abs(seen - expected)) < 3


def test_an_arbitrary_unit_is_not_called_metres() -> None:
    ours = mesh(textured=False)
    theirs = Mesh(ours.xyz, ours.faces, unit="arbitrary").to_trimesh()
    assert theirs.units is None
    assert theirs.metadata["unit"] == "arbitrary"
    assert PointCloud(ours.xyz, unit="arbitrary").to_trimesh().metadata["unit"] == "arbitrary"


def test_open3d_has_the_cloud() -> None:
    open3d()
    theirs = CLOUD.to_open3d()
    assert np.array_equal(np.asarray(theirs.points), CLOUD.xyz)
    assert np.array_equal(np.rint(np.asarray(theirs.colors) * 255), CLOUD.rgb)
    assert np.allclose(np.asarray(theirs.normals), CLOUD.normals)


@pytest.mark.parametrize("textured", [True, False])
def test_open3d_has_the_mesh(textured: bool) -> None:
    open3d()
    ours = mesh(textured=textured)
    theirs = ours.to_open3d()
    assert np.array_equal(np.asarray(theirs.vertices), ours.xyz)
    assert np.array_equal(np.asarray(theirs.triangles), ours.faces)
    assert np.allclose(np.asarray(theirs.vertex_normals), ours.normals)
    assert theirs.has_textures() == textured
    assert theirs.has_vertex_colors() != textured
    if textured:
        assert np.array_equal(np.asarray(theirs.textures[0]), ours.texture)
        assert ours.uv is not None
        assert np.allclose(np.asarray(theirs.triangle_uvs), ours.uv[ours.faces.reshape(-1)])


def test_without_open3d_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "open3d", None)
    for value in (CLOUD, mesh(textured=False)):
        with pytest.raises(MissingExtraError, match=r"for to_open3d the package open3d is needed: .*depth3d\[view\]"):
            value.to_open3d()


def test_geometry_loads_no_other_library() -> None:
    code = "import sys, depth3d.geometry.mesh, depth3d.geometry.conversion as c; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"trimesh", "open3d", "PIL"}.isdisjoint(loaded)
