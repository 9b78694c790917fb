"""Layers as one mesh."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TypeVar, Unpack, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import MetricDepth
from depth3d.core.errors import UsageError
from depth3d.core.point_map import PointMap, unproject
from depth3d.core.rgbd import RGBD
from depth3d.geometry.mesh import Mesh, MeshChoices, Meshing, MeshSettings, mesh_of_points
from depth3d.layers.depth_peeling import DepthLayer, peel
from depth3d.layers.disocclusions import find_disocclusions
from depth3d.layers.inpaint import inpaint_colours
from depth3d.layers.split import Layers, to_layers, to_surface
from depth3d.layers.view_range import find_turn_limits

T = TypeVar("T", bound=np.generic)

_MOST_LAYERS = 5
"""Such as a wall, a cupboard, a table, a cup, and a spoon before it."""
_LEAST_EDGES = 0.0003
"""A mesh is made once and may have a layer for a cup; frames are drawn again and again."""
_HIDDEN_PIXELS = 250_000
_GUTTER_PX = 8
"""Pixels between the pictures of a texture, so that small versions of it do not mix them."""


def layers_to_mesh(layers: Layers, photo_rgb: NDArray[np.uint8], **choices: Unpack[MeshChoices]) -> Mesh:
    """The photo's surface, cut at its depth edges, and behind each edge the surface that continues there.

    The texture holds the photo at the top, and below it, at half the size, what is behind.

    Args:
        layers: the photo in layers.
        photo_rgb: (H', W', 3) uint8, the photo at any size.
        choices: fields of `MeshSettings`. `max_error_px` counts pixels of `photo_rgb`, and what is behind, being a
            guess, may be off by twice as much; `max_faces` is shared between the surfaces by their areas.

    Raises:
        GeometryError: no triangle is left.
        UsageError: an option is out of range.
    """
    settings = MeshSettings(**choices)
    return _meshed(_points(layers, layers.front_inverse), layers, photo_rgb, settings)


def to_layered_mesh(rgbd: RGBD, *, max_points: int | None = None, **choices: Unpack[MeshChoices]) -> Mesh:
    """The same of a photo with depth, faster: what is hidden is found in a smaller picture, being a guess.

    Args:
        rgbd: photo, depth and camera, its lens distortion undone.
        max_points: take at most so many pixels, evenly spread over the picture; None takes all.
        choices: see `layers_to_mesh`.

    Raises:
        CameraError: the camera's distortion has not been undone.
        GeometryError: no triangle is left.
        UsageError: an option is out of range.
    """
    settings = MeshSettings(**choices)
    surface = to_surface(rgbd, max_pixels=max(4, max_points or rgbd.rgb.size))
    layers = to_layers(
        surface, cut_ratio=settings.cut_ratio, cut_angle_deg=settings.cut_angle_deg, max_pixels=_HIDDEN_PIXELS
    )
    return _meshed(unproject(surface.depth, surface.camera), layers, rgbd.rgb, settings)


def _meshed(points: PointMap, layers: Layers, photo_rgb: NDArray[np.uint8], settings: MeshSettings) -> Mesh:
    """The surface of these points, and behind it what the layers hide."""
    height, width = points.z.shape
    photo_px = photo_rgb.shape[1] / width
    error_px = None if settings.max_error_px is None else settings.max_error_px / photo_px
    small = photo_rgb
    if small.shape[:2] != (height, width):
        small = np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    hidden = _hidden(layers, settings)
    quotas = _shared(settings.max_faces, [float(disocclusion.mean()) for _, disocclusion in hidden])
    in_front = replace(settings, max_error_px=error_px, max_faces=quotas[0])
    front = mesh_of_points(points, small, **_choices(in_front))
    front = replace(front, meshing=_in_photo_px(front.meshing, photo_px))
    behind = [
        _mesh_behind(layers, layer, disocclusion, replace(in_front, max_faces=quota))
        for (layer, disocclusion), quota in zip(hidden, quotas[1:], strict=True)
    ]
    joined = _joined(front, behind, photo_rgb)
    if joined.meshing is None:
        return joined
    return replace(joined, meshing=replace(joined.meshing, turn_limits=find_turn_limits(layers)))


def _mesh_behind(layers: Layers, layer: DepthLayer, disocclusion: NDArray[np.bool_], in_front: MeshSettings) -> Mesh:
    error_px = None if in_front.max_error_px is None else 2 * in_front.max_error_px
    uncut = replace(
        in_front,
        cut_ratio=math.inf,
        cut_angle_deg=0,
        max_error_px=error_px,
        max_colour_error=2 * in_front.max_colour_error,
    )
    inverse = np.where(disocclusion, layer.inverse, np.float32(np.nan))
    return mesh_of_points(_points(layers, inverse), layer.rgb, **_choices(uncut))


def _choices(settings: MeshSettings) -> MeshChoices:
    return cast(MeshChoices, asdict(settings))


def _hidden(layers: Layers, settings: MeshSettings) -> list[tuple[DepthLayer, NDArray[np.bool_]]]:
    """The layers of which something hidden may come into sight, and where."""
    depth_layers = peel(
        layers,
        most=_MOST_LAYERS,
        least_edges=_LEAST_EDGES,
        cut_ratio=settings.cut_ratio,
        cut_angle_deg=settings.cut_angle_deg,
    )
    disocclusions = find_disocclusions(layers, depth_layers)
    if disocclusions and layers.unknown.any():
        # Where there is no sky in the model, nothing may have its colour.
        seen = ~np.any([layer.matte >= 0.5 for layer in depth_layers[1:]], axis=0) & ~layers.unknown & ~layers.edges.far
        behind = inpaint_colours(depth_layers[0].rgb, seen, np.zeros_like(seen))
        depth_layers = (replace(depth_layers[0], rgb=behind), *depth_layers[1:])
    found = zip(depth_layers, disocclusions, strict=False)
    return [
        (layer, disocclusion) for layer, disocclusion in found if (disocclusion[:-1, :-1] & disocclusion[1:, 1:]).any()
    ]


def _shared(max_faces: int | None, areas: list[float]) -> list[int | None]:
    """How many faces the photo's surface may have, and each of those behind it, by their areas."""
    if max_faces is None:
        return [None] * (len(areas) + 1)
    least = 2 * (len(areas) + 1)
    if max_faces < least:
        raise UsageError(f"max faces must be at least {least} for {len(areas) + 1} layers, got {max_faces}")
    behind = [max(2, int((max_faces - least) * area / (1 + sum(areas)))) for area in areas]
    return [max_faces - sum(behind), *behind]


def _points(layers: Layers, inverse: NDArray[np.float32]) -> PointMap:
    return unproject(MetricDepth(np.float32(1) / inverse, unit=layers.unit), layers.camera)


def _in_photo_px(meshing: Meshing | None, photo_px: float) -> Meshing | None:
    """The same with its error in pixels of the photo, of which each of the layers' holds so many."""
    if meshing is None or meshing.error_px is None:
        return meshing
    return replace(meshing, error_px=meshing.error_px * photo_px)


def _joined(front: Mesh, behind: list[Mesh], photo_rgb: NDArray[np.uint8]) -> Mesh:
    """All meshes as one, with one texture if they have textures."""
    if not behind:
        return replace(front, texture=None if front.texture is None else photo_rgb)
    meshes, texture = [front, *behind], None
    if front.texture is not None:
        pictures = [mesh.texture for mesh in behind if mesh.texture is not None]
        texture, corners, sizes = _stacked(photo_rgb, pictures)
        meshes = [
            replace(mesh, uv=(corner + mesh.uv * size).astype(np.float32))
            for mesh, corner, size in zip(meshes, corners, sizes, strict=True)
            if mesh.uv is not None
        ]
    meshing = front.meshing
    if meshing is not None:
        told = [mesh.meshing for mesh in behind if mesh.meshing is not None]
        meshing = replace(
            meshing,
            grid_faces=meshing.grid_faces + sum(one.grid_faces for one in told),
            faces=sum(len(mesh.faces) for mesh in meshes),
            behind=sum(len(mesh.faces) for mesh in behind),
        )
    first = np.cumsum([0, *(len(mesh.xyz) for mesh in meshes)])
    return Mesh(
        xyz=np.concatenate([mesh.xyz for mesh in meshes]),
        faces=np.concatenate([mesh.faces + np.uint32(start) for mesh, start in zip(meshes, first, strict=False)]),
        rgb=_all([mesh.rgb for mesh in meshes]),
        normals=_all([mesh.normals for mesh in meshes]),
        uv=_all([mesh.uv for mesh in meshes]),
        texture=texture,
        meshing=meshing,
        unit=front.unit,
    )


def _all(arrays: Sequence[NDArray[T] | None]) -> NDArray[T] | None:
    there = [array for array in arrays if array is not None]
    return np.concatenate(there) if len(there) == len(arrays) else None


def _stacked(
    photo: NDArray[np.uint8], pictures: list[NDArray[np.uint8]]
) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.float64]]:
    """The photo and below it the others at half the size, two in a row; each one's edges go on around it.

    Returns:
        The texture, and for each picture, the photo first, its upper left corner and its size as shares of that.
    """
    height, width = photo.shape[:2]
    half = _GUTTER_PX // 2
    in_row = min(2, len(pictures))
    size = max(1, min(width // 2, width // in_row - (in_row - 1) * _GUTTER_PX)), max(1, height // 2)
    texture = np.pad(photo, ((0, half), (0, 0), (0, 0)), mode="edge")
    corners, sizes = [(0, 0)], [(width, height)]
    for first in range(0, len(pictures), in_row):
        row: list[NDArray[np.uint8]] = []
        for picture in pictures[first : first + in_row]:
            left = half if in_row > 1 else 0
            corners.append((sum(cell.shape[1] for cell in row) + left, len(texture) + half))
            sizes.append(size)
            small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
            row.append(np.pad(small, ((half, half), (left, left), (0, 0)), mode="edge"))
        cells = np.concatenate(row, axis=1)[:, :width]
        texture = np.concatenate([texture, np.pad(cells, ((0, 0), (0, width - cells.shape[1]), (0, 0)), mode="edge")])
    texture = texture[:-half]  # nothing is below the last row
    whole = np.array([width, len(texture)])
    return texture, np.array(corners) / whole, np.array(sizes) / whole
