"""Every command with small files to work on; depth comes from files, or from a tiny network where there must be one."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
from PIL import Image

WIDTH, HEIGHT = 32, 24
_METRIC = "--depth-kind metric --no-provenance"
_TINY = "--weights tiny.safetensors --runtime torch --threads 1"

COMMANDS = {
    "export jpg npy": f"export photo.jpg --depth-map depth.npy {_METRIC} -o out/a.ply",
    "export png npz": f"export photo.png --depth-map depth.npz {_METRIC} -o out/a.glb",
    "export heic exr": f"export photo.heic --depth-map depth.exr {_METRIC} -o out/a.obj",
    "export webp tif": f"export photo.webp --depth-map depth.tif {_METRIC} -o out/a.usdz",
    "export tif pfm": f"export photo.tif --depth-map depth.pfm {_METRIC} -o out/a.laz",
    "export avif png": f"export photo.avif --depth-map depth.png {_METRIC} -o out/a.html",
    "export provenance": "export photo.png --depth-map depth.npy --depth-kind metric -o out/a.ply -o out/b.png",
    "export hints": "export photo.png --depth-map inverse.npy --hints hints.json --camera camera.json -o out/a.ply",
    "export yaml": "export photo.png --depth-map inverse.npy --near 1m --camera camera.yaml -o out/a.ply",
    "export xml": "export photo.png --depth-map inverse.npy --near 1m --camera camera.xml -o out/a.ply",
    "export csv": "export photo.png --depth-map inverse.npy --points points.csv -o out/a.ply",
    "export las": "export photo.png --depth-map inverse.npy --points points.las --camera camera.json -o out/a.ply",
    "export laz": "export photo.png --depth-map inverse.npy --points points.laz --camera camera.json -o out/a.ply",
    "export ply": "export photo.png --depth-map inverse.npy --points points.ply --camera camera.json -o out/a.ply",
    "export colmap": "export room/images/100.5.png --depth-map room/depths/100.5.npy --points room/sparse/0 "
    "--camera room/sparse/0 -o out/a.ply",
    "export network": f"export photo.png {_TINY} --no-provenance -o out/a.ply",
    "depth": f"depth photo.jpg --depth-map depth.npy {_METRIC} -o out/a.png -o out/a.exr",
    "depth video": f"depth clip.mp4 {_TINY} -o out/a.mp4 -o out/a_%02d.png",
    "parallax": f"parallax photo.png --depth-map depth.npy {_METRIC} --motion motion.json --width 32 --fps 4 "
    "--seconds 0.5 -o out/a.gif -o out/frames",
    "bokeh": f"bokeh photo.png --depth-map depth.npy {_METRIC} --focus 16,12 -o out/a.jpg",
    "stereo": f"stereo photo.png --depth-map depth.npy {_METRIC} -o out/a.jpg",
    "panorama": f"panorama panorama.jpg {_TINY} --max-points 2000 -o out/a.ply",
    "measure": "measure photo.png --depth-map depth.npy --depth-kind metric --from 5,5 --to 20,20",
    "batch": f"batch photos -o out --depth-map depth.npy {_METRIC} --write .ply --write .png --same-view --parquet",
    "batch zip": f"batch zip://photos::photos.zip -o out --depth-map depth.npy {_METRIC} --same-view",
    "view ply": "view points.ply --screenshot out/a.png",
    "view pcd": "view cloud.pcd --screenshot out/a.jpg",
    "fuse": "fuse room --depth-map room/depths/{name}.npy --voxel 0.3 -o out/a.ply",
    "fuse folders": "fuse room --depth-map room/depths/{name}.npy --depths out/depths",
    "fuse project": "fuse room --depth-map room/depths/{name}.npy --voxel 0.3 --vertex-colours --colmap out/project",
    "fuse zip": "fuse capture.zip --depth-map room/depths/{name}.npy --depths out/depths",
    "live": f"live clip.mp4 --port 0 --frames 1 --width 32 {_TINY}",
    "weights": "weights list",
    "doctor": "doctor",
    "demo": "demo out/demo --no-open --force",
    "eval": "eval frames.json --weights tiny.safetensors --json out/a.json",
    "bench": "bench edges frames.json",
    "train": "train --out out/run --data tum:capture --start tiny.safetensors --steps 1 --batch 1 --threads 1",
}
"""What is left out: `serve`, which is tested as a server, and `fuse` of bare photos: its model differs between runs."""

SLOW = ("train", "demo", "fuse", "fuse project", "panorama", "depth video", "bench")
"""Those of which the suite's slice tries nothing."""


def files_for(name: str) -> dict[str, bytes]:
    """The files that a command reads, and old ones in place of what it writes."""
    wanted = COMMANDS[name].split()
    folders = tuple(f"{word.rpartition('::')[2]}/" for word in wanted)
    read = {
        path: content
        for path, content in inputs().items()
        if path in {word.rpartition("::")[2] for word in wanted} or path.startswith(folders) or _is_implied(path, name)
    }
    return {**read, "out/other.txt": b"of somebody else"}


def _is_implied(path: str, name: str) -> bool:
    """Files that another file names, or that are found beside it."""
    if path.startswith("room/"):
        return name.startswith(("fuse", "export colmap"))
    beside = {"eval": "large", "bench": "large", "train": "capture/"}
    return name in beside and path.startswith(beside[name])


def command_action(name: str) -> Callable[[Path], object]:
    """Runs a command; a true result says that it told something else than usual."""
    words = [*COMMANDS[name].split()]
    usual: list[list[str]] = []

    def action(folder: Path) -> object:
        told = io.StringIO()
        with alone(folder), contextlib.redirect_stderr(told), contextlib.redirect_stdout(io.StringIO()):
            from depth3d.cli import run

            code = run(words)
        lines = told.getvalue().splitlines()
        if code != 0:
            raise _failure(code, lines)
        usual.extend([] if usual else [lines])  # the first run is the one in which nothing fails
        return lines != usual[0]

    return action


def _failure(code: int, lines: list[str]) -> Exception:
    """What a command's last words amount to: a known error in one line, or a fault."""
    from depth3d.core.errors import Depth3DError

    said = [line for line in lines if line.startswith("depth3d: ") and "warning: " not in line]
    if code in (1, 2) and lines and said and said[-1] == lines[-1] and not any("Traceback" in line for line in lines):
        return Depth3DError(lines[-1])
    return AssertionError(f"exit code {code} and {' | '.join(lines)[-300:]}")


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """No cache but the folder's, no processes, no pauses, nothing remembered from the run before."""
    from in_process_engine import rows_in_this_process

    from depth3d.batch import fetch
    from depth3d.batch import run as batch_run
    from depth3d.batch.manifest_row import Row
    from depth3d.predictors import weights
    from depth3d.predictors.runtimes import torch_runtime

    for remembered in (weights._sha256, weights._safetensors_notes, torch_runtime.cached_network):
        remembered.cache_clear()
    _forget_archives()
    environment = {"DEPTH3D_CACHE": str(folder.parent / "cache"), "DEPTH3D_OFFLINE": "1", "DEPTH3D_RUNTIME": "torch"}
    with (
        mock.patch.dict(os.environ, environment),
        mock.patch.object(batch_run, "each_row_here", rows_in_this_process),
        mock.patch.object(Row, "took", lambda row, _: row),
        mock.patch.object(fetch, "_PAUSES_S", ()),
    ):
        yield


def _forget_archives() -> None:
    from fsspec.implementations.zip import ZipFileSystem

    ZipFileSystem.clear_instance_cache()


@cache
def inputs() -> dict[str, bytes]:
    """Everything that a command may read, by its path."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_pictures(folder)
        _write_words(folder)
        _write_places(folder)
        _write_network(folder)
        found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
        return {name: path.read_bytes() for name, path in found.items()}


def _write_pictures(folder: Path) -> None:
    import pillow_heif
    from test_video_reading import video

    from depth3d.core.depth import InverseDepth, MetricDepth
    from depth3d.io.save import save

    rgb = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    picture = Image.fromarray(rgb)
    for suffix in (".jpg", ".png", ".webp", ".tif", ".avif"):
        picture.save(folder / f"photo{suffix}")
    pillow_heif.from_pillow(picture.resize((64, 48))).save(folder / "photo.heic")
    picture.resize((64, 32)).save(folder / "panorama.jpg")
    (folder / "photos").mkdir()
    for name in ("a.png", "b.jpg"):
        picture.save(folder / "photos" / name)
    shutil.make_archive(str(folder / "photos"), "zip", folder, "photos")
    z = np.tile(np.linspace(1, 3, WIDTH, dtype=np.float32), (HEIGHT, 1))
    for suffix in (".npy", ".npz", ".exr", ".tif", ".pfm", ".png"):
        save(MetricDepth(z, unit="m"), folder / f"depth{suffix}")
    save(InverseDepth(1 / z), folder / "inverse.npy")
    video(folder / "whole.mp4")
    _cut_to(folder / "whole.mp4", folder / "clip.mp4", frames=2)
    slope = np.tile(np.linspace(1000, 3000, 272), (260, 1)).astype(np.uint16)
    slope[60:180, 100:200] = 800
    cv2.imwrite(str(folder / "large_mm.png"), slope)
    picture.resize((272, 260)).save(folder / "large.png")
    frame = {"name": "one", "color": "large.png", "depth": "large_mm.png", "units_per_metre": 1000}
    (folder / "frames.json").write_text(json.dumps([frame]))
    for name, source in (("rgb", "large.png"), ("depth", "large_mm.png")):
        (folder / "capture" / name).mkdir(parents=True)
        shutil.copy(folder / source, folder / "capture" / name / "1.0.png")


def _cut_to(source: Path, target: Path, *, frames: int) -> None:
    from itertools import islice

    import av

    from depth3d.io.photos.video import read_video

    with av.open(str(target), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for rgb in islice(read_video(source).frames(), frames):
            small = np.ascontiguousarray(rgb[:HEIGHT, :WIDTH])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(small, format="rgb24")))
        container.mux(stream.encode())
    source.unlink()


def _write_words(folder: Path) -> None:
    from fuzzed_readers import _camera_files, _motions

    hints = [{"kind": "at", "u": 4, "v": 3, "metres": 1.2}, {"kind": "near", "metres": "80cm"}]
    (folder / "hints.json").write_text(json.dumps(hints))
    (folder / "motion.json").write_bytes(_motions()[".json"][0])
    camera = {"fx": 30, "fy": 30, "cx": WIDTH / 2, "cy": HEIGHT / 2, "width": WIDTH, "height": HEIGHT}
    (folder / "camera.json").write_text(json.dumps(camera | {"pixel_centre": 0.5}))
    for suffix in (".yaml", ".xml"):
        text = _camera_files()[suffix][0].decode().replace("16", str(WIDTH)).replace("12", str(HEIGHT))
        (folder / f"camera{suffix}").write_text(text)
    (folder / "points.csv").write_text("u,v,z\n4,3,1.2\n20,16,2.3\n28,3,2.8\n")


def _write_places(folder: Path) -> None:
    from posed_room import posed_room

    from depth3d.geometry.point_cloud import PointCloud
    from depth3d.io.save import save

    xyz = np.random.default_rng(1).uniform((-0.2, -0.2, 1), (0.2, 0.2, 3), (40, 3)).astype(np.float32)
    cloud = PointCloud(xyz, np.full((40, 3), 90, np.uint8), unit="m")
    for name in ("points.ply", "points.las", "points.laz", "cloud.pcd"):
        save(cloud, folder / name, axes="opencv")
    room = posed_room(3)
    room.write_photos(folder / "room" / "images")
    room.write_inverse_depths(folder / "room" / "depths")
    room.write_colmap(folder / "room" / "sparse" / "0")
    shutil.make_archive(str(folder / "capture"), "zip", folder / "room")


def _write_network(folder: Path) -> None:
    from seeded_weights import fill_seeded

    from depth3d.predictors.checkpoint import network_bytes
    from depth3d.predictors.midas import build_network
    from depth3d.predictors.spec import NetworkSpec

    network = build_network(
        NetworkSpec(name="tiny", encoder="mobilenetv3_small_050", width=4, expand=True, net_size=32, output="any")
    )
    fill_seeded(network)
    (folder / "tiny.safetensors").write_bytes(network_bytes(network))
