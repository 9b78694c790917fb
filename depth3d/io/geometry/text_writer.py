"""Numbers as lines of text, a block at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from depth3d.io.geometry.block_writer import write_blocks, write_rows

LINES_PER_BLOCK = 1 << 15

Columns = Sequence[NDArray[Any]]
"""Arrays (N, K) whose rows side by side make lines."""


def write_lines(file: IO[bytes], count: int, line: str, rows: Callable[[slice], Columns]) -> None:
    """Write `count` lines, whose numbers are made a slice at a time, see `blocks.write_rows`.

    Args:
        file: where the bytes go.
        count: number of lines.
        line: one line with its end, a place such as %.7g or %d for each number.
        rows: the arrays of a slice of lines.
    """
    write_rows(file, count, lambda span: _as_text(line, rows(span)), rows=LINES_PER_BLOCK)


def write_spans(file: IO[bytes], spans: Sequence[slice], line: str, rows: Callable[[slice], Columns]) -> None:
    """Write the lines of each span, see `blocks.write_blocks`."""
    write_blocks(file, spans, lambda span: _as_text(line, rows(span)))


def _as_text(line: str, columns: Columns) -> NDArray[np.uint8]:
    numbers = [column for array in columns for column in array.T.tolist()]
    return np.frombuffer("".join([line % row for row in zip(*numbers, strict=True)]).encode("ascii"), np.uint8)
