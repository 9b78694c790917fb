"""Who a browser is: a cookie that this server has signed, and which open pages are whose."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.cookies import CookieError, SimpleCookie

COOKIE = "depth3d_visitor"

PAGES_PER_VISITOR = 8
"""Open pages of one browser that are told apart; beyond that, the first that has nothing in the queue is forgotten."""

EVENTS_PER_VISITOR = 12
"""Clicks of one browser that may wait; the page itself sends the next when the last is done."""

STREAMS_PER_VISITOR = 2 * PAGES_PER_VISITOR
"""Connections of one browser that stay open: each page has one for events and one to say that it is still open."""

_PAGES = 2000
_DIGEST_CHARACTERS = 32


class Visitors:
    """Cookies, and the pages that were opened with each.

    Args:
        waiting: how many events of a page are in the queue.
        forget: called with a page that is not remembered any more.
    """

    def __init__(self, waiting: Callable[[str], int], forget: Callable[[str], None]) -> None:
        self._waiting = waiting
        self._forget = forget
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._owner_of_page: OrderedDict[str, str] = OrderedDict()
        self._streams: Counter[str] = Counter()

    def new_cookie(self) -> str:
        """A cookie for a browser that has none; nothing is stored."""
        name = secrets.token_urlsafe(24)
        return f"{name}.{self._digest(name)}"

    def known(self, cookie: str) -> bool:
        """Whether this server gave out a cookie since it was started."""
        name, dot, digest = cookie.rpartition(".")
        return bool(dot) and hmac.compare_digest(digest.encode(), self._digest(name).encode())

    def owns(self, visitor: str, page: str) -> bool:
        """Whether a page is this visitor's; the first who names a page has it, and a visitor has so many only."""
        with self._lock:
            owner = self._owner_of_page.setdefault(page, visitor)
            self._owner_of_page.move_to_end(page)
            if owner == visitor and self._count(visitor) > PAGES_PER_VISITOR and not self._drop_page_of(visitor, page):
                del self._owner_of_page[page]
                return False
            while len(self._owner_of_page) > _PAGES:
                self._forget(self._owner_of_page.popitem(last=False)[0])
            return owner == visitor

    def may_queue(self, visitor: str) -> bool:
        """Whether one more event of this visitor may wait."""
        with self._lock:
            pages = [page for page, owner in self._owner_of_page.items() if owner == visitor]
        return sum(map(self._waiting, pages)) < EVENTS_PER_VISITOR

    @contextmanager
    def stream(self, visitor: str) -> Iterator[bool]:
        """Count a connection that stays open; gives whether there may be one more."""
        allowed = self._streams[visitor] < STREAMS_PER_VISITOR
        self._streams[visitor] += allowed
        try:
            yield allowed
        finally:
            self._streams[visitor] -= allowed
            if not self._streams[visitor]:
                del self._streams[visitor]

    def _count(self, visitor: str) -> int:
        return sum(owner == visitor for owner in self._owner_of_page.values())

    def _drop_page_of(self, visitor: str, newest: str) -> bool:
        for page, owner in self._owner_of_page.items():
            if owner == visitor and page != newest and not self._waiting(page):
                del self._owner_of_page[page]
                self._forget(page)
                return True
        return False

    def _digest(self, name: str) -> str:
        return hmac.new(self._key, name.encode(), hashlib.sha256).hexdigest()[:_DIGEST_CHARACTERS]


def cookie_in(headers: list[tuple[bytes, bytes]]) -> str:
    """What a browser says in its cookie; empty where it has been told nothing yet."""
    for name, value in headers:
        if name == b"cookie":
            try:
                cookie = SimpleCookie(value.decode("latin-1")).get(COOKIE)
            except CookieError:
                return ""
            return cookie.value if cookie and cookie.value.isascii() else ""
    return ""
