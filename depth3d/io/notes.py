"""Provenance that travels inside files: short texts, each on one line."""

from __future__ import annotations

from collections.abc import Mapping

GENERATOR = "depth3d"


def single_line_notes(notes: Mapping[str, str] | None) -> dict[str, str]:
    r"""The notes in their order, each name and text on one line of printable characters.

    Names of photos may hold line breaks, control characters or bytes that are no text; none of these may end a header
    early. Empty texts are left out.

    >>> single_line_notes({"photo": "my\nkitchen.jpg", "scale": ""})
    {'photo': 'my kitchen.jpg'}
    """
    lines = {_single_line(name): _single_line(text) for name, text in (notes or {}).items()}
    return {name: text for name, text in lines.items() if name and text}


def as_ascii(text: str) -> str:
    r"""The text with everything beyond ASCII escaped, for headers that allow no more.

    >>> as_ascii("café")
    'caf\\xe9'
    """
    return text.encode("ascii", "backslashreplace").decode("ascii")


def _single_line(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in str(text))
    return " ".join(printable.split())
