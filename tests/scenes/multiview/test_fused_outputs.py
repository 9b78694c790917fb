"""What else comes out of many photos: splats, and a COLMAP project that COLMAP reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from plyfile import PlyData
from posed_room import PosedRoom, distance_to_walls, posed_room

from depth3d.core.errors import OutputError
from depth3d.io.captures import place, read_capture
from depth3d.io.photos.photo import read_photo
from depth3d.scenes.multiview import Aligned, FusedScene, align_views, fuse_aligned, save_colmap_project
from depth3d.scenes.options import Options

pytest.importorskip("open3d")

UNITS = 3.0


@pytest.fixture(scope="module")
def room() -> PosedRoom:
    return posed_room(4, (96, 72))


@pytest.fixture(scope="module")
def aligned(room: PosedRoom, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aligned]:
    folder = tmp_path_factory.mktemp("project")
    room.write_photos(folder / "images")
    depths = room.write_inverse_depths(folder / "inverse depths")
    room.write_colmap(folder / "sparse" / "0", units=UNITS)
    options = Options.of(depth_map=depths / "{name}.npy")
    with align_views(read_capture(folder), options, units_per_metre=UNITS) as aligned:
        yield aligned


@pytest.fixture(scope="module")
def scene(aligned: Aligned) -> FusedScene:
    return fuse_aligned(aligned, voxel_m=0.06)


def test_splats_lie_on_the_walls_and_are_flat(scene: FusedScene, tmp_path: Path) -> None:
    splats = scene.splats()
    assert scene.mesh.normals is not None
    along = np.einsum("ijk,ik->ij", splats.directions, scene.mesh.normals)
    assert np.abs(along).max() < 1e-3
    assert np.linalg.norm(splats.directions, axis=2) == pytest.approx(1, abs=1e-5)
    assert np.abs(np.einsum("ij,ij->i", splats.directions[:, 0], splats.directions[:, 1])).max() < 1e-5
    assert (splats.sigma[:, 2] < 0.2 * splats.sigma[:, 0]).all()
    saved = scene.save(tmp_path / "room.ply", kind="splat", axes="model")
    assert "splats" in saved.what
    rows = PlyData.read(str(tmp_path / "room.ply"))["vertex"]
    xyz = np.stack([rows["x"], rows["y"], rows["z"]], axis=1)
    assert np.median(distance_to_walls(xyz)) < 0.03  # metres, in the axes of the room
    scene.save(tmp_path / "room.spz")
    assert (tmp_path / "room.spz").stat().st_size > 1000


def test_colmap_reads_the_project_with_its_depth(
    aligned: Aligned, scene: FusedScene, room: PosedRoom, tmp_path: Path
) -> None:
    pycolmap = pytest.importorskip("pycolmap")
    assert save_colmap_project(aligned, scene, tmp_path / "out") == 4
    model = pycolmap.Reconstruction(tmp_path / "out" / "sparse" / "0")
    assert model.num_images() == 4
    assert model.num_points3D() == len(scene.mesh.xyz)
    points = np.array([point.xyz for point in model.points3D.values()]) / UNITS
    assert np.median(distance_to_walls(points)) < 0.03
    for image in model.images.values():
        index = room.names.index(image.name.removesuffix(".jpg"))
        assert image.projection_center() / UNITS == pytest.approx(
            room.views[index].pose.world_from_cam[:3, 3], abs=1e-6
        )
        raw = (tmp_path / "out" / "stereo" / "depth_maps" / f"{image.name}.geometric.bin").read_bytes()
        width, height, channels, rest = raw.split(b"&", 3)
        z = np.frombuffer(rest, "<f4").reshape(int(height), int(width))
        assert int(channels) == 1
        known = z > 0
        assert known.mean() > 0.7
        assert np.median(np.abs(z / UNITS / room.views[index].z - 1)[known]) < 0.01
    with pytest.raises(OutputError, match="exists"):
        save_colmap_project(aligned, scene, tmp_path / "out")


def test_the_project_is_a_capture_again(aligned: Aligned, scene: FusedScene, room: PosedRoom, tmp_path: Path) -> None:
    save_colmap_project(aligned, scene, tmp_path / "out")
    capture = read_capture(tmp_path / "out")
    assert len(capture.photos) == 4
    placed = place(capture.photos[0], read_photo(capture.photos[0].photo))
    assert placed.camera is not None
    assert placed.camera.fx == pytest.approx(room.views[0].camera.fx, rel=1e-6)
