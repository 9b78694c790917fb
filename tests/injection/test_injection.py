"""A part of `make inject`, the same every time: of formats the first and the last call of every kind fail, of commands
those of some kinds.
"""

from __future__ import annotations

import pytest
from commands import COMMANDS, SLOW, command_action, files_for
from doors import DOORS, files_for_door
from faults import KINDS, Injector, attempt, each_failure
from saves import SAVES, save_action

from depth3d.core.errors import OutputError

_SHARES = 4


@pytest.mark.parametrize("suffix", SAVES)
def test_whatever_fails_nothing_is_half_written_and_nothing_is_lost(suffix: str) -> None:
    action, old = save_action(suffix, force=True), {f"deep/out{suffix}": b"old"}
    runs = 0
    for kind in KINDS:
        for number, outcome in each_failure(action, kind, old=old, most=2):
            assert outcome.fault() is None, f"{kind} {number}"
            runs += 1
    assert runs >= 5  # opening, renaming and memory at least, wherever the format's library writes by itself


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in SLOW])
def test_whatever_fails_a_command_ends_in_one_line(name: str) -> None:
    """Each command with its share of the kinds, so that every kind meets many of them."""
    first = list(COMMANDS).index(name)
    action, old = command_action(name), files_for(name)
    for kind in KINDS[first % _SHARES :: _SHARES]:
        for number, outcome in each_failure(action, kind, old=old, most=2):
            assert outcome.fault() is None, f"{kind} {number} at {outcome.place}"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(("page", kind) for kind in ("write", "mkdir")),
        *(("assistant", kind) for kind in ("short write", "library")),
        *(("weights fetch", kind) for kind in ("open", "write", "rename", "sync")),
    ],
)
def test_whatever_fails_who_asks_is_told_in_one_line(name: str, kind: str) -> None:
    for number, outcome in each_failure(DOORS[name][0], kind, old=files_for_door(name), most=2):
        assert outcome.fault() is None, f"{kind} {number} at {outcome.place}"


@pytest.mark.parametrize("kind", ["open", "write", "short write", "rename", "mkdir"])
def test_without_an_old_file_the_folder_is_as_it_was(kind: str) -> None:
    for _, outcome in each_failure(save_action(".obj", force=False), kind):
        if outcome.error is None:  # where hard links fail, files are renamed
            assert (kind, outcome.fault()) == ("rename", None)
        else:
            assert isinstance(outcome.error, OutputError)
            assert outcome.after == {}


def test_the_injector_finds_writers_that_are_careless() -> None:
    """A writer that writes in place is caught with half a file, and one that removes the old one with none."""

    def in_place(folder):  # type: ignore[no-untyped-def]
        with (folder / "a").open("wb") as file:
            file.write(b"new content")

    def after_removing(folder):  # type: ignore[no-untyped-def]
        (folder / "a").unlink()
        in_place(folder)

    old = {"a": b"old content"}
    ((_, half),) = each_failure(in_place, "short write", old=old)
    assert half.error is not None
    assert half.after["a"] == b"new c"
    assert half.fault() is not None
    lost = attempt(after_removing, Injector("open", 1), old=old, whole={"a": b"new content"})
    assert lost.after == {}
    assert lost.fault() is not None
