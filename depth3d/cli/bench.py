"""`depth3d bench`: how fast and how small, beside other libraries, on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from depth3d.cli.param_types import EXISTING_FILE, EXISTING_PATH, PredictorName
from depth3d.core.errors import UsageError


@click.group()
def bench() -> None:
    """Measure this machine: our work beside that of other libraries, in one run.

    \b
    depth3d bench predict
    depth3d bench command photo.jpg
    depth3d bench geometry photo.jpg
    depth3d bench edges frames.json
    depth3d bench motion
    depth3d bench scale frames.json
    """


@bench.command()
@click.option(
    "--predictor",
    "names",
    type=PredictorName(),
    multiple=True,
    metavar="NAME",
    help="Network to measure, as of export. Repeatable.  [default: midas_small, bundled, and others that are here]",
)
@click.option("--weights", type=EXISTING_FILE, metavar="FILE", help="A weights file to measure instead.")
@click.option("--rounds", type=click.IntRange(min=1), default=15, show_default=True, help="How often each is timed.")
@click.option("--threads", type=click.IntRange(min=1), metavar="N", help="Processor threads.")
@click.option("--frames", type=EXISTING_FILE, help="JSON list of photos, as of depth3d eval, to compare depth on.")
@click.option(
    "--photos", type=click.IntRange(min=20), default=100, show_default=True, help="Photos for rate and memory."
)
def predict(names: tuple[str, ...], weights: Path | None, **conditions: Any) -> None:
    """The network alone: each way of running it on this machine, and which one `auto` takes and why.

    Beside MiDaS as it was published, in the same run. Converts networks on their first use.

    \b
    depth3d bench predict
    depth3d bench predict --predictor bundled --frames frames.json
    depth3d bench predict --predictor hf:depth-anything/Depth-Anything-V2-Small-hf
    """
    from depth3d.lab.bench.predict import Conditions, bench_predict
    from depth3d.lab.bench.predict_any import bench_any, present_networks
    from depth3d.lab.bench.timing import to_table
    from depth3d.predictors import PREDICTORS

    names = names or present_networks()
    for name in names[:1] if weights else names:
        ours = name in PREDICTORS and name != "auto"
        if not ours and weights is not None:
            raise UsageError(f"--weights is a file for our own networks, not for {name}")
        under = Conditions(**conditions)
        section = bench_predict(name, weights=weights, conditions=under) if ours else bench_any(name, under)
        click.echo(f"{to_table((section,))}\n")


@bench.command("command")
@click.argument("photo", type=EXISTING_FILE)
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True, help="How often each is run.")
def whole_command(photo: Path, rounds: int) -> None:
    """Whole commands on PHOTO at 12 and 2 megapixels, cold start included, and where the time goes.

    Beside a plain script with MiDaS in torch, numpy and Open3D.

    \b
    depth3d bench command photo.jpg
    """
    from depth3d.lab.bench.cold_start import bench_command
    from depth3d.lab.bench.timing import to_table

    for section in bench_command(photo, rounds=rounds):
        click.echo(f"{to_table((section,))}\n")


@bench.command()
@click.argument("photo", type=EXISTING_FILE)
@click.option("--rounds", type=click.IntRange(min=1), default=7, show_default=True, help="How often each is timed.")
@click.option("--frames", type=EXISTING_FILE, help="JSON list of photos with measured depth, as of depth3d eval.")
def geometry(photo: Path, rounds: int, frames: Path | None) -> None:
    """Time and size of geometry files made of PHOTO, cut to 1920x1080, and which promises hold.

    Compares with trimesh, and with Open3D where it is installed; --frames adds what only true depth can tell. Takes a
    minute; anything else that runs disturbs it.

    \b
    depth3d bench geometry photo.jpg
    depth3d bench geometry photo.jpg --rounds 21
    depth3d bench geometry photo.jpg --frames frames.json
    """
    from depth3d.lab.bench.geometry import bench_geometry
    from depth3d.lab.bench.timing import to_table

    for section in bench_geometry(photo, rounds=rounds, frames=frames):
        click.echo(f"{to_table((section,))}\n")


@bench.command()
@click.argument("frames", type=EXISTING_FILE)
def edges(frames: Path) -> None:
    """Depth edges of FRAMES, a list as `depth3d eval` reads it: refinement beside bicubic interpolation.

    True depth is shrunk to what a network sees, 256 cells, and brought back in both ways. Counts the points that fly
    between surfaces, and how well the boundaries are where they should be.

    \b
    depth3d bench edges frames.json
    """
    from depth3d.lab.bench.edges import bench_edges, read_measured
    from depth3d.lab.bench.timing import to_table
    from depth3d.lab.evaluation.metrics import read_frames

    click.echo(to_table((bench_edges(map(read_measured, read_frames(frames))),)))


@bench.command()
@click.option("--data", type=EXISTING_PATH, help="Folder with Middlebury's Motorcycle, Redwood's and 7-Scenes' frames.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="How often each is timed.")
def motion(data: Path | None, rounds: int) -> None:
    """Moving pictures: how fast they are drawn and written, and how close they are to the truth.

    Time is measured on a scene of cards, whose views are known exactly: every motion is compared with them. --data adds
    photos really taken from where a view is drawn.

    \b
    depth3d bench motion
    depth3d bench motion --data ../shared/data
    """
    from depth3d.lab.bench.animations import bench_motion
    from depth3d.lab.bench.timing import to_table

    for section in bench_motion(data, rounds=rounds):
        click.echo(f"{to_table((section,))}\n")


@bench.command()
@click.argument("frames", type=EXISTING_FILE)
@click.option("--predictor", default="bundled", show_default=True, help="Network to scale; perfect: the true depth.")
@click.option("--draws", type=click.IntRange(min=1), default=5, show_default=True, help="Draws of hints per frame.")
@click.option("--model", type=EXISTING_PATH, help="A metric COLMAP model of some of the frames, scaled by its points.")
def scale(frames: Path, predictor: str, draws: int, model: Path | None) -> None:
    """How far to trust the metres: true hints of FRAMES, a list as `depth3d eval` reads it, with their cameras.

    Error against the number and kind of hints, beside a least-squares line through the same hints; the share of pixels
    within one and two error bars, the error bar beside a hint, and how many true hints were left out or refused.

    \b
    depth3d bench scale frames.json
    depth3d bench scale frames.json --model colmap_folder
    """
    from depth3d.lab.bench.scale import bench_scale, bench_sparse_points
    from depth3d.lab.bench.scale_cases import read_measured_photos
    from depth3d.predictors import load_predictor

    photos, network = read_measured_photos(frames), None
    if predictor != "perfect":
        network = load_predictor(predictor)
    click.echo(bench_scale(photos, network, draws=draws))
    if model is not None:
        if network is None:
            raise click.UsageError("points of a model are for a network; leave --predictor perfect out")
        click.echo(f"\n{bench_sparse_points(photos, network, model)}")
