"""A texture from photos: every face shows what its photo shows there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from posed_room import PosedRoom, posed_room, textured
from scipy.ndimage import map_coordinates

from depth3d.geometry.mesh import Mesh
from depth3d.scenes.multiview.atlas_packing import MARGIN_PX, pack
from depth3d.scenes.multiview.fusion import fuse_depth
from depth3d.scenes.multiview.texture_atlas import TexturePhoto, to_textured

SIZE = (240, 180)


@pytest.fixture(scope="module")
def room() -> PosedRoom:
    return textured(posed_room(5, SIZE))


@pytest.fixture(scope="module")
def surface(room: PosedRoom) -> Mesh:
    pytest.importorskip("open3d")
    return fuse_depth(lambda: room.views, voxel=0.05, farthest=6.0).mesh


def photos(room: PosedRoom, gains: tuple[float, ...] = (1, 1, 1, 1, 1)) -> Iterator[TexturePhoto]:
    for view, gain in zip(room.views, gains, strict=True):
        rgb = np.clip(view.rgb * gain, 0, 255).astype(np.uint8)
        yield TexturePhoto(view, SIZE, lambda rgb=rgb: rgb)  # type: ignore[misc]


def sampled(mesh: Mesh) -> NDArray[np.float64]:
    """(M, 3) the texture's colours in the middle of each face."""
    assert mesh.uv is not None
    assert mesh.texture is not None
    height, width = mesh.texture.shape[:2]
    place = mesh.uv[mesh.faces].mean(axis=1) * (width, height) - 0.5
    return picked(mesh.texture, place)


def picked(rgb: NDArray[np.uint8], place: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3) a picture's colours at pixels, whose centres lie at integers."""
    at = place[:, ::-1].T
    return np.stack([map_coordinates(rgb[..., c].astype(float), at, order=1, mode="nearest") for c in range(3)], axis=1)


def seen_in_photos(mesh: Mesh, room: PosedRoom) -> NDArray[np.float64]:
    """(M, 3) what the middle photo shows in the middle of each face; NaN where that is beyond its edge."""
    view = room.views[2]
    centre = mesh.xyz[mesh.faces].mean(axis=1)
    cam = centre @ view.pose.cam_from_world[:3, :3].T + view.pose.cam_from_world[:3, 3]
    u = cam[:, 0] / cam[:, 2] * view.camera.fx + view.camera.cx
    v = cam[:, 1] / cam[:, 2] * view.camera.fy + view.camera.cy
    inside = (cam[:, 2] > 0) & (u > 8) & (u < SIZE[0] - 8) & (v > 8) & (v < SIZE[1] - 8)
    out = np.full((len(centre), 3), np.nan)
    out[inside] = picked(view.rgb, np.stack([u[inside], v[inside]], axis=1) - 0.5)
    return out


def test_the_texture_shows_what_photos_show_and_more_than_vertices_hold(room: PosedRoom, surface: Mesh) -> None:
    mesh = to_textured(surface, lambda: photos(room))
    assert len(mesh.faces) == len(surface.faces)
    assert mesh.xyz[mesh.faces] == pytest.approx(surface.xyz[surface.faces])
    assert mesh.uv is not None
    assert mesh.uv.min() >= 0
    assert mesh.uv.max() <= 1
    true = seen_in_photos(mesh, room)
    known = np.isfinite(true[:, 0])
    assert known.mean() > 0.3
    assert surface.rgb is not None
    by_vertices = surface.rgb[surface.faces].astype(float).mean(axis=1)
    error = np.median(np.abs(sampled(mesh) - true)[known])
    assert error < 6
    assert error < 0.7 * np.median(np.abs(by_vertices - true)[known])


def test_photos_of_other_exposure_are_brought_to_one(room: PosedRoom, surface: Mesh) -> None:
    even = sampled(to_textured(surface, lambda: photos(room)))
    uneven = sampled(to_textured(surface, lambda: photos(room, (0.8, 1.2, 0.75, 1.2, 0.9))))
    assert np.median(np.abs(uneven - even)) < 6


def test_what_no_photo_sees_has_its_vertices_colours(room: PosedRoom, surface: Mesh) -> None:
    blind = PosedRoom(room.views[:1], room.names[:1])
    mesh = to_textured(surface, lambda: (photo for photo in list(photos(room))[:1]))
    assert surface.rgb is not None
    common = surface.rgb[surface.faces].astype(float).mean(axis=1)
    view = blind.views[0]
    cam = surface.xyz[surface.faces].mean(axis=1) @ view.pose.cam_from_world[:3, :3].T + view.pose.cam_from_world[:3, 3]
    behind = cam[:, 2] < 0
    u = cam[:, 0] / cam[:, 2] * view.camera.fx + view.camera.cx
    unseen = behind | (u < 0) | (u > SIZE[0])
    assert unseen.any()
    assert np.abs(sampled(mesh) - common)[unseen].max() < 1.5


def test_rectangles_do_not_overlap_and_shrink_where_they_must() -> None:
    wanted = np.random.default_rng(0).uniform(1, 90, (200, 2))
    packed = pack(wanted, 1000)
    covered = np.zeros((packed.height, packed.width), int)
    for (left, top), (width, height) in zip(packed.place.astype(int), packed.size, strict=True):
        right, bottom = left + int(np.ceil(width)) + 2 * MARGIN_PX, top + int(np.ceil(height)) + 2 * MARGIN_PX
        covered[top:bottom, left:right] += 1
    assert covered.max() == 1
    assert covered[packed.palette :].max() == 0
    assert (packed.height - packed.palette) * packed.width >= 1000
    assert covered.mean() > 0.6
    small = pack(wanted, 0, most_side=256)
    assert max(small.width, small.height) <= 256
    assert small.size.max() < 0.9 * packed.size.max()
