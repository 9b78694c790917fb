"""Whose work is kept, and how photos come in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import HUNG_S

import depth3d as d3
from depth3d.core.errors import UsageError
from depth3d.web import sessions as module
from depth3d.web import uploads
from depth3d.web.limits import Limits, TooLargeError
from depth3d.web.sessions import SESSIONS_PER_VISITOR, ServerFullError, Sessions
from depth3d.web.uploads import Uploads, UploadStoppedError


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(tmp_path / "sessions", limits=Limits(visitors=2), options=d3.Options())


def test_opened_pages_throw_out_nobodys_work(sessions: Sessions) -> None:
    working = sessions.open("work", "worker")
    sessions.admit(working)
    for number in range(100):
        sessions.open(f"page {number}", f"stranger {number}")
    assert sessions.of_page("work", "worker") is working
    assert working.files.folder.is_dir()
    assert len(sessions) == 22
    assert len(list(working.files.folder.parent.iterdir())) == 22


def test_one_visitor_has_so_many_sessions_and_loses_its_own(sessions: Sessions) -> None:
    first = sessions.open("first", "one")
    for number in range(SESSIONS_PER_VISITOR):
        sessions.open(f"page {number}", "one")
    assert len(sessions) == SESSIONS_PER_VISITOR
    assert not first.files.folder.exists()


def test_a_photo_waits_until_somebody_has_been_away_for_long(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (sessions.open(name, name) for name in ("first", "second", "third"))
    sessions.admit(first)
    sessions.admit(second)
    sessions.admit(first)
    with pytest.raises(ServerFullError, match="2 others are at work"):
        sessions.admit(third)
    first.last_used = second.last_used + 1
    monkeypatch.setattr(module, "IDLE_SECONDS", -1.0)
    sessions.admit(third)
    assert sessions.of_page("first", "first") is first
    with pytest.raises(UsageError, match="reload"):
        sessions.of_page("second", "second")
    assert not second.files.folder.exists()


def test_only_the_owner_closes_a_session_or_takes_its_page(sessions: Sessions) -> None:
    session = sessions.open("page", "owner")
    sessions.close("page", "somebody who knows the page's name")
    with pytest.raises(UsageError, match="another browser"):
        sessions.open("page", "somebody who knows the page's name")
    assert sessions.of_page("page", "owner") is session
    sessions.close("page", "owner")
    assert not session.files.folder.exists()


def _run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run in a thread: the browser's driver keeps an event loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, coroutine).result()


Chunks = Callable[[], AsyncIterator[bytes]]


async def _stalled() -> AsyncIterator[bytes]:
    yield b"beginning"
    await asyncio.Event().wait()


async def _trickling() -> AsyncIterator[bytes]:
    while True:
        yield b"x"
        await asyncio.sleep(0.01)


async def _quick() -> AsyncIterator[bytes]:
    for _ in range(10):
        yield b"x" * 100_000
        await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "GRACE_SECONDS", 0.2)


@pytest.mark.parametrize("chunks", [_stalled, _trickling])
def test_a_photo_that_hardly_moves_is_broken_off(chunks: Chunks, tmp_path: Path) -> None:
    running = Uploads(Limits())
    with pytest.raises(UploadStoppedError, match="less than 8 kB/s") as stopped:
        _run(running.receive("page", chunks(), tmp_path / "photo"))
    assert stopped.value.status == 408
    assert len(running) == 0


def test_a_photo_too_large_ends_at_the_limit(tmp_path: Path) -> None:
    with pytest.raises(TooLargeError):
        _run(Uploads(Limits(megabytes=0.5)).receive("page", _quick(), tmp_path / "photo"))
    assert (tmp_path / "photo").stat().st_size <= 500_000


def test_a_page_has_one_photo_on_its_way(tmp_path: Path) -> None:
    async def both() -> None:
        running = Uploads(Limits())
        first = asyncio.create_task(running.receive("page", _stalled(), tmp_path / "first"))
        await asyncio.sleep(0.01)
        await running.receive("page", _quick(), tmp_path / "second")
        with pytest.raises(UploadStoppedError, match="another photo") as stopped:
            await first
        assert stopped.value.status == 409
        assert len(running) == 0

    _run(both())
    assert (tmp_path / "second").stat().st_size == 1_000_000


def test_among_many_the_slowest_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "GRACE_SECONDS", 30.0)

    async def many() -> None:
        running = Uploads(Limits())
        stalled = [
            asyncio.create_task(running.receive(f"page {number}", _stalled(), tmp_path / f"{number}"))
            for number in range(uploads.MOST_UPLOADS)
        ]
        await asyncio.sleep(0.01)
        with pytest.raises(UploadStoppedError, match="many photos") as full:
            await running.receive("new", _quick(), tmp_path / "new")
        assert full.value.status == 503
        monkeypatch.setattr(uploads, "GRACE_SECONDS", 0.0)
        await running.receive("new", _quick(), tmp_path / "new")
        await asyncio.wait(stalled, timeout=HUNG_S, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0.1)
        assert len([task for task in stalled if task.done()]) == 1
        for task in stalled:
            task.cancel()
        await asyncio.gather(*stalled, return_exceptions=True)

    _run(many())
