"""The network alone: every way of running it on this machine, beside MiDaS as it was published."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import UsageError
from depth3d.io.photos.photo import read_photo
from depth3d.lab.bench.memory import memory_mb
from depth3d.lab.bench.networks import as_published, weights_to_measure
from depth3d.lab.bench.timing import Figure, Section
from depth3d.lab.evaluation.metrics import read_frames
from depth3d.predictors.preprocess import prepare_picture
from depth3d.predictors.runtimes import PRECISIONS, Runtime
from depth3d.predictors.runtimes.deviation import Deviation, deviation_of, mean_deviation
from depth3d.predictors.runtimes.machine_info import LIBRARIES, installed, processor_name
from depth3d.predictors.runtimes.measure import LARGEST_DEVIATION, Measured, Way, fastest, take_turns
from depth3d.predictors.runtimes.open_network import measured, open_network
from depth3d.predictors.runtimes.probes import judging_pictures
from depth3d.predictors.runtimes.torch_runtime import TorchRuntime, cached_network
from depth3d.predictors.weights import FoundWeights

_PUBLISHED = "as published, torch fp32"
_TIMES_FASTER, _TIMES_FASTER_EXACT = 4.0, 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """How networks are measured.

    Attributes:
        rounds: how often each is timed; the medians count.
        threads: processor threads, or None for each library's own choice.
        frames: JSON list of photos, as of `depth3d eval`, on which to see how far each strays; None takes the rendered
            pictures of the package.
        photos: how many photos the way that `auto` takes works through, watching memory.
    """

    rounds: int = 15
    threads: int | None = None
    frames: Path | None = None
    photos: int = 100

    def __post_init__(self) -> None:
        if self.rounds < 1 or self.photos < 20:
            raise UsageError(f"a benchmark needs at least 1 round and 20 photos, got {self.rounds} and {self.photos}")


def bench_predict(name: str, *, weights: Path | None = None, conditions: Conditions | None = None) -> Section:
    """Measure one network.

    Args:
        name: ``midas_small``, ``midas_large`` or ``bundled``.
        weights: a file to take instead of that network's own.
        conditions: how.

    Raises:
        UsageError: no round, or too few photos.
        WeightsError: the weights are damaged.
    """
    conditions = conditions or Conditions()
    with weights_to_measure(name, weights) as (found, title):
        rows = measured(found, quantised=True) if installed() else []
        ways = [Way("torch", "fp32"), Way("torch", "bf16"), *(row.way for row in rows)]
        runs = {
            way: open_network(found, runtime=way.runtime, precision=way.precision, threads=conditions.threads).run
            for way in ways
        }
        pictures = _pictures(found, conditions.frames)
        seconds = _medians(found, runs, pictures[0], conditions)
        reference = [runs[ways[0]](picture) for picture in pictures]
        strays = {way: _stray(run, pictures, reference) for way, run in runs.items()}
        many = _many_photos(found, conditions)
    height, width = pictures[0].shape[1:]
    seen = "photos" if conditions.frames else "rendered pictures"
    head = (
        f"{'':32s} {'ms':>8s} {'times as fast':>14s} {'depth off by':>13s} {'ranks':>8s}   (on {len(pictures)} {seen})"
    )
    published = f"{_PUBLISHED:32s} {seconds[None] * 1e3:8.1f}"
    lines = [_line(way, seconds[way], seconds[None], strays[way]) for way in sorted(ways, key=lambda way: seconds[way])]
    return Section(
        f"{title}, {width}x{height} on {processor_name()}",
        figures=_figures(seconds, strays, name),
        remarks=(head, published, *lines, *_absent(ways), _why(rows), *many),
    )


def _pictures(found: FoundWeights, frames: Path | None) -> list[NDArray[np.float32]]:
    spec = cached_network(found.path, found.sha256).spec
    photos = judging_pictures() if frames is None else [read_photo(one.photo).rgb for one in read_frames(frames)]
    return [prepare_picture(rgb, spec) for rgb in photos]


def _medians(
    found: FoundWeights, runs: dict[Way, Runtime], picture: NDArray[np.float32], conditions: Conditions
) -> dict[Way | None, float]:
    """Seconds for one picture; under None those of the network as published."""
    published = TorchRuntime(as_published(cached_network(found.path, found.sha256)), threads=conditions.threads)
    works: dict[Way | None, Callable[[], object]] = {way: partial(run, picture) for way, run in runs.items()}
    works[None] = partial(published, picture)
    take_turns(works, rounds=1)
    return {way: statistics.median(times) for way, times in take_turns(works, rounds=conditions.rounds).items()}


def _stray(
    run: Runtime, pictures: Sequence[NDArray[np.float32]], reference: Sequence[NDArray[np.float32]]
) -> Deviation:
    return mean_deviation([deviation_of(run(one), wanted) for one, wanted in zip(pictures, reference, strict=True)])


def _line(way: Way, seconds: float, published: float, stray: Deviation) -> str:
    return (
        f"{way!s:32s} {seconds * 1e3:8.1f} {published / seconds:13.1f}x {stray.median:12.3%} "
        f"{stray.rank_correlation:9.5f}"
    )


def _figures(seconds: dict[Way | None, float], strays: dict[Way, Deviation], name: str) -> tuple[Figure, ...]:
    """What was promised of the small network."""
    converted = [way for way in strays if way.runtime != "torch"]
    exact = [seconds[way] for way in converted if way.precision == "fp32"]
    if not exact or name == "midas_large":
        return ()
    best = min(seconds[way] for way in converted)
    return (
        Figure("fastest precision, times as fast as published", seconds[None] / best, _TIMES_FASTER, at_least=True),
        Figure("fp32, times as fast as published", seconds[None] / min(exact), _TIMES_FASTER_EXACT, at_least=True),
    )


def _absent(ways: Sequence[Way]) -> list[str]:
    """What this machine lacks."""
    lines = [f"{name} is not installed: pip install 'depth3d[fast]'" for name in LIBRARIES if name not in installed()]
    if "openvino" in installed():
        there = {way.precision for way in ways if way.runtime == "openvino"}
        lines += [
            f"openvino {precision}: not on this processor" for precision in PRECISIONS[1:] if precision not in there
        ]
    return lines


def _why(rows: Sequence[Measured]) -> str:
    chosen = fastest(rows)
    if chosen is None:
        return "auto takes torch fp32: nothing faster is installed, or nothing gives what torch gives"
    return (
        f"auto takes {chosen.way}: the fastest when it was prepared whose depth was off by less than "
        f"{LARGEST_DEVIATION:.1%} on rendered pictures ({chosen.deviation:.3%})"
    )


def _many_photos(found: FoundWeights, conditions: Conditions) -> tuple[str, str]:
    """Work through many photos of several shapes in the way that `auto` takes."""
    network = open_network(found, threads=conditions.threads)
    rng = np.random.default_rng(0)
    photos = [rng.integers(0, 256, (*size, 3)).astype(np.uint8) for size in ((960, 1280), (1280, 960), (1080, 1920))]
    start = time.perf_counter()
    after_tenth = 0.0
    for number in range(conditions.photos):
        network.run(prepare_picture(photos[number % len(photos)], network.spec))
        if number == 9:
            after_tenth = memory_mb()
            start = time.perf_counter()
    rate = (conditions.photos - 10) / (time.perf_counter() - start)
    cores = conditions.threads or _cores()
    return (
        f"{conditions.photos} photos one after the other: {rate:.1f} a second, {rate / cores:.1f} per core ({cores})",
        f"memory after the tenth {after_tenth:.0f} MB, after the last {memory_mb():.0f} MB",
    )


def _cores() -> int:
    """Processor cores this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
