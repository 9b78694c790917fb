"""`depth3d view`: photos in three dimensions, or files of geometry, in an Open3D window."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from depth3d.cli.click_to_options import to_options, to_output_options
from depth3d.cli.depth_options import depth_options
from depth3d.cli.grouped_help import GroupedCommand
from depth3d.cli.mesh_options import mesh_options
from depth3d.cli.options import camera_options, geometry_options, same_view_option, scale_options
from depth3d.cli.param_types import EXISTING_FILE, OUTPUT_FILE
from depth3d.cli.process_photos import report
from depth3d.cli.terminal import say, step
from depth3d.cli.weights import download_progress
from depth3d.core.errors import UsageError

if TYPE_CHECKING:
    from depth3d.core.camera import Intrinsics
    from depth3d.geometry.mesh import Mesh
    from depth3d.geometry.point_cloud import PointCloud
    from depth3d.scenes.scene import Scene

_NOT_FOR_RERUN = ("--screenshot", "--force", "--as", "--axes")
_FOR_BOTH = {"files", "--screenshot", "--force", "--verbose", "-v"}


@click.command(cls=GroupedCommand)
@click.argument("files", nargs=-1, required=True, type=EXISTING_FILE, metavar="PHOTO|FILE...")
@click.option("--screenshot", type=OUTPUT_FILE, metavar="FILE", help="Draw the first view into a .png or .jpg instead.")
@same_view_option
@click.option("--force", is_flag=True, help="Overwrite an existing screenshot.")
@click.option(
    "--as",
    "kind",
    type=click.Choice(["mesh", "cloud"]),
    default="mesh",
    show_default=True,
    help="What to make of a photo.",
)
@click.option("--rerun", is_flag=True, help="Show photos in Rerun's viewer, with camera, depth and hints, instead.")
@camera_options
@scale_options
@depth_options
@geometry_options
@mesh_options
@click.pass_context
def view(
    context: click.Context,
    /,
    files: tuple[Path, ...],
    screenshot: Path | None,
    same_view: bool,
    force: bool,
    kind: str,
    rerun: bool,
    **chosen: Any,
) -> None:
    """Show photos in three dimensions, or files of geometry, upright, in an Open3D window.

    A photo is first seen from where it was taken. A .ply .glb .gltf .obj .stl .off .pcd .xyz or .pts file may be
    anyone's; --axes says how its axes lie where its header does not. Camera, scale and depth options are for photos.
    Several are shown together, the first from its viewpoint, and each number key hides or shows one.

    \b
    depth3d view room.jpg --near 0.8m --far 5m
    depth3d view room.glb room.ply
    depth3d view room.jpg --screenshot room_3d.png
    depth3d view room.jpg --at 412,300=2.4m --rerun
    """
    if rerun:
        _show_in_rerun(files, given=_given(context), same_view=same_view, chosen=chosen)
        return
    from depth3d.scenes.check_options import refuse_pixels_of_one_photo
    from depth3d.viewers.open3d import GEOMETRY_SUFFIXES, KEYS, check_window, show

    check_window(screenshot=screenshot, force=force)
    photos = [file for file in files if file.suffix.lower() not in GEOMETRY_SUFFIXES]
    _check_options(_given(context) - _FOR_BOTH, photos=photos, files=files)
    if not same_view:
        refuse_pixels_of_one_photo(to_options(chosen), len(photos))
    camera: Intrinsics | None = None
    things: list[list[PointCloud | Mesh]] = []
    for file in files:
        if file in photos:
            scene = _scene(file, chosen)
            camera = scene.camera if not things else camera
            made = to_output_options(chosen)
            things.append([scene.mesh(made) if kind == "mesh" else scene.cloud(made)])
        else:
            things.append(_from_file(file, chosen["axes"]))
    if screenshot is None:
        say(KEYS)
        for number, file in enumerate(files, 1) if len(files) > 1 else ():
            say(f"{number} hides and shows {file.name}")
    names = ", ".join(file.name for file in files)
    show(things, camera=camera, title=f"depth3d: {names}", screenshot=screenshot, force=force)
    if screenshot is not None:
        click.echo(f"{screenshot}: the view of {names}")


def _show_in_rerun(files: Sequence[Path], *, given: set[str], same_view: bool, chosen: dict[str, Any]) -> None:
    from depth3d.io.recordings.rrd import import_rerun
    from depth3d.scenes.check_options import refuse_pixels_of_one_photo
    from depth3d.viewers.open3d import GEOMETRY_SUFFIXES
    from depth3d.viewers.rerun_viewer import show_in_rerun

    other = next((name for name in _NOT_FOR_RERUN if name in given), None)
    if other is not None:
        raise UsageError(f"{other}: belongs to the Open3D window; leave out it or --rerun")
    made = next(iter(to_output_options(chosen).chosen()), None)
    if made is not None:
        raise UsageError(f"{made.replace('_', ' ')}: --rerun shows every point of the photo; leave it out")
    geometry = next((file for file in files if file.suffix.lower() in GEOMETRY_SUFFIXES), None)
    if geometry is not None:
        raise UsageError(f"{geometry.name}: --rerun shows photos; open geometry without it, or with: rerun {geometry}")
    if not same_view:
        refuse_pixels_of_one_photo(to_options(chosen), len(files))
    import_rerun()
    scenes = [_scene(file, chosen) for file in files]
    show_in_rerun([(scene.recording(), scene.in_short) for scene in scenes])


def _given(context: click.Context) -> set[str]:
    """The options and arguments that the user wrote, as written in the help."""
    written = (p for p in context.command.params if p.name)
    return {p.opts[0] for p in written if context.get_parameter_source(str(p.name)) is ParameterSource.COMMANDLINE}


def _check_options(given: set[str], *, photos: Sequence[Path], files: Sequence[Path]) -> None:
    for_photos = ", ".join(sorted(given - {"--axes"}))
    if for_photos and not photos:
        raise UsageError(
            f"{files[0].name} is geometry already and takes no {for_photos}; only --axes can be chosen for it"
        )
    if "--axes" in given and len(photos) == len(files):
        raise UsageError("--axes says how a file's axes lie; a photo is always shown upright")


def _from_file(file: Path, axes: str | None) -> list[PointCloud | Mesh]:
    from depth3d.viewers.open3d import load_geometry

    return load_geometry(file, axes=axes)


def _scene(photo: Path, chosen: dict[str, Any]) -> Scene:
    from depth3d.scenes.photo import reconstruct

    with step(f"{photo.name}: seeing depth"), download_progress("midas_small") as progress:
        scene = reconstruct(photo, options=to_options(chosen), progress=progress)
    report(scene, photo.name)
    return scene
