"""Each call that a system or a library may refuse fails in turn, after the example of SQLite's tests.

A run counts how often each kind of call is made; then every one of these fails once. Whatever fails, the result must be
one line: the files that were there before are there as they were, or new ones are there as a whole, and nothing else.

    python tests/injection/faults.py [NAME...] [--most 40]     every format and every command, or some
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from failing_calls import KINDS as KINDS
from failing_calls import Injector as Injector
from failing_calls import injected


def content_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path."""
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@dataclass(frozen=True)
class Outcome:
    """What became of a run in which one call failed.

    Attributes:
        error: what was raised, or None.
        before: the folder's files before.
        after: its files after.
        whole: its files after a run in which nothing failed.
        is_told: it was not done as usual, and said so in a warning.
        left: what is still in the folder for temporary files.
        place: the line of depth3d that made the call that failed.
    """

    error: BaseException | None
    before: dict[str, bytes]
    after: dict[str, bytes]
    whole: dict[str, bytes]
    is_told: bool = False
    left: tuple[str, ...] = ()
    place: str = ""

    def fault(self) -> str | None:
        """What is wrong, in words; None where all is as it should be."""
        from depth3d.core.errors import Depth3DError, is_out_of_memory

        is_known = isinstance(self.error, Depth3DError)
        if self.error is not None and not is_known and not is_out_of_memory(self.error):
            return f"{type(self.error).__name__}: {self.error}"
        if is_known and "\n" in str(self.error):
            return f"more than one line: {self.error}"
        if (torn := self.after.get(_LOG, b"")) and not _is_log(torn):
            return f"no lines of JSON: {_LOG}"
        strange = [n for n, c in self.after.items() if c not in (self.before.get(n), self.whole.get(n))]
        strange = [name for name in strange if not name.startswith(_LOGS)]
        is_told = self.is_told or torn != self.whole.get(_LOG, b"")  # a row says how its photo was done
        if strange and not (is_told and self.error is None):
            return f"half-written: {', '.join(strange)}"
        lost = self.before.keys() - self.after.keys()
        if lost:
            return f"lost: {', '.join(sorted(lost))}"
        if self.left:
            return f"left behind: {', '.join(self.left)}"
        if self.error is None and _without_logs(self.after) != _without_logs(self.whole) and not is_told:
            return "no error, and not everything was written"
        return None


_LOG = "out/manifest.jsonl"
_LOGS = (
    "out/manifest.",
    "out/depths/depth_params.json",
    "out/run/log.jsonl",
    "out/run/curves.png",
    "cache/weights/midas_v21_small_256.pt.part",
)
"""What grows with each photo, step or piece that is done, so that less than usual is no half of it."""


def _is_log(content: bytes) -> bool:
    """Whether every line is a row, but perhaps one that was cut off."""
    from depth3d.batch.manifest_row import Row

    torn = 0
    for line in filter(None, content.decode().split("\n")):
        try:
            Row.from_json(line)
        except ValueError:
            torn += 1
    return torn < 2


def _without_logs(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if not name.startswith(_LOGS)}


Action = Callable[[Path], object]
"""What is tried in a folder; a true result says that it warned of something unusual."""


def attempt(action: Action, injector: Injector, *, old: dict[str, bytes], whole: dict[str, bytes]) -> Outcome:
    """Run an action in a folder of its own, one call failing."""
    from depth3d.io import stale_files

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve() / "work"
        scratch = folder.with_name("temporary")
        for place in (folder, scratch):
            place.mkdir()
        for file, content in old.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(content)
        stale_files._swept.clear()
        error: BaseException | None = None
        is_told: object = False
        with (
            warnings.catch_warnings(),
            mock.patch.object(tempfile, "tempdir", str(scratch)),
            contextlib.chdir(folder),
            injected(injector, folder.parent),
        ):
            warnings.simplefilter("ignore")
            try:
                is_told = action(folder)
            except (Exception, MemoryError) as raised:  # noqa: BLE001 - it is looked at
                error = raised
        left = tuple(sorted(content_of(scratch)))
        return Outcome(error, old, content_of(folder), whole, is_told is True, left, injector.place)


def each_failure(
    action: Action, kind: str, *, old: dict[str, bytes] | None = None, most: int | None = None
) -> Iterator[tuple[int, Outcome]]:
    """Let each call of a kind fail in turn.

    Args:
        action: what is tried; it writes into the folder that it gets.
        kind: one of KINDS.
        old: files that are there before.
        most: of so many calls only, the first and the last among them.
    """
    counting = Injector(kind)
    whole = attempt(action, counting, old=old or {}, whole={})
    if whole.error is not None:
        raise whole.error
    numbers = list(range(1, counting.count + 1))
    if most is not None and len(numbers) > most:
        numbers = sorted({numbers[round(i * (len(numbers) - 1) / max(1, most - 1))] for i in range(most)})
    for number in numbers:
        yield number, attempt(action, Injector(kind, number), old=old or {}, whole=whole.after)


def main() -> int:
    """Every call of every format and every command, or of those that are named."""
    from commands import COMMANDS, command_action, files_for
    from doors import DOORS, files_for_door
    from saves import SAVES, save_action

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {' '.join((*SAVES, *COMMANDS, *DOORS))}; all by default"
    )
    parser.add_argument("--most", type=int, help="of each kind let so many calls fail, spread over all of them")
    chosen = parser.parse_args()
    tried: dict[str, list[tuple[Action, dict[str, bytes]]]] = {}
    for name in SAVES:
        tried[name] = [
            (save_action(name, force=False), {}),
            (save_action(name, force=True), {f"deep/out{name}": b"old"}),
        ]
    for name in COMMANDS:
        tried[name] = [(command_action(name), files_for(name))]
    for name, (action, _) in DOORS.items():
        tried[name] = [(action, files_for_door(name))]
    runs, faults = 0, 0
    for name in chosen.names or tried:
        begun = time.monotonic()
        ran, wrong = _tried(name, tried[name], chosen.most)
        runs, faults = runs + ran, faults + wrong
        print(f"{name}: {ran} failures in {time.monotonic() - begun:.0f} s, {wrong} faults", flush=True)
    print(f"{runs} failures, {faults} faults")
    return int(faults > 0)


def _tried(name: str, actions: list[tuple[Action, dict[str, bytes]]], most: int | None) -> tuple[int, int]:
    """How often something failed, and how often the result was not as it should be."""
    runs, faults = 0, 0
    for action, old in actions:
        for kind in KINDS:
            for number, outcome in each_failure(action, kind, old=old, most=most):
                runs += 1
                if (fault := outcome.fault()) is not None:
                    faults += 1
                    print(f"{name}, {kind} {number} at {outcome.place}: {fault}", flush=True)
    return runs, faults


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parent.parent))
    import conftest  # noqa: F401 - commands share files with the tests of their rooms

    sys.exit(main())
