"""Connections that cost nothing once they do nothing: uvicorn's, with a limit to their number and to their idleness.

uvicorn waits for ever for a request that has begun and does not go on, and for a reader who does not read.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS = 400
"""Open at one time; for one more, the one that has been idle for longest is closed, else the new one."""

IDLE_SECONDS = 15.0
"""A connection on which nothing is being answered is closed after this, whatever trickles in."""

UNREAD_SECONDS = 60.0
"""An answer of which the other side has taken nothing for this long is broken off."""

MOST_AT_ONCE = 64
"""Accepted before the first of them is looked at."""

_LOOK_EVERY_SECONDS = 5.0


class BoundedConnection(H11Protocol):
    """One connection."""

    _looking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, or be closed at once where there are too many."""
        super().connection_made(transport)
        self._idle_since = self._last_read = self.loop.time()
        self._unread = 0
        if len(self.connections) > MOST_CONNECTIONS and not self._make_room():
            self.connections.discard(self)
            transport.abort()
            return
        self._looking = self.loop.call_later(_LOOK_EVERY_SECONDS, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        if self._looking is not None:
            self._looking.cancel()
        super().connection_lost(exc)

    @property
    def is_answering(self) -> bool:
        """Whether a whole request head has come and its answer is not complete."""
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    def _look(self) -> None:
        """Close the connection where nothing happens any more."""
        now = self.loop.time()
        unread = self.transport.get_write_buffer_size()
        if unread == 0 or unread < self._unread or not self._unread:
            self._last_read = now
        self._unread = unread
        if self.is_answering:
            self._idle_since = now
        if now - self._idle_since > IDLE_SECONDS or now - self._last_read > UNREAD_SECONDS:
            self.transport.abort()
            return
        self._looking = self.loop.call_later(_LOOK_EVERY_SECONDS, self._look)

    def _make_room(self) -> bool:
        idle = [one for one in self.connections if isinstance(one, BoundedConnection) and one is not self]
        idle = [one for one in idle if not one.is_answering]
        if not idle:
            return False
        longest = min(idle, key=lambda one: one._idle_since)
        self.connections.discard(longest)
        longest.transport.abort()
        return True
