"""Options about depth that several commands share, as decorators: the network, depth maps, what is done to them.

Nothing here imports numpy: `depth3d --help` must answer at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import click

from depth3d.cli.grouped_help import in_group
from depth3d.cli.param_types import (
    EXISTING_FILE,
    TRIPLE,
    Command,
    FileOfEach,
    PredictorName,
    with_options,
)
from depth3d.cli.terminal import verbose_option
from depth3d.core.options import DepthKind, DepthOptions, SkyChoice
from depth3d.predictors import PREDICTORS
from depth3d.predictors.external.catalogue import KNOWN_NETWORKS
from depth3d.predictors.runtimes import PRECISIONS, RUNTIMES

_DEPTH = DepthOptions()


# Long: one entry for each option.
@in_group("Depth")
def network_options(command: Command) -> Command:
    """Which network sees the depth."""
    return with_options(
        command,
        click.option(
            "--predictor",
            type=PredictorName(),
            default=_DEPTH.predictor,
            show_default=True,
            metavar="NAME",
            help=f"The network: {', '.join(PREDICTORS)}, {', '.join(KNOWN_NETWORKS)}, onnx:FILE, hf:OWNER/NAME, "
            "hf:FOLDER, or a name that an installed package offers.",
        ),
        click.option("--weights", type=EXISTING_FILE, metavar="FILE", help="Weights file for the network."),
        click.option(
            "--output-kind",
            type=click.Choice(["inverse", "disparity", "relative", "depth", "log", "metric"]),
            help="What the network's output v is: 1/z = a v + b, 1/z = a v, z = a v + b, z = a v, z = a exp(v), metres."
            "  [default: what its files say, else found out on photos of known depth]",
        ),
        click.option("--input-mean", type=TRIPLE, metavar="R,G,B", help="Mean that is subtracted for an ONNX file."),
        click.option("--input-std", type=TRIPLE, metavar="R,G,B", help="Deviation that its input is then divided by."),
        click.option(
            "--input-size",
            type=click.IntRange(min=1),
            metavar="PX",
            help="Longer side of its picture, where the ONNX file takes any size.  [default: 518]",
        ),
        click.option("--threads", type=click.IntRange(min=1), metavar="N", help="Processor threads for the network."),
        click.option(
            "--runtime",
            type=click.Choice(RUNTIMES),
            default=_DEPTH.runtime,
            show_default=True,
            help="What runs the network: the fastest that is installed, or this one.",
        ),
        click.option(
            "--precision",
            type=click.Choice(PRECISIONS),
            default=_DEPTH.precision,
            show_default=True,
            help="How exactly the network computes: the fastest way that changes depth by less than 0.5 %, or this.",
        ),
        verbose_option,
    )


@in_group("Depth")
def depth_options(command: Command) -> Command:
    """Which network, or which depth map, sees the depth."""
    return with_options(command, network_options, *_depth_map_options(EXISTING_FILE, "Depth that replaces the network"))


@in_group("Depth")
def depth_of_each_options(command: Command) -> Command:
    """The same for many photos."""
    words = "Depth maps that replace the network, {name} standing for each photo's name"
    return with_options(command, network_options, *_depth_map_options(FileOfEach(), words))


def _depth_map_options(path: click.Path, words: str) -> tuple[Callable[[Command], Command], ...]:
    return (
        click.option(
            "--depth-map",
            type=path,
            metavar="FILE",
            help=f"{words}: PNG, JPEG, PFM, EXR, NPY or NPZ.",
        ),
        click.option(
            "--depth-kind",
            type=click.Choice(get_args(DepthKind)),
            default=_DEPTH.depth_kind,
            show_default=True,
            help="What the depth map holds: affine in 1/z, proportional to z, or metres.",
        ),
        click.option(
            "--depth-units", type=float, metavar="N", help="Stored units per metre of a metric depth map, such as 1000."
        ),
        click.option("--brighter-is-farther", is_flag=True, help="Flip an inverse depth map (Google RangeInverse)."),
        refine_options,
    )


def refine_options(command: Command) -> Command:
    """What is done to depth before it is scaled."""
    return with_options(
        command,
        click.option(
            "--refine/--no-refine",
            default=_DEPTH.refine,
            help="Bring depth edges onto the photo's edges, with nothing between the surfaces that meet there.  "
            "[default: what a network saw, yes; depth that was given, and videos, no]",
        ),
        click.option(
            "--smooth",
            "smooth_px",
            type=click.FloatRange(min=0),
            default=_DEPTH.smooth_px,
            metavar="PX",
            help="Then blur depth with a Gaussian of this many photo pixels.",
        ),
        click.option(
            "--sky",
            type=click.Choice(get_args(SkyChoice)),
            default=_DEPTH.sky,
            show_default=True,
            help="auto: sky in what a network saw is found, gives no geometry, and is the farthest thing in pictures. "
            "keep: as the network sees it.",
        ),
    )
