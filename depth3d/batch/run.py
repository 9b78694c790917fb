"""A batch from beginning to end: find the photos, leave out those that are done, do the others, write their rows."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from depth3d.batch.find_photos import find_photos, to_jobs
from depth3d.batch.local import each_row_here
from depth3d.batch.manifest import MANIFEST_NAME, Manifest
from depth3d.batch.manifest_row import Row
from depth3d.batch.parquet import check_table, write_table
from depth3d.batch.process_photo import Job, Recipe, recipe_digits
from depth3d.batch.shared_scale import check_overlap, shared_units, with_shared_scale
from depth3d.batch.storage import Folder
from depth3d.batch.time_limit import DEFAULT_SECONDS
from depth3d.core.child_process import cores
from depth3d.core.errors import OutputError, UsageError, WeightsError
from depth3d.core.extras import check_installed
from depth3d.core.options import DepthOptions
from depth3d.predictors import PREDICTORS
from depth3d.predictors.weights import fetch_weights
from depth3d.scenes.check_options import check_products, refuse_pixels_of_one_photo
from depth3d.scenes.lazy_network import load_network
from depth3d.scenes.options import Options, OutputOptions
from depth3d.scenes.outputs import Kind, target_of
from depth3d.scenes.used_options import refuse_unused

if TYPE_CHECKING:
    from depth3d.predictors.download import Progress as Download


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What to do with many photos.

    Attributes:
        inputs: folders (with all below them), globs, files, or URLs of these that fsspec knows.
        output: folder or URL for the files and the manifest.
        endings: of each photo's files, such as ".ply" or "_depth.png".
        kind: what goes in, where the endings' suffixes would say otherwise.
        options: how scenes are made.
        output_options: what is made of them.
        engine: "local" for processes on this machine, "ray" for a Ray cluster.
        workers: how many photos at once; None leaves it to the machine, or to the cluster's autoscaler.
        seconds_per_photo: how long each photo may take before it counts as failed, or None for however long.
        shared_scale: one scale for all photos, which must share points in the COLMAP model of `options.points`.
        same_view: all photos were taken from one place with one camera, so that hints for pixels, sparse points and a
            depth map hold in each.
        table: write the manifest as Parquet too.
        retry: try photos again that failed before.
        force: forget an earlier batch in that folder and overwrite its files.
    """

    inputs: tuple[str, ...]
    output: str
    endings: tuple[str, ...] = (".png",)
    kind: Kind | None = None
    options: Options = Options()
    output_options: OutputOptions = OutputOptions()
    engine: Literal["local", "ray"] = "local"
    workers: int | None = None
    seconds_per_photo: float | None = DEFAULT_SECONDS
    shared_scale: bool = False
    same_view: bool = False
    table: bool = False
    retry: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True)
class Tally:
    """How far a batch is.

    Attributes:
        photos: how many it has.
        before: how many of them were done by earlier runs, failed ones among them.
        done: how many this run has turned into files.
        failed: how many have failed, with those of earlier runs.
        seconds: how long this run has taken.
    """

    photos: int
    before: int
    done: int
    failed: int
    seconds: float


Progress = Callable[[Row, Tally], None]


def run_batch(batch: Batch, *, progress: Progress | None = None, download: Download | None = None) -> Tally:
    """Do every photo that has no row in the manifest yet.

    A photo that cannot be done gets a row with the reason. What stops the run, such as a full disk, Ctrl-C or a loss of
    power, loses no row: the same call goes on from there.

    Args:
        batch: what to do.
        progress: called after each photo.
        download: called while a network's weights are downloaded.

    Raises:
        UsageError: the batch cannot be meant as it was given.
        PhotoError: there is no photo.
        StoreError: the place that photos come from cannot be read, or has gone.
        OutputError: files cannot be written.
        WeightsError: the network cannot be loaded.
        MissingExtraError: the engine or the table needs a package that is not installed.
        HintError: photos that are to have one scale share no points, or nothing says how large it is.
    """
    begun = time.perf_counter()
    if batch.table:
        check_table()
    if batch.engine == "ray":
        check_installed("a cluster", "ray", "ray", "pyarrow")
    folder = Folder(batch.output)
    folder.check()
    recipe = _recipe(batch)
    _check(recipe, folder)
    jobs = to_jobs(find_photos(batch.inputs, output=folder), recipe)
    if not batch.same_view:
        refuse_pixels_of_one_photo(batch.options, len(jobs))
    if not batch.force:
        _refuse_to_overwrite(jobs, recipe, folder)
    if batch.shared_scale:
        check_overlap(jobs, batch.options)
    recipe = _with_network(recipe, _network(batch.options.depth, download))
    with Manifest(folder, recipe.digits, force=batch.force) as manifest:
        folder.remove_leftovers()
        standing = manifest.read_earlier_runs({job.photo for job in jobs}, retry=batch.retry)
        left = [job for job in jobs if job.photo not in standing.photos]
        _refuse_what_others_wrote(left, recipe, standing.files)
        if batch.shared_scale and left:
            recipe = with_shared_scale(recipe, standing.points_units or shared_units(jobs, batch.options))
        tally = Tally(len(jobs), len(jobs) - len(left), 0, standing.failed, 0.0)
        with closing(_rows(left, recipe, batch)) as rows:
            for row in rows:
                manifest.add(row)
                tally = _counted(tally, row, begun)
                if progress is not None:
                    progress(row, tally)
        if batch.table:
            write_table(manifest, folder)
    return replace(tally, seconds=time.perf_counter() - begun)


def _recipe(batch: Batch) -> Recipe:
    if batch.seconds_per_photo is not None and not batch.seconds_per_photo > 0:
        raise UsageError(f"a photo cannot take {batch.seconds_per_photo:g} s at most; name more")
    return Recipe(
        output=batch.output,
        endings=batch.endings,
        kind=batch.kind,
        options=batch.options,
        output_options=batch.output_options,
        seconds_per_photo=batch.seconds_per_photo,
    )


def _with_network(recipe: Recipe, network: str | None) -> Recipe:
    """The recipe for one network, and with it what tells the recipe from others."""
    recipe = replace(recipe, network=network)
    return replace(recipe, digits=recipe_digits(recipe))


def _rows(jobs: list[Job], recipe: Recipe, batch: Batch) -> Generator[Row, None, None]:
    if not jobs:
        return
    if batch.engine == "ray":
        from depth3d.batch.cluster import each_row_on_ray

        yield from each_row_on_ray(jobs, recipe, workers=batch.workers)
    else:
        yield from each_row_here(jobs, recipe, workers=min(batch.workers or cores(), len(jobs)))


def _counted(tally: Tally, row: Row, begun: float) -> Tally:
    failed = row.error is not None
    return replace(
        tally,
        done=tally.done + (not failed),
        failed=tally.failed + failed,
        seconds=time.perf_counter() - begun,
    )


def _network(options: DepthOptions, download: Download | None) -> str | None:
    """Name of the network for all, whose weights are here from now on; None where the user's own file says it."""
    if options.depth_map is not None or options.weights is not None or os.environ.get("DEPTH3D_WEIGHTS"):
        return None
    if options.predictor not in PREDICTORS:
        return load_network(options, progress=download).name
    if options.predictor == "bundled":
        return "bundled"
    name = "midas_small" if options.predictor == "auto" else options.predictor
    try:
        fetch_weights(name, progress=download)
    except WeightsError:
        if options.predictor != "auto":
            raise
        return "bundled"
    return name


def _check(recipe: Recipe, folder: Folder) -> None:
    for ending in recipe.endings:
        if "/" in ending or "\\" in ending:
            raise UsageError(f"{ending}: an ending is added to a photo's name and cannot hold a folder")
    recipe.files_of("photo")
    refuse_unused(recipe.output_options, [recipe.fields(ending) for ending in recipe.endings])
    check_products(recipe.output_options, {target_of(f"photo{ending}", recipe.kind).kind for ending in recipe.endings})
    if recipe.kind == "3dgs" and folder.path is None:
        raise UsageError(f"{recipe.output}: photos share depth_params.json, which needs a folder on this machine")


def _refuse_to_overwrite(jobs: list[Job], recipe: Recipe, folder: Folder) -> None:
    """Before the first run; later ones write only what the manifest does not hold."""
    there = folder.sizes()
    if there and MANIFEST_NAME not in there:
        for job in jobs:
            for file in recipe.files_of(job.name):
                if file in there:
                    raise OutputError(f"{recipe.output}/{file} exists already; use --force to replace it")


def _refuse_what_others_wrote(jobs: list[Job], recipe: Recipe, others: Collection[str]) -> None:
    for job in jobs if others else ():
        taken = next((file for file in recipe.files_of(job.name) if file in others), None)
        if taken is not None:
            raise UsageError(
                f"{recipe.output} holds {taken} of another photo than {job.photo}; choose another folder for -o"
            )
