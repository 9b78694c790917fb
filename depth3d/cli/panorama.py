"""`depth3d panorama`: pictures that show all around."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from depth3d.cli.chosen import to_options
from depth3d.cli.grouped_help import GroupedCommand
from depth3d.cli.options import hint_options, network_options, output_options, photo_arguments
from depth3d.cli.terminal import say, step
from depth3d.cli.values import AXES
from depth3d.cli.weights import download_progress
from depth3d.cli.work import targets, wrote
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
@network_options
@click.option("--refine/--no-refine", default=True, show_default=True, help="Bring depth edges onto the photo's edges.")
@click.option("--axes", type=click.Choice(AXES), help="As in export; the camera looks at the panorama's middle.")
@click.option("--max-points", type=click.IntRange(min=1), default=1_000_000, show_default=True, metavar="N")
@click.option("--normals", is_flag=True, help="Add normals to clouds.")
@click.option(
    "--cut-ratio",
    type=float,
    default=1.08,
    show_default=True,
    metavar="R",
    help="Cut a triangle whose farthest corner is more than R times as far as its nearest.",
)
@click.option("--vertex-colours", is_flag=True, help="Colour the mesh's vertices instead of a texture.")
def panorama(
    photos: tuple[Path, ...], outputs: tuple[Path, ...], kind: PanoramaKind | None, force: bool, **chosen: Any
) -> None:
    """Turn equirectangular panoramas into clouds and meshes all around the camera.

    A panorama is split into perspective faces, each seen by the network; their overlaps bring them to one scale. Photo
    Sphere XMP tells which part of the sphere a picture shows; without it, it is taken as 360 x 180 degrees.

    \b
    depth3d panorama hall.jpg -o hall.ply
    depth3d panorama hall.jpg --at 1024,600=2.1m -o hall.glb
    """
    options = to_options(chosen)
    from depth3d.scenes.outputs import Target, target_of
    from depth3d.scenes.panorama.pipeline import panorama_kind_of, reconstruct_panorama

    def understood(path: Path) -> Target:
        return target_of(path, kind or panorama_kind_of(path))

    files = targets(photos, outputs, understood, force=force, provenance=options.provenance)
    for photo, understood_files in zip(photos, files, strict=True):
        with step(f"{photo.name}: seeing depth all around"), download_progress("midas_small") as progress:
            scene = reconstruct_panorama(photo, options, progress=progress)
        for line in (f"camera: panorama, {scene.equirect.source}", f"depth: {scene.source}", *scene.depth.notes):
            say(f"{photo.name}: {line}")
        for target in understood_files:
            with step(f"{target.path}: making and writing"):
                saved = scene.save_to(target, force=force)
            wrote(saved, photo, scene.depth.unit)
