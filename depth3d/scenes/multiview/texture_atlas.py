"""A texture for a fused mesh: each face shows the photo that sees it best.

Faces with one photo that are connected are a chart; the charts' rectangles are packed into one picture. Photos are
chosen by the area that they give a face (Waechter et al., "Let There Be Color!", ECCV 2014), and the choice is evened
among neighbours by majority. Photos are brought to one exposure by the colours that all of them gave the mesh.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, Pose
from depth3d.geometry.mesh import Mesh
from depth3d.scenes.multiview.atlas_packing import MARGIN_PX, Packed, pack
from depth3d.scenes.multiview.best_photos import BestPhotos, scores, size_of_one
from depth3d.scenes.multiview.fusion import DepthView
from depth3d.scenes.multiview.fusion.depth_view import project_world
from depth3d.scenes.multiview.progress import Report, silent

_EVENED = 3
_EVEN_SHARE = 0.4
"""A photo that gives a face less than this share of the best one's area is not taken for its neighbours' sake."""

_GAINS = (0.6, 1.6)


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


def to_textured(
    mesh: Mesh, photos: Callable[[], Iterator[TexturePhoto]], *, count: int = 0, report: Report = silent
) -> Mesh:
    """Give a mesh a texture.

    Args:
        mesh: with colours at its vertices, in the world of the photos.
        photos: gives all of them, one at a time, each time it is called.
        count: how many there are, for the report.
        report: told how far the work has got.

    Returns:
        The same triangles with uv and texture; vertices at the borders of charts stand in it once for each chart. What
        no photo sees well has its vertices' colours, one for each face.
    """
    unit = size_of_one(next(photos()).view)
    best = BestPhotos.of(len(mesh.faces))
    places: list[_Place] = []
    for number, photo in enumerate(_reported(photos(), "choosing photos for the surface", count, report)):
        best.ask(number, scores(mesh, photo.view, unit))
        places.append(_Place(photo.view.camera, photo.view.pose, photo.size))
    report("parting the surface", 0, 2)
    label = _evened(mesh, best)
    report("parting the surface", 1, 2)
    chart = _charts(mesh, label)
    rectangles = _rectangles(mesh, chart, places)
    shown = _reported(photos(), "painting the surface", count, report)
    return _painted(mesh, chart, rectangles, [place.size for place in places], shown)


def _reported(photos: Iterator[TexturePhoto], what: str, count: int, report: Report) -> Iterator[TexturePhoto]:
    for number, photo in enumerate(photos):
        report(what, number, count)
        yield photo


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Where a photo was taken, and the (width, height) of its pixels."""

    camera: Intrinsics
    pose: Pose
    size: tuple[int, int]


def _neighbours(mesh: Mesh) -> NDArray[np.intp]:
    """(E, 2) pairs of faces that share an edge."""
    faces = mesh.faces.astype(np.int64)
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    owner = np.tile(np.arange(len(faces)), 3)
    key = edges[:, 0] * len(mesh.xyz) + edges[:, 1]
    order = np.argsort(key, kind="stable")
    same = key[order][1:] == key[order][:-1]
    return np.stack([owner[order][:-1][same], owner[order][1:][same]], axis=1)


def _evened(mesh: Mesh, scores: BestPhotos) -> NDArray[np.intp]:
    """(M,) the photo of each face, -1 for none: the best one, unless neighbours agree on one that is nearly as good."""
    best, label = scores.score.max(axis=1), scores.label()
    pairs = _neighbours(mesh)
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
        good = (agreed >= 0) & twice & (scores.score_of(agreed) >= _EVEN_SHARE * best) & (best > 0)
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


def _rectangles(mesh: Mesh, chart: _Charts, places: Sequence[_Place]) -> _Rectangles:
    uv = np.zeros((len(mesh.faces), 3, 2), np.float32)
    of_face = np.where(chart.of_face >= 0, chart.photo[np.maximum(chart.of_face, 0)] if len(chart.photo) else -1, -1)
    for number, place in enumerate(places):
        mine = np.flatnonzero(of_face == number)
        if len(mine):
            camera = place.camera
            u, v, _ = project_world(mesh.xyz[mesh.faces[mine]].reshape(-1, 3), camera, place.pose)
            uv[mine] = np.stack([u / camera.width, v / camera.height], axis=1).reshape(-1, 3, 2)
    uv = np.clip(uv, 0, 1)
    low, high = np.ones((len(chart.photo), 2)), np.zeros((len(chart.photo), 2))
    shown = chart.of_face >= 0
    for corner in range(3):
        np.minimum.at(low, chart.of_face[shown], uv[shown, corner])
        np.maximum.at(high, chart.of_face[shown], uv[shown, corner])
    return _Rectangles(uv, low, high)


def _painted(
    mesh: Mesh,
    chart: _Charts,
    rectangles: _Rectangles,
    sizes: Sequence[tuple[int, int]],
    photos: Iterable[TexturePhoto],
) -> Mesh:
    of_chart = np.array([sizes[number] for number in chart.photo], np.float64).reshape(-1, 2)
    wanted = (rectangles.high - rectangles.low) * of_chart
    unseen = np.flatnonzero(chart.of_face < 0)
    packed = pack(wanted, len(unseen))
    atlas = np.zeros((packed.height, packed.width, 3), np.uint8)
    uv = np.zeros((len(mesh.faces), 3, 2), np.float32)
    for number, photo in enumerate(photos):
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
