"""`depth3d parallax`: a moving picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from depth3d.cli.options import (
    camera_options,
    depth_options,
    motion_options,
    output_options,
    photo_arguments,
    scale_options,
)
from depth3d.cli.work import write_files


@click.command()
@photo_arguments
@output_options("Animation to write: .gif.")
@motion_options
@camera_options
@scale_options
@depth_options
def parallax(photos: tuple[Path, ...], outputs: tuple[Path, ...], force: bool, **chosen: Any) -> None:
    """Move the camera a little, in a loop without a seam.

    \b
    depth3d parallax room.jpg -o room.gif
    depth3d parallax room.jpg --width 480 --seconds 4 --amount 3 -o room.gif
    """
    write_files(photos, outputs, kind="parallax", force=force, chosen=chosen)
