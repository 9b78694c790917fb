"""Provenance that travels inside files: short texts, each on one line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from depth3d.core.depth import Unit

GENERATOR = "depth3d"
_LONGEST_PROVENANCE = 10_000_000


def geometry_notes(notes: Mapping[str, str], *, axes: str, unit: Unit) -> dict[str, str]:
    """What a file of points or triangles says: its axes in words, the value's own unit, and the other notes."""
    return {"axes": axes, "unit": unit, **{name: text for name, text in notes.items() if name != "unit"}}


def single_line_notes(notes: Mapping[str, str] | None) -> dict[str, str]:
    r"""The notes in their order, each name and text on one line of printable characters.

    Names of photos may hold line breaks, control characters or bytes that are no text; none of these may end a header
    early. Empty texts are left out.

    >>> single_line_notes({"photo": "my\nkitchen.jpg", "scale": ""})
    {'photo': 'my kitchen.jpg'}
    """
    lines = {_single_line(name): _single_line(text) for name, text in (notes or {}).items()}
    return {name: text for name, text in lines.items() if name and text}


def unit_beside(path: Path) -> str | None:
    """The unit that the provenance beside a file of ours states (kitchen.npy.json); None where there is none.

    Some formats have no place for the unit; how they were made still tells it.
    """
    try:
        with path.with_name(f"{path.name}.json").open("rb") as file:
            said = json.loads(file.read(_LONGEST_PROVENANCE))
        unit = said["depth"]["unit"] if "depth3d" in said else None
    except (OSError, ValueError, LookupError, TypeError):
        return None  # somebody else's file, or none
    return str(unit)


def as_ascii(text: str) -> str:
    r"""The text with everything beyond ASCII escaped, for headers that allow no more.

    >>> as_ascii("café")
    'caf\\xe9'
    """
    return text.encode("ascii", "backslashreplace").decode("ascii")


def _single_line(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in str(text))
    return " ".join(printable.split())
