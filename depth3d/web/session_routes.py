"""Our own few addresses: photos come in and files go out, for the browser whose session it is and for no other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from depth3d.core.errors import Depth3DError, OutputError
from depth3d.scenes.examples import EXAMPLES, example_camera, example_hints, example_photo
from depth3d.web.cookies import cookie_in
from depth3d.web.limits import TooLargeError
from depth3d.web.sessions import ServerFullError, Sessions
from depth3d.web.trial_decode import check_decodes
from depth3d.web.uploads import Uploads, UploadStoppedError

if TYPE_CHECKING:
    from depth3d.web.session import Session

_DECODED_AT_ONCE = 2
_TOO_LARGE, _NO_PHOTO, _FULL, _NO_DISK = 413, 415, 503, 507


class SessionRoutes:
    """What answers at those addresses.

    Args:
        sessions: all of the server's.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._uploads = Uploads(sessions.limits)
        self._placing: set[str] = set()
        self._decoding = asyncio.Semaphore(_DECODED_AT_ONCE)

    def routes(self) -> list[BaseRoute]:
        """The addresses."""
        return [
            Route("/session/{token}/photo", self.take_photo, methods=["POST"]),
            Route("/session/{token}/files/{name}", self.give_file),
            Route("/example/{name}.jpg", self.give_example),
        ]

    async def take_photo(self, request: Request) -> Response:
        """Put a photo into a session: one of our examples, or the body of the request."""
        session = self._session(request)
        if session is None:
            return _nothing()
        try:
            self._sessions.admit(session)
            try:
                await self._take(session, request)
            finally:
                session.has_photo = session.holds_photo
        except Depth3DError as error:
            return JSONResponse({"error": str(error)}, _status(error))
        return JSONResponse({})

    def give_file(self, request: Request) -> Response:
        """A file that a session offers."""
        session = self._session(request)
        path = session and session.files.offered(request.path_params["name"])
        return FileResponse(path, headers={"cache-control": "private, no-store"}) if path else _nothing()

    def give_example(self, request: Request) -> Response:
        """One of our own photos."""
        name = request.path_params["name"]
        return FileResponse(example_photo(name)) if name in EXAMPLES else _nothing()

    def _session(self, request: Request) -> Session | None:
        return self._sessions.of_token(request.path_params["token"], cookie_in(request.scope["headers"]))

    async def _take(self, session: Session, request: Request) -> None:
        if (example := request.query_params.get("example")) in EXAMPLES:
            files = example_photo(example), example_camera(example), example_hints(example)
            await self._place(session, partial(session.take_example, *files))
            return
        limits = self._sessions.limits
        length = request.headers.get("content-length", "")
        limits.check_bytes(int(length) if length.isdecimal() and len(length) < 20 else 0)
        path = session.files.inbox(request.query_params.get("name", ""))
        try:
            await self._uploads.receive(session.token, request.stream(), path)
            await run_in_threadpool(limits.check_photo, path)
            await self._place(session, partial(session.take, path), path)
        except BaseException:
            session.files.discard(path)
            raise

    async def _place(self, session: Session, take: Callable[[], None], path: Path | None = None) -> None:
        """Begin with a new photo; a session that is at work keeps it waiting, in one thread and not in the loop.

        Args:
            session: whose it is.
            take: puts it there.
            path: a visitor's photo, which is decoded first in a process of its own.
        """
        if session.token in self._placing:
            raise UploadStoppedError(409, "the photo before this one is still being taken in; try again in a moment")
        self._placing.add(session.token)
        try:
            if path is not None:
                async with self._decoding:
                    await run_in_threadpool(check_decodes, path)
            await run_in_threadpool(take)
        finally:
            self._placing.discard(session.token)


def _nothing() -> Response:
    return JSONResponse({"error": "there is nothing here for you; reload the page"}, 404)


def _status(error: Depth3DError) -> int:
    if isinstance(error, UploadStoppedError):
        return error.status
    if isinstance(error, ServerFullError):
        return _FULL
    if isinstance(error, OutputError):
        return _NO_DISK
    return _TOO_LARGE if isinstance(error, TooLargeError) else _NO_PHOTO
