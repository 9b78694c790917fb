from __future__ import annotations

import errno
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from depth3d.core.errors import OutputError
from depth3d.io import stale_files
from depth3d.io.atomic import atomic_files, atomic_write, check_writable


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond `size` bytes, as on a full disk.

    Modules that are imported meanwhile must not be cached: cut off, they would spoil every later import.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        sys.dont_write_bytecode = before


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def write(path: Path, data: bytes = b"new", *, force: bool = False) -> None:
    with atomic_write(path, force=force) as file:
        file.write(data)


def write_half(path: Path, interruption: BaseException, *, force: bool = False) -> None:
    with atomic_write(path, force=force) as file:
        file.write(b"half")
        raise interruption


def write_three(folder: Path, *, force: bool) -> None:
    with atomic_files(force=force) as files:
        for name in ("first", "second", "third"):
            files.open(folder / name).write(b"new")


def test_the_file_has_its_name_only_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "a.bin"
    with atomic_write(target) as file:
        file.write(b"abc")
        assert not target.exists()
        assert Path(file.name).parent == tmp_path
    assert target.read_bytes() == b"abc"
    assert names(tmp_path) == ["a.bin"]


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    write(tmp_path / "a.bin")
    assert (tmp_path / "a.bin").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), ValueError("a bug"), MemoryError()])
def test_whatever_ends_the_writing_leaves_nothing_behind(tmp_path: Path, interruption: BaseException) -> None:
    with pytest.raises(type(interruption)):
        write_half(tmp_path / "a.bin", interruption)
    assert names(tmp_path) == []


def test_whatever_ends_the_writing_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        write_half(tmp_path / "a.bin", KeyboardInterrupt(), force=True)
    assert names(tmp_path) == ["a.bin"]
    assert (tmp_path / "a.bin").read_bytes() == b"old"


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with pytest.raises(OutputError, match=r"^cannot write .*a\.bin: No space left on device$"):
        write_half(tmp_path / "a.bin", full)
    assert names(tmp_path) == []


@pytest.mark.parametrize("size", [10, 100_000])
def test_a_file_that_cannot_grow_is_noticed_even_when_the_last_buffer_is_flushed(tmp_path: Path, size: int) -> None:
    with largest_file(size - 1), pytest.raises(OutputError, match="File too large"):
        write(tmp_path / "a.bin", b"x" * size)
    assert names(tmp_path) == []


def test_an_existing_file_needs_force(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"old")
    with pytest.raises(OutputError, match="exists already; use --force"):
        write(tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == b"old"
    write(tmp_path / "a.bin", force=True)
    assert (tmp_path / "a.bin").read_bytes() == b"new"
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_a_file_that_appears_meanwhile_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:
        monkeypatch.setattr(os, "link", _refuse_link)

    def write_while_another_does() -> None:
        with atomic_write(tmp_path / "a.bin") as file:
            file.write(b"new")
            (tmp_path / "a.bin").write_bytes(b"theirs")

    with pytest.raises(OutputError, match="appeared"):
        write_while_another_does()
    assert (tmp_path / "a.bin").read_bytes() == b"theirs"
    assert names(tmp_path) == ["a.bin"]


def test_file_systems_without_hard_links_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", _refuse_link)
    write(tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == b"new"
    assert names(tmp_path) == ["a.bin"]


def _refuse_link(*_: object) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.bin").write_bytes(b"old")
    (tmp_path / "link.bin").symlink_to("real.bin")
    write(tmp_path / "link.bin", force=True)
    assert (tmp_path / "link.bin").is_symlink()
    assert (tmp_path / "real.bin").read_bytes() == b"new"


def test_a_dangling_link_creates_its_target(tmp_path: Path) -> None:
    (tmp_path / "link.bin").symlink_to("real.bin")
    write(tmp_path / "link.bin")
    assert (tmp_path / "real.bin").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("file/a.bin", "file is not a folder"),
        ("file/missing/a.bin", "file is not a folder"),
        ("missing/" + "long" * 100, "File name too long"),
        ("long" * 100 + "/a.bin", "File name too long"),
        ("folder", "it is a folder"),
        ("pipe", "it is not a plain file"),
        ("loop", "cannot write"),
        ("nul\0.bin", "cannot write"),
        ("long" * 100, "File name too long"),
    ],
)
@pytest.mark.parametrize("force", [False, True])
def test_targets_that_cannot_be(tmp_path: Path, name: str, message: str, force: bool) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    before = names(tmp_path)
    for attempt in (check_writable, lambda path, force: write(path, force=force)):
        with pytest.raises(OutputError, match=message) as caught:
            attempt(tmp_path / name, force)
        assert "\n" not in str(caught.value)
    assert names(tmp_path) == before


def test_a_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(OutputError, match="no permission"):
        check_writable(tmp_path / "a.bin")


def test_permission_that_ends_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(OutputError, match="Permission denied"):
        write(tmp_path / "a.bin")


def test_a_good_target_passes_and_is_not_touched(tmp_path: Path) -> None:
    check_writable(tmp_path / "a.bin")
    assert names(tmp_path) == []


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    check_writable(tmp_path / "new" / "deep" / "a.bin")
    assert names(tmp_path) == []
    write(tmp_path / "new" / "deep" / "a.bin")
    assert (tmp_path / "new" / "deep" / "a.bin").read_bytes() == b"new"
    assert names(tmp_path / "new" / "deep") == ["a.bin"]


def test_a_folder_that_was_made_for_nothing_goes_again(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    with pytest.raises(KeyboardInterrupt):
        write_half(tmp_path / "old" / "new" / "deep" / "a.bin", KeyboardInterrupt())
    assert names(tmp_path) == ["old"]
    assert names(tmp_path / "old") == []


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("fails", ["first", "second", "third"])
def test_files_get_their_names_together_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, force: bool, fails: str
) -> None:
    """Nothing new stays, nothing old is lost, when one of three names cannot be given."""
    old = {"second": b"old"} if force else {}
    for name, content in old.items():
        (tmp_path / name).write_bytes(content)
    replace, link = Path.replace, os.link

    def refuse(source: Path, target: Path) -> None:
        if Path(target).name == fails and ".part" in Path(source).name and not refused:
            refused.append(target)
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def refusing_replace(source: Path, target: Path) -> Path:
        refuse(source, target)
        return replace(source, target)

    def refusing_link(source: Path, target: Path) -> None:
        if Path(target).name == fails:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))
        link(source, target)

    refused: list[Path] = []
    monkeypatch.setattr(Path, "replace", refusing_replace)
    monkeypatch.setattr(os, "link", refusing_link)
    with pytest.raises(OutputError, match=r"cannot write .*first: Input/output error"):
        write_three(tmp_path, force=force)
    assert refused
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == old


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".depth3d-0123456789abcdef.part").write_bytes(b"half")
    (tmp_path / ".depth3d-1123456789abcdef.part").mkdir()
    (tmp_path / ".depth3d-1123456789abcdef.part" / "0001.png").write_bytes(b"half")
    (tmp_path / "other.part").write_bytes(b"somebody else's")
    write(tmp_path / "a.bin")
    assert names(tmp_path) == ["a.bin", "other.part"]


def test_what_another_process_is_writing_is_not_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stale_files, "_swept", set())
    with atomic_write(tmp_path / "a.bin") as file:
        file.write(b"a")
        monkeypatch.setattr(stale_files, "_swept", set())  # as another process would
        write(tmp_path / "b.bin")
    assert (tmp_path / "a.bin").read_bytes() == b"a"
    assert names(tmp_path) == ["a.bin", "b.bin"]
