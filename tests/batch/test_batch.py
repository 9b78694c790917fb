"""Many photos: every one once in the manifest, whatever happens to the run, to a photo, or to a worker."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from conftest import wait_until
from in_process_engine import rows_in_this_process
from PIL import Image

from depth3d.batch.find_photos import find_photos, to_jobs
from depth3d.batch.local import each_row_here
from depth3d.batch.manifest import Manifest
from depth3d.batch.manifest_row import Fit, Output, Row
from depth3d.batch.process_photo import Job, Recipe, recipe_digits
from depth3d.batch.run import Batch, run_batch
from depth3d.batch.storage import Folder
from depth3d.cli import run
from depth3d.core.errors import EngineError, MissingExtraError, OutputError, PhotoError, UsageError
from depth3d.scale import CameraHeight, DistanceAt, Nearest
from depth3d.scenes.options import Options

WIDTH, HEIGHT = 24, 16


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Six photos in two folders, two of which only their suffix tells apart, a broken one, and what is no photo."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    for number, name in enumerate(("a.jpg", "b.png", "b.webp", "sub/a.jpg", "sub/c.bmp")):
        save_photo(folder / name, number)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more than this")
    (folder / "notes.txt").write_text("no photo")
    (folder / ".hidden.jpg").write_bytes(b"no photo either")
    return folder


@pytest.fixture
def options(tmp_path: Path) -> Options:
    """Depth without a network, so that a photo takes milliseconds."""
    path = tmp_path / "depth.npy"
    np.save(path, np.linspace(0.2, 1, WIDTH * HEIGHT, dtype=np.float32).reshape(HEIGHT, WIDTH))
    return Options.of(depth_map=path, fov_x_deg=60)


@pytest.fixture
def memory() -> Iterator[Any]:
    """A store that is no folder of this machine, and cannot add to a file."""
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


@pytest.fixture(autouse=True)
def _in_this_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only tests that are about processes, which ask for `processes`, have some."""
    if "processes" not in request.fixturenames:
        monkeypatch.setattr("depth3d.batch.run.each_row_here", rows_in_this_process)


@pytest.fixture
def processes() -> None:
    """The real engine."""


def save_photo(path: Path, seed: int) -> None:
    """A small photo that differs from others."""
    rgb = np.random.default_rng(seed).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    Image.fromarray(rgb).save(path)


def rows_of(output: Path) -> list[dict[str, Any]]:
    """The manifest as whoever knows nothing of depth3d reads it."""
    return [json.loads(line) for line in (output / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]


def whole(output: Path) -> list[str]:
    """Names of the photos that are done; each exactly once, its files there and readable."""
    rows = rows_of(output)
    names = [row["photo"] for row in rows]
    assert len(names) == len(set(names))
    for row in rows:
        assert bool(row["error"]) != bool(row["outputs"])
        for told in row["outputs"]:
            file = output / told["file"]
            assert file.stat().st_size == told["bytes"]
            if file.suffix == ".png":
                assert np.asarray(Image.open(file)).shape == (HEIGHT, WIDTH)
    assert not list(output.rglob("*.part"))
    return names


@pytest.mark.usefixtures("processes")
def test_every_photo_gets_its_files_and_its_row(photos: Path, options: Options, tmp_path: Path) -> None:
    output = tmp_path / "out"
    seen = []
    batch = Batch(
        inputs=(str(photos),),
        output=str(output),
        options=options,
        endings=(".ply", "_depth.png"),
        workers=2,
        same_view=True,
    )
    tally = run_batch(batch, progress=lambda row, tally: seen.append((row.photo, tally.done + tally.failed)))
    assert (tally.photos, tally.before, tally.done, tally.failed) == (6, 0, 5, 1)
    assert [count for _, count in seen] == [1, 2, 3, 4, 5, 6]
    assert sorted(whole(output)) == sorted(str(photos / name) for name in PHOTOS)
    # Two that only their suffix tells apart keep it.
    assert {path.relative_to(output).as_posix() for path in output.rglob("*.ply")} == {
        *("a.ply", "b.png.ply", "b.webp.ply", "sub/a.ply", "sub/c.ply")
    }
    failed = next(row for row in rows_of(output) if row["error"])
    assert failed["photo"] == str(photos / "broken.jpg")
    assert "damaged" in failed["error"]
    done = next(row for row in rows_of(output) if row["photo"].endswith("sub/c.bmp"))
    assert (done["width"], done["height"], done["fov_x_deg"]) == (WIDTH, HEIGHT, 60)
    assert [told["file"] for told in done["outputs"]] == [
        *("sub/c.ply", "sub/c.ply.json", "sub/c_depth.png", "sub/c_depth.png.json")
    ]
    assert "60 degrees" in done["camera"] or "field of view" in done["camera"]
    assert done["fit"]["unit"] == "arbitrary"
    assert done["seconds"] > 0


PHOTOS = ("a.jpg", "b.png", "b.webp", "broken.jpg", "sub/a.jpg", "sub/c.bmp")


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"hints": (DistanceAt(4, 3, 3.0),)}, "the hint 4,3=3m is for pixels of one photo, and there are 6"),
        ({"hints": (CameraHeight(1.6, horizon_v=7.0),)}, r"the hint camera height 1\.6m is for pixels"),
        ({"points": (Path("points.csv"),)}, r"the points points\.csv are for pixels of one photo"),
        ({"hints_files": (Path("hints.json"),)}, r"the hint 4,3=3m of hints\.json is for pixels"),
        ({"depth_map": Path("depth.npy")}, r"the depth map depth\.npy is of one photo"),
    ],
)
def test_what_is_known_about_pixels_of_one_photo_is_not_put_into_others(
    photos: Path, tmp_path: Path, chosen: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hints.json").write_text(json.dumps([{"kind": "at", "u": 4, "v": 3, "metres": 3.0}]))
    batch = Batch(inputs=(str(photos),), output=str(tmp_path / "out"), options=Options.of(**chosen), workers=1)
    with pytest.raises(UsageError, match=f"{words}.*--same-view"):
        run_batch(batch)
    assert not (tmp_path / "out" / "manifest.jsonl").exists()


def test_hints_without_pixels_hold_in_every_photo(photos: Path, options: Options, tmp_path: Path) -> None:
    for path in photos.rglob("*.*"):
        np.save(tmp_path / f"{path.stem}.npy", np.load(str(options.depth.depth_map)))
    options = options.changed(depth_map=tmp_path / "{name}.npy", hints=(Nearest(2.0), CameraHeight(1.6)))
    tally = run_batch(Batch(inputs=(str(photos),), output=str(tmp_path / "out"), options=options, workers=1))
    assert (tally.photos, tally.failed) == (6, 1)


def test_it_is_export_for_many(photos: Path, options: Options, tmp_path: Path) -> None:
    """The same bytes as one photo at a time."""
    from depth3d.scenes.photo import reconstruct

    row = recipe(tmp_path / "out", options).make(Job(str(photos / "a.jpg"), "a"))
    assert row.error is None
    reconstruct(photos / "a.jpg", options=options).save(tmp_path / "one.png")
    assert (tmp_path / "out" / "a.png").read_bytes() == (tmp_path / "one.png").read_bytes()


def test_a_second_run_does_what_is_missing_and_nothing_else(photos: Path, options: Options, tmp_path: Path) -> None:
    output = tmp_path / "out"
    batch = Batch(inputs=(str(photos),), output=str(output), options=options, workers=1, same_view=True)
    run_batch(batch)
    times = {path: path.stat().st_mtime_ns for path in output.rglob("*.png")}
    save_photo(photos / "new.jpg", 9)
    (output / "a.png").write_bytes(b"cut")  # as a disk that was pulled out may leave it
    with (output / "manifest.jsonl").open("ab") as file:
        file.write(b'{"photo": "cut off')
    seen: list[str] = []
    tally = run_batch(batch, progress=lambda row, _: seen.append(Path(row.photo).name))
    assert (tally.before, tally.done, tally.failed) == (5, 2, 1)
    assert sorted(seen) == ["a.jpg", "new.jpg"]
    changed = {path.name for path, then in times.items() if path.stat().st_mtime_ns != then}
    assert changed == {"a.png"}
    assert len(whole(output)) == 7


def test_failed_photos_are_tried_again_only_when_asked(photos: Path, options: Options, tmp_path: Path) -> None:
    output = tmp_path / "out"
    batch = Batch(inputs=(str(photos),), output=str(output), options=options, workers=1, same_view=True)
    run_batch(batch)
    save_photo(photos / "broken.jpg", 7)
    assert run_batch(batch).failed == 1
    tally = run_batch(replace(batch, retry=True))
    assert (tally.before, tally.done, tally.failed) == (5, 1, 0)
    assert len(whole(output)) == 6


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"options": Options.of(fov_x_deg=70)}, "other options"),
        ({"endings": (".npy",)}, "other options"),
    ],
)
def test_one_folder_holds_one_batch(
    photos: Path, options: Options, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    batch = Batch(
        inputs=(str(photos / "a.jpg"),), output=str(tmp_path / "out"), options=options, workers=1, same_view=True
    )
    run_batch(batch)
    if "options" in change:
        change["options"] = change["options"].changed(depth_map=options.depth.depth_map)
    with pytest.raises(UsageError, match=words):
        run_batch(replace(batch, **change))
    with pytest.raises(UsageError, match="of another photo"):
        run_batch(replace(batch, inputs=(str(photos / "sub"),)))
    assert run_batch(replace(batch, **change, force=True)).done == 1
    assert len(whole(tmp_path / "out")) == 1


def test_threads_and_workers_make_no_other_batch(tmp_path: Path, options: Options) -> None:
    one = recipe(tmp_path, options)
    assert recipe_digits(one) == recipe_digits(replace(one, options=options.changed(threads=3)))
    assert recipe_digits(one) != recipe_digits(replace(one, network="bundled"))


def test_foreign_files_are_not_overwritten(photos: Path, options: Options, tmp_path: Path) -> None:
    output = tmp_path / "out"
    output.mkdir()
    (output / "a.png").write_bytes(b"mine")
    batch = Batch(inputs=(str(photos),), output=str(output), options=options, workers=1, same_view=True)
    with pytest.raises(OutputError, match=r"a\.png exists already"):
        run_batch(batch)
    assert [path.name for path in output.iterdir()] == ["a.png"]
    with pytest.raises(UsageError, match="the photos lie in"):
        run_batch(replace(batch, output=str(photos), force=True))


def test_a_disk_that_is_full_ends_the_batch_and_loses_nothing(
    photos: Path, options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out"
    (output / "sub").mkdir(parents=True)
    blocked = output / "sub" / "a.png"
    blocked.mkdir()  # stands for any failure to write
    batch = Batch(inputs=(str(photos),), output=str(output), options=options, workers=1, same_view=True)
    with pytest.raises(OutputError, match="it is a folder"):
        run_batch(batch)
    blocked.rmdir()
    tally = run_batch(batch)
    assert tally.before == 4
    assert (tally.done, tally.failed) == (2, 1)
    assert len(whole(output)) == 6


def test_two_runs_cannot_write_one_manifest(tmp_path: Path) -> None:
    with Manifest(Folder(str(tmp_path)), "12345678"), pytest.raises(UsageError, match="another depth3d batch"):
        Manifest(Folder(str(tmp_path)), "12345678")


def test_a_photo_that_kills_its_worker_is_named_and_ends_nothing(tmp_path: Path, options: Options) -> None:
    """The others that were under way are done after all."""
    for number in range(8):
        save_photo(tmp_path / f"{number}.png", number)
    jobs = [Job(str(tmp_path / f"{number}.png"), str(number)) for number in range(8)]
    deadly = DeadlyRecipe(output=str(tmp_path / "out"), endings=(".png",), kind=None, options=options)
    rows = {Path(row.photo).stem: row for row in each_row_here(jobs, deadly, workers=2)}
    assert sorted(rows) == [str(number) for number in range(8)]
    assert [stem for stem, row in sorted(rows.items()) if row.error] == ["3"]
    assert "died" in str(rows["3"].error)


class DeadlyRecipe(Recipe):
    """Photo 3 ends the process that looks at it, as running out of memory does."""

    def make(self, job: Job) -> Row:
        if job.name == "3":
            os.kill(os.getpid(), signal.SIGKILL)
        return Recipe.make(self, job)


def test_a_worker_of_another_version_refuses(tmp_path: Path, options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = recipe(tmp_path, options).to_bytes()
    assert Recipe.from_bytes(packed).options == options
    # A version whose options stand in another order takes one for the other.
    other = Options.__slots__[1::-1] + Options.__slots__[2:]  # type: ignore[attr-defined]
    monkeypatch.setattr(Options, "__setstate__", lambda self, state: set_slots(self, other, state))
    with pytest.raises(EngineError, match="not of one version"):
        Recipe.from_bytes(packed)


def set_slots(value: object, names: tuple[str, ...], state: list[object]) -> None:
    for name, one in zip(names, state, strict=True):
        object.__setattr__(value, name, one)


def test_errors_travel_between_processes() -> None:
    error = MissingExtraError("a cluster", "ray", "ray")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert str(pickle.loads(pickle.dumps(PhotoError("a\x01\nb")))) == "a\\x01 b"


def test_a_fault_of_ours_is_a_row_too(
    photos: Path, tmp_path: Path, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object, **__: object) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr("depth3d.batch.process_photo.reconstruct", fault)
    row = recipe(tmp_path / "out", options).make(Job(str(photos / "a.jpg"), "a"))
    assert row.error is not None
    assert row.error.startswith("ZeroDivisionError: on purpose")


def test_killed_at_any_moment_and_taken_up_again(tmp_path: Path, options: Options) -> None:
    """The command itself, killed with all its workers left behind."""
    folder, output = tmp_path / "photos", tmp_path / "out"
    folder.mkdir()
    for number in range(60):
        save_photo(folder / f"{number:02d}.jpg", number)
    assert options.depth.depth_map is not None
    arguments = ["batch", str(folder), "-o", str(output), "--depth-map", str(options.depth.depth_map), "--workers", "2"]
    arguments.append("--same-view")
    command = [sys.executable, "-c", COMMAND, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    manifest = output / "manifest.jsonl"
    has_begun = lambda: manifest.exists() and manifest.read_bytes().count(b"\n") >= 5  # noqa: E731
    wait_until(has_begun, "the batch never wrote five rows")
    process.kill()
    process.wait()
    assert 5 <= manifest.read_bytes().count(b"\n") < 60
    assert subprocess.run(command, capture_output=True, check=True).stdout.decode().startswith(f"{output}/manifest")
    assert sorted(whole(output)) == sorted(str(path) for path in folder.iterdir())


COMMAND = "if __name__ == '__main__':\n    from depth3d.cli import main\n    main()"


def recipe(output: Path, options: Options) -> Recipe:
    """Depth as PNG."""
    return Recipe(output=str(output), endings=(".png",), kind=None, options=options)


def test_photos_from_an_archive(photos: Path, options: Options, tmp_path: Path) -> None:
    """Any URL that fsspec knows, one inside another too."""
    archive = tmp_path / "photos.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name in PHOTOS:
            file.write(photos / name, name)
    output = tmp_path / "out"
    batch = Batch(
        inputs=(f"zip://**/*.jpg::{archive}",), output=f"file://{output}", options=options, workers=1, same_view=True
    )
    tally = run_batch(batch)
    assert (tally.done, tally.failed) == (2, 1)
    assert sorted(whole(output)) == [f"zip://{name}::{archive}" for name in ("a.jpg", "broken.jpg", "sub/a.jpg")]
    assert sorted(path.relative_to(output).as_posix() for path in output.rglob("*.png")) == ["a.png", "sub/a.png"]
    reason = next(row["error"] for row in rows_of(output) if row["error"])
    assert reason.startswith("broken.jpg: ")
    assert run_batch(batch).before == 3


def test_files_go_to_a_store(photos: Path, options: Options, memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store knows whole objects only, so the manifest is written in parts, which become one in the end."""
    monkeypatch.setattr("depth3d.batch.manifest._SECONDS_PER_PART", 0.0)
    for name in PHOTOS:
        memory.pipe_file(f"/bucket/in/{name}", (photos / name).read_bytes())
    batch = Batch(
        inputs=("memory://bucket/in",), output="memory://bucket/out", options=options, endings=(".npy",), same_view=True
    )

    def pull_the_plug(row: Row, tally: Any) -> None:
        if tally.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_batch(batch, progress=pull_the_plug)
    tally = run_batch(batch)
    assert tally.before + tally.done + (tally.failed if tally.before < 4 else 0) >= 6
    names = {path.removeprefix("/bucket/out/") for path in memory.find("/bucket/out")}
    assert names == {
        "manifest.jsonl",
        *(f"{stem}.npy{end}" for stem in ("a", "b.png", "b.webp", "sub/a", "sub/c") for end in ("", ".json")),
    }
    rows = [json.loads(line) for line in memory.cat_file("/bucket/out/manifest.jsonl").decode().splitlines()]
    assert sorted(row["photo"] for row in rows) == [f"memory:///bucket/in/{name}" for name in PHOTOS]
    for row in rows:
        for told in row["outputs"]:
            assert memory.size(f"/bucket/out/{told['file']}") == told["bytes"]
    with pytest.raises(UsageError, match=r"depth_params\.json"):
        run_batch(replace(batch, endings=(".png",), kind="3dgs"))


def test_globs_folders_and_what_is_no_photo(photos: Path, tmp_path: Path) -> None:
    out = Folder(str(photos / "out"))

    def below(*inputs: str) -> list[str]:
        return [found.below.as_posix() for found in find_photos(inputs, output=out)]

    assert below(str(photos)) == list(PHOTOS)
    assert below(f"{photos}/*.jpg") == ["a.jpg", "broken.jpg"]
    assert below(f"{photos}/**/a.jpg") == ["a.jpg", "sub/a.jpg"]
    assert below(f"{photos}/notes.txt") == ["notes.txt"]  # who names a file means it
    (photos / "out").mkdir()
    save_photo(photos / "out" / "depth.png", 1)
    assert below(str(photos)) == list(PHOTOS)
    (photos / "[1].jpg").write_bytes(b"x")
    assert below(f"{photos}/[1].jpg") == ["[1].jpg"]
    with pytest.raises(PhotoError, match="no photo is there"):
        below(str(tmp_path / "nothing"))
    with pytest.raises(UsageError, match="nosuch"):
        below("nosuch://bucket/photos")


def test_two_photos_for_one_file_are_refused(photos: Path, options: Options, tmp_path: Path) -> None:
    found = find_photos([str(photos / "a.jpg"), str(photos / "sub")], output=Folder(str(tmp_path / "out")))
    with pytest.raises(UsageError, match=r"would both write a\.jpg|would both write a\.png"):
        to_jobs(found, recipe(tmp_path / "out", options))


def test_a_row_is_what_was_written() -> None:
    row = Row(
        photo="ä b.jpg",
        recipe="12345678",
        outputs=(Output("a.ply", 12),),
        fit=Fit(0.5, 0.1, "m", 2),
        notes=("one", "two"),
    )
    assert Row.from_json(row.to_json()) == row
    assert "ä b.jpg" in row.to_json()
    for line in ("", "{", "[]", "{}", '{"photo": 1}', '{"photo": "a", "recipe": "b", "outputs": [{"x": 1}]}'):
        with pytest.raises(ValueError, match=r"row|line|char"):
            Row.from_json(line)


def test_the_manifest_as_a_table(photos: Path, options: Options, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    output = tmp_path / "out"
    run_batch(Batch(inputs=(str(photos),), output=str(output), options=options, workers=1, same_view=True, table=True))
    assert pq.read_table(output / "manifest.parquet").to_pylist() == rows_of(output)


@pytest.mark.parametrize(("engine", "table", "package"), [("ray", False, "ray"), ("local", True, "pyarrow")])
def test_missing_packages_are_named(
    photos: Path,
    options: Options,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    engine: Any,
    table: bool,
    package: str,
) -> None:
    for name in ("ray", "pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    batch = Batch(
        inputs=(str(photos),), output=str(tmp_path / "out"), options=options, engine=engine, table=table, same_view=True
    )
    with pytest.raises(MissingExtraError, match=rf"{package}.*depth3d\[ray\]"):
        run_batch(batch)


def test_the_command(
    photos: Path, options: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = [
        "batch",
        "photos",
        "-o",
        "out",
        "--depth-map",
        "depth.npy",
        "--near",
        "1m",
        "--workers",
        "1",
        "--same-view",
    ]
    assert run(arguments) == 0
    told = capsys.readouterr()
    assert told.out.startswith("out/manifest.jsonl: 6 photos, 5 done in ")
    assert told.out.endswith("1 failed\n")
    assert "broken.jpg: the picture is damaged" in told.err
    assert run(arguments) == 0
    assert "0 done in" in capsys.readouterr().out
    assert run(["batch", "photos/broken.jpg", "-o", "none", "--depth-map", "depth.npy", "--workers", "1"]) == 1
    assert "none of 1 photos could be done" in capsys.readouterr().err
    assert run([*arguments[:3], "other", "--write", ".xyzw"]) == 2
    assert run([*arguments[:3], "other", "--write", "/a.ply"]) == 2
