"""Any predictor: how long a photo takes and how much memory, in each precision, and how far those differ."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

from depth3d.core.depth import InverseDepth
from depth3d.core.errors import UsageError
from depth3d.io.photos.photo import Exif, Photo, read_photo
from depth3d.lab.bench.memory import memory_mb
from depth3d.lab.bench.predict import Conditions
from depth3d.lab.bench.timing import Section
from depth3d.lab.evaluation.metrics import read_frames
from depth3d.predictors import PREDICTORS, load_predictor
from depth3d.predictors.exact_samples import exact_samples
from depth3d.predictors.external.catalogue import KNOWN_NETWORKS
from depth3d.predictors.external.hub import cached_known
from depth3d.predictors.runtimes import PRECISIONS
from depth3d.predictors.runtimes.deviation import deviation_of, mean_deviation
from depth3d.predictors.runtimes.machine_info import processor_name


def present_networks() -> tuple[str, ...]:
    """What is measured unless names are given: midas_small, the bundled network, and others that are here."""
    return ("midas_small", "bundled", *(one.name for one in KNOWN_NETWORKS.values() if cached_known(one)))


def bench_any(name: str, conditions: Conditions) -> Section:
    """Measure one predictor, whichever it is; its own precision is the reference.

    Args:
        name: as `load_predictor` takes it.
        conditions: how; of them `photos` belongs to networks of the MiDaS family.

    Raises:
        UsageError: no such predictor, or one of the MiDaS family, which `bench_predict` measures.
        Depth3DError: it cannot be loaded.
    """
    if name in PREDICTORS:
        raise UsageError(f"{name}: name one network to measure, such as midas_small")
    before = memory_mb()
    photos = _photos(conditions)
    reference: list[InverseDepth] = []
    lines = []
    for precision in PRECISIONS:
        try:
            network = load_predictor(name, precision=precision, threads=conditions.threads)
        except UsageError:
            if precision == "auto":
                network = load_predictor(name)  # a plug-in, which knows neither
            else:
                continue
        seen = [network.predict(photo) for photo in photos]
        reference = reference or seen
        pairs = zip(seen, reference, strict=True)
        stray = mean_deviation([deviation_of(one.values, wanted.values) for one, wanted in pairs])
        seconds = _median_seconds(partial(network.predict, photos[0]), conditions.rounds)
        lines.append(f"{precision:10s} {seconds * 1e3:8.1f} {stray.median:13.3%} {stray.rank_correlation:9.5f}")
    kind = "" if not reference else reference[0].source
    head = f"{'':10s} {'ms':>8s} {'depth off by':>13s} {'ranks':>9s}   (on {len(photos)} photos)"
    memory = f"memory: {memory_mb() - before:.0f} MB more than before it was loaded"
    return Section(f"{name}: {kind}, on {processor_name()}", figures=(), remarks=(head, *lines, memory))


def _photos(conditions: Conditions) -> list[Photo]:
    if conditions.frames is not None:
        return [read_photo(frame.photo) for frame in read_frames(conditions.frames)]
    return [Photo(sample.rgb, Exif(), sample.name) for sample in exact_samples()]


def _median_seconds(work: Callable[[], object], rounds: int) -> float:
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)
