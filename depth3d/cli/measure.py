"""`depth3d measure`: a length in the photo, with its error bar."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from depth3d.cli.options import EXISTING_FILE, PIXEL, camera_options, depth_options, scale_options, to_options
from depth3d.cli.weights import download_progress
from depth3d.cli.work import report
from depth3d.lengths import written_length


@click.command()
@click.argument("photo", type=EXISTING_FILE, metavar="PHOTO")
@click.option(
    "--from", "start", type=PIXEL, required=True, metavar="U,V", help="One end, a pixel of the upright photo."
)
@click.option("--to", "end", type=PIXEL, metavar="U,V", help="The other end.  [default: the camera]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: metres, sigma_m, unit and both ends.")
@camera_options
@scale_options
@depth_options
def measure(photo: Path, start: Any, end: Any, as_json: bool, **chosen: Any) -> None:
    """Measure the straight length between the things at two pixels, or from the camera to one.

    The error bar is one standard deviation; it holds what the hints and the network leave uncertain.

    \b
    depth3d measure room.jpg --at 412,300=2.4m --at 90,640=85cm --from 200,120 --to 200,460
    """
    options = to_options(chosen)
    from depth3d.pipeline import reconstruct

    with download_progress("midas_small") as progress:
        scene = reconstruct(photo, options, progress=progress)
    report(scene, photo)
    found = scene.measure(start, end)
    if as_json:
        ends = found.ends.round(6).tolist()
        click.echo(json.dumps({"metres": found.metres, "sigma_m": found.sigma_m, "unit": scene.unit, "ends": ends}))
        return
    unit = "m" if scene.unit == "m" else "(arbitrary unit; give a distance with --at for metres)"
    click.echo(written_length(found.metres, found.sigma_m, unit=unit))
