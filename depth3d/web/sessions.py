"""Every desk of one server: who may use which, and how they go away."""

from __future__ import annotations

import secrets
import threading
from pathlib import Path

from depth3d.core.errors import UsageError
from depth3d.scenes.options import Options
from depth3d.web.limits import Limits
from depth3d.web.session import Desk


class Desks:
    """The desks of all open pages.

    Attributes:
        limits: what may be brought to them.
    """

    def __init__(self, folder: Path, *, limits: Limits, options: Options) -> None:
        folder.mkdir(exist_ok=True)
        self.limits = limits
        self._folder = folder
        self._options = options
        self._lock = threading.Lock()
        self._desk_of_page: dict[str, Desk] = {}

    def open(self, page: str, owner: str) -> Desk:
        """A fresh desk for a page; where there are too many, the one idle for longest is cleared away."""
        desk = Desk(
            token=(token := secrets.token_urlsafe(16)),
            owner=owner,
            folder=self._folder / f"desk-{token}",
            options=self._options,
        )
        with self._lock:
            gone = [self._desk_of_page.pop(page)] if page in self._desk_of_page else []
            if len(self._desk_of_page) >= self.limits.visitors:
                idlest = min(self._desk_of_page, key=lambda one: self._desk_of_page[one].last_used)
                gone.append(self._desk_of_page.pop(idlest))
            self._desk_of_page[page] = desk
        for one in gone:
            one.clear_away()
        return desk

    def of_page(self, page: str, owner: str) -> Desk:
        """The desk of a page.

        Raises:
            UsageError: it has been cleared away, or belongs to another browser.
        """
        desk = self._desk_of_page.get(page)
        if desk is None or not secrets.compare_digest(desk.owner, owner):
            raise UsageError("this page has been left alone for too long and was cleared away; reload it")
        return desk

    def of_token(self, token: str, owner: str) -> Desk | None:
        """The desk in an address, if it belongs to this browser."""
        with self._lock:
            found = [desk for desk in self._desk_of_page.values() if desk.token == token]
        return found[0] if found and secrets.compare_digest(found[0].owner, owner) else None

    def close(self, page: str) -> None:
        """Clear a page's desk away; without one nothing happens."""
        with self._lock:
            desk = self._desk_of_page.pop(page, None)
        if desk is not None:
            desk.clear_away()

    def __len__(self) -> int:
        return len(self._desk_of_page)
