from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depth3d.core.errors import UsageError
from depth3d.lab.bench import file_writers
from depth3d.lab.bench.benchmark_frame import SIZE, frame_of
from depth3d.lab.bench.file_writers import cloud_files, mesh_files
from depth3d.lab.bench.timing import Figure, Row, Section, race, to_table


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (90, 70, 3)).astype(np.uint8)
    pixels[:45] //= 4
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_the_frame_is_the_photos_middle_with_depth_everywhere(photo: Path) -> None:
    frame = frame_of(photo, size=(64, 32))
    assert frame.rgb.shape == (32, 64, 3)
    assert frame.depth.size == frame.camera.size == (64, 32)
    assert np.isfinite(frame.depth.z).all()
    assert frame.rgb[:12].mean() * 2 < frame.rgb[20:].mean()  # the dark half is on top, its border in the middle
    assert SIZE == (1920, 1080)


def test_every_way_is_timed_and_every_promise_stated(photo: Path, tmp_path: Path) -> None:
    frame = frame_of(photo, size=(64, 48))
    cloud, mesh = cloud_files(frame, tmp_path, rounds=1), mesh_files(frame, tmp_path, rounds=1)
    assert {row.name for row in cloud.rows} >= {"depth3d", "trimesh", "ndarray.tofile, the same bytes"}
    assert {row.name for row in mesh.rows} >= {"depth3d", "depth3d, index tiles", "depth3d, compact", "trimesh"}
    assert all(row.seconds > 0 and row.size > 1000 for row in (*cloud.rows, *mesh.rows))
    assert "3,072 points" in cloud.title
    assert len(mesh.figures) >= 4
    plain, ours = cloud.row("ndarray.tofile, the same bytes"), cloud.row("depth3d")
    assert plain is not None
    assert ours is not None
    assert plain.size == ours.size


def test_what_is_not_installed_is_said_and_not_judged(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_writers, "find_open3d", lambda: None)
    section = cloud_files(frame_of(photo, size=(64, 48)), tmp_path, rounds=1)
    assert section.row("Open3D, legacy") is None
    assert not any("Open3D" in figure.what for figure in section.figures)
    assert "Open3D is not installed" in section.remarks[0]


def test_a_race_takes_turns_and_cleans_up(tmp_path: Path) -> None:
    order: list[str] = []

    def work(name: str, size: int) -> object:
        def write(path: Path) -> None:
            assert not path.exists()
            path.write_bytes(b"x" * size)
            order.append(name)

        return write

    rows = race({"a": work("a", 3), "b": work("b", 5)}, tmp_path, ".bin", rounds=2)  # type: ignore[dict-item]
    assert [(row.name, row.size) for row in rows] == [("a", 3), ("b", 5)]
    assert order == ["a", "b"] * 3
    assert not list(tmp_path.iterdir())
    with pytest.raises(UsageError, match="at least one round"):
        race({}, tmp_path, ".bin", rounds=0)


def test_a_promise_that_does_not_hold_is_called_so() -> None:
    fast, slow = Figure("speed", 7, 6, at_least=True), Figure("speed", 5, 6, at_least=True)
    small, large = Figure("size", 80, 90, at_least=False, unit=" %"), Figure("size", 95, 90, at_least=False, unit=" %")
    assert [one.is_met for one in (fast, slow, small, large)] == [True, False, True, False]
    table = to_table((Section("work", (Row("a", 0.25, 1_500_000),), (fast, large), ("a remark",)),))
    assert "a                                        250.0 ms      1.50 MB" in table
    assert "7.00x  >= 6x     ok" in table
    assert "95.00 %  <= 90 %   NOT MET" in table
    assert "  a remark" in table
