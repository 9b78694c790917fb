"""A camera's way from a JSON file, see `depth3d.render.parallax.keyframes`."""

from __future__ import annotations

import json
from pathlib import Path

from depth3d.core.errors import UsageError
from depth3d.io.open_input import open_regular_file, shown
from depth3d.render.parallax import Motion, to_motion

_LARGEST_FILE_BYTES = 1_000_000


def motion_of(words: str) -> str | Motion:
    """What a user calls a motion: the name of one, which stays as it is, or a file of key poses, which ends in .json.

    Raises:
        UsageError: see `read_motion`.
    """
    return read_motion(Path(words)) if words.lower().endswith(".json") else words


def read_motion(path: Path) -> Motion:
    """The motion that a file describes.

    Raises:
        UsageError: the file cannot be read, or something in it is not what it should be.
    """
    with open_regular_file(path, UsageError) as file:
        content = file.read(_LARGEST_FILE_BYTES + 1)
    if len(content) > _LARGEST_FILE_BYTES:
        raise UsageError(f"{shown(path)}: over {_LARGEST_FILE_BYTES // 1_000_000} MB, no file of key poses")
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as problem:
        raise UsageError(f"{shown(path)}: not valid JSON: {' '.join(str(problem).split())}") from None
    try:
        return to_motion(document)
    except UsageError as problem:
        raise UsageError(f"{shown(path)}: {problem}") from None
