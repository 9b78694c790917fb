"""Engine: Ray Data on a cluster; an autoscaling pool of actors, each with its own network.

Ray hands out blocks of photos, holds back when results pile up, starts actors again that died with their node, and does
their blocks again. The manifest is written by the one process that called, as with any engine.
"""

from __future__ import annotations

import json
import logging
import math
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

from depth3d.batch.local import Workers
from depth3d.batch.manifest_row import Row
from depth3d.batch.process_photo import ENDS_THE_BATCH, Job, Recipe
from depth3d.batch.storage import Folder
from depth3d.core.errors import EngineError, MissingExtraError
from depth3d.core.telemetry import start_ray_here
from depth3d.scenes.options import Options

_PHOTOS_PER_DATASET = 50_000
_MOST_PHOTOS_PER_BLOCK = 16
_BLOCKS_PER_CORE = 4


def each_row_on_ray(jobs: Sequence[Job], recipe: Recipe, *, workers: int | None) -> Iterator[Row]:
    """Do photos on the cluster that RAY_ADDRESS names, else on one that is started here; rows come as they are done.

    A photo whose actor dies with its machine is done again elsewhere.

    Args:
        jobs: the photos.
        recipe: what to make of them; its `threads` are the cores of each actor, None means 1.
        workers: at most so many actors; None leaves it to the cluster's size and its autoscaler.

    Raises:
        MissingExtraError: Ray Data is not installed.
        EngineError: the cluster cannot be reached, or its machines lack depth3d.
        Depth3DError: what ends the batch, see `Recipe.make`.
    """
    recipe = _from_anywhere(recipe)
    waiting = iter(jobs)
    with connected() as ray, told_in_one_line(ray):
        while some := list(islice(waiting, _PHOTOS_PER_DATASET)):
            left = {job.photo for job in some}
            for row in _rows(ray, some, recipe, workers):
                if row.photo in left:  # a block may come twice when its machine is lost
                    left.remove(row.photo)
                    yield row
            if left:
                raise EngineError(f"the Ray cluster has lost {len(left)} photos; run the same command again")


def _from_anywhere(recipe: Recipe) -> Recipe:
    """The recipe with whole paths, as machines of a cluster work in folders of their own."""
    here = Folder(recipe.output).path
    output = recipe.output if here is None else str(here)
    return replace(recipe, options=with_whole_paths(recipe.options), output=output)


def with_whole_paths(options: Options) -> Options:
    """Options whose paths mean the same in every folder, for workers of one thread unless they say how many."""
    changed: dict[str, Any] = {"threads": options.depth.threads or 1}
    for _, name, value in options.items():
        if isinstance(value, Path):
            changed[name] = value.absolute()
        elif isinstance(value, tuple) and any(isinstance(one, Path) for one in value):
            changed[name] = tuple(one.absolute() for one in value)
    return options.changed(**changed)


class _Actor:
    """Photos in, rows out, by way of one process of the local engine, so that a photo that kills it is named there.

    What ends the batch comes out as a value: whatever is raised, Ray may try again.
    """

    def __init__(self, recipe: bytes) -> None:
        self._workers = Workers(Recipe.from_bytes(recipe), 1)

    def __call__(self, block: dict[str, Any]) -> dict[str, list[str]]:
        jobs = [Job(**json.loads(str(text))) for text in block["job"]]
        try:
            rows = [row.to_json() for row in self._workers.rows(jobs)]
        except ENDS_THE_BATCH as error:
            return {"row": [type(error).__name__], "end": [str(error)]}
        return {"row": rows, "end": [""] * len(rows)}


def _rows(ray: Any, jobs: Sequence[Job], recipe: Recipe, workers: int | None) -> Iterator[Row]:
    cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
    photos_per_block = min(_MOST_PHOTOS_PER_BLOCK, math.ceil(len(jobs) / (_BLOCKS_PER_CORE * cores)))
    done = ray.data.from_items(
        [{"job": json.dumps(asdict(job))} for job in jobs],  # JSON, as names need not be text
        override_num_blocks=math.ceil(len(jobs) / photos_per_block),
    ).map_batches(
        _Actor,
        batch_size=None,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=workers),
        fn_constructor_args=(recipe.to_bytes(),),
        num_cpus=recipe.options.depth.threads,
    )
    for block in done.iter_batches(batch_size=None, prefetch_batches=0):
        for row, end in zip(block["row"], block["end"], strict=True):
            if end:
                raise next(kind for kind in ENDS_THE_BATCH if kind.__name__ == row)(str(end))
            yield Row.from_json(str(row))


@contextmanager
def told_in_one_line(ray: Any) -> Iterator[None]:
    """What goes wrong in Ray itself, such as machines without depth3d, is told in one line."""
    try:
        yield
    except (ray.exceptions.RayError, ray.data.exceptions.SystemException) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        told = next((line for line in reversed(lines) if "Error: " in line), lines[0] if lines else repr(error))
        raise EngineError(f"the Ray cluster cannot do it: {told}") from error


def _connect(ray: Any, **options: Any) -> None:
    """Join the cluster that RAY_ADDRESS names, or that `ray start` has started here, else start one."""
    from ray._private.services import find_bootstrap_address

    address = os.environ.get("RAY_ADDRESS") or find_bootstrap_address(None)
    if address in (None, "local"):
        start_ray_here(**options)
    else:
        ray.init(**options)


@contextmanager
def connected() -> Iterator[Any]:
    """Ray, connected: to the cluster that the caller has joined, that RAY_ADDRESS names, or to one of our own."""
    try:
        import ray
        import ray.data
    except ImportError:
        raise MissingExtraError("a cluster", "ray", "ray") from None
    ours = not ray.is_initialized()
    if ours:
        try:
            _connect(ray, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError, ValueError) as error:
            where = os.environ.get("RAY_ADDRESS") or "on this machine"
            raise EngineError(f"no Ray cluster answers ({where}): {error}; see `ray status`") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Ray's own settings
        ray.data.DataContext.get_current().enable_progress_bars = False
    talk = logging.getLogger("ray.data")
    level = talk.level
    talk.setLevel(logging.ERROR)
    try:
        yield ray
    finally:
        talk.setLevel(level)
        if ours:
            ray.shutdown()
