"""Options of moving pictures, of lenses and of pictures for two eyes, as decorators."""

from __future__ import annotations

from typing import get_args

import click

from depth3d.cli.grouped_help import in_group
from depth3d.cli.param_types import GRID, LAYOUTS, LENGTH, PIXEL, Command, with_options
from depth3d.core.options import AnaglyphColors, AnimationOptions, BokehOptions, Easing, StereoOptions
from depth3d.scenes.options import VideoOptions

_ANIMATION, _BOKEH, _STEREO = AnimationOptions(), BokehOptions(), StereoOptions()


@in_group("Moving pictures")
def motion_options(command: Command) -> Command:
    """What animations look like."""
    return with_options(
        command,
        click.option(
            "--width",
            type=click.IntRange(min=1),
            default=_ANIMATION.width,
            show_default=True,
            metavar="PX",
            help="Frame width.",
        ),
        click.option(
            "--seconds", type=float, default=_ANIMATION.seconds, show_default=True, help="Duration of the loop."
        ),
        click.option("--fps", type=float, default=_ANIMATION.fps, show_default=True, help="Frames per second."),
        click.option(
            "--motion",
            default=_ANIMATION.motion,
            show_default=True,
            metavar="NAME|FILE.json",
            help="The camera's path: orbit, swing, dolly, zoom, vertigo, ken-burns, horizontal, vertical, circle; or a "
            "JSON file of key poses.",
        ),
        click.option(
            "--amount",
            "amount_percent",
            type=float,
            metavar="PERCENT",
            help="How far what moves most, usually the nearest, moves to either side, in per cent of the width.  "
            "[default: 2 to 6, as suits the motion]",
        ),
        click.option(
            "--easing",
            type=click.Choice(get_args(Easing)),
            default=_ANIMATION.easing,
            show_default=True,
            help="How motions that go there and back reverse.",
        ),
    )


@in_group("Moving pictures, depth of field, stereo")
def focus_option(command: Command) -> Command:
    """What the camera is focused on."""
    option = click.option(
        "--focus",
        type=PIXEL,
        metavar="U,V",
        help="Pixel of the thing that stays still, sharp, or on the screen.  [default: what is in the middle]",
    )
    return option(command)


@in_group("Depth of field")
def lens_options(command: Command) -> Command:
    """What is sharp, and how the rest is blurred."""
    return with_options(
        command,
        click.option(
            "--blur",
            "blur_percent",
            type=float,
            default=_BOKEH.blur_percent,
            show_default=True,
            metavar="PERCENT",
            help="Diameter of the discs that the most blurred of the nearest and the farthest things become, in per "
            "cent of the width. It needs no metres.",
        ),
        click.option(
            "--f-number",
            type=float,
            metavar="N",
            help="Instead of --blur: the lens on a full-frame camera that has the photo's field of view. It needs "
            "metres.",
        ),
        click.option(
            "--blades",
            type=int,
            default=_BOKEH.blades,
            show_default=True,
            metavar="N",
            help="Aperture blades; 0 is a disc.",
        ),
        click.option(
            "--highlights",
            type=float,
            default=_BOKEH.highlights,
            show_default=True,
            metavar="TIMES",
            help="How many times brighter than white the photo's white lights were.",
        ),
    )


@in_group("Videos")
def video_options(command: Command) -> Command:
    """How the frames of a video are treated."""
    return with_options(
        command,
        click.option(
            "--steady",
            "steady_s",
            type=click.FloatRange(min=0),
            default=VideoOptions().steady_s,
            show_default=True,
            metavar="SECONDS",
            help="Videos: time over which flicker is smoothed; 0 only aligns frames.",
        ),
    )


@in_group("Two eyes")
def layout_option(command: Command) -> Command:
    """How two eyes' pictures share a file."""
    option = click.option(
        "--layout",
        type=click.Choice(LAYOUTS),
        default=_STEREO.layout,
        show_default=True,
        help="Layout of pictures for two eyes.",
    )
    return option(command)


# Long: one entry for each option.
@in_group("Two eyes")
def stereo_options(command: Command) -> Command:
    """Where the two eyes are."""
    return with_options(
        command,
        click.option(
            "--disparity",
            "disparity_percent",
            type=float,
            default=_STEREO.disparity_percent,
            show_default=True,
            metavar="PERCENT",
            help="Largest difference between both eyes' pictures, in per cent of their width; beyond 3 it may strain "
            "the eyes. It needs no metres.",
        ),
        click.option(
            "--ipd", type=LENGTH, metavar="DIST", help="Instead: distance between the eyes, such as 63mm. Needs metres."
        ),
        click.option(
            "--convergence",
            type=LENGTH,
            metavar="DIST",
            help="Depth that appears on the screen, instead of that at --focus; nearer things stand before it. Needs "
            "metres.",
        ),
        click.option(
            "--eye-width",
            type=click.IntRange(min=16),
            metavar="PX",
            help="Width of each eye's picture.  [default: 1920; VR180 2880; autostereogram 1200; wigglegram 640; quilt "
            "512]",
        ),
        click.option("--swap", is_flag=True, help="Give each eye the other one's picture."),
        click.option(
            "--anaglyph",
            type=click.Choice(get_args(AnaglyphColors)),
            default=_STEREO.anaglyph,
            show_default=True,
            help="Glasses of an anaglyph; color, half-color and grey are for red and cyan ones too, plainer and "
            "brighter.",
        ),
        click.option(
            "--quilt",
            type=GRID,
            default=_STEREO.quilt,
            show_default="{}x{}".format(*_STEREO.quilt),
            metavar="COLUMNSxROWS",
            help="Views of a quilt: 8x6 Looking Glass Portrait, 11x6 Go, 7x7 of 16 inches.",
        ),
    )
