"""Captures of phones and of other programs' reconstructions, each written as its program writes it, of one room."""

from __future__ import annotations

import gc
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from posed_room import GL, PosedRoom, posed_room, project, quaternion

from depth3d.core.errors import CameraError
from depth3d.io.captures import Capture, holds_poses, place, read_capture
from depth3d.io.photos.photo import read_photo
from depth3d.scale import SparsePoints

SIZE = (96, 72)
FLIP = np.diag([1.0, -1.0, -1.0, 1.0])
"""ARKit's world has y up, the room's has y down."""


@pytest.fixture(scope="module")
def room() -> PosedRoom:
    return posed_room(4, SIZE)


def write_record3d(room: PosedRoom, folder: Path) -> Path:
    """As the app exports it, without the archive."""
    (folder / "rgbd").mkdir(parents=True)
    poses = []
    for number, view in enumerate(room.views):
        cv2.imwrite(str(folder / "rgbd" / f"{number}.jpg"), view.rgb[..., ::-1])
        (folder / "rgbd" / f"{number}.depth").write_bytes(b"bvx2")
        matrix = FLIP @ view.pose.world_from_cam @ GL
        w, x, y, z = quaternion(matrix[:3, :3])
        poses.append([x, y, z, w, *matrix[:3, 3].tolist()])
    matrix = room.views[0].camera.integer_centre_matrix()
    entries = {"w": SIZE[0], "h": SIZE[1], "K": matrix.T.ravel().tolist(), "poses": poses, "fps": 30}
    (folder / "metadata").write_text(json.dumps(entries))
    return folder


def write_frames(room: PosedRoom, folder: Path) -> Path:
    """Lines of JSON with poses column by column and raw depth."""
    room.write_photos(folder / "images")
    lines = []
    for name, view in zip(room.names, room.views, strict=True):
        small = view.z[1::3, 1::3].astype("<f4")
        (folder / f"{name}_depth.bin").write_bytes(small.tobytes())
        matrix = FLIP @ view.pose.world_from_cam @ GL
        entries = {
            "timestamp": 1.5,
            "depth_file": f"{name}_depth.bin",
            "depth_width": small.shape[1],
            "depth_height": small.shape[0],
            "image_file": f"images/{name}.png",
            "intrinsics3x3": view.camera.integer_centre_matrix().T.ravel().tolist(),
            "camera_transform": matrix.T.ravel().tolist(),
        }
        lines.append(json.dumps(entries))
    (folder / "frames.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def write_opensfm(room: PosedRoom, folder: Path) -> Path:
    """reconstruction.json with GPS, and tracks.csv."""
    room.write_photos(folder / "images")
    width, height = SIZE
    camera = room.views[0].camera
    shots, tracks = {}, ["OPENSFM_TRACKS_VERSION_v2"]
    points = room.surface_points(80)
    for name, view in zip(room.names, room.views, strict=True):
        rotation, _ = cv2.Rodrigues(view.pose.cam_from_world[:3, :3])
        translation = view.pose.cam_from_world[:3, 3].tolist()
        shots[f"{name}.png"] = {"rotation": rotation.ravel().tolist(), "translation": translation, "camera": "phone"}
        for number, xyz in enumerate(points):
            uv = project(view, xyz)
            if uv is not None:
                x, y = (uv[0] - width / 2) / width, (uv[1] - height / 2) / width
                tracks.append(f"{name}.png\t{number}\t{number}\t{x}\t{y}\t0.004\t90\t90\t90\t-1\t-1")
    phone = {
        "projection_type": "brown",
        "width": width,
        "height": height,
        "focal_x": camera.fx / width,
        "focal_y": camera.fy / width,
        "c_x": (camera.cx - width / 2) / width,
        "c_y": (camera.cy - height / 2) / width,
        "k1": 0.0,
    }
    model = {
        "cameras": {"phone": phone},
        "shots": shots,
        "points": {str(number): {"coordinates": xyz.tolist(), "color": [9, 9, 9]} for number, xyz in enumerate(points)},
        "reference_lla": {"latitude": 55.7, "longitude": 13.2, "altitude": 0},
    }
    small = {"cameras": {}, "shots": {}, "points": {}}
    (folder / "reconstruction.json").write_text(json.dumps([small, model]))
    (folder / "tracks.csv").write_text("\n".join(tracks) + "\n")
    return folder


def write_metashape(room: PosedRoom, folder: Path) -> Path:
    """cameras.xml of a chunk whose unit is half a metre, one camera not aligned."""
    room.write_photos(folder)
    camera = room.views[0].camera
    rows = []
    for number, (name, view) in enumerate(zip(room.names, room.views, strict=True)):
        matrix = view.pose.world_from_cam.copy()
        matrix[:3, 3] *= 2
        text = " ".join(str(value) for value in matrix.ravel())
        rows.append(f'<camera id="{number}" sensor_id="0" label="{name}"><transform>{text}</transform></camera>')
    rows.append('<camera id="9" sensor_id="0" label="lost"/>')
    (folder / "cameras.xml").write_text(
        f"""<?xml version="1.0" encoding="UTF-8"?><document version="2.0.0"><chunk label="Chunk 1"><sensors>
        <sensor id="0" label="phone" type="frame"><resolution width="{SIZE[0]}" height="{SIZE[1]}"/>
        <calibration type="frame" class="initial"><f>1</f></calibration>
        <calibration type="frame" class="adjusted"><f>{camera.fy}</f><b1>{camera.fx - camera.fy}</b1>
        <cx>{camera.cx - SIZE[0] / 2}</cx><cy>{camera.cy - SIZE[1] / 2}</cy></calibration></sensor></sensors>
        <cameras>{"".join(rows)}</cameras><transform><rotation>1 0 0 0 0 1 0 -1 0</rotation>
        <translation>5 6 7</translation><scale>0.5</scale></transform></chunk></document>"""
    )
    return folder / "cameras.xml"


def write_realitycapture(room: PosedRoom, folder: Path) -> Path:
    """XMP beside photos."""
    room.write_photos(folder)
    camera = room.views[0].camera
    for name, view in zip(room.names, room.views, strict=True):
        rotation = " ".join(str(value) for value in view.pose.cam_from_world[:3, :3].ravel())
        position = " ".join(str(value) for value in view.pose.world_from_cam[:3, 3])
        (folder / f"{name}.xmp").write_text(
            f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
            <rdf:Description xmlns:xcr="http://www.capturingreality.com/ns/xcr/1.1#" xcr:DistortionModel="brown3"
            xcr:FocalLength35mm="{camera.fx / SIZE[0] * 36}" xcr:AspectRatio="{camera.fy / camera.fx}" xcr:Skew="0"
            xcr:PrincipalPointU="{(camera.cx - SIZE[0] / 2) / SIZE[0]}"
            xcr:PrincipalPointV="{(camera.cy - SIZE[1] / 2) / SIZE[0]}">
            <xcr:Rotation>{rotation}</xcr:Rotation><xcr:Position>{position}</xcr:Position>
            <xcr:DistortionCoeficients>0 0 0 0 0 0</xcr:DistortionCoeficients></rdf:Description></rdf:RDF>
            </x:xmpmeta>"""
        )
    return folder


WRITERS: dict[str, tuple[Callable[[PosedRoom, Path], Path], bool, tuple[float, float, float] | None]] = {
    "record3d": (write_record3d, True, (0, 1, 0)),
    "frames": (write_frames, True, (0, 1, 0)),
    "opensfm": (write_opensfm, True, (0, 0, 1)),
    "metashape": (write_metashape, True, (0, -1, 0)),
    "realitycapture": (write_realitycapture, False, None),
    "3d scanner app": (lambda room, folder: room.write_arkit(folder), True, (0, 1, 0)),
}


def check(capture: Capture, room: PosedRoom) -> None:
    """The poses relative to the first photo's, and the cameras, are the room's."""
    assert len(capture.photos) == len(room.views)
    first, true_first = capture.photos[0].pose.cam_from_world, room.views[0].pose.cam_from_world
    for posed, view in zip(capture.photos, room.views, strict=True):
        found = first @ posed.pose.world_from_cam
        assert found == pytest.approx(true_first @ view.pose.world_from_cam, abs=1e-5)
        placed = place(posed, read_photo(posed.photo))
        assert placed.camera is not None
        for name in ("fx", "fy", "cx", "cy"):
            assert getattr(placed.camera, name) == pytest.approx(getattr(view.camera, name), abs=1e-4)
        for hint in placed.hints:
            assert isinstance(hint, SparsePoints)
            u, v = np.floor(hint.u).astype(int), np.floor(hint.v).astype(int)
            assert np.median(np.abs(hint.metres / view.z[v, u] - 1)) < 0.02


@pytest.mark.parametrize("kind", WRITERS)
def test_each_program_s_capture_is_read_with_its_unit_and_up(kind: str, room: PosedRoom, tmp_path: Path) -> None:
    write, is_metric, up = WRITERS[kind]
    model = write(room, tmp_path / "scan")
    assert holds_poses(model)
    capture = read_capture(model)
    check(capture, room)
    assert capture.is_metric is is_metric
    assert capture.up == (None if up is None else pytest.approx(up, abs=1e-9))


@pytest.mark.parametrize("kind", ["record3d", "frames", "opensfm", "3d scanner app"])
def test_archives_are_read_and_what_was_unpacked_goes_with_the_capture(
    kind: str, room: PosedRoom, tmp_path: Path
) -> None:
    folder = WRITERS[kind][0](room, tmp_path / "scan")
    archive = tmp_path / ("scan.r3d" if kind == "record3d" else "scan.zip")
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(folder.rglob("*")):
            file.write(path, Path("2026-01-01") / path.relative_to(folder))
    assert holds_poses(archive)
    capture = read_capture(archive)
    check(capture, room)
    photo = capture.photos[0].photo
    assert photo.is_file()
    del capture
    gc.collect()
    assert not photo.exists()


def test_points_and_depth_come_with_the_capture(room: PosedRoom, tmp_path: Path) -> None:
    seen = read_capture(write_opensfm(room, tmp_path / "a")).photos[0].points
    assert seen is not None
    assert len(seen.z) > 20
    frames = read_capture(write_frames(room, tmp_path / "b"))
    (hint,) = place(frames.photos[1], read_photo(frames.photos[1].photo)).hints
    assert isinstance(hint, SparsePoints)
    assert len(hint.u) == 32 * 24
    recorded = read_capture(write_record3d(room, tmp_path / "c"))
    assert "LZFSE" in recorded.notes[0]
    aligned = read_capture(write_metashape(room, tmp_path / "d"))
    assert aligned.left_out == (("lost", "Metashape did not align it"),)


def test_other_json_files_beside_the_frames_do_no_harm(room: PosedRoom, tmp_path: Path) -> None:
    folder = room.write_arkit(tmp_path / "scan")
    (folder / "annotations.json").write_text("[]")
    (folder / "aaa.json").write_text("not JSON")
    with pytest.raises(CameraError, match="aaa.json: not valid JSON"):
        read_capture(folder)
    (folder / "aaa.json").unlink()
    check(read_capture(folder), room)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("frames.jsonl", "{}", "names no photo"),
        ("frames.jsonl", '{"image_file": "100.5.png"}', "has no pose"),
        ("frames.jsonl", "[1]", "line 1 is not a JSON object"),
        ("frames.jsonl", '{"image_file": "100.5.png", "depth_file": "%s.bin"}' % ("d" * 300), "has no pose"),
        ("reconstruction.json", "[]", "is not a reconstruction"),
        ("reconstruction.json", '[{"cameras": {}}]', "is not a reconstruction"),
        ("reconstruction.json", '[{"shots": {"a": 1}}]', "is not a reconstruction"),
        ("cameras.xml", "<a><b></a>", "not valid XML"),
        ("cameras.xml", "<document/>", "has no chunk"),
        ("cameras.xml", '<?xml version="1.0" encoding="TTF-8"?><a/>', "not valid XML: unknown encoding"),
        ("cameras.xml", '<!DOCTYPE a [<!ENTITY b "c">]><a/>', "defines entities"),
        ("scan.zip", "not a zip", "cannot be unpacked"),
    ],
)
def test_damage_is_named(name: str, content: str, words: str, room: PosedRoom, tmp_path: Path) -> None:
    room.write_photos(tmp_path)
    (tmp_path / name).write_text(content)
    with pytest.raises(CameraError, match=words):
        read_capture(tmp_path / name)


def test_an_archive_that_unfolds_beyond_measure_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("frames.jsonl", b"0" * 60_000_000)
    with pytest.raises(CameraError, match="unfolds to 0.1 GB"):
        read_capture(tmp_path / "bomb.zip")


def test_a_list_of_frames_reaches_nothing_outside_its_folder(room: PosedRoom, tmp_path: Path) -> None:
    folder = write_frames(room, tmp_path / "scan")
    (tmp_path / "private.bin").write_bytes(b"a secret")
    for name in ("../private.bin", str(tmp_path / "private.bin")):
        lines = (folder / "frames.jsonl").read_text().splitlines()
        (folder / "other.jsonl").write_text(json.dumps(json.loads(lines[0]) | {"depth_file": name}))
        with pytest.raises(CameraError, match="outside the capture's folder"):
            read_capture(folder / "other.jsonl")
