"""`depth3d eval`: how good a predictor is on frames whose depth was measured."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from depth3d.cli.param_types import PredictorName

if TYPE_CHECKING:
    from depth3d.core.depth import InverseDepth
    from depth3d.io.photos.photo import Photo
    from depth3d.lab.evaluation.metrics import Predict
    from depth3d.predictors import Predictor


@click.command("eval")
@click.argument("frames", type=click.Path(path_type=Path))
@click.option(
    "--predictor",
    "names",
    type=PredictorName(),
    multiple=True,
    metavar="NAME",
    help="Which network to judge, as of export; repeatable.  [default: auto, unless --baselines-only]",
)
@click.option("--weights", type=click.Path(path_type=Path), help="A weights file for the network.")
@click.option("--refine", is_flag=True, help="Judge each network's depth once more after refinement.")
@click.option("--baselines-only", is_flag=True, help="Judge only the constant and the vertical gradient.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Also write every figure to this file.")
@click.option("--force", is_flag=True, help="Replace an existing JSON file.")
def eval_command(
    frames: Path,
    names: tuple[str, ...],
    weights: Path | None,
    refine: bool,
    baselines_only: bool,
    json_path: Path | None,
    force: bool,
) -> None:
    """Judge depth on FRAMES, a JSON list of photos with measured depth.

    Each entry of the list has "name", "color", "depth" (a 16-bit picture beside it, 0 = unknown) and "units_per_metre".
    Prints AbsRel, RMSE, delta < 1.25, boundary F1 and the share of flying points after fitting scale and shift in
    inverse depth, and the share of neighbouring points in the right order, beside two predictors that know nothing.

    \b
    depth3d eval frames.json
    depth3d eval frames.json --predictor bundled --predictor midas_small --json figures.json
    depth3d eval frames.json --predictor bundled --refine
    """
    from depth3d.core.errors import UsageError
    from depth3d.io.atomic import atomic_write, check_writable
    from depth3d.lab.evaluation.metrics import evaluate, read_frames

    if baselines_only and (names or weights is not None):
        raise UsageError("--baselines-only judges no network; leave out --predictor and --weights")
    if json_path is not None:
        check_writable(json_path, force)
    listed = read_frames(frames)
    wanted = () if baselines_only else names or ("auto",)
    loaded = [_loaded(name, weights) for name in wanted]
    judged: dict[str, Predict] = {}
    for one in loaded:
        judged[one.name] = one.predict
        if refine:
            judged[f"refined {one.name}"] = partial(_refined, one)
    report = evaluate(listed, judged)
    if json_path is not None:
        with atomic_write(json_path, force=force) as file:
            file.write(report.to_json().encode())
    click.echo(report.table())


def _loaded(name: str, weights: Path | None) -> Predictor:
    """Our own networks in torch, the reference; others in what runs them."""
    from depth3d.predictors import PREDICTORS, load_predictor

    return load_predictor(name, weights=weights, runtime="torch" if name in PREDICTORS else "auto")


def _refined(predictor: Predictor, photo: Photo) -> InverseDepth:
    from depth3d.refine import refine_inverse_depth

    return refine_inverse_depth(predictor.predict(photo), photo.rgb)
