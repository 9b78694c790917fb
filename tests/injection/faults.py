"""Each call that a system or a library may refuse fails in turn, after the example of SQLite's tests.

A run counts how often each kind of call is made; then every one of these fails once. Whatever fails, the result must be
one line: the files that were there before are there as they were, or new ones are there as a whole, and nothing else.

    python tests/injection/faults.py            every call of every format
"""

from __future__ import annotations

import errno
import io
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

KINDS = ("open", "write", "short write", "close", "rename", "mkdir", "memory")
REASONS = {"open": errno.EMFILE, "write": errno.ENOSPC, "short write": errno.ENOSPC, "close": errno.EIO,
           "rename": errno.EIO, "mkdir": errno.EDQUOT}  # fmt: skip


@dataclass
class Injector:
    """Counts calls of a kind, and lets one of them fail.

    Attributes:
        kind: one of KINDS.
        fails: which call, from 1; 0 for none.
        count: how many there were.
    """

    kind: str
    fails: int = 0
    count: int = field(default=0, init=False)

    def due(self, kind: str) -> bool:
        """Whether this call of that kind is to fail."""
        if kind != self.kind:
            return False
        self.count += 1
        return self.count == self.fails

    def check(self, kind: str) -> None:
        """Raise if this call is to fail."""
        if self.due(kind):
            raise OSError(REASONS[kind], os.strerror(REASONS[kind]))


class _Raw(io.FileIO):
    """A file below its buffer, whose calls may fail."""

    injector: Injector

    def write(self, data: Any, /) -> int:
        """Write, or not, or only half of it."""
        if self.injector.due("write"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self.injector.due("short write"):
            super().write(bytes(data)[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data) or 0

    def close(self) -> None:
        """Close, and perhaps say that what was written is lost, as network file systems do."""
        was_open = not self.closed
        super().close()
        if was_open:
            self.injector.check("close")


@contextmanager
def injected(injector: Injector, folder: Path) -> Iterator[None]:
    """Let calls that concern files below a folder pass through the injector."""
    opened, link, replace, mkdir = Path.open, os.link, Path.replace, Path.mkdir

    def open_(self: Path, mode: str = "r", *args: Any, **options: Any) -> Any:
        if not set(mode) & set("wxa") or folder not in self.parents or "b" not in mode:
            return opened(self, mode, *args, **options)
        injector.check("open")
        raw = _Raw(str(self), mode.replace("b", ""))
        raw.injector = injector
        return io.BufferedWriter(raw)

    def link_(source: Any, target: Any, **options: Any) -> None:
        injector.check("rename")
        link(source, target, **options)

    def replace_(self: Path, target: Any) -> Path:
        injector.check("rename")
        return replace(self, target)

    def mkdir_(self: Path, *args: Any, **options: Any) -> None:
        if folder in self.parents:
            injector.check("mkdir")
        mkdir(self, *args, **options)

    with (
        mock.patch.object(Path, "open", open_),
        mock.patch.object(os, "link", link_),
        mock.patch.object(Path, "replace", replace_),
        mock.patch.object(Path, "mkdir", mkdir_),
        _without_memory(injector),
    ):
        yield


@contextmanager
def _without_memory(injector: Injector) -> Iterator[None]:
    """Calls from depth3d into compiled code of other libraries may fail for want of memory."""
    if injector.kind != "memory":
        yield
        return
    seen: set[tuple[str, int]] = set()

    def look(frame: Any, event: str, called: Any) -> None:
        if event != "c_call" or "/depth3d/" not in frame.f_code.co_filename.replace(os.sep, "/"):
            return
        module = getattr(called, "__module__", None) or type(getattr(called, "__self__", None)).__module__ or ""
        if not module.startswith(("numpy", "cv2", "PIL", "_io", "zlib")):
            return
        place = frame.f_code.co_filename, frame.f_lineno
        if place in seen:  # every place once; the hundredth block fails as the first does
            return
        seen.add(place)
        if injector.due("memory"):
            raise MemoryError

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(before)


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
    """

    error: BaseException | None
    before: dict[str, bytes]
    after: dict[str, bytes]
    whole: dict[str, bytes]

    def fault(self) -> str | None:
        """What is wrong, in words; None where all is as it should be."""
        from depth3d.core.errors import Depth3DError

        if self.error is not None and not isinstance(self.error, (Depth3DError, MemoryError)):
            return f"{type(self.error).__name__}: {self.error}"
        if self.error is not None and "\n" in str(self.error):
            return f"more than one line: {self.error}"
        strange = [n for n, c in self.after.items() if c not in (self.before.get(n), self.whole.get(n))]
        if strange:
            return f"half-written: {', '.join(strange)}"
        lost = self.before.keys() - self.after.keys()
        if lost:
            return f"lost: {', '.join(sorted(lost))}"
        if self.error is None and self.after != self.whole:
            return "no error, and not everything was written"
        return None


def attempt(
    action: Callable[[Path], object], injector: Injector, *, old: dict[str, bytes], whole: dict[str, bytes]
) -> Outcome:
    """Run an action in a folder of its own, one call failing."""
    from depth3d.io import abandoned

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        for file, content in old.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(content)
        abandoned._swept.discard(folder)
        error: BaseException | None = None
        with warnings.catch_warnings(), injected(injector, folder):
            warnings.simplefilter("ignore")
            try:
                action(folder)
            except (Exception, MemoryError) as raised:  # noqa: BLE001 - it is looked at
                error = raised
        return Outcome(error, old, content_of(folder), whole)


def each_failure(
    action: Callable[[Path], object], kind: str, *, old: dict[str, bytes] | None = None, most: int | None = None
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
        numbers = sorted({numbers[round(i * (len(numbers) - 1) / (most - 1))] for i in range(most)})
    for number in numbers:
        yield number, attempt(action, Injector(kind, number), old=old or {}, whole=whole.after)


def main() -> int:
    """Every call of every format."""
    from saves import SAVES, save_action

    runs = 0
    faults: list[str] = []
    for name in SAVES:
        for kind in KINDS:
            for force in (False, True):
                action = save_action(name, force=force)
                old = {f"deep/out{name}": b"old"} if force else {}
                for number, outcome in each_failure(action, kind, old=old):
                    runs += 1
                    if (fault := outcome.fault()) is not None:
                        faults.append(f"{name}, {kind} {number}{', over an old file' if force else ''}: {fault}")
                        print(faults[-1], flush=True)
        print(f"{name}: {runs} failures so far, {len(faults)} faults", flush=True)
    return int(bool(faults))


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parent))
    sys.exit(main())
