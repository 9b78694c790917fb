"""Temporary folders of processes that were killed go at the next start, and no others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from depth3d.core.errors import OutputError, PhotoError
from depth3d.io.atomic import check_writable
from depth3d.io.photos.photo import read_photo
from depth3d.io.temporary import remove_left_behind, temporary_folder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows removes no folder with a locked file in it")

HOLD = """
from depth3d.io.temporary import temporary_folder
with temporary_folder() as folder:
    (folder / "visitor.jpg").write_bytes(b"a photo")
    print(folder, flush=True)
    input()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    remove_left_behind.cache_clear()
    yield tmp_path
    remove_left_behind.cache_clear()


def _holder(place: Path) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(place)},
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_what_a_killed_process_left_goes_and_what_a_living_one_has_stays(place: Path) -> None:
    killed, its_folder = _holder(place)
    living, other_folder = _holder(place)
    assert killed.stdin is not None
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert (its_folder / "visitor.jpg").is_file()
    with temporary_folder() as own:
        assert not its_folder.exists()
        assert (other_folder / "visitor.jpg").is_file()
        assert own.stat().st_mode & 0o077 == 0, "nobody else can look in"
    assert not own.exists()
    living.communicate("\n")
    assert list(place.iterdir()) == []


def test_folders_that_are_not_ours_stay(place: Path) -> None:
    (place / "depth3d-without_lock").mkdir()
    (place / "other-program").mkdir()
    (place / "other-program" / ".lock").touch()
    elsewhere = place / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".lock").touch()
    (place / "depth3d-link").symlink_to(elsewhere)
    remove_left_behind()
    assert {path.name for path in place.iterdir()} == {
        *("depth3d-without_lock", "other-program", "elsewhere", "depth3d-link")
    }
    assert (elsewhere / ".lock").exists()


def test_messages_call_files_in_temporary_folders_by_their_names(place: Path) -> None:
    with temporary_folder() as folder:
        (folder / "a.jpg").write_bytes(b"no photo")
        for missing in (folder / "in0" / "b.jpg", folder / "b.jpg"):
            with pytest.raises(PhotoError, match=r"^b\.jpg: no such file"):
                read_photo(missing)
        with pytest.raises(PhotoError, match=r"^a\.jpg: no picture"):
            read_photo(folder / "a.jpg")
        with pytest.raises(OutputError, match=r"^a\.jpg exists already"):
            check_writable(folder / "a.jpg")
    with pytest.raises(PhotoError) as caught:
        read_photo(folder / "b.jpg")
    assert str(caught.value).startswith(str(folder)), "the folder has gone, and is nobody's any more"
