"""`depth3d batch`: many photos, on all cores or on a cluster."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from depth3d.batch.time_limit import DEFAULT_SECONDS
from depth3d.cli.click_to_options import to_options, to_output_options
from depth3d.cli.depth_options import depth_of_each_options
from depth3d.cli.file_options import file_options
from depth3d.cli.grouped_help import GroupedCommand
from depth3d.cli.mesh_options import mesh_options
from depth3d.cli.options import camera_options, geometry_options, kind_option, same_view_option, scale_options
from depth3d.cli.picture_options import focus_option, layout_option, lens_options, motion_options, stereo_options
from depth3d.cli.terminal import json_option, result, say
from depth3d.cli.weights import download_progress
from depth3d.core.errors import PhotoError
from depth3d.core.options import FileOptions

if TYPE_CHECKING:
    from depth3d.batch.manifest_row import Row
    from depth3d.batch.run import Tally


@click.command(cls=GroupedCommand)
@click.argument("inputs", nargs=-1, required=True, metavar="IN...")
@click.option("-o", "--output", required=True, metavar="OUT", help="Folder or URL for the files and manifest.jsonl.")
@click.option(
    "--write",
    "endings",
    multiple=True,
    default=(".png",),
    show_default=True,
    metavar="ENDING",
    help="A file for each photo: its name with this ending, whose suffix says what goes in, as for export: .ply .glb "
    "_depth.npz. Repeatable.",
)
@kind_option
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Processes on this machine, or the Ray cluster that RAY_ADDRESS names.",
)
@click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Photos at once.  [default: one per core, or as Ray can]"
)
@click.option(
    "--shared-scale",
    is_flag=True,
    help="One scale for all photos, from points that several of them see in the COLMAP model of --points.",
)
@same_view_option
@click.option(
    "--time-limit",
    "seconds_per_photo",
    type=click.FloatRange(min=0, min_open=True),
    default=DEFAULT_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="A photo that takes longer counts as failed.",
)
@click.option("--parquet", "table", is_flag=True, help="Write manifest.parquet too.")
@click.option("--retry", is_flag=True, help="Try failed photos again.")
@json_option("Print what was done as a line of JSON.")
@click.option("--force", is_flag=True, help="Do everything again and overwrite existing files.")
@click.option(
    "--provenance/--no-provenance",
    default=FileOptions().provenance,
    show_default=True,
    help="Write FILE.json beside each file.",
)
@camera_options
@scale_options
@depth_of_each_options
@geometry_options
@mesh_options
@motion_options
@focus_option
@lens_options
@layout_option
@stereo_options
@file_options
# Long: one argument for each option of its own, and the two values that they become.
def batch(
    inputs: tuple[str, ...],
    output: str,
    endings: tuple[str, ...],
    kind: Any,
    engine: Any,
    workers: int | None,
    seconds_per_photo: float,
    shared_scale: bool,
    same_view: bool,
    table: bool,
    retry: bool,
    force: bool,
    **chosen: Any,
) -> None:
    """Do many photos: folders with all below them, globs, or URLs such as s3://bucket/photos.

    A row per photo goes into OUT/manifest.jsonl: its files, fit, camera, seconds, or why it failed. However it was
    stopped, the same command continues where it was. --threads are those of each worker; the default divides the cores.
    What is known about pixels of one photo is refused for several, unless --same-view says that it holds in each.

    \b
    depth3d batch photos/ -o depths/
    depth3d batch 'photos/**/*.heic' -o models/ --write .glb --write _depth.npz
    depth3d batch s3://bucket/photos -o s3://bucket/clouds --write .ply --engine ray
    depth3d batch street/ -o street_depths/ --points sparse/0 --shared-scale --camera-height 1.6m
    """
    from depth3d.batch.run import Batch, run_batch

    plan = Batch(
        inputs=inputs,
        output=output,
        endings=endings,
        kind=kind,
        options=to_options(chosen),
        output_options=to_output_options(chosen),
        engine=engine,
        workers=workers,
        seconds_per_photo=seconds_per_photo,
        shared_scale=shared_scale,
        same_view=same_view,
        table=table,
        retry=retry,
        force=force,
    )
    try:
        with ExitStack() as stack:
            bar = _Bar(stack)
            tally = run_batch(plan, progress=bar.show, download=stack.enter_context(download_progress("midas_small")))
    except KeyboardInterrupt:
        say("the same command continues from here")
        raise
    manifest = f"{output}/manifest.jsonl"
    result(f"{manifest}: {_in_words(tally)}", {"manifest": manifest, **asdict(tally)})
    if tally.photos == tally.failed:
        raise PhotoError(f"none of {tally.photos} photos could be done; {manifest} says why")


class _Bar:
    """A bar with the time left, on standard error; the network, and photos that fail, are named above it."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._bar: Any = None
        self._told = False

    def show(self, row: Row, tally: Tally) -> None:
        if self._bar is None:
            bar: Any = click.progressbar(
                length=tally.photos - tally.before,
                label="photos",
                show_pos=True,
                update_min_steps=1,
                file=sys.stderr,
            )
            self._bar = self._stack.enter_context(bar)
        if row.error is None and not self._told:
            say(f"depth: {row.depth}")
            self._told = True
        if row.error is not None:
            where = "" if row.photo in row.error else f"{row.photo}: "
            say(f"{where}{row.error}")
        self._bar.update(1)


def _in_words(tally: Tally) -> str:
    words = [f"{tally.photos} photos", f"{tally.done} done in {tally.seconds:.1f} s"]
    if tally.before:
        words.append(f"{tally.before} before")
    if tally.failed:
        words.append(f"{tally.failed} failed")
    return ", ".join(words)
