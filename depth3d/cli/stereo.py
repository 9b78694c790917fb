"""`depth3d stereo`: for two eyes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from depth3d.cli.depth_options import depth_options
from depth3d.cli.grouped_help import GroupedCommand
from depth3d.cli.options import camera_options, output_options, photo_arguments, scale_options
from depth3d.cli.param_types import LAYOUTS
from depth3d.cli.picture_options import focus_option, stereo_options, video_options
from depth3d.cli.process_photos import write_files
from depth3d.core.options import StereoOptions
from depth3d.scenes.outputs import suffixes_in_words

if TYPE_CHECKING:
    from depth3d.scenes.outputs import Kind

_WIGGLEGRAM = "wigglegram"


@click.command(cls=GroupedCommand)
@photo_arguments
@output_options(
    f"File to write: {suffixes_in_words('Picture')}; wigglegrams and videos {suffixes_in_words('Animation')}."
)
@click.option(
    "--layout",
    type=click.Choice([*LAYOUTS, _WIGGLEGRAM]),
    default=StereoOptions().layout,
    show_default=True,
    help="anaglyph: for red and cyan glasses. side-by-side, top-bottom: for screens and headsets; half-: squeezed to "
    "half the size. cross-eyed: the right eye's picture at the left. autostereogram: dots. vr180: a half sphere for "
    "each eye. rgbd: grey depth beside the photo. quilt: many views, for Looking Glass. wigglegram: an animation.",
)
@stereo_options
@focus_option
@camera_options
@scale_options
@depth_options
@video_options
def stereo(
    photos: tuple[Path, ...], outputs: tuple[Path, ...], layout: str, force: bool, same_view: bool, **chosen: Any
) -> None:
    """Show the photo to two eyes. What one of them sees behind things is filled in.

    \b
    depth3d stereo room.jpg -o room.jpg
    depth3d stereo room.jpg --layout side-by-side --focus 640,480 -o room_sbs.png
    depth3d stereo room.jpg --at 640,480=3m --layout vr180 --ipd 63mm -o room_180_sbs.jpg
    depth3d stereo room.jpg --layout quilt -o room_qs8x6a1.333.png
    depth3d stereo room.jpg --anaglyph green-magenta -o room.jpg
    depth3d stereo room.jpg --layout wigglegram -o room.gif
    depth3d stereo clip.mp4 --layout half-side-by-side -o clip_sbs.mp4
    """
    kind: Kind = "stereo"
    if layout == _WIGGLEGRAM:
        kind = "wigglegram"
    else:
        chosen["layout"] = layout
    write_files(photos, outputs, kind=kind, force=force, same_view=same_view, chosen=chosen)
