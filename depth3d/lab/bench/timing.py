"""Timing several ways of doing the same work, and saying which promises hold."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from depth3d.core.errors import UsageError

Work = Callable[[Path], object]
"""Writes one file."""


@dataclass(frozen=True, slots=True)
class Row:
    """One way of doing the work.

    Attributes:
        name: who does it.
        seconds: the median over the rounds.
        size: size of the file in bytes, 0 where size is not the point.
    """

    name: str
    seconds: float
    size: int


@dataclass(frozen=True, slots=True)
class Figure:
    """A number and what it should be.

    Attributes:
        what: in words.
        value: the number.
        bound: what it should reach.
        at_least: whether the bound is the least (True) or the greatest (False) good value.
        unit: written behind both, such as "x" or " %".
    """

    what: str
    value: float
    bound: float
    at_least: bool
    unit: str = "x"

    @property
    def is_met(self) -> bool:
        """Whether the number is as it should be."""
        return self.value >= self.bound if self.at_least else self.value <= self.bound


@dataclass(frozen=True, slots=True)
class Section:
    """One piece of work, who did it how fast, and what follows.

    Attributes:
        title: the work in words.
        rows: the ways of doing it.
        figures: the numbers that were promised.
        remarks: sentences, such as what could not be compared here.
    """

    title: str
    rows: tuple[Row, ...] = ()
    figures: tuple[Figure, ...] = ()
    remarks: tuple[str, ...] = ()

    def row(self, name: str) -> Row | None:
        """The row of that name."""
        return next((row for row in self.rows if row.name == name), None)


def race(works: Mapping[str, Work], folder: Path, suffix: str, *, rounds: int) -> tuple[Row, ...]:
    """Let all works write a file in turn, again and again, so that a busy moment hits all of them.

    Args:
        works: names and what they do; each gets the path of a file that does not exist.
        folder: where the files go; each is removed at once.
        suffix: of the files.
        rounds: how often each works; one more round before them warms up and is not counted.

    Raises:
        UsageError: no round.
    """
    if rounds < 1:
        raise UsageError(f"a benchmark needs at least one round, got {rounds}")
    seconds: dict[str, list[float]] = {name: [] for name in works}
    sizes: dict[str, int] = {}
    for number in range(rounds + 1):
        for name, work in works.items():
            path = folder / f"out{suffix}"
            gc.collect()  # what the one before left behind is not charged to this one
            start = time.perf_counter()
            work(path)
            if number:
                seconds[name].append(time.perf_counter() - start)
            sizes[name] = path.stat().st_size
            path.unlink()
    return tuple(Row(name, statistics.median(seconds[name]), sizes[name]) for name in works)


def to_table(sections: tuple[Section, ...]) -> str:
    """The sections as text."""
    return "\n".join(line for section in sections for line in _lines(section)).strip()


def _lines(section: Section) -> list[str]:
    lines = ["", section.title]
    lines += [f"  {row.name:36s} {row.seconds * 1e3:9.1f} ms{_megabytes(row.size)}" for row in section.rows]
    for figure in section.figures:
        sign, word = (">=" if figure.at_least else "<="), ("ok" if figure.is_met else "NOT MET")
        value, bound = f"{figure.value:.2f}{figure.unit}", f"{figure.bound:g}{figure.unit}"
        lines.append(f"  {figure.what:58s} {value:>9s}  {sign} {bound:<6s} {word}")
    return lines + [f"  {remark}" for remark in section.remarks]


def _megabytes(size: int) -> str:
    return f" {size / 1e6:9.2f} MB" if size else ""
