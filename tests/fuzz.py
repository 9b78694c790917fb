"""Spoil files until a reader does something other than give a value or one line that says why not.

    python tests/fuzz.py [READER...] [--seconds 600] [--together] [--keep tests/io/fuzz_corpus]
    python tests/fuzz.py [READER...] --tails

Readers run one after the other, each in a process of its own, so that a crash in a decoder is found too; or together,
by turns in one process. Hypothesis draws the changes and shrinks what it finds; a finding is shown with where it
happened and is kept as a file, which `test_fuzz.py` reads from then on. With --tails a piece of each file is
repeated, and the processor's time is fitted to the file's length, see `reader_complexity`. Ends with 1 if there was any
finding.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import signal
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from itertools import count
from pathlib import Path

import conftest  # noqa: F401 - readers share pictures with the tests of their rooms
from fuzzed_folders import READERS
from fuzzed_reader import refusal
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from reader_complexity import find_growing_tails

MEMORY_BYTES = 8 * 2**30
SECONDS_PER_FILE = 60
ROUND = 100
NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
REALS = (0.0, -1.0, 1e-300, 1e300, float("inf"), float("-inf"), float("nan"))
WORDS = (
    *(
        b"1e999",
        b"-1",
        b"NaN",
        b"Infinity",
        b"null",
        b"[]",
        b"{}",
        b'""',
        b"true",
        b"9" * 400,
        b"0",
        b"1e-320",
        b"\\u0000",
    ),
    *(b"[" * 5000, b"\xff", b"\0", b"\n", b"  ", b":", b'"', b"'", b"-", b"%YAML:", b"<", b"&amp;", "é".encode()),
)


def spoilt(seeds: list[bytes]) -> st.SearchStrategy[bytes]:
    """Valid files with a few changes, most of them near the beginning, where headers are; and sheer noise."""
    return st.one_of(_changed(seeds), _changed(seeds), _changed(seeds), st.binary(max_size=300))


@st.composite
def _changed(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.sampled_from((1, 1, 1, 2, 3, 6)))):
        end = draw(st.sampled_from((64, 600, len(data))))
        at = draw(st.integers(0, max(0, min(end, len(data)) - 1)))
        draw(st.sampled_from(CHANGES))(draw, data, at)
    return bytes(data)


def _byte(draw: st.DrawFn, data: bytearray, at: int) -> None:
    data[at : at + 1] = bytes([draw(st.integers(0, 255))])


def _bit(draw: st.DrawFn, data: bytearray, at: int) -> None:
    if at < len(data):
        data[at] ^= 1 << draw(st.integers(0, 7))


def _number(draw: st.DrawFn, data: bytearray, at: int) -> None:
    size, order = draw(st.sampled_from((1, 2, 4, 8))), draw(st.sampled_from(("little", "big")))
    number = draw(st.sampled_from(NUMBERS)) % 256**size
    data[at : at + size] = number.to_bytes(size, order)  # type: ignore[arg-type]


def _real(draw: st.DrawFn, data: bytearray, at: int) -> None:
    form = draw(st.sampled_from(("<d", "<f", ">d")))
    value = draw(st.sampled_from(REALS))
    bytes_ = struct.pack(form, value if form[1] == "d" or abs(value) < 1e38 or value != value else float("inf"))
    data[at : at + len(bytes_)] = bytes_


def _word(draw: st.DrawFn, data: bytearray, at: int) -> None:
    length = draw(st.integers(0, 12))
    data[at : at + length] = draw(st.sampled_from(WORDS))


def _cut(draw: st.DrawFn, data: bytearray, at: int) -> None:
    del data[at:]


def _without(draw: st.DrawFn, data: bytearray, at: int) -> None:
    del data[at : at + draw(st.integers(1, 40))]


def _again(draw: st.DrawFn, data: bytearray, at: int) -> None:
    piece = data[at : at + draw(st.integers(1, 60))]
    data[at:at] = piece * draw(st.sampled_from((1, 2, 50)))


CHANGES: tuple[Callable[[st.DrawFn, bytearray, int], None], ...] = (
    *(_byte, _bit, _number, _number, _real, _word, _cut, _without, _again),
)


class Fuzzer:
    """One reader, its findings, and where they are kept."""

    def __init__(self, name: str, keep: Path) -> None:
        self.name, self.reader, self.keep = name, READERS[name], keep
        self.found: set[str] = set()
        self.failing: tuple[bytes, Exception] | None = None
        self.files = self.read = 0
        self.seconds = 0.0

    def turns(self, folder: Path, end: float) -> Iterator[None]:
        """Read the whole files, then spoil those of one suffix at each turn."""
        seeds = self.reader.seeds()
        for suffix, contents in seeds.items():
            for content in contents:
                self._try(content, folder / f"{self.name}{suffix}")
        yield
        for number in count(1):
            for suffix, contents in seeds.items():
                self._round(number, contents, folder / f"{self.name}{suffix}", end)
                yield

    def _round(self, number: int, contents: list[bytes], path: Path, end: float) -> None:
        quiet = settings(
            max_examples=ROUND,
            database=None,
            deadline=None,
            derandomize=False,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink),
        )

        @quiet
        @seed(number)
        @given(spoilt(contents))
        def spoil(content: bytes) -> None:
            if time.monotonic() < end or self.failing is not None:
                self._try(content, path)

        self.failing = None
        try:
            spoil()
        except Exception:  # noqa: BLE001 - this is what is looked for
            self._note(path.suffix)

    def _try(self, content: bytes, path: Path) -> None:
        path.write_bytes(content)
        self.files += 1
        signal.alarm(SECONDS_PER_FILE)
        try:
            self.read += refusal(self.reader, path) is None
        except Exception as fault:
            if _place(fault) not in self.found:
                if self.failing is None or len(content) <= len(self.failing[0]):
                    self.failing = content, fault
                raise
        finally:
            signal.alarm(0)

    def _note(self, suffix: str) -> None:
        """Keep the smallest file that hypothesis found."""
        assert self.failing is not None
        content, fault = self.failing
        self.found.add(_place(fault))
        kept = _kept(self.keep, self.name, suffix, content)
        print(f"{self.name}: {type(fault).__name__}: {str(fault)[:200]}\n  {_place(fault)}\n  {kept}", flush=True)


def _place(fault: BaseException) -> str:
    """The deepest line of ours, and the kind of fault."""
    frames = traceback.extract_tb(fault.__traceback__)
    ours = [frame for frame in frames if "/depth3d/" in frame.filename] or frames
    return f"{type(fault).__name__} at {ours[-1].filename.rpartition('/depth3d/')[2]}:{ours[-1].lineno}"


def _kept(keep: Path, name: str, suffix: str, content: bytes) -> Path:
    kept = keep / name / f"{sha256(content).hexdigest()[:8]}{suffix}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(content)
    return kept


def _work(names: Sequence[str], seconds: float, keep: Path, folder: Path) -> None:
    """Spoil the files of some readers by turns, in this process."""
    _limit()
    end = time.monotonic() + seconds
    fuzzers = [Fuzzer(name, keep) for name in names]
    waiting = [fuzzer.turns(folder, end) for fuzzer in fuzzers]
    while time.monotonic() < end:
        for fuzzer, turns in zip(fuzzers, waiting, strict=True):
            begun = time.monotonic()
            next(turns)
            fuzzer.seconds += time.monotonic() - begun
    for fuzzer in fuzzers:
        counts = f"{fuzzer.files} files in {fuzzer.seconds:.0f} s, {fuzzer.read} of them read"
        print(f"{fuzzer.name}: {counts}, {len(fuzzer.found)} findings", flush=True)
    print(f"{sum(one.files for one in fuzzers)} files, {sum(len(one.found) for one in fuzzers)} findings", flush=True)
    sys.exit(any(fuzzer.found for fuzzer in fuzzers))


def _stretch(names: Sequence[str], seconds: float, keep: Path, folder: Path) -> None:
    """Repeat pieces of the files of some readers, by turns, in this process."""
    del keep  # a finding is described by its seed, its place and the piece that is repeated
    _limit()
    sys.exit(find_growing_tails(names, seconds, folder) > 0)


def _limit() -> None:
    def too_slow(*_: object) -> None:
        raise TimeoutError(f"took more than {SECONDS_PER_FILE} s")

    signal.signal(signal.SIGALRM, too_slow)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def main() -> int:
    """Every reader, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readers", nargs="*", metavar="READER", help=f"of {' '.join(READERS)}; all by default")
    parser.add_argument("--seconds", type=float, default=600, help="for each reader, or for all together")
    parser.add_argument("--together", action="store_true", help="by turns in one process")
    parser.add_argument("--tails", action="store_true", help="repeat pieces, and fit time to length")
    parser.add_argument(
        "--keep", type=Path, default=Path(__file__).parent / "io" / "fuzz_corpus", help="folder for findings"
    )
    chosen = parser.parse_args()
    names = tuple(chosen.readers or READERS)
    work = _stretch if chosen.tails else _work
    return int(any([_failed(work, some, chosen) for some in ([names] if chosen.together else [(n,) for n in names])]))


def _failed(work: Callable[..., None], names: tuple[str, ...], chosen: argparse.Namespace) -> bool:
    """Whether anything was found by a process that spoils the files of some readers."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        given = names, chosen.seconds, chosen.keep, place
        process = multiprocessing.get_context("spawn").Process(target=work, args=given)
        process.start()
        process.join()
        if process.exitcode is not None and process.exitcode < 0:
            last = max(place.iterdir(), key=lambda file: file.stat().st_mtime)
            kept = _kept(chosen.keep, last.stem, last.suffix, last.read_bytes())
            print(f"{last.stem}: ended by {signal.Signals(-process.exitcode).name}\n  {kept}", flush=True)
        return process.exitcode != 0


if __name__ == "__main__":
    sys.exit(main())
