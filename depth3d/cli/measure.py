"""`depth3d measure`: a length in the photo, with its error bar."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from depth3d.cli.click_to_options import to_options
from depth3d.cli.depth_options import depth_options
from depth3d.cli.grouped_help import GroupedCommand
from depth3d.cli.options import camera_options, scale_options
from depth3d.cli.param_types import EXISTING_FILE, PIXEL
from depth3d.cli.process_photos import report
from depth3d.cli.terminal import json_option, result, step
from depth3d.cli.weights import download_progress
from depth3d.core.parsing import written_length


@click.command(cls=GroupedCommand)
@click.argument("photo", type=EXISTING_FILE, metavar="PHOTO")
@click.option(
    "--from", "start", type=PIXEL, required=True, metavar="U,V", help="One end, a pixel of the upright photo."
)
@click.option("--to", "end", type=PIXEL, metavar="U,V", help="The other end.  [default: the camera]")
@json_option("Print JSON: metres, sigma_m, range_m (95 %), unit and both ends.")
@camera_options
@scale_options
@depth_options
def measure(photo: Path, start: Any, end: Any, **chosen: Any) -> None:
    """Measure the straight length between the things at two pixels, or from the camera to one.

    The error bar is one standard deviation; the range holds the truth 95 times out of 100. Both include what hints and
    the network leave uncertain.

    \b
    depth3d measure room.jpg --at 412,300=2.4m --at 90,640=85cm --from 200,120 --to 200,460
    """
    options = to_options(chosen)
    from depth3d.geometry.measure import check_ends
    from depth3d.io.photos.photo import photo_size
    from depth3d.scenes.check_options import check_seen
    from depth3d.scenes.photo import reconstruct

    check_ends(start, end)
    check_seen({"--from": start, "--to": end}, photo_size(photo), photo.name)
    with step(f"{photo.name}: seeing depth"), download_progress("midas_small") as progress:
        scene = reconstruct(photo, options=options, progress=progress)
    report(scene, photo.name)
    found = scene.measure(start, end)
    unit = "m" if scene.unit == "m" else "(arbitrary unit; give a distance with --at for metres)"
    ends = found.ends.round(6).tolist()
    facts = {
        "metres": found.metres,
        "sigma_m": found.sigma_m,
        "range_m": found.range_m,
        "unit": scene.unit,
        "ends": ends,
    }
    result(written_length(found.metres, found.sigma_m, unit=unit, range_m=found.range_m), facts)
