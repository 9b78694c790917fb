"""Many captures: a folder for each place, and one file with a row for each."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from depth3d.batch.captures_at_once import AtOnce, one_after_another
from depth3d.core.errors import Depth3DError, MissingExtraError, OutputError, UsageError, WeightsError
from depth3d.io.save import atomic_write

ROWS_NAME = "places.jsonl"

_ENDS_THE_RUN = (OutputError, WeightsError, MissingExtraError)
"""Errors that are no capture's own, and would come again with each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureRow:
    """What became of one capture.

    Attributes:
        place: the name of its folder.
        source: the capture's path.
        recipe: what tells the options of one run from those of another.
        files: those that were written, below its folder.
        photos: how many photos were used.
        left_out: file name and reason of each photo that was not.
        unit: of the model, in words.
        notes: sentences for the user.
        seconds: how long it took.
        error: why nothing was made, in one line; None where something was.
    """

    place: str
    source: str
    recipe: str = ""
    files: tuple[str, ...] = ()
    photos: int = 0
    left_out: tuple[tuple[str, str], ...] = ()
    unit: str = ""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    error: str | None = None


Make = Callable[[Path, Path], CaptureRow]
"""(capture, folder for its files) -> its row."""


def fuse_captures(
    sources: Sequence[Path],
    folder: Path,
    make: Make,
    *,
    recipe: str,
    force: bool = False,
    at_once: AtOnce = one_after_another,
    told: Callable[[CaptureRow], None] | None = None,
) -> list[CaptureRow]:
    """Do each capture that has no row without an error yet, so that the same call continues where it was stopped.

    Args:
        sources: folders of photos, models or videos, one for each place.
        folder: where each place gets a folder with its own name, and `places.jsonl` its row.
        make: does one capture.
        recipe: what tells these options from others.
        force: do everything again.
        at_once: what does them; elsewhere than here `make` must be a value that other processes can read.
        told: called with each row, those of earlier runs first.

    Raises:
        UsageError: two captures have one name, or the folder holds places made with other options.
        OutputError: files cannot be written.
        WeightsError: the network cannot be loaded.
        MissingExtraError: a package that every place needs is not installed.
    """
    names = [_name(source) for source in sources]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{names.count(name)} captures are called {name}, the name of their folder; rename one")
    before = {} if force else _read(folder / ROWS_NAME)
    if any(row.recipe != recipe for row in before.values()):
        raise UsageError(f"{folder} holds places made with other options; choose another folder, or add --force")
    rows, told = dict(before), told or (lambda row: None)
    captures = list(zip(names, sources, strict=True))
    left = [(name, source) for name, source in captures if not _is_done(rows.get(name), source, folder / name)]
    for name, _ in (one for one in captures if one not in left):
        told(rows[name])
    for row in at_once(partial(_made, folder=folder, make=make), left):
        rows[row.place] = replace(row, recipe=recipe)
        _write(folder / ROWS_NAME, list(rows.values()))
        told(rows[row.place])
    return [rows[name] for name in names]


def _name(source: Path) -> str:
    source = source.resolve()
    return source.name if source.is_dir() else source.stem


def _is_done(row: CaptureRow | None, source: Path, folder: Path) -> bool:
    if row is None or row.error is not None or row.source != str(source):
        return False
    return all((folder / file).is_file() for file in row.files)


def _made(name: str, source: Path, *, folder: Path, make: Make) -> CaptureRow:
    begun = time.perf_counter()
    try:
        (folder / name).mkdir(parents=True, exist_ok=True)
        row = make(source, folder / name)
    except _ENDS_THE_RUN:
        raise
    except OSError as error:
        raise OutputError(f"cannot work in the folder {folder / name}: {error.strerror or error}") from None
    except Depth3DError as error:
        row = CaptureRow(place=name, source=str(source), error=" ".join(str(error).split()))
    except MemoryError:
        row = CaptureRow(place=name, source=str(source), error="not enough memory; lower --memory or --detail")
    return replace(row, place=name, source=str(source), seconds=round(time.perf_counter() - begun, 1))


def _read(path: Path) -> dict[str, CaptureRow]:
    if not path.is_file():
        return {}
    rows = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            read = json.loads(line)
            left_out = tuple((name, why) for name, why in read.pop("left_out"))
            row = CaptureRow(
                **{**read, "files": tuple(read["files"]), "notes": tuple(read["notes"])}, left_out=left_out
            )
        except (ValueError, TypeError, KeyError, AttributeError):
            raise UsageError(f"{path}: a line is no row of a place; move the file away, or add --force") from None
        rows[row.place] = row
    return rows


def _write(path: Path, rows: Sequence[CaptureRow]) -> None:
    with atomic_write(path, force=True) as file:
        file.write("".join(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows).encode("utf-8"))
