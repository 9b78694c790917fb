"""Fine-tuning an existing network on one's own captures, and writing what came of a training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from depth3d.core.errors import WeightsError
from depth3d.io.atomic import atomic_write
from depth3d.lab.training.dataset_layouts import LAYOUTS, find_pairs, read_pair
from depth3d.lab.training.loop import Source, Trainer, TrainOptions, train
from depth3d.lab.training.noise import Noise, measure_noise
from depth3d.predictors.checkpoint import load_network, network_bytes
from depth3d.predictors.midas import MidasNet, build_network
from depth3d.predictors.preprocess import prepare_picture, to_photo_size
from depth3d.predictors.spec import NetworkSpec


def fine_tuner(network: MidasNet, options: TrainOptions, source: Source) -> Trainer:
    """A trainer that begins with `network`.

    A trained network has its own scale, so nothing anchors it, and few pictures cannot replace its batch statistics.
    """
    options = replace(options, loss=replace(options.loss, anchor=0.0), freeze_norm=True)
    return Trainer(network.spec, options, source, start=network.state_dict())


def fine_tune(
    start: Path,
    source: Source,
    folder: Path,
    *,
    options: TrainOptions,
    on_check: Callable[[dict[str, float]], None] | None = None,
) -> Path:
    """Fine-tunes the network of a weights file; goes on if `folder` holds a checkpoint.

    Args:
        start: weights, such as the official ones of midas_small.
        source: what to train on.
        folder: receives checkpoints, log, curves.
        options: how to train, except for shapes, which follow from the network; small rates, 1e-5 to 1e-4, keep what
            the network knows.
        on_check: called with every line of the log.

    Returns:
        The path of final.pt.
    """
    network = start_network(start)
    shapes = natural_shapes(network.spec)
    options = replace(options, shapes=shapes, late_shapes=())
    return train(fine_tuner(network, options, source), folder, on_check=on_check)


def natural_shapes(spec: NetworkSpec) -> tuple[tuple[int, int], ...]:
    """(height, width) of a landscape, a portrait and a square picture as the network sees them."""
    step = spec.multiple_of
    longer = spec.net_size // step * step
    shorter = max(step, round(0.75 * longer / step) * step)
    return (shorter, longer), (longer, shorter), (shorter, shorter)


def read_trained(path: Path) -> tuple[MidasNet, dict[str, str]]:
    """The averaged network of a checkpoint or final.pt, in evaluation mode, and what is noted about its making.

    Raises:
        WeightsError: the file cannot be read or is no checkpoint of a training.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        network = build_network(NetworkSpec.from_json(state["spec"]))
        network.load_state_dict(state["average"])
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (KeyError, TypeError, RuntimeError, EOFError, ValueError, AttributeError) as error:
        raise WeightsError(f"{path}: is not a checkpoint of a training") from error
    return network.eval(), {"steps": str(int(state["step"])), **state.get("notes", {})}


def start_network(path: Path) -> MidasNet:
    """The network of a weights file, or a checkpoint's averaged one."""
    return read_trained(path)[0] if is_checkpoint(path) else load_network(path)


def is_checkpoint(path: Path) -> bool:
    """Whether a file is named as a training names what `read_trained` reads."""
    return path.name in ("checkpoint.pt", "final.pt")


def measure_network(network: MidasNet, data: Sequence[tuple[str, Path]]) -> Noise:
    """Measure a network's error at its own size on (layout, folder) of photos with depth in metres.

    Raises:
        UsageError: no such layout or folder, or nothing there has depth in metres.
    """
    frames = []
    for layout, folder in data:
        for pair in find_pairs(layout, folder):
            sample = read_pair(pair, LAYOUTS[layout])
            if sample.anchored:
                frames.append((sample.rgb, np.where(sample.valid, sample.inverse_depth, np.float32(0))))
    return measure_noise(frames, partial(_predict, network))


@torch.no_grad()
def _predict(network: MidasNet, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    picture = torch.from_numpy(prepare_picture(rgb, network.spec))[None]
    output: NDArray[np.float32] = network(picture)[0].numpy()
    return to_photo_size(output, rgb.shape[1], rgb.shape[0])


def export_trained(
    checkpoint: Path,
    target: Path,
    *,
    notes: Mapping[str, str] | None = None,
    net_size: int | None = None,
    measure_on: Sequence[tuple[str, Path]] = (),
    force: bool = False,
) -> Path:
    """Writes the averaged network of a checkpoint as half-precision safetensors.

    Args:
        checkpoint: checkpoint.pt or final.pt.
        target: a path ending in .safetensors.
        notes: metadata beside what the checkpoint notes, such as the licence.
        net_size: longer side of the pictures the network shall see by default; otherwise as trained.
        measure_on: (layout, folder) of photos with depth that were not trained on: the network's error is measured on
            them and stored with it; otherwise what the file says of its error stays the default, a guess.
        force: replace an existing file.
    """
    network, made = read_trained(checkpoint)
    if net_size is not None:
        network.spec = replace(network.spec, net_size=net_size)
    if measure_on:
        noise = measure_network(network, measure_on)
        strength, reach = round(noise.strength, 4), round(noise.reach, 4)
        network.spec = replace(network.spec, noise_strength=strength, noise_reach=reach, noise_law="matern")
        made["noise_measured_on"] = f"{noise.pictures} pictures of {', '.join(folder.name for _, folder in measure_on)}"
    with atomic_write(target, force=force) as file:
        file.write(network_bytes(network, half=True, notes={**made, **(notes or {})}))
    return target
