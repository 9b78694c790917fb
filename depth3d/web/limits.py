"""What the page takes from strangers: how large a file, how many pixels, and nothing but pictures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from depth3d.core.errors import PhotoError, UsageError
from depth3d.io.open_input import open_picture
from depth3d.scenes.options import ServerOptions

_SERVER = ServerOptions()

_LONGEST_NAME = 60


class TooLargeError(PhotoError):
    """A photo is larger than this server takes."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one server.

    Attributes:
        megabytes: the largest photo file, in millions of bytes.
        megapixels: the largest photo, in millions of pixels.
        visitors: how many pages may have a photo at one time.

    Raises:
        UsageError: a bound is not positive.
    """

    megabytes: float = _SERVER.megabytes
    megapixels: float = _SERVER.megapixels
    visitors: int = _SERVER.visitors

    def __post_init__(self) -> None:
        if not (self.megabytes > 0 and self.megapixels > 0 and self.visitors > 0):
            raise UsageError(f"limits must be positive, got {self}")

    def check_bytes(self, count: int) -> None:
        """Raise TooLargeError when a file has more bytes than allowed."""
        if count > self.megabytes * 1e6:
            raise TooLargeError(f"the file is larger than the {self.megabytes:g} MB this page takes; make it smaller")

    def check_photo(self, path: Path) -> None:
        """Look at a file's header, whatever its name says.

        Raises:
            PhotoError: no picture.
            TooLargeError: one of more pixels than allowed.
            MissingExtraError: a HEIC picture without the package that reads it.
        """
        with open_picture(path, PhotoError) as image:
            width, height = image.size
        if width * height > self.megapixels * 1e6:
            raise TooLargeError(
                f"{path.name}: {width}x{height} is more than the {self.megapixels:g} megapixels this page takes; "
                "make it smaller"
            )


def safe_file_name(name: str) -> str:
    """A file name that is nothing but a name: no folder, nothing unprintable, not hidden, not long.

    >>> safe_file_name("../../etc/pass wd.jpg")
    'pass_wd.jpg'
    """
    stem, dot, suffix = re.split(r"[/\\]", name)[-1].rpartition(".")
    if not dot:
        stem, suffix = suffix, ""
    stem, suffix = (re.sub(r"[^\w.-]+", "_", part) for part in (stem, suffix))
    stem = re.sub(r"\.+", ".", stem).strip("._")
    return (stem[:_LONGEST_NAME] or "photo") + (f".{suffix[:5]}" if suffix else "")
