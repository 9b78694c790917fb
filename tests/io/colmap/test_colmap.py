"""COLMAP models: read as COLMAP's own library reads them, and refused in one line where they are damaged."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depth3d.core.errors import ColmapError
from depth3d.io.colmap.model import (
    NO_POINT,
    PARAMETERS_OF_MODEL,
    each_image,
    is_colmap_model,
    read_cameras,
    read_points3d,
)

MODELS = [model for model in pycolmap.CameraModelId.__members__ if model != "INVALID"]
NAMES = ("cameras", "images", "points3D")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One model with every kind of camera, as COLMAP writes it: {"bin": folder, "txt": folder}."""
    model = pycolmap.Reconstruction()
    for number, name in enumerate(MODELS, start=1):
        count = len(pycolmap.Camera.create_from_model_name(number, name, 500.0, 640, 480).params)
        parameters = [float(number * 100 + k) for k in range(count)]
        model.add_camera_with_trivial_rig(
            pycolmap.Camera(camera_id=number, model=name, width=640, height=480, params=parameters)
        )
    turn = np.array([0.1, 0.2, 0.3, 0.9])
    pose = pycolmap.Rigid3d(pycolmap.Rotation3d(turn / np.linalg.norm(turn)), np.array([1.0, 2, 3]))
    keypoints = np.array([[1.5, 2.5], [3.25, 4.75], [600, 400]])
    image = pycolmap.Image(name="a b/one photo.jpg", keypoints=keypoints, camera_id=2, image_id=1)
    model.add_image_with_trivial_frame(image, pose)
    model.add_image_with_trivial_frame(pycolmap.Image(name="empty.jpg", camera_id=1, image_id=2), pycolmap.Rigid3d())
    for place in ((0.5, 0.6, 7.0), (-1.0, 0.0, 3.0)):
        track = pycolmap.Track()
        track.add_element(1, 1 if place[0] > 0 else 2)
        model.add_point3D(np.array(place), track, np.array([1, 2, 250], np.uint8))
    folders = {form: tmp_path_factory.mktemp(form) for form in ("bin", "txt")}
    model.write_binary(str(folders["bin"]))
    model.write_text(str(folders["txt"]))
    return folders


@pytest.mark.parametrize("form", ["bin", "txt"])
def test_every_lens_model_is_read(written: dict[str, Path], form: str) -> None:
    cameras = read_cameras(written[form])
    assert [camera.model for camera in cameras.values()] == MODELS
    for number, camera in cameras.items():
        assert (camera.width, camera.height) == (640, 480)
        assert list(camera.parameters.values()) == [number * 100 + k for k in range(len(camera.parameters))]


def test_parameters_are_named_as_colmap_names_them() -> None:
    for number, model in enumerate(PARAMETERS_OF_MODEL):
        assert int(getattr(pycolmap.CameraModelId, model)) == number
        if model != "EQUIRECTANGULAR":
            info = pycolmap.Camera.create_from_model_name(1, model, 500.0, 640, 480).params_info
            assert tuple(info.replace(" ", "").split(",")) == PARAMETERS_OF_MODEL[model]


@pytest.mark.parametrize("form", ["bin", "txt"])
def test_images_and_points_are_read(written: dict[str, Path], form: str) -> None:
    one, empty = each_image(written[form])
    assert (one.name, one.camera_id, empty.name, empty.camera_id) == ("a b/one photo.jpg", 2, "empty.jpg", 1)
    assert one.xy.tolist() == [[1.5, 2.5], [3.25, 4.75], [600, 400]]
    assert one.point_ids.tolist() == [NO_POINT, 1, 2]
    assert empty.xy.shape == (0, 2)
    np.testing.assert_allclose(one.pose.cam_from_world[:3, 3], (1, 2, 3), atol=1e-12)
    points = read_points3d(written[form])
    assert points.xyz.tolist() == [[0.5, 0.6, 7], [-1, 0, 3]]
    assert points.rgb.tolist() == [[1, 2, 250]] * 2
    assert points.track_length.tolist() == [1, 1]
    assert is_colmap_model(written[form])


@pytest.mark.parametrize("folder", ["opensfm_lund/colmap_sparse", "colmap_7scenes_metric/sparse"])
def test_real_models_agree_with_colmap(shared_data: Path, folder: str) -> None:
    ours, theirs = shared_data / folder, pycolmap.Reconstruction(str(shared_data / folder))
    for number, camera in read_cameras(ours).items():
        assert list(camera.parameters.values()) == list(theirs.cameras[number].params)
    images = list(each_image(ours))
    assert len(images) == len(theirs.images)
    for image in images[::7]:
        other = theirs.images[image.image_id]
        assert image.name == other.name
        np.testing.assert_allclose(image.pose.cam_from_world[:3], other.cam_from_world().matrix(), atol=1e-12)
        for k in range(0, len(image.xy), 997):
            assert image.xy[k].tolist() == other.points2D[k].xy.tolist()
            assert (image.point_ids[k] != NO_POINT) == other.points2D[k].has_point3D()
    points = read_points3d(ours)
    assert set(points.point_ids.tolist()) == set(theirs.points3D)
    for row in range(0, len(points.xyz), 101):
        other = theirs.points3D[int(points.point_ids[row])]
        assert points.xyz[row].tolist() == other.xyz.tolist()
        assert points.error_px[row] == other.error
        assert points.track_length[row] == other.track.length()


def test_text_and_binary_of_one_real_model_agree(shared_data: Path) -> None:
    folder = shared_data / "opensfm_lund" / "colmap_sparse"
    assert read_cameras(folder / "cameras.bin") == read_cameras(folder / "cameras.txt")
    for one, other in zip(each_image(folder / "images.bin"), each_image(folder / "images.txt"), strict=True):
        assert (one.image_id, one.name, one.camera_id) == (other.image_id, other.name, other.camera_id)
        assert np.array_equal(one.xy, other.xy)
        assert np.array_equal(one.point_ids, other.point_ids)
        np.testing.assert_allclose(one.pose.world_from_cam, other.pose.world_from_cam, atol=1e-12)
    binary, text = read_points3d(folder / "points3D.bin"), read_points3d(folder / "points3D.txt")
    for field in ("point_ids", "xyz", "rgb", "error_px", "track_length"):
        assert np.array_equal(getattr(binary, field), getattr(text, field)), field


def test_points_project_onto_the_keypoints_that_saw_them(shared_data: Path) -> None:
    """The absolute anchor of pose and pixel: half a pixel off would show as a mean of half a pixel."""
    folder = shared_data / "opensfm_lund" / "colmap_sparse"
    camera = read_cameras(folder)[1].parameters
    points = read_points3d(folder)
    off = []
    for image in each_image(folder):
        seen = image.point_ids != NO_POINT
        xyz = points.xyz[np.searchsorted(points.point_ids, image.point_ids[seen])]
        at = xyz @ image.pose.cam_from_world[:3, :3].T + image.pose.cam_from_world[:3, 3]
        assert (at[:, 2] > 0).all()
        off.append(at[:, :2] / at[:, 2:] * camera["f"] + (camera["cx"], camera["cy"]) - image.xy[seen])
    errors = np.concatenate(off)
    assert np.abs(errors.mean(axis=0)).max() < 0.05
    assert np.median(np.linalg.norm(errors, axis=1)) < 1


def _read(path: Path) -> None:
    if path.name.startswith("cameras"):
        read_cameras(path)
    elif path.name.startswith("images"):
        list(each_image(path))
    else:
        read_points3d(path)


def _refusal(path: Path) -> str:
    """Why a file is refused; empty if it is not."""
    try:
        _read(path)
    except ColmapError as problem:
        return str(problem)
    return ""


@pytest.mark.parametrize("name", NAMES)
def test_a_binary_file_cut_anywhere_is_refused_in_one_line(written: dict[str, Path], tmp_path: Path, name: str) -> None:
    content = (written["bin"] / f"{name}.bin").read_bytes()
    cut = tmp_path / f"{name}.bin"
    for length in range(len(content)):
        cut.write_bytes(content[:length])
        with pytest.raises(ColmapError, match=r"^[^\n]+$"):
            _read(cut)


@pytest.mark.parametrize("name", NAMES)
def test_a_count_is_not_believed(tmp_path: Path, name: str) -> None:
    hostile = tmp_path / f"{name}.bin"
    hostile.write_bytes(struct.pack("<Q", 2**62) + bytes(1000))
    tracemalloc.start()
    with pytest.raises(ColmapError, match="cut off or damaged"):
        _read(hostile)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("form", ["bin", "txt"])
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_changed_bytes_give_values_or_one_line(
    written: dict[str, Path], tmp_path_factory: pytest.TempPathFactory, name: str, form: str, data: st.DataObject
) -> None:
    content = bytearray((written[form] / f"{name}.{form}").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    changed = tmp_path_factory.getbasetemp() / f"{name}.{form}"
    changed.write_bytes(content)
    assert "\n" not in _refusal(changed)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("cameras", "1 PINHOLE 640", "line 1: 3 words, expected 4"),
        ("cameras", "# c\n\n1 PINHOLE 640 480 1 2 3", "PINHOLE has the 4 parameters fx fy cx cy, got 3"),
        ("cameras", "1 CYLINDER 640 480 1", "unknown lens model 'CYLINDER'; known: SIMPLE_PINHOLE"),
        ("cameras", "1 PINHOLE 640 0 1 2 3 4", "640x0, which cannot be"),
        ("cameras", "1 PINHOLE 640 480 1 2 3 nan", "not finite"),
        ("cameras", "1 PINHOLE 640 480 1 2 3 4\n1 PINHOLE 640 480 1 2 3 4", "camera 1 is there twice"),
        ("images", "1 1 0 0 0 0 0 0 1 a.jpg\n1 2", "line 2: 2 numbers, expected a multiple of 3"),
        ("images", "1 0 0 0 0 0 0 0 1 a.jpg\n", "image 1 has a pose or a keypoint that cannot be"),
        ("images", "1 1 0 0 0 0 0 0 1 a.jpg\n1 inf 3", "not finite or too large"),
        ("images", "x 1 0 0 0 0 0 0 1 a.jpg\n", "'x' is no whole number"),
        ("points3D", "1 1 2 3 0 0 0", "7 words, expected 8"),
        ("points3D", "1 1 2 inf 0 0 0 1", "not finite"),
        ("points3D", "99999999999999999999 1 2 3 0 0 0 1", "too large"),
        ("points3D", "\udcff", "not text"),
    ],
)
def test_a_text_file_says_which_line_is_wrong(tmp_path: Path, name: str, text: str, says: str) -> None:
    file = tmp_path / f"{name}.txt"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ColmapError) as caught:
        _read(file)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("read", [read_cameras, read_points3d, lambda path: list(each_image(path))])
def test_what_is_no_model_is_refused(tmp_path: Path, read: Callable[[Path], object]) -> None:
    with pytest.raises(ColmapError, match=r"has no .+; give a COLMAP model's folder"):
        read(tmp_path)
    with pytest.raises(ColmapError, match="is not a folder"):
        read(tmp_path / "none")
    (tmp_path / "model.zip").write_text("x")
    with pytest.raises(ColmapError, match=r"end in \.bin or \.txt"):
        read(tmp_path / "model.zip")
    assert not is_colmap_model(tmp_path)
