"""Photos on their way in: one for each page, few in all, and none that hardly moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from depth3d.core.errors import PhotoError
from depth3d.web.limits import Limits
from depth3d.web.session_files import not_kept

MOST_UPLOADS = 16
"""Photos on their way at one time; for one more, the slowest that has had its time of grace is broken off."""

GRACE_SECONDS = 10.0
"""How long a photo may take before its speed counts."""

SLOWEST_BYTES_PER_SECOND = 8_000


class UploadStoppedError(PhotoError):
    """A photo is not received to its end.

    Attributes:
        status: of the answer, as HTTP has it.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(slots=True, eq=False)
class _Upload:
    begun: float
    received: int = 0
    deadline: asyncio.Timeout = field(default_factory=lambda: asyncio.timeout(GRACE_SECONDS))
    stopped: UploadStoppedError | None = None

    def speed(self, now: float) -> float:
        return self.received / max(now - self.begun, 1e-3)

    def stop(self, error: UploadStoppedError) -> None:
        if self.stopped is None:
            self.stopped = error
            self.deadline.reschedule(0)


class Uploads:
    """Those of one server; used in its event loop only.

    Args:
        limits: how large a photo may be.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._running: dict[str, _Upload] = {}

    def __len__(self) -> int:
        return len(self._running)

    async def receive(self, page: str, chunks: AsyncIterator[bytes], path: Path) -> None:
        """Write a photo into a file as it comes.

        Args:
            page: whose it is; one that is on its way already is broken off.
            chunks: its bytes.
            path: the file.

        Raises:
            TooLargeError: it has more bytes than allowed.
            UploadStoppedError: it hardly moves, another came for the same page, or there are too many.
            OutputError: the server's disk is full, or fails.
        """
        loop = asyncio.get_running_loop()
        with self._place(page, loop.time()) as upload:
            try:
                async with upload.deadline:
                    with path.open("wb") as file:
                        async for chunk in chunks:
                            upload.received += len(chunk)
                            self._limits.check_bytes(upload.received)
                            file.write(chunk)
                            allowed = GRACE_SECONDS + upload.received / SLOWEST_BYTES_PER_SECOND
                            upload.deadline.reschedule(0 if upload.stopped else upload.begun + allowed)
            except TimeoutError:
                raise upload.stopped or _too_slow() from None
            except OSError as error:
                raise not_kept(error) from None

    @contextmanager
    def _place(self, page: str, now: float) -> Iterator[_Upload]:
        if page in self._running:
            self._running.pop(page).stop(UploadStoppedError(409, "another photo came for the same page"))
        elif len(self._running) >= MOST_UPLOADS:
            self._break_off_slowest(now)
        upload = self._running[page] = _Upload(now)
        try:
            yield upload
        finally:
            if self._running.get(page) is upload:
                del self._running[page]

    def _break_off_slowest(self, now: float) -> None:
        others = {page: upload for page, upload in self._running.items() if now - upload.begun > GRACE_SECONDS / 2}
        if not others:
            raise UploadStoppedError(503, "many photos are coming in at once; try again in a moment")
        slowest = min(others, key=lambda page: others[page].speed(now))
        self._running.pop(slowest).stop(_too_slow())


def _too_slow() -> UploadStoppedError:
    speed = SLOWEST_BYTES_PER_SECOND // 1000
    return UploadStoppedError(408, f"the photo comes at less than {speed} kB/s; try again")
