"""Hints in a JSON file: everything that can be said about distances on the command line, and more of it at once.

The file is a list of hints, or an object whose `hints` is that list. A hint is an object with a `kind`:

    {"hints": [
      {"kind": "at",            "u": 412, "v": 300, "metres": 2.4, "sigma": "5cm", "what": "free text"},
      {"kind": "depth-at",      "u": 412, "v": 300, "metres": "2.3m±5cm"},
      {"kind": "near",          "metres": "80cm"},
      {"kind": "far",           "metres": 12},
      {"kind": "size",          "from": [100, 80], "to": [100, 400], "metres": 1.75},
      {"kind": "right-angle",   "first": [10, 20], "corner": [50, 20], "second": [50, 90], "sigma_deg": 2},
      {"kind": "infinity",      "u": 600, "v": 40},
      {"kind": "camera-height", "metres": 1.6, "pitch_deg": 10},
      {"kind": "points",        "points": [[412, 300, 1.8], [50.5, 20, 2.2, 0.05]]},
      {"kind": "points",        "file": "lidar.png", "units_per_metre": 1000, "confidence": "confidence.png"}
    ]}

Pixels are those of the upright photo, centres at +0.5. A length is a number of metres or a text as on the command line.
`sigma` is a length too. A camera's height takes `pitch_deg` or `horizon_v`. Files are looked for beside the JSON file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from depth3d.core.camera import Intrinsics
from depth3d.core.errors import HintError, UsageError
from depth3d.core.hint_forms import HINT_FORMS, HintForm, LengthPart, length_arguments, pixel_arguments
from depth3d.core.parsing import Length, parse_length
from depth3d.io.open_input import open_regular_file, shown
from depth3d.io.photos.photo import Photo
from depth3d.io.points.pixel_depths import DEFAULT_RELATIVE_SIGMA
from depth3d.io.points.read import read_points
from depth3d.scale import Hint, SparsePoints

_LARGEST_FILE_BYTES = 50_000_000
_FREE_TEXT = {"kind", "what", "name", "note", "comment"}
_DOES_NOT_EXIST = object()


def read_hints(path: str | Path, *, photo: Photo | None = None, camera: Intrinsics | None = None) -> tuple[Hint, ...]:
    """Read a file of hints.

    Args:
        path: a JSON file, see `hints_file`.
        photo: the upright photo as taken; needed where the hints name a file of points.
        camera: its intrinsics; likewise.

    Raises:
        HintError: the file cannot be read, or one of its hints, which is named, is not what it should be.
        Depth3DError: a file of points that it names cannot be read, see `read_points`.
    """
    path = Path(path)
    hints = _parsed(path)
    return tuple(_hint(_Entry(hint, number, path), photo, camera) for number, hint in enumerate(hints, start=1))


def hints_from(items: list[dict[str, Any]]) -> tuple[Hint, ...]:
    """Hints that somebody else sent as JSON, as in a file; those that name files are refused.

    Raises:
        HintError: one of them, which is named, is not what it should be.
    """
    for number, item in enumerate(items, start=1):
        if isinstance(item, dict) and {"file", "confidence"} & set(item):
            raise HintError(f"hint {number}: names a file; give the points themselves, as [u, v, z]")
    path = Path("hints")
    return tuple(_hint(_Entry(item, number, path), None, None) for number, item in enumerate(items, start=1))


def _parsed(path: Path) -> list[Any]:
    with open_regular_file(path, HintError) as file:
        content = file.read(_LARGEST_FILE_BYTES + 1)
    if len(content) > _LARGEST_FILE_BYTES:
        raise HintError(f"{shown(path)}: over {_LARGEST_FILE_BYTES // 1_000_000} MB, not a file of hints")
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as problem:
        raise HintError(f"{shown(path)}: not valid JSON: {' '.join(str(problem).split())}") from None
    hints = document.get("hints") if isinstance(document, dict) else document
    if not isinstance(hints, list) or not hints:
        raise HintError(f'{shown(path)}: holds no hints; expected {{"hints": [{{"kind": "at", ...}}, ...]}}')
    return hints


class _Entry:
    """One hint as written, whose keys are ticked off as they are read."""

    def __init__(self, content: Any, number: int, path: Path) -> None:
        self._where = f"{shown(path)}: hint {number}"
        if not isinstance(content, dict):
            raise self.wrong('is not an object such as {"kind": "at", "u": 412, "v": 300, "metres": 2.4}')
        self._left = dict(content)
        self.folder = path.parent
        self.kind = str(content.get("kind", "(none)"))
        self._where += f" ({self.kind[:40]})"
        for key in _FREE_TEXT:
            self._left.pop(key, None)

    def wrong(self, what: str) -> HintError:
        return HintError(f"{self._where}: {what}")

    def has(self, key: str) -> bool:
        return key in self._left

    def take(self, key: str) -> Any:
        value = self._left.pop(key, _DOES_NOT_EXIST)
        if value is _DOES_NOT_EXIST:
            raise self.wrong(f"{key!r} is missing")
        return value

    def number(self, key: str) -> float:
        return self.as_number(self.take(key), key)

    def number_or_none(self, key: str) -> float | None:
        return self.number(key) if self.has(key) else None

    def as_number(self, value: Any, key: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
            raise self.wrong(f"{key!r} must be a number, got {str(value)[:40]!r}")
        return float(value)

    def pixel(self, key: str) -> tuple[float, float]:
        value = self.take(key)
        if not isinstance(value, list) or len(value) != 2:
            raise self.wrong(f"{key!r} must be a pixel such as [412, 300], got {str(value)[:40]!r}")
        return self.as_number(value[0], key), self.as_number(value[1], key)

    def length(self) -> Length:
        """`metres`, with the standard deviation it states itself or that of `sigma`."""
        length = self._as_length("metres")
        if not self.has("sigma"):
            return length
        if length.sigma_m is not None:
            raise self.wrong("states its uncertainty twice, after ± and as 'sigma'")
        return Length(length.metres, self._as_length("sigma").metres)

    def _as_length(self, key: str) -> Length:
        value = self.take(key)
        return parse_length(value) if isinstance(value, str) else Length(self.as_number(value, key))

    def text(self, key: str) -> str:
        value = self.take(key)
        if not isinstance(value, str):
            raise self.wrong(f"{key!r} must be a text, got {str(value)[:40]!r}")
        return value

    def finish(self) -> None:
        """Raise if a key has not been read: it would be a slip of the pen that goes unnoticed."""
        if self._left:
            unknown = ", ".join(sorted(map(str, self._left)))[:80]
            raise self.wrong(f"unknown: {unknown}; free text goes into 'what'")


def _hint(entry: _Entry, photo: Photo | None, camera: Intrinsics | None) -> Hint:
    if entry.kind == "points" and entry.has("file"):
        return _points_file(entry, photo, camera)
    build = _BUILDERS.get(entry.kind)
    if build is None:
        raise entry.wrong(f"unknown kind; known: {', '.join(_BUILDERS)}")
    try:
        hint = build(entry)
    except UsageError as problem:
        raise entry.wrong(str(problem)) from None
    entry.finish()
    return hint


def _by_form(form: HintForm, entry: _Entry) -> Hint:
    arguments: dict[str, Any] = {}
    for part in form.parts:
        if isinstance(part, LengthPart):
            arguments |= length_arguments(entry.length())
        else:
            pixel = entry.pixel(part.key) if part.key else (entry.number("u"), entry.number("v"))
            arguments |= pixel_arguments(part, pixel)
    for number in form.numbers:
        if entry.has(number.name):
            arguments[number.name] = entry.number(number.name)
    hint: Hint = form.load()(**arguments)
    return hint


def _points(entry: _Entry) -> Hint:
    rows = entry.take("points")
    if not isinstance(rows, list) or not rows:
        raise entry.wrong("'points' must be a list such as [[412, 300, 1.8], ...]")
    numbers = []
    for row in rows:
        if not isinstance(row, list) or len(row) not in {3, 4}:
            raise entry.wrong(f"a point is [u, v, z] or [u, v, z, sigma], got {str(row)[:40]!r}")
        u, v, z, *sigma = (entry.as_number(value, "points") for value in row)
        numbers.append((u, v, z, sigma[0] if sigma else math.nan))
    u, v, z, sigma = np.array(numbers).T
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(np.isnan(sigma), DEFAULT_RELATIVE_SIGMA, sigma / z)
    return SparsePoints(u, v, z, relative, f"{len(z):,} points of the hints file")


def _points_file(entry: _Entry, photo: Photo | None, camera: Intrinsics | None) -> Hint:
    if photo is None or camera is None:
        raise entry.wrong("a file of points can only be read for a photo and its camera; list the points instead")
    file = entry.folder / entry.text("file")
    confidence = entry.folder / entry.text("confidence") if entry.has("confidence") else None
    axes = entry.text("axes") if entry.has("axes") else None
    units = entry.number_or_none("units_per_metre")
    entry.finish()
    return read_points(file, photo=photo, camera=camera, units_per_metre=units, confidence=confidence, axes=axes)


_BUILDERS: dict[str, Callable[[_Entry], Hint]] = {
    **{form.kind: partial(_by_form, form) for form in HINT_FORMS},
    "points": _points,
}
