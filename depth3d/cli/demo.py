"""`depth3d demo`: the sample photo as files of four kinds, and a browser that shows one of them."""

from __future__ import annotations

from pathlib import Path

import click

from depth3d.cli.process_photos import write_files
from depth3d.cli.terminal import say
from depth3d.scenes.examples import example_camera, example_hints, example_photo

_SUFFIXES = (".ply", ".glb", ".gif", ".html")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default="depth3d_demo", metavar="[FOLDER]")
@click.option("--open/--no-open", "is_opened", default=True, show_default=True, help="Open the page in a browser.")
@click.option("--force", is_flag=True, help="Overwrite existing files.")
def demo(folder: Path, is_opened: bool, force: bool) -> None:
    """Make a point cloud, a mesh, an animation and a page of a sample photo in FOLDER (default: depth3d_demo).

    Works offline: the photo and the network are part of the package. Five true distances that come with the photo set
    the metres. Where there is a display, the page opens in a browser.

    \b
    depth3d demo
    depth3d demo somewhere --no-open
    """
    chosen = {
        "predictor": "bundled",
        "camera_file": example_camera("room"),
        "hints_files": (example_hints("room"),),
    }
    outputs = [folder / f"room{suffix}" for suffix in _SUFFIXES]
    write_files([example_photo("room")], outputs, kind=None, force=force, same_view=False, chosen=chosen)
    if not (is_opened and show_page(outputs[-1])):
        say(f"open {outputs[-1]} in a browser to turn the model and measure in it", who="depth3d", colour="cyan")


def show_page(path: Path) -> bool:
    """Open a page in the desktop's browser; False where there is no display or no browser."""
    import webbrowser

    from depth3d.viewers.display import has_display

    return has_display() and webbrowser.open(path.resolve().as_uri())
