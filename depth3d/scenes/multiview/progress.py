"""How long work says how far it has got."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[str, int, int], None]
"""(what is being done, how much of it is done, how much there is)."""


def silent(what: str, done: int, total: int) -> None:
    """Report nothing."""
