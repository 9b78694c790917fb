"""A small backtracking matcher that counts its steps: how a regular expression's work grows, without a clock.

Python's own matcher holds the interpreter while it works, so a pattern with quadratic work is a way to stop a server.
The same syntax tree (`re._parser`) is walked here one character a step, in the order of Python's matcher.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from re import _compiler, _parser  # type: ignore[attr-defined]
from re import _constants as op  # type: ignore[attr-defined]
from typing import Any

ALPHABET = " \t\n0a.x'\"/#\\<>=:-_,%[]"
"""Characters that the package's patterns tell apart."""

_REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
_CONSUMING = (op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN)


class Matcher:
    """One pattern, as text, and the flags of the module `re`."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self._flags = flags
        self._tree = list(_parser.parse(pattern, flags))
        self._compiled: dict[int, re.Pattern[str]] = {}
        self._steps = 0

    def work(self, text: str, *, everywhere: bool) -> int:
        """How many characters are looked at to match at the beginning of a text, or to search all of it."""
        self._steps = at = 0
        while at <= len(text):
            end = next(self._sequence(self._tree, text, at), None)
            if not everywhere:
                break
            at = at + 1 if end is None else max(end, at + 1)
        return self._steps

    def _sequence(self, nodes: Sequence[Any], text: str, at: int) -> Iterator[int]:
        if not nodes:
            yield at
            return
        for middle in self._node(nodes[0], text, at):
            yield from self._sequence(nodes[1:], text, middle)

    def _node(self, node: Any, text: str, at: int) -> Iterator[int]:
        kind, argument = node
        if kind in _REPEATS:
            low, high, body = argument
            ends = self._repeated(list(body), low, high, text, at, lazy=kind is op.MIN_REPEAT)
            yield from (list(ends)[:1] if kind is op.POSSESSIVE_REPEAT else ends)
        elif kind is op.SUBPATTERN:
            yield from self._sequence(list(argument[3]), text, at)
        elif kind is op.ATOMIC_GROUP:
            yield from list(self._sequence(list(argument), text, at))[:1]
        elif kind is op.BRANCH:
            for branch in argument[1]:
                yield from self._sequence(list(branch), text, at)
        else:
            self._steps += 1
            if self._single(node).match(text, at):
                yield at + (kind in _CONSUMING)

    def _repeated(self, body: list[Any], low: int, high: int, text: str, at: int, *, lazy: bool) -> Iterator[int]:
        """Depth first with a stack of its own, as texts are longer than Python's stack is deep."""
        stack = [(at, self._sequence(body, text, at))]
        if lazy and low == 0:
            yield at
        while stack:
            count, (here, ways) = len(stack) - 1, stack[-1]
            following = next(ways, None) if count < high else None
            if following is None or following == here:
                stack.pop()
                if not lazy and count >= low:
                    yield here
            else:
                stack.append((following, self._sequence(body, text, following)))
                if lazy and count + 1 >= low:
                    yield following

    def _single(self, node: Any) -> re.Pattern[str]:
        """A node that looks at one character at most, as a pattern of its own."""
        if id(node) not in self._compiled:
            self._compiled[id(node)] = _alone(node, self._flags)
        return self._compiled[id(node)]


def attacks(pattern: str, flags: int, length: int) -> list[tuple[str, str]]:
    """Texts that a pattern may work hard on: what fits its beginning, then one thing repeated, and twice as often."""
    beginnings, fitting, nodes = {""}, "", list(_parser.parse(pattern, flags))
    for node, following in zip(nodes, [*nodes[1:], (op.AT, None)], strict=True):
        fitting += _fitting([node], flags)
        if node[0] is not op.LITERAL or following[0] is not op.LITERAL:
            beginnings.add(fitting)
    repeated = sorted({*ALPHABET, *beginnings} - {""})
    counts = {part: max(8, length // len(part)) for part in repeated}
    return [
        (f"{start}{part * count}\0", f"{start}{part * count * 2}\0")
        for start in sorted(beginnings)
        for part, count in counts.items()
    ]


def _alone(node: Any, flags: int) -> re.Pattern[str]:
    state = _parser.State()
    state.flags = flags
    compiled: re.Pattern[str] = _compiler.compile(_parser.SubPattern(state, [node]), flags)
    return compiled


def _fitting(nodes: Sequence[Any], flags: int) -> str:
    """A short text that fits, with every repetition at least once."""
    return "".join(_fitting_one(node, flags) for node in nodes)


def _fitting_one(node: Any, flags: int) -> str:
    kind, argument = node
    if kind in _REPEATS:
        return _fitting(argument[2], flags) * max(1, argument[0])
    parts: dict[Any, Callable[[], str]] = {
        op.SUBPATTERN: lambda: _fitting(argument[3], flags),
        op.ATOMIC_GROUP: lambda: _fitting(argument, flags),
        op.BRANCH: lambda: _fitting(argument[1][0], flags),
    }
    if kind in parts:
        return parts[kind]()
    every = map(chr, (*map(ord, "a0" + ALPHABET), *range(256)))
    return next(c for c in every if _alone(node, flags).match(c)) if kind in _CONSUMING else ""
