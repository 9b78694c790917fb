"""How fast geometry files are written and how large they are, beside Open3D, trimesh and plain bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from depth3d.core.point_map import unproject
from depth3d.core.rgbd import RGBD
from depth3d.geometry.lazy_point_cloud import to_pixel_cloud
from depth3d.geometry.mesh import Mesh, mesh_of_points
from depth3d.geometry.point_cloud import PointCloud, to_cloud
from depth3d.io.save import save
from depth3d.lab.bench.benchmark_frame import Frame
from depth3d.lab.bench.timing import Figure, Row, Section, Work, race

_OURS, _HELD, _PLAIN = "depth3d", "depth3d, points held in memory", "ndarray.tofile, the same bytes"
_OPEN3D, _TRIMESH = "Open3D, legacy", "trimesh"
_TILES, _SMALL_UV, _COMPACT = "depth3d, index tiles", "depth3d, 16-bit texture coordinates", "depth3d, compact"


def cloud_files(frame: Frame, folder: Path, *, rounds: int) -> Section:
    """Depth and colour to a binary PLY: unprojected and written."""
    cloud = _cloud(frame)
    same_bytes = np.fromfile(save(cloud, folder / "same.ply", force=True), np.uint8)
    works: dict[str, Work] = {
        _OURS: lambda path: save(to_pixel_cloud(RGBD(frame.rgb, frame.depth, frame.camera)), path),
        _HELD: lambda path: save(_cloud(frame), path),
        _PLAIN: same_bytes.tofile,
        _TRIMESH: lambda path: _write_with_trimesh(frame, path),
    }
    remarks: tuple[str, ...] = ()
    open3d = find_open3d()
    if open3d is None:
        remarks = ("Open3D is not installed, so it is not compared: pip install 'depth3d[view]'",)
    else:
        works[_OPEN3D] = lambda path: _write_with_open3d(open3d, frame, path)
    rows = race(works, folder, ".ply", rounds=rounds)
    width, height = frame.depth.size
    title = f"{width}x{height} depth and colour to binary PLY, {len(cloud.xyz):,} points"
    section = Section(title, rows, remarks=remarks)
    figures = [_slower_than_ours(section, name, least) for name, least in ((_OPEN3D, 6.0), (_TRIMESH, 3.0))]
    plain = _seconds(section, _OURS) / _seconds(section, _PLAIN)
    figures.append(Figure("times as long as ndarray.tofile", plain, 2.0, at_least=False))
    return Section(title, rows, tuple(one for one in figures if one is not None), remarks)


def mesh_files(frame: Frame, folder: Path, *, rounds: int) -> Section:
    """The full grid as a textured GLB."""
    points = unproject(frame.depth, frame.camera)
    mesh = mesh_of_points(points, frame.rgb, max_error_px=None)
    theirs = _trimesh_mesh(mesh)
    works: dict[str, Work] = {
        _OURS: lambda path: save(mesh, path),
        _SMALL_UV: lambda path: save(mesh, path, uv_bits=16),
        _TILES: lambda path: save(mesh, path, index_tiles=True),
        _COMPACT: lambda path: save(mesh, path, compact=True),
        _TRIMESH: lambda path: theirs.export(path),
    }
    rows = race(works, folder, ".glb", rounds=rounds)
    title = f"the same as a textured GLB of the full grid, {len(mesh.faces):,} faces"
    section = Section(title, rows)
    figures = [_slower_than_ours(section, _TRIMESH, 5.0)]
    bounds = ((_SMALL_UV, 90.0), (_TILES, 75.0), (_COMPACT, 60.0))
    figures += [_size_beside(section, name, most) for name, most in bounds]
    return Section(title, rows, tuple(one for one in figures if one is not None))


def _cloud(frame: Frame) -> PointCloud:
    return to_cloud(RGBD(frame.rgb, frame.depth, frame.camera))


def _write_with_trimesh(frame: Frame, path: Path) -> None:
    xyz = unproject(frame.depth, frame.camera).xyz.reshape(-1, 3)
    _trimesh().PointCloud(xyz, frame.rgb.reshape(-1, 3)).export(path)


def _trimesh_mesh(mesh: Mesh) -> Any:
    """The same mesh, ready to be exported by trimesh."""
    from PIL import Image

    assert mesh.uv is not None
    assert mesh.texture is not None
    uv = np.stack([mesh.uv[:, 0], 1 - mesh.uv[:, 1]], axis=1)
    trimesh = _trimesh()
    skin = trimesh.visual.TextureVisuals(uv=uv, image=Image.fromarray(mesh.texture))
    return trimesh.Trimesh(mesh.xyz * np.array([1, -1, -1], np.float32), mesh.faces, process=False, visual=skin)


def _trimesh() -> Any:
    import trimesh

    return trimesh


def find_open3d() -> Any:
    """Open3D, or None where it is not installed or does not start."""
    try:
        import open3d
    except (ImportError, OSError):  # the wheel links system libraries that may be missing
        return None
    return open3d


def _write_with_open3d(open3d: Any, frame: Frame, path: Path) -> None:
    k = frame.camera.integer_centre_matrix()
    pinhole = open3d.camera.PinholeCameraIntrinsic(*frame.depth.size, k[0, 0], k[1, 1], k[0, 2], k[1, 2])
    both = open3d.geometry.RGBDImage.create_from_color_and_depth(
        open3d.geometry.Image(frame.rgb),
        open3d.geometry.Image(frame.depth.z),
        depth_scale=1.0,
        depth_trunc=1e6,
        convert_rgb_to_intensity=False,
    )
    open3d.io.write_point_cloud(str(path), open3d.geometry.PointCloud.create_from_rgbd_image(both, pinhole))


def _row(section: Section, name: str) -> Row:
    row = section.row(name)
    assert row is not None
    return row


def _seconds(section: Section, name: str) -> float:
    return _row(section, name).seconds


def _slower_than_ours(section: Section, name: str, least: float) -> Figure | None:
    if section.row(name) is None:
        return None
    ratio = _seconds(section, name) / _seconds(section, _OURS)
    return Figure(f"times as fast as {name}", ratio, least, at_least=True)


def _size_beside(section: Section, name: str, most: float) -> Figure:
    share = 100 * _row(section, name).size / _row(section, _TRIMESH).size
    return Figure(f"size of {name}, of trimesh's", share, most, at_least=False, unit=" %")
