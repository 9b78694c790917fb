"""Every session of one server: who may use which, and how they go away."""

from __future__ import annotations

import secrets
import threading
import time
from pathlib import Path

from depth3d.core.errors import UsageError
from depth3d.scenes.options import Options
from depth3d.web.limits import Limits
from depth3d.web.session import Session
from depth3d.web.session_files import make_folder

IDLE_SECONDS = 1800.0
"""Nobody's work is thrown away for others before it has been left alone for this long."""

SESSIONS_PER_VISITOR = 4
"""Open pages of one browser that have a session; one more, and its own that was idle for longest is cleared away."""

_EMPTY_PER_WORKING = 10


class ServerFullError(UsageError):
    """Others are using all that this server has."""


class Sessions:
    """The sessions of all open pages.

    Attributes:
        limits: what may be brought to them.
    """

    def __init__(self, folder: Path, *, limits: Limits, options: Options) -> None:
        make_folder(folder)
        self.limits = limits
        self._folder = folder
        self._options = options
        self._lock = threading.Lock()
        self._session_of_page: dict[str, Session] = {}

    def open(self, page: str, owner: str) -> Session:
        """A fresh session for a page; what makes room for it is the owner's own, or has no photo in it.

        Raises:
            UsageError: the page is another browser's.
            ServerFullError: there are too many, and all have photos.
        """
        with self._lock:
            before = self._session_of_page.get(page)
            if before is not None and before.owner != owner:
                raise UsageError("this page belongs to another browser; reload it")
            gone = [page] if before is not None else self._room_for_page(owner)
            cleared = [self._session_of_page.pop(one) for one in gone]
            token = secrets.token_urlsafe(16)
            session = Session(token=token, owner=owner, folder=self._folder / f"session-{token}", options=self._options)
            self._session_of_page[page] = session
        for one in cleared:
            one.delete()
        return session

    def admit(self, session: Session) -> None:
        """Let a photo into a session; where as many have one as may, the one idle for longest is cleared away.

        Raises:
            ServerFullError: none of them has been idle for long.
        """
        with self._lock:
            if session.has_photo:
                return
            working = {page: one for page, one in self._session_of_page.items() if one.has_photo}
            cleared = None
            if len(working) >= self.limits.visitors:
                idlest = min(working, key=lambda page: working[page].last_used)
                if time.monotonic() - working[idlest].last_used < IDLE_SECONDS:
                    raise ServerFullError(f"{len(working)} others are at work here; try again in a few minutes")
                cleared = self._session_of_page.pop(idlest)
            session.has_photo = True
            session.last_used = time.monotonic()
        if cleared is not None:
            cleared.delete()

    def of_page(self, page: str, owner: str) -> Session:
        """The session of a page.

        Raises:
            UsageError: it has been cleared away, or belongs to another browser.
        """
        session = self._session_of_page.get(page)
        if session is None or session.owner != owner:
            raise UsageError("this page has been left alone for too long and was cleared away; reload it")
        return session

    def of_token(self, token: str, owner: str) -> Session | None:
        """The session in an address, if it belongs to this browser."""
        with self._lock:
            sessions = list(self._session_of_page.values())
        return next((one for one in sessions if one.token == token and one.owner == owner), None)

    def close(self, page: str, owner: str) -> None:
        """Clear a page's session away; without one, or if it is another browser's, nothing happens."""
        with self._lock:
            session = self._session_of_page.get(page)
            if session is None or session.owner != owner:
                return
            del self._session_of_page[page]
        session.delete()

    def __len__(self) -> int:
        return len(self._session_of_page)

    def _room_for_page(self, owner: str) -> list[str]:
        """Pages whose sessions make room for one more of an owner."""
        own = [page for page, session in self._session_of_page.items() if session.owner == owner]
        if len(own) >= SESSIONS_PER_VISITOR:
            return [min(own, key=self._worth)]
        if len(self._session_of_page) < (1 + _EMPTY_PER_WORKING) * self.limits.visitors:
            return []
        least = min(self._session_of_page, key=self._worth)
        if self._session_of_page[least].has_photo:
            raise ServerFullError("too many pages are open here; try again in a few minutes")
        return [least]

    def _worth(self, page: str) -> tuple[bool, float]:
        session = self._session_of_page[page]
        return session.has_photo, session.last_used
