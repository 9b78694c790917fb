"""Large arrays to disk, a block at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import DTypeLike, NDArray

from depth3d.core.errors import OutputError

# Blocks of a few MB are as fast as one piece. Packing costs a little more than writing: on two cores two threads that
# do both in turn halve the time, with four the file is never waited for.
ROWS = 1 << 17
_THREADS = max(1, min(4, os.cpu_count() or 1))


def write_rows(file: IO[bytes], count: int, pack: Callable[[slice], NDArray[Any]], *, rows: int = ROWS) -> None:
    """Write `count` rows of an array that is packed a slice at a time, see `write_blocks`.

    Args:
        file: where the bytes go.
        count: number of rows.
        pack: makes the contiguous array of the rows of a slice; called by several threads at once.
        rows: rows per block.
    """
    write_blocks(file, [slice(start, min(start + rows, count)) for start in range(0, count, rows)], pack)


def write_blocks(
    file: IO[bytes], spans: Sequence[slice], pack: Callable[[slice], NDArray[Any]], *, threads: int = _THREADS
) -> None:
    """Write the block of each span. Each thread packs a block and writes it when the one before it is in the file.

    Args:
        file: where the bytes go.
        spans: what to pack, in the order of the file.
        pack: makes the contiguous array of a span; called by several threads at once.
        threads: how many, the caller's own among them; no more blocks than these exist at any time.
    """
    threads = max(1, min(threads, len(spans)))
    turns = [Event() for _ in range(len(spans) + 1)]
    failures: list[BaseException] = []

    def take_turns(first: int) -> None:
        try:
            for number in range(first, len(spans), threads):
                block = pack(spans[number])
                turns[number].wait()
                if failures:
                    return
                file.write(block.data)
                turns[number + 1].set()
        except BaseException as error:  # noqa: BLE001 - it is raised again below
            failures.append(error)
            for turn in turns:
                turn.set()

    # The caller works too: where it only waited, Linux was seen to run two threads that wake each other on one core.
    with ThreadPoolExecutor(max(1, threads - 1)) as pool:
        for helper in range(1, threads):
            pool.submit(take_turns, helper)
        turns[0].set()
        take_turns(0)
    if failures:
        raise failures[0]


def row_bytes(array: NDArray[Any], dtype: DTypeLike) -> NDArray[np.void]:
    """Each row of an (N, K) array as one piece of memory in the given little-endian type, shape (N,).

    Assigning such pieces to a field of a record is twice as fast as assigning K numbers.
    """
    contiguous = np.ascontiguousarray(array, dtype)
    return contiguous.view(f"V{contiguous.dtype.itemsize * contiguous.shape[1]}")[:, 0]


def raise_if_full(file: IO[bytes]) -> None:
    """Let the system say why nothing more can be written, where a library does not.

    Raises:
        OSError: the system's words.
    """
    file.seek(0, os.SEEK_END)
    file.write(b"\0" * ROWS)
    file.flush()


def name_as_text(file: BinaryIO) -> str:
    """The name of an open file, for libraries that open it once more.

    Raises:
        OutputError: its folder's name is no text, which these libraries do not take.
    """
    try:
        file.name.encode("utf-8")
    except UnicodeEncodeError:
        raise OutputError("the folder's name is not UTF-8, which this format's library needs; choose another") from None
    return file.name
