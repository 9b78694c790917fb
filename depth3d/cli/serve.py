"""`depth3d serve`: the browser page."""

from __future__ import annotations

import signal
from typing import Any

import click

from depth3d.cli.click_to_options import to_options
from depth3d.cli.depth_options import network_options
from depth3d.scenes.options import ServerOptions

_SERVER = ServerOptions()


@click.command()
@click.option(
    "--host",
    default=_SERVER.host,
    show_default=True,
    metavar="ADDRESS",
    help="Address to listen on; 0.0.0.0 lets other machines in.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=_SERVER.port,
    show_default=True,
    metavar="N",
    help="Port; 0 takes any.",
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="Also answer to this name, such as a proxy's; addresses in digits and this machine's own name always work. "
    "Repeatable.",
)
@click.option(
    "--max-mb", type=float, default=_SERVER.megabytes, show_default=True, metavar="MB", help="Largest photo file."
)
@click.option(
    "--max-megapixels", type=float, default=_SERVER.megapixels, show_default=True, metavar="MP", help="Largest photo."
)
@click.option(
    "--max-visitors",
    type=click.IntRange(min=1),
    default=_SERVER.visitors,
    show_default=True,
    metavar="N",
    help="Pages that may have a photo at one time; more wait until one is closed, or has been idle for half an hour.",
)
@network_options
def serve(
    host: str,
    port: int,
    hosts: tuple[str, ...],
    max_mb: float,
    max_megapixels: float,
    max_visitors: int,
    **chosen: Any,
) -> None:
    """Serve a page where photos are dropped in, hints are clicked into them, and the model turns.

    Only this machine's own browsers can open it unless --host says otherwise. Anyone who can open it can use it; there
    is no password. Photos and files are deleted when their page is closed. Ctrl-C stops the server.

    \b
    depth3d serve
    depth3d serve --host 0.0.0.0 --port 8080 --max-mb 20
    """
    from depth3d.web import Limits
    from depth3d.web import serve as serve_page

    # A service manager's stop is a Ctrl-C, so that the visitors' files go.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    serve_page(
        to_options(chosen),
        host=host,
        port=port,
        hosts=hosts,
        limits=Limits(megabytes=max_mb, megapixels=max_megapixels, visitors=max_visitors),
        announce=lambda address: click.echo(f"depth3d: open {address} in a browser; Ctrl-C stops", err=True),
    )
