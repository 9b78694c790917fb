"""Readers of what comes as a set, an archive, a video, a file kept between runs, or a call of page or assistant.

A capture's file is spoilt while its other files are whole. See `fuzzed_reader`.
"""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import cv2
import numpy as np
from fuzzed_assistant import answer, calls
from fuzzed_reader import Reader
from fuzzed_readers import READERS as OF_SINGLE_FILES
from fuzzed_readers import _geometries
from posed_room import GL, PosedRoom, posed_room

from depth3d.batch import fetch
from depth3d.batch.fetch import local_photo
from depth3d.batch.find_photos import find_photos
from depth3d.batch.manifest import Manifest
from depth3d.batch.storage import Folder
from depth3d.core.depth import InverseDepth
from depth3d.core.errors import Depth3DError
from depth3d.io.captures import place, read_capture
from depth3d.io.photos.photo import read_photo
from depth3d.io.photos.video import read_video
from depth3d.lab.evaluation.metrics import Frame, read_frames, read_truth
from depth3d.scenes.options import Options

WIDTH, HEIGHT = 32, 24
_FRAMES = 3


@cache
def _room() -> PosedRoom:
    return posed_room(2, (WIDTH, HEIGHT))


def _polycam(room: PosedRoom, folder: Path) -> Path:
    cameras = folder / "keyframes" / "corrected_cameras"
    cameras.mkdir(parents=True)
    room.write_photos(folder / "keyframes" / "corrected_images")
    for name, view in zip(room.names, room.views, strict=True):
        matrix = view.pose.world_from_cam @ GL
        entries = {f"t_{row}{column}": matrix[row, column] for row in range(3) for column in range(4)}
        entries |= {"fx": 45.0, "fy": 45.0, "cx": 16.0, "cy": 12.0, "width": WIDTH, "height": HEIGHT}
        (cameras / f"{name}.json").write_text(json.dumps(entries))
    return folder


def _beside_images(write: str, name: str, room: PosedRoom, folder: Path) -> Path:
    room.write_photos(folder / "images")
    path: Path = getattr(room, write)(folder / name)
    return path


def _nerfstudio(room: PosedRoom, folder: Path) -> Path:
    path = _beside_images("write_nerfstudio", "transforms.json", room, folder)
    document = json.loads(path.read_text())
    document["frames"][0]["depth_file_path"] = "depth.png"
    path.write_text(json.dumps(document))
    cv2.imwrite(str(folder / "depth.png"), np.rint(room.views[0].z * 1000).astype(np.uint16))
    return path


def _captures() -> dict[str, tuple[Callable[[PosedRoom, Path], Path], str]]:
    """What writes a capture, and which of its files is spoilt."""
    import test_more_captures as more

    first = _room().names[0]
    return {
        "record3d": (more.write_record3d, "metadata"),
        "frames_jsonl": (more.write_frames, "frames.jsonl"),
        "opensfm": (more.write_opensfm, "reconstruction.json"),
        "opensfm_tracks": (more.write_opensfm, "tracks.csv"),
        "metashape": (more.write_metashape, "cameras.xml"),
        "realitycapture": (more.write_realitycapture, f"{first}.xmp"),
        "arkit": (lambda room, folder: room.write_arkit(folder), f"{first}.json"),
        "polycam": (_polycam, f"keyframes/corrected_cameras/{first}.json"),
        "nerfstudio": (_nerfstudio, "transforms.json"),
        "tum": (partial(_beside_images, "write_tum", "groundtruth.txt"), "groundtruth.txt"),
        "redwood": (partial(_beside_images, "write_redwood", "trajectory.log"), "trajectory.log"),
    }


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []


def _folder() -> Path:
    """A folder that lasts as long as this process."""
    _FOLDERS.append(tempfile.TemporaryDirectory())
    return Path(_FOLDERS[-1].name)


@cache
def _capture(kind: str) -> tuple[Path, Path]:
    """What is given to the reader, and the file of it that is spoilt."""
    write, spoilt = _captures()[kind]
    folder = _folder() / "scan"
    folder.mkdir()
    model = write(_room(), folder)
    return model, folder / spoilt


@cache
def _capture_seed(kind: str) -> bytes:
    return _capture(kind)[1].read_bytes()


def _seeds_of_capture(kind: str) -> dict[str, list[bytes]]:
    return {_capture(kind)[1].suffix or ".txt": [_capture_seed(kind)]}


def _read_capture(kind: str, path: Path) -> object:
    model, spoilt = _capture(kind)
    whole = _capture_seed(kind)
    try:
        spoilt.write_bytes(path.read_bytes())
        return _placed(model)
    finally:
        spoilt.write_bytes(whole)


def _placed(model: Path) -> object:
    """Everything that is read of a capture before depth is looked for."""
    capture = read_capture(model)
    return [place(posed, read_photo(posed.photo)) for posed in capture.photos]


def _archives() -> dict[str, list[bytes]]:
    found = []
    for kind in ("record3d", "frames_jsonl"):
        folder = _capture(kind)[1].parent
        for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            file = io.BytesIO()
            with zipfile.ZipFile(file, "w", compression) as archive:
                for path in sorted(folder.rglob("*")):
                    archive.write(path, path.relative_to(folder))
            found.append(file.getvalue())
    return {".zip": found}


def _photo_archives() -> dict[str, list[bytes]]:
    photos = _room().write_photos(_folder() / "photos")
    found = []
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", compression) as archive:
            for path in sorted(photos.iterdir()):
                archive.write(path, Path("a") / path.name)
        found.append(file.getvalue())
    return {".zip": found}


def _read_photo_archive(path: Path) -> object:
    from fsspec.implementations.zip import ZipFileSystem

    ZipFileSystem.clear_instance_cache()
    names = []
    with mock.patch.object(fetch, "_PAUSES_S", ()):
        for found in find_photos([f"zip://a::{path}"], output=Folder(str(path.with_name("out")))):
            with local_photo(found.url) as photo:
                names.append(read_photo(photo).name)
    return names


def _videos() -> dict[str, list[bytes]]:
    import av

    rng = np.random.default_rng(0)
    found: dict[str, list[bytes]] = {}
    kinds = (
        (".mp4", "libx264"),
        (".mkv", "libx264"),
        (".avi", "mpeg4"),
        (".webm", "libvpx-vp9"),
        (".mpg", "mpeg2video"),
    )
    for suffix, codec in kinds:
        path = _folder() / f"a{suffix}"
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            for _ in range(_FRAMES):
                rgb = rng.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
            container.mux(stream.encode())
        found[suffix] = [path.read_bytes()]
    return found


def _read_video(path: Path) -> object:
    return [frame.shape for frame in islice(read_video(path).frames(), 2 * _FRAMES)]


def _shown() -> dict[str, list[bytes]]:
    """What only the viewer reads, and what trimesh does for it."""
    import trimesh

    ours = _geometries()
    mesh = trimesh.creation.box()
    rows = b"".join(b"%d 0 %d 9 10 11 12\n" % (i, 5 + i) for i in range(12))
    found = {suffix: ours[suffix] for suffix in (".pcd", ".xyz", ".glb", ".obj", ".ply")}
    found[".pts"] = [b"12\n" + rows]
    found[".xyzrgb"] = [b"".join(b"%d 0 %d 0.1 0.2 0.3\n" % (i, 5 + i) for i in range(12))]
    found[".xyzn"] = found[".xyzrgb"]
    found[".off"] = [mesh.export(file_type="off").encode()]
    found[".stl"] = [mesh.export(file_type="stl"), mesh.export(file_type="stl_ascii").encode()]
    found[".ply"] = [*found[".ply"], mesh.export(file_type="ply", encoding="ascii")]
    return found


def _read_shown(path: Path) -> object:
    from depth3d.viewers.open3d import load_geometry

    return load_geometry(path)


def _judged() -> dict[str, list[bytes]]:
    folder = _room().write_photos(_folder() / "photos")
    depth = cv2.imencode(".png", np.rint(_room().views[0].z * 1000).astype(np.uint16))[1].tobytes()
    (folder / "depth.png").write_bytes(depth)
    entry = {"name": "a", "color": str(folder / f"{_room().names[0]}.png"), "depth": str(folder / "depth.png")}
    frames = [{**entry, "units_per_metre": 1000}, {**entry, "name": "b", "units_per_metre": 500, "fx": 40}]
    return {".json": [json.dumps(frames).encode()], ".png": [depth]}


def _read_judged(path: Path) -> object:
    if path.suffix == ".png":
        return read_truth(Frame("a", path, path, 1000))
    return [(read_photo(frame.photo).size, read_truth(frame).shape) for frame in read_frames(path)]


def _manifests() -> dict[str, list[bytes]]:
    from depth3d.batch.manifest_row import Fit, Output, Row

    rows = [
        Row(photo="a.jpg", recipe="0" * 8, outputs=(Output("a.png", 3),), width=4, height=3, notes=("a note",),
            fit=Fit(1.5, -0.1, "m", 2), fov_x_deg=60.0, seconds=0.1),
        Row(photo="b.jpg", recipe="0" * 8, error="no picture", points_units=2.5),
    ]  # fmt: skip
    return {".jsonl": ["".join(f"{row.to_json()}\n" for row in rows).encode()]}


def _read_manifest(path: Path) -> object:
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "manifest.jsonl").write_bytes(path.read_bytes())
        (Path(name) / "a.png").write_bytes(b"abc")
        with Manifest(Folder(name), "0" * 8) as manifest:
            return manifest.read_earlier_runs({"a.jpg", "b.jpg"}, retry=False)


def _places() -> dict[str, list[bytes]]:
    told = {
        "source": "found from 2 photos",
        "is_metric": False,
        "left_out": [["a.jpg", "blurred"]],
        "notes": ["a note"],
    }
    return {".json": [json.dumps(told).encode()]}


def _read_places(path: Path) -> object:
    from depth3d.scenes.multiview.sfm.reconstruct import read_cached_poses

    return read_cached_poses(path)


def _measured_rows() -> dict[str, list[bytes]]:
    from depth3d.predictors.runtimes.measure import Measured, Way, rows_to_json

    rows = [Measured(Way("openvino", "fp32"), 9.5, 0.0, 1.0), Measured(Way("onnxruntime", "int8"), 3.0, 0.2, 0.9)]
    return {".json": [rows_to_json(rows).encode()]}


def _read_measured_rows(path: Path) -> object:
    from depth3d.predictors.runtimes.measure import fastest, read_rows

    return fastest(read_rows(path) or ())


def _onnx_files() -> dict[str, list[bytes]]:
    from graphs import lookup_graph

    path = lookup_graph(_folder() / "a.onnx", lambda z, _: 1 / z)
    return {".onnx": [path.read_bytes()]}


def _read_onnx(path: Path) -> object:
    from depth3d.predictors import load_predictor

    predictor = load_predictor(f"onnx:{path}", runtime="onnxruntime")
    return predictor.predict(read_photo(_capture("redwood")[0].parent / "images" / f"{_room().names[0]}.png"))


def _calls() -> dict[str, list[bytes]]:
    said = [
        {"fn_index": 3, "data": [], "event_data": {"pixels": [[4, 3]], "length": "2.4m"}, "session_hash": "abc"},
        {"fn_index": 3, "data": [], "event_data": {"pixels": [[4, 3], [9, 8.5]], "length": "80 cm ± 1"}},
        {"fn_index": 4, "data": [None], "event_data": {"letter": "A", "index": 0}, "event_id": None, "trigger_id": 7},
        {"fn_index": 5, "data": ["circle", 3.5], "event_data": None, "session_hash": "abc"},
        {"fn_index": 6, "data": ["62"]},
    ]
    return {".json": [json.dumps(call).encode() for call in said]}


def _read_call(path: Path) -> object:
    """A call that comes to the page, and whatever each function of the page makes of it."""
    from depth3d.web.api_calls import parsed_call
    from depth3d.web.page import _index, _number, _pixels, _text

    call = parsed_call(path.read_bytes())
    said, data = SimpleNamespace(**(call.get("event_data") or {})), [*(call.get("data") or []), None, None]
    session = _session()
    session.marks = session.spans = ()
    for act in (
        lambda: session.add_mark(_pixels(said), _text(said, "length")),
        session.fit,
        lambda: session.add_span(_pixels(said)),
        lambda: session.remove_span(_index(said)),
        lambda: session.remove_mark(_text(said, "letter")),
        lambda: session.choose_motion(data[0], _number(data[1]) or None),
        lambda: session.state_camera(fov_x_deg=_number(data[0])),
        lambda: session.state_camera(focal_px=_number(data[0])),
        session.state_camera,
    ):
        with suppress(Depth3DError):  # it is shown, and the page goes on
            act()
    return call


@cache
def _session() -> Any:
    from depth3d.web.session import Session

    session = Session(token="token", owner="owner", folder=_folder() / "page", options=Options())
    view = _room().views[0]
    path = session.files.inbox("a.png")
    cv2.imwrite(str(path), view.rgb[..., ::-1])
    session.take(path)
    session._photo = read_photo(path)
    session._inverse_depth = InverseDepth((1 / view.z).astype(np.float32))
    session.fit()
    return session


READERS: dict[str, Reader] = OF_SINGLE_FILES | {
    **{
        f"capture_{kind}": Reader(partial(_seeds_of_capture, kind), partial(_read_capture, kind))
        for kind in (
            *("record3d", "frames_jsonl", "opensfm", "opensfm_tracks", "metashape", "realitycapture", "arkit"),
            *("polycam", "nerfstudio", "tum", "redwood"),
        )
    },
    "capture_zip": Reader(_archives, _placed),
    "photo_zip": Reader(_photo_archives, _read_photo_archive),
    "video": Reader(_videos, _read_video),
    "view": Reader(_shown, _read_shown),
    "eval": Reader(_judged, _read_judged),
    "manifest": Reader(_manifests, _read_manifest),
    "places": Reader(_places, _read_places),
    "measured": Reader(_measured_rows, _read_measured_rows),
    "onnx": Reader(_onnx_files, _read_onnx),
    "page": Reader(_calls, _read_call),
    "assistant": Reader(calls, answer),
}
"""Every reader, by the name that `make fuzz` knows."""
