"""The recipe of the bundled network: one command reproduces it, on a CPU in hours or on a GPU in minutes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from depth3d.core.errors import UsageError
from depth3d.lab.training.loop import Trainer, TrainOptions, train
from depth3d.lab.training.malloc import keep_memory
from depth3d.lab.training.procedural import ProceduralOptions, ProceduralSource, validation_batch
from depth3d.predictors.spec import NetworkSpec

LOW_SHAPES = ((96, 128), (96, 128), (64, 96), (64, 96), (96, 64), (64, 160), (96, 96))
FULL_SHAPES = ((128, 160), (128, 160), (128, 160), (96, 128), (96, 128), (160, 128), (64, 192), (128, 128))
BUNDLED = NetworkSpec(
    name="bundled",
    encoder="resnet10t",
    width=48,
    expand=False,
    coordinates="stretched",
    output="any",
    net_size=160,
    shrink="area",
)


def train_bundled(
    folder: Path,
    *,
    options: TrainOptions | None = None,
    worlds: ProceduralOptions | None = None,
    spec: NetworkSpec = BUNDLED,
    start: dict[str, Tensor] | None = None,
    on_check: Callable[[dict[str, float]], None] | None = None,
) -> Path:
    """Trains the bundled network on rendered worlds, or goes on with a training that `folder` holds.

    Args:
        folder: receives checkpoints, log and curves.
        options: how to train.
        worlds: how to render.
        spec: the network.
        start: weights to begin with.
        on_check: called with every line of the log.

    Returns:
        The path of final.pt.
    """
    options = options if options is not None else TrainOptions()
    worlds = worlds if worlds is not None else ProceduralOptions(compiled=True, device=options.device)
    keep_memory()
    torch.set_num_threads(options.threads)
    size = max(options.shapes, key=lambda shape: shape[0] * shape[1] * (shape[1] / shape[0] == 4 / 3))
    trainer = Trainer(spec, options, ProceduralSource(worlds), start=start)
    return train(trainer, folder, validation=validation_batch(worlds, 64, size), on_check=on_check)


def train_options(
    *, steps: int, batch: int, rate: float, rising: bool, device: str, threads: int, seed: int
) -> TrainOptions:
    """Options with checks often enough to see a training go wrong, whatever its length.

    Args:
        steps: steps in all.
        batch: pictures per step.
        rate: greatest learning rate.
        rising: begin with small pictures and use full ones in the last quarter; otherwise full from the start.
        device: torch device.
        threads: of torch.
        seed: everything random follows from it.

    Raises:
        UsageError: the learning rate is not positive, or torch has no such device.
    """
    if not 0 < rate < 1:
        raise UsageError(f"the learning rate must lie between 0 and 1, got {rate:g}")
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"torch cannot use the device {device!r} here; use cpu") from error
    return TrainOptions(
        steps=steps, batch=batch, rate=rate, shapes=LOW_SHAPES if rising else FULL_SHAPES, late_shapes=FULL_SHAPES,
        late=0.25, cool=0.6, device=device, threads=threads, seed=seed, warm=max(1, min(300, steps // 10)),
        check_every=max(1, min(500, steps // 20)),
    )  # fmt: skip


def world_options(*, compiled: bool, device: str, workers: int, seed: int) -> ProceduralOptions:
    """How to render: a GPU likes large blocks, and renders faster than a network learns, so little is drawn twice."""
    if torch.device(device).type == "cpu":
        return ProceduralOptions(compiled=compiled, workers=workers, seed=seed, reuse=6.0)
    return ProceduralOptions(
        compiled=compiled,
        workers=workers,
        seed=seed,
        device=device,
        block=64,
        first_blocks=12,
        window_blocks=80,
        reuse=2.0,
    )
