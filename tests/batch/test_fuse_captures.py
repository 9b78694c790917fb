"""Many captures, one after the other: rows, and what is done again."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from depth3d.batch.captures_at_once import in_processes
from depth3d.batch.fuse_captures import ROWS_NAME, CaptureRow, fuse_captures
from depth3d.core.errors import EngineError, GeometryError, UsageError, WeightsError


@pytest.fixture
def sources(tmp_path: Path) -> list[Path]:
    folders = [tmp_path / "scans" / name for name in ("hall", "attic", "cellar")]
    for folder in folders:
        folder.mkdir(parents=True)
    return folders


class _Maker:
    """Writes a file for each capture but one, and counts."""

    def __init__(self, fails: str = "attic") -> None:
        self.fails, self.made = fails, list[str]()

    def __call__(self, source: Path, folder: Path) -> CaptureRow:
        self.made.append(source.name)
        if source.name == self.fails:
            raise GeometryError("the camera only turned;\n walk")
        (folder / "room.glb").write_bytes(b"mesh")
        left_out = (("a.jpg", "blurred"),)
        return CaptureRow(place="", source="", files=("room.glb",), photos=7, left_out=left_out, notes=("said",))


def test_each_capture_has_its_folder_and_its_row(sources: list[Path], tmp_path: Path) -> None:
    rows = fuse_captures(sources, tmp_path / "out", _Maker(), recipe="1")
    assert [row.place for row in rows] == ["hall", "attic", "cellar"]
    assert [row.error for row in rows] == [None, "the camera only turned; walk", None]
    assert (tmp_path / "out" / "cellar" / "room.glb").is_file()
    lines = [json.loads(line) for line in (tmp_path / "out" / ROWS_NAME).read_text().splitlines()]
    assert lines[0]["photos"] == 7
    assert lines[0]["left_out"] == [["a.jpg", "blurred"]]
    assert lines[1]["files"] == []


def test_several_at_once_give_the_same_rows(sources: list[Path], tmp_path: Path) -> None:
    told: list[str] = []
    rows = fuse_captures(
        sources,
        tmp_path / "out",
        _Maker(),
        recipe="1",
        at_once=in_processes(2),
        told=lambda row: told.append(row.place),
    )
    alone = fuse_captures(sources, tmp_path / "alone", _Maker(), recipe="1")
    assert [replace(row, seconds=0) for row in rows] == [replace(row, seconds=0) for row in alone]
    assert sorted(told) == ["attic", "cellar", "hall"]
    assert (tmp_path / "out" / "hall" / "room.glb").is_file()
    told.clear()
    again = fuse_captures(sources, tmp_path / "out", _Maker(fails=""), recipe="1", at_once=in_processes(2),
                        told=lambda row: told.append(row.place))  # fmt: skip
    assert told == ["hall", "cellar", "attic"]
    assert all(row.error is None for row in again)


def test_a_worker_that_dies_ends_the_run_and_keeps_what_is_done(sources: list[Path], tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="fewer --workers"):
        fuse_captures(sources[:1], tmp_path / "out", _die, recipe="1", at_once=in_processes(1))


def _die(source: Path, folder: Path) -> CaptureRow:
    os._exit(1)


def test_what_failed_or_is_gone_is_done_again_and_nothing_else(sources: list[Path], tmp_path: Path) -> None:
    first = fuse_captures(sources, tmp_path / "out", _Maker(), recipe="1")
    (tmp_path / "out" / "cellar" / "room.glb").unlink()
    maker = _Maker(fails="")
    rows = fuse_captures(sources, tmp_path / "out", maker, recipe="1")
    assert maker.made == ["attic", "cellar"]
    assert rows[0] == first[0]
    assert all(row.error is None for row in rows)
    assert len((tmp_path / "out" / ROWS_NAME).read_text().splitlines()) == 3
    fuse_captures(sources, tmp_path / "out", maker, recipe="1", force=True)
    assert maker.made[2:] == ["hall", "attic", "cellar"]


def test_rows_stay_when_the_run_ends_in_the_middle(sources: list[Path], tmp_path: Path) -> None:
    def make(source: Path, folder: Path) -> CaptureRow:
        if source.name == "attic":
            raise WeightsError("damaged weights")
        return _Maker()(source, folder)

    with pytest.raises(WeightsError):
        fuse_captures(sources, tmp_path / "out", make, recipe="1")
    assert [json.loads(line)["place"] for line in (tmp_path / "out" / ROWS_NAME).read_text().splitlines()] == ["hall"]


def test_what_cannot_be_told_apart_is_refused(sources: list[Path], tmp_path: Path) -> None:
    (tmp_path / "more" / "hall").mkdir(parents=True)
    with pytest.raises(UsageError, match="2 captures are called hall"):
        fuse_captures([*sources, tmp_path / "more" / "hall"], tmp_path / "out", _Maker(), recipe="1")
    fuse_captures(sources, tmp_path / "out", _Maker(), recipe="1")
    with pytest.raises(UsageError, match="made with other options.*--force"):
        fuse_captures(sources, tmp_path / "out", _Maker(), recipe="2")
    (tmp_path / "out" / ROWS_NAME).write_text("[1]\n")
    with pytest.raises(UsageError, match="no row of a place"):
        fuse_captures(sources, tmp_path / "out", _Maker(), recipe="1")
