"""What costs nothing is checked before any network runs, or is even looked for, by every command."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from posed_room import posed_room

from depth3d.cli import cli, run
from depth3d.predictors.runtimes.machine_info import installed

MISSING = {
    "av": [
        "export photo.png -o a.mp4",
        "parallax photo.png -o a.webm",
        "stereo clip.mp4 -o a.mp4",
        "batch photo.png -o out --write .mp4",
        "live clip.mp4",
        "depth clip.mp4 -o a.mp4",
        "bokeh clip.mp4 -o a_%04d.jpg",
    ],
    "laspy": [
        "export photo.png -o a.ply -o b.las",
        "panorama panorama.png -o b.laz",
        "batch photo.png -o out --write .laz",
        "fuse room -o b.laz --depth-map {name}.npy",
    ],
    "lazrs": ["export photo.png -o a.laz"],
    "pye57": ["export photo.png -o a.e57", "batch photo.png -o out --write .e57"],
    "OpenEXR": ["depth photo.png -o a.exr", "export photo.png -o a.exr"],
    "open3d": [
        "view photo.png --screenshot a.png",
        "fuse room -o a.ply --depth-map {name}.npy",
        "fuse room --colmap project --depth-map {name}.npy",
    ],
    "pycolmap": ["fuse photo.png photo_2.png -o a.ply"],
    "pillow_heif": ["measure photo.heic --from 1,1", "eval heic.json --predictor bundled"],
    "onnxruntime": [
        "export photo.png -o a.ply --runtime onnxruntime",
        "depth photo.png -o a.png --runtime onnxruntime",
    ],
    "openvino": ["export photo.png -o a.ply --runtime openvino"],
    "transformers": ["export photo.png -o a.ply --predictor hf:somebody/something"],
    "huggingface_hub": ["weights fetch depth_anything_v2_small"],
    "gradio": ["serve --port 0"],
    "mcp": ["mcp --folder ."],
    "ray": ["batch photo.png -o out --engine ray"],
    "pyarrow": ["batch photo.png -o out --parquet"],
}
"""What needs a package, by the name that is imported."""

UNWRITABLE = [
    "demo photo.png/demo --no-open",
    "export photo.png -o photo.png/a.ply",
    "export photo.png -o a.ply -o photo.png/b.glb",
    "depth photo.png -o photo.png/a.png",
    "parallax photo.png -o photo.png/a.gif",
    "bokeh photo.png -o photo.png/a.jpg",
    "stereo photo.png -o photo.png/a.jpg",
    "panorama panorama.png -o photo.png/a.ply",
    "batch photo.png -o photo.png/out",
    "view photo.png --screenshot photo.png/a.png",
    "depth clip.mp4 -o photo.png/a.mp4",
    "depth clip.mp4 -o photo.png/%04d.png",
    "fuse room -o photo.png/a.ply --depth-map {name}.npy",
    "fuse room --depths photo.png/depths --depth-map {name}.npy",
    "fuse room --colmap photo.png/project --depth-map {name}.npy",
    "fuse photo.png photo_2.png -o a.ply --cache photo.png/cache",
    "fuse photo.png photo_2.png -o a.ply --keep-model photo.png/model",
    "eval frames.json --json photo.png/a.json",
    "train --out photo.png/run",
    "train --out run --export photo.png/a.safetensors",
]

WRONG = [
    ("parallax photo.png --motion nope -o a.gif", "no motion 'nope'"),
    ("export photo.png --motion nope -o a.ply -o a.gif", "no motion 'nope'"),
    ("parallax clip.mp4 --motion nope -o a.mp4", "no motion 'nope'"),
    ("batch photo.png --motion nope -o out --write .gif", "no motion 'nope'"),
    ("parallax photo.png --motion missing.json -o a.gif", "missing.json: no such file"),
    ("parallax photo.png --amount 90 -o a.gif", "amount must lie"),
    ("export photo.png -o a.nope", "names no known format"),
    ("batch photo.png -o out --write .nope", "names no known format"),
    ("export photo.png --as mesh -o a.las", "holds a point cloud"),
    ("export photo.png -o a.ply --at 500,3=2m", "the pixel 500,3 lies outside the 24x16 photo"),
    ("measure photo.png --from 1,1 --at=-3,3=2m", "the pixel -3,3 lies outside the 24x16 photo"),
    ("depth photo.png -o a.png --hints hints.json", "the pixel 99,2 lies outside the 24x16 photo"),
    ("export photo.png -o a.ply --camera missing.json", "missing.json"),
    ("export photo.png -o a.ply --points photo.png", "photo.png"),
    ("depth clip.mp4 -o a.mp4 --at 900,1=2m", "the pixel 900,1 lies outside the 64x48 photo"),
    ("train --out run --data tum:capture", "--data needs --start"),
    ("bokeh photo.png -o a.jpg --focus 500,3", "focus: the pixel 500,3 lies outside the 24x16 photo photo.png"),
    ("parallax photo.png -o a.gif --focus 3,17", "focus: the pixel 3,17 lies outside the 24x16 photo photo.png"),
    ("stereo photo.png -o a.jpg --focus=-3,3", "focus: the pixel -3,3 lies outside the 24x16 photo photo.png"),
    ("export photo.png -o a.gif --focus 25,3", "focus: the pixel 25,3 lies outside the 24x16 photo photo.png"),
    ("parallax clip.mp4 -o a.mp4 --focus 500,3", "focus: the pixel 500,3 lies outside the 64x48 photo clip.mp4"),
    ("measure photo.png --from 500,3", "--from: the pixel 500,3 lies outside the 24x16 photo photo.png"),
    ("measure photo.png --from 5,3 --to=-5,3", "--to: the pixel -5,3 lies outside the 24x16 photo photo.png"),
    ("measure turned.jpg --from 20,3", "--from: the pixel 20,3 lies outside the 16x24 photo turned.jpg"),
    ("measure photo.png --from 5,3 --to 5,3", "both ends are the pixel 5,3"),
    ("panorama panorama.png -o a.ply --at 300,3=1m", "the pixel 300,3 lies outside the 64x32 photo"),
    ("export photo.png -o a.ply --smooth 1e9", "up to the photo's longer side of 24; got 1e+09"),
    ("export photo.png -o a.ply --near 2m --far 1m", "the hints contradict each other"),
    ("bokeh photo.png -o a.jpg --f-number 2 --blur 3", "f number replaces it"),
    ("bokeh photo.png -o a.jpg --f-number 0", "the f-number must lie between"),
    ("bokeh photo.png -o a.jpg --blur 1e9", "blur must lie between"),
    ("bokeh photo.png -o a.jpg --blades 1", "an aperture has 3 to 20 blades"),
    ("bokeh photo.png -o a.jpg --highlights=-3", "highlights must lie between"),
    ("bokeh clip.mp4 -o %04d.jpg --blades 1", "an aperture has 3 to 20 blades"),
    ("stereo photo.png -o a.jpg --ipd 63mm --disparity 3", "ipd m replaces it"),
    ("stereo photo.png -o a.jpg --convergence 2m --focus 3,3", "convergence m replaces it"),
    ("stereo photo.png -o a.jpg --disparity 1000", "disparity must lie between"),
    ("stereo photo.png -o a.jpg --layout quilt --quilt 0x0", "a quilt has 2 to 128 views"),
    ("stereo photo.png -o a.jpg --quilt 3x3", "belong to the layout 'quilt'"),
    ("stereo clip.mp4 -o a.mp4 --ipd 63mm --disparity 3", "ipd m replaces it"),
    ("parallax photo.png -o a.gif --fps 0", "fps must lie between"),
    ("parallax photo.png -o a.gif --seconds 601", "seconds must lie between"),
    ("batch photo.png -o out --write .gif --fps 0", "fps must lie between"),
    ("export photo.png -o a.glb --cut-ratio 0.5", "cut ratio must be above 1"),
    ("batch photo.png -o out --write .glb --cut-angle 100", "cut angle must lie between"),
    ("export photo.png -o old.ply", "old.ply exists already"),
    ("parallax clip.mp4 -o old.mp4", "old.mp4 exists already"),
    ("panorama panorama.png -o old.ply", "old.ply exists already"),
    ("fuse room -o old.ply", "old.ply exists already"),
]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything the commands name, as far as it is there at all."""
    from test_audio import write_clip_with_tone

    folder = tmp_path_factory.mktemp("work")
    black = Image.fromarray(np.zeros((16, 24, 3), np.uint8))
    for name in ("photo.png", "photo_2.png"):
        black.save(folder / name)
    black.resize((64, 32)).save(folder / "panorama.png")
    write_clip_with_tone(folder / "clip.mp4")
    turned = black.getexif()
    turned[0x0112] = 6
    black.save(folder / "turned.jpg", exif=turned)
    for name in ("old.ply", "old.mp4"):
        (folder / name).write_bytes(b"of somebody else")
    (folder / "photo.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    frame = '[{"name": "a", "color": "%s", "depth": "photo.png", "units_per_metre": 1000}]'
    (folder / "frames.json").write_text(frame % "photo.png")
    (folder / "heic.json").write_text(frame % "photo.heic")
    (folder / "hints.json").write_text('[{"kind": "at", "u": 99, "v": 2, "metres": 2}]')
    room = posed_room(2)
    room.write_photos(folder / "room" / "images")
    room.write_colmap(folder / "room" / "sparse" / "0")
    return folder


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No command gets as far as a network, nor as far as anything that is computed from photos."""

    def see(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked first")

    for place in (
        "depth3d.predictors.network.NetworkPredictor.predict",
        "depth3d.predictors.download.download",
        "depth3d.lab.training.loop.Trainer.advance",
        "depth3d.scenes.multiview.sfm.reconstruct.find_keypoints",
    ):
        monkeypatch.setattr(place, see)


def refusal(line: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that a command ends in; it has made nothing."""
    monkeypatch.chdir(folder)
    before = sorted(folder.rglob("*"))
    assert run(line.split()) in (1, 2)
    (told,) = capsys.readouterr().err.splitlines()
    assert sorted(folder.rglob("*")) == before
    return told


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(("package", "line"), [(package, line) for package, lines in MISSING.items() for line in lines])
def test_a_missing_package_is_named_first(
    package: str, line: str, work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for loaded in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, package, None)
    # not what it remembers
    monkeypatch.setattr(
        "depth3d.predictors.runtimes.open_network.installed", installed.__wrapped__
    )  # not what it remembers
    told = refusal(line, work, monkeypatch, capsys)
    assert " is needed: pip install " in told
    assert "pip install 'depth3d[" in told


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("line", UNWRITABLE)
def test_what_cannot_be_written_is_said_first(
    line: str, work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "photo.png is not a folder" in refusal(line, work, monkeypatch, capsys)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(("line", "says"), WRONG)
def test_what_cannot_be_meant_is_said_first(
    line: str, says: str, work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert says in refusal(line, work, monkeypatch, capsys)


@pytest.mark.usefixtures("no_network")
def test_a_focus_outside_a_photo_of_a_batch_is_its_row(work: Path, tmp_path: Path) -> None:
    from depth3d.batch.process_photo import Job, Recipe
    from depth3d.scenes.options import Options, OutputOptions

    recipe = Recipe(
        options=Options.of(predictor="bundled"),
        output_options=OutputOptions.of(focus=(500.0, 3.0)),
        endings=(".gif",),
        kind=None,
        output=str(tmp_path),
    )
    row = recipe.make(Job(photo=str(work / "photo.png"), name="photo"))
    assert row.error is not None
    assert row.error.startswith("focus: the pixel 500,3 lies outside the 24x16 photo")


def test_every_command_that_writes_or_needs_something_is_tried() -> None:
    tried = {line.split()[0] for line in (*sum(MISSING.values(), []), *UNWRITABLE, *(line for line, _ in WRONG))}
    assert tried == set(cli.list_commands(None)) - {"doctor", "bench"}  # type: ignore[arg-type]
