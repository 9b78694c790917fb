"""Clouds and meshes as other libraries hold them, in camera axes; each library is loaded only here and when asked for.

Axes are not turned: x right, y down, z forward. Programs that show y up want `xyz * (1, -1, -1)`, as files have it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from depth3d.core.errors import MissingExtraError

if TYPE_CHECKING:
    from depth3d.geometry.mesh.mesh import Mesh
    from depth3d.geometry.point_cloud import PointCloud


def cloud_to_trimesh(cloud: PointCloud) -> Any:
    """A `trimesh.PointCloud` with the colours; its metadata say the unit."""
    return _trimesh().PointCloud(cloud.xyz, colors=cloud.rgb, metadata={"unit": cloud.unit})


def mesh_to_trimesh(mesh: Mesh) -> Any:
    """A `trimesh.Trimesh` with texture or vertex colours and normals; its `units` say the unit where it is metres."""
    trimesh = _trimesh()
    read = trimesh.Trimesh(
        mesh.xyz,
        mesh.faces,
        vertex_normals=mesh.normals,
        vertex_colors=mesh.rgb if mesh.texture is None else None,
        metadata={"unit": mesh.unit},
        process=False,
    )
    if mesh.texture is not None and mesh.uv is not None:
        from PIL import Image

        from_bottom = mesh.uv * np.array([1, -1], np.float32) + np.array([0, 1], np.float32)
        read.visual = trimesh.visual.TextureVisuals(uv=from_bottom, image=Image.fromarray(mesh.texture))
    if mesh.unit == "m":
        read.units = "meters"
    return read


def cloud_to_open3d(cloud: PointCloud) -> Any:
    """An `open3d.geometry.PointCloud` with colours and normals.

    Raises:
        MissingExtraError: Open3D is not installed.
    """
    o3d = _open3d()
    points = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(cloud.xyz.astype(np.float64)))
    if cloud.rgb is not None:
        points.colors = o3d.utility.Vector3dVector(cloud.rgb / 255)
    if cloud.normals is not None:
        points.normals = o3d.utility.Vector3dVector(cloud.normals.astype(np.float64))
    return points


def mesh_to_open3d(mesh: Mesh) -> Any:
    """An `open3d.geometry.TriangleMesh` with texture or vertex colours and normals.

    Raises:
        MissingExtraError: Open3D is not installed.
    """
    o3d = _open3d()
    read = o3d.geometry.TriangleMesh(
        o3d.utility.Vector3dVector(mesh.xyz.astype(np.float64)), o3d.utility.Vector3iVector(mesh.faces.astype(np.int32))
    )
    if mesh.normals is not None:
        read.vertex_normals = o3d.utility.Vector3dVector(mesh.normals.astype(np.float64))
    if mesh.texture is not None and mesh.uv is not None:
        read.triangle_uvs = o3d.utility.Vector2dVector(mesh.uv[mesh.faces.reshape(-1)].astype(np.float64))
        read.triangle_material_ids = o3d.utility.IntVector(np.zeros(len(mesh.faces), np.int32))
        read.textures = [o3d.geometry.Image(np.ascontiguousarray(mesh.texture))]
    elif mesh.rgb is not None:
        read.vertex_colors = o3d.utility.Vector3dVector(mesh.rgb / 255)
    return read


def _trimesh() -> Any:
    import trimesh

    return trimesh


def _open3d() -> Any:
    try:
        import open3d
    except ImportError:
        raise MissingExtraError("to_open3d", "open3d", "view") from None
    return open3d
