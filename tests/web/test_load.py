"""A crowd at the page's server: stalled uploads, slow connections, requests and visitors at one time.

What is asserted is what the server holds, not how long anything takes.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import HUNG_S, skip_module_without
from live_server import Guest

from depth3d.web.connections import MOST_AT_ONCE, MOST_CONNECTIONS
from depth3d.web.uploads import MOST_UPLOADS

skip_module_without("gradio", "the extra 'web' is not installed")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory and handles are read from /proc")

STALLED, SLOW, REQUESTS, VISITORS = 300, 200, 500, 60
PART = b"x" * 100_000
MOST_HANDLES = MOST_CONNECTIONS + 2 * MOST_AT_ONCE + MOST_UPLOADS + 50
MOST_GROWTH_MB = 200


class Process:
    """The server's process, and the most it has held."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.handles = self.megabytes = 0
        self._over = threading.Event()

    def look(self) -> tuple[int, int]:
        """Handles and resident megabytes now."""
        handles = len(list(Path(f"/proc/{self.pid}/fd").iterdir()))
        status = Path(f"/proc/{self.pid}/status").read_text()
        return handles, int(status.partition("VmRSS:")[2].split()[0]) // 1000

    @property
    def cpu_seconds(self) -> float:
        """Of the processor, since the process began."""
        user, system = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Remember the most while the block runs."""
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            handles, megabytes = self.look()
            self.handles, self.megabytes = max(self.handles, handles), max(self.megabytes, megabytes)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[int, Process]]:
    code = "from depth3d.cli import main; main()"
    options = ["serve", "--port", "0", "--predictor", "bundled"]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "HOME": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", code, *options], stderr=subprocess.PIPE, text=True, env=environment
    ) as server:
        assert server.stderr is not None
        said = server.stderr.readline()
        port = int(said.split("http://127.0.0.1:")[1].split("/")[0])
        threading.Thread(target=server.stderr.read, daemon=True).start()
        yield port, Process(server.pid)
        server.send_signal(signal.SIGINT)
        assert server.wait(HUNG_S) in (0, 130)
    assert list(tmp_path.glob("depth3d-*")) == []


def test_a_crowd_costs_little_and_others_are_served(served: tuple[int, Process]) -> None:
    port, process = served
    attacker, user = Guest(port, "attacker"), Guest(port, "user")
    token, own = attacker.open(), user.open()
    handles, megabytes = process.look()
    with process.watched():
        lines = [_stalled_upload(port, token, attacker.cookie) for _ in range(STALLED)]
        lines += [_slow_request(port) for _ in range(SLOW)]
        before = process.cpu_seconds
        with ThreadPoolExecutor(8) as pool:
            codes = Counter(pool.map(lambda _: user.ask("/config").status, range(REQUESTS)))
            opened = list(pool.map(lambda number: Guest(port, f"visitor{number}").open(), range(VISITORS)))
        each = (process.cpu_seconds - before) / (REQUESTS + VISITORS)
        assert user.ask(f"/session/{own}/photo?example=room", b"").status == 200
    print(f"handles {handles} -> {process.handles}, MB {megabytes} -> {process.megabytes}, {each * 1000:.1f} ms each")
    for line in lines:
        line.close()
    assert codes == {200: REQUESTS}
    assert len(set(opened)) == VISITORS
    assert process.handles < MOST_HANDLES
    assert process.megabytes - megabytes < MOST_GROWTH_MB


def _stalled_upload(port: int, token: str, cookie: str) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), timeout=HUNG_S)
    head = f"POST /session/{token}/photo?name=a.png HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n"
    line.sendall(head.encode() + b"Content-Length: 30000000\r\n\r\n" + PART)
    return line


def _slow_request(port: int) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), timeout=HUNG_S)
    line.sendall(b"GET / HTTP/1.1\r\nHost: 127")
    return line
