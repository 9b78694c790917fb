"""Several captures at once: in processes of this machine, or as tasks of a Ray cluster."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depth3d.core.child_process import begin_worker, cores
from depth3d.core.errors import EngineError

if TYPE_CHECKING:
    from depth3d.batch.fuse_captures import CaptureRow

Task = Callable[[str, Path], "CaptureRow"]
"""(name of the place, its capture) -> its row; it goes to other processes."""

AtOnce = Callable[[Task, Sequence[tuple[str, Path]]], Iterator["CaptureRow"]]
"""What does captures, in whichever order they end."""


def one_after_another(task: Task, captures: Sequence[tuple[str, Path]]) -> Iterator[CaptureRow]:
    """Do captures here."""
    return (task(name, source) for name, source in captures)


def in_processes(workers: int) -> AtOnce:
    """Do so many captures at once on this machine, which share its cores."""
    return partial(_in_processes, workers=workers)


def on_ray(workers: int | None) -> AtOnce:
    """Do captures on the cluster that RAY_ADDRESS names, else on one that is started here.

    Args:
        workers: at most so many at once; None leaves it to the cluster.
    """
    return partial(_on_ray, workers=workers)


def _in_processes(task: Task, captures: Sequence[tuple[str, Path]], *, workers: int) -> Iterator[CaptureRow]:
    spawn = multiprocessing.get_context("spawn")
    threads = max(1, cores() // workers)
    with ProcessPoolExecutor(workers, mp_context=spawn, initializer=begin_worker, initargs=(threads,)) as pool:
        waiting = [pool.submit(task, name, source) for name, source in captures]
        try:
            for future in as_completed(waiting):
                yield future.result()
        except BrokenProcessPool:
            raise EngineError(
                "a process that worked on a place died, of too little memory or a fault in a decoder; what is done is"
                " kept: run the same command again with fewer --workers"
            ) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _on_ray(task: Task, captures: Sequence[tuple[str, Path]], *, workers: int | None) -> Iterator[CaptureRow]:
    from depth3d.batch.cluster import connected, told_in_one_line

    with connected() as ray, told_in_one_line(ray):
        remote = ray.remote(num_cpus=1)(_done)
        waiting = list(captures)
        running: list[Any] = []
        while waiting or running:
            while waiting and len(running) < (workers or len(captures)):
                running.append(remote.remote(task, *waiting.pop(0)))
            ended, running = ray.wait(running, num_returns=1)
            yield ray.get(ended[0])


def _done(task: Task, name: str, source: Path) -> CaptureRow:
    return task(name, source)
