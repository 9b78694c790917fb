"""A texture for a fused mesh: each face shows the photo that sees it best.

Faces with one photo that are connected are a chart; the charts' rectangles are packed into one picture. Photos are
chosen by the area that they give a face (Waechter et al., "Let There Be Color!", ECCV 2014), and the choice is evened
among neighbours by majority. Photos are brought to one exposure by the colours that all of them gave the mesh.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, Pose
from depth3d.geometry.mesh import Mesh
from depth3d.scenes.multiview.atlas_packing import MARGIN_PX, Packed, pack
from depth3d.scenes.multiview.fusion import DepthView

_LEAST_FACING = 0.15
_SAME_SURFACE = 0.04
_EVENED = 3
_EVEN_SHARE = 0.4
"""A photo that gives a face less than this share of the best one's area is not taken for its neighbours' sake."""

_GAINS = (0.6, 1.6)
_MOST_SCORE = 6e4


@dataclass(frozen=True, slots=True, eq=False)
class TexturePhoto:
    """A photo to take colours from.

    Attributes:
        view: its depth at the size at which photos were compared.
        size: (width, height) of the pixels.
        rgb: reads them, (h, w, 3) uint8, the photo with its lens's distortion undone.
    """

    view: DepthView
    size: tuple[int, int]
    rgb: Callable[[], NDArray[np.uint8]]


def to_textured(mesh: Mesh, photos: Callable[[], Iterator[TexturePhoto]]) -> Mesh:
    """Give a mesh a texture.

    Args:
        mesh: with colours at its vertices, in the world of the photos.
        photos: gives all of them, one at a time, each time it is called.

    Returns:
        The same triangles with uv and texture; vertices at the borders of charts stand in it once for each chart. What
        no photo sees well has its vertices' colours, one for each face.
    """
    size_of_one = _size_of_one(next(photos()).view)
    scores = np.stack([_scores(mesh, photo.view, size_of_one) for photo in photos()], axis=1)
    label = _evened(mesh, scores)
    chart = _charts(mesh, label)
    rectangles = _rectangles(mesh, chart, [(photo.view.camera, photo.view.pose) for photo in photos()])
    return _painted(mesh, chart, rectangles, photos)


def _scores(mesh: Mesh, view: DepthView, size_of_one: float) -> NDArray[np.float16]:
    """(M,) the share of a photo that a face of unit area takes there, by angle and distance; 0 where it is not seen."""
    corners = mesh.xyz[mesh.faces]
    centre = corners.mean(axis=1)
    u, v, z = _project(centre, view.camera, view.pose)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    ray = view.pose.world_from_cam[:3, 3].astype(np.float32) - centre
    length = np.linalg.norm(normal, axis=1) * np.linalg.norm(ray, axis=1)
    facing = np.einsum("ij,ij->i", normal, ray) / np.maximum(length, 1e-20)
    width, height = view.camera.size
    inside = (z > 0) & (u >= 2) & (u < width - 2) & (v >= 2) & (v < height - 2) & (facing > _LEAST_FACING)
    seen = view.z[v[inside].astype(np.int32), u[inside].astype(np.int32)]
    with np.errstate(invalid="ignore"):
        same = np.abs(seen / z[inside] - 1) < _SAME_SURFACE
    size = np.square(view.camera.fx / width / z[inside]) / size_of_one
    score = np.zeros(len(centre), np.float32)
    score[inside] = np.where(same, np.clip(facing[inside] * size, 1e-3, _MOST_SCORE), 0)
    return score.astype(np.float16)


def _size_of_one(view: DepthView) -> float:
    """The share of a photo that a square of side 1 takes at its median depth; it keeps scores near 1."""
    return float(np.square(view.camera.fx / view.camera.width / np.nanmedian(view.z)))


def _project(
    xyz: NDArray[np.float32], camera: Intrinsics, pose: Pose
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Pixels and depths of points; those behind the camera lie far outside the picture."""
    cam_from_world = pose.cam_from_world.astype(np.float32)
    cam = xyz @ cam_from_world[:3, :3].T + cam_from_world[:3, 3]
    z = cam[:, 2]
    safe = np.where(z > 1e-9, z, np.float32(np.inf))
    far = np.where(z > 1e-9, np.float32(0), np.float32(-1e6))
    u = cam[:, 0] / safe * np.float32(camera.fx) + np.float32(camera.cx) + far
    v = cam[:, 1] / safe * np.float32(camera.fy) + np.float32(camera.cy) + far
    return np.asarray(u, np.float32), np.asarray(v, np.float32), np.asarray(z, np.float32)


def _neighbours(mesh: Mesh) -> NDArray[np.intp]:
    """(E, 2) pairs of faces that share an edge."""
    faces = mesh.faces.astype(np.int64)
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    owner = np.tile(np.arange(len(faces)), 3)
    key = edges[:, 0] * len(mesh.xyz) + edges[:, 1]
    order = np.argsort(key, kind="stable")
    same = key[order][1:] == key[order][:-1]
    return np.stack([owner[order][:-1][same], owner[order][1:][same]], axis=1)


def _evened(mesh: Mesh, scores: NDArray[np.float16]) -> NDArray[np.intp]:
    """(M,) the photo of each face, -1 for none: the best one, unless neighbours agree on one that is nearly as good."""
    best = scores.max(axis=1)
    label = np.where(best > 0, scores.argmax(axis=1), -1)
    pairs = _neighbours(mesh)
    faces = np.arange(len(label))
    for _ in range(_EVENED):
        votes = np.zeros((len(label), 4), np.intp) - 1
        count = np.zeros(len(label), np.intp)
        for one, other in ((0, 1), (1, 0)):
            for face, neighbour in zip(*_grouped(pairs[:, one], pairs[:, other]), strict=True):
                place = np.minimum(count[face], 3)
                votes[face, place] = label[neighbour]
                count[face] += 1
        agreed = np.where((votes[:, 0] == votes[:, 1]) | (votes[:, 0] == votes[:, 2]), votes[:, 0], votes[:, 1])
        twice = (votes == agreed[:, None]).sum(axis=1) >= 2
        good = (agreed >= 0) & twice & (scores[faces, np.maximum(agreed, 0)] >= _EVEN_SHARE * best) & (best > 0)
        label = np.where(good, agreed, label)
    return label


def _grouped(
    face: NDArray[np.intp], neighbour: NDArray[np.intp]
) -> tuple[list[NDArray[np.intp]], list[NDArray[np.intp]]]:
    """The same pairs in groups in none of which a face comes twice."""
    order = np.argsort(face, kind="stable")
    face, neighbour = face[order], neighbour[order]
    first = np.searchsorted(face, face)
    place = np.arange(len(face)) - first
    groups = range(int(place.max()) + 1 if len(place) else 0)
    return [face[place == group] for group in groups], [neighbour[place == group] for group in groups]


@dataclass(frozen=True, slots=True, eq=False)
class _Charts:
    """Which chart each face belongs to (-1 for none), and which photo each chart shows."""

    of_face: NDArray[np.intp]
    photo: NDArray[np.intp]


def _charts(mesh: Mesh, label: NDArray[np.intp]) -> _Charts:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = _neighbours(mesh)
    same = pairs[label[pairs[:, 0]] == label[pairs[:, 1]]]
    links = coo_array((np.ones(len(same), np.int8), (same[:, 0], same[:, 1])), (len(label), len(label)))
    _, piece = connected_components(links, directed=False)
    used, of_face = np.unique(np.where(label >= 0, piece, -1), return_inverse=True)
    shift = int(used[0] == -1)
    of_face = of_face.ravel() - shift
    photo = np.zeros(len(used) - shift, np.intp)
    photo[of_face[of_face >= 0]] = label[of_face >= 0]
    return _Charts(of_face, photo)


@dataclass(frozen=True, slots=True, eq=False)
class _Rectangles:
    """Where charts lie.

    Attributes:
        uv: (M, 3, 2) float32, each face's corners as shares of its photo.
        low: (C, 2) left and top of each chart as shares of its photo.
        high: (C, 2) right and bottom.
    """

    uv: NDArray[np.float32]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def _rectangles(mesh: Mesh, chart: _Charts, places: Sequence[tuple[Intrinsics, Pose]]) -> _Rectangles:
    uv = np.zeros((len(mesh.faces), 3, 2), np.float32)
    of_face = np.where(chart.of_face >= 0, chart.photo[np.maximum(chart.of_face, 0)] if len(chart.photo) else -1, -1)
    for number, (camera, pose) in enumerate(places):
        mine = np.flatnonzero(of_face == number)
        if len(mine):
            u, v, _ = _project(mesh.xyz[mesh.faces[mine]].reshape(-1, 3), camera, pose)
            uv[mine] = np.stack([u / camera.width, v / camera.height], axis=1).reshape(-1, 3, 2)
    uv = np.clip(uv, 0, 1)
    low, high = np.ones((len(chart.photo), 2)), np.zeros((len(chart.photo), 2))
    shown = chart.of_face >= 0
    for corner in range(3):
        np.minimum.at(low, chart.of_face[shown], uv[shown, corner])
        np.maximum.at(high, chart.of_face[shown], uv[shown, corner])
    return _Rectangles(uv, low, high)


def _painted(mesh: Mesh, chart: _Charts, rectangles: _Rectangles, photos: Callable[[], Iterator[TexturePhoto]]) -> Mesh:
    sizes = [photo.size for photo in photos()]
    of_chart = np.array([sizes[number] for number in chart.photo], np.float64).reshape(-1, 2)
    wanted = (rectangles.high - rectangles.low) * of_chart
    unseen = np.flatnonzero(chart.of_face < 0)
    packed = pack(wanted, len(unseen))
    atlas = np.zeros((packed.height, packed.width, 3), np.uint8)
    uv = np.zeros((len(mesh.faces), 3, 2), np.float32)
    for number, photo in enumerate(photos()):
        mine = np.flatnonzero(chart.photo == number)
        if not len(mine):
            continue
        rgb = _exposed(photo.rgb(), mesh, chart.of_face, mine, rectangles.uv)
        for one in mine:
            _copy(atlas, rgb, packed, int(one), rectangles.low[one], rectangles.high[one])
    shown = chart.of_face >= 0
    which = chart.of_face[shown]
    span = np.maximum(rectangles.high - rectangles.low, 1e-9)[which][:, None]
    share = (rectangles.uv[shown] - rectangles.low[which][:, None]) / span
    uv[shown] = packed.place[which][:, None] + MARGIN_PX + share * packed.size[which][:, None]
    uv[unseen] = _paint_palette(atlas, mesh, unseen, packed)[:, None]
    return _with_seams(mesh, chart.of_face, (uv / (packed.width, packed.height)).astype(np.float32), atlas)


def _copy(
    atlas: NDArray[np.uint8],
    rgb: NDArray[np.uint8],
    packed: Packed,
    one: int,
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> None:
    """A chart's rectangle with a margin, so that neither filters nor rounding reach beyond."""
    side = np.array(rgb.shape[1::-1])
    width, height = packed.size[one]
    left, top = np.floor(packed.place[one]).astype(int)
    columns = np.arange(int(np.ceil(width)) + 2 * MARGIN_PX) + 0.5 - MARGIN_PX
    rows = np.arange(int(np.ceil(height)) + 2 * MARGIN_PX) + 0.5 - MARGIN_PX
    u = (low[0] + columns / max(width, 1e-9) * (high[0] - low[0])) * side[0] - 0.5
    v = (low[1] + rows / max(height, 1e-9) * (high[1] - low[1])) * side[1] - 0.5
    at = [np.ascontiguousarray(part, np.float32) for part in np.broadcast_arrays(u[None, :], v[:, None])]
    seen = cv2.remap(rgb, at[0], at[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    atlas[top : top + len(rows), left : left + len(columns)] = seen


def _exposed(
    rgb: NDArray[np.uint8], mesh: Mesh, of_face: NDArray[np.intp], mine: NDArray[np.intp], uv: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """A photo with the exposure that the mesh's colours have on its faces."""
    assert mesh.rgb is not None
    faces = np.flatnonzero(np.isin(of_face, mine))
    place = uv[faces].mean(axis=1) * (rgb.shape[1], rgb.shape[0])
    column = np.clip(place[:, 0].astype(int), 0, rgb.shape[1] - 1)
    row = np.clip(place[:, 1].astype(int), 0, rgb.shape[0] - 1)
    own = rgb[row, column].mean(axis=0) + 1
    common = mesh.rgb[mesh.faces[faces]].astype(np.float64).mean(axis=(0, 1)) + 1
    return np.asarray(np.clip(rgb * np.clip(common / own, *_GAINS), 0, 255), np.uint8)


def _paint_palette(
    atlas: NDArray[np.uint8], mesh: Mesh, unseen: NDArray[np.intp], packed: Packed
) -> NDArray[np.float32]:
    """One pixel for each face that no photo shows; their places."""
    assert mesh.rgb is not None
    row, column = np.divmod(np.arange(len(unseen)), packed.width)
    atlas[packed.palette + row, column] = np.rint(mesh.rgb[mesh.faces[unseen]].mean(axis=1)).astype(np.uint8)
    return np.stack([column + 0.5, packed.palette + row + 0.5], axis=1).astype(np.float32)


def _with_seams(mesh: Mesh, of_face: NDArray[np.intp], uv: NDArray[np.float32], atlas: NDArray[np.uint8]) -> Mesh:
    """The mesh with each vertex once for every chart it belongs to; each face that has none has its own three."""
    charts = np.where(of_face >= 0, of_face, len(of_face) + np.arange(len(of_face)))
    key = charts[:, None] * len(mesh.xyz) + mesh.faces.astype(np.int64)
    _, first, index = np.unique(key.ravel(), return_index=True, return_inverse=True)
    vertex = mesh.faces.ravel()[first]
    return replace(
        mesh,
        xyz=mesh.xyz[vertex],
        faces=index.reshape(-1, 3).astype(np.uint32),
        rgb=None if mesh.rgb is None else mesh.rgb[vertex],
        normals=None if mesh.normals is None else mesh.normals[vertex],
        uv=uv.reshape(-1, 2)[first],
        texture=atlas,
    )
