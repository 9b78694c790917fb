"""`depth3d live`: what a camera sees, in depth, as it happens."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from depth3d.cli.click_to_options import to_options
from depth3d.cli.depth_options import network_options
from depth3d.cli.terminal import say
from depth3d.core.options import AnimationOptions
from depth3d.scenes.options import ServerOptions

if TYPE_CHECKING:
    from depth3d.io.photos.live_video import LiveVideo


@click.command()
@click.argument("source", default="0", metavar="[CAMERA|FILE]")
@click.option(
    "--as",
    "kind",
    type=click.Choice(["heatmap", "beside", "cloud", "parallax", "stereo"]),
    default="heatmap",
    show_default=True,
    help="heatmap: near bright, far dark. beside: the picture and its heat map. cloud: its points, seen from left and "
    "right. parallax: through a camera that moves a little. stereo: for red and cyan glasses.",
)
@click.option(
    "--width",
    type=click.IntRange(min=16),
    default=AnimationOptions().width,
    show_default=True,
    metavar="PX",
    help="Pictures are made smaller to this width first.",
)
@click.option(
    "--host", default=ServerOptions().host, show_default=True, metavar="ADDRESS", help="Address to listen on."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=7861, show_default=True, metavar="N", help="Port; 0 takes any."
)
@click.option("--frames", type=click.IntRange(min=1), metavar="N", help="Stop after this many frames.")
@network_options
def live(source: str, kind: Any, width: int, host: str, port: int, frames: int | None, **chosen: Any) -> None:
    """Show a camera (by its number, 0 the first) or a video in depth on a page, as fast as the processor allows.

    Frames there is no time for are skipped. Only this machine's own browsers can open the page unless --host says
    otherwise. Ctrl-C stops it; so does the end of the video.

    \b
    depth3d live
    depth3d live 1 --as beside
    depth3d live clip.mp4 --as parallax --width 480
    """
    from itertools import islice

    from depth3d.scenes.options import OutputOptions
    from depth3d.scenes.video.live import live_pictures
    from depth3d.viewers.live_page import LivePage

    options, made = to_options(chosen), OutputOptions().changed(width=width, eye_width=width)
    video = _opened(source, width)
    count, start = 0, time.perf_counter()
    with LivePage(f"{video.path.name}, {kind}", host=host, port=port) as page:
        say(f"open {page.address} in a browser; Ctrl-C stops", who="depth3d")
        for picture in islice(live_pictures(video, kind, options=options, output_options=made), frames):
            page.show(picture)
            count += 1
    seconds = time.perf_counter() - start
    click.echo(f"{video.path.name}: {count} pictures, {count / seconds:.1f} a second")


def _opened(source: str, width: int) -> LiveVideo:
    from depth3d.io.photos.live_video import live_camera, live_file
    from depth3d.io.photos.video import read_video

    return live_camera(int(source), width=width) if source.isdigit() else live_file(read_video(source), width=width)
