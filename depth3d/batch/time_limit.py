"""A limit to the time that one photo may take, which holds whatever the photo makes the process do.

A decoder or a regular expression that never ends may hold the interpreter, so no signal handler and no thread of Python
would ever run. `faulthandler` has a thread of its own below Python; it ends the process, and writes where it was.
"""

from __future__ import annotations

import faulthandler
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DEFAULT_SECONDS = 1800.0
"""Half an hour: a film of a large photo on one core takes minutes."""

_MARK = "Timeout ("


@contextmanager
def time_limit(folder: Path, photo: str, seconds: float | None) -> Iterator[None]:
    """End this process if the block takes longer.

    Args:
        folder: where it is written down which photo did so, for `timed_out_photos`.
        photo: its path or URL.
        seconds: the limit, or None for none.
    """
    if seconds is None:
        yield
        return
    with (folder / str(os.getpid())).open("w", encoding="ascii") as file:
        file.write(json.dumps(photo) + "\n")
        file.flush()
        faulthandler.dump_traceback_later(seconds, exit=True, file=file)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


def timed_out_photos(folder: Path) -> set[str]:
    """The photos whose processes were ended; they are forgotten then."""
    photos = set()
    for path in folder.iterdir():
        if path.name.isdecimal():
            photo, _, trace = path.read_text(encoding="ascii", errors="replace").partition("\n")
            path.unlink()
            if trace.startswith(_MARK):
                photos.add(str(json.loads(photo)))
    return photos
