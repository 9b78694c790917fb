"""Options that several commands share, as decorators: the camera, the scale, geometry, the files.

Nothing here imports numpy: `depth3d --help` must answer at once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from depth3d.cli.grouped_help import in_group
from depth3d.cli.param_types import (
    AXES,
    EXISTING_FILE,
    EXISTING_PATH,
    LENGTH,
    OUTPUT_FILE,
    Command,
    Parsed,
    Renamed,
    with_options,
)
from depth3d.cli.terminal import json_option, say
from depth3d.core.hint_forms import HINT_FORMS, HintForm
from depth3d.core.options import DepthOptions, FileOptions, GeometryOptions
from depth3d.scenes.outputs import FORMER_KINDS, KINDS

_DEPTH = DepthOptions()


def photo_arguments(command: Command) -> Command:
    """One photo or several."""
    return click.argument("photos", nargs=-1, required=True, type=EXISTING_FILE, metavar="PHOTO...")(command)


def same_view_option(command: Command) -> Command:
    """Whether hints for pixels hold in several photos."""
    option = click.option(
        "--same-view",
        is_flag=True,
        help="Several photos were taken from one place with one camera, so that hints for pixels, sparse points and a "
        "depth map hold in each.",
    )
    return option(command)


def _say_always(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        say("--refine-scale: depth is always bent to its hints now; leave the option out")


@in_group("Camera")
def camera_options(command: Command) -> Command:
    """Where the camera's intrinsics come from."""
    return with_options(
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


# Long: one entry for each option.
@in_group("Scale: what you know about distances")
def scale_options(command: Command) -> Command:
    """What the user knows about distances."""
    return with_options(
        command,
        *(option for form in HINT_FORMS for option in hint_options(form)),
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
            expose_value=False,
            hidden=True,
            callback=_say_always,
        ),
        click.option(
            "--embedded-depth/--no-embedded-depth",
            default=_DEPTH.embedded_depth,
            show_default=True,
            help="Use depth that a phone stored inside the photo.",
        ),
    )


def hint_options(form: HintForm, *, help_text: str = "") -> list[Callable[[Command], Command]]:
    """The option of a hint, and those of the numbers that may be added to it."""
    added = [number for number in form.numbers if number.option]
    return [
        click.option(
            f"--{form.kind}",
            type=Parsed(form.metavar, form.parse),
            multiple=form.is_repeatable,
            metavar=form.metavar,
            help=help_text or form.help,
        ),
        *(click.option(n.option, n.name, type=float, metavar=n.metavar, help=n.help) for n in added),
    ]


@in_group("Clouds and meshes")
def geometry_options(command: Command) -> Command:
    """What clouds and meshes look like."""
    return with_options(
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
            help="Leave out everything deeper; needs metres.",
        ),
        click.option(
            "--max-points",
            type=click.IntRange(min=1),
            default=GeometryOptions().max_points,
            show_default=True,
            metavar="N",
            help="At most this many points or mesh vertices, evenly spread over the picture.",
        ),
        click.option("--voxel", "voxel", type=LENGTH, metavar="SIZE", help="Thin clouds to one point per cube."),
        click.option("--normals", is_flag=True, help="Add normals."),
    )


@in_group("Files")
def kind_option(command: Command) -> Command:
    """What goes into the files."""
    option = click.option(
        "--as",
        "kind",
        type=Renamed(KINDS, FORMER_KINDS),
        metavar="KIND",
        help=f"What goes into the files, if not what the suffix says: {', '.join(KINDS)}.",
    )
    return option(command)


def output_options(help_text: str, *, folders: bool = False) -> Callable[[Command], Command]:
    """Where to write; to folders too, or only to files."""

    @in_group("Files")
    def decorate(command: Command) -> Command:
        return with_options(
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
            same_view_option,
            click.option("--force", is_flag=True, help="Overwrite existing files."),
            click.option(
                "--provenance/--no-provenance",
                default=FileOptions().provenance,
                show_default=True,
                help="Write FILE.json beside each file: hints, fit, camera, network, versions.",
            ),
            json_option("Print a line of JSON for each file: path, what, photo (or video), unit."),
        )

    return decorate
