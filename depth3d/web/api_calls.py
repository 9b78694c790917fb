"""The calls that the page makes, as JSON: nothing but numbers and short texts.

Gradio takes an object with a ``path`` or ``url`` anywhere in a call for a file, and reads or fetches it before any
function of the page is called. No call of this page has a file in it: photos come in at an address of their own.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from depth3d.core.errors import Depth3DError

LARGEST_CALL_BYTES = 64_000
_SECONDS_TO_ARRIVE = 10
_LONGEST_TEXT = 1000
_LARGEST_NUMBER = 1e15
_DEEPEST = 8
_FIELDS = {"data", "event_data", "event_id", "fn_index", "session_hash", "trigger_id"}
_OF_FILES = {"path", "url", "_type", "meta", "orig_name", "mime_type", "is_stream"}

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class RefusedError(Depth3DError):
    """A request that does not get as far as the page.

    Attributes:
        status: of the answer, as HTTP has it.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


async def read_call(receive: Receive) -> tuple[bytes, dict[str, Any]]:
    """Read a request's JSON; what is passed on is written again, so that nobody after us reads it otherwise.

    Returns:
        The JSON to pass on, and what it says.

    Raises:
        RefusedError: too large, too slow, no JSON object, or one that names files.
    """
    try:
        async with asyncio.timeout(_SECONDS_TO_ARRIVE):
            content = await _whole_body(receive)
    except TimeoutError:
        raise RefusedError(408, f"the call did not arrive within {_SECONDS_TO_ARRIVE} s") from None
    call = parsed_call(content)
    return json.dumps(call).encode(), call


def parsed_call(content: bytes) -> dict[str, Any]:
    """What a call says, if it is one that this page can make.

    Raises:
        RefusedError: it is not.
    """
    try:
        call = json.loads(content, object_pairs_hook=_without_files, parse_constant=_not_a_number)
    except (RecursionError, ValueError):
        raise RefusedError(400, "a call must be JSON") from None
    if not isinstance(call, dict):
        raise RefusedError(400, "a call must be a JSON object")
    call = {key: value for key, value in call.items() if key in _FIELDS}
    if not all(map(_is_short_value, _arguments(call))):
        raise RefusedError(400, "the calls of this page have numbers and short texts in them, and nothing else")
    return call


def _arguments(call: dict[str, Any]) -> list[Any]:
    data, event_data = call.get("data") or [], call.get("event_data")
    if not isinstance(data, list) or not isinstance(event_data, dict | None):
        raise RefusedError(400, "a call's data must be a list, and its event_data an object")
    rest = [call[key] for key in _FIELDS - {"data", "event_data"} if key in call]
    return [*data, *rest, *_leaves(event_data)]


def _leaves(value: Any, depth: int = 0) -> list[Any]:
    """Everything in what a click says about itself that is not a list or object."""
    if depth > _DEEPEST:
        raise RefusedError(400, "the call is nested too deeply")
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return [leaf for one in inner for leaf in _leaves(one, depth + 1)]
    return [value]


def _is_short_value(value: Any) -> bool:
    if isinstance(value, int | float):
        return -_LARGEST_NUMBER <= value <= _LARGEST_NUMBER
    return value is None or (isinstance(value, str) and len(value) <= _LONGEST_TEXT)


def _without_files(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if _OF_FILES & {key for key, _ in pairs}:
        raise RefusedError(400, "no call of this page names a file")
    return dict(pairs)


def _not_a_number(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


async def _whole_body(receive: Receive) -> bytes:
    content = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RefusedError(400, "the call was broken off")
        content += message.get("body", b"")
        if len(content) > LARGEST_CALL_BYTES:
            raise RefusedError(413, f"a call of this page has {LARGEST_CALL_BYTES} bytes at most")
        more = message.get("more_body", False)
    return bytes(content)
