"""Rendered training pictures without end: a window of recent renders from which batches are drawn.

Everything follows from (seed, step): which worlds are in the window, which of them a batch takes, and which faults it
gets. A training that was killed therefore goes on with exactly the batches it would have had.
"""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from depth3d.core.child_process import end_with_parent
from depth3d.lab.training.augment import Batch, BatchRandom, crop, degrade, develop
from depth3d.lab.training.render import render_batch
from depth3d.lab.training.scene_generators import random_kind, random_world

_AHEAD = 24
_BARE = 0.85
_Arrays = tuple[NDArray[Any], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Worlds rendered together.

    Attributes:
        rgb: (N, 3, H, W) half precision, linear light.
        inverse_depth: (N, H, W) half precision, in 1/m, 0 at the sky.
        largest_object: (N,) share of the picture that its largest object covers.
    """

    rgb: Tensor
    inverse_depth: Tensor
    largest_object: Tensor


@dataclass(frozen=True, slots=True)
class ProceduralOptions:
    """How worlds are rendered and reused.

    Attributes:
        width: of a render in pixels.
        height: of a render in pixels.
        block: worlds rendered together.
        first_blocks: blocks rendered before the first step.
        window_blocks: blocks kept; older ones are forgotten.
        reuse: how many samples are drawn per rendered picture, on average.
        seed: of everything.
        compiled: fuse the renderer's loops (needs a C++ compiler, or a GPU).
        device: where to render.
        workers: processes that render ahead; 0 renders when a batch needs it.
    """

    width: int = 192
    height: int = 144
    block: int = 8
    first_blocks: int = 48
    window_blocks: int = 500
    reuse: float = 5.0
    seed: int = 1
    compiled: bool = False
    device: str = "cpu"
    workers: int = 0


class ProceduralSource:
    """Draws batches from a sliding window of rendered worlds."""

    name = "procedural"

    def __init__(self, options: ProceduralOptions) -> None:
        self.options = options
        self._blocks: OrderedDict[int, Block] = OrderedDict()
        self._coming: dict[int, Future[_Arrays]] = {}
        self._workers = _start_workers(options) if options.workers else None

    def batch(self, step: int, count: int, size: tuple[int, int]) -> Batch:
        """The batch of this step: `count` pictures of (height, width) `size`."""
        options = self.options
        newest = options.first_blocks + int(step * count / (options.reuse * options.block))
        oldest = max(0, newest - options.window_blocks)
        self._keep(oldest, newest)
        rng = np.random.default_rng((options.seed, step))
        candidates = rng.integers(oldest * options.block, newest * options.block, (count, 3))
        places = [self._first_not_bare([divmod(int(i), options.block) for i in row]) for row in candidates]
        rgb = torch.stack([self._blocks[number].rgb[i] for number, i in places]).float()
        inverse = torch.stack([self._blocks[number].inverse_depth[i] for number, i in places]).float()
        draws = BatchRandom(int(rng.integers(1 << 62)), count, rgb.device)
        valid = torch.ones_like(inverse, dtype=torch.bool)
        rgb, inverse, valid = crop(rgb, inverse, valid, size, draws)
        return degrade(Batch(develop(rgb, draws), inverse, valid), draws)

    def _first_not_bare(self, candidates: list[tuple[int, int]]) -> tuple[int, int]:
        """The first candidate that shows more than a bare wall, else the first."""
        for number, i in candidates:
            if self._blocks[number].largest_object[i] < _BARE:
                return number, i
        return candidates[0]

    def _keep(self, oldest: int, newest: int) -> None:
        for number in [n for n in self._blocks if n < oldest]:
            del self._blocks[number]
        for number in range(oldest, newest + (_AHEAD if self._workers else 0)):
            if number in self._blocks or number in self._coming:
                continue
            if self._workers is not None:
                self._coming[number] = self._workers.submit(_render_arrays, self.options, number)
            else:
                self._blocks[number] = render_block(self.options, number)
        for number in [n for n in self._coming if n < newest]:
            self._blocks[number] = Block(*map(torch.from_numpy, self._coming.pop(number).result()))


def _start_workers(options: ProceduralOptions) -> ProcessPoolExecutor:
    context = get_context("spawn")
    return ProcessPoolExecutor(options.workers, mp_context=context, initializer=_one_thread)


def _one_thread() -> None:
    from depth3d.lab.training.malloc import keep_memory

    end_with_parent()
    keep_memory()
    torch.set_num_threads(1)


def _render_arrays(options: ProceduralOptions, number: int) -> _Arrays:
    block = render_block(options, number)
    return tuple(tensor.cpu().numpy() for tensor in (block.rgb, block.inverse_depth, block.largest_object))


def render_block(options: ProceduralOptions, number: int) -> Block:
    """Block `number`, always the same."""
    first = (options.seed << 32) + number * options.block
    kind = random_kind(first)  # one kind per block: scenes of like size waste no time on padding
    worlds = [random_world(first + i, kind) for i in range(options.block)]
    rendered = render_batch(
        [scene for scene, _ in worlds],
        [view.camera(options.width, options.height) for _, view in worlds],
        [view.pose() for _, view in worlds],
        seed=first,
        device=options.device,
        compiled=options.compiled,
        shadow_stride=2,
        cull=True,
    )
    rgb = rendered.rgb.movedim(3, 1).clamp(0, 6e4).half().contiguous()
    # Inverse depth beyond 1/5 cm cannot be held apart from the rest of the picture, and half precision ends at 65504.
    inverse = rendered.inverse_depth.clamp(max=20).half()
    flat = rendered.ids.flatten(1)
    largest = torch.stack([torch.unique(ids, return_counts=True)[1].max() / ids.numel() for ids in flat])
    return Block(rgb, inverse, largest.cpu())


def validation_batch(options: ProceduralOptions, count: int, size: tuple[int, int]) -> Batch:
    """Worlds that are never trained on, with faults: the same at every call."""
    blocks = -(-count // options.block)
    held_out = replace(options, first_blocks=blocks, reuse=1e9, seed=options.seed + 1000, workers=0, compiled=False)
    return ProceduralSource(held_out).batch(0, count, size)
