"""The gate before the page's framework: who a browser is, which addresses there are, and what a page may load.

Gradio answers on some forty addresses, among them some that read files or fetch from elsewhere. Only those that our
page needs are let through.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

COOKIE = "depth3d_visitor"

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_OPEN = re.compile(
    r"/|/config/?|/theme\.css|/favicon\.ico|/manifest\.json|/(?:assets|static|svelte)(?:/[\w.-]+)+"
    r"|/gradio_api/(?:info/?|startup-events|app_id/?|theme\.css|queue/(?:join|data)|heartbeat/\w+|cancel|reset/?)"
    r"|/desk/[\w-]+/(?:photo|files/[\w.-]+)|/example/\w+\.jpg"
)

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
    """

    def __init__(self, inside: Application) -> None:
        self._inside = inside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer 404."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._inside(scope, receive, send)
            return
        if not _OPEN.fullmatch(scope["path"]) or ".." in scope["path"]:
            await _answer_not_found(send)
            return
        known = visitor_of(scope)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = dict(_HEADERS)
                if not known and scope["path"] == "/":
                    headers["set-cookie"] = f"{COOKIE}={secrets.token_urlsafe(24)}; Path=/; HttpOnly; SameSite=Strict"
                message["headers"] = [
                    *message.get("headers", []),
                    *((name.encode(), value.encode()) for name, value in headers.items()),
                ]
            await send(message)

        await self._inside(scope, receive, send_with_headers)


def visitor_of(scope: Scope) -> str:
    """Who a browser says it is; empty where it has been told nothing yet."""
    for name, value in scope["headers"]:
        if name == b"cookie":
            try:
                cookie = SimpleCookie(value.decode("latin-1")).get(COOKIE)
            except CookieError:
                return ""
            return cookie.value if cookie else ""
    return ""


async def _answer_not_found(send: Send) -> None:
    start = {"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"text/plain")]}
    await send(start)
    await send({"type": "http.response.body", "body": b"not found\n"})
