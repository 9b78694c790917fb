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
    """


@bench.command()
@click.argument("photo", type=EXISTING_FILE)
@click.option("--rounds", type=click.IntRange(min=1), default=7, show_default=True, help="How often each is timed.")
def geometry(photo: Path, rounds: int) -> None:
    """Time and size of geometry files made of PHOTO, cut to 1920x1080, and which promises hold.

    Compares with trimesh, and with Open3D where it is installed. Takes a minute; anything else that runs disturbs it.

    \b
    depth3d bench geometry photo.jpg
    depth3d bench geometry photo.jpg --rounds 21
    """
    from depth3d.bench.geometry import bench_geometry
    from depth3d.bench.stopwatch import to_table

    for section in bench_geometry(photo, rounds=rounds):
        click.echo(f"{to_table((section,))}\n")
