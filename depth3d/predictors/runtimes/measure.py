"""Each way of running a network on this machine: how fast, and how far from torch in single precision."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from depth3d.core.options import DepthOptions
from depth3d.predictors.runtimes import Runtime
from depth3d.predictors.runtimes.deviation import deviation_of, mean_deviation

LARGEST_DEVIATION = 0.005
"""`auto` takes nothing whose median deviation of depth is not below this, as a mean over pictures."""

_ROUNDS = 7
_Name = TypeVar("_Name", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Way:
    """A library and a precision.

    Attributes:
        runtime: ``openvino``, ``onnxruntime`` or ``torch``.
        precision: ``fp32``, ``fp16``, ``bf16`` or ``int8``.
    """

    runtime: str
    precision: str

    def __str__(self) -> str:
        return f"{self.runtime} {self.precision}"


@dataclass(frozen=True, slots=True)
class Measured:
    """What one way of running a network showed on this machine.

    Attributes:
        way: the library and the precision.
        seconds: the shortest of several runs on one picture.
        deviation: median relative deviation of aligned depth from torch in single precision, mean over pictures.
        rank_correlation: Spearman's with torch in single precision, mean over pictures.
    """

    way: Way
    seconds: float
    deviation: float
    rank_correlation: float

    @property
    def is_exact(self) -> bool:
        """Whether `auto` may take it."""
        return self.deviation < LARGEST_DEVIATION


def fastest(
    rows: Sequence[Measured], *, runtime: str = DepthOptions().runtime, precision: str = DepthOptions().precision
) -> Measured | None:
    """The fastest way among those asked for; without a precision, only among those that are exact enough."""
    fitting = [row for row in rows if runtime in ("auto", row.way.runtime) and _is_wanted(row, precision)]
    return min(fitting, key=lambda row: row.seconds, default=None)


def _is_wanted(row: Measured, precision: str) -> bool:
    return row.is_exact if precision == "auto" else row.way.precision == precision


def measure(
    ways: Mapping[Way, Runtime], pictures: Sequence[NDArray[np.float32]], reference: Sequence[NDArray[np.float32]]
) -> list[Measured]:
    """Run every way on every picture, compare with the reference, then time them in turns on the first picture.

    Args:
        ways: networks that are ready to run.
        pictures: normalised pictures (3, h, w).
        reference: what torch makes of each of them, (h, w).
    """
    strays = {
        way: mean_deviation([deviation_of(run(one), wanted) for one, wanted in zip(pictures, reference, strict=True)])
        for way, run in ways.items()
    }
    seconds = take_turns({way: partial(run, pictures[0]) for way, run in ways.items()}, rounds=_ROUNDS)
    return [Measured(way, min(seconds[way]), stray.median, stray.rank_correlation) for way, stray in strays.items()]


def take_turns(works: Mapping[_Name, Callable[[], object]], *, rounds: int) -> dict[_Name, list[float]]:
    """Time each work once a round, so that a busy moment hits all of them; seconds by name."""
    seconds: dict[_Name, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def rows_to_json(rows: Sequence[Measured]) -> str:
    """Write rows for `read_rows`."""
    return json.dumps({"rows": [asdict(row) for row in rows]}, indent=1)


def read_rows(path: Path) -> list[Measured] | None:
    """Read what `rows_to_json` wrote; None where there is no such file, or it is damaged."""
    try:
        given = json.loads(path.read_text(encoding="utf-8"))["rows"]
        return [
            Measured(
                Way(str(row["way"]["runtime"]), str(row["way"]["precision"])),
                float(row["seconds"]),
                float(row["deviation"]),
                float(row["rank_correlation"]),
            )
            for row in given
        ]
    except (ArithmeticError, OSError, LookupError, RecursionError, TypeError, ValueError):
        return None
