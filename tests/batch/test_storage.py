"""Where photos lie and files go: what goes away, what was never there, and names that are no text."""

from __future__ import annotations

import errno
import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry
from in_process_engine import rows_in_this_process
from PIL import Image

from depth3d.batch import fetch
from depth3d.batch.find_photos import BatchWarning, find_photos
from depth3d.batch.manifest_row import Row
from depth3d.batch.process_photo import Job, Recipe
from depth3d.batch.run import Batch, Tally, run_batch
from depth3d.batch.storage import Folder
from depth3d.cli import run
from depth3d.core.errors import OutputError, PhotoError, StoreError
from depth3d.scenes.options import Options

WIDTH, HEIGHT = 24, 16


@pytest.fixture(autouse=True)
def _here_and_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("depth3d.batch.run.each_row_here", rows_in_this_process)
    monkeypatch.setattr(fetch.time, "sleep", lambda _: None)


@pytest.fixture
def options(tmp_path: Path) -> Options:
    path = tmp_path / "depth.npy"
    np.save(path, np.linspace(0.2, 1, WIDTH * HEIGHT, dtype=np.float32).reshape(HEIGHT, WIDTH))
    return Options.of(depth_map=path, fov_x_deg=60)


def photo_bytes(seed: int = 0) -> bytes:
    import io

    file = io.BytesIO()
    rgb = np.random.default_rng(seed).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    Image.fromarray(rgb).save(file, "PNG")
    return file.getvalue()


def folder_of(path: Path, count: int = 4) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (path / f"{number}.png").write_bytes(photo_bytes(number))
    return path


class Store(MemoryFileSystem):
    """A store with buckets, which makes them when asked for folders, as S3's does; its wire can be cut."""

    protocol = "s3"
    store: dict[str, Any] = {}
    pseudo_dirs: list[str] = [""]
    fails: list[Exception] = []
    """Raised one after the other by whoever fetches; the last one for ever."""
    gone = False

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return super()._strip_protocol(path.removeprefix("s3://"))

    def unstrip_protocol(self, name: str) -> str:
        """The URL of a path."""
        return f"s3://{name.lstrip('/')}"

    def get_file(self, rpath: str, lpath: str, **kwargs: Any) -> None:
        """Fetch, unless the wire is cut."""
        if Store.fails:
            raise Store.fails.pop(0) if len(Store.fails) > 1 else Store.fails[0]
        super().get_file(rpath, lpath, **kwargs)

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> Any:
        """List, unless the store has gone."""
        if Store.gone:
            raise ConnectionError("no route to host")
        return super().ls(path, detail=detail, **kwargs)


@pytest.fixture
def store() -> Iterator[type[Store]]:
    """A bucket "photos" with four photos."""
    fsspec.register_implementation("s3", Store, clobber=True)
    Store.clear_instance_cache()
    system = Store()
    Store.fails, Store.gone = [], False
    system.makedirs("photos")
    for number in range(4):
        system.pipe_file(f"/photos/{number}.png", photo_bytes(number))
    yield Store
    Store.store.clear()
    Store.pseudo_dirs[:] = [""]
    Store.fails, Store.gone = [], False
    _registry.pop("s3", None)


def rows_of(output: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (output / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]


def done(batch: Batch) -> Tally:
    return run_batch(batch)


@pytest.mark.skipif(os.name != "posix", reason="names of bytes are POSIX")
def test_a_name_that_is_no_text_is_a_photo_like_any_other(tmp_path: Path, options: Options) -> None:
    folder, output = folder_of(tmp_path / "photos", 1), tmp_path / "out"
    odd = os.fsencode(folder) + b"/caf\xe9.png"
    with open(odd, "wb") as file:  # noqa: PTH123 - pathlib takes no bytes
        file.write(photo_bytes(7))
    endings = (".png", ".ply", ".obj", ".glb", ".npz", ".html")
    batch = Batch(inputs=(str(folder),), output=str(output), options=options, endings=endings, same_view=True)
    tally = done(batch)
    assert (tally.done, tally.failed) == (2, 0)
    assert (os.fsencode(output) + b"/caf\xe9.ply") in [os.fsencode(file) for file in output.iterdir()]
    assert os.fsencode(rows_of(output)[1]["photo"]) == odd  # JSON escapes bring the name back, byte for byte
    assert done(batch).before == 2
    row = Row(photo=os.fsdecode(odd), recipe="1")
    assert Row.from_json(row.to_json()) == row
    assert row.to_json().encode("utf-8")


@pytest.mark.skipif(os.name != "posix", reason="names of bytes are POSIX")
def test_a_table_holds_names_that_are_no_text(tmp_path: Path, options: Options) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    folder = folder_of(tmp_path / "photos", 0)
    with open(os.fsencode(folder) + b"/caf\xe9.png", "wb") as file:  # noqa: PTH123
        file.write(photo_bytes(7))
    done(Batch(inputs=(str(folder),), output=str(tmp_path / "out"), options=options, table=True, same_view=True))
    table = pq.read_table(tmp_path / "out" / "manifest.parquet").to_pylist()
    assert table[0]["photo"].endswith(r"caf\udce9.png")
    assert table[0]["unreached"] is False


def test_a_failed_fetch_is_tried_again(store: type[Store], tmp_path: Path, options: Options) -> None:
    real, left = MemoryFileSystem.get_file, [TimeoutError("slow"), ConnectionResetError("reset")]

    def flaky(self: Store, rpath: str, lpath: str, **kwargs: Any) -> None:
        if left:
            raise left.pop(0)
        real(self, rpath, lpath, **kwargs)

    store.get_file, kept = flaky, store.get_file  # type: ignore[method-assign]
    try:
        tally = done(Batch(inputs=("s3://photos",), output=str(tmp_path / "out"), options=options, same_view=True))
    finally:
        store.get_file = kept  # type: ignore[method-assign]
    assert (tally.done, tally.failed) == (4, 0)


def test_a_store_that_goes_away_stops_the_batch_and_fails_no_photo(
    store: type[Store], tmp_path: Path, options: Options
) -> None:
    batch = Batch(inputs=("s3://photos",), output=str(tmp_path / "out"), options=options, same_view=True)

    def cut(row: Row, tally: Tally) -> None:
        if tally.done == 2:
            store.fails, store.gone = [ConnectionError("no route to host")], True

    with pytest.raises(StoreError, match="its store has gone: no route to host; run the same command again"):
        run_batch(batch, progress=cut)
    assert [row["error"] for row in rows_of(tmp_path / "out")] == [None, None]
    store.fails, store.gone = [], False
    tally = done(batch)
    assert (tally.before, tally.done, tally.failed) == (2, 2, 0)


def test_one_photo_that_cannot_be_reached_is_tried_again_by_the_next_run(
    store: type[Store], tmp_path: Path, options: Options
) -> None:
    store.fails = [TimeoutError("slow")]
    batch = Batch(inputs=("s3://photos/1.png",), output=str(tmp_path / "out"), options=options, same_view=True)
    assert done(batch).failed == 1
    (row,) = rows_of(tmp_path / "out")
    assert row["unreached"]
    assert row["error"] == "s3://photos/1.png: cannot be fetched: slow"
    store.fails = []
    tally = done(batch)
    assert (tally.done, tally.failed) == (1, 0)


def test_permission_for_one_photo_is_its_own_fault(store: type[Store], tmp_path: Path, options: Options) -> None:
    store.fails = [PermissionError(errno.EACCES, "Forbidden")]
    batch = Batch(inputs=("s3://photos/1.png",), output=str(tmp_path / "out"), options=options, same_view=True)
    assert done(batch).failed == 1
    assert not rows_of(tmp_path / "out")[0]["unreached"]


def test_a_folder_that_is_pulled_out_stops_the_batch(tmp_path: Path, options: Options) -> None:
    folder, output = folder_of(tmp_path / "disk" / "photos"), tmp_path / "out"
    batch = Batch(inputs=(str(folder),), output=str(output), options=options, same_view=True)

    def pull_out(row: Row, tally: Tally) -> None:
        shutil.rmtree(folder, ignore_errors=True)

    with pytest.raises(StoreError, match="the folder has gone; run the same command again"):
        run_batch(batch, progress=pull_out)
    assert [row["error"] for row in rows_of(output)] == [None]
    folder_of(folder)
    assert done(batch).done == 3


def test_a_photo_that_was_deleted_is_tried_again_by_the_next_run(tmp_path: Path, options: Options) -> None:
    folder, output = folder_of(tmp_path / "photos"), tmp_path / "out"
    batch = Batch(inputs=(str(folder),), output=str(output), options=options, same_view=True)
    run_batch(batch, progress=lambda row, tally: (folder / "3.png").unlink(missing_ok=True))
    assert [row["unreached"] for row in rows_of(output)] == [False, False, False, True]
    folder_of(folder)
    assert (done(batch).done, len(rows_of(output))) == (1, 4)


def test_a_disk_that_fails_stops_the_batch(tmp_path: Path, options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = folder_of(tmp_path / "photos") / "0.png"

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    recipe = Recipe(output=str(tmp_path / "out"), endings=(".png",), kind=None, options=options)
    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(StoreError, match="Input/output error"):
        recipe.make(Job(str(photo), "0"))


def test_a_mistyped_bucket_is_not_made(store: type[Store], tmp_path: Path, options: Options) -> None:
    batch = Batch(inputs=("s3://photos",), output="s3://photoz/out", options=options, same_view=True)
    with pytest.raises(OutputError, match="there is no bucket photoz; correct its name or create it"):
        run_batch(batch)
    assert not store().exists("photoz")
    assert done(Batch(inputs=("s3://photos",), output="s3://photos/out", options=options, same_view=True)).done == 4
    assert "/photos/out/0.png" in store.store


@pytest.mark.parametrize("content", [b"PK\x03\x04nonsense" * 20, None, b""], ids=["damaged", "not there", "empty"])
@pytest.mark.parametrize("url", ["zip://*.png::{}", "zip://::{}"])
def test_a_zip_that_is_none_is_one_line(
    content: bytes | None, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.zip"
    if content is not None:
        path.write_bytes(content)
    assert run(["batch", url.format(path), "-o", str(tmp_path / "out"), "--predictor", "bundled"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("depth3d: zip://")
    assert "cannot be opened" in line


def test_a_good_zip_is_read(tmp_path: Path, options: Options) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("in/a.png", photo_bytes())
    batch = Batch(inputs=(f"zip://::{tmp_path}/a.zip",), output=str(tmp_path / "out"), options=options, same_view=True)
    assert done(batch).done == 1


def closed(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """A folder without permission, which root has everywhere."""
    scandir = os.scandir

    def refuse(path: Any = ".") -> Any:
        if os.fspath(path) == str(folder):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)


def test_an_unreadable_folder_is_said_to_be_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_of(tmp_path / "photos")
    closed(monkeypatch, folder)
    with pytest.raises(StoreError, match="photos: cannot be read: Permission denied"):
        find_photos([str(folder)], output=Folder(str(tmp_path / "out")))


def test_an_unreadable_folder_below_is_told_and_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_of(tmp_path / "photos")
    closed(monkeypatch, folder_of(folder / "lost+found"))
    with pytest.warns(BatchWarning, match=r"lost\+found: cannot be read and is left out: Permission denied"):
        found = find_photos([str(folder)], output=Folder(str(tmp_path / "out")))
    assert len(found) == 4


def test_what_is_neither_file_nor_folder(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(PhotoError, match="neither a file nor a folder"):
        find_photos([str(tmp_path / "a.png")], output=Folder(str(tmp_path / "out")))


def test_an_output_that_cannot_be_is_found_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_of(tmp_path / "photos")
    (tmp_path / "file").write_bytes(b"")

    def fetch(*_: object, **__: object) -> None:
        raise AssertionError("the network was fetched first")

    monkeypatch.setattr("depth3d.batch.run.fetch_weights", fetch)
    with pytest.raises(OutputError, match="file is not a folder"):
        run_batch(Batch(inputs=(str(tmp_path / "photos"),), output=str(tmp_path / "file" / "out")))
