"""Large arrays to disk, a block at a time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

# Blocks of a few MB are as fast as one piece. Packing and writing cost about the same: on two cores a second thread
# nearly halves the time, on four a third one hides the packing altogether, more would wait for the disk.
ROWS = 1 << 17
_PACKERS = max(1, min(3, (os.cpu_count() or 1) - 1))


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
    file: IO[bytes], spans: Sequence[slice], pack: Callable[[slice], NDArray[Any]], *, packers: int = _PACKERS
) -> None:
    """Write the block of each span; while one goes to disk the next ones are packed, and no more than these exist.

    Args:
        file: where the bytes go.
        spans: what to pack, in the order of the file.
        pack: makes the contiguous array of a span; called by several threads at once.
        packers: how many blocks are packed ahead.
    """
    if len(spans) <= 1:
        for span in spans:
            file.write(pack(span).data)
        return
    waiting = iter(spans)
    with ThreadPoolExecutor(packers) as pool:
        ahead = deque(pool.submit(pack, span) for span in islice(waiting, packers))
        while ahead:
            block = ahead.popleft().result()
            ahead.extend(pool.submit(pack, span) for span in islice(waiting, 1))
            file.write(block.data)


def row_bytes(array: NDArray[Any], dtype: DTypeLike) -> NDArray[np.void]:
    """Each row of an (N, K) array as one piece of memory in the given little-endian type, shape (N,).

    Assigning such pieces to a field of a record is twice as fast as assigning K numbers.
    """
    contiguous = np.ascontiguousarray(array, dtype)
    return contiguous.view(f"V{contiguous.dtype.itemsize * contiguous.shape[1]}")[:, 0]
