"""What other installed packages offer by entry points, for every registry that is open to them."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from depth3d.core.errors import Depth3DError, UsageError


@cache
def offers(group: str) -> dict[str, EntryPoint]:
    """Every entry point of a group, such as "depth3d.formats", by its name, in their order; nothing is loaded."""
    return {one.name: one for one in sorted(entry_points(group=group))}


def load_offer(group: str, name: str, *, what: str) -> Any:
    """The object that an entry point names.

    Args:
        group: such as "depth3d.formats".
        name: of the entry point.
        what: what it is, such as "format", for messages.

    Raises:
        UsageError: no package offers it, or it cannot be loaded.
    """
    if name not in offers(group):
        raise UsageError(f"no installed package offers a {what} {name!r} in the entry points {group}")
    offer = offers(group)[name]
    try:
        return offer.load()
    except Depth3DError:
        raise
    except Exception as error:  # whatever another package does while it is imported
        words = " ".join(str(error).split()) or type(error).__name__
        raise UsageError(f"{what} {name}: {offer.value} cannot be loaded: {words}; repair or remove it") from error
