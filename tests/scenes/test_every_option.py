"""Every field of every group of options, through every pipeline: it changes the result, or is refused by name."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from in_process_engine import rows_in_this_process
from numpy.typing import NDArray
from PIL import Image
from posed_room import posed_room

from depth3d.batch.run import Batch, run_batch
from depth3d.core.depth import InverseDepth
from depth3d.core.errors import Depth3DError, UsageError
from depth3d.io.captures import read_capture
from depth3d.io.photos.photo import Photo
from depth3d.scale import DistanceAt, Farthest, Nearest
from depth3d.scenes.multiview import align_views
from depth3d.scenes.options import Options, OutputOptions
from depth3d.scenes.outputs import Kind
from depth3d.scenes.panorama.pipeline import reconstruct_panorama
from depth3d.scenes.photo import reconstruct
from depth3d.scenes.scene import Scene
from depth3d.scenes.video.pipeline import reconstruct_video
from depth3d.scenes.video.save import save_video, video_fields

WIDTH, HEIGHT = 64, 48
PIXEL = DistanceAt(64.0, 50.0, 2.0)

PIPELINES = ("photo", "video", "panorama", "set", "batch")
METRES = {"hints": (Nearest(1.0), Farthest(5.0))}
METRES_ALL_AROUND = {"hints": (PIXEL,)}


class Grey:
    """A network that takes bright for near, and whose answer depends on how it was asked for."""

    weights_id = "0"

    def __init__(self, **asked: Any) -> None:
        self.name = "grey " + json.dumps(asked, sort_keys=True, default=str)

    def predict(self, photo: Photo) -> InverseDepth:
        power = 1 + zlib.crc32(self.name.encode()) % 97 / 2000
        known = Path("set") / f"{Path(photo.name).stem}.npy"
        if known.exists():
            return InverseDepth(np.load(known) ** power, source=self.name)
        grey = cv2.GaussianBlur(photo.rgb.mean(axis=2).astype(np.float32), (0, 0), 3)
        return InverseDepth((grey + np.float32(20)) ** np.float32(power), source=self.name)


class Clip:
    """A video that needs no decoder: three frames of one place."""

    path, fps, count, has_sound = Path("clip.mp4"), 10.0, 3, False

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        for step in range(self.count):
            noise = np.random.default_rng(step).integers(-6, 7, (HEIGHT, WIDTH, 3))
            yield np.clip(picture().astype(int) + noise, 0, 255).astype(np.uint8)


def picture(width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """Smooth colours with an edge."""
    coarse = np.random.default_rng(5).integers(0, 255, (5, 7, 3), dtype=np.uint8)
    rgb = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
    rgb[height // 3 :, width // 2 :] = 255 - rgb[height // 3 :, width // 2 :] // 3
    return rgb


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files that options name, the networks replaced."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("depth3d.scenes.lazy_network.load_predictor", lambda name, **asked: Grey(name=name, **asked))
    monkeypatch.setattr("depth3d.batch.run._network", lambda *_: None)
    monkeypatch.setattr("depth3d.batch.run.each_row_here", rows_in_this_process)
    (tmp_path / "photos").mkdir()
    for name in ("a", "b"):
        Image.fromarray(picture()).save(tmp_path / "photos" / f"{name}.png")
        np.save(tmp_path / f"{name}.npy", picture()[..., 0].astype(np.float32) + 9)
    shade = np.linspace(40, 220, 64, dtype=np.uint8)[:, None, None]
    Image.fromarray(np.broadcast_to(shade, (64, 128, 3)).copy()).save(tmp_path / "around.png")
    monkeypatch.setattr("depth3d.scenes.panorama.pipeline.DEFAULT_FACE_PX", 64)
    Path("camera.json").write_text(
        json.dumps({"width": WIDTH, "height": HEIGHT, "fx": 50, "fy": 50, "cx": 31, "cy": 24})
    )
    Path("near.json").write_text(json.dumps([{"kind": "near", "metres": 0.7}]))
    Path("at.json").write_text(json.dumps([{"kind": "at", "u": 64, "v": 50, "metres": 3.0}]))
    depth = 300 / (cv2.GaussianBlur(picture().mean(axis=2), (0, 0), 3) + 20)  # what the network sees, in metres
    depth *= 1 + 0.2 * np.sin(np.arange(WIDTH) / 9)
    pixels = np.random.default_rng(3).uniform((1, 1), (WIDTH - 1, HEIGHT - 1), (80, 2))
    rows = [f"{u:.2f},{v:.2f},{depth[int(v), int(u)]:.4f}" for u, v in pixels]
    Path("points.csv").write_text("\n".join(["u,v,z", *rows[:6]]))
    Path("many.csv").write_text("\n".join(["u,v,z", *rows]))
    depth[:, : WIDTH // 2] *= 0.8
    cv2.imwrite("sensor.png", (1000 * depth).astype(np.uint16))
    cv2.imwrite("confidence.png", np.repeat([[0, 2]], HEIGHT, axis=0).repeat(WIDTH // 2, axis=1).astype(np.uint8))
    return tmp_path


MAP = {"depth_map": Path("{name}.npy")}
FIELDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "fov_x_deg": (40.0, {}),
    "focal_px": (90.0, {}),
    "camera_file": (Path("camera.json"), {}),
    "predictor": ("bundled", {}),
    "weights": (Path("a.npy"), {}),
    "output_kind": ("depth", {}),
    "input_mean": ((0.5, 0.5, 0.5), {}),
    "input_std": ((0.5, 0.5, 0.5), {}),
    "input_size": (256, {}),
    "threads": (1, {}),
    "runtime": ("torch", {}),
    "precision": ("fp16", {}),
    "embedded_depth": (False, {}),
    "depth_map": (MAP["depth_map"], {}),
    "depth_kind": ("depth", MAP),
    "depth_units": (500.0, MAP | {"depth_kind": "metric"}),
    "brighter_is_farther": (True, MAP),
    "refine": (False, {}),
    "smooth_px": (5.0, {}),
    "max_depth_m": (3.0, METRES),
    "hints": ((Nearest(0.5),), {}),
    "hints_files": ((Path("near.json"),), {}),
    "points": ((Path("points.csv"),), {}),
    "points_units": (2.0, {"points": (Path("points.csv"),)}),
    "points_confidence": (Path("confidence.png"), {"points": (Path("sensor.png"),), "points_units": 1000.0}),
    "sky": ("keep", {}),
    "steady_s": (3.0, {}),
    "grid_points": (500, {}),
}
"""Another value of each field, and the options that it needs beside it."""

ELSEWHERE: dict[tuple[str, str], tuple[Any, dict[str, Any]]] = {
    ("video", "refine"): (True, {}),
    ("panorama", "hints"): ((PIXEL,), {}),
    ("panorama", "hints_files"): ((Path("at.json"),), {}),
    ("panorama", "max_depth_m"): (3.0, METRES_ALL_AROUND),
    ("set", "max_depth_m"): (3.0, {}),
}


def of_scene(scene: Scene) -> bytes:
    """All numbers of a scene, and what it says of them."""
    return b"".join([scene.depth.z.tobytes(), repr((scene.camera, scene.depth.source, scene.unit)).encode()])


def photo_result(options: Options) -> bytes:
    return of_scene(reconstruct(Path("photos/a.png"), options=options.for_photo("a")))


def video_result(options: Options) -> bytes:
    return b"".join(of_scene(frame.scene) for frame in reconstruct_video(Clip(), options=options))  # type: ignore[arg-type]


def panorama_result(options: Options) -> bytes:
    quick = Options.of(grid_points=2000, refine="refine" in options.chosen())
    options = quick.changed(**{name: value for name, value in options.chosen().items() if name != "refine"})
    scene = reconstruct_panorama(Path("around.png"), options=options)
    return scene.depth.metres.tobytes() + repr((scene.source, scene.unit)).encode()


def write_set() -> None:
    """Posed photos, and depth for the network and for depth maps to say."""
    room = posed_room(3, (WIDTH, HEIGHT))
    Path("set").mkdir()
    room.write_photos(Path("set/images"))
    room.write_colmap(Path("set/sparse/0"), points=50)
    room.write_inverse_depths(Path("set"))
    for name in room.names:
        np.save(f"{name}.npy", np.sqrt(np.load(f"set/{name}.npy")))


def set_result(options: Options) -> bytes:
    if not Path("set").exists():
        write_set()
    with align_views(read_capture(Path("set")), options, detail_px=WIDTH) as aligned:
        seen = b"".join(view.z.tobytes() for view in aligned.views())
        return seen + repr([photo.notes for photo in aligned.photos] + [aligned.options.depth.predictor]).encode()


def batch_result(options: Options) -> bytes:
    Path("out").mkdir(exist_ok=True)
    run_batch(Batch(inputs=("photos",), output="out", endings=(".npy",), options=options, workers=1, force=True))
    rows = [json.loads(line) for line in Path("out/manifest.jsonl").read_text().splitlines()]
    for row in rows:
        if row["error"]:
            raise UsageError(row["error"])
    told = [(row["depth"], row["fov_x_deg"], row["fit"]) for row in rows]
    return b"".join(path.read_bytes() for path in sorted(Path("out").glob("*.npy"))) + repr(told).encode()


RESULTS: dict[str, Callable[[Options], bytes]] = {
    "photo": photo_result,
    "video": video_result,
    "panorama": panorama_result,
    "set": set_result,
    "batch": batch_result,
}


def test_every_field_is_tried() -> None:
    assert set(FIELDS) == {name for _, name, _ in Options().items()}
    assert set(OUTPUTS) == {name for _, name, _ in OutputOptions().items()}


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_field_changes_what_comes_out_or_is_refused_by_name(pipeline: str) -> None:
    silent, result = [], cache(RESULTS[pipeline])
    for name, usual in FIELDS.items():
        value, beside = ELSEWHERE.get((pipeline, name), usual)
        if not follows(result, name, Options.of(**beside), Options.of(**(beside | {name: value}))):
            silent.append(name)
    assert silent == NO_CHANGE_HERE.get(pipeline, [])


NO_CHANGE_HERE = {
    "photo": ["embedded_depth", "sky"],
    "batch": ["embedded_depth", "sky"],
    "video": ["sky"],
    "set": ["sky"],
    "panorama": ["sky"],
}
"""Pictures without depth of their own and without sky come out the same; see test_photo_scene and test_sky."""


def follows(result: Callable[[Any], bytes], name: str, before: Any, after: Any) -> bool:
    """Whether an option changes a result, or is refused in words that name it."""
    refusal = ""
    try:
        changed = result(after)
    except Depth3DError as error:
        refusal = str(error)
    words = [name.replace("_", " "), *IN_OTHER_WORDS.get(name, ())]
    return any(word in refusal for word in words) if refusal else changed != result(before)


IN_OTHER_WORDS = {
    "fov_x_deg": ("field of view",),
    "focal_px": ("focal length",),
    "camera_file": ("camera file",),
    "depth_map": ("depth map",),
    "depth_kind": ("depth map",),
    "depth_units": ("depth map",),
    "brighter_is_farther": ("depth map",),
    "hints": ("hints belong to single photos", "is for pixels of one photo"),
    "hints_files": ("hints belong to single photos", "is for pixels of one photo"),
    "points": ("hints belong to single photos", "are for pixels of one photo", "points: a panorama"),
    "points_units": ("hints belong to single photos", "are for pixels of one photo", "points: a panorama"),
    "points_confidence": ("hints belong to single photos", "are for pixels of one photo", "points: a panorama"),
}

METRIC = Options.of(hints=(Nearest(1.0), Farthest(5.0)))
OUTPUTS: dict[str, tuple[Any, str, Kind | None, dict[str, Any]]] = {
    "max_points": (200, "a.ply", None, {}),
    "normals": (True, "a.ply", None, {}),
    "voxel_m": (0.3, "a.ply", None, {}),
    "cut_ratio": (1.5, "a.obj", None, {}),
    "cut_angle_deg": (40.0, "a.obj", None, {}),
    "max_error_px": (5.0, "a.obj", None, {}),
    "max_faces": (40, "a.obj", None, {}),
    "layers": (True, "a.obj", None, {}),
    "textured": (False, "a.glb", None, {}),
    "plate_width_mm": (40.0, "a.stl", None, {}),
    "plate_height_mm": (20.0, "a.stl", None, {}),
    "plate_base_mm": (5.0, "a.stl", None, {}),
    "focus": ((5.0, 40.0), "a.png", "bokeh", {}),
    "width": (32, "a.gif", None, {}),
    "seconds": (0.4, "a.gif", None, {"fps": 5.0}),
    "fps": (4.0, "a.gif", None, {"seconds": 0.5}),
    "motion": ("horizontal", "a.gif", None, {"seconds": 0.5, "fps": 5.0}),
    "amount_percent": (9.0, "a.gif", None, {"seconds": 0.5, "fps": 5.0}),
    "easing": ("linear", "a.gif", None, {"motion": "dolly", "seconds": 1.4, "fps": 5.0}),
    "blur_percent": (9.0, "a.png", "bokeh", {}),
    "f_number": (0.7, "a.png", "bokeh", {}),
    "blades": (3, "a.png", "bokeh", {"blur_percent": 9.0}),
    "highlights": (30.0, "a.png", "bokeh", {"blur_percent": 9.0}),
    "layout": ("side-by-side", "a.png", "stereo", {}),
    "disparity_percent": (1.0, "a.png", "stereo", {"layout": "side-by-side"}),
    "ipd_m": (0.03, "a.png", "stereo", {"layout": "side-by-side"}),
    "convergence_m": (1.5, "a.png", "stereo", {"layout": "side-by-side"}),
    "eye_width": (32, "a.png", "stereo", {}),
    "swap": (True, "a.png", "stereo", {"layout": "side-by-side"}),
    "anaglyph": ("grey", "a.png", "stereo", {}),
    "quilt": ((2, 2), "a.png", "stereo", {"layout": "quilt", "eye_width": 32}),
    "axes": ("opencv", "a.ply", None, {}),
    "compact": (True, "a.glb", None, {}),
    "texture_format": ("png", "a.glb", None, {}),
    "tiff_bits": (16, "a.tif", None, {}),
    "normals_green": ("directx", "a.png", "normals", {}),
    "gif_palette": ("frame", "a.gif", None, {"seconds": 0.5, "fps": 5.0}),
    "gif_dither": ("none", "a.gif", None, {"seconds": 0.5, "fps": 5.0}),
    "quality": (5, "a.webp", "parallax", {"seconds": 0.5, "fps": 5.0}),
    "max_bytes": (4_500, "a.gif", None, {"seconds": 0.5, "fps": 5.0}),
    "provenance": (False, "a.ply", None, {}),
}
"""Another value of each field, a file that it belongs to and its kind, and the options that it needs beside it."""


def written(folder: Path) -> bytes:
    """Every file below a folder, its name and content; removed."""
    content = b""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content += path.name.encode() + path.read_bytes()
            path.unlink()
    return content


@pytest.fixture
def scene(files: Path) -> Scene:
    return reconstruct(files / "photos/a.png", options=METRIC)


def test_an_output_option_changes_the_file_of_a_photo(scene: Scene, files: Path) -> None:
    (files / "made").mkdir()
    silent = []

    @cache
    def result(options: OutputOptions, file: str, kind: Kind | None) -> bytes:
        scene.save(files / "made" / file, kind=kind, options=options, force=True)
        return written(files / "made")

    for name, (value, file, kind, beside) in OUTPUTS.items():
        saved = partial(result, file=file, kind=kind)
        if not follows(saved, name, OutputOptions.of(**beside), OutputOptions.of(**(beside | {name: value}))):
            silent.append(name)
    assert silent == []


def test_an_output_option_changes_the_files_of_a_video_or_is_refused(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frames' scenes, which output options do not touch, are made once; numbered files are made of one frame."""
    (files / "made").mkdir()
    silent = []
    frames = tuple(reconstruct_video(Clip(), options=METRIC))  # type: ignore[arg-type]

    @cache
    def result(options: OutputOptions, file: str, kind: Kind | None) -> bytes:
        clip: Any = Clip()
        shown = frames[:1] if file.startswith("%d_") else frames
        monkeypatch.setattr("depth3d.scenes.video.save.reconstruct_video", lambda *_, **__: iter(shown))
        outputs = [files / "made" / file]
        save_video(clip, outputs, options=METRIC, output_options=options, kind=kind, force=True)
        return written(files / "made")

    for name, (value, file, kind, beside) in OUTPUTS.items():
        moving = kind == "parallax" or file.endswith(".gif")
        beside = {key: other for key, other in beside.items() if key != "fps"}
        saved = partial(result, file=file if moving else f"%d_{file}", kind="parallax" if moving else kind)
        if not follows(saved, name, OutputOptions.of(**beside), OutputOptions.of(**(beside | {name: value}))):
            silent.append(name)
    assert silent == []


def test_an_output_option_changes_the_file_of_a_panorama_or_is_refused(files: Path) -> None:
    (files / "made").mkdir()
    options = Options.of(grid_points=3000, refine=False, **METRES_ALL_AROUND)
    scene, silent = reconstruct_panorama(files / "around.png", options=options), []

    @cache
    def result(options: OutputOptions, target: str) -> bytes:
        scene.save(files / "made" / target, options=options, force=True)
        return written(files / "made")

    for name, (value, file, kind, beside) in OUTPUTS.items():
        target = file if kind is None and file.endswith((".ply", ".obj", ".glb")) else "a.glb"
        before = OutputOptions.of(**beside) if target == file else OutputOptions()
        value = 60.0 if name == "cut_angle_deg" else value
        if not follows(partial(result, target=target), name, before, before.changed(**{name: value})):
            silent.append(name)
    assert silent == []


def test_an_output_option_changes_the_files_of_a_batch(
    scene: Scene, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The photo's scene, which output options do not touch, is made once."""
    silent = []
    monkeypatch.setattr("depth3d.batch.process_photo.reconstruct", lambda *_, **__: scene)

    @cache
    def result(options: OutputOptions, ending: str, kind: Kind | None) -> bytes:
        plan = Batch(
            inputs=("photos/a.png",),
            output="out",
            endings=(ending,),
            kind=kind,
            options=METRIC,
            output_options=options,
            workers=1,
            force=True,
        )
        run_batch(plan)
        Path("out/manifest.jsonl").unlink()
        return written(files / "out")

    for name, (value, file, kind, beside) in OUTPUTS.items():
        saved = partial(result, ending=file[1:], kind=kind)
        if not follows(saved, name, OutputOptions.of(**beside), OutputOptions.of(**(beside | {name: value}))):
            silent.append(name)
    assert silent == []


def test_what_nothing_takes_is_refused(scene: Scene, files: Path) -> None:
    for name, file, words in (
        ("width", "a.ply", "width: nothing that is written takes it"),
        ("max_faces", "a.ply", "max faces: nothing that is written takes it"),
        ("tiff_bits", "a.png", "tiff bits: nothing that is written takes it"),
        ("quality", "a.gif", "quality: nothing that is written takes it"),
    ):
        with pytest.raises(Depth3DError, match=words):
            scene.save(files / file, options=OutputOptions.of(**{name: OUTPUTS[name][0]}))
    both = OutputOptions.of(f_number=2.0, blur_percent=4.0)
    with pytest.raises(Depth3DError, match="blur percent: f number replaces it"):
        scene.bokeh(both)
    assert video_fields([files / "a.mp4"], None) >= {"quality"}
