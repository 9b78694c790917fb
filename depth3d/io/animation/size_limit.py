"""Moving pictures within a number of bytes: what is given up, in a fixed order, until they fit."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import OutputError, UsageError
from depth3d.core.images import Animation
from depth3d.io.open_input import shown
from depth3d.io.registry import Format, check_options

_CHEAPER: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    ".gif": ({"colours": 128}, {"colours": 64}),
    ".webp": ({"quality": 60}, {"quality": 40}),
    ".avif": ({"quality": 50}, {"quality": 35}),
    ".mp4": ({"quality": 65}, {"quality": 50}),
    ".webm": ({"quality": 65}, {"quality": 50}),
}
"""Options that are tried one after the other before anything else; formats without loss have none."""
_SLOWEST_FPS = 10.0
_LEAST_WIDTH = 32
_FOR_NOTES = 2000
"""Bytes kept free for what is said inside the file."""
_ROUNDS = 12
_SAFETY = 0.97


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A moving picture that fits.

    Attributes:
        animation: the frames, fewer or smaller if that was needed.
        options: for the writer.
        given_up: what was, in words; empty where it fitted as it was.
    """

    animation: Animation
    options: Mapping[str, Any] = field(default_factory=dict)
    given_up: str = ""


def fit_animation(animation: Animation, path: Path, max_bytes: int, *, form: Format, **options: Any) -> Fitted:
    """Try until the file is small enough: first fewer colours or less quality, then half the frames, then less width.

    Each trial is written to nowhere; only its size is looked at.

    Args:
        animation: the frames.
        path: the file, for messages.
        max_bytes: the size it may have.
        form: how it is stored.
        options: for the writer, as for `save`.

    Raises:
        UsageError: no positive size, or an option is unknown; or see `save`.
        OutputError: not even 32 pixels of width fit.
    """
    if max_bytes < 1:
        raise UsageError(f"max size must be positive, got {max_bytes} bytes")
    check_options(form, options)
    write = form.load()
    suffix = next(iter(form.suffixes), "")
    cheaper = [one for one in _CHEAPER.get(suffix, ()) if not set(one) & set(options)]
    trial = whole = Fitted(animation, options)
    ratio = _excess(write, trial, max_bytes)
    for one in cheaper:
        if ratio > 1:
            trial = _with(whole, one)
            ratio = _excess(write, trial, max_bytes)
    if ratio > 1 and animation.fps >= 2 * _SLOWEST_FPS and animation.count % 2 == 0:
        trial = _thinned(trial)
        ratio = _excess(write, trial, max_bytes)
    return trial if ratio <= 1 else _narrowed(write, trial, ratio, path, max_bytes)


def _narrowed(write: Callable[..., None], wide: Fitted, ratio: float, path: Path, max_bytes: int) -> Fitted:
    height, width = next(wide.animation.frames()).shape[:2]
    factor = 1.0
    for _ in range(_ROUNDS):
        factor *= math.sqrt(1 / ratio) * _SAFETY
        if width * factor < _LEAST_WIDTH:
            break
        trial = _shrunk(wide, round(width * factor), max(1, round(height * factor)))
        ratio = _excess(write, trial, max_bytes)
        if ratio <= 1:
            return trial
    raise OutputError(
        f"{shown(path)}: {wide.animation.count} frames do not fit into {max_bytes:,} bytes; allow more, or make "
        "fewer frames"
    )


def _with(trial: Fitted, cheaper: Mapping[str, Any]) -> Fitted:
    words = ", ".join(f"{value} {name}" if name == "colours" else f"{name} {value}" for name, value in cheaper.items())
    return Fitted(trial.animation, {**trial.options, **cheaper}, words)


def _thinned(trial: Fitted) -> Fitted:
    """Every second frame."""
    whole = trial.animation

    def frames() -> Iterator[NDArray[np.uint8]]:
        return (frame for index, frame in enumerate(whole.frames()) if index % 2 == 0)

    half = replace(whole, frames=frames, count=whole.count // 2, fps=whole.fps / 2)
    return _also(trial, half, f"{half.fps:g} frames per second")


def _shrunk(trial: Fitted, width: int, height: int) -> Fitted:
    whole = trial.animation

    def frames() -> Iterator[NDArray[np.uint8]]:
        for frame in whole.frames():
            yield np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA), np.uint8)

    return _also(trial, replace(whole, frames=frames), f"{width}x{height} pixels")


def _also(trial: Fitted, animation: Animation, words: str) -> Fitted:
    given_up = f"{trial.given_up}, {words}" if trial.given_up else words
    return replace(trial, animation=animation, given_up=given_up)


class _Sink(io.RawIOBase):
    """Counts bytes and forgets them."""

    def __init__(self) -> None:
        self._at = self.size = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        length = memoryview(data).nbytes
        self._at += length
        self.size = max(self.size, self._at)
        return length

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self.size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at


def _excess(write: Callable[..., None], trial: Fitted, max_bytes: int) -> float:
    """Size of the file over what it may have."""
    sink = _Sink()
    write(trial.animation, cast(BinaryIO, sink), notes={}, **trial.options)
    return (sink.size + _FOR_NOTES) / max_bytes
