"""The web server: our own few addresses for photos and files, and the page."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from depth3d.core.errors import Depth3DError, MissingExtraError, OutputError
from depth3d.scenes.options import Options
from depth3d.web.examples import EXAMPLES, example_camera, example_hints, example_photo
from depth3d.web.limits import Limits, TooLargeError
from depth3d.web.middleware import Application, Gate, visitor_of
from depth3d.web.sessions import Desks

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from depth3d.web.session import Desk

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 7860

_ASSETS = Path(__file__).parent / "assets"
_SECONDS_TO_FINISH = 2


def serve(
    options: Options | None = None,
    *,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    limits: Limits | None = None,
    announce: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve the page until stopped; what visitors brought is deleted when they leave, and the rest in the end.

    Args:
        options: predictor, weights and threads; the visitors choose the rest.
        host: the address to listen on; the default is for this machine's own browsers only.
        port: the port to listen on; 0 takes any that is free.
        limits: what visitors may bring.
        announce: called once with the page's address, when it is about to answer.

    Raises:
        MissingExtraError: Gradio is not installed.
        OutputError: the address cannot be listened on.
    """
    check_installed()
    import uvicorn

    with tempfile.TemporaryDirectory(prefix="depth3d-serve-") as folder, _listening(host, port) as listener:
        app = build_app(Path(folder), options=options or Options(), limits=limits or Limits())
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=_SECONDS_TO_FINISH)
        announce(_address(host, listener.getsockname()[1]))
        uvicorn.Server(config).run(sockets=[listener])


def check_installed() -> None:
    """Raise MissingExtraError unless the page's framework is there."""
    try:
        import gradio  # noqa: F401
    except ImportError:
        raise MissingExtraError("the browser page", "gradio", "web") from None


def build_app(folder: Path, *, options: Options, limits: Limits) -> Application:
    """The whole server as an ASGI application; all its files lie in `folder`."""
    check_installed()
    os.environ["GRADIO_TEMP_DIR"] = str(folder / "gradio")
    desks = Desks(folder, limits=limits, options=options)
    # Gradio makes event loops that it never closes, unless one is running where it is built.
    with ThreadPoolExecutor(1) as thread:
        return Gate(thread.submit(asyncio.run, _assembled(desks)).result())


async def _assembled(desks: Desks) -> FastAPI:
    import gradio as gr
    from fastapi import FastAPI

    from depth3d.web.page import build_page

    app = FastAPI(openapi_url=None, routes=_desk_addresses(desks))
    gr.mount_gradio_app(
        app,
        build_page(desks),
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
    return app


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise OutputError(f"cannot listen on {host} port {port}: {reason}; choose another --port or --host") from None


def _address(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def _desk_addresses(desks: Desks) -> list[BaseRoute]:
    """Photos come in and files go out here, for the browser whose desk it is and for no other."""
    from starlette.responses import FileResponse, JSONResponse
    from starlette.routing import Route

    def nothing() -> Response:
        return JSONResponse({"error": "there is nothing here for you; reload the page"}, 404)

    async def bring(request: Request) -> Response:
        desk = desks.of_token(request.path_params["token"], visitor_of(request.scope))
        if desk is None:
            return nothing()
        try:
            await _bring(desk, request, desks.limits)
        except Depth3DError as error:
            return JSONResponse({"error": desk.in_words(error)}, 413 if isinstance(error, TooLargeError) else 415)
        return JSONResponse({})

    def fetch(request: Request) -> Response:
        desk = desks.of_token(request.path_params["token"], visitor_of(request.scope))
        path = desk and desk.shelf.offered(request.path_params["name"])
        return FileResponse(path, headers={"cache-control": "private, no-store"}) if path else nothing()

    def example(request: Request) -> Response:
        name = request.path_params["name"]
        return FileResponse(example_photo(name)) if name in EXAMPLES else nothing()

    return [
        Route("/desk/{token}/photo", bring, methods=["POST"]),
        Route("/desk/{token}/files/{name}", fetch),
        Route("/example/{name}.jpg", example),
    ]


async def _bring(desk: Desk, request: Request, limits: Limits) -> None:
    """Put a photo on a desk: one of our examples, or the body of the request."""
    from starlette.concurrency import run_in_threadpool

    # A desk that is at work keeps others waiting, in a thread and not in the loop that serves everyone.
    if (example := request.query_params.get("example")) in EXAMPLES:
        camera, hints = example_camera(example), example_hints(example)
        await run_in_threadpool(desk.take_example, example_photo(example), camera=camera, hints=hints)
        return
    limits.check_bytes(int(request.headers.get("content-length", 0)))
    path = desk.shelf.inbox(request.query_params.get("name", ""))
    try:
        with path.open("wb") as file:
            received = 0
            async for chunk in request.stream():
                received += len(chunk)
                limits.check_bytes(received)
                file.write(chunk)
        await run_in_threadpool(limits.check_photo, path)
    except BaseException:
        desk.shelf.discard(path)
        raise
    await run_in_threadpool(desk.take, path)
