"""The command line as a user meets it: real files in, files out, and one clear line for everything that is wrong."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh
from conftest import HUNG_S, wait_until
from PIL import Image
from plyfile import PlyData

from depth3d.cli import run

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT = 64, 48


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with a photo and depth for it."""
    monkeypatch.chdir(tmp_path)
    ramp = np.linspace(0.2, 1, WIDTH * HEIGHT, dtype=np.float32).reshape(HEIGHT, WIDTH)
    np.save("inverse.npy", ramp)
    np.save("metric.npy", 1 / ramp)
    Image.fromarray((np.random.default_rng(0).random((HEIGHT, WIDTH, 3)) * 255).astype(np.uint8)).save("photo.jpg")
    return tmp_path


MAP = ["--depth-map", "inverse.npy"]


def says(capsys: pytest.CaptureFixture[str], arguments: list[str], code: int) -> str:
    """Run a command that must fail, leave no file behind, and say one line; return that line."""
    before = set(Path.cwd().iterdir())
    assert run(arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = [line for line in captured.err.splitlines() if not line.startswith(("depth3d: warning", "photo.jpg: "))]
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("depth3d: ")
    assert "Traceback" not in captured.err
    assert set(Path.cwd().iterdir()) == before
    return lines[0]


def test_a_photo_becomes_every_kind_of_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["a.ply", "a.glb", "a.png", "a.npy", "a.npz", "a.gif", "a.jpg"]
    outputs = [word for name in names for word in ("-o", name)]
    assert run(["export", "photo.jpg", *MAP, "--near", "80cm", "--far", "12m", "--seconds", "0.3", *outputs]) == 0
    captured = capsys.readouterr()
    assert [line.split(":")[0] for line in captured.out.splitlines()] == names
    assert "camera:" in captured.err
    assert "assum" in captured.err
    cloud = PlyData.read("a.ply")["vertex"]
    assert cloud.count == WIDTH * HEIGHT
    # gltf axes by default: z towards the viewer, so that depth 0.8 to 12 m lies at z = -0.8 to -12.
    assert -cloud["z"].max() == pytest.approx(0.8, rel=1e-4)
    assert -cloud["z"].min() == pytest.approx(12, rel=1e-4)
    assert np.load("a.npy").shape == (HEIGHT, WIDTH)
    assert Image.open("a.png").mode.startswith("I;16")
    assert Image.open("a.gif").n_frames == 7  # type: ignore[attr-defined]
    assert Image.open("a.jpg").size == (WIDTH, HEIGHT)


def test_each_file_has_its_provenance_beside_it(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "photo.jpg", *MAP, "--at", "10,10=3m", "--at", "50,40=1m±2cm", "-o", "a.ply"]) == 0
    told = json.loads(Path("a.ply.json").read_text(encoding="utf-8"))
    assert told["photo"] == {"name": "photo.jpg", "width": WIDTH, "height": HEIGHT}
    assert told["depth"]["unit"] == "m"
    assert told["camera"]["cx"] == WIDTH / 2
    assert [hint["hint"] for hint in told["scale"]["residuals"]] == ["10,10=3m", "50,40=1m"]
    z = -PlyData.read("a.ply")["vertex"]["z"].reshape(HEIGHT, WIDTH)
    d = np.load("inverse.npy")
    assert z[20, 20] == pytest.approx(1 / (told["scale"]["a"] * d[20, 20] + told["scale"]["b"]), rel=2e-3)
    capsys.readouterr()
    assert "a.ply" in says(capsys, ["export", "photo.jpg", *MAP, "-o", "a.ply"], 1)
    assert run(["export", "photo.jpg", *MAP, "--no-provenance", "-o", "b.ply"]) == 0
    assert not Path("b.ply.json").exists()


def test_meshes_are_cut_and_lightened_as_told_and_say_so(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inverse = np.full((HEIGHT, WIDTH), 0.3, np.float32)
    inverse[12:36, 16:48] = 1
    np.save("box.npy", inverse)
    arguments = ["export", "photo.jpg", "--fov", "60", "--depth-map", "box.npy", "--near", "1m", "--far", "3m"]
    arguments += ["--as", "mesh"]

    def told(*more: str) -> dict[str, int]:
        assert run([*arguments, *more, "--force", "-o", "a.ply"]) == 0
        made: dict[str, int] = json.loads(Path("a.ply.json").read_text(encoding="utf-8"))["mesh"]
        assert PlyData.read("a.ply")["face"].count == made["faces"]
        return made

    whole = told("--max-error", "0")
    jump = 2 * 2 * (23 + 31) + 4  # at a corner one of a cell's two triangles stays
    assert whole["cut_by_ratio"] == jump
    assert whole["faces"] == whole["grid_faces"] == 2 * 63 * 47 - jump
    assert f"cut at depth jumps ({jump} by ratio, 0 by angle)" in capsys.readouterr().out
    assert told("--max-error", "0", "--cut-ratio", "100", "--cut-angle", "0")["faces"] == 2 * 63 * 47
    by_angle = told("--max-error", "0", "--cut-ratio", "100", "--cut-angle", "5")
    assert (by_angle["cut_by_ratio"], by_angle["cut_by_angle"]) == (0, jump)
    assert told("--max-faces", "500")["faces"] <= 500
    capsys.readouterr()
    layered = told("--max-error", "0", "--layers")
    assert layered["behind"] > 500
    assert layered["faces"] == whole["faces"] + layered["behind"]
    assert f"{layered['behind']:,} faces continue what nearer things hide" in capsys.readouterr().out
    z = -PlyData.read("a.ply")["vertex"]["z"]
    assert set(np.round(z, 2)) == {np.float32(1), np.float32(3)}


@pytest.mark.parametrize(
    ("suffix", "option", "has_layers"),
    [(".glb", [], True), (".html", [], True), (".obj", [], False), (".glb", ["--no-layers"], False)],
)
def test_models_that_are_turned_have_layers(here: Path, suffix: str, option: list[str], has_layers: bool) -> None:
    inverse = np.full((HEIGHT, WIDTH), 0.3, np.float32)
    inverse[12:36, 16:48] = 1
    np.save("box.npy", inverse)
    arguments = ["export", "photo.jpg", "--fov", "60", "--depth-map", "box.npy", "--near", "1m", "--far", "3m"]
    assert run([*arguments, *option, "-o", f"a{suffix}"]) == 0
    told = json.loads(Path(f"a{suffix}.json").read_text(encoding="utf-8"))["mesh"]
    assert (told["behind"] > 0) == has_layers
    assert (told["turn_limits"] is not None) == has_layers


@pytest.mark.parametrize("suffix", [".glb", ".obj", ".usdz", ".html"])
def test_layers_reach_every_format_of_meshes(here: Path, suffix: str) -> None:
    inverse = np.full((HEIGHT, WIDTH), 0.3, np.float32)
    inverse[12:36, 16:48] = 1
    np.save("box.npy", inverse)
    arguments = ["export", "photo.jpg", "--fov", "60", "--depth-map", "box.npy", "--near", "1m", "--far", "3m"]
    assert run([*arguments, "--layers", "-o", f"a{suffix}"]) == 0
    told = json.loads(Path(f"a{suffix}.json").read_text(encoding="utf-8"))["mesh"]
    assert told["behind"] >= 2  # the wall goes on as a plane
    if suffix in (".glb", ".obj"):
        scene = trimesh.load_scene(f"a{suffix}")
        (mesh,) = scene.geometry.values()
        assert len(mesh.faces) == told["faces"]
        hidden = -mesh.vertices[np.unique(mesh.faces[-told["behind"] :]), 2]
        np.testing.assert_allclose(hidden, 3, rtol=1e-3)


def test_measuring_says_the_length_and_its_error(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["measure", "photo.jpg", *MAP, "--fov", "60", "--from", "10,10"]
    assert run([*arguments, "--at", "10,10=3m", "--at", "50,40=1m"]) == 0
    assert re.fullmatch(r"[23]\.\d+ m ± 0\.\d+ m \(95 % sure: [\d.]+ to [\d.]+ m\)\n", capsys.readouterr().out)
    assert run([*arguments, "--to", "50,40", "--at", "10,10=3m", "--at", "50,40=1m", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["unit"] == "m"
    assert 0 < found["sigma_m"] < found["metres"] < 4
    assert run(arguments) == 0
    assert "arbitrary" in capsys.readouterr().out


def test_the_same_call_twice_gives_the_same_bytes(here: Path) -> None:
    for name in ("one", "two"):
        outputs = [word for suffix in ("ply", "glb", "png", "npz", "gif", "jpg") for word in ("-o", f"{name}.{suffix}")]
        assert run(["export", "photo.jpg", *MAP, "--near", "1", "--seconds", "0.3", *outputs]) == 0
    for suffix in ("ply", "glb", "png", "npz", "gif", "jpg"):
        assert Path(f"one.{suffix}").read_bytes() == Path(f"two.{suffix}").read_bytes(), suffix


def test_depth_is_metric_or_relative(here: Path) -> None:
    assert run(["depth", "photo.jpg", *MAP, "--near", "1m", "--far", "4m", "-o", "z.npy"]) == 0
    z = np.load("z.npy")
    assert (z.dtype, z.shape) == (np.float32, (HEIGHT, WIDTH))
    assert (z.min(), z.max()) == pytest.approx((1, 4), rel=1e-4)
    assert run(["depth", "photo.jpg", *MAP, "--relative", "-o", "d.npy"]) == 0
    np.testing.assert_allclose(np.load("d.npy"), np.load("inverse.npy"), rtol=1e-6)
    assert run(["depth", "photo.jpg", *MAP, "--heatmap", "-o", "h.png"]) == 0
    assert Image.open("h.png").mode == "RGB"


def test_a_metric_map_keeps_its_metres_and_takes_no_hints(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    metric = ["--depth-map", "metric.npy", "--depth-kind", "metric"]
    assert run(["depth", "photo.jpg", *metric, "-o", "z.npy"]) == 0
    np.testing.assert_allclose(np.load("z.npy"), np.load("metric.npy"), rtol=1e-6)
    capsys.readouterr()
    assert "takes no hints" in says(capsys, ["depth", "photo.jpg", *metric, "--near", "1", "-o", "y.npy"], 2)
    assert "relative" in says(capsys, ["depth", "photo.jpg", *metric, "--relative", "-o", "y.npy"], 2)


def test_several_photos_go_to_several_files(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("other.jpg").write_bytes(Path("photo.jpg").read_bytes())
    both = ["export", "photo.jpg", "other.jpg", *MAP, "--same-view"]
    assert "twice" in says(capsys, [*both, "-o", "x.ply"], 2)
    assert run([*both, "-o", "{name}.ply"]) == 0
    assert Path("photo.ply").is_file()
    assert Path("other.ply").is_file()


def test_as_overrides_the_suffix(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "photo.jpg", *MAP, "--as", "mesh", "-o", "m.ply"]) == 0
    assert PlyData.read("m.ply")["face"].count > 0
    assert run(["export", "photo.jpg", *MAP, "--as", "heatmap", "-o", "h.png"]) == 0
    capsys.readouterr()
    assert ".npy" in says(capsys, ["export", "photo.jpg", *MAP, "--as", "mesh", "-o", "m.npy"], 2)


def test_max_points_and_cut_ratio_and_axes_reach_the_file(here: Path) -> None:
    assert run(["export", "photo.jpg", *MAP, "--max-points", "100", "--axes", "opencv", "-o", "a.ply"]) == 0
    vertex = PlyData.read("a.ply")["vertex"]
    assert 50 < vertex.count <= 100
    assert vertex["z"].min() > 0


def test_hint_files_and_points_reach_the_fit(here: Path) -> None:
    d = np.load("inverse.npy")
    rng = np.random.default_rng(0)
    rows, columns = rng.integers(0, HEIGHT, 40), rng.integers(0, WIDTH, 40)
    z = 1 / (0.5 * d[rows, columns] + 0.1)
    table = "\n".join(f"{c + 0.5},{r + 0.5},{x}" for c, r, x in zip(columns, rows, z, strict=True))
    Path("points.csv").write_text(f"u,v,z\n{table}\n")
    Path("hints.json").write_text(json.dumps({"hints": [{"kind": "near", "metres": 1 / (0.5 * 0.98 + 0.1)}]}))
    arguments = ["depth", "photo.jpg", *MAP, "--points", "points.csv", "--refine-scale"]
    assert run([*arguments, "-o", "z.npy"]) == 0
    np.testing.assert_allclose(np.load("z.npy"), 1 / (0.5 * d + 0.1), rtol=1e-3)
    assert run(["depth", "photo.jpg", *MAP, "--hints", "hints.json", "-o", "y.npy"]) == 0
    assert np.load("y.npy").min() == pytest.approx(1 / (0.5 * 0.98 + 0.1), rel=0.02)


# What is wrong with a photo -----------------------------------------------------------------------------------------


def _bomb(path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))))


BROKEN_PHOTOS: dict[str, Callable[[Path], object]] = {
    "empty.jpg": lambda path: path.write_bytes(b""),
    "truncated.jpg": lambda path: path.write_bytes(Path("photo.jpg").read_bytes()[:400]),
    "text.jpg": lambda path: path.write_text("this is no picture"),
    "bomb.png": _bomb,
    "noise.png": lambda path: path.write_bytes(bytes(range(256)) * 8),
}


@pytest.mark.parametrize("name", BROKEN_PHOTOS)
def test_a_broken_photo_is_one_line_with_its_name(name: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    BROKEN_PHOTOS[name](here / name)
    assert name in says(capsys, ["export", name, *MAP, "-o", "x.ply"], 1)


def _save(mode: str, **how: object) -> Callable[[Path], None]:
    def save(path: Path) -> None:
        Image.open("photo.jpg").convert(mode).save(path, **how)

    return save


def _animated(path: Path) -> None:
    frame = Image.open("photo.jpg").convert("P")
    frame.save(path, save_all=True, append_images=[frame.rotate(180)])


def _rotated(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.open("photo.jpg").save(path, exif=exif)


GOOD_PHOTOS: dict[str, Callable[[Path], object]] = {
    "grey.png": _save("L"),
    "alpha.png": _save("RGBA"),
    "sixteen.png": lambda path: Image.fromarray(np.full((HEIGHT, WIDTH), 40_000, np.uint16)).save(path),
    "cmyk.jpg": _save("CMYK"),
    "animated.gif": _animated,
    "rotated.jpg": _rotated,
    "really_a_jpeg.png": lambda path: path.write_bytes(Path("photo.jpg").read_bytes()),
}


@pytest.mark.parametrize("name", GOOD_PHOTOS)
def test_unusual_photos_work(name: str, here: Path) -> None:
    GOOD_PHOTOS[name](here / name)
    assert run(["export", name, *MAP, "-o", "x.ply"]) == 0
    assert PlyData.read("x.ply")["vertex"].count == WIDTH * HEIGHT


def test_a_photo_of_one_pixel_is_one_point_and_no_mesh(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (1, 1), (9, 8, 7)).save("one.png")
    np.save("one.npy", np.ones((1, 1), np.float32))
    assert run(["export", "one.png", "--depth-map", "one.npy", "-o", "one.ply"]) == 0
    assert PlyData.read("one.ply")["vertex"].count == 1
    assert "no triangle" in run_and_read(capsys, ["export", "one.png", "--depth-map", "one.npy", "-o", "one.glb"], 1)


def run_and_read(capsys: pytest.CaptureFixture[str], arguments: list[str], code: int) -> str:
    """The last line of what a failing command says."""
    capsys.readouterr()
    assert run(arguments) == code
    return capsys.readouterr().err.splitlines()[-1]


# What is wrong with everything else ---------------------------------------------------------------------------------

WRONG_CALLS = [
    (["export", "missing.jpg", "-o", "x.ply"], 2, "missing.jpg"),
    (["export", ".", "-o", "x.ply"], 2, "directory"),
    (["export", "photo.jpg"], 2, "-o"),
    (["export", "photo.jpg", *MAP, "-o", "x.xyz1"], 2, ".xyz1"),
    (["export", "photo.jpg", *MAP, "-o", "x"], 2, "suffix"),
    (["export", "photo.jpg", *MAP, "-o", "photo.jpg/x.ply"], 1, "photo.jpg"),
    (["export", "photo.jpg", *MAP, "-o", "photo.jpg"], 1, "--force"),
    (["export", "photo.jpg", *MAP, "-o", "x.ply", "-o", "x.ply"], 2, "twice"),
    (["export", "photo.jpg", *MAP, "--at", "10,10", "-o", "x.ply"], 2, "no '='"),
    (["export", "photo.jpg", *MAP, "--at", "10,10=far", "-o", "x.ply"], 2, "'far'"),
    (["export", "photo.jpg", *MAP, "--at", "100,10=2m", "-o", "x.ply"], 1, "outside the 64x48 photo"),
    (["export", "photo.jpg", *MAP, "--at", "nan,10=2m", "-o", "x.ply"], 2, "not a pixel"),
    (["export", "photo.jpg", *MAP, "--near", "5m", "--far", "2m", "-o", "x.ply"], 1, "contradict"),
    (["export", "photo.jpg", *MAP, "--near", "-1m", "-o", "x.ply"], 2, "positive"),
    (["export", "photo.jpg", *MAP, "--fov", "200", "-o", "x.ply"], None, "180"),
    (["export", "photo.jpg", *MAP, "--fov", "60", "--focal-px", "50", "-o", "x.ply"], 2, "focal"),
    (["export", "photo.jpg", *MAP, "--camera", "camera.json", "-o", "x.ply"], 1, "camera.json"),
    (["export", "photo.jpg", "--depth-map", "tall.npy", "-o", "x.ply"], 1, "tall.npy"),
    (["export", "photo.jpg", "--depth-map", "nan.npy", "-o", "x.ply"], 1, "no depth is known"),
    (["export", "photo.jpg", "--depth-map", "pickle.npy", "-o", "x.ply"], 1, "pickle.npy"),
    (["export", "photo.jpg", "--brighter-is-farther", "-o", "x.ply"], 2, "depth map"),
    (["export", "photo.jpg", *MAP, "--max-points", "0", "-o", "x.ply"], 2, "max-points"),
    (["export", "photo.jpg", *MAP, "--cut-ratio", "0.5", "-o", "x.glb"], 2, "above 1"),
    (["parallax", "photo.jpg", *MAP, "--fps", "0", "-o", "x.gif"], 2, "fps"),
    (["depth", "photo.jpg", *MAP, "--relative", "--heatmap", "-o", "x.png"], 2, "exclude"),
    (["exprot", "photo.jpg"], 2, "exprot"),
    (["export", "photo.jpg", "--neer", "1m", "-o", "x.ply"], 2, "--near"),
    (["export", "photo.jpg", "--predictor", "dpt", "-o", "x.ply"], 2, "dpt"),
]


@pytest.mark.parametrize(("arguments", "code", "words"), WRONG_CALLS, ids=lambda value: str(value)[:60])
def test_a_wrong_call_is_one_line(
    arguments: list[str], code: int | None, words: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("camera.json").write_text(json.dumps({"fx": 50}))
    np.save("tall.npy", np.ones((90, 10), np.float32))
    np.save("nan.npy", np.full((HEIGHT, WIDTH), np.nan, np.float32))
    np.save("pickle.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    if code is None:
        code = 2 if run(arguments) == 2 else 1
        capsys.readouterr()
    assert words in says(capsys, arguments, code)


def test_a_full_disk_leaves_nothing_behind(here: Path) -> None:
    command = [sys.executable, str(ROOT / "cli.py"), "export", "photo.jpg", *MAP, "-o", "x.ply", "-o", "y.npy"]

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    before = set(here.iterdir())
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=small_files)  # noqa: PLW1509
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("depth3d: cannot write x.ply")
    assert "Traceback" not in done.stderr
    assert set(here.iterdir()) == before


def test_ctrl_c_leaves_nothing_behind(here: Path) -> None:
    long = ["parallax", "photo.jpg", *MAP, "--seconds", "600", "--fps", "50", "-o", "x.gif"]
    before = set(here.iterdir())

    def listening() -> None:  # a shell's background jobs, and what they start, ignore Ctrl-C
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    command = [sys.executable, str(ROOT / "cli.py"), *long]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=listening)  # noqa: PLW1509
    try:
        has_begun = lambda: set(here.iterdir()) != before or process.poll() is not None  # noqa: E731
        wait_until(has_begun, "the command never began to write")
        assert process.poll() is None, process.communicate()[1]
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=HUNG_S)
    finally:
        process.kill()
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "depth3d: stopped"
    assert set(here.iterdir()) == before


def test_a_reader_that_goes_away_is_no_error(here: Path) -> None:
    command = f"{sys.executable} {ROOT / 'cli.py'} export --help | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=os.environ, check=True)
    assert done.stderr == ""


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("depth3d 0.")
