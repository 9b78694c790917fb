"""Engine: Ray Data on a cluster; an autoscaling pool of actors, each with its own network.

Ray hands out blocks of photos, holds back when results pile up, starts actors anew that died with their node, and does
their blocks again. The manifest is written by the one process that called, as with any engine.
"""

from __future__ import annotations

import logging
import math
import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import islice
from typing import Any

from depth3d.batch.recipe import ENDS_THE_BATCH, Job, Recipe
from depth3d.batch.row import Row
from depth3d.errors import MissingExtraError, OutputError, WeightsError

_PHOTOS_PER_DATASET = 50_000
_MOST_PHOTOS_PER_BLOCK = 16
_BLOCKS_PER_CORE = 4
_TRIES = 5
_DIED = "its worker died each time: out of memory, or a fault in a decoder"


def each_row_on_ray(jobs: Sequence[Job], recipe: Recipe, *, workers: int | None) -> Iterator[Row]:
    """Do photos on the cluster that RAY_ADDRESS names, else on one that is started here; rows come as they are done.

    A photo whose worker dies is done again elsewhere; one whose worker died each time gets a failed row.

    Args:
        jobs: the photos.
        recipe: what to make of them; its `threads` are the cores of each actor, None means 1.
        workers: at most so many actors; None leaves it to the cluster's size and its autoscaler.

    Raises:
        MissingExtraError: Ray Data is not installed.
        Depth3DError: what ends the batch, see `Recipe.make`.
    """
    threads = recipe.options.threads or 1
    recipe = replace(recipe, options=replace(recipe.options, threads=threads))
    waiting = iter(jobs)
    with _cluster() as ray:
        while some := list(islice(waiting, _PHOTOS_PER_DATASET)):
            left = {job.photo: job for job in some}
            per_core = math.ceil(len(some) / (_BLOCKS_PER_CORE * max(1, int(ray.cluster_resources().get("CPU", 1)))))
            for photos_per_block in (min(per_core, _MOST_PHOTOS_PER_BLOCK), 1):
                for row in _rows(ray, list(left.values()), recipe, workers, threads, photos_per_block):
                    if left.pop(row.photo, None):
                        yield row
            yield from (recipe.failed(job, _DIED) for job in left.values())


class _Worker:
    """An actor: photos in, rows out. What ends the batch comes out too, as Ray would retry whatever is raised."""

    def __init__(self, recipe: bytes) -> None:
        import cv2

        self._recipe: Recipe = pickle.loads(recipe)
        cv2.setNumThreads(self._recipe.options.threads or 1)

    def __call__(self, block: dict[str, Any]) -> dict[str, list[str]]:
        rows, ends = [], []
        for photo, name in zip(block["photo"], block["name"], strict=True):
            row, end = self._made(Job(str(photo), str(name)))
            rows.append(row)
            ends.append(end)
        return {"row": rows, "end": ends}

    def _made(self, job: Job) -> tuple[str, str]:
        try:
            self._recipe.check_worker()
            return self._recipe.make(job).to_json(), ""
        except ENDS_THE_BATCH as error:
            return type(error).__name__, str(error)


def _rows(
    ray: Any, jobs: Sequence[Job], recipe: Recipe, workers: int | None, threads: int, photos_per_block: int
) -> Iterator[Row]:
    if not jobs:
        return
    blocks = math.ceil(len(jobs) / photos_per_block)
    done = ray.data.from_items([asdict(job) for job in jobs], override_num_blocks=blocks).map_batches(
        _Worker,
        batch_size=None,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=workers),
        fn_constructor_args=(pickle.dumps(recipe),),
        num_cpus=threads,
        max_restarts=-1,
        max_task_retries=_TRIES,
    )
    for block in done.iter_batches(batch_size=None, prefetch_batches=0):
        for row, end in zip(block["row"], block["end"], strict=True):
            if end:
                raise {kind.__name__: kind for kind in (OutputError, WeightsError)}[str(row)](str(end))
            yield Row.from_json(str(row))


@contextmanager
def _cluster() -> Iterator[Any]:
    """Ray, connected: to the cluster that the caller has joined, that RAY_ADDRESS names, or to one of our own."""
    try:
        import ray
        import ray.data
    except ImportError:
        raise MissingExtraError("a cluster", "ray", "ray") from None
    ours = not ray.is_initialized()
    if ours:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # their photos are done again, one by one
    try:
        yield ray
    finally:
        if ours:
            ray.shutdown()
