"""How a reader that meets bytes from elsewhere is called, and what it may do.

`fuzzed_readers` and `fuzzed_folders` list the readers; `fuzz.py` spoils their files for as long as one likes, and
`test_fuzz.py` reads what it has found before.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from depth3d.core.errors import Depth3DError, Depth3DWarning


@dataclass(frozen=True)
class Reader:
    """A reader of foreign bytes.

    Attributes:
        seeds: makes valid files: bytes by suffix, several of one suffix in a list.
        read: reads a file; whatever the file holds, this gives a value or a Depth3DError of one line.
    """

    seeds: Callable[[], dict[str, list[bytes]]]
    read: Callable[[Path], object]


def refusal(reader: Reader, path: Path) -> str | None:
    """Read a file: None if that gave a value, else the one line that says why not; anything else is a fault."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", Depth3DWarning)
        try:
            reader.read(path)
        except Depth3DError as error:
            message = str(error)
            assert message, "an empty message"
            assert "\n" not in message, f"more than one line: {message!r}"
            assert message.isprintable(), f"cannot be shown: {message!r}"
            assert len(message) < 1500, f"{len(message)} characters: {message[:200]}"
            return message
    return None
