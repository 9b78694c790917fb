"""A page that shows moving pictures as they are made: motion JPEG, which every browser draws. Standard library only."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import ViewerError

_BOUNDARY = "picture"
_QUALITY = 85
_WAIT_S = 1.0
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>depth3d live</title>
<style>html,body{margin:0;height:100%%;background:#111}img{width:100%%;height:100%%;object-fit:contain}</style>
<img src="/pictures" alt="depth as it is seen: %s"></html>"""


class LivePage:
    """Serves the newest picture to whoever looks; used in a with block.

    Args:
        title: what the page shows, for those who cannot see it.
        host: address to listen on.
        port: port; 0 takes any that is free.

    Raises:
        ViewerError: nothing can listen there.
    """

    def __init__(self, title: str, *, host: str, port: int = 0) -> None:
        self._jpeg = b""
        self._number = 0
        self._ended = False
        self._changed = threading.Condition()
        self.page = (_PAGE % title).encode()
        try:
            self._server = ThreadingHTTPServer((host, port), _handler(self))
        except OSError as error:
            reason = error.strerror or error
            raise ViewerError(f"cannot listen on {host}:{port}: {reason}; choose another --port") from error
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def address(self) -> str:
        """What to open in a browser."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/"

    def show(self, rgb: NDArray[np.uint8]) -> None:
        """Replace the picture, (H, W, 3) uint8 sRGB, by another."""
        import cv2

        ok, jpeg = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        assert ok
        with self._changed:
            self._jpeg, self._number = jpeg.tobytes(), self._number + 1
            self._changed.notify_all()

    def next(self, seen: int) -> tuple[bytes, int] | None:
        """The newest picture other than the one numbered `seen`, and its number; None at the end."""
        with self._changed:
            while self._number == seen and not self._ended:
                self._changed.wait(_WAIT_S)
            return None if self._number == seen else (self._jpeg, self._number)

    def __enter__(self) -> Self:
        """Begin to serve."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; whoever looks sees the last picture."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(live: LivePage) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802 - as the standard library calls it
            if self.path == "/":
                self._answer("text/html; charset=utf-8", len(live.page))
                self.wfile.write(live.page)
            elif self.path == "/pictures":
                self._answer(f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
                self._stream()
            else:
                self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            """Requests are no user's business."""

        def _answer(self, content: str, length: int | None = None) -> None:
            self.send_response(200)
            self.send_header("Content-Type", content)
            self.send_header("Cache-Control", "no-store")
            if length is not None:
                self.send_header("Content-Length", str(length))
            self.end_headers()

        def _stream(self) -> None:
            seen, boundary = 0, f"--{_BOUNDARY}\r\n".encode()
            try:
                self.wfile.write(boundary)
                while (given := live.next(seen)) is not None:
                    jpeg, seen = given
                    head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    self.wfile.write(head.encode() + jpeg + b"\r\n" + boundary)  # which ends a picture for browsers
            except OSError:  # whoever looked has gone
                return

    return Handler
