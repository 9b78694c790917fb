"""`depth3d bokeh`: depth of field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from depth3d.cli.depth_options import depth_options
from depth3d.cli.grouped_help import GroupedCommand
from depth3d.cli.options import camera_options, output_options, photo_arguments, scale_options
from depth3d.cli.picture_options import focus_option, lens_options
from depth3d.cli.process_photos import write_files
from depth3d.scenes.outputs import suffixes_in_words


@click.command(cls=GroupedCommand)
@photo_arguments
@output_options(f"Picture to write: {suffixes_in_words('Picture')}.")
@focus_option
@lens_options
@camera_options
@scale_options
@depth_options
def bokeh(photos: tuple[Path, ...], outputs: tuple[Path, ...], force: bool, same_view: bool, **chosen: Any) -> None:
    """Blur what is not in focus, as a lens of large aperture would.

    \b
    depth3d bokeh portrait.jpg -o soft.jpg
    depth3d bokeh portrait.jpg --focus 640,400 --blur 4 --blades 6 -o soft.jpg
    depth3d bokeh portrait.jpg --at 640,400=1.8m --focus 640,400 --f-number 1.4 -o soft.png
    """
    write_files(photos, outputs, kind="bokeh", force=force, same_view=same_view, chosen=chosen)
