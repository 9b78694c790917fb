"""The page's server on this machine, and visitors without a browser."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conftest import HUNG_S

import depth3d as d3
from depth3d.web.limits import Limits
from depth3d.web.middleware import Application


@contextmanager
def serving(app: Application) -> Iterator[int]:
    """Answer at a free port of this machine while the block runs; gives the port."""
    import uvicorn

    from depth3d.web.server import server_config

    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = server_config(app)
        config.log_level = "error"
        config.timeout_graceful_shutdown = 1
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


def page_app(folder: Path, **limits: Any) -> Application:
    """The whole server, whose files lie in a folder."""
    from depth3d.web.server import build_app

    return build_app(folder, options=d3.Options.of(predictor="bundled"), limits=Limits(**limits))


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Guest:
    """Somebody with a browser's cookie and a page of their own, or an attacker without."""

    def __init__(self, port: int, page: str = "", *, anonymous: bool = False) -> None:
        self.port, self.page, self.cookie = port, page, ""
        if not anonymous:
            self.cookie = self.ask("/").headers["set-cookie"].partition(";")[0]

    def ask(self, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """One request on a connection of its own; with a body it is a POST."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HUNG_S)
        sent = {"Cookie": self.cookie, **{name.replace("_", "-"): value for name, value in headers.items()}}
        try:
            connection.request("GET" if body is None else "POST", path, body, sent)
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def call(self, function: int, *, data: Any = (), event_data: Any = None, **headers: str) -> Answer:
        """Put a call into the queue."""
        call = {"data": list(data), "fn_index": function, "session_hash": self.page, "event_data": event_data}
        return self.ask("/gradio_api/queue/join", json.dumps(call).encode(), Content_Type="application/json", **headers)

    def outcome(self) -> dict[str, Any]:
        """What the queue says about this page's call once it is done."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HUNG_S)
        try:
            path = f"/gradio_api/queue/data?session_hash={self.page}"
            connection.request("GET", path, headers={"Cookie": self.cookie})
            response = connection.getresponse()
            assert response.status == 200
            while True:
                line = response.readline()
                assert line, "the queue's answer ended early"
                if line.startswith(b"data: ") and (said := json.loads(line[6:]))["msg"] == "process_completed":
                    return said
        finally:
            connection.close()

    def functions(self) -> list[dict[str, Any]]:
        """The page's functions, as its configuration lists them."""
        return self.ask("/config").json["dependencies"]

    def open(self) -> str:
        """Open the page as a browser does; gives the token of its session."""
        load = next(f["id"] for f in self.functions() if any(target[1] == "load" for target in f["targets"]))
        assert self.call(load).status == 200
        return self.outcome()["output"]["data"][0]["session"]
