"""The live page gives the newest picture, then each new one, to everyone who looks."""

from __future__ import annotations

import http.client
import threading
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest
from conftest import HUNG_S

from depth3d.core.errors import ViewerError
from depth3d.viewers.live_page import LivePage


def solid(level: int) -> np.ndarray:
    return np.full((24, 32, 3), (level, 0, 255 - level), np.uint8)


def next_part(stream: http.client.HTTPResponse) -> np.ndarray:
    """The next picture of a multipart stream, RGB."""
    length = 0
    while (line := stream.readline().strip()) or not length:
        if line.lower().startswith(b"content-length"):
            length = int(line.split(b":")[1])
    jpeg = stream.read(length)
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def test_each_picture_reaches_everyone_who_looks() -> None:
    with LivePage("a test", host="127.0.0.1") as page:
        page.show(solid(10))
        lookers = []
        for _ in range(2):
            connection = http.client.HTTPConnection(urlsplit(page.address).netloc, timeout=HUNG_S)
            connection.request("GET", "/pictures")
            answer = connection.getresponse()
            assert answer.headers["Content-Type"].startswith("multipart/x-mixed-replace")
            lookers.append((connection, answer))
        for _, answer in lookers:
            assert np.abs(next_part(answer).astype(int) - solid(10)).max() < 6
        page.show(solid(200))
        for _, answer in lookers:
            assert np.abs(next_part(answer).astype(int) - solid(200)).max() < 6
    for connection, _ in lookers:
        connection.close()


def test_the_page_shows_the_stream_and_nothing_else_is_there() -> None:
    with LivePage("clip.mp4, heatmap", host="127.0.0.1") as page:
        connection = http.client.HTTPConnection(urlsplit(page.address).netloc, timeout=HUNG_S)
        connection.request("GET", "/")
        answer = connection.getresponse()
        body = answer.read().decode()
        assert 'src="/pictures"' in body
        assert "clip.mp4, heatmap" in body
        connection.request("GET", "/etc/passwd")
        assert connection.getresponse().status == 404
        connection.close()


def test_a_port_in_use_is_said() -> None:
    with LivePage("one", host="127.0.0.1") as page:
        port = urlsplit(page.address).port
        with pytest.raises(ViewerError, match=f"cannot listen on 127.0.0.1:{port}: .*; choose another --port"):
            LivePage("two", host="127.0.0.1", port=port)


def test_whoever_waits_is_let_go_at_the_end() -> None:
    page = LivePage("a test", host="127.0.0.1")
    seen: list[object] = []
    with page:
        waiting = threading.Thread(target=lambda: seen.append(page.next(0)))
        waiting.start()
    waiting.join(20)
    assert seen == [None]
