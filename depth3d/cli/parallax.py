"""`depth3d parallax`: a moving picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from depth3d.cli.depth_options import depth_options
from depth3d.cli.file_options import animation_options
from depth3d.cli.grouped_help import GroupedCommand
from depth3d.cli.options import camera_options, output_options, photo_arguments, scale_options
from depth3d.cli.picture_options import focus_option, motion_options, video_options
from depth3d.cli.process_photos import write_files
from depth3d.scenes.outputs import suffixes_in_words


@click.command(cls=GroupedCommand)
@photo_arguments
@output_options(
    f"Animation to write: {suffixes_in_words('Animation')}; or a folder, or a pattern such as frames/%04d.png.",
    folders=True,
)
@motion_options
@focus_option
@animation_options
@video_options
@camera_options
@scale_options
@depth_options
def parallax(photos: tuple[Path, ...], outputs: tuple[Path, ...], force: bool, same_view: bool, **chosen: Any) -> None:
    """Move the camera a little, in a loop without a seam. What things hide is filled in.

    orbit goes round an ellipse and swing left and right, both looking at the focus; horizontal, vertical and circle do
    not turn; dolly goes towards the focus, zoom only enlarges, vertigo does both against each other; ken-burns
    approaches from the side. A video is seen through a camera that repeats this motion.

    \b
    depth3d parallax room.jpg -o room.gif
    depth3d parallax room.jpg --motion vertigo --focus 640,480 --width 480 -o room.gif
    depth3d parallax room.jpg --motion my_way.json --seconds 4 --max-size 8MB -o room.gif -o room.mp4
    """
    write_files(photos, outputs, kind="parallax", force=force, same_view=same_view, chosen=chosen)
