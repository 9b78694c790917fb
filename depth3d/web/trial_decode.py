"""Photos of visitors are decoded in a process of their own before the server does, so that decoders may fail there.

A JPEG of 40 MB with many empty scans keeps its decoder busy for the better part of an hour, and decoders have faults of
their own. Whatever a photo does to a decoder within the limits below it does in the server too, and no more than that.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from depth3d.core.child_process import end_with_parent
from depth3d.core.errors import Depth3DError, PhotoError
from depth3d.io.photos.embedded_depth_file import read_embedded_depth
from depth3d.io.photos.photo import read_photo
from depth3d.io.temporary import make_private

SECONDS = 30
"""Of the processor, for one photo; one of 50 megapixels takes a few."""

MEMORY_BYTES = 4 * 2**30
"""Address space of the process; a photo of 50 megapixels takes less than one of these four."""

_WALL_PER_CPU_SECOND = 4


def check_decodes(path: Path) -> None:
    """Decode a photo, and the depth inside it, in a process that may take so much time and memory and no more.

    Raises:
        PhotoError: it takes more, or its decoder crashes.
        Depth3DError: it cannot be read.
    """
    if problem := _problem_with(path):
        raise PhotoError(problem)


def _problem_with(path: Path) -> str:
    """What is wrong with a photo, in one line; empty where nothing is."""
    context = _context()
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_decode, args=(path, there, SECONDS, MEMORY_BYTES), daemon=True)
    with here:
        child.start()
        there.close()
        try:
            if here.poll(_WALL_PER_CPU_SECOND * SECONDS):
                with contextlib.suppress(EOFError):
                    return str(here.recv())
        finally:
            child.kill()
            child.join()
    return f"{path.name}: decoding it takes more than {SECONDS} s, or crashes; export it again as JPEG or PNG"


def _context() -> Any:
    if sys.platform == "win32":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _decode(path: Path, answer: Connection, seconds: int, memory_bytes: int) -> None:
    """Read the photo in this process, and say what is wrong with it."""
    end_with_parent()
    make_private(path.parent)
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        read_photo(path)
        read_embedded_depth(path)
        answer.send("")
    except Depth3DError as error:
        answer.send(str(error))
    except MemoryError:
        answer.send(f"{path.name}: decoding it takes more than {memory_bytes / 1e9:.0f} GB of memory; make it smaller")
