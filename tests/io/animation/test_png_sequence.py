"""Animations as numbered files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from depth3d.core.errors import OutputError, UsageError
from depth3d.core.images import Animation
from depth3d.io.registry import first_frame, is_sequence
from depth3d.io.save import files_for, save

FRAMES = [np.full((6, 8, 3), level, np.uint8) for level in (10, 20, 30)]


def animation(frames: list[NDArray[np.uint8]] = FRAMES) -> Animation:
    return Animation(lambda: iter(frames), len(frames), 25)


@pytest.mark.parametrize(
    ("path", "names"), [("shots", "000{}.png"), ("shots/f_%02d.png", "f_0{}.png"), ("%d.png", "{}.png")]
)
def test_frames_become_numbered_files(tmp_path: Path, path: str, names: str) -> None:
    folder = save(animation(), tmp_path / path, notes={"photo": "a.jpg"})
    assert sorted(file.name for file in folder.iterdir()) == [names.format(n) for n in (1, 2, 3)]
    for number, frame in enumerate(FRAMES, start=1):
        with Image.open(folder / names.format(number)) as image:
            np.testing.assert_array_equal(np.asarray(image), frame)
            assert image.info["depth3d:photo"] == "a.jpg"


def test_which_paths_are_sequences() -> None:
    assert [is_sequence(Path(p)) for p in ("a", "a/%04d.png", "a.gif", "100%.png")] == [True, True, False, False]
    assert first_frame(Path("a/x%03d.png")) == Path("a/x001.png")
    for wrong in ("%d_%d.png", "%04d.gif", "%d%%.png"):
        with pytest.raises(UsageError, match="a folder, or a pattern"):
            first_frame(Path(wrong))


def test_what_is_checked_beforehand(tmp_path: Path) -> None:
    assert files_for(tmp_path / "new", "Animation") == (tmp_path / "new",)
    assert files_for(tmp_path / "%02d.png", "Animation") == (tmp_path / "01.png",)


def test_existing_files_stay_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "0002.png").write_text("mine")
    with pytest.raises(OutputError, match=r"0002\.png exists already"):
        save(animation(), tmp_path / "%04d.png")
    assert [file.name for file in tmp_path.iterdir()] == ["0002.png"]
    save(animation(), tmp_path / "%04d.png", force=True)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_break_leaves_no_frame(tmp_path: Path) -> None:
    def frames() -> Iterator[NDArray[np.uint8]]:
        yield FRAMES[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save(Animation(frames, 3, 25), tmp_path / "%04d.png")
    assert list(tmp_path.iterdir()) == []


def test_missing_folders_are_made(tmp_path: Path) -> None:
    save(animation(), tmp_path / "new" / "deep" / "%04d.png")
    assert (tmp_path / "new" / "deep" / "0001.png").is_file()
