"""`depth3d export`: photos to files of any kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from depth3d.cli.depth_options import depth_options
from depth3d.cli.file_options import animation_options, file_options
from depth3d.cli.grouped_help import GroupedCommand
from depth3d.cli.mesh_options import mesh_options
from depth3d.cli.options import (
    camera_options,
    geometry_options,
    kind_option,
    output_options,
    photo_arguments,
    scale_options,
)
from depth3d.cli.picture_options import (
    focus_option,
    layout_option,
    lens_options,
    motion_options,
    stereo_options,
    video_options,
)
from depth3d.cli.process_photos import write_files
from depth3d.scenes.outputs import suffixes_in_words

NEEDED_FIRST = (
    *("outputs", "kind", "at", "near", "far", "fov_x_deg"),
    *("axes", "max_depth", "layers", "predictor", "depth_map", "force"),
)
"""Names of the parameters that people ask for first."""


@click.command(cls=GroupedCommand, first=NEEDED_FIRST)
@photo_arguments
@output_options(f"File to write; its suffix says what: {suffixes_in_words()}.")
@kind_option
@camera_options
@scale_options
@depth_options
@geometry_options
@mesh_options
@motion_options
@focus_option
@lens_options
@layout_option
@stereo_options
@animation_options
@file_options
@video_options
def export(
    photos: tuple[Path, ...], outputs: tuple[Path, ...], kind: Any, force: bool, same_view: bool, **chosen: Any
) -> None:
    """Turn photos into point clouds, meshes, depth images and animations.

    With a video, each frame becomes a file; %04d in the name stands for its number.

    \b
    depth3d export room.jpg -o room.ply -o room.glb
    depth3d export room.jpg --at 412,300=2.4m --at 90,640=85cm -o room.glb
    depth3d export clip.mp4 --near 1m --far 5m -o cloud_%04d.ply
    depth3d export room.jpg --depth-map room_depth.png --depth-kind metric --depth-units 1000 -o room.ply
    """
    write_files(photos, outputs, kind=kind, force=force, same_view=same_view, chosen=chosen)
