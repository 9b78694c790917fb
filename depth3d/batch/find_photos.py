"""Which photos a batch is made of, and how each one's files are called."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from depth3d.batch.process_photo import Job, Recipe
from depth3d.batch.storage import Folder, filesystem, is_local, reason
from depth3d.core.errors import Depth3DError, Depth3DWarning, PhotoError, StoreError, UsageError
from depth3d.io.open_input import is_file, is_folder

_SUFFIXES = {
    *(".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".ppm", ".pgm", ".jp2"),
    *(".heic", ".heif", ".avif"),
}
"""Of a folder's files, these are taken for photos; a glob or a file's name takes what it says."""


class BatchWarning(Depth3DWarning):
    """A part of what was given cannot be read; the rest goes on."""


_WILD = "*?["


@dataclass(frozen=True, slots=True)
class Found:
    """A photo.

    Attributes:
        url: its path or URL.
        below: its path below the folder that was given, or below the part of a glob before the first wildcard.
    """

    url: str
    below: PurePosixPath


def find_photos(inputs: Sequence[str], *, output: Folder) -> list[Found]:
    """Every photo of folders (with all below them), globs, files and URLs, in order of their names.

    Args:
        inputs: what the user gave.
        output: a batch's folder; its files are no photos.

    Raises:
        PhotoError: there is none.
        StoreError: a place cannot be read.
        UsageError: no such protocol, or all photos lie in the batch's own folder.
    """
    found: dict[str, Found] = {}
    for given in inputs:
        system, path = filesystem(given)
        here = _found(system, path, given)
        if not here:
            raise PhotoError(f"{given}: no photo is there")
        found |= {one.url: one for one in here}
    if output.path is not None:
        inside = f"{output.path.as_posix()}/"
        found = {url: one for url, one in found.items() if not url.startswith(inside)}
    if not found:
        raise UsageError(f"{output.url}: the photos lie in the output's folder; choose another one for -o")
    return [found[url] for url in sorted(found)]


def to_jobs(photos: Sequence[Found], recipe: Recipe) -> list[Job]:
    """Give each photo's files their names: those of the photo, with its suffix where two differ in nothing else.

    Raises:
        UsageError: two photos would write the same file.
    """
    stems = Counter(photo.below.with_suffix("") for photo in photos)
    jobs: list[Job] = []
    owner: dict[str, str] = {}
    for photo in photos:
        stem = photo.below.with_suffix("")
        job = Job(photo.url, (photo.below if stems[stem] > 1 else stem).as_posix())
        for file in recipe.files_of(job.name):
            other = owner.setdefault(file, photo.url)
            if other != photo.url:
                raise UsageError(f"{other} and {photo.url} would both write {file}; give each its own batch")
        jobs.append(job)
    return jobs


def _found(system: Any, path: str, given: str) -> list[Found]:
    try:
        if any(sign in path for sign in _WILD) and not system.exists(path):
            root = _fixed_part(path)
            paths = [one for one, info in system.glob(path, detail=True).items() if info["type"] == "file"]
        elif system.isfile(path):
            return [_photo(system, path, str(PurePosixPath(path).parent), given)]
        else:
            root = path
            paths = [one for one in _below(system, path) if PurePosixPath(one).suffix.lower() in _SUFFIXES]
        photos = [_photo(system, one, root, given) for one in paths]
        return [photo for photo in photos if not any(part.startswith(".") for part in photo.below.parts)]
    except FileNotFoundError:
        return []
    except Depth3DError:
        raise
    except Exception as error:
        raise StoreError(f"{given}: cannot be read: {reason(error)}") from error


def _below(system: Any, path: str) -> list[str]:
    """Every file below a folder; of this machine's, those that are closed to us are told."""
    if not is_local(system):
        return list(system.find(path))
    if not is_folder(Path(path)):
        raise PhotoError(f"{path}: is neither a file nor a folder") if system.exists(path) else FileNotFoundError(path)
    closed: list[OSError] = []
    walk = os.walk(path, onerror=closed.append)
    found = [Path(folder) / name for folder, _, names in walk for name in names]
    for error in closed:
        if Path(str(error.filename)) == Path(path):
            raise error
        warnings.warn(BatchWarning(f"{error.filename}: cannot be read and is left out: {error.strerror}"), stacklevel=2)
    return [file.as_posix() for file in found if is_file(file)]


def _photo(system: Any, path: str, root: str, given: str) -> Found:
    below = PurePosixPath(path.removeprefix(root.rstrip("/")).lstrip("/"))
    if is_local(system):
        return Found(path, below)
    _, chain, rest = given.partition("::")
    return Found(f"{system.unstrip_protocol(path)}{chain}{rest}", below)


def _fixed_part(pattern: str) -> str:
    """The folder above the first wildcard."""
    first = min(pattern.index(sign) for sign in _WILD if sign in pattern)
    return pattern[:first].rpartition("/")[0]
