from __future__ import annotations

import hashlib
import socket
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from conftest import HUNG_S
from without_root import as_ordinary_user

from depth3d.core.errors import UsageError, WeightsError
from depth3d.predictors import download as download_module
from depth3d.predictors import load_predictor
from depth3d.predictors import weights as weights_module
from depth3d.predictors.weights import (
    OFFICIAL_WEIGHTS,
    bundled_weights,
    cache_folder,
    chosen_weights_file,
    examine_weights,
    fetch_weights,
    find_weights,
    verify_weights,
)

PAYLOAD = bytes(range(256)) * 8192  # 2 MiB
DIGEST = hashlib.sha256(PAYLOAD).hexdigest()


@dataclass
class Release:
    """A server of one file that can misbehave."""

    payload: bytes = PAYLOAD
    understands_range: bool = True
    breaks_after: list[int] = field(default_factory=list)
    status: int = 200
    redirects: bool = False
    ranges: list[str | None] = field(default_factory=list)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        if self.redirects and request.path == "/file.pt":
            request.send_response(302)
            request.send_header("Location", "/elsewhere?signed=1")
            request.end_headers()
            return
        wanted = request.headers.get("Range")
        self.ranges.append(wanted)
        if self.status != 200:
            request.send_error(self.status)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.understands_range else 0
        if start >= len(self.payload):
            request.send_error(416)
            return
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(self.payload) - 1}/{len(self.payload)}")
        request.send_header("Content-Length", str(len(self.payload) - start))
        request.end_headers()
        body = self.payload[start:]
        request.wfile.write(body[: self.breaks_after.pop(0)] if self.breaks_after else body)


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> Iterator[Release]:
    """Serve the official file of midas_small, a short one, on this machine."""
    served = Release()
    monkeypatch.setattr(download_module, "_OPEN_WITHIN_S", HUNG_S)  # this server may be slow, but it is there

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}/file.pt"
    official = replace(OFFICIAL_WEIGHTS["midas_small"], url=url, sha256=DIGEST)
    monkeypatch.setitem(OFFICIAL_WEIGHTS, "midas_small", official)
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user who has nothing yet, and no proxy."""
    monkeypatch.setenv("DEPTH3D_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("no_proxy", "*")
    for name in ("DEPTH3D_WEIGHTS", "DEPTH3D_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache" / "weights"


@pytest.fixture
def part(cache: Path) -> Path:
    cache.mkdir(parents=True)
    return cache / "midas_v21_small_256.pt.part"


def put_in_torch_hub(data: bytes, name: str = "midas_v21_small_256.pt") -> Path:
    import os

    path = Path(os.environ["TORCH_HOME"]) / "hub" / "checkpoints" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_the_official_files_are_pinned() -> None:
    small, large = OFFICIAL_WEIGHTS["midas_small"], OFFICIAL_WEIGHTS["midas_large"]
    assert small.url == "https://github.com/isl-org/MiDaS/releases/download/v2_1/midas_v21_small_256.pt"
    assert small.sha256 == "70d6b9c891758c67f974a6097fb0c608c7ee67fb81ac3e5588847d5596d56fca"
    assert small.hash_fully_known
    assert large.url.endswith("/v2_1/midas_v21_384.pt")
    assert large.sha256 == "f6b98070"
    assert not large.hash_fully_known


def test_fetching_downloads_once_and_tells_how_far_it_is(release: Release, cache: Path) -> None:
    told: list[tuple[int, int | None]] = []
    found = fetch_weights("midas_small", progress=lambda done, total: told.append((done, total)))
    assert found.path == cache / "midas_v21_small_256.pt"
    assert found.path.read_bytes() == PAYLOAD
    assert (found.origin, found.sha256) == ("cache", DIGEST)
    assert len(told) > 1
    assert told == sorted(told)
    assert told[-1] == (len(PAYLOAD), len(PAYLOAD))
    assert fetch_weights("midas_small") == found == find_weights("midas_small") == verify_weights("midas_small")
    assert release.ranges == [None]
    assert [path.name for path in cache.iterdir()] == ["midas_v21_small_256.pt"]


@pytest.mark.parametrize("redirects", [False, True])
def test_a_partial_file_is_continued(release: Release, part: Path, redirects: bool) -> None:
    release.redirects = redirects
    part.write_bytes(PAYLOAD[:1_000_000])
    told: list[int] = []
    assert fetch_weights("midas_small", progress=lambda done, _: told.append(done)).path.read_bytes() == PAYLOAD
    assert release.ranges == ["bytes=1000000-"]
    assert min(told) > 1_000_000
    assert not part.exists()


def test_a_server_that_cannot_continue_starts_over(release: Release, part: Path) -> None:
    release.understands_range = False
    part.write_bytes(b"something else entirely")
    assert fetch_weights("midas_small").path.read_bytes() == PAYLOAD


def test_a_partial_file_that_is_complete_is_taken(release: Release, part: Path) -> None:
    part.write_bytes(PAYLOAD)
    assert fetch_weights("midas_small").path.read_bytes() == PAYLOAD
    assert release.ranges == [f"bytes={len(PAYLOAD)}-"]


def test_a_broken_connection_is_taken_up_again(release: Release) -> None:
    release.breaks_after = [700_000, 300_000]
    assert fetch_weights("midas_small").path.read_bytes() == PAYLOAD
    assert release.ranges == [None, "bytes=700000-", "bytes=1000000-"]


def test_what_arrived_before_giving_up_is_kept_for_the_next_run(release: Release, part: Path) -> None:
    release.breaks_after = [100_000] * 5
    with pytest.raises(WeightsError, match="run again to resume"):
        fetch_weights("midas_small")
    assert part.read_bytes() == PAYLOAD[:500_000]
    assert fetch_weights("midas_small").path.read_bytes() == PAYLOAD
    assert release.ranges[-1] == "bytes=500000-"


def test_ctrl_c_keeps_what_arrived(release: Release, part: Path) -> None:
    def interrupt(done: int, _: int | None) -> None:
        if done > 1_000_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_weights("midas_small", progress=interrupt)
    assert 1_000_000 < part.stat().st_size < len(PAYLOAD)
    assert fetch_weights("midas_small").path.read_bytes() == PAYLOAD


def test_another_file_than_the_official_is_removed(release: Release, cache: Path) -> None:
    release.payload = PAYLOAD[:-1] + b"!"
    with pytest.raises(WeightsError, match=f"expected {DIGEST}"):
        fetch_weights("midas_small")
    assert list(cache.iterdir()) == []


def test_a_spoilt_partial_file_is_removed_so_that_the_next_run_succeeds(release: Release, part: Path) -> None:
    part.write_bytes(b"spoilt")
    with pytest.raises(WeightsError, match="run again"):
        fetch_weights("midas_small")
    assert fetch_weights("midas_small").path.read_bytes() == PAYLOAD


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_a_refusing_server_is_quoted(release: Release, status: int) -> None:
    release.status = status
    with pytest.raises(WeightsError, match=f"answers {status}") as caught:
        fetch_weights("midas_small")
    assert "\n" not in str(caught.value)


def test_offline_is_said_at_once_with_the_remedy(release: Release, cache: Path, monkeypatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/file.pt"
    official = replace(OFFICIAL_WEIGHTS["midas_small"], url=url)
    monkeypatch.setitem(OFFICIAL_WEIGHTS, "midas_small", official)
    tried: list[int] = []
    connect = download_module._open
    monkeypatch.setattr(download_module, "_open", lambda url, have: tried.append(have) or connect(url, have))
    with pytest.raises(WeightsError) as caught:
        fetch_weights("midas_small")
    assert tried == [0]
    line = str(caught.value)
    assert "\n" not in line
    assert f"put midas_v21_small_256.pt from {url} into {cache}" in line
    assert "--weights" in line
    assert list(cache.iterdir()) == []


def test_silence_is_not_waited_for(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert download_module._OPEN_WITHIN_S < 5
    monkeypatch.setattr(download_module, "_OPEN_WITHIN_S", 0.2)
    monkeypatch.setattr(download_module, "_SILENCE_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/file.pt"
        monkeypatch.setitem(OFFICIAL_WEIGHTS, "midas_small", replace(OFFICIAL_WEIGHTS["midas_small"], url=url))
        with pytest.raises(WeightsError, match=r"no answer from 127.0.0.1:\d+ within 0.2 s"):
            fetch_weights("midas_small")


def test_a_resolver_that_hangs_is_not_waited_for(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def hang(*_: object, **__: object) -> None:
        released.wait(HUNG_S)
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(download_module, "_OPEN_WITHIN_S", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with pytest.raises(WeightsError, match="no answer from github.com"):
        fetch_weights("midas_small")
    released.set()


def test_fetching_can_be_forbidden(release: Release, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPTH3D_OFFLINE", "1")
    with pytest.raises(WeightsError, match="DEPTH3D_OFFLINE"):
        fetch_weights("midas_small")
    assert release.ranges == []
    monkeypatch.delenv("DEPTH3D_OFFLINE")
    fetch_weights("midas_small")
    monkeypatch.setenv("DEPTH3D_OFFLINE", "1")
    assert fetch_weights("midas_small").origin == "cache"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_said_and_leaves_nothing(release: Release, part: Path) -> None:
    part.symlink_to("/dev/full")
    with pytest.raises(WeightsError, match="No space left on device; make room or set DEPTH3D_CACHE"):
        fetch_weights("midas_small")
    assert list(part.parent.iterdir()) == []


def test_a_cache_that_cannot_be_made_is_said(release: Release, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(WeightsError, match="set DEPTH3D_CACHE to another folder"):
        fetch_weights("midas_small")
    assert release.ranges == []


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
@pytest.mark.parametrize("mode", [0o000, 0o444])
def test_a_cache_that_cannot_be_read_is_no_cache(cache: Path, release: Release, mode: int) -> None:
    cache.mkdir(parents=True)
    (cache / OFFICIAL_WEIGHTS["midas_small"].file).write_bytes(PAYLOAD)
    assert find_weights("midas_small") is not None
    cache.chmod(mode)
    try:
        with as_ordinary_user():
            assert find_weights("midas_small") is None
            assert load_predictor("auto", runtime="torch").origin.startswith("bundled weights")
            with pytest.raises(WeightsError, match=r"cannot write .*: Permission denied; .* set DEPTH3D_CACHE"):
                fetch_weights("midas_small")
    finally:
        cache.chmod(0o700)
    assert release.ranges == []


@pytest.mark.skipif(sys.platform == "win32", reason="uses POSIX locks")
def test_two_processes_do_not_write_the_same_file(release: Release, part: Path) -> None:
    import fcntl

    with part.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(WeightsError, match="another process is downloading"):
            fetch_weights("midas_small")
    assert fetch_weights("midas_small").path.read_bytes() == PAYLOAD


@pytest.mark.parametrize("name", ["midas_v21_small_256.pt", "midas_v21_small-70d6b9c8.pt"])
def test_torch_hubs_copy_is_used_if_it_is_the_right_one(release: Release, name: str) -> None:
    copy = put_in_torch_hub(PAYLOAD, name)
    found = fetch_weights("midas_small")
    assert (found.path, found.origin) == (copy, "torch hub")
    assert release.ranges == []


def test_torch_hubs_copy_is_passed_over_if_it_is_not(release: Release, cache: Path) -> None:
    put_in_torch_hub(PAYLOAD[:-1])
    assert find_weights("midas_small") is None
    assert fetch_weights("midas_small").path.parent == cache


def test_torch_hub_is_found_where_torch_finds_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import torch

    official = OFFICIAL_WEIGHTS["midas_small"]
    for variables in ({"TORCH_HOME": str(tmp_path / "a")}, {"XDG_CACHE_HOME": str(tmp_path / "b")}, {}):
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        path = Path(torch.hub.get_dir()) / "checkpoints" / official.file
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x")
        assert list(weights_module._torch_hub_files(official)) == [path]


def test_a_damaged_cache_is_named_and_replaced(release: Release, part: Path) -> None:
    cached = part.with_suffix("")
    cached.write_bytes(b"damaged")
    for look in (find_weights, verify_weights):
        with pytest.raises(WeightsError, match="is damaged.*depth3d weights fetch midas_small"):
            look("midas_small")
    assert fetch_weights("midas_small").path.read_bytes() == PAYLOAD
    assert find_weights("midas_small") is not None


def test_of_the_large_network_only_eight_digits_are_checked_and_it_is_said(release: Release, part: Path) -> None:
    large = replace(OFFICIAL_WEIGHTS["midas_large"], sha256=DIGEST[:8])
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(OFFICIAL_WEIGHTS, "midas_large", large)
        patch.setitem(OFFICIAL_WEIGHTS, "midas_small", replace(large, name="midas_small", sha256="0" * 64))
        (part.parent / "midas_v21_384.pt").write_bytes(PAYLOAD)
        assert "only these 8 digits of it are known" in verify_weights("midas_large").verdict


def test_files_are_verified_by_their_bytes(release: Release, tmp_path: Path) -> None:
    right, wrong = tmp_path / "right.pt", tmp_path / "wrong.pt"
    right.write_bytes(PAYLOAD)
    wrong.write_bytes(PAYLOAD[1:])
    assert "is the official one" in verify_weights(right).verdict
    with pytest.raises(WeightsError, match="is not that of an official file"):
        verify_weights(wrong)
    assert "not a file of the official release" in examine_weights(wrong).verdict
    wrong.write_bytes(PAYLOAD)
    assert "is the official one" in verify_weights(str(wrong)).verdict


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="fetch it: depth3d weights fetch midas_large"):
        verify_weights("midas_large")
    with pytest.raises(WeightsError, match="cannot read weights .*absent.pt"):
        examine_weights(tmp_path / "absent.pt")
    with pytest.raises(WeightsError, match="are no file"):
        examine_weights(tmp_path)
    with pytest.raises(UsageError, match="midas_small, midas_large"):
        fetch_weights("midas_huge")


def test_the_users_choice_of_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert chosen_weights_file(None) is None
    named = tmp_path / "named.pt"
    named.write_bytes(b"x")
    monkeypatch.setenv("DEPTH3D_WEIGHTS", str(named))
    assert chosen_weights_file(None) == named
    assert chosen_weights_file(Path("option.pt")) == Path("option.pt")
    monkeypatch.setenv("DEPTH3D_WEIGHTS", str(tmp_path / "absent.pt"))
    with pytest.raises(WeightsError, match="DEPTH3D_WEIGHTS names no file"):
        chosen_weights_file(None)


def _safetensors(path: Path, header: bytes) -> Path:
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    return path


def test_a_file_says_its_licence_and_where_its_encoder_is_from(tmp_path: Path) -> None:
    told = b'{"__metadata__": {"licence": "MIT", "encoder": "lite2", "depth3d.network": "{}"}}'
    found = examine_weights(_safetensors(tmp_path / "net.safetensors", told))
    assert found.licence == "MIT"
    assert found.notes == {"licence": "MIT", "encoder": "lite2"}


@pytest.mark.parametrize("header", [b"{}", b"[1]", b"{no json", b"", b'{"__metadata__": 3}'])
def test_files_that_say_nothing_have_no_licence(header: bytes, tmp_path: Path) -> None:
    assert examine_weights(_safetensors(tmp_path / "net.safetensors", header)).licence == "not stated"
    (tmp_path / "net.pt").write_bytes(b"PK\x03\x04" + bytes(300))
    assert examine_weights(tmp_path / "net.pt").notes == {}


def test_bundled_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(weights_module, "_BUNDLED", tmp_path)
    with pytest.raises(WeightsError, match="brings no bundled network"):
        bundled_weights()
    (tmp_path / "a.safetensors").write_bytes(PAYLOAD)
    assert (bundled_weights().origin, bundled_weights().sha256) == ("package", DIGEST)


def test_the_cache_is_the_platforms_unless_chosen(cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_folder() == cache
    monkeypatch.delenv("DEPTH3D_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder().name == "weights"
    if sys.platform.startswith("linux"):
        assert cache_folder() == tmp_path / "xdg" / "depth3d" / "weights"
