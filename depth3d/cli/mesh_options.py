"""Options that belong to meshes."""

from __future__ import annotations

import click

from depth3d.cli.grouped_help import in_group
from depth3d.cli.param_types import Command, with_options
from depth3d.core.options import MeshOptions

_DEFAULTS = MeshOptions()


@in_group("Meshes")
def mesh_options(command: Command) -> Command:
    """What meshes look like."""
    return with_options(
        command,
        cut_options,
        click.option(
            "--max-error",
            "max_error_px",
            type=click.FloatRange(min=0),
            default=_DEFAULTS.max_error_px,
            show_default=True,
            metavar="PX",
            callback=lambda _context, _option, pixels: pixels or None,
            help="Remove triangles as long as nothing moves by more photo pixels than this, seen by a camera moved "
            "sideways by 10 % of the median depth. 0 keeps them all.",
        ),
        click.option(
            "--layers/--no-layers",
            default=None,
            help="Continue what nearer things hide, so that turned meshes and splats show no holes.  "
            "[default: in .glb, .html and splats]",
        ),
    )


def cut_options(command: Command) -> Command:
    """Where meshes are cut, how many triangles they may have, and what colours them: panoramas have these too."""
    return with_options(
        command,
        click.option(
            "--cut-ratio",
            type=float,
            default=_DEFAULTS.cut_ratio,
            show_default=True,
            metavar="R",
            help="Cut a triangle whose farthest corner is more than R times as deep as its nearest.",
        ),
        click.option(
            "--cut-angle",
            "cut_angle_deg",
            type=float,
            default=_DEFAULTS.cut_angle_deg,
            show_default=True,
            metavar="DEG",
            help="Cut a triangle that the camera sees at less than this angle.",
        ),
        click.option(
            "--max-faces",
            type=click.IntRange(min=4),
            metavar="N",
            help="At most this many triangles, whatever the error.",
        ),
        click.option("--vertex-colours", is_flag=True, help="Colour the mesh's vertices instead of a texture."),
    )
