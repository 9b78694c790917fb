"""`depth3d fuse`: many photos of one place become one scene."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from depth3d.cli.click_to_options import to_options
from depth3d.cli.depth_options import depth_of_each_options
from depth3d.cli.fuse_captures import FuseTask, check_outputs, fuse_each
from depth3d.cli.grouped_help import GroupedCommand
from depth3d.cli.options import camera_options
from depth3d.cli.param_types import AXES, EXISTING_PATH, LENGTH, OUTPUT_FILE, Parsed
from depth3d.core.errors import UsageError
from depth3d.core.parsing import Length, Place, parse_known_length
from depth3d.scenes.options import FusionOptions
from depth3d.scenes.outputs import suffixes_in_words

if TYPE_CHECKING:
    from depth3d.scenes.multiview.depth_outputs import DepthLayout
    from depth3d.scenes.multiview.outputs import FusedKind

_FUSION = FusionOptions()
_FUSING = ("voxel", "farthest", "least_photos", "memory_gb", "axes", "vertex_colours")
"""Files of each folder that can be named before anything is known of the photos."""

KNOWN_LENGTH = Parsed("place:place=length", parse_known_length)


@click.command(cls=GroupedCommand)
@click.argument("sources", nargs=-1, required=True, type=EXISTING_PATH, metavar="[MODEL] [PHOTOS]...")
@click.option(
    "-o",
    "--output",
    "outputs",
    type=OUTPUT_FILE,
    multiple=True,
    metavar="FILE",
    help=f"File to write, cloud, mesh or splats: {suffixes_in_words('PointCloud', 'Mesh', 'Gaussians')}. Repeatable.",
)
@click.option("--as", "kind", type=click.Choice(["cloud", "mesh", "splat"]), help="What goes into every file.")
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
@click.option("--farthest", type=LENGTH, metavar="LENGTH", help="Leave out everything farther from its camera.")
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
@click.option("--vertex-colours", is_flag=True, help="Colour vertices instead of painting a texture from the photos.")
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
@click.option("--colmap", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
              help="Write a COLMAP project: straight photos, places, fused points, depth maps.")  # fmt: skip
@click.option("--cache", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
              help="Kept between runs: the camera positions found so far.  [default: beside the output]")  # fmt: skip
@click.option("--keep-model", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
              help="Write the camera positions that were found as a COLMAP model.")  # fmt: skip
@click.option("--each", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
              help="Each SOURCE is a place of its own: files go to FOLDER/NAME/, a row to FOLDER/places.jsonl; "
              "stopped, the same command continues.")  # fmt: skip
@click.option("--workers", type=click.IntRange(min=1), metavar="N",
              help="With --each, so many places at once.  [default: 1, or as Ray can]")  # fmt: skip
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True,
              help="With --each: this machine, or the Ray cluster that RAY_ADDRESS names.")  # fmt: skip
@camera_options
@depth_of_each_options
def fuse(
    sources: tuple[Path, ...],
    outputs: tuple[Path, ...],
    kind: FusedKind | None,
    force: bool,
    known: tuple[tuple[Place, Place, Length], ...],
    model_units: float | None,
    detail_px: int,
    depths: Path | None,
    depths_as: DepthLayout,
    each: Path | None,
    workers: int | None,
    engine: str,
    **chosen: Any,
) -> None:
    """Bring photos of one place to one scale, and fuse them into one cloud or mesh.

    PHOTOS are photos, folders of them, or one video; where they were taken is found from what they have in common
    (extra sfm). Or MODEL says where they were taken: the folder of a COLMAP model, nerfstudio's transforms.json, a
    trajectory in TUM's or Redwood's format, or the folder of an ARKit capture; PHOTOS then are their folder, unless
    they lie beside it as usual. Each photo's depth is fitted to the points of the model that it and others saw.

    \b
    depth3d fuse photos -o place.glb
    depth3d fuse walk.mp4 -o room.glb --known walk_000010.jpg:walk_000150.jpg=2.1m
    depth3d fuse sparse/0 images -o room.ply -o room.glb
    depth3d fuse sparse/0 images --known IMG_1.jpg:IMG_9.jpg=3.2m -o room.glb
    depth3d fuse sparse/0 images --depths depths
    depth3d fuse scans/* --each models -o room.glb --workers 4
    """
    from depth3d.scenes.multiview import KnownLength

    if not outputs and depths is None and chosen["colmap"] is None:
        raise UsageError("nothing to write; give -o FILE, --depths FOLDER or --colmap FOLDER")
    folders = {"depths": depths, **{name: chosen.pop(name) for name in ("colmap", "cache", "keep_model")}}
    task = FuseTask(
        kind=kind,
        force=force,
        lengths=[KnownLength(start, end, x.metres, x.sigma_m) for start, end, x in known],
        model_units=model_units,
        detail_px=detail_px,
        depths_as=depths_as,
        fusing={name: chosen.pop(name) for name in _FUSING},
        options=to_options(chosen),
    )
    if each is not None:
        if engine == "ray":  # its machines work in folders of their own
            sources, each = tuple(source.absolute() for source in sources), each.absolute()
        fuse_each(task, sources, outputs, each, folders, engine=engine, workers=workers)
        return
    if workers is not None or engine != "local":
        raise UsageError("--workers and --engine belong to --each, which makes several places")
    check_outputs(outputs, kind, folders, force=force)
    task.run(sources, outputs, folders)
