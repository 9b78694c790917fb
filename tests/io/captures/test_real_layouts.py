"""Folders as the programs themselves lay them out, by their documentation and published samples, of one exact room."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from posed_room import GL, PosedRoom, posed_room, quaternion

from depth3d.core.errors import CameraError
from depth3d.io.captures import Capture, holds_poses, place, read_capture
from depth3d.io.captures.locate_photos import NO_PLACE
from depth3d.io.photos.photo import read_photo
from depth3d.scale import SparsePoints

SIZE = (96, 72)
FLIP = np.diag([1.0, -1.0, -1.0, 1.0])
_STORED_OF_UPRIGHT = {1: 0, 3: 2, 6: 1, 8: 3}
"""By how many quarter turns counter-clockwise an upright picture becomes what is stored under an Exif orientation."""


@pytest.fixture(scope="module")
def room() -> PosedRoom:
    return posed_room(4, SIZE)


def stored(
    room: PosedRoom, number: int, orientation: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64], list[float]]:
    """What a camera that was held turned stores: pixels, world from that camera, and fx fy cx cy of them."""
    view, turns = room.views[number], _STORED_OF_UPRIGHT[orientation]
    rgb = np.rot90(view.rgb, turns)
    camera, pose = view.camera, view.pose.world_from_cam
    for _ in range(turns):
        # A quarter turn counter-clockwise: the new x is the old y, the new y is the old -x.
        camera = type(camera)(camera.height, camera.width, camera.fy, camera.fx, camera.cy, camera.width - camera.cx)
        turn = np.eye(4)
        turn[:3, :3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
        pose = pose @ turn
    return np.ascontiguousarray(rgb), pose, [camera.fx, camera.fy, camera.cx, camera.cy]


def write_jpeg(path: Path, rgb: NDArray[np.uint8], orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    path.parent.mkdir(exist_ok=True, parents=True)
    Image.fromarray(rgb).save(path, quality=95, exif=exif)


def check(capture: Capture, room: PosedRoom, *, numbers: tuple[int, ...] = (0, 1, 2, 3)) -> None:
    """Poses relative to the first photo's, cameras and points are the room's, in photos turned upright."""
    first = None
    assert [one.photo.stem for one in capture.photos]
    for posed, number in zip(capture.photos, numbers, strict=True):
        view = room.views[number]
        photo = read_photo(posed.photo)
        assert photo.size == SIZE
        placed = place(posed, photo)
        assert placed.camera is not None
        for name in ("fx", "fy", "cx", "cy"):
            assert getattr(placed.camera, name) == pytest.approx(getattr(view.camera, name), abs=1e-3)
        first = first or (placed.pose.cam_from_world, view.pose.cam_from_world)
        found = first[0] @ placed.pose.world_from_cam
        assert found == pytest.approx(first[1] @ view.pose.world_from_cam, abs=1e-5)
        for hint in placed.hints:
            assert isinstance(hint, SparsePoints)
            u, v = np.floor(hint.u).astype(int), np.floor(hint.v).astype(int)
            assert np.median(np.abs(hint.metres / view.z[v, u] - 1)) < 0.03


def write_ngp(room: PosedRoom, folder: Path, orientation: int, *, photos: str = "images") -> Path:
    """instant-ngp's fox: floats for w and h, focal lengths and angles, nothing but poses and a lens."""
    frames = []
    for number in range(len(room.views)):
        rgb, pose, (fx, fy, cx, cy) = stored(room, number, orientation)
        name = f"{number + 1:04d}.jpg"
        write_jpeg(folder / photos.rsplit("..", 1)[-1].strip("/") / name, rgb, orientation)
        frames.append({"file_path": f"{photos}/{name}", "sharpness": 31.75, "transform_matrix": (pose @ GL).tolist()})
    height, width = rgb.shape[:2]
    top = {
        **{"camera_angle_x": 2 * np.arctan(width / 2 / fx), "camera_angle_y": 2 * np.arctan(height / 2 / fy)},
        **{"fl_x": fx, "fl_y": fy, "k1": 0.0, "k2": 0.0, "p1": 0.0, "p2": 0.0, "cx": cx, "cy": cy},
        **{"w": float(width), "h": float(height), "aabb_scale": 4, "frames": frames},
    }
    (folder / "transforms.json").write_text(json.dumps(top, indent=2))
    return folder


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_transforms_json_is_of_pixels_as_stored_however_the_phone_was_held(
    orientation: int, room: PosedRoom, tmp_path: Path
) -> None:
    folder = write_ngp(room, tmp_path / "fox", orientation)
    assert holds_poses(folder)
    check(read_capture(folder), room)
    check(read_capture(folder / "transforms.json"), room)
    check(read_capture(folder, [folder / "images"]), room)


def test_relative_paths_of_a_transforms_json(room: PosedRoom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(read_capture(write_ngp(room, tmp_path / "a", 1, photos="./images")), room)
    folder = write_ngp(room, tmp_path / "b", 1, photos="../images")
    (folder / "colmap").mkdir()
    (folder / "transforms.json").rename(folder / "colmap" / "transforms.json")
    check(read_capture(folder), room)
    check(read_capture(folder / "colmap" / "transforms.json"), room)
    monkeypatch.chdir(folder / "colmap")
    check(read_capture("transforms.json"), room)
    names = json.loads(Path("transforms.json").read_text())
    for frame in names["frames"]:
        frame["file_path"] = "train/" + Path(frame["file_path"]).stem  # as Blender's scenes have it
    (folder / "images").rename(folder / "train")
    (folder / "transforms_train.json").write_text(json.dumps(names))
    (folder / "colmap" / "transforms.json").unlink()
    check(read_capture(folder), room)


def write_scanner_app(room: PosedRoom, folder: Path, orientation: int, *, every: int = 3) -> Path:
    """3D Scanner App's "all data": poses and depth of every frame, a photo of some."""
    folder.mkdir()
    for frame in range(every * len(room.views)):
        rgb, pose, (fx, fy, cx, cy) = stored(room, frame // every, orientation)
        entries = {
            "cameraPoseARFrame": (FLIP @ pose @ GL).ravel().tolist(),
            "intrinsics": [fx, 0, cx - 0.5, 0, fy, cy - 0.5, 0, 0, 1],
            "projectionMatrix": [1.0] * 16,
            "averageAngularVelocity": 0.1,
            "cameraGrain": 0.2,
            "exposureDuration": 0.0083,
            "frame_index": frame,
            "motionQuality": 0.98,
            "time": 12.5 + frame / 60,
        }
        (folder / f"frame_{frame:05d}.json").write_text(json.dumps(entries))
        z = np.rot90(room.views[frame // every].z, _STORED_OF_UPRIGHT[orientation])[1::3, 1::3]
        cv2.imwrite(str(folder / f"depth_{frame:05d}.png"), np.round(z * 1000).astype(np.uint16))
        cv2.imwrite(str(folder / f"conf_{frame:05d}.png"), np.full(z.shape, 2, np.uint8))
        if frame % every == 0:
            write_jpeg(folder / f"frame_{frame:05d}.jpg", rgb, orientation)
            write_jpeg(folder / "thumb" / f"thumb_{frame:05d}.jpg", rgb, orientation)
    (folder / "info.json").write_text(json.dumps({"device": "iPad13,4", "frames": 12, "title": "room"}))
    (folder / "annotations.json").write_text("[]")
    (folder / "export.obj").write_text("v 0 0 0\n")
    return folder


@pytest.mark.parametrize("orientation", [1, 6])
def test_scanner_app_keeps_photos_of_some_frames_only(orientation: int, room: PosedRoom, tmp_path: Path) -> None:
    folder = write_scanner_app(room, tmp_path / "2026_01_13_14_47_59", orientation)
    capture = read_capture(folder)
    check(capture, room)
    assert all(len(place(one, read_photo(one.photo)).hints) == 1 for one in capture.photos)
    assert capture.notes == ("8 of 12 frames have no photo, as the app keeps only some",)


def test_record3d_exported_as_exr_and_jpg(room: PosedRoom, tmp_path: Path) -> None:
    pytest.importorskip("OpenEXR")
    import OpenEXR

    folder = tmp_path / "EXR_RGBD"
    (folder / "rgb").mkdir(parents=True)
    (folder / "depth").mkdir()
    poses = []
    for number, view in enumerate(room.views):
        write_jpeg(folder / "rgb" / f"{number}.jpg", view.rgb, 1)
        z = np.ascontiguousarray(view.z[1::3, 1::3], np.float32)
        OpenEXR.File({}, {"R": OpenEXR.Channel(z)}).write(str(folder / "depth" / f"{number}.exr"))
        matrix = FLIP @ view.pose.world_from_cam @ GL
        w, x, y, qz = quaternion(matrix[:3, :3])
        poses.append([x, y, qz, w, *matrix[:3, 3].tolist()])
    camera = room.views[0].camera
    matrix = camera.integer_centre_matrix()
    each = [matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2]]
    told = {
        **{"w": SIZE[0], "h": SIZE[1], "dw": SIZE[0] // 3, "dh": SIZE[1] // 3, "fps": 60, "cameraType": 1},
        **{
            "K": matrix.T.ravel().tolist(),
            "poses": poses,
            "initPose": poses[0],
            "frameTimestamps": [0.0, 0.1, 0.2, 0.3],
        },
        "perFrameIntrinsicCoeffs": [each] * len(poses),
    }
    (folder / "metadata.json").write_text(json.dumps(told))
    (folder / "sound.m4a").write_bytes(b"\0")
    for model in (folder, tmp_path):
        capture = read_capture(model)
        check(capture, room)
        assert all(len(place(one, read_photo(one.photo)).hints) == 1 for one in capture.photos)


@pytest.mark.parametrize("folder_of_poses", ["corrected_cameras", "cameras"])
def test_polycam_with_everything_it_writes(folder_of_poses: str, room: PosedRoom, tmp_path: Path) -> None:
    keyframes = tmp_path / "scan" / "keyframes"
    photos = {"corrected_cameras": "corrected_images", "cameras": "images"}[folder_of_poses]
    for name in (folder_of_poses, "depth", "confidence"):
        (keyframes / name).mkdir(parents=True)
    for number, view in enumerate(room.views):
        stamp = str(121_000_000 + 33 * number)
        write_jpeg(keyframes / photos / f"{stamp}.jpg", view.rgb, 1)
        matrix = FLIP @ view.pose.world_from_cam @ GL
        entries = {f"t_{row}{column}": matrix[row, column] for row in range(3) for column in range(4)}
        camera = view.camera
        entries |= {"fx": camera.fx, "fy": camera.fy, "cx": camera.cx - 0.5, "cy": camera.cy - 0.5}
        entries |= {"width": SIZE[0], "height": SIZE[1], "blur_score": 120.5, "timestamp": int(stamp)}
        entries |= {"neighbors": [], "center_depth": 2.0, "manual_keyframe": False, "angular_velocity": [0, 0, 0]}
        (keyframes / folder_of_poses / f"{stamp}.json").write_text(json.dumps(entries))
        cv2.imwrite(str(keyframes / "depth" / f"{stamp}.png"), np.round(view.z[1::3, 1::3] * 1000).astype(np.uint16))
        cv2.imwrite(str(keyframes / "confidence" / f"{stamp}.png"), np.full((24, 32), 255, np.uint8))
    (tmp_path / "scan" / "mesh_info.json").write_text(json.dumps({"alignmentTransform": np.eye(4).ravel().tolist()}))
    (tmp_path / "scan" / "raw.glb").write_bytes(b"glTF")
    for model in (tmp_path / "scan", tmp_path, keyframes):
        capture = read_capture(model)
        check(capture, room)
        assert all(len(place(one, read_photo(one.photo)).hints) == 1 for one in capture.photos)


def _opensfm_camera(kind: str, room: PosedRoom) -> dict[str, object]:
    camera = room.views[0].camera
    size = {"projection_type": kind, "width": SIZE[0], "height": SIZE[1]}
    if kind in ("brown", "fisheye_opencv"):
        centre = {"c_x": (camera.cx - SIZE[0] / 2) / SIZE[0], "c_y": (camera.cy - SIZE[1] / 2) / SIZE[0]}
        lens = {f"k{i}": 0.0 for i in range(1, 5 if kind.startswith("fisheye") else 4)}
        return {**size, "focal_x": camera.fx / SIZE[0], "focal_y": camera.fy / SIZE[0], **centre, **lens}
    return {**size, "focal": camera.fx / SIZE[0], "k1": 0.0, "k2": 0.0}


def write_berlin(room: PosedRoom, folder: Path, kind: str, *, other: bool = False) -> Path:
    """OpenSfM's sample berlin: images/ and reconstruction_example.json, no tracks; optionally a second place."""
    shots = {}
    for number, view in enumerate(room.views):
        write_jpeg(folder / "images" / f"{number + 1:02d}.jpg", view.rgb, 1)
        rotation, _ = cv2.Rodrigues(view.pose.cam_from_world[:3, :3])
        shots[f"{number + 1:02d}.jpg"] = {
            **{"orientation": 1, "camera": "apple iphone 4s back camera", "capture_time": 0.0, "gps_dop": 5.0},
            **{"rotation": rotation.ravel().tolist(), "translation": view.pose.cam_from_world[:3, 3].tolist()},
            **{"gps_position": [0.0, 0.0, 2.0], "covariance": [], "merge_cc": 0, "scale": 1.0, "vertices": []},
        }
    cameras = {"apple iphone 4s back camera": _opensfm_camera(kind, room), "unused": {"projection_type": "spherical"}}
    points = {
        str(i): {"color": [9.0, 9.0, 9.0], "reprojection_error": 0.0005, "coordinates": xyz.tolist()}
        for i, xyz in enumerate(room.surface_points(120))
    }
    model = {"cameras": cameras, "shots": shots, "points": points, "rig_instances": {}, "rig_models": {}}
    document = [model]
    if other:
        for name in ("far_1.jpg", "far_2.jpg", "lost.jpg"):
            write_jpeg(folder / "images" / name, room.views[0].rgb, 1)
        elsewhere = {name: shots["01.jpg"] for name in ("far_1.jpg", "far_2.jpg")}
        document = [{**model, "shots": elsewhere}, model]
    (folder / "reconstruction_example.json").write_text(json.dumps(document))
    (folder / "config.yaml").write_text("processes: 8\n")
    (folder / "ground_control_points.json").write_text(json.dumps({"points": []}))
    return folder


@pytest.mark.parametrize("kind", ["perspective", "simple_radial", "radial", "brown", "fisheye", "fisheye_opencv"])
def test_opensfm_s_sample_and_its_cameras(kind: str, room: PosedRoom, tmp_path: Path) -> None:
    folder = write_berlin(room, tmp_path / "berlin", kind)
    assert holds_poses(folder)
    for capture in (read_capture(folder), read_capture(folder / "reconstruction_example.json", [folder / "images"])):
        assert len(capture.photos) == 4
        for posed, view in zip(capture.photos, room.views, strict=True):
            assert posed.pose.world_from_cam == pytest.approx(view.pose.world_from_cam, abs=1e-6)
            camera = place(posed, read_photo(posed.photo)).camera
            assert camera is not None
            assert camera.fx == pytest.approx(view.camera.fx)
            assert camera.fisheye is kind.startswith("fisheye")
            assert posed.points is not None
            assert len(posed.points.z) > 40


def test_the_largest_of_several_reconstructions_is_used_and_the_others_photos_are_named(
    room: PosedRoom, tmp_path: Path
) -> None:
    capture = read_capture(write_berlin(room, tmp_path / "berlin", "brown", other=True))
    check(capture, room)
    told = dict(capture.left_out)
    assert set(told) == {"far_1.jpg", "far_2.jpg", "lost.jpg"}
    assert "another reconstruction" in told["far_1.jpg"]
    assert told["lost.jpg"] == NO_PLACE


def test_an_opensfm_camera_that_no_photo_is_of_is_named(room: PosedRoom, tmp_path: Path) -> None:
    folder = write_berlin(room, tmp_path / "berlin", "dual")
    with pytest.raises(CameraError, match="projection type dual is not known"):
        read_capture(folder)


def write_metashape(room: PosedRoom, folder: Path, transform: str) -> Path:
    """cameras.xml as Metashape 2 writes it: the component is placed, not the chunk."""
    camera = room.views[0].camera
    rows = []
    for number, view in enumerate(room.views):
        write_jpeg(folder / "images" / f"IMG_{number}.JPG", view.rgb, 1)
        text = " ".join(str(value) for value in view.pose.world_from_cam.ravel())
        rows.append(
            f'<camera id="{number}" sensor_id="0" component_id="0" label="IMG_{number}"><transform>{text}</transform>'
            "<rotation_covariance>1 0 0 0 1 0 0 0 1</rotation_covariance><orientation>1</orientation></camera>"
        )
    (folder / "cameras.xml").write_text(
        f"""<?xml version="1.0" encoding="UTF-8"?>
<document version="2.0.0">
  <chunk label="Chunk 1" enabled="true">
    <sensors next_id="1"><sensor id="0" label="phone" type="frame">
      <resolution width="{SIZE[0]}" height="{SIZE[1]}"/><property name="layer_index" value="0"/>
      <calibration type="frame" class="adjusted"><resolution width="{SIZE[0]}" height="{SIZE[1]}"/>
        <f>{camera.fy}</f><cx>{camera.cx - SIZE[0] / 2}</cx><cy>{camera.cy - SIZE[1] / 2}</cy>
        <b1>{camera.fx - camera.fy}</b1><b2>0.02</b2></calibration></sensor></sensors>
    <components next_id="1" active_id="0"><component id="0" label="Component 1">{transform}
      <region><center>0 0 0</center><size>10 10 10</size><R>1 0 0 0 1 0 0 0 1</R></region>
      <partition><camera_ids>0 1 2 3</camera_ids></partition></component></components>
    <cameras next_id="4" next_group_id="1"><group id="0" label="Group 1" type="folder">{"".join(rows)}</group></cameras>
    <reference>LOCAL_CS["Local Coordinates (m)"]</reference></chunk></document>"""
    )
    return folder


@pytest.mark.parametrize(
    ("transform", "is_metric"),
    [
        ("<transform><rotation locked='true'>1 0 0 0 0 1 0 -1 0</rotation><translation>5 6 7</translation>"
         "<scale locked='true'>2.0</scale></transform>", True),
        ("<transform><rotation>1 0 0 0 1 0 0 0 1</rotation><translation>0 0 0</translation>"
         "<scale>1</scale></transform>", False),
        ("", False),
    ],
)  # fmt: skip
def test_metashape_places_components_since_1_8(
    transform: str, is_metric: bool, room: PosedRoom, tmp_path: Path
) -> None:
    folder = write_metashape(room, tmp_path / "project", transform)
    assert holds_poses(folder)
    capture = read_capture(folder)
    assert capture.is_metric is is_metric
    centres = [np.linalg.norm(one.pose.world_from_cam[:3, 3] - capture.photos[0].pose.world_from_cam[:3, 3])
               for one in capture.photos]  # fmt: skip
    true = np.linalg.norm(room.views[3].pose.world_from_cam[:3, 3] - room.views[0].pose.world_from_cam[:3, 3])
    assert centres[3] == pytest.approx(true * (2 if is_metric else 1))


def test_realitycapture_beside_xmp_of_other_programs(room: PosedRoom, tmp_path: Path) -> None:
    camera = room.views[0].camera
    (tmp_path / "AAA_1.xmp").write_text('<x:xmpmeta xmlns:x="adobe:ns:meta/"/>')
    for number, view in enumerate(room.views):
        write_jpeg(tmp_path / f"IMG_{number}.jpg", view.rgb, 1)
        rotation = " ".join(str(value) for value in view.pose.cam_from_world[:3, :3].ravel())
        position = " ".join(str(value) for value in view.pose.world_from_cam[:3, 3])
        (tmp_path / f"IMG_{number}.xmp").write_text(
            f"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
  <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
    <rdf:Description xcr:Version="3" xcr:PosePrior="locked" xcr:Coordinates="absolute" xcr:DistortionModel="brown3"
       xcr:FocalLength35mm="{camera.fx / SIZE[0] * 36}" xcr:Skew="0" xcr:AspectRatio="{camera.fy / camera.fx}"
       xcr:PrincipalPointU="{(camera.cx - SIZE[0] / 2) / SIZE[0]}"
       xcr:PrincipalPointV="{(camera.cy - SIZE[1] / 2) / SIZE[0]}" xcr:CalibrationPrior="exact"
       xcr:CalibrationGroup="-1" xcr:DistortionGroup="-1" xcr:InTexturing="1" xcr:InMeshing="1"
       xmlns:xcr="http://www.capturingreality.com/ns/xcr/1.1#">
      <xcr:Rotation>{rotation}</xcr:Rotation>
      <xcr:Position>{position}</xcr:Position>
      <xcr:DistortionCoeficients>0.0001 0 0</xcr:DistortionCoeficients>
    </rdf:Description>
  </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""
        )
    write_jpeg(tmp_path / "IMG_9.jpg", room.views[0].rgb, 1)
    capture = read_capture(tmp_path)
    check(capture, room)
    assert capture.left_out == (("IMG_9.jpg", NO_PLACE),)
