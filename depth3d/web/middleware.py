"""What every request passes before the page's framework sees it.

Gradio answers on some forty addresses, among them some that read files or fetch from elsewhere, and takes whatever JSON
it is sent. Only the addresses that our page needs are let through, under this machine's own names, from browsers that
have opened the page, about pages of their own, and with calls that the page can make.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

from depth3d.web.allowed_hosts import Hosts
from depth3d.web.api_calls import RefusedError, read_call
from depth3d.web.cookies import COOKIE, Visitors, cookie_in

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_OPEN = re.compile(
    r"/|/config/?|/theme\.css|/favicon\.ico|/manifest\.json|/(?:assets|static|svelte)(?:/[\w.-]+)+"
    r"|/gradio_api/(?:info/?|startup-events|app_id/?|theme\.css|queue/(?:join|data)|heartbeat/\w+|cancel|reset/?)"
    r"|/session/[\w-]+/(?:photo|files/[\w.-]+)|/example/\w+\.jpg"
)
_PHOTO = re.compile(r"/session/[\w-]+/photo")
_STREAM = re.compile(r"/gradio_api/(?:queue/data|heartbeat/(\w+))")
_QUEUE = "/gradio_api/queue/join"

_HEADERS = {
    # Styles and templates of the page's framework are inline and evaluated; nothing comes from another server.
    "content-security-policy": "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'self'; "
    "form-action 'self'; base-uri 'self'; object-src 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class Gate:
    """An ASGI application around another.

    Args:
        inside: what answers once a request has passed.
        hosts: the names this server answers to.
        visitors: the browsers that have opened the page.
    """

    def __init__(self, inside: Application, *, hosts: Hosts, visitors: Visitors) -> None:
        self._inside = inside
        self._hosts = hosts
        self._visitors = visitors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer what is wrong with it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._inside(scope, receive, send)
            return
        try:
            self._check_address(scope)
            visitor = self._visitor(scope)
            if scope["method"] == "POST" and not _PHOTO.fullmatch(scope["path"]):
                receive = await self._checked_call(scope, visitor, receive)
            # Files go out whole: of many ranges at once no browser has need here.
            scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"range"]
            with self._stream(scope, visitor):
                await self._inside(scope, receive, self._with_headers(scope, visitor, send))
        except RefusedError as error:
            await _answer(send, error.status, str(error))

    def _check_address(self, scope: Scope) -> None:
        host, origin = _header(scope, b"host"), _header(scope, b"origin")
        if not self._hosts.answers_to(host):
            raise RefusedError(
                421,
                f"this server does not answer to the name {host[:100]!r}; allow it with --allow-host NAME",
            )
        if not _OPEN.fullmatch(scope["path"]) or ".." in scope["path"]:
            raise RefusedError(404, "not found")
        if scope["method"] not in ("GET", "HEAD", "POST"):
            raise RefusedError(405, "only GET, HEAD and POST")
        if scope["method"] == "POST" and origin and not self._hosts.may_post(origin, host):
            raise RefusedError(403, "a page of another site cannot post here")

    def _visitor(self, scope: Scope) -> str:
        """The cookie of the browser that asks, if this server gave it out.

        Raises:
            RefusedError: it was not, and the address is for browsers that have opened the page.
        """
        cookie = cookie_in(scope["headers"])
        if self._visitors.known(cookie):
            return cookie
        if scope["path"].startswith("/session/"):
            raise RefusedError(404, "there is nothing here for you; reload the page")
        if scope["path"].startswith("/gradio_api/") and (scope["method"] == "POST" or _STREAM.fullmatch(scope["path"])):
            raise RefusedError(403, "open the page first")
        return ""

    async def _checked_call(self, scope: Scope, visitor: str, receive: Receive) -> Receive:
        """The request's JSON, checked and written again, for whoever reads it next."""
        content, call = await read_call(receive)
        page = call.get("session_hash")
        if page is not None:
            self._check_owner(visitor, page)
        if scope["path"] == _QUEUE and (page is None or not self._visitors.may_queue(visitor)):
            raise RefusedError(429, "too many clicks are waiting; try again in a moment")
        scope["headers"] = [
            *((name, value) for name, value in scope["headers"] if name not in (b"content-length", b"content-type")),
            (b"content-length", str(len(content)).encode()),
            (b"content-type", b"application/json"),
        ]
        messages = iter([{"type": "http.request", "body": content, "more_body": False}])

        async def replay() -> Message:
            return next(messages, None) or await receive()

        return replay

    @contextmanager
    def _stream(self, scope: Scope, visitor: str) -> Iterator[None]:
        """Count a connection that stays open, if this is one.

        Raises:
            RefusedError: it is about another visitor's page, or one too many.
        """
        found = _STREAM.fullmatch(scope["path"])
        if not found:
            yield
            return
        page = found[1] or parse_qs(scope["query_string"].decode("latin-1")).get("session_hash", [""])[-1]
        self._check_owner(visitor, page)
        with self._visitors.stream(visitor) as allowed:
            if not allowed:
                raise RefusedError(429, "too many pages are open; close one")
            yield

    def _check_owner(self, visitor: str, page: object) -> None:
        if not isinstance(page, str) or not re.fullmatch(r"\w{1,64}", page) or not self._visitors.owns(visitor, page):
            raise RefusedError(403, "this page belongs to another browser, or too many are open; reload it")

    def _with_headers(self, scope: Scope, visitor: str, send: Send) -> Send:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = dict(_HEADERS)
                if not visitor and scope["path"] == "/":
                    headers["set-cookie"] = f"{COOKIE}={self._visitors.new_cookie()}; Path=/; HttpOnly; SameSite=Strict"
                message["headers"] = [
                    *message.get("headers", []),
                    *((name.encode(), value.encode()) for name, value in headers.items()),
                ]
            await send(message)

        return send_with_headers


def _header(scope: Scope, name: bytes) -> str:
    """A header's value; empty where it is missing or there are several."""
    values = [value for header, value in scope["headers"] if header == name]
    return values[0].decode("latin-1") if len(values) == 1 else ""


async def _answer(send: Send, status: int, reason: str) -> None:
    content = json.dumps({"detail": reason, "error": reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
