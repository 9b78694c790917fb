"""`depth3d panorama`: pictures that show all around."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from depth3d.cli.click_to_options import to_options, to_output_options
from depth3d.cli.depth_options import network_options, refine_options
from depth3d.cli.file_options import glb_options
from depth3d.cli.grouped_help import GroupedCommand
from depth3d.cli.mesh_options import cut_options
from depth3d.cli.options import geometry_options, hint_options, output_options, photo_arguments
from depth3d.cli.param_types import EXISTING_FILE
from depth3d.cli.process_photos import print_saved, targets
from depth3d.cli.terminal import say, step
from depth3d.cli.weights import download_progress
from depth3d.core.hint_forms import form_of
from depth3d.scenes.outputs import suffixes_in_words

if TYPE_CHECKING:
    from depth3d.scenes.panorama.pipeline import PanoramaKind


_AT = "Distance from the camera to the thing at pixel U,V of the panorama. Repeatable."


@click.command(cls=GroupedCommand)
@photo_arguments
@output_options(f"File to write, cloud or mesh: {suffixes_in_words('PointCloud', 'Mesh')}.")
@click.option("--as", "kind", type=click.Choice(["cloud", "mesh"]), help="Cloud or mesh, where both go into the file.")
@hint_options(form_of("at"), help_text=_AT)[0]
@click.option(
    "--hints",
    "hints_files",
    type=EXISTING_FILE,
    multiple=True,
    metavar="FILE",
    help="Such distances as JSON. Repeatable.",
)
@network_options
@refine_options
@geometry_options
@cut_options
@glb_options
def panorama(
    photos: tuple[Path, ...],
    outputs: tuple[Path, ...],
    kind: PanoramaKind | None,
    same_view: bool,
    force: bool,
    **chosen: Any,
) -> None:
    """Turn equirectangular panoramas into clouds and meshes all around the camera.

    A panorama is split into perspective faces, each seen by the network; their overlaps bring them to one scale. Photo
    Sphere XMP tells which part of the sphere a picture shows; without it, it is taken as 360 x 180 degrees. Depths are
    distances from the camera here, which looks at the panorama's middle.

    \b
    depth3d panorama hall.jpg -o hall.ply
    depth3d panorama hall.jpg --at 1024,600=2.1m -o hall.glb
    """
    made_as_chosen = to_output_options(chosen)
    options = to_options(chosen).changed(grid_points=made_as_chosen.geometry.max_points)
    from depth3d.scenes.check_options import refuse_pixels_of_one_photo
    from depth3d.scenes.outputs import Target, target_of
    from depth3d.scenes.panorama.pipeline import panorama_kind_of, reconstruct_panorama
    from depth3d.scenes.used_options import fields_for, only, refuse_unused

    if not same_view:
        refuse_pixels_of_one_photo(options, len(photos))

    def understood(path: Path) -> Target:
        return target_of(path, kind or panorama_kind_of(path))

    refuse_unused(made_as_chosen, [fields_for(understood(path)) for path in outputs])
    files = targets(photos, outputs, understood, force=force, provenance=made_as_chosen.files.provenance)
    for photo, understood_files in zip(photos, files, strict=True):
        with step(f"{photo.name}: seeing depth all around"), download_progress("midas_small") as progress:
            scene = reconstruct_panorama(photo, options=options, progress=progress)
        for line in (f"camera: panorama, {scene.equirect.source}", f"depth: {scene.source}", *scene.depth.notes):
            say(f"{photo.name}: {line}")
        for target in understood_files:
            with step(f"{target.path}: making and writing"):
                saved = scene.save_to(target, options=only(made_as_chosen, fields_for(target)), force=force)
            print_saved(saved, photo)
