"""The two ways in which COLMAP writes numbers, read so that a damaged or hostile file ends in one sentence.

Nothing is allocated on a file's word: every count is held against the bytes that are there.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import ColmapError
from depth3d.io.open_input import shown

_LONGEST_NAME = 4096
_LARGEST_WHOLE = 2**62
_LONGEST_LINE = 256 * 1024 * 1024


class BinaryFile:
    """Little-endian numbers, one after the other."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream, self._path = stream, path
        self._left = os.fstat(stream.fileno()).st_size

    def count(self, shortest: int, what: str) -> int:
        """How many records follow, each of at least `shortest` bytes."""
        (number,) = self.unpack("<Q")
        self._check(number * shortest, f"{number} {what}")
        return int(number)

    def unpack(self, layout: str) -> tuple[Any, ...]:
        """Numbers of a struct layout."""
        return struct.unpack(layout, self._take(struct.calcsize(layout), "a record"))

    def records(self, dtype: np.dtype[Any], what: str) -> NDArray[Any]:
        """A count and so many records."""
        (number,) = self.unpack("<Q")
        return np.frombuffer(self._take(number * dtype.itemsize, f"{number} {what}"), dtype)

    def text(self) -> str:
        """A text that ends with a zero byte."""
        content = bytearray()
        while (byte := self._take(1, "a name")) != b"\0":
            content += byte
            if len(content) > _LONGEST_NAME:
                raise ColmapError(f"{shown(self._path)}: a name of over {_LONGEST_NAME} bytes; the file is damaged")
        return content.decode("utf-8", "replace")

    def skip(self, size: int, what: str) -> None:
        """Leave bytes out."""
        self._check(size, what)
        self._left -= size
        self._stream.seek(size, os.SEEK_CUR)

    def _take(self, size: int, what: str) -> bytes:
        self._check(size, what)
        self._left -= size
        content = self._stream.read(size)
        if len(content) < size:
            raise ColmapError(f"{shown(self._path)}: the file became shorter while it was read")
        return content

    def _check(self, size: int, what: str) -> None:
        if size > self._left:
            raise ColmapError(
                f"{shown(self._path)}: cut off or damaged: {what} take {size} bytes, {self._left} are left"
            )


class TextFile:
    """Numbers in lines, with comments that begin with #."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream, self._path = stream, path
        self._number = 0

    def lines(self) -> Iterator[str]:
        """The lines that are neither empty nor a comment."""
        while (line := self._read()) is not None:
            if line.strip() and not line.lstrip().startswith("#"):
                yield line

    def next_line(self) -> str:
        """The next line, whatever it holds; empty at the file's end."""
        return self._read() or ""

    def fields(self, line: str, *, at_least: int, at_most: int = -1) -> list[str]:
        """The words of a line; the last of `at_most` takes the rest, spaces included."""
        words = line.split(maxsplit=at_most - 1) if at_most > 0 else line.split()
        if len(words) < at_least:
            raise self._wrong(f"{len(words)} words, expected {at_least} or more")
        return words

    def whole(self, word: str) -> int:
        """A whole number."""
        try:
            number = int(word)
        except ValueError:
            raise self._wrong(f"{word[:40]!r} is no whole number") from None
        if abs(number) > _LARGEST_WHOLE:
            raise self._wrong(f"{word[:40]} is too large")
        return number

    def reals(self, words: list[str]) -> tuple[float, ...]:
        """Numbers."""
        try:
            return tuple(float(word) for word in words)
        except ValueError:
            raise self._wrong(f"{' '.join(words)[:60]!r} are no numbers") from None

    def table(self, line: str, *, columns: int) -> NDArray[np.float64]:
        """(N, columns) float64 from a line of N times so many numbers."""
        words = line.split()
        if len(words) % columns:
            raise self._wrong(f"{len(words)} numbers, expected a multiple of {columns}")
        values = np.array(self.reals(words), np.float64).reshape(-1, columns)
        if not (np.abs(values) < _LARGEST_WHOLE).all():
            raise self._wrong("a number is not finite or too large")
        return values

    def _read(self) -> str | None:
        line = self._stream.readline(_LONGEST_LINE)
        self._number += 1
        if not line:
            return None
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError:
            raise self._wrong("not text") from None

    def _wrong(self, what: str) -> ColmapError:
        return ColmapError(f"{shown(self._path)}: line {self._number}: {what}")
