"""Every way to say where photos were taken says the same; what is wrong is one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from posed_room import GL, PosedRoom, posed_room

from depth3d.core.camera import Intrinsics, Pose
from depth3d.core.errors import CameraError, Depth3DError
from depth3d.io.captures import Capture, place, read_capture
from depth3d.io.photos.photo import Exif, Photo, read_photo
from depth3d.io.points.read import read_points
from depth3d.scale import SparsePoints


@pytest.fixture(scope="module")
def room() -> PosedRoom:
    return posed_room(3)


def _poses(capture: Capture) -> np.ndarray:
    return np.array([posed.pose.world_from_cam for posed in capture.photos])


def _exact(room: PosedRoom) -> np.ndarray:
    return np.array([view.pose.world_from_cam for view in room.views])


def test_every_program_says_the_same(room: PosedRoom, tmp_path: Path) -> None:
    room.write_photos(tmp_path / "images")
    captures = [
        read_capture(room.write_colmap(tmp_path / "sparse" / "0")),
        read_capture(tmp_path),  # the project around the model
        read_capture(room.write_nerfstudio(tmp_path / "transforms.json")),
        read_capture(room.write_tum(tmp_path / "groundtruth.txt")),
        read_capture(room.write_redwood(tmp_path / "trajectory.log")),
    ]
    for capture in captures:
        assert np.allclose(_poses(capture), _exact(room), atol=1e-9)
        assert [posed.photo.stem for posed in capture.photos] == list(room.names)
    assert [capture.is_metric for capture in captures] == [False, False, False, True, True]


def test_arkit_has_y_up_and_integer_centres(room: PosedRoom, tmp_path: Path) -> None:
    capture = read_capture(room.write_arkit(tmp_path / "scan"))
    assert np.allclose(_poses(capture), np.diag([1.0, -1.0, -1.0, 1.0]) @ _exact(room))
    assert capture.is_metric
    assert capture.up == (0, 1, 0)
    camera = place(capture.photos[0], read_photo(capture.photos[0].photo)).camera
    assert camera is not None
    exact = room.views[0].camera
    assert (camera.fx, camera.cx, camera.cy) == pytest.approx((exact.fx, exact.cx, exact.cy))


def test_polycam_folders(room: PosedRoom, tmp_path: Path) -> None:
    cameras = tmp_path / "keyframes" / "corrected_cameras"
    cameras.mkdir(parents=True)
    room.write_photos(tmp_path / "keyframes" / "corrected_images")
    for name, view in zip(room.names, room.views, strict=True):
        matrix = view.pose.world_from_cam @ GL
        entries = {f"t_{row}{column}": matrix[row, column] for row in range(3) for column in range(4)}
        entries |= {"fx": 45.0, "fy": 45.0, "cx": 32.0, "cy": 23.5, "width": 64, "height": 48}
        (cameras / f"{name}.json").write_text(json.dumps(entries))
    (tmp_path / "keyframes" / "corrected_cameras" / "mesh_info.json").write_text("{}")
    assert np.allclose(_poses(read_capture(tmp_path)), _exact(room))


def test_points_of_a_colmap_model_are_those_of_the_single_photo(shared_data: Path) -> None:
    folder = shared_data / "opensfm_lund"
    capture = read_capture(folder / "colmap_sparse")
    assert len(capture.photos) == 29
    photo = read_photo(capture.photos[3].photo)
    placed = place(capture.photos[3], photo)
    assert placed.camera is not None
    single = read_points(folder / "colmap_sparse", photo=photo, camera=placed.camera)
    (hint,) = placed.hints
    assert isinstance(hint, SparsePoints)
    assert np.array_equal(hint.metres, single.metres)
    assert np.array_equal(hint.u, single.u)
    # Long tracks are compared with some of their rays only.
    assert np.median(hint.relative_sigma / single.relative_sigma) == pytest.approx(1, abs=0.02)


def test_a_photo_turned_upright_turns_camera_points_and_pose(room: PosedRoom, tmp_path: Path) -> None:
    room.write_photos(tmp_path / "images")
    capture = read_capture(room.write_colmap(tmp_path / "sparse"))
    stored = read_photo(capture.photos[0].photo)
    plain = place(capture.photos[0], stored)
    turned_photo = Photo(np.rot90(stored.rgb, -1).copy(), exif=Exif(orientation=6), name=stored.name)
    turned = place(capture.photos[0], turned_photo)
    assert turned.camera is not None
    assert plain.camera is not None
    assert turned.camera.size == (48, 64)
    (before,), (after,) = plain.hints, turned.hints
    assert isinstance(before, SparsePoints)
    assert isinstance(after, SparsePoints)
    assert np.allclose(_world(before, plain.camera, plain.pose), _world(after, turned.camera, turned.pose))


def _world(points: SparsePoints, camera: Intrinsics, pose: Pose) -> np.ndarray:
    xyz = np.stack([(points.u - camera.cx) / camera.fx, (points.v - camera.cy) / camera.fy, np.ones(len(points.u))], 1)
    return (xyz * points.metres[:, None]) @ pose.world_from_cam[:3, :3].T + pose.world_from_cam[:3, 3]


def test_a_mirrored_photo_is_refused(room: PosedRoom, tmp_path: Path) -> None:
    room.write_photos(tmp_path / "images")
    capture = read_capture(room.write_colmap(tmp_path / "sparse"))
    photo = Photo(room.views[0].rgb, exif=Exif(orientation=2), name="100.5.png")
    with pytest.raises(CameraError, match="mirror"):
        place(capture.photos[0], photo)


def test_missing_photos_are_told(room: PosedRoom, tmp_path: Path) -> None:
    folder = room.write_photos(tmp_path / "images")
    (folder / "101.5.png").unlink()
    capture = read_capture(room.write_colmap(tmp_path / "sparse"))
    assert len(capture.photos) == 2
    assert "1 photos are not there and are left out: 101.5.png" in capture.notes[0]


def test_lidar_beside_a_photo_is_a_hint(room: PosedRoom, tmp_path: Path) -> None:
    import cv2

    folder = room.write_photos(tmp_path / "images")
    room.write_nerfstudio(tmp_path / "transforms.json")
    document = json.loads((tmp_path / "transforms.json").read_text())
    document["frames"][0]["depth_file_path"] = "depth.png"
    (tmp_path / "transforms.json").write_text(json.dumps(document))
    cv2.imwrite(str(tmp_path / "depth.png"), np.rint(room.views[0].z * 1000).astype(np.uint16))
    posed = read_capture(tmp_path / "transforms.json", [folder]).photos[0]
    (hint,) = place(posed, read_photo(posed.photo)).hints
    assert isinstance(hint, SparsePoints)
    assert hint.metres.max() == pytest.approx(room.views[0].z.max(), abs=1e-3)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("nothing.txt", "hello world\n", "is not a trajectory"),
        ("first.jpg", "any", "does not say where photos were taken"),
        ("short.txt", "1.5 0 0 0 0 0 0 1\n2 3\n", "expected timestamp"),
        ("still.txt", "100.5 0 0 0 0 0 0 0\n", "with a turn"),
        ("late.txt", "900 0 0 0 0 0 0 1\n", "within 0.02 s"),
        ("cut.log", "0 0 1\n1 0 0 0\n", "four lines"),
        ("many.log", "9 9 10\n1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n", "counted from 0"),
        ("skew.log", "0 0 1\n2 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n", "stretches or mirrors"),
        ("transforms.json", '{"frames": []}', "holds no frames"),
        ("transforms.json", '{"fl_x": 50, "frames": [{"file_path": "100.5.png"}]}', "4x4"),
        ("transforms.json", '{"fl_x": 50, "frames": [{"file_path": "x.png"}]}', "wanted x.png"),
    ],
)
def test_what_is_wrong_is_one_line(name: str, content: str, words: str, room: PosedRoom, tmp_path: Path) -> None:
    room.write_photos(tmp_path / "images")
    (tmp_path / name).write_text(content)
    with pytest.raises(Depth3DError, match=words) as caught:
        read_capture(tmp_path / name, [tmp_path / "images"])
    assert "\n" not in str(caught.value)


def test_folders_without_poses_and_photos_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="holds no poses"):
        read_capture(tmp_path)
    with pytest.raises(CameraError, match="no such file"):
        read_capture(tmp_path / "missing")
    (tmp_path / "a.txt").write_text("1 0 0 0 0 0 0 1\n")
    with pytest.raises(CameraError, match="no photos"):
        read_capture(tmp_path / "a.txt")
