"""Points in a table: CSV, TSV, or columns of text.

Each row is `u, v, z` or `u, v, z, sigma`: a pixel of the upright photo (centres at +0.5), the depth along the optical
axis, and perhaps its standard deviation, both in metres. Columns are parted by commas, semicolons, tabs or spaces; with
semicolons a comma may be the decimal sign. A first row of names may order the columns otherwise and add others, which
are left aside. Empty lines and what follows a # are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from depth3d.core.errors import HintError
from depth3d.io.open_input import open_regular_file, shown
from depth3d.io.points.pixel_depths import DEFAULT_RELATIVE_SIGMA, PixelDepths

_LARGEST_FILE_BYTES = 200_000_000
_NAMES = {
    "u": ("u", "x", "px", "col", "column", "u_px", "x_px"),
    "v": ("v", "y", "py", "row", "v_px", "y_px"),
    "z": ("z", "depth", "metres", "meters", "z_m", "depth_m"),
    "sigma": ("sigma", "sigma_m", "sigma_z", "std", "stddev"),
}
_EXAMPLE = "write for example 412,300,1.80"


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where each number stands in a row, and how many columns there are; None for a row that may vary."""

    u: int = 0
    v: int = 1
    z: int = 2
    sigma: int | None = 3
    count: int | None = None


def table_depths(path: Path, *, units_per_metre: float) -> PixelDepths:
    """Read a table of points.

    Raises:
        HintError: the file cannot be read, or a row (whose number is given) is not what it should be.
    """
    rows = list(_rows(path))
    u, v, z, sigma = np.array(rows, np.float64).reshape(-1, 4).T
    relative = np.where(np.isnan(sigma), DEFAULT_RELATIVE_SIGMA, sigma / z)
    remedy = "U counts from the upright photo's left edge, V from its top"
    return PixelDepths(u, v, z / units_per_metre, relative, path.name, remedy)


def _rows(path: Path) -> Iterator[tuple[float, float, float, float]]:
    """u, v, z and sigma, which is NaN where it is not given."""
    columns: _Columns | None = None
    for number, line in enumerate(_text(path).splitlines(), start=1):
        words = _words(line.partition("#")[0])
        if not any(words):
            continue
        where = f"{shown(path)}: line {number}"
        if columns is None:
            columns = _Columns() if _is_number(words[0]) else _named(words, where)
            if columns.count is not None:
                continue
        yield _row(words, columns, where)


def _text(path: Path) -> str:
    with open_regular_file(path, HintError) as file:
        content = file.read(_LARGEST_FILE_BYTES + 1)
    if len(content) > _LARGEST_FILE_BYTES:
        raise HintError(f"{shown(path)}: over {_LARGEST_FILE_BYTES // 1_000_000} MB of text; thin it first")
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise HintError(f"{shown(path)}: no table of points, not even text; {_EXAMPLE}") from None


def _words(line: str) -> list[str]:
    if ";" in line:
        return [word.strip().replace(",", ".") for word in line.split(";")]
    if "\t" in line or "," in line:
        return [word.strip() for word in line.split("," if "," in line else "\t")]
    return line.split()


def _named(words: list[str], where: str) -> _Columns:
    names = [word.strip("\"'").lower() for word in words]
    at = {key: next((i for i, name in enumerate(names) if name in known), None) for key, known in _NAMES.items()}
    u, v, z = at["u"], at["v"], at["z"]
    if u is None or v is None or z is None:
        missing = ", ".join(key for key in ("u", "v", "z") if at[key] is None)
        raise HintError(f"{where}: no column {missing} among {', '.join(names)[:80]!r}; {_EXAMPLE}, or name u, v, z")
    return _Columns(u, v, z, at["sigma"], len(names))


def _row(words: list[str], columns: _Columns, where: str) -> tuple[float, float, float, float]:
    if columns.count is None and len(words) not in {3, 4}:
        raise HintError(f"{where}: {len(words)} columns, expected u, v, z or u, v, z, sigma; {_EXAMPLE}")
    if columns.count is not None and len(words) != columns.count:
        raise HintError(f"{where}: {len(words)} columns, the first row names {columns.count}")
    u, v, z = (_number(words[i], where) for i in (columns.u, columns.v, columns.z))
    sigma = math.nan
    if columns.sigma is not None and columns.sigma < len(words) and words[columns.sigma]:
        sigma = _number(words[columns.sigma], where)
    for name, value in (("depth", z), ("sigma", sigma)):
        if value <= 0:
            raise HintError(f"{where}: the {name} must be positive, got {value:g}; leave the row out if it is unknown")
    return u, v, z, sigma


def _number(word: str, where: str) -> float:
    if not _is_number(word):
        raise HintError(f"{where}: {word[:40]!r} is not a finite number; {_EXAMPLE}")
    return float(word)


def _is_number(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False
