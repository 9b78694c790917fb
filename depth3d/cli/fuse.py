"""`depth3d fuse`: many photos of one place become one scene."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from depth3d.cli.chosen import to_options
from depth3d.cli.depth_options import depth_of_each_options
from depth3d.cli.grouped_help import GroupedCommand
from depth3d.cli.options import camera_options
from depth3d.cli.progress import step_progress
from depth3d.cli.terminal import result, say
from depth3d.cli.values import AXES, EXISTING_PATH, LENGTH, OUTPUT_FILE, Parsed
from depth3d.core.errors import OutputError, UsageError
from depth3d.core.installed import check_installed
from depth3d.core.parsing import Length, Place, parse_known_length
from depth3d.scenes.options import FusionOptions
from depth3d.scenes.outputs import suffixes_in_words

if TYPE_CHECKING:
    from depth3d.io.captures import Capture
    from depth3d.scenes.multiview import Aligned, FusedScene
    from depth3d.scenes.multiview.depth_outputs import DepthLayout
    from depth3d.scenes.multiview.outputs import FusedKind
    from depth3d.scenes.multiview.report import Report
    from depth3d.scenes.options import Options

_FUSION = FusionOptions()
_FUSING = ("voxel", "farthest", "least_photos", "memory_gb", "axes", "vertex_colours")
_FIRST_FILES = {
    "depths": ("depth_params.json",),
    "colmap": tuple(f"sparse/0/{name}.txt" for name in ("cameras", "images", "points3D")),
    "cache": ("places.json",),
    "keep_model": ("cameras.bin",),
}
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
    """
    from depth3d.scenes.multiview import KnownLength, align_views

    if not outputs and depths is None and chosen["colmap"] is None:
        raise UsageError("nothing to write; give -o FILE, --depths FOLDER or --colmap FOLDER")
    folders = {"depths": depths, **{name: chosen[name] for name in ("colmap", "cache", "keep_model")}}
    _check_outputs(outputs, kind, folders, force=force)
    fusing = {
        name: chosen.pop(name) for name in ("voxel", "farthest", "least_photos", "memory_gb", "axes", "vertex_colours")
    }
    lengths = [KnownLength(start, end, x.metres, x.sigma_m) for start, end, x in known]
    colmap = chosen.pop("colmap")
    finding = {name: chosen.pop(name) for name in ("cache", "keep_model")}
    options = to_options(chosen)
    _check_finding(sources, force=force, **finding)
    capture = _capture(sources, finding["cache"] or _usual_cache((*outputs, depths, colmap)), options)
    say(capture.source, who="poses")
    if finding["keep_model"] is not None:
        _keep_model(capture, finding["keep_model"])
    with (
        step_progress() as report,
        align_views(
            capture,
            options,
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
        if outputs or colmap is not None:
            scene = _fused(aligned, fusing, report)
            _save(scene, outputs, kind, axes=fusing["axes"], force=force)
            if colmap is not None:
                _save_colmap(aligned, scene, colmap, force=force)


def _check_finding(sources: tuple[Path, ...], *, force: bool, cache: Path | None, keep_model: Path | None) -> None:
    from depth3d.io.captures import holds_poses

    if holds_poses(sources[0]) and (cache is not None or keep_model is not None):
        option = "--cache" if keep_model is None else "--keep-model"
        raise UsageError(f"{option} is for photos whose places are to be found; {sources[0]} has them already")
    if keep_model is not None and keep_model.exists() and any(keep_model.iterdir()) and not force:
        raise OutputError(f"{keep_model}: the folder is not empty; choose another, or add --force")


def _capture(sources: tuple[Path, ...], cache: Path, options: Options) -> Capture:
    from depth3d.io.captures import holds_poses, read_capture
    from depth3d.scenes.multiview import find_places

    if holds_poses(sources[0]):
        return read_capture(sources[0], sources[1:])
    with step_progress() as report:
        capture = find_places(sources, cache, options, report=report)
    say(f"kept in {cache}, so that another run continues there", who="places")
    return capture


def _usual_cache(targets: tuple[Path | None, ...]) -> Path:
    first = next(target for target in targets if target is not None)
    return first.with_name(f"{first.stem}.cache")


def _keep_model(capture: Capture, folder: Path) -> None:
    import shutil

    assert capture.model is not None
    shutil.copytree(capture.model, folder, dirs_exist_ok=True)
    count = f"COLMAP model of {len(capture.photos)} photos"
    result(f"{folder}: {count}", {"path": folder, "what": count})


def _check_outputs(
    outputs: tuple[Path, ...], kind: FusedKind | None, folders: Mapping[str, Path | None], *, force: bool
) -> None:
    """Refuse before the photos are looked at what could not be written at the end."""
    from depth3d.io.save import check_writable
    from depth3d.scenes.multiview.outputs import fused_files_of

    if outputs or folders["colmap"] is not None:
        check_installed("fusing photos", "view", "open3d")
    for option, folder in folders.items():
        for name in _FIRST_FILES[option]:
            if folder is not None:
                check_writable(folder / name, force=force or option != "colmap")
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


def _save_colmap(aligned: Aligned, scene: FusedScene, folder: Path, *, force: bool) -> None:
    from depth3d.scenes.multiview import save_colmap_project

    what = f"COLMAP project of {save_colmap_project(aligned, scene, folder, force=force)} photos"
    result(f"{folder}: {what}", {"path": folder, "what": what})


def _fused(aligned: Aligned, fusing: dict[str, Any], report: Report) -> FusedScene:
    from depth3d.scenes.multiview import fuse_aligned

    return fuse_aligned(
        aligned,
        voxel_m=fusing["voxel"] and fusing["voxel"].metres,
        farthest_m=fusing["farthest"] and fusing["farthest"].metres,
        least_photos=fusing["least_photos"],
        memory_gb=fusing["memory_gb"],
        textured=not fusing["vertex_colours"],
        report=report,
    )


def _save(
    scene: FusedScene, outputs: tuple[Path, ...], kind: FusedKind | None, *, axes: str | None, force: bool
) -> None:
    for path in outputs:
        saved = scene.save(path, kind=kind, axes=axes, force=force)
        result(f"{saved.path}: {saved.what}", {"path": saved.path, "what": saved.what, "unit": scene.unit})
