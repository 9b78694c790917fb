"""The recipe of the bundled network: one command reproduces it, on a CPU in hours or on a GPU in minutes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from depth3d.predictors.spec import NetworkSpec
from depth3d.training.memory import keep_memory
from depth3d.training.loop import Trainer, TrainOptions, train
from depth3d.training.procedural import ProceduralOptions, ProceduralSource, validation_batch

BUNDLED = NetworkSpec(
    name="bundled",
    encoder="resnet10t",
    width=48,
    expand=False,
    coordinates="stretched",
    output="any",
    net_size=224,
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
    return train(trainer, folder, validation=validation_batch(worlds, 96, size), on_check=on_check)


def at_full_size(options: TrainOptions, steps: int) -> TrainOptions:
    """The last stage: larger pictures, a smaller rate that only falls."""
    shapes = ((160, 224), (160, 224), (160, 224), (224, 160), (96, 288), (160, 160))
    return replace(options, steps=steps, shapes=shapes, rate=options.rate * 0.5, cool=0.9, warm=100)
