"""Options that several commands share, as decorators; and how their values become Options.

Nothing here imports numpy: `depth3d --help` must answer at once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from depth3d.cli.terminal import json_option, verbose_option
from depth3d.errors import UsageError
from depth3d.lengths import parse_bytes, parse_length, parse_pixel, parse_pixel_length, parse_pixels, parse_span_length
from depth3d.predictors.runtimes import PRECISIONS, RUNTIMES

if TYPE_CHECKING:
    from depth3d.options import Options
    from depth3d.scale import Hint

_Command = TypeVar("_Command", bound=Callable[..., Any])

EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
EXISTING_PATH = click.Path(exists=True, path_type=Path)
OUTPUT_FILE = click.Path(dir_okay=False, path_type=Path)


AXES = ("gltf", "opencv", "blender", "ros", "unity", "z-up")
"""The names of `depth3d.formats.axes`, which needs numpy."""


LAYOUTS = (
    *("side-by-side", "half-side-by-side", "top-bottom", "half-top-bottom", "cross-eyed", "anaglyph", "autostereogram"),
    "vr180",
)
"""The names of `depth3d.stereo.LAYOUTS`, which needs numpy."""


class Parsed(click.ParamType[object]):
    """A value whose text is read by one of our own parsers."""

    def __init__(self, name: str, parse: Callable[[str], object]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> object:
        """The parsed value, or click's own error."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except UsageError as error:
            self.fail(str(error), param, ctx)


LENGTH = Parsed("length", parse_length)
BYTES = Parsed("size", parse_bytes)
PIXEL = Parsed("u,v", parse_pixel)
PIXELS = Parsed("u,v:u,v:u,v", parse_pixels)
PIXEL_LENGTH = Parsed("u,v=length", parse_pixel_length)
SPAN_LENGTH = Parsed("u,v:u,v=length", parse_span_length)


def photo_arguments(command: _Command) -> _Command:
    """One photo or several."""
    return click.argument("photos", nargs=-1, required=True, type=EXISTING_FILE, metavar="PHOTO...")(command)


def camera_options(command: _Command) -> _Command:
    """Where the camera's intrinsics come from."""
    return _all(
        command,
        click.option("--fov", "fov_x_deg", type=float, metavar="DEG", help="Horizontal field of view in degrees."),
        click.option("--focal-px", type=float, metavar="F", help="Focal length in pixels of the upright photo."),
        click.option(
            "--camera",
            "camera_file",
            type=EXISTING_PATH,
            metavar="FILE",
            help="Intrinsics: JSON or YAML (a 3x3 K, or fx fy cx cy; ours, Open3D, nerfstudio), OpenCV, ROS or Kalibr "
            "files, cameras.bin or .txt of COLMAP or its model's folder. Pixel centres as in each of these; in plain "
            "files at integers unless they say pixel_centre: 0.5. Without any of these three: EXIF, else vanishing "
            "points, else a stated assumption.",
        ),
    )


def scale_options(command: _Command) -> _Command:
    """What the user knows about distances."""
    return _all(
        command,
        click.option(
            "--at",
            type=PIXEL_LENGTH,
            multiple=True,
            metavar="U,V=DIST",
            help="Distance from the camera to the thing at pixel U,V of the upright photo, such as 412,300=2.4m or "
            "412,300=8ft±2in. Units m cm mm ft in; none means metres. Repeatable.",
        ),
        click.option(
            "--depth-at",
            type=PIXEL_LENGTH,
            multiple=True,
            metavar="U,V=DEPTH",
            help="Depth along the optical axis of the thing at pixel U,V. Repeatable.",
        ),
        click.option("--near", type=LENGTH, metavar="DIST", help="Depth of the nearest things (98th percentile)."),
        click.option("--far", type=LENGTH, metavar="DIST", help="Depth of the farthest things (2nd percentile)."),
        click.option(
            "--size",
            type=SPAN_LENGTH,
            multiple=True,
            metavar="U,V:U,V=LENGTH",
            help="Length of a straight line between the things at two pixels, such as 40,90:40,400=1.75m. Repeatable.",
        ),
        click.option(
            "--camera-height",
            type=LENGTH,
            metavar="HEIGHT",
            help="Height of the camera over level ground that is seen; level unless --pitch or --horizon is given.",
        ),
        click.option("--pitch", "pitch_deg", type=float, metavar="DEG", help="How far the camera points downwards."),
        click.option(
            "--horizon",
            "horizon_v",
            type=float,
            metavar="V",
            help="Row of the horizon in the picture's middle, in pixels from the top.",
        ),
        click.option(
            "--right-angle",
            type=PIXELS,
            multiple=True,
            metavar="A:B:C",
            help="A right angle in space at B between the directions to A and C, each U,V. Repeatable.",
        ),
        click.option(
            "--infinity",
            type=PIXEL,
            multiple=True,
            metavar="U,V",
            help="A point at infinity: sky, far hills. Repeatable.",
        ),
        click.option(
            "--points",
            type=EXISTING_PATH,
            multiple=True,
            metavar="FILE",
            help="Sparse points: a table u,v,z; a sensor's depth as 16-bit PNG or NPY; PLY or LAS in camera axes; the "
            "folder of a COLMAP model. Repeatable.",
        ),
        click.option("--points-units", type=float, metavar="N", help="Units per metre of --points, such as 1000."),
        click.option(
            "--points-confidence",
            type=EXISTING_FILE,
            metavar="FILE",
            help="A phone's confidence map (0 1 2) for sensor depth.",
        ),
        click.option(
            "--hints",
            "hints_files",
            type=EXISTING_FILE,
            multiple=True,
            metavar="FILE",
            help="Hints as JSON. Repeatable.",
        ),
        click.option(
            "--refine-scale",
            is_flag=True,
            help="Bend depth smoothly to many points, if that predicts left-out points better.",
        ),
        click.option(
            "--embedded-depth/--no-embedded-depth",
            default=True,
            show_default=True,
            help="Use depth that a phone stored inside the photo.",
        ),
    )


def network_options(command: _Command) -> _Command:
    """Which network sees the depth."""
    return _all(
        command,
        click.option(
            "--predictor",
            type=click.Choice(["auto", "midas_small", "midas_large", "bundled"]),
            default="auto",
            show_default=True,
            help="The network.",
        ),
        click.option("--weights", type=EXISTING_FILE, metavar="FILE", help="Weights file for the network."),
        click.option("--threads", type=click.IntRange(min=1), metavar="N", help="Processor threads for the network."),
        verbose_option,
    )


def depth_options(command: _Command) -> _Command:
    """Which network, or which depth map, sees the depth."""
    return _all(command, network_options, *_depth_map_options(EXISTING_FILE, "Depth that replaces the network"))


def depth_of_each_options(command: _Command) -> _Command:
    """The same for many photos."""
    words = "Depth maps that replace the network, {name} standing for each photo's name"
    return _all(command, network_options, *_depth_map_options(click.Path(path_type=Path), words))


def _depth_map_options(path: click.Path, words: str) -> tuple[Callable[[_Command], _Command], ...]:
    return (
        click.option(
            "--runtime",
            type=click.Choice(RUNTIMES),
            default="auto",
            show_default=True,
            help="What runs the network: the fastest that is installed, or this one.",
        ),
        click.option(
            "--precision",
            type=click.Choice(PRECISIONS),
            default="auto",
            show_default=True,
            help="How exact the network computes: the fastest way that changes depth by less than 0.5 %, or this one.",
        ),
        click.option(
            "--depth-map",
            type=path,
            metavar="FILE",
            help=f"{words}: PNG, JPEG, PFM, EXR, NPY or NPZ.",
        ),
        click.option(
            "--depth-kind",
            type=click.Choice(["inverse", "depth", "metric"]),
            default="inverse",
            show_default=True,
            help="What the depth map holds: affine in 1/z, proportional to z, or metres.",
        ),
        click.option(
            "--depth-units", type=float, metavar="N", help="Stored units per metre of a metric depth map, such as 1000."
        ),
        click.option("--brighter-is-farther", is_flag=True, help="Flip an inverse depth map (Google RangeInverse)."),
        click.option(
            "--refine/--no-refine",
            default=None,
            help="Bring depth edges onto the photo's edges, with nothing between the surfaces that meet there.  "
            "[default: what a network saw, yes; depth that was given, no]",
        ),
        click.option(
            "--smooth",
            "smooth_px",
            type=click.FloatRange(min=0),
            default=0.0,
            metavar="PX",
            help="Then blur depth by a Gaussian of so many photo pixels.",
        ),
    )


def geometry_options(command: _Command) -> _Command:
    """What clouds and meshes look like."""
    return _all(
        command,
        click.option(
            "--axes",
            type=click.Choice(AXES),
            help="gltf: y up, z towards the viewer. opencv: camera axes, y down, z forward. blender, z-up: z up, y "
            "forward. ros: x forward, z up. unity: y up, z forward, left-handed.  [default: gltf, in most files]",
        ),
        click.option(
            "--max-depth",
            "max_depth",
            type=LENGTH,
            metavar="DIST",
            help="Leave out what lies deeper, such as the sky; needs metres.",
        ),
        click.option(
            "--max-points",
            type=click.IntRange(min=1),
            default=1_000_000,
            show_default=True,
            metavar="N",
            help="At most so many points or mesh vertices, evenly spread over the picture.",
        ),
        click.option("--voxel", "voxel", type=LENGTH, metavar="SIZE", help="Thin clouds to one point per cube."),
        click.option("--normals", is_flag=True, help="Add normals."),
    )


def motion_options(command: _Command) -> _Command:
    """What animations look like."""
    return _all(
        command,
        click.option(
            "--width", type=click.IntRange(min=1), default=640, show_default=True, metavar="PX", help="Frame width."
        ),
        click.option("--seconds", type=float, default=2.5, show_default=True, help="Duration of the loop."),
        click.option("--fps", type=float, default=24.0, show_default=True, help="Frames per second."),
        click.option(
            "--motion",
            default="orbit",
            show_default=True,
            metavar="NAME|FILE.json",
            help="The camera's way: orbit, swing, dolly, zoom, vertigo, ken-burns, horizontal, vertical, circle; or a "
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
            type=click.Choice(["linear", "smooth", "pause"]),
            default="smooth",
            show_default=True,
            help="How motions that go there and back turn round.",
        ),
    )


def focus_option(command: _Command) -> _Command:
    """What the camera is focused on."""
    option = click.option(
        "--focus",
        type=PIXEL,
        metavar="U,V",
        help="Pixel of the thing that stays still, sharp, or on the screen.  [default: what is in the middle]",
    )
    return option(command)


def lens_options(command: _Command) -> _Command:
    """What is sharp, and how the rest is blurred."""
    return _all(
        command,
        click.option(
            "--blur",
            "blur_percent",
            type=float,
            default=2.5,
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
            "--blades", type=int, default=0, show_default=True, metavar="N", help="Aperture blades; 0 is a disc."
        ),
        click.option(
            "--highlights",
            type=float,
            default=4.0,
            show_default=True,
            metavar="TIMES",
            help="How many times brighter than white the photo's white lights were.",
        ),
    )


def video_options(command: _Command) -> _Command:
    """How the frames of a video are treated."""
    return _all(
        command,
        click.option(
            "--steady",
            "steady_s",
            type=click.FloatRange(min=0),
            default=0.25,
            show_default=True,
            metavar="SECONDS",
            help="Videos: time over which flicker is smoothed; 0 only aligns frames.",
        ),
    )


def layout_option(command: _Command) -> _Command:
    """How two eyes' pictures share a file."""
    option = click.option(
        "--layout", type=click.Choice(LAYOUTS), default="anaglyph", show_default=True, help="Of pictures for two eyes."
    )
    return option(command)


def stereo_options(command: _Command) -> _Command:
    """Where the two eyes are."""
    return _all(
        command,
        click.option(
            "--disparity",
            "disparity_percent",
            type=float,
            default=2.0,
            show_default=True,
            metavar="PERCENT",
            help="By how much both eyes' pictures differ at most, in per cent of their width; beyond 3 it may strain "
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
            help="Width of each eye's picture.  [default: 1920; VR180 2880; autostereogram 1200; wigglegram 640]",
        ),
    )


def output_options(help_text: str, *, folders: bool = False) -> Callable[[_Command], _Command]:
    """Where to write; to folders too, or only to files."""

    def decorate(command: _Command) -> _Command:
        return _all(
            command,
            click.option(
                "-o",
                "--output",
                "outputs",
                type=click.Path(path_type=Path) if folders else OUTPUT_FILE,
                multiple=True,
                required=True,
                metavar="FILE",
                help=f"{help_text} Repeatable. With several photos, {{name}} stands for each photo's name.",
            ),
            click.option("--force", is_flag=True, help="Overwrite existing files."),
            click.option(
                "--provenance/--no-provenance",
                default=True,
                show_default=True,
                help="Write FILE.json beside each file: hints, fit, camera, network, versions.",
            ),
            json_option("Print a line of JSON for each file: path, what, photo, unit."),
        )

    return decorate


def to_options(chosen: dict[str, Any]) -> Options:
    """Turn what click collected into the Options that every door shares."""
    from depth3d.cli.file_options import in_millimetres
    from depth3d.options import Options

    chosen = dict(chosen)
    chosen |= in_millimetres(chosen)
    hints = _hints({name: chosen.pop(name) for name in _HINT_OPTIONS if name in chosen})
    voxel = chosen.pop("voxel", None)
    farthest = chosen.pop("max_depth", None)
    textured = not chosen.pop("vertex_colours", False)
    for name in ("ipd", "convergence"):
        length = chosen.pop(name, None)
        chosen[f"{name}_m"] = length.metres if length else None
    return Options(
        hints=hints,
        max_depth_m=farthest.metres if farthest else None,
        voxel_m=voxel.metres if voxel else None,
        textured=textured,
        **chosen,
    )


_HINT_OPTIONS = (
    "at",
    "depth_at",
    "near",
    "far",
    "size",
    "camera_height",
    "pitch_deg",
    "horizon_v",
    "right_angle",
    "infinity",
)


def _hints(given: dict[str, Any]) -> tuple[Hint, ...]:
    from depth3d.scale import (
        CameraHeight,
        DepthAt,
        DistanceAt,
        Farthest,
        InfinityAt,
        LengthBetween,
        Nearest,
        RightAngle,
    )

    hints: list[Hint] = [DistanceAt(u, v, x.metres, x.sigma_m) for (u, v), x in given.get("at", ())]
    hints += [DepthAt(u, v, x.metres, x.sigma_m) for (u, v), x in given.get("depth_at", ())]
    hints += [LengthBetween(start, end, x.metres, x.sigma_m) for start, end, x in given.get("size", ())]
    hints += [InfinityAt(u, v) for u, v in given.get("infinity", ())]
    for pixels in given.get("right_angle", ()):
        if len(pixels) != 3:
            raise UsageError(f"a right angle takes three pixels A:B:C, got {len(pixels)}")
        hints.append(RightAngle(*pixels))
    for option, kind in (("near", Nearest), ("far", Farthest)):
        if (x := given.get(option)) is not None:
            hints.append(kind(x.metres, x.sigma_m))
    pitch_deg, horizon_v = given.get("pitch_deg"), given.get("horizon_v")
    if (x := given.get("camera_height")) is not None:
        hints.append(CameraHeight(x.metres, pitch_deg, horizon_v, x.sigma_m))
    elif pitch_deg is not None or horizon_v is not None:
        raise UsageError("--pitch and --horizon go with --camera-height; give the camera's height too")
    return tuple(hints)


def _all(command: _Command, *options: Callable[[_Command], _Command]) -> _Command:
    for option in reversed(options):
        command = option(command)
    return command
