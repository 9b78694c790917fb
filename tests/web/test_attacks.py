"""What strangers may try on the page's server, without a browser."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import HUNG_S, skip_module_without, wait_until
from live_server import Guest, page_app, serving

skip_module_without("gradio", "the extra 'web' is not installed")

from depth3d.web import connections  # noqa: E402
from depth3d.web.allowed_hosts import Hosts  # noqa: E402
from depth3d.web.api_calls import LARGEST_CALL_BYTES, RefusedError, parsed_call  # noqa: E402
from depth3d.web.cookies import EVENTS_PER_VISITOR, PAGES_PER_VISITOR, Visitors  # noqa: E402

# Gradio counts its requests with calls that pandas 3 is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")

FILE = {"path": "/dev/zero", "meta": {"_type": "gradio.FileData"}}


@dataclass
class Server:
    """The page's server in this process; connections are closed that do nothing for a second."""

    port: int
    folder: Path

    @property
    def connections(self) -> int:
        """How many are open, as the kernel lists them."""
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(row[1].endswith(f":{self.port:04X}") and row[3] == "01" for row in rows)

    def copies(self) -> list[Path]:
        return [path for path in (self.folder / "gradio").rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", "")
        patch.setattr(connections, "IDLE_SECONDS", 1.0)
        patch.setattr(connections, "_LOOK_EVERY_SECONDS", 0.2)
        with serving(page_app(folder, megabytes=2, megapixels=3)) as port:
            yield Server(port, folder)


def test_no_function_of_the_page_takes_a_file(server: Server) -> None:
    guest = Guest(server.port, "afile")
    functions = guest.functions()
    assert len(functions) > 20
    for function in functions:
        for data in ([FILE], [{"url": "http://127.0.0.1:1/"}], [[FILE]]):
            assert guest.call(function["id"], data=data).status == 400
        assert guest.call(function["id"], event_data={"pixels": [FILE]}).status == 400
    assert server.copies() == []
    assert guest.ask("/config").status == 200, "the server still answers"


def test_who_has_not_opened_the_page_queues_nothing(server: Server) -> None:
    stranger = Guest(server.port, "stranger", anonymous=True)
    assert stranger.call(0).status == 403
    assert stranger.ask("/gradio_api/queue/data?session_hash=stranger").status == 403
    for cookie in ("guessed", "a.b", "ä.ö", f"{'x' * 32}.{'0' * 32}"):
        stranger.cookie = f"depth3d_visitor={cookie}".encode().decode("latin-1")
        assert stranger.call(0).status == 403


def test_gradios_own_check_is_on_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", "")
    secret = tmp_path / "secret.txt"
    secret.write_text("nobody's business")
    gate = page_app(tmp_path / "site")
    with serving(gate._inside) as port:  # type: ignore[attr-defined]
        guest = Guest(port, "inside", anonymous=True)
        move = next(f for f in guest.functions() if len(f["inputs"]) == 2)
        file = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
        assert guest.call(move["id"], data=[file, 0]).status == 200
        assert guest.outcome()["success"] is False
    assert [path for path in (tmp_path / "site" / "gradio").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "call",
    [
        b'{"data": [], "data": [{"path": "/etc/shadow"}]}',
        b'{"event_data": {"path": "/etc/shadow"}, "event_data": 1}',
        b'{"data": [{"\\u0070ath": "/etc/shadow"}]}',
        b'{"data": [{"deep": {"_type": "gradio.FileData"}}]}',
        b'{"data": [{}]}',
        b'{"data": {"0": 1}}',
        b'{"data": ["' + b"x" * 2000 + b'"]}',
        b'{"data": [NaN]}',
        b'{"data": [1e999]}',
        b'{"event_data": []}',
        b'{"event_data": "x"}',
        b'{"event_data": {"index": 1' + b"0" * 400 + b"}}",
        b"[" * 50_000,
        b'{"event_data": ' + b"[" * 500 + b"]" * 500 + b"}",
        b'{"data": [' + b"9" * 5000 + b"]}",
        '{"data": [{"path": "/etc/shadow"}]}'.encode("utf-16"),
        b"[]",
        b"",
    ],
)
def test_what_is_no_call_of_this_page_is_refused(call: bytes) -> None:
    with pytest.raises(RefusedError):
        parsed_call(call)


def test_what_the_page_sends_passes_unchanged() -> None:
    call = {
        "data": ["orbit", 2.5, None, True],
        "event_data": {"pixels": [[1.5, 2], [3, 4]], "length": "2.4 m"},
        "fn_index": 3,
        "trigger_id": 2,
        "session_hash": "abc",
    }
    assert parsed_call(json.dumps(call | {"username": "root"}).encode()) == call


def test_a_large_call_is_not_read_to_its_end(server: Server) -> None:
    guest = Guest(server.port, "large")
    with socket.create_connection(("127.0.0.1", server.port), timeout=HUNG_S) as line:
        line.sendall(
            f"POST /gradio_api/queue/join HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {guest.cookie}\r\n"
            "Content-Length: 200000000\r\n\r\n".encode()
            + b"x" * (LARGEST_CALL_BYTES + 1000)
        )
        assert line.recv(100).startswith(b"HTTP/1.1 413")


def test_clicks_that_wait_are_counted_for_each_visitor(server: Server) -> None:
    greedy, other = Guest(server.port, "greedy0"), Guest(server.port, "modest")
    function = next(f["id"] for f in greedy.functions() if any(target[1] == "measure" for target in f["targets"]))
    codes = []
    for number in range(EVENTS_PER_VISITOR + 8):
        greedy.page = f"greedy{number % 3}"
        codes.append(greedy.call(function).status)
    assert codes == [200] * EVENTS_PER_VISITOR + [429] * 8
    assert other.call(function).status == 200


def test_a_page_belongs_to_the_browser_that_opened_it(server: Server) -> None:
    owner, thief = Guest(server.port, "mine"), Guest(server.port, "mine")
    token = owner.open()
    (folder,) = server.folder.glob(f"session-{token}")
    assert thief.ask("/gradio_api/queue/data?session_hash=mine").status == 403
    assert thief.ask("/gradio_api/heartbeat/mine").status == 403
    assert thief.call(0).status == 403
    cancel = json.dumps({"session_hash": "mine", "fn_index": 0, "event_id": "x"}).encode()
    assert thief.ask("/gradio_api/cancel", cancel).status == 403
    assert thief.ask(f"/session/{token}/photo?example=room", b"").status == 404
    assert folder.is_dir()
    assert owner.ask(f"/session/{token}/photo?example=room", b"").status == 200


def test_other_names_and_other_sites_are_refused(server: Server) -> None:
    guest = Guest(server.port, "names")
    for host in ("localhost", "127.0.0.1:1", "[::1]:80", "192.0.2.7", socket.gethostname()):
        assert guest.ask("/config", Host=host).status == 200
    for host in ("evil.example", "127.0.0.1.evil.example", "", "localhost.evil.example:80", "[::1", "a b"):
        assert guest.ask("/config", Host=host).status == 421
    assert guest.call(0, Origin="http://evil.example").status == 403
    assert guest.call(0, Origin="null").status == 403
    assert guest.call(0, Origin=f"http://127.0.0.1:{server.port}").status == 200


def test_names_can_be_allowed() -> None:
    hosts = Hosts(["Photos.Example.org"])
    assert hosts.answers_to("photos.example.org:8080")
    assert not hosts.answers_to("example.org")
    assert hosts.may_post("https://photos.example.org", "127.0.0.1:7860")
    assert not hosts.may_post("https://localhost", "127.0.0.1:7860")


def test_a_visitor_has_so_many_pages() -> None:
    waiting = {"p0": 1}
    forgotten: list[str] = []
    visitors = Visitors(lambda page: waiting.get(page, 0), forgotten.append)
    cookie = visitors.new_cookie()
    assert visitors.known(cookie)
    assert all(visitors.owns(cookie, f"p{number}") for number in range(PAGES_PER_VISITOR + 1))
    assert forgotten == ["p1"], "the first one that has nothing in the queue"
    waiting.update({f"p{number}": 1 for number in range(PAGES_PER_VISITOR + 1)})
    assert not visitors.owns(cookie, "one more")
    assert not visitors.owns(visitors.new_cookie(), "p0")


def test_a_request_that_does_not_go_on_is_closed(server: Server) -> None:
    beginnings = [b"", b"GET / HT", b"POST /gradio_api/queue/join HTTP/1.1\r\nHost: localhost\r\n"]
    lines = [socket.create_connection(("127.0.0.1", server.port), timeout=HUNG_S) for _ in beginnings]
    for line, beginning in zip(lines, beginnings, strict=True):
        line.sendall(beginning)
    for line in lines:
        assert line.recv(100) == b""
        line.close()


def test_one_too_many_closes_the_idlest(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    guest = Guest(server.port, "crowd")
    wait_until(lambda: server.connections == 0, "those of the tests before never went")
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 5)
    monkeypatch.setattr(connections, "IDLE_SECONDS", HUNG_S)
    lines = [socket.create_connection(("127.0.0.1", server.port), timeout=HUNG_S) for _ in range(5)]
    assert guest.ask("/config").status == 200
    assert lines[0].recv(1) == b""
    for line in lines:
        line.close()


@pytest.mark.parametrize(
    "said", [{}, {"pixels": "ab"}, {"pixels": [[1]]}, {"pixels": [["a", "b"]], "letter": {}, "index": "0"}]
)
def test_whatever_a_click_says_is_an_error_in_words(said: dict[str, object], tmp_path: Path) -> None:
    import gradio as gr

    import depth3d as d3
    from depth3d.web.limits import Limits
    from depth3d.web.page import Clicks
    from depth3d.web.sessions import Sessions

    sessions = Sessions(tmp_path / "sessions", limits=Limits(), options=d3.Options())
    request = SimpleNamespace(session_hash="page", cookies={"depth3d_visitor": "owner"})
    clicks = Clicks(sessions)
    clicks.open(request)  # type: ignore[arg-type]
    event = gr.EventData(None, said)
    for click in (clicks.mark, clicks.measure, clicks.unmark):
        with pytest.raises(gr.Error, match=r"click again|there is no photo yet"):
            click(event, request)  # type: ignore[arg-type]
    assert clicks.unmeasure(event, request)["spans"] == []  # type: ignore[arg-type]
    for odd in ("x", "1e999x", "--1"):
        with pytest.raises(gr.Error, match="is not a number"):
            clicks.state_fov(odd, request)  # type: ignore[arg-type]
