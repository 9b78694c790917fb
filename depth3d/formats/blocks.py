"""Large arrays to disk, a block at a time."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

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
        threads: how many; no more blocks than these exist at any time.
    """
    tasks: list[Future[None]] = []

    def pack_and_write(number: int) -> None:
        block = pack(spans[number])
        if number:
            tasks[number - 1].result()
        file.write(block.data)

    if len(spans) <= 1 or threads == 1:
        for span in spans:
            file.write(pack(span).data)
        return
    with ThreadPoolExecutor(threads) as pool:
        try:
            for number in range(len(spans)):
                tasks.append(pool.submit(pack_and_write, number))
            tasks[-1].result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def row_bytes(array: NDArray[Any], dtype: DTypeLike) -> NDArray[np.void]:
    """Each row of an (N, K) array as one piece of memory in the given little-endian type, shape (N,).

    Assigning such pieces to a field of a record is twice as fast as assigning K numbers.
    """
    contiguous = np.ascontiguousarray(array, dtype)
    return contiguous.view(f"V{contiguous.dtype.itemsize * contiguous.shape[1]}")[:, 0]
