"""The training loop: batches in, a network out; killed at any moment, it goes on bit for bit.

A checkpoint holds the network, the running average of its weights, the optimiser's state and the step; every batch
follows from the seed and the step, so nothing else needs remembering.
"""

from __future__ import annotations

import io
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from depth3d.core.errors import OutputError
from depth3d.io.atomic import atomic_write
from depth3d.lab.training.augment import Batch
from depth3d.lab.training.losses import LossWeights, total_loss
from depth3d.lab.training.metrics import batch_figures
from depth3d.lab.training.precision import compute_slow_convolutions_in_float32
from depth3d.lab.training.self_training import Taught
from depth3d.predictors.midas import MidasNet, build_network
from depth3d.predictors.spec import NetworkSpec

SHAPES = ((96, 128), (96, 128), (96, 128), (128, 96), (64, 192), (96, 96), (96, 160))


class Source(Protocol):
    """Anything that gives batches: the same batch for the same step."""

    name: str

    def batch(self, step: int, count: int, size: tuple[int, int]) -> Batch:
        """`count` samples of (height, width) `size` for this step."""
        ...


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """How to train.

    Attributes:
        steps: steps in all.
        batch: pictures per step.
        shapes: (height, width) of the batches, drawn per step; multiples of 32.
        late_shapes: the same for the last steps: begin at low resolution, finish at full.
        late: share of the steps that use `late_shapes`.
        rate: greatest learning rate.
        warm: steps in which the learning rate rises.
        cool: share of the steps in which it falls to zero at the end; until then it is constant.
        decay: of AdamW.
        average: of the weights, per step.
        clip: greatest norm of the gradient.
        seed: of the network's first weights and of the order of shapes.
        threads: of torch.
        half: compute in bfloat16.
        freeze_norm: leave batch normalisation as it is, for fine-tuning: few pictures cannot replace its statistics.
        encoder_rate: learning rate of the encoder as a share of the decoder's: a slow one keeps what it learned before.
        encoder_hold: first steps in which only the decoder learns, so that its first guesses degrade no good encoder.
        device: where to train.
        check_every: steps between validations.
        save_every_s: seconds between checkpoints.
        loss: how the losses are mixed.
    """

    steps: int = 30000
    batch: int = 32
    shapes: tuple[tuple[int, int], ...] = SHAPES
    late_shapes: tuple[tuple[int, int], ...] = ()
    late: float = 0.0
    rate: float = 1.5e-3
    warm: int = 300
    cool: float = 0.35
    decay: float = 0.03
    average: float = 0.999
    clip: float = 1.0
    seed: int = 1
    threads: int = 2
    half: bool = True
    freeze_norm: bool = False
    encoder_rate: float = 1.0
    encoder_hold: int = 0
    device: str = "cpu"
    check_every: int = 500
    save_every_s: float = 180.0
    loss: LossWeights = field(default_factory=LossWeights)


class Trainer:
    """One training, in memory.

    Args:
        spec: the network; its first weights follow from the options' seed, unless `start` gives them.
        options: how to train.
        source: where batches come from.
        start: a state dict to begin with.
        notes: what the weights file shall say about its making, such as where the encoder is from.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        options: TrainOptions,
        source: Source,
        *,
        start: dict[str, Tensor] | None = None,
        notes: Mapping[str, str] | None = None,
    ) -> None:
        torch.manual_seed(options.seed)
        self.spec, self.options, self.source, self.step = spec, options, source, 0
        self.notes = dict(notes or {})
        layout: Any = {"memory_format": torch.channels_last}
        self.network: MidasNet = build_network(spec).to(options.device, **layout)
        self.average: MidasNet = build_network(spec).to(options.device, **layout)
        if options.half and options.device == "cpu":
            compute_slow_convolutions_in_float32(self.network)
        if start is not None:
            self.network.load_state_dict(start)
        self.average.load_state_dict(self.network.state_dict())
        groups = _parameter_groups(self.network, options)
        self.optimiser = torch.optim.AdamW(groups, lr=options.rate, betas=(0.9, 0.98), fused=True)
        if isinstance(source, Taught):
            source.follow(self.guess)

    def advance(self) -> float:
        """One step; returns its loss."""
        options = self.options
        rng = np.random.default_rng((options.seed, 77, self.step))
        late = self.step >= options.steps * (1 - options.late) and options.late_shapes
        shapes = options.late_shapes if late else options.shapes
        size = shapes[int(rng.integers(len(shapes)))]
        batch = self.source.batch(self.step, options.batch, size)
        for group in self.optimiser.param_groups:
            group["lr"] = options.rate * rate_factor(self.step, options) * group["share"]
        self._prepare_mode()
        output = _forward(self.network, batch.rgb, options)
        loss = total_loss(output, batch.inverse_depth, batch.valid, options.loss, anchored=batch.anchored)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), options.clip)
        if torch.isfinite(norm):
            self.optimiser.step()
            self._average()
        self.step += 1
        return float(loss.detach())

    def state(self) -> dict[str, Any]:
        """All that `restore` needs."""
        return {
            "spec": self.spec.to_json(), "notes": self.notes, "step": self.step, "network": self.network.state_dict(),
            "average": self.average.state_dict(), "optimiser": self.optimiser.state_dict(),
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from what `state` returned."""
        self.step = int(state["step"])
        self.notes = dict(state.get("notes", {}))
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])

    @torch.no_grad()
    def check(self, batch: Batch) -> dict[str, float]:
        """Figures of the averaged network on a validation batch."""
        self.average.eval()
        outputs = [_forward(self.average, part, self.options).float() for part in torch.split(batch.rgb, 32)]
        figures = batch_figures(torch.cat(outputs), batch.inverse_depth, batch.valid)
        self.average.train()
        return figures

    @torch.no_grad()
    def guess(self, rgb: Tensor) -> Tensor:
        """Inverse depth (N, H, W) that the averaged network sees in pictures (N, 3, H, W) in [0, 1]; on the CPU."""
        self.average.eval()
        guessed = _forward(self.average, rgb, self.options).float().cpu()
        self.average.train()
        return guessed

    def _prepare_mode(self) -> None:
        """Training mode, but for what this step leaves alone."""
        self.network.train()
        if self.options.freeze_norm:
            for module in self.network.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        self.network.pretrained.requires_grad_(self.step >= self.options.encoder_hold)

    @torch.no_grad()
    def _average(self) -> None:
        keep = min(self.options.average, (1 + self.step) / (10 + self.step))
        for mine, theirs in zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True):
            if mine.dtype.is_floating_point:
                mine.lerp_(theirs, 1 - keep)
            else:
                mine.copy_(theirs)


def _parameter_groups(network: MidasNet, options: TrainOptions) -> list[dict[str, Any]]:
    """Encoder and decoder, matrices and vectors: vectors are not decayed, the encoder has its own share of the rate."""
    encoder = {id(p) for p in network.pretrained.parameters()}
    groups = []
    for own, share in ((False, 1.0), (True, options.encoder_rate)):
        part = [p for p in network.parameters() if (id(p) in encoder) == own]
        groups.append({"params": [p for p in part if p.ndim > 1], "weight_decay": options.decay, "share": share})
        groups.append({"params": [p for p in part if p.ndim <= 1], "weight_decay": 0.0, "share": share})
    return groups


def rate_factor(step: int, options: TrainOptions) -> float:
    """Share of the greatest learning rate at a step: up, constant, down to zero."""
    falling = max(1.0, options.steps * options.cool)
    left = (options.steps - step) / falling
    return max(0.0, min(1.0, (step + 1) / max(1, options.warm), left))


def train(
    trainer: Trainer,
    folder: Path,
    *,
    validation: Batch | None = None,
    on_check: Callable[[dict[str, float]], None] | None = None,
) -> Path:
    """Trains to the end, or goes on if `folder` holds a checkpoint; logs, draws curves, saves.

    Args:
        trainer: network, options and source.
        folder: receives checkpoint.pt, log.jsonl, curves.png and, at the end, final.pt.
        validation: a fixed batch to be judged on.
        on_check: called with every line of the log.

    Returns:
        The path of final.pt, whose "average" is the trained network.
    """
    from depth3d.lab.training.curves import draw_curves

    options = trainer.options
    torch.set_num_threads(options.threads)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot make the training's folder: {error.strerror}") from error
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.is_file():
        trainer.restore(torch.load(checkpoint, map_location=options.device, weights_only=True))
    saved = begun = time.monotonic()
    losses: list[float] = []
    while trainer.step < trainer.options.steps:
        losses.append(trainer.advance())
        if trainer.step % options.check_every == 0 or trainer.step == trainer.options.steps:
            line = {"step": trainer.step, "loss": math.fsum(losses) / len(losses), "seconds": time.monotonic() - begun}
            line |= trainer.check(validation) if validation is not None else {}
            losses = []
            _log(folder / "log.jsonl", line)
            draw_curves(folder / "log.jsonl", folder / "curves.png")
            if on_check is not None:
                on_check(line)
        if time.monotonic() - saved > options.save_every_s:
            save_state(trainer.state(), checkpoint)
            saved = time.monotonic()
    save_state(trainer.state(), checkpoint)
    return save_state(trainer.state(), folder / "final.pt")


def save_state(state: dict[str, Any], path: Path) -> Path:
    """Write a checkpoint so that a kill leaves the old one or the new one, never half of one.

    Raises:
        OutputError: it cannot be written.
    """
    content = io.BytesIO()
    torch.save(state, content)
    with atomic_write(path, force=True) as file:
        file.write(content.getbuffer())
    return path


def _forward(network: MidasNet, rgb: Tensor, options: TrainOptions) -> Tensor:
    device = torch.device(options.device)
    mean = torch.tensor(network.spec.mean, device=device)[:, None, None]
    std = torch.tensor(network.spec.std, device=device)[:, None, None]
    picture = ((rgb.to(device) - mean) / std).contiguous(memory_format=torch.channels_last)
    with torch.autocast(device.type, torch.bfloat16, enabled=options.half):
        output: Tensor = network(picture)
    return output


def _log(path: Path, line: dict[str, float]) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({k: round(v, 6) for k, v in line.items()}) + "\n")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
