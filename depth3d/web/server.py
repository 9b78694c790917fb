"""The web server: our own few addresses for photos and files, and the page."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from depth3d.core.errors import MissingExtraError, OutputError
from depth3d.io.temporary import temporary_folder
from depth3d.scenes.options import Options, ServerOptions
from depth3d.web.allowed_hosts import Hosts
from depth3d.web.cookies import Visitors
from depth3d.web.limits import Limits
from depth3d.web.middleware import Application, Gate
from depth3d.web.sessions import Sessions

if TYPE_CHECKING:
    import gradio as gr
    import uvicorn
    from fastapi import FastAPI

_SERVER = ServerOptions()

_ASSETS = Path(__file__).parent / "assets"
_SECONDS_TO_FINISH = 2
_MOST_WAITING = 200


def serve(
    options: Options | None = None,
    *,
    host: str = _SERVER.host,
    port: int = _SERVER.port,
    limits: Limits | None = None,
    hosts: Iterable[str] = (),
    announce: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve the page until stopped; what visitors brought is deleted when they leave, and the rest in the end.

    Args:
        options: predictor, weights and threads; the visitors choose the rest.
        host: the address to listen on; the default is for this machine's own browsers only.
        port: the port to listen on; 0 takes any that is free.
        limits: what visitors may bring.
        hosts: names it answers to, beside this machine's own and addresses in digits; a proxy's, for example.
        announce: called once with the page's address, when it is about to answer.

    Raises:
        MissingExtraError: Gradio is not installed.
        OutputError: the address cannot be listened on.
    """
    check_installed()
    import uvicorn

    with temporary_folder() as folder, _listening(host, port) as listener:
        app = build_app(folder, options=options or Options(), limits=limits or Limits(), hosts=hosts)
        config = server_config(app)
        announce(_address(host, listener.getsockname()[1]))
        uvicorn.Server(config).run(sockets=[listener])


def server_config(app: Application) -> uvicorn.Config:
    """How the server runs: its connections are bounded, and it takes nobody's word for who asks."""
    import uvicorn

    from depth3d.web.connections import MOST_AT_ONCE, BoundedConnection

    return uvicorn.Config(
        app,
        http=BoundedConnection,
        ws="none",
        backlog=MOST_AT_ONCE,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_SECONDS_TO_FINISH,
    )


def check_installed() -> None:
    """Raise MissingExtraError unless the page's framework is there."""
    try:
        import gradio  # noqa: F401
    except ImportError:
        raise MissingExtraError("the browser page", "gradio", "web") from None


def build_app(folder: Path, *, options: Options, limits: Limits, hosts: Iterable[str] = ()) -> Application:
    """The whole server as an ASGI application.

    Args:
        folder: where all its files lie.
        options: predictor, weights and threads.
        limits: what visitors may bring.
        hosts: names it answers to, beside this machine's own and addresses in digits.
    """
    check_installed()
    os.environ["GRADIO_TEMP_DIR"] = str(folder / "gradio")
    sessions = Sessions(folder, limits=limits, options=options)
    # Gradio makes event loops that it never closes, unless one is running where it is built.
    with ThreadPoolExecutor(1) as thread:
        inside, page = thread.submit(asyncio.run, _assembled(sessions)).result()
    waiting = page._queue.pending_event_ids_session

    def forget(name: str) -> None:
        waiting.pop(name, None)

    visitors = Visitors(lambda name: len(waiting.get(name, ())), forget)
    return Gate(inside, hosts=Hosts(hosts), visitors=visitors)


async def _assembled(sessions: Sessions) -> tuple[FastAPI, gr.Blocks]:
    import gradio as gr
    from fastapi import FastAPI

    from depth3d.web.page import build_page
    from depth3d.web.session_routes import SessionRoutes

    app = FastAPI(openapi_url=None, routes=SessionRoutes(sessions).routes())
    page = build_page(sessions)
    page.queue(max_size=_MOST_WAITING)
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        theme=gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
        css=(_ASSETS / "page.css").read_text(encoding="utf-8"),
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
    )
    # Gradio looks whether a file in a call may be read once a page is launched, which a mounted one never is.
    page.has_launched = True
    return app, page


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise OutputError(f"cannot listen on {host} port {port}: {reason}; choose another --port or --host") from None


def _address(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"
