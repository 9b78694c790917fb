"""Camera files of every program, written by that program where it is installed, else as it writes them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depth3d.calibration import choose_intrinsics
from depth3d.core.camera import Intrinsics
from depth3d.core.errors import CameraError, ColmapError
from depth3d.io.atomic import atomic_write
from depth3d.io.cameras.camera_file import read_camera_file
from depth3d.io.cameras.camera_json import camera_to_json
from depth3d.io.cameras.camera_json import write as write_camera
from depth3d.io.cameras.entries import places_of_photo
from depth3d.io.photos.photo import Exif, Photo, read_photo

SIZE = (640, 480)
K = np.array([[525.0, 0, 319.5], [0, 520.0, 239.5], [0, 0, 1]])
BROWN = (-0.28, 0.09, 0.001, 0.0005, -0.01)
RATIONAL = (1.2, 0.5, 0.001, -0.001, 0.02, 1.5, 0.9, 0.08)
FISHEYE = (0.05, -0.01, 0.002, -0.0005)


def text_file(folder: Path, name: str, content: str | dict | list) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def is_k(camera: Intrinsics) -> bool:
    """Whether the camera is K, whose pixel centres lie at integers."""
    return (camera.size, camera.fx, camera.fy, camera.cx, camera.cy) == (SIZE, 525, 520, 320, 240)


# Our own


@pytest.mark.parametrize(
    "camera",
    [
        Intrinsics(640, 480, 525.1234567890123, 1e3 / 3, 320.1, 239.9, source="EXIF: 26 mm é", focal_sigma=0.08),
        Intrinsics(640, 480, 525, 525, 320, 240, RATIONAL),
        Intrinsics(640, 480, 260, 262, 320, 240, FISHEYE, fisheye=True),
    ],
)
def test_what_we_write_we_read_to_the_last_digit(tmp_path: Path, camera: Intrinsics) -> None:
    path = tmp_path / "camera.json"
    with atomic_write(path) as file:
        write_camera(camera, file, notes={"photo": "kitchen.jpg"})
    again = read_camera_file(path, SIZE)
    assert (again.fx, again.fy, again.cx, again.cy) == (camera.fx, camera.fy, camera.cx, camera.cy)
    assert (again.distortion, again.fisheye) == (camera.distortion, camera.fisheye)
    assert again.focal_sigma == camera.focal_sigma
    assert json.loads(path.read_text())["notes"] == {"photo": "kitchen.jpg"}
    assert json.loads(camera_to_json(camera))["source"] == camera.source


@pytest.mark.parametrize(
    ("entries", "distortion"),
    [
        ({"distortion": [-0.28, 0.09]}, (-0.28, 0.09, 0, 0)),
        ({"distortion": [0, 0, 0, 0, 0]}, ()),
        ({"dist_coeffs": [[*BROWN]]}, BROWN),
        ({"k1": -0.28, "k2": 0.09, "p1": 0.001, "p2": 0.0005, "k3": -0.01}, BROWN),
        ({"k1": 0.1, "k6": 0.2}, (0.1, 0, 0, 0, 0, 0, 0, 0.2)),
        ({"distortion": [*RATIONAL, 0, 0, 0, 0]}, RATIONAL),
    ],
)
def test_distortion_by_list_or_by_name(tmp_path: Path, entries: dict, distortion: tuple[float, ...]) -> None:
    path = text_file(tmp_path, "camera.json", {"fx": 525, "fy": 520, "cx": 319.5, "cy": 239.5, **entries})
    camera = read_camera_file(path, SIZE)
    assert is_k(camera)
    assert camera.distortion == distortion


# OpenCV


@pytest.mark.parametrize("suffix", [".yaml", ".yml", ".xml", ".json"])
@pytest.mark.parametrize(
    ("matrix", "distortion"),
    [
        ("camera_matrix", "distortion_coefficients"),
        ("cameraMatrix", "distCoeffs"),
        ("Camera_Matrix", "Distortion_Coefficients"),
        ("K", "D"),
        ("M1", "D1"),
        ("cameraMatrix1", "distCoeffs1"),
        ("mtx", "dist"),
    ],
)
@pytest.mark.parametrize("coefficients", [BROWN, RATIONAL, (*RATIONAL, 0, 0, 0, 0, 0, 0)])
def test_what_opencv_writes(
    tmp_path: Path, suffix: str, matrix: str, distortion: str, coefficients: tuple[float, ...]
) -> None:
    path = tmp_path / f"camera{suffix}"
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    storage.write("calibration_time", "Tue Mar  4 10:00:00 2025")
    storage.write("nframes", 12)
    storage.write("image_width", 640)
    storage.write("image_height", 480)
    storage.write(matrix, K)
    storage.write(distortion, np.array([coefficients]).T)
    storage.write("avg_reprojection_error", 0.31)
    storage.release()
    camera = read_camera_file(path, SIZE)
    assert is_k(camera)
    assert camera.distortion == coefficients[:8]
    assert not camera.fisheye
    pair = f", {matrix}: the first camera of a pair" if matrix.endswith("1") else ""
    assert camera.source == f"camera file camera{suffix} (OpenCV{pair})"


def test_an_opencv_fisheye_and_its_size_as_a_list(tmp_path: Path) -> None:
    path = tmp_path / "camera.xml"
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    storage.write("camera_matrix", K)
    storage.write("distortion_coefficients", np.array(FISHEYE))
    storage.write("fisheye_model", 1)
    storage.write("imageSize", np.array([[640, 480]]))
    storage.release()
    camera = read_camera_file(path, (1280, 960))
    assert (camera.fx, camera.cx, camera.distortion, camera.fisheye) == (1050, 640, FISHEYE, True)


# ROS

CALIBRATOR = """\
image_width: 640
image_height: 480
camera_name: head_camera
camera_matrix:
  rows: 3
  cols: 3
  data: [525., 0., 319.5, 0., 520., 239.5, 0., 0., 1.]
distortion_model: {model}
distortion_coefficients:
  rows: 1
  cols: 5
  data: {coefficients}
rectification_matrix:
  rows: 3
  cols: 3
  data: [1., 0., 0., 0., 1., 0., 0., 0., 1.]
projection_matrix:
  rows: 3
  cols: 4
  data: [480., 0., 318., 0., 0., 490., 238., 0., 0., 0., 1., 0.]
"""


@pytest.mark.parametrize(
    ("model", "coefficients", "fisheye"),
    [("plumb_bob", BROWN, False), ("rational_polynomial", RATIONAL, False), ("equidistant", FISHEYE, True)],
)
def test_what_the_calibrator_of_ros_writes(
    tmp_path: Path, model: str, coefficients: tuple[float, ...], fisheye: bool
) -> None:
    text = CALIBRATOR.format(model=model, coefficients=list(coefficients))
    camera = read_camera_file(text_file(tmp_path, "head_camera.yaml", text), SIZE)
    assert is_k(camera)
    assert (camera.distortion, camera.fisheye) == (coefficients, fisheye)
    assert camera.source == f"camera file head_camera.yaml (ROS camera_info, {model} distortion)"


@pytest.mark.parametrize("names", ["KD", "kd"])
def test_a_camera_info_message(tmp_path: Path, names: str) -> None:
    message = {
        "header": {"seq": 1, "frame_id": "camera"},
        "height": 480,
        "width": 640,
        "distortion_model": "plumb_bob",
        names[1]: [0.0] * 5,
        names[0]: K.ravel().tolist(),
        "P": [0.0] * 12,
        "binning_x": 0,
        "roi": {"x_offset": 0, "y_offset": 0, "height": 0, "width": 0, "do_rectify": False},
    }
    for document in (message, {"camera_info": message}):
        camera = read_camera_file(text_file(tmp_path, "info.json", document), SIZE)
        assert is_k(camera)
        assert camera.distortion == ()
    message["roi"]["x_offset"] = 100
    with pytest.raises(CameraError, match="region of interest"):
        read_camera_file(text_file(tmp_path, "info.json", message), SIZE)
    message[names[0]] = [0.0] * 9
    with pytest.raises(CameraError, match="not calibrated"):
        read_camera_file(text_file(tmp_path, "info.json", message), SIZE)


def test_an_unknown_distortion_model_is_named(tmp_path: Path) -> None:
    text = CALIBRATOR.format(model="double_sphere", coefficients=[0, 0])
    with pytest.raises(CameraError, match="'double_sphere' is not known; known are equidistant, fisheye, kannala_bra"):
        read_camera_file(text_file(tmp_path, "camera.yaml", text), SIZE)


# Open3D


def test_what_open3d_writes(tmp_path: Path) -> None:
    open3d = pytest.importorskip("open3d")
    intrinsic = open3d.camera.PinholeCameraIntrinsic(640, 480, 525.0, 520.0, 319.5, 239.5)
    open3d.io.write_pinhole_camera_intrinsic(str(tmp_path / "intrinsic.json"), intrinsic)
    parameters = open3d.camera.PinholeCameraParameters()
    parameters.intrinsic, parameters.extrinsic = intrinsic, np.eye(4)
    open3d.io.write_pinhole_camera_parameters(str(tmp_path / "parameters.json"), parameters)
    trajectory = open3d.camera.PinholeCameraTrajectory()
    trajectory.parameters = [parameters, parameters]
    open3d.io.write_pinhole_camera_trajectory(str(tmp_path / "trajectory.json"), trajectory)
    for name in ("intrinsic.json", "parameters.json", "trajectory.json"):
        camera = read_camera_file(tmp_path / name, SIZE)
        assert is_k(camera)
        assert camera.source == f"camera file {name} (Open3D)"


def test_a_trajectory_of_several_cameras_is_refused(tmp_path: Path) -> None:
    one = {"intrinsic": {"width": 640, "height": 480, "intrinsic_matrix": K.T.ravel().tolist()}}
    other = {"intrinsic": {"width": 640, "height": 480, "intrinsic_matrix": (K * [[1.1], [1], [1]]).T.ravel().tolist()}}
    with pytest.raises(CameraError, match="2 cameras differ, and it does not name their photos"):
        read_camera_file(text_file(tmp_path, "t.json", {"parameters": [one, other]}), SIZE)
    for empty in ({"parameters": []}, {"parameters": [{}]}, {"intrinsic": {}}):
        with pytest.raises(CameraError, match=r"holds no camera|intrinsic_matrix is missing"):
            read_camera_file(text_file(tmp_path, "t.json", empty), SIZE)


# nerfstudio

NERF = {"camera_model": "OPENCV", "fl_x": 525.0, "fl_y": 520.0, "cx": 320.0, "cy": 240.0, "w": 640, "h": 480}
FRAMES = [{"file_path": "images/frame_00001.jpg", "transform_matrix": []}, {"file_path": "images/frame_00002.jpg"}]


def test_nerfstudios_pixel_centres_lie_at_half(tmp_path: Path) -> None:
    distortion = {"k1": -0.28, "k2": 0.09, "p1": 0.001, "p2": 0.0005, "k3": -0.01}
    path = text_file(tmp_path, "transforms.json", {**NERF, **distortion, "frames": FRAMES})
    camera = read_camera_file(path, SIZE, photo_name="anything.jpg")
    assert is_k(camera)  # the same camera as K, whose cx is 319.5 with centres at integers
    assert camera.distortion == BROWN
    assert camera.source == "camera file transforms.json (nerfstudio)"


def test_a_nerfstudio_fisheye(tmp_path: Path) -> None:
    k = dict(zip(("k1", "k2", "k3", "k4"), FISHEYE, strict=True))
    camera = read_camera_file(text_file(tmp_path, "t.json", {**NERF, **k, "camera_model": "OPENCV_FISHEYE"}), SIZE)
    assert (camera.distortion, camera.fisheye) == (FISHEYE, True)


def test_a_frame_overrides_what_stands_at_the_top(tmp_path: Path) -> None:
    frames = [{**FRAMES[0], "fl_x": 600.0}, {**FRAMES[1], "fl_x": 700.0, "cx": 300.0}]
    path = text_file(tmp_path, "transforms.json", {**NERF, "frames": frames})
    second = read_camera_file(path, SIZE, photo_name="frame_00002.jpg")
    assert (second.fx, second.fy, second.cx) == (700, 520, 300)
    assert second.source.endswith("(nerfstudio, frame images/frame_00002.jpg)")
    assert read_camera_file(path, SIZE, photo_name="frame_00001.png").fx == 600
    with pytest.raises(CameraError, match=r"no frame is of other.jpg \(found images/frame_00001.jpg, images/frame_0"):
        read_camera_file(path, SIZE, photo_name="other.jpg")


def test_frames_of_one_name_must_agree(tmp_path: Path) -> None:
    twins = [{"file_path": "left/1.png", "fl_x": 600.0}, {"file_path": "right/1.png", "fl_x": 600.0}]
    path = text_file(tmp_path, "transforms.json", {**NERF, "frames": twins})
    assert read_camera_file(path, SIZE, photo_name="1.png").fx == 600
    twins[1]["fl_x"] = 601.0
    with pytest.raises(CameraError, match="left/1.png, right/1.png have different cameras"):
        read_camera_file(text_file(tmp_path, "t.json", {**NERF, "frames": twins}), SIZE, photo_name="1.png")


def test_blenders_angle_spans_the_width(tmp_path: Path) -> None:
    content = {"camera_angle_x": math.pi / 2, "frames": [{"file_path": "./train/r_0"}]}
    camera = read_camera_file(text_file(tmp_path, "t.json", content), SIZE, photo_name="r_0.png")
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == pytest.approx((320, 320, 320, 240))
    assert camera.fov_x_deg == pytest.approx(90)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k4": 0.1}, "k4 = 0.1 is not known here"),
        ({"camera_model": "EQUIRECTANGULAR"}, "EQUIRECTANGULAR is not a perspective or fisheye camera"),
        ({"frames": {"a": 1}}, "frames must be a list"),
        ({"frames": [1]}, "frames must be a list"),
        ({"fl_x": "wide"}, "fl_x must be a finite number, got 'wide'"),
        ({"w": 0}, "w and h must be whole numbers"),
    ],
)
def test_transforms_that_are_none(tmp_path: Path, change: dict, message: str) -> None:
    with pytest.raises(CameraError, match=message):
        read_camera_file(text_file(tmp_path, "t.json", {**NERF, **change}), SIZE)
    with pytest.raises(CameraError, match="between 0 and pi radians, got 50"):
        read_camera_file(text_file(tmp_path, "t.json", {"camera_angle_x": 50}), SIZE)
    with pytest.raises(CameraError, match="neither fl_x nor camera_angle_x"):
        read_camera_file(text_file(tmp_path, "t.json", {"frames": []}), SIZE)


# Kalibr

CAMCHAIN = """\
cam0:
  cam_overlaps: []
  camera_model: pinhole
  distortion_coeffs: [0.05, -0.01, 0.002, -0.0005]
  distortion_model: {model}
  intrinsics: [525.0, 520.0, 319.5, 239.5]
  resolution: [640, 480]
  rostopic: /cam0/image_raw
"""


def test_kalibrs_chain(tmp_path: Path) -> None:
    camera = read_camera_file(text_file(tmp_path, "camchain.yaml", CAMCHAIN.format(model="equidistant")), SIZE)
    assert is_k(camera)
    assert (camera.distortion, camera.fisheye) == (FISHEYE, True)
    camera = read_camera_file(text_file(tmp_path, "camchain.yaml", CAMCHAIN.format(model="radtan")), SIZE)
    assert (camera.distortion, camera.fisheye) == (FISHEYE, False)
    both = CAMCHAIN + CAMCHAIN.replace("cam0", "cam1")
    with pytest.raises(CameraError, match="holds cam0 and cam1; keep only the photo's"):
        read_camera_file(text_file(tmp_path, "camchain.yaml", both), SIZE)
    with pytest.raises(CameraError, match="distortion_model fov is not known"):
        read_camera_file(text_file(tmp_path, "camchain.yaml", CAMCHAIN.format(model="fov")), SIZE)
    omni = text_file(tmp_path, "camchain.yaml", CAMCHAIN.format(model="radtan").replace("pinhole", "omni"))
    with pytest.raises(CameraError, match="camera_model omni is not known"):
        read_camera_file(omni, SIZE)


# COLMAP

COLMAP_MODELS = {
    "SIMPLE_PINHOLE": ((525, 320, 240), (525, 525), (), False),
    "PINHOLE": ((525, 520, 320, 240), (525, 520), (), False),
    "SIMPLE_RADIAL": ((525, 320, 240, -0.1), (525, 525), (-0.1, 0, 0, 0), False),
    "RADIAL": ((525, 320, 240, -0.1, 0.02), (525, 525), (-0.1, 0.02, 0, 0), False),
    "OPENCV": ((525, 520, 320, 240, *BROWN[:4]), (525, 520), BROWN[:4], False),
    "OPENCV_FISHEYE": ((525, 520, 320, 240, *FISHEYE), (525, 520), FISHEYE, True),
    "FULL_OPENCV": ((525, 520, 320, 240, *RATIONAL), (525, 520), RATIONAL, False),
    "SIMPLE_RADIAL_FISHEYE": ((525, 320, 240, 0.05), (525, 525), (0.05, 0, 0, 0), True),
    "RADIAL_FISHEYE": ((525, 320, 240, 0.05, -0.01), (525, 525), (0.05, -0.01, 0, 0), True),
}


def colmap_text(folder: Path, cameras: list[str], images: list[tuple[str, int]] = ()) -> Path:
    folder.mkdir(exist_ok=True)
    text_file(folder, "cameras.txt", "# Camera list\n" + "\n".join(cameras) + "\n")
    lines = [f"{i + 1} 1 0 0 0 0 0 0 {camera} {name}\n" for i, (name, camera) in enumerate(images)]
    text_file(folder, "images.txt", "# Image list\n" + "\n".join(lines) + ("\n" if images else ""))
    return folder


@pytest.mark.parametrize("model", COLMAP_MODELS)
def test_colmaps_lenses(tmp_path: Path, model: str) -> None:
    parameters, (fx, fy), distortion, fisheye = COLMAP_MODELS[model]
    line = f"1 {model} 640 480 {' '.join(str(p) for p in parameters)}"
    folder = colmap_text(tmp_path / "model", [line])
    for path in (folder, folder / "cameras.txt"):
        camera = read_camera_file(path, SIZE)
        assert (camera.fx, camera.fy, camera.cx, camera.cy) == (fx, fy, 320, 240)
        assert (camera.distortion, camera.fisheye) == (distortion, fisheye)
        assert camera.source == f"camera file {path.name} (COLMAP, {model} camera 1 of 1)"


@pytest.mark.parametrize("model", COLMAP_MODELS)
def test_rays_are_those_of_colmap_itself(tmp_path: Path, model: str) -> None:
    pycolmap = pytest.importorskip("pycolmap")
    parameters = COLMAP_MODELS[model][0]
    theirs = pycolmap.Camera(model=model, width=640, height=480, params=parameters)
    line = f"1 {model} 640 480 {' '.join(str(p) for p in parameters)}"
    camera = read_camera_file(colmap_text(tmp_path / "model", [line]), SIZE)
    xyz = np.random.default_rng(0).uniform((-0.5, -0.4, 1), (0.5, 0.4, 1), (50, 3))
    from depth3d.core.undistort import to_original_pixels

    plain = Intrinsics(2, 2, 1, 1, 0, 0)
    ours = to_original_pixels(xyz[:, :2], camera, plain)
    np.testing.assert_allclose(ours, theirs.img_from_cam(xyz), atol=1e-9)


def test_of_several_cameras_the_images_tell_the_photos(tmp_path: Path) -> None:
    cameras = ["1 PINHOLE 640 480 525 520 320 240", "7 PINHOLE 640 480 600 610 330 230"]
    folder = colmap_text(tmp_path / "model", cameras, [("left/a.jpg", 1), ("left/b.jpg", 7), ("right/b.png", 1)])
    assert read_camera_file(folder, SIZE, photo_name="a.jpg").fx == 525
    second = read_camera_file(folder, SIZE, photo_name="b.jpg")
    assert (second.fx, second.cx) == (600, 330)
    assert second.source == "camera file model (COLMAP, PINHOLE camera 7 of 2)"
    assert read_camera_file(folder / "cameras.txt", SIZE, photo_name="a.jpg").fx == 525
    with pytest.raises(CameraError, match=r"no image is called c.jpg \(found left/a.jpg, left/b.jpg, right/b.png"):
        read_camera_file(folder, SIZE, photo_name="c.jpg")
    with pytest.raises(CameraError, match="images with different cameras are called b.tif"):
        read_camera_file(folder, SIZE, photo_name="b.tif")
    (folder / "images.txt").unlink()
    with pytest.raises(CameraError, match="2 cameras, and no file of images says which"):
        read_camera_file(folder, SIZE, photo_name="a.jpg")


def test_colmap_models_that_have_no_camera_for_us(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="the lens model FOV is not known here"):
        read_camera_file(colmap_text(tmp_path / "fov", ["1 FOV 640 480 525 520 320 240 0.9"]), SIZE)
    with pytest.raises(CameraError, match="the model has no camera"):
        read_camera_file(colmap_text(tmp_path / "none", []), SIZE)
    with pytest.raises(ColmapError):
        read_camera_file(text_file(tmp_path, "cameras.bin", "no model"), SIZE)


def test_real_models(shared_data: Path) -> None:
    lund = read_photo(shared_data / "opensfm_lund" / "images" / "01.jpg")
    for name in ("", "cameras.bin", "cameras.txt"):
        camera = choose_intrinsics(lund, camera_file=shared_data / "opensfm_lund" / "colmap_sparse" / name)
        assert (camera.fx, camera.fy, camera.cx, camera.cy) == pytest.approx((890.5728, 890.5728, 512, 384))
        assert camera.is_ideal
    kitchen = read_photo(shared_data / "colmap_7scenes_metric" / "images" / "frame-000000.color.jpg")
    camera = choose_intrinsics(kitchen, camera_file=shared_data / "colmap_7scenes_metric" / "sparse")
    assert (camera.fx, camera.cx, camera.cy) == (527.5, 326.5, 243)  # as the model has it


# Turned photos


def test_a_camera_of_the_picture_as_stored_is_turned_with_the_photo(tmp_path: Path) -> None:
    """A stored pixel and its upright place have the same ray, for every orientation: by OpenCV's own projection."""
    folder = colmap_text(tmp_path / "model", ["1 OPENCV 640 480 525 520 300 250 -0.28 0.09 0.01 -0.02"])
    stored_k, distortion = (
        np.array([[525.0, 0, 299.5], [0, 520, 249.5], [0, 0, 1]]),
        np.array(BROWN[:2] + (0.01, -0.02)),
    )
    for orientation in range(1, 9):
        marks = np.random.default_rng(orientation).uniform((-0.3, -0.2, 1), (0.3, 0.2, 1), (5, 3))
        pixels = cv2.projectPoints(marks, np.zeros(3), np.zeros(3), stored_k, distortion)[0][:, 0] + 0.5
        upright, size = turned_upright(pixels, orientation)
        camera = read_camera_file(folder, size, orientation=orientation)
        # The upright camera's axes are the stored one's, turned; so are the marks.
        axes = turned_upright(np.array([[320.0, 240.0], [321.0, 240.0], [320.0, 241.0]]), orientation)[0]
        turn = np.array([axes[1] - axes[0], axes[2] - axes[0]]).T
        turned = np.c_[marks[:, :2] @ turn.T, marks[:, 2]]
        again = (
            cv2.projectPoints(
                turned, np.zeros(3), np.zeros(3), camera.integer_centre_matrix(), np.array(camera.distortion)
            )[0][:, 0]
            + 0.5
        )
        np.testing.assert_allclose(again, upright, atol=1e-9)


def turned_upright(uv: np.ndarray, orientation: int) -> tuple[np.ndarray, tuple[int, int]]:
    """Pixels of a stored 640x480 picture, upright by the Exif standard's table of where row 0 and column 0 lie."""
    u, v = uv.T
    right, bottom = 640 - u, 480 - v
    placed = {1: (u, v), 2: (right, v), 3: (right, bottom), 4: (u, bottom), 5: (v, u), 6: (bottom, u)}
    placed |= {7: (bottom, right), 8: (v, right)}
    return np.stack(placed[orientation], axis=1), (480, 640) if orientation >= 5 else (640, 480)


def test_a_camera_for_the_upright_photo_stays(tmp_path: Path) -> None:
    path = text_file(tmp_path, "camera.json", {"fx": 525, "fy": 520, "cx": 230, "cy": 330, "width": 480, "height": 640})
    photo = Photo(np.zeros((640, 480, 3), np.uint8), Exif(orientation=6), "photo.jpg")
    camera = choose_intrinsics(photo, camera_file=path)
    assert (camera.fx, camera.cx, camera.cy) == (525, 230.5, 330.5)
    lying = text_file(tmp_path, "lying.json", {"fx": 525, "fy": 520, "cx": 330, "cy": 230, "width": 640, "height": 480})
    camera = choose_intrinsics(photo, camera_file=lying)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (520, 525, 249.5, 330.5)
    assert camera.source == "camera file lying.json, turned upright with the photo"


# Hostile


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.xml", "<!DOCTYPE x [<!ENTITY a 'b'>]><opencv_storage>&a;</opencv_storage>", "document types and entities"),
        ("a.xml", "<opencv_storage><K>", "not valid XML"),
        ("a.xml", "<opencv_storage/>", "holds no camera"),
        ("a.xml", "<opencv_storage><K><rows>3</rows><cols>3</cols><data>1 2</data></K></opencv_storage>", "3x3"),
        ("a.yaml", "%YAML:1.0\n---\nN: !!opencv-matrix\n  rows: 3\n  cols: 3\n  data: [1]\n", r"\(found N\)"),
        ("a.yaml", "a: &x [1, 1]\nb: [*x, *x]\n", "references .* are not for camera files"),
        ("a.json", '{"K": {"rows": 3, "cols": 3, "data": [[[1]]]}}', "must be a finite number, got a list"),
        ("a.json", '{"camera_matrix": {"data": 5}, "distortion_model": "plumb_bob"}', "camera_matrix must be a matrix"),
        ("a.json", '{"camera_model": "pinhole", "intrinsics": [1, 2, 3]}', "must be fu, fv, pu, pv, got 3 numbers"),
    ],
)
def test_files_that_are_none(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(CameraError, match=message) as error:
        read_camera_file(text_file(tmp_path, name, text), SIZE)
    assert "\n" not in str(error.value)


def test_names_of_photos() -> None:
    assert places_of_photo(["a/1.jpg", "b/1.jpg", "1.png"], "1.jpg") == [0, 1]
    assert places_of_photo(["a/1.jpg", "b\\1.png"], "1.tif") == [0, 1]
    assert places_of_photo(["a/1.jpg"], "11.jpg") == []
    assert places_of_photo(["a/frame.001", "frame.002"], "frame.001.jpg") == [0]


KEYS = [
    *("K", "D", "k", "fx", "fy", "cx", "cy", "width", "height", "distortion", "lens", "pixel_centre", "k1", "p1"),
    *("camera_matrix", "distortion_model", "distortion_coefficients", "image_width", "image_height", "roi", "M1", "D1"),
    *("rows", "cols", "data", "intrinsic_matrix", "intrinsic", "parameters", "frames", "fl_x", "camera_angle_x", "w"),
    *("h", "camera_model", "file_path", "cam0", "cam1", "intrinsics", "resolution", "camera_info", "imageSize"),
]
SCALARS = st.none() | st.booleans() | st.floats() | st.integers() | st.sampled_from(["", "pinhole", "OPENCV", "5", "a"])
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=25,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), TREES, min_size=1, max_size=8))
def test_whatever_a_file_holds_there_is_a_camera_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, document: dict
) -> None:
    path = text_file(tmp_path_factory.getbasetemp(), "fuzz.json", document)
    try:
        camera = read_camera_file(path, SIZE, photo_name="photo.jpg")
    except CameraError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert camera.size == SIZE
