"""Files in which a piece is repeated: the processor's time a reader takes, fitted to the file's length.

Twice the file may take twice the time; four times is a finding, since a file of a few megabytes would then take hours.
"""

from __future__ import annotations

import gc
import math
import random
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fuzzed_folders import READERS
from fuzzed_reader import refusal

LENGTHS = (128_000, 512_000, 2_048_000)
QUICK_S = 0.25
"""A file of the middle length that takes no longer is not looked at again."""

STEEPEST = 1.5
"""Exponent of time over length; 1 is proportional, 2 is quadratic."""

SECONDS_PER_FILE = 60
"""Half a megabyte that takes longer is a finding by itself."""

_PIECES = (
    *(b"\0", b"\xff", b"\n", b" ", b"[", b"{", b'"', b"<", b"0", b"a", b"-", b",", b"1 ", b"\\", b"<a>", b"&lt;"),
    *(b'{"a":', b'"a":1,', b"[[", b"1e9 ", b"# a\n", b"- a\n", b"a: 1\n", b"element vertex 1\n", b"v 0 0 0\n"),
)


@dataclass(frozen=True)
class Tail:
    """A whole file, and what is repeated in it.

    Attributes:
        suffix: of the file.
        content: of the whole file.
        at: where the piece goes in.
        piece: what is repeated.
    """

    suffix: str
    content: bytes
    at: int
    piece: bytes

    def of_length(self, length: int) -> bytes:
        """The file, so many bytes longer."""
        return self.content[: self.at] + self.piece * (length // len(self.piece)) + self.content[self.at :]


def drawn_tail(draw: random.Random, seeds: dict[str, list[bytes]]) -> Tail:
    """A piece of a file itself, or one that many formats know, at its end or anywhere."""
    suffix = draw.choice(list(seeds))
    content = draw.choice(seeds[suffix])
    at = draw.choice((len(content), draw.randrange(len(content) + 1), draw.randrange(min(600, len(content)) + 1)))
    begin = draw.randrange(max(1, len(content) - 1))
    own = content[begin : begin + draw.randint(1, 60)]
    return Tail(suffix, content, at, draw.choice((own, own, draw.choice(_PIECES))) or b"\0")


def steepness(name: str, tail: Tail, folder: Path) -> float:
    """The exponent of time over length; 0 where even a long file is quick, infinity where it takes too long at all.

    Small files fit into the processor's caches, and Python looks for garbage now and then, so that work in proportion
    may look steeper for a while: what does is measured once more at a length where it no longer can.
    """
    short, long, longest = LENGTHS
    taken = _seconds(name, tail, long, folder)
    if taken < QUICK_S or taken == math.inf:
        return 0.0 if taken < QUICK_S else math.inf
    first = _exponent(taken / max(1e-3, _seconds(name, tail, short, folder)), long / short)
    if first < STEEPEST:
        return first
    return min(first, _exponent(_seconds(name, tail, longest, folder) / taken, longest / long))


def _exponent(times_as_slow: float, times_as_long: float) -> float:
    return math.log(times_as_slow) / math.log(times_as_long)


def _seconds(name: str, tail: Tail, length: int, folder: Path) -> float:
    path = folder / f"{name}{tail.suffix}"
    path.write_bytes(tail.of_length(length))
    gc.collect()
    signal.alarm(SECONDS_PER_FILE)
    begun = time.process_time()
    try:
        refusal(READERS[name], path)
    except TimeoutError:
        return math.inf
    except Exception:  # noqa: BLE001 - the other search is about what is raised, this one about time
        return time.process_time() - begun
    finally:
        signal.alarm(0)
    return time.process_time() - begun


def find_growing_tails(names: Sequence[str], seconds: float, folder: Path) -> int:
    """Draw tails for readers by turns until the time is up, and tell what grows faster than the file.

    Returns:
        How many were found; no more than one for each reader and suffix.
    """
    draw, end, tried = random.Random(1), time.monotonic() + seconds, 0
    seeds = {name: READERS[name].seeds() for name in names}
    found: set[tuple[str, str]] = set()
    while time.monotonic() < end:
        for name in names:
            tail = drawn_tail(draw, seeds[name])
            tried += 1
            if (name, tail.suffix) in found or steepness(name, tail, folder) < STEEPEST:
                continue
            again = steepness(name, tail, folder)
            if again >= STEEPEST:
                found.add((name, tail.suffix))
                where = f"{tail.piece!r} at {tail.at} of {len(tail.content)} bytes"
                print(f"{name}: {tail.suffix} takes the power {again:.2f} of its length: {where}", flush=True)
    print(f"{tried} growing files of {len(names)} readers, {len(found)} findings", flush=True)
    return len(found)
