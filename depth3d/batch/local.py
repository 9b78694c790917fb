"""Engine: processes on this machine, each with its own network and its share of the cores."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from depth3d.batch.time_limit import time_limit, timed_out_photos
from depth3d.core.child_process import begin_worker, cores
from depth3d.io.temporary import temporary_folder

if TYPE_CHECKING:
    from depth3d.batch.manifest_row import Row
    from depth3d.batch.process_photo import Job, Recipe

_WAITING_PER_WORKER = 2
_DIED = "the process that worked on it died: out of memory, or a fault in a decoder"


def each_row_here(jobs: Iterable[Job], recipe: Recipe, *, workers: int) -> Iterator[Row]:
    """Do photos in processes; rows come as they are finished.

    Args:
        jobs: the photos.
        recipe: what to make of them; its `threads` are for each worker, None divides the cores.
        workers: how many processes.

    Raises:
        Depth3DError: what ends the batch, see `Recipe.make`.
    """
    with Workers(recipe, workers) as here:
        yield from here.rows(jobs)


class Workers(AbstractContextManager["Workers"]):
    """Processes that wait for photos, each with its own network.

    No more than a few photos per process wait inside the pool, so that millions cost no memory. If a process dies, the
    photos that were under way are done again one by one, and the one that kills its process again gets a failed row.

    Args:
        recipe: what to make of each photo.
        count: how many processes.
    """

    def __init__(self, recipe: Recipe, count: int) -> None:
        self._recipe, self._count = recipe, count
        self._temporary = ExitStack()
        self._watch = self._temporary.enter_context(temporary_folder())
        self._pool = self._new_pool(count)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the processes, once each has done the photo it is at."""
        self._pool.shutdown(cancel_futures=True)
        self._temporary.close()

    def rows(self, jobs: Iterable[Job]) -> Iterator[Row]:
        """Do photos; rows come as they are finished.

        Raises:
            Depth3DError: what ends the batch, see `Recipe.make`.
        """
        waiting = iter(jobs)
        under_way: dict[Future[Row], Job] = {}
        while True:
            for job in islice(waiting, self._count * (1 + _WAITING_PER_WORKER) - len(under_way)):
                under_way[self._pool.submit(_make, job)] = job
            if not under_way:
                return
            finished, _ = wait(under_way, return_when=FIRST_COMPLETED)
            lost = []
            for future in finished:
                job = under_way.pop(future)
                try:
                    yield future.result()
                except BrokenProcessPool:
                    lost.append(job)
            if lost:
                lost += under_way.values()
                under_way.clear()
                self._pool.shutdown()
                yield from self._one_by_one(lost)
                self._pool = self._new_pool(self._count)

    def _one_by_one(self, jobs: Iterable[Job]) -> Iterator[Row]:
        """Do photos so that it is certain which of them kills its process; those that took too long are known."""
        overdue = timed_out_photos(self._watch)
        pool = self._new_pool(1)
        try:
            for job in jobs:
                if job.photo not in overdue:
                    try:
                        yield pool.submit(_make, job).result()
                        continue
                    except BrokenProcessPool:
                        overdue |= timed_out_photos(self._watch)
                        pool.shutdown()
                        pool = self._new_pool(1)
                yield self._recipe.failed(job, self._too_long if job.photo in overdue else _DIED)
        finally:
            pool.shutdown(cancel_futures=True)

    @property
    def _too_long(self) -> str:
        return f"took longer than {self._recipe.seconds_per_photo:g} s; --time-limit allows more"

    def _new_pool(self, workers: int) -> ProcessPoolExecutor:
        recipe = self._recipe
        threads = recipe.options.depth.threads or max(1, cores() // workers)
        recipe = replace(recipe, options=recipe.options.changed(threads=threads))
        return ProcessPoolExecutor(
            workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start,
            initargs=(threads, recipe.to_bytes(), self._watch),
        )


_packed: bytes
_watch: Path


def _start(threads: int, packed: bytes, watch: Path) -> None:
    global _packed, _watch
    begin_worker(threads)
    _packed, _watch = packed, watch


def _make(job: Job) -> Row:
    recipe = _ready(_packed)
    with time_limit(_watch, job.photo, recipe.seconds_per_photo):
        return recipe.make(job)


@lru_cache(maxsize=1)
def _ready(packed: bytes) -> Recipe:
    """The recipe, once this process has its network."""
    import cv2

    from depth3d.batch.process_photo import Recipe

    recipe = Recipe.from_bytes(packed)
    cv2.setNumThreads(recipe.options.depth.threads or 1)
    recipe.check_worker()
    return recipe
