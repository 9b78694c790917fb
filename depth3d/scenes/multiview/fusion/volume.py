"""A truncated signed distance function in Open3D's VoxelBlockGrid: many depth maps become one surface.

Curless and Levoy, "A Volumetric Method for Building Complex Models from Range Images", 1996. Blocks of 16 voxels a side
exist only near surfaces (Dong et al., "ASH", arXiv 2110.00511). The only module that knows Open3D, but for the viewer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import GeometryError, MissingExtraError, UsageError
from depth3d.geometry.mesh import Mesh
from depth3d.scenes.multiview.fusion.depth_view import DepthView
from depth3d.scenes.multiview.fusion.pieces import kept_faces
from depth3d.scenes.multiview.fusion.slant import stretches
from depth3d.scenes.multiview.progress import Report, silent
from depth3d.scenes.options import FusionOptions

DEFAULT_MEMORY_GB = FusionOptions().memory_gb

_BLOCK_SIDE = 16
_BYTES_PER_VOXEL = 4 + 4 + 3 * 4  # distance, weight, colour
_BYTES_PER_BLOCK = _BLOCK_SIDE**3 * _BYTES_PER_VOXEL
_TRUNCATED_VOXELS = 5.0
_VOXELS_PER_SAMPLE = 8
"""Rays look for their blocks in steps of at most so many voxels."""

_MIDDLE = 1 << 20
_PLACES = np.array([1 << 42, 1 << 21, 1], np.int64)
"""A block's three numbers as one; a grid reaches over two million blocks in each direction."""

_LEAST_CRUMB_SIDE = 8
"""Pieces of surface of less area than a square of so many voxels a side are left out."""

_MOST_GROWN = 12


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """What fusion made, in the world's axes and unit.

    Attributes:
        mesh: triangles with coloured vertices and normals, counter-clockwise as the cameras saw them.
        voxel: edge length of a voxel.
        blocks: how many blocks of 16 voxels a side held it.
        notes: sentences for the user.
    """

    mesh: Mesh
    voxel: float
    blocks: int
    notes: tuple[str, ...] = ()


def fuse_depth(
    views: Callable[[], Iterable[DepthView]],
    *,
    voxel: float,
    may_grow: bool = False,
    farthest: float,
    least_photos: int = FusionOptions().least_photos,
    memory_gb: float = DEFAULT_MEMORY_GB,
    count: int = 0,
    report: Report = silent,
) -> Fused:
    """Fuse depth maps into one coloured surface.

    Args:
        views: gives all of them, one at a time, each time it is called.
        voxel: edge length of a voxel, in the world's unit.
        may_grow: where memory is short take larger voxels, and say so, instead of refusing.
        farthest: what is farther from its camera is left out.
        least_photos: surfaces that fewer photos saw are left out.
        memory_gb: at most so much memory for voxels.
        count: how many views there are, where that is known before they are looked through.
        report: told how many photos have been looked through.

    Raises:
        GeometryError: nothing is left of the surface.
        UsageError: an option is out of range, or voxels of this size take too much memory.
        MissingExtraError: Open3D is not installed.
    """
    for name, value in (("voxel", voxel), ("farthest depth", farthest), ("memory", memory_gb)):
        if not value > 0:
            raise UsageError(f"fusion: {name} must be positive, got {value:g}")
    open3d = _open3d()
    told = _ReportedViews(report, count)
    voxel, farthest = float(voxel), float(farthest)  # Open3D takes no whole numbers
    wanted, most_blocks = voxel, int(memory_gb * 1e9 / _BYTES_PER_BLOCK)
    for _ in range(_MOST_GROWN):
        blocks = _count_blocks(open3d, told("measuring the place", views), voxel, farthest)
        if blocks <= most_blocks:
            break
        larger = voxel * max(1.05, (blocks / most_blocks) ** 0.5)
        if not may_grow:
            raise UsageError(
                f"fusion: voxels of {voxel:g} take {blocks * _BYTES_PER_BLOCK / 1e9:.2g} GB, more than {memory_gb:g};"
                f" take larger ones, such as {larger:.2g}, or allow more memory"
            )
        voxel = larger
    grid = _grid(open3d, voxel, blocks)
    if not blocks:
        raise GeometryError(f"fusion: no depth is known within {farthest:.3g}; nothing is left to write")
    for view in told("fusing photos", views):
        _integrate(open3d, grid, view, voxel, farthest)
    report("drawing the surface", 0, 1)
    mesh = _surface(grid, least_photos, voxel, told("looking at small pieces", views))
    notes = () if voxel == wanted else (f"voxels of {voxel:.3g} instead of {wanted:.3g}, so that they fit into memory",)
    return Fused(mesh, voxel, int(grid.hashmap().size()), notes)


class _ReportedViews:
    """Views, each of which is reported when it is given; how many there are is known at least from the second time."""

    def __init__(self, report: Report, count: int) -> None:
        self._report, self._count = report, count

    def __call__(self, what: str, views: Callable[[], Iterable[DepthView]]) -> Iterator[DepthView]:
        number = 0
        for number, view in enumerate(views(), start=1):
            if self._count:
                self._report(what, number - 1, self._count)
            yield view
        self._count = number


def _open3d() -> Any:
    try:
        import open3d
    except (ImportError, OSError):  # OSError: a system library that Open3D needs is missing
        raise MissingExtraError("fusing photos", "open3d", "view") from None
    return open3d


def _grid(open3d: Any, voxel: float, blocks: int) -> Any:
    core = open3d.core
    return open3d.t.geometry.VoxelBlockGrid(
        attr_names=("tsdf", "weight", "color"),
        attr_dtypes=(core.float32, core.float32, core.float32),
        attr_channels=((1), (1), (3)),
        voxel_size=voxel,
        block_resolution=_BLOCK_SIDE,
        block_count=blocks,
    )


def _count_blocks(open3d: Any, views: Iterable[DepthView], voxel: float, farthest: float) -> int:
    found = np.zeros((0, 3), np.int32)
    for view in views:
        seen = [part.blocks for part in _parts(open3d, view, voxel, farthest)]
        if seen:
            found = np.unique(np.concatenate([found, *seen]), axis=0)
    return len(found)


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Depths of a photo that meet their surface at about the same slant, as Open3D takes them.

    Attributes:
        depth: 0 where there is none.
        blocks: (N, 3) int32, those near its surfaces.
        truncated: how many voxels before and behind the surface, along the optical axis, know of it.
    """

    depth: Any
    blocks: NDArray[np.int32]
    truncated: float


def _parts(open3d: Any, view: DepthView, voxel: float, farthest: float) -> Iterator[_Part]:
    """A photo's depths, but for what is too far."""
    with np.errstate(invalid="ignore"):
        near = np.where(view.z <= farthest, view.z, np.float32(np.nan))
    for times, z in stretches(replace(view, z=near)):
        blocks = _blocks_near(replace(view, z=z), voxel, times)
        depth = open3d.t.geometry.Image(open3d.core.Tensor(np.nan_to_num(z, nan=0)))
        yield _Part(depth, blocks, _TRUNCATED_VOXELS * times)


def _blocks_near(view: DepthView, voxel: float, times: int) -> NDArray[np.int32]:
    """(N, 3) the blocks that rays go through where they know of their surface."""
    known = np.isfinite(view.z)
    points, z = view.points()[known], view.z[known]
    eye = view.pose.world_from_cam[:3, 3].astype(np.float32)
    rays = (points - eye) / z[:, None]
    reach = np.float32(_TRUNCATED_VOXELS * times * voxel)
    samples = 2 * math.ceil(_TRUNCATED_VOXELS * times / _VOXELS_PER_SAMPLE) + 1
    side = np.float32(_BLOCK_SIDE * voxel)
    found = np.zeros(0, np.int64)
    for step in np.linspace(-reach, reach, samples, dtype=np.float32):
        place = np.floor((eye + rays * np.maximum(z + step, 0)[:, None]) / side).astype(np.int64)
        found = np.union1d(found, (place + _MIDDLE) @ _PLACES)
    return np.stack([found // place % (2 * _MIDDLE) - _MIDDLE for place in _PLACES], axis=1).astype(np.int32)


def _integrate(open3d: Any, grid: Any, view: DepthView, voxel: float, farthest: float) -> None:
    intrinsic, extrinsic = _camera(open3d, view)
    colour = open3d.t.geometry.Image(open3d.core.Tensor(view.rgb.astype(np.float32) / 255))
    for part in _parts(open3d, view, voxel, farthest):
        blocks = open3d.core.Tensor(part.blocks)
        grid.integrate(blocks, part.depth, colour, intrinsic, intrinsic, extrinsic, 1.0, farthest, part.truncated)


def _camera(open3d: Any, view: DepthView) -> tuple[Any, Any]:
    camera = view.camera
    # Integration takes the pixel into whose square a voxel falls, so that K is wanted with centres at +0.5, as ours is.
    matrix = np.array([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]])
    tensor = open3d.core.Tensor
    return tensor(matrix), tensor(np.ascontiguousarray(view.pose.cam_from_world))


def _surface(grid: Any, least_photos: int, voxel: float, views: Iterable[DepthView]) -> Mesh:
    surface = grid.extract_triangle_mesh(weight_threshold=least_photos - 0.5)
    faces = surface.triangle.indices.numpy().astype(np.int64)
    if not len(faces):
        raise GeometryError("fusion: the photos' depths have no surface in common; nothing is left to write")
    xyz = surface.vertex.positions.numpy()
    rgb = np.rint(np.clip(surface.vertex.colors.numpy(), 0, 1) * 255).astype(np.uint8)
    faces = faces[kept_faces(xyz, faces, (_LEAST_CRUMB_SIDE * voxel) ** 2, views)]
    if not len(faces):
        raise GeometryError("fusion: only crumbs of surface are left; take larger voxels, or ask for fewer photos")
    return _in_order(xyz, rgb, surface.vertex.normals.numpy(), faces)


def _in_order(
    xyz: NDArray[np.float32], rgb: NDArray[np.uint8], normals: NDArray[np.float32], faces: NDArray[np.int64]
) -> Mesh:
    """The mesh in an order of its own: Open3D's threads leave vertices and faces in another one each time."""
    used = np.unique(faces)
    used = used[np.lexsort(xyz[used].T[::-1])]
    place = np.empty(len(xyz), np.int64)
    place[used] = np.arange(len(used))
    faces = place[faces]
    first = faces.argmin(axis=1)[:, None]
    faces = np.take_along_axis(faces, (first + np.arange(3)) % 3, axis=1)
    faces = faces[np.lexsort(faces.T[::-1])]
    return Mesh(xyz[used], faces.astype(np.uint32), rgb=rgb[used], normals=normals[used], unit="arbitrary")
