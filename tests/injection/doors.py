"""What answers others: the page, the tools of assistants, and the download of weights, each in one process.

The page is asked at its own addresses, without Gradio, which is not ours to fail.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from unittest import mock

from commands import alone, inputs

from depth3d.core.errors import Depth3DError
from depth3d.io.photos.photo import read_photo

_OWNER = "visitor"
_WEIGHTS = bytes(range(256)) * 40


def page(folder: Path) -> object:
    """A visitor brings a photo, marks and measures in it, and takes files away; in the end the page is closed."""
    from depth3d.scenes.options import Options
    from depth3d.web.limits import Limits
    from depth3d.web.sessions import Sessions

    network = Options.of(weights=folder / "tiny.safetensors", runtime="torch", threads=1)
    with alone(folder):
        sessions = Sessions(folder / "page", limits=Limits(), options=network)
        try:
            session = sessions.open("page", _OWNER)
            with ThreadPoolExecutor(1) as elsewhere:  # a browser of other tests may have its loop in this thread
                elsewhere.submit(asyncio.run, _upload(sessions, session.token, inputs()["photo.png"])).result()
            session.predict_depth()
            session.add_mark(((5.0, 5.0),), "2 m")
            session.fit()
            session.add_span(((4.0, 4.0), (20.0, 16.0)))
            session.show_model()
            _make_each(session)
        finally:
            sessions.close("page", _OWNER)
    return None


async def _upload(sessions: object, token: str, content: bytes) -> None:
    """Send a photo to the address that takes photos; a refusal in one line is a known error."""
    import httpx
    from starlette.applications import Starlette

    from depth3d.web.session_routes import SessionRoutes

    app = Starlette(routes=SessionRoutes(sessions).routes())  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1") as client:
        address = f"/session/{token}/photo?name=a.png"
        with (
            mock.patch("depth3d.web.session_routes.cookie_in", return_value=_OWNER),
            mock.patch("depth3d.web.session_routes.check_decodes", read_photo),  # where calls can be let fail
        ):
            answer = await client.post(address, content=content)
    if answer.status_code != 200:
        raise Depth3DError(answer.json()["error"])


def _make_each(session: object) -> None:
    from depth3d.web.downloads import DOWNLOADS

    for download in DOWNLOADS:
        if download.ending in (".ply", "_depth.png"):
            session.make(download)  # type: ignore[attr-defined]


def assistant(folder: Path) -> object:
    """An assistant measures, looks at depths and writes files."""
    from depth3d.mcp.allowed_paths import Folders
    from depth3d.mcp.tools import PhotoTools
    from depth3d.scenes.options import Options

    hints = [{"kind": "at", "u": 4, "v": 3, "metres": 2.0}]
    with alone(folder):
        tools = PhotoTools(Folders([folder]), Options.of(depth_map=folder / "inverse.npy"))
        tools.measure("photo.png", (5.0, 5.0), (20.0, 16.0), hints)
        tools.depth("photo.png", [(4.0, 3.0)], "out/a.npy", hints)
        tools.reconstruct("photo.png", ["out/a.ply", "out/a.glb"], hints)
    return None


def fetch(folder: Path) -> object:
    """Weights are downloaded and checked."""
    from depth3d.predictors import download, weights

    class Response(io.BytesIO):
        status = 200
        headers = {"Content-Length": str(len(_WEIGHTS))}

    def opened(_: str, have: int) -> Response:
        return Response(_WEIGHTS[have:])

    known = weights.OFFICIAL_WEIGHTS
    official = replace(known["midas_small"], sha256=hashlib.sha256(_WEIGHTS).hexdigest())
    with (
        alone(folder),
        mock.patch.dict(os.environ, {"DEPTH3D_CACHE": str(folder / "cache"), "TORCH_HOME": str(folder / "torch")}),
        mock.patch.dict(known, {"midas_small": official}),
        mock.patch.object(download, "_open", opened),
    ):
        os.environ.pop("DEPTH3D_OFFLINE", None)
        weights.fetch_weights("midas_small")
    return None


DOORS: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
    "page": (page, ("photo.png", "tiny.safetensors")),
    "assistant": (assistant, ("photo.png", "inverse.npy")),
    "weights fetch": (fetch, ()),
}
"""What is tried, and the files that it reads."""


def files_for_door(name: str) -> dict[str, bytes]:
    """The files that are there before."""
    return {**{path: inputs()[path] for path in DOORS[name][1]}, "out/other.txt": b"of somebody else"}
