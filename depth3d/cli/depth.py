"""`depth3d depth`: depth as numbers or as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from depth3d.cli.depth_options import depth_options
from depth3d.cli.grouped_help import GroupedCommand
from depth3d.cli.options import camera_options, output_options, photo_arguments, scale_options
from depth3d.cli.picture_options import video_options
from depth3d.cli.process_photos import write_files
from depth3d.core.errors import UsageError
from depth3d.scenes.outputs import suffixes_in_words

if TYPE_CHECKING:
    from depth3d.scenes.outputs import Kind


@click.command(cls=GroupedCommand)
@photo_arguments
@output_options(f"File to write: {suffixes_in_words('MetricDepth')}; a PNG has 16 bits, and its scale in its metadata.")
@click.option("--relative", is_flag=True, help="The network's own inverse depth, without unit; larger is nearer.")
@click.option("--heatmap", is_flag=True, help="An inferno picture (.png .jpg) instead of numbers.")
@camera_options
@scale_options
@depth_options
@video_options
def depth(
    photos: tuple[Path, ...],
    outputs: tuple[Path, ...],
    relative: bool,
    heatmap: bool,
    force: bool,
    same_view: bool,
    **chosen: Any,
) -> None:
    """Write depth along the optical axis, as large as the photo; NaN (0 in PNG) where it is unknown.

    With a video, moving pictures such as .mp4 show heat maps, and a name with %04d stands for one file per frame. All
    frames of a shot have one scale, and hints are for the first frame.

    \b
    depth3d depth room.jpg --near 0.8m --far 5m -o room.npy
    depth3d depth room.jpg --relative -o room_inverse.npy -o room_inverse.exr
    depth3d depth room.jpg --heatmap -o room.png
    depth3d depth clip.mp4 -o clip_depth.mp4 -o depth_%04d.png
    """
    if relative and heatmap:
        raise UsageError("--relative and --heatmap exclude each other; a heat map always shows inverse depth")
    kind: Kind = "heatmap" if heatmap else "relative" if relative else "depth"
    write_files(photos, outputs, kind=kind, force=force, same_view=same_view, chosen=chosen)
