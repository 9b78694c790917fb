"""`depth3d view`: a photo in three dimensions, or a file of geometry, in an Open3D window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from depth3d.cli.mesh_options import mesh_options
from depth3d.cli.options import (
    EXISTING_FILE,
    OUTPUT_FILE,
    camera_options,
    depth_options,
    geometry_options,
    scale_options,
    to_options,
)
from depth3d.cli.work import report
from depth3d.errors import UsageError

if TYPE_CHECKING:
    from depth3d.camera import Intrinsics
    from depth3d.cloud import PointCloud
    from depth3d.mesh import Mesh

_FOR_BOTH = {"file", "--screenshot", "--force"}


@click.command()
@click.argument("file", type=EXISTING_FILE, metavar="PHOTO|FILE")
@click.option("--screenshot", type=OUTPUT_FILE, metavar="FILE", help="Draw the first view into a .png or .jpg instead.")
@click.option("--force", is_flag=True, help="Overwrite an existing screenshot.")
@click.option(
    "--as",
    "kind",
    type=click.Choice(["mesh", "cloud"]),
    default="mesh",
    show_default=True,
    help="What to make of a photo.",
)
@camera_options
@scale_options
@depth_options
@geometry_options
@mesh_options
@click.pass_context
def view(context: click.Context, /, file: Path, screenshot: Path | None, force: bool, kind: str, **chosen: Any) -> None:
    """Show a photo in three dimensions, or a file of geometry, upright, in an Open3D window.

    A photo is first seen from where it was taken. A .ply .glb .gltf .obj .stl .off .pcd .xyz or .pts file may be
    anyone's; --axes says how its axes lie where its header does not. Camera, scale and depth options are for photos.

    \b
    depth3d view room.jpg --near 0.8m --far 5m
    depth3d view room.glb
    depth3d view room.jpg --screenshot room_3d.png
    """
    from depth3d.viewer import GEOMETRY_SUFFIXES, KEYS, check_window, show

    check_window(screenshot=screenshot, force=force)
    given = _given(context) - _FOR_BOTH
    camera: Intrinsics | None = None
    if file.suffix.lower() in GEOMETRY_SUFFIXES:
        geometries = _from_file(file, given, chosen)
    else:
        geometries, camera = _from_photo(file, kind, given, chosen)
    if screenshot is None:
        click.echo(KEYS, err=True)
    show(geometries, camera=camera, title=f"depth3d: {file.name}", screenshot=screenshot, force=force)
    if screenshot is not None:
        click.echo(f"{screenshot}: the view of {file.name}")


def _given(context: click.Context) -> set[str]:
    """The options and arguments that the user wrote, as written in the help."""
    written = (p for p in context.command.params if p.name)
    return {p.opts[0] for p in written if context.get_parameter_source(str(p.name)) is ParameterSource.COMMANDLINE}


def _from_file(file: Path, given: set[str], chosen: dict[str, Any]) -> list[PointCloud | Mesh]:
    from depth3d.viewer import load_geometry

    for_photos = ", ".join(sorted(given - {"--axes"}))
    if for_photos:
        raise UsageError(f"{file.name} is geometry already and takes no {for_photos}; only --axes can be chosen for it")
    return load_geometry(file, axes=chosen["axes"] if given else None)


def _from_photo(
    photo: Path, kind: str, given: set[str], chosen: dict[str, Any]
) -> tuple[list[PointCloud | Mesh], Intrinsics]:
    from depth3d.pipeline import reconstruct

    if "--axes" in given:
        raise UsageError("--axes says how a file's axes lie; a photo is always shown upright")
    scene = reconstruct(photo, to_options(chosen))
    report(scene, photo)
    return [scene.mesh() if kind == "mesh" else scene.cloud()], scene.camera
