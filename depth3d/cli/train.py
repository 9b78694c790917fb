"""`depth3d train`: make the bundled network again, or adapt one to your own captures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from depth3d.lab.training.loop import Source


@click.command("train")
@click.option(
    "--out",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of the training; an interrupted one goes on.",
)
@click.option(
    "--data",
    multiple=True,
    metavar="LAYOUT:FOLDER",
    help="Photos with depth; repeatable. Layouts: tum, redwood, nyu, kitti, diode, scannet, make3d.",
)
@click.option("--start", type=click.Path(path_type=Path), help="Weights to begin with; needed with --data.")
@click.option("--with-procedural", is_flag=True, help="Mix rendered worlds into --data, as one more source.")
@click.option("--steps", type=click.IntRange(1), help="Steps in all.  [default: 30000, or 2000 with --data]")
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
@click.option("--force", is_flag=True, help="With --export: replace an existing file.")
def train(
    folder: Path,
    data: tuple[str, ...],
    start: Path | None,
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
    force: bool,
) -> None:
    """Train a network: the bundled one on rendered worlds, or any on your own photos with depth.

    \b
    depth3d train --out run --compile --workers 1                                the bundled network, from nothing
    depth3d train --out run --device cuda --compile --batch 128                  the same on a GPU
    depth3d train --out fine --start run/final.pt --size full --rate 7e-4        its last stage, at full resolution
    depth3d train --out mine --start midas_v21_small_256.pt --data tum:captures  fine-tune on your own captures
    depth3d train --out run --export bundled.safetensors                         the network so far
    """
    from depth3d.core.errors import UsageError
    from depth3d.lab.training.finetune import export_trained, fine_tune, start_weights
    from depth3d.lab.training.procedural import ProceduralSource
    from depth3d.lab.training.recipe import train_bundled, train_options, world_options

    if target is not None:
        click.echo(f"wrote {export_trained(folder / 'checkpoint.pt', target, net_size=net_size, force=force)}")
        return
    if data and start is None:
        raise UsageError("--data needs --start WEIGHTS: the network to fine-tune")
    if with_procedural and not data:
        raise UsageError("--with-procedural needs --data; without it every picture is rendered anyway")
    options = train_options(
        steps=steps or (2000 if data else 30000), batch=batch, rate=rate or (3e-5 if data else 1.5e-3),
        rising=size == "rising", device=device, threads=threads, seed=seed,
    )  # fmt: skip
    worlds = world_options(compiled=compiled, device=device, workers=workers, seed=seed)
    if data and start is not None:
        sources = [_folder_source(text, seed) for text in data]
        sources += [ProceduralSource(worlds)] if with_procedural else []
        done = fine_tune(start, _mixed(sources), folder, options=options, on_check=_say)
    else:
        first = start_weights(start) if start is not None else None
        done = train_bundled(folder, options=options, worlds=worlds, start=first, on_check=_say)
    click.echo(f"wrote {done}; depth3d train --out {folder} --export network.safetensors makes a weights file of it")


def _folder_source(text: str, seed: int) -> Source:
    from depth3d.core.errors import UsageError
    from depth3d.lab.training.datasets import FolderSource

    layout, colon, folder = text.partition(":")
    if not colon:
        raise UsageError(f"--data {text}: give LAYOUT:FOLDER, such as tum:captures")
    return FolderSource(layout, Path(folder), seed=seed)


def _mixed(sources: list[Source]) -> Source:
    from depth3d.lab.training.datasets import MixedSource

    return MixedSource(sources)


def _say(line: dict[str, float]) -> None:
    click.echo("  ".join(f"{name} {value:g}" for name, value in line.items()))
