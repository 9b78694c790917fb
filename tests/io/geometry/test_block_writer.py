from __future__ import annotations

import io
import threading

import numpy as np
import pytest
from numpy.typing import NDArray

from depth3d.io.geometry.block_writer import row_bytes, write_blocks, write_rows


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 25])
def test_the_blocks_make_the_whole(count: int) -> None:
    data = np.arange(3 * count, dtype="<f4").reshape(count, 3)
    file = io.BytesIO()
    write_rows(file, count, lambda rows: data[rows], rows=10)
    assert file.getvalue() == data.tobytes()


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_no_more_blocks_exist_than_there_are_threads(threads: int) -> None:
    packed: list[int] = []
    written: list[int] = []

    def pack(rows: slice) -> NDArray[np.uint8]:
        packed.append(rows.start)
        return np.zeros(rows.stop - rows.start, np.uint8)

    class Slow(io.BytesIO):
        def write(self, data: memoryview) -> int:  # type: ignore[override]
            written.append(len(data))
            assert len(packed) - len(written) < threads  # the one that is written left the list already
            return len(data)

    spans = [slice(start, min(start + 10, 95)) for start in range(0, 95, 10)]
    write_blocks(Slow(), spans, pack, threads=threads)
    assert sorted(packed) == list(range(0, 95, 10))
    assert sum(written) == 95


def test_an_error_while_packing_or_writing_comes_through_and_leaves_no_thread() -> None:
    def fail(rows: slice) -> NDArray[np.uint8]:
        if rows.start >= 20:
            raise MemoryError
        return np.zeros(10, np.uint8)

    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError("full")

    before = threading.active_count()
    with pytest.raises(MemoryError):
        write_rows(io.BytesIO(), 100, fail, rows=10)
    with pytest.raises(OSError, match="full"):
        write_rows(Full(), 100, lambda rows: np.zeros(10, np.uint8), rows=10)
    assert threading.active_count() == before


def test_rows_as_bytes_take_any_layout() -> None:
    values = np.arange(12, dtype=">f8").reshape(3, 4).T
    assert row_bytes(values, "<f4").tobytes() == np.ascontiguousarray(values, "<f4").tobytes()
    assert row_bytes(values, "<f4").shape == (4,)
