"""Where the photos of a model lie: its poses name them, but say little about folders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from depth3d.core.errors import CameraError, PhotoError
from depth3d.io.cameras.entries import listed
from depth3d.io.open_input import is_file, is_folder, open_picture, shown

NO_PLACE = "the model does not say where it was taken; whoever made the model could not place it"

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".heif", ".avif")


class Photos:
    """Photos by the names a model gives them.

    Args:
        given: folders and files that the user named; none means `usual`.
        usual: folders where they lie when nobody says so, nearest first.

    Raises:
        CameraError: one of those given is not there.
    """

    def __init__(self, given: Sequence[Path], *, usual: Sequence[Path]) -> None:
        for path in given:
            if not (is_file(path) or is_folder(path)):
                raise CameraError(f"{shown(path)}: no such file or folder of photos")
        self._folders = [path for path in (given or usual) if is_folder(path)]
        self._files = [path for path in given if is_file(path)]
        self._by_name = {path.name: path for folder in reversed(self._folders) for path in _photos_in(folder)}
        self._by_name |= {path.name: path for path in self._files}
        self._by_stem = {path.stem: path for path in self._by_name.values()}

    def find(self, name: str) -> Path | None:
        """The photo of a name, which may come with folders or without a suffix; None where it is not there."""
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts:  # paths of the machine that made the model
            path = PurePosixPath(path.name)
        for folder in self._folders:
            for suffix in ("", *SUFFIXES):  # Blender's scenes leave it out
                if is_file(folder / f"{path}{suffix}"):
                    return folder / f"{path}{suffix}"
        return self._by_name.get(path.name) or self._by_stem.get(path.name) or self._by_stem.get(path.stem)

    def in_order(self) -> list[Path]:
        """All photos by name, numbers inside names by their value."""
        return in_natural_order(self._by_name.values())

    def missing_note(self, missing: Sequence[str]) -> tuple[str, ...]:
        """A sentence about photos that are not there."""
        return (f"{len(missing)} photos are not there and are left out: {listed(list(missing))}",) if missing else ()

    def without_place(self, placed: Iterable[Path]) -> tuple[tuple[str, str], ...]:
        """(name, reason) of each photo that lies beside those that have a place, and has none."""
        found = {path.resolve() for path in placed}
        folders = list(dict.fromkeys(path.parent for path in found))
        beside = [path for folder in folders for path in in_natural_order(_photos_in(folder))]
        return tuple((path.name, NO_PLACE) for path in beside if path.resolve() not in found)

    def none_found(self, names: Sequence[str], where: str) -> str:
        """What to say when not one photo is there."""
        looked = [*self._folders, *self._files]
        place = f"in {', '.join(shown(path) for path in looked)}" if looked else "beside it"
        return f"{where}: none of its {len(names)} photos is {place} (wanted {listed(list(names))}); give their folder"


def stored_size(photo: Path) -> tuple[int, int]:
    """(width, height) of a photo's pixels as they are stored, before they are turned upright.

    Raises:
        PhotoError: it cannot be read.
    """
    with open_picture(photo, PhotoError) as header:
        return header.size


def in_natural_order(paths: Iterable[Path]) -> list[Path]:
    """Files by name, numbers inside names by their value."""
    return sorted(paths, key=_natural)


def _photos_in(folder: Path) -> list[Path]:
    try:
        there = sorted(folder.iterdir())
    except OSError as problem:
        raise CameraError(f"{shown(folder)}: cannot be read: {problem.strerror or problem}") from None
    return [path for path in there if path.suffix.lower() in SUFFIXES and is_file(path)]


def _natural(path: Path) -> tuple[tuple[int, int | str], ...]:
    parts: list[tuple[int, int | str]] = []
    text, digits = "", ""
    for letter in path.name + "\0":
        if letter.isdecimal() and letter.isascii():
            if text:
                parts.append((1, text))
                text = ""
            digits += letter
            continue
        if digits:
            parts.append((0, int(digits)))
            digits = ""
        text += letter
    return (*parts, (1, text))
