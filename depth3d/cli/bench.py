"""`depth3d bench`: how fast and how small, beside other libraries, on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from depth3d.cli.options import EXISTING_FILE


@click.group()
def bench() -> None:
    """Measure this machine: our work beside that of other libraries, in one run.

    \b
    depth3d bench geometry photo.jpg
    depth3d bench edges frames.json
    """


@bench.command()
@click.argument("photo", type=EXISTING_FILE)
@click.option("--rounds", type=click.IntRange(min=1), default=7, show_default=True, help="How often each is timed.")
@click.option("--frames", type=EXISTING_FILE, help="JSON list of photos with measured depth, as of depth3d eval.")
def geometry(photo: Path, rounds: int, frames: Path | None) -> None:
    """Time and size of geometry files made of PHOTO, cut to 1920x1080, and which promises hold.

    Compares with trimesh, and with Open3D where it is installed; --frames adds what only true depth can tell. Takes a
    minute; anything else that runs disturbs it.

    \b
    depth3d bench geometry photo.jpg
    depth3d bench geometry photo.jpg --rounds 21
    depth3d bench geometry photo.jpg --frames frames.json
    """
    from depth3d.bench.geometry import bench_geometry
    from depth3d.bench.stopwatch import to_table

    for section in bench_geometry(photo, rounds=rounds, frames=frames):
        click.echo(f"{to_table((section,))}\n")


@bench.command()
@click.argument("frames", type=EXISTING_FILE)
def edges(frames: Path) -> None:
    """Depth edges of FRAMES, a list as `depth3d eval` reads it: refinement beside bicubic interpolation.

    True depth is shrunk to what a network sees, 256 cells, and brought back in both ways. Counts the points that fly
    between surfaces, and how well the boundaries are where they should be.

    \b
    depth3d bench edges frames.json
    """
    from depth3d.bench.edges import bench_edges, read_measured
    from depth3d.bench.stopwatch import to_table
    from depth3d.evaluation import read_frames

    click.echo(to_table((bench_edges(map(read_measured, read_frames(frames))),)))
