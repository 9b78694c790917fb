"""`depth3d mcp`: photos measured by assistants."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from depth3d.cli.click_to_options import to_options
from depth3d.cli.depth_options import network_options


@click.command()
@click.option(
    "--folder",
    "folders",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    multiple=True,
    required=True,
    metavar="DIR",
    help="Folder that may be read and written, with all below it. Repeatable; names without a folder are in the first.",
)
@network_options
def mcp(folders: tuple[Path, ...], **chosen: Any) -> None:
    """Serve an assistant that speaks the Model Context Protocol, on standard input and output.

    Its tools are reconstruct, measure and depth. Nothing outside the folders is read or written.

    \b
    depth3d mcp --folder ~/photos
    """
    from depth3d.mcp import serve

    serve(folders, to_options(chosen))
