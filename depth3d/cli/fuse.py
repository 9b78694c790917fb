"""`depth3d fuse`: many photos of one place become one scene."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from depth3d.cli.chosen import to_options
from depth3d.cli.grouped_help import GroupedCommand
from depth3d.cli.options import camera_options, depth_of_each_options
from depth3d.cli.progress import step_progress
from depth3d.cli.terminal import result, say
from depth3d.cli.values import AXES, EXISTING_PATH, LENGTH, OUTPUT_FILE, Parsed
from depth3d.core.errors import UsageError
from depth3d.core.parsing import Length, Place, parse_known_length
from depth3d.scenes.options import FusionOptions
from depth3d.scenes.outputs import suffixes_in_words

if TYPE_CHECKING:
    from depth3d.scenes.multiview import Aligned, FusedScene
    from depth3d.scenes.multiview.outputs import DepthLayout, FusedKind

_FUSION = FusionOptions()
KNOWN_LENGTH = Parsed("place:place=length", parse_known_length)


@click.command(cls=GroupedCommand)
@click.argument("model", type=EXISTING_PATH, metavar="MODEL")
@click.argument("photos", nargs=-1, type=EXISTING_PATH, metavar="[PHOTOS]...")
@click.option(
    "-o",
    "--output",
    "outputs",
    type=OUTPUT_FILE,
    multiple=True,
    metavar="FILE",
    help=f"File to write, cloud or mesh: {suffixes_in_words('PointCloud', 'Mesh')}. Repeatable.",
)
@click.option("--as", "kind", type=click.Choice(["cloud", "mesh"]), help="What goes into every file.")
@click.option("--force", is_flag=True, help="Overwrite existing files.")
@click.option(
    "--known",
    "known",
    type=KNOWN_LENGTH,
    multiple=True,
    metavar="PLACE:PLACE=LENGTH",
    help="A length that sets the unit: between two cameras, a.jpg:b.jpg=4.2m; from a photo's camera to what it shows, "
    "a.jpg@412,300=2.4m; between two things in it, a.jpg@40,90:40,400=1.75m. Repeatable.",
)
@click.option("--model-units", type=float, metavar="N", help="The model's units per metre, where they are known.")
@click.option("--voxel", type=LENGTH, metavar="LENGTH", help="Finest detail.  [default: median depth / 128]")
@click.option("--farthest", type=LENGTH, metavar="LENGTH", help="Leave out what is farther from its camera.")
@click.option(
    "--least-photos",
    type=click.IntRange(min=1),
    default=_FUSION.least_photos,
    show_default=True,
    metavar="N",
    help="Leave out surfaces that fewer photos saw.",
)
@click.option(
    "--memory", "memory_gb", type=float, default=_FUSION.memory_gb, show_default=True, metavar="GB", help="For voxels."
)
@click.option(
    "--detail",
    "detail_px",
    type=click.IntRange(min=16),
    default=_FUSION.detail_px,
    show_default=True,
    metavar="PX",
    help="Longer side of the depth maps that are compared and fused.",
)
@click.option("--axes", type=click.Choice([*AXES, "model"]), help="Axes of the files; model keeps those of MODEL.")
@click.option(
    "--depths",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write each photo's depth map on the model's scale.",
)
@click.option(
    "--depths-as",
    type=click.Choice(["3dgs", "nerfstudio"]),
    default="3dgs",
    show_default=True,
    help="For Gaussian splatting, with depth_params.json; or 16 bits with 1000 units per unit of the model.",
)
@camera_options
@depth_of_each_options
def fuse(
    model: Path,
    photos: tuple[Path, ...],
    outputs: tuple[Path, ...],
    kind: FusedKind | None,
    force: bool,
    known: tuple[tuple[Place, Place, Length], ...],
    model_units: float | None,
    detail_px: int,
    depths: Path | None,
    depths_as: DepthLayout,
    **chosen: Any,
) -> None:
    """Bring photos with known places to one scale, and fuse them into one cloud or mesh.

    MODEL says where photos were taken: the folder of a COLMAP model, nerfstudio's transforms.json, a trajectory in
    TUM's or Redwood's format, or the folder of an ARKit capture. PHOTOS are their folder, unless they lie beside it as
    usual. Each photo's depth is fitted to the points of the model that it and others saw.

    \b
    depth3d fuse sparse/0 images -o room.ply -o room.glb
    depth3d fuse sparse/0 images --known IMG_1.jpg:IMG_9.jpg=3.2m -o room.glb
    depth3d fuse sparse/0 images --depths depths
    """
    from depth3d.io.captures import read_capture
    from depth3d.scenes.multiview import KnownLength, align_views

    if not outputs and depths is None:
        raise UsageError("nothing to write; give -o FILE, --depths FOLDER, or both")
    _check_outputs(outputs, kind, force=force)
    fusing = {name: chosen.pop(name) for name in ("voxel", "farthest", "least_photos", "memory_gb", "axes")}
    lengths = [KnownLength(start, end, x.metres, x.sigma_m) for start, end, x in known]
    capture = read_capture(model, photos)
    say(capture.source, who="poses")
    with (
        step_progress() as report,
        align_views(
            capture,
            to_options(chosen),
            lengths=lengths,
            units_per_metre=model_units,
            detail_px=detail_px,
            report=report,
        ) as aligned,
    ):
        report("", 0, 0)
        _say(aligned)
        if depths is not None:
            _save_depths(aligned, depths, depths_as, force=force)
        if outputs:
            _save(_fused(aligned, fusing), outputs, kind, axes=fusing["axes"], force=force)


def _check_outputs(outputs: tuple[Path, ...], kind: FusedKind | None, *, force: bool) -> None:
    from depth3d.io.save import check_writable
    from depth3d.scenes.multiview.outputs import fused_files_of

    for path in outputs:
        for file in fused_files_of(path, kind):
            check_writable(file, force=force)


def _say(aligned: Aligned) -> None:
    """What was found out about the photos, on standard error."""
    total = len(aligned.photos) + len(aligned.left_out)
    say(f"{len(aligned.photos)} of {total} on one scale", who="photos")
    for name, why in aligned.left_out:
        say(f"left out: {why}", who=name)
    for note in aligned.notes:
        say(note, who="photos")
    say(aligned.unit.words, who="unit")


def _save_depths(aligned: Aligned, folder: Path, layout: DepthLayout, *, force: bool) -> None:
    from depth3d.scenes.multiview import save_depths

    count = save_depths(aligned, folder, layout=layout, force=force)
    result(f"{folder}: {count} depth maps for {layout}", {"path": folder, "what": f"{count} depth maps for {layout}"})


def _fused(aligned: Aligned, fusing: dict[str, Any]) -> FusedScene:
    from depth3d.scenes.multiview import fuse_aligned

    return fuse_aligned(
        aligned,
        voxel_m=fusing["voxel"] and fusing["voxel"].metres,
        farthest_m=fusing["farthest"] and fusing["farthest"].metres,
        least_photos=fusing["least_photos"],
        memory_gb=fusing["memory_gb"],
    )


def _save(
    scene: FusedScene, outputs: tuple[Path, ...], kind: FusedKind | None, *, axes: str | None, force: bool
) -> None:
    for path in outputs:
        saved = scene.save(path, kind=kind, axes=axes, force=force)
        result(f"{saved.path}: {saved.what}", {"path": saved.path, "what": saved.what, "unit": scene.unit})
