"""Files that come in, opened with every way in which they can be wrong turned into one sentence.

Photos, depth maps and camera files are opened here and nowhere else: what is not a file, is empty, no picture, too
large or damaged is refused.
"""

from __future__ import annotations

import os
import stat
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from depth3d.core.errors import Depth3DError, MissingExtraError, PhotoError
from depth3d.io.temporary import is_private

if TYPE_CHECKING:
    from PIL import Image

MAX_MEGAPIXELS = 200

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "AVIF", "JPEG2000")
_RAW_SUFFIXES = {".arw", ".cr2", ".cr3", ".crw", ".dng", ".nef", ".orf", ".pef", ".raf", ".rw2", ".srw"}
_XMP_START, _XMP_END = b"<x:xmpmeta", b"</x:xmpmeta>"
_APPLE_DEPTH = b"http://ns.apple.com/depthData/1.0/"
_LARGEST_SCANNED_BYTES = 500_000_000
_LONGEST_SHOWN = 400
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
DECODER_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What Pillow and its relatives raise on damaged input; only calls into a decoder may be wrapped in this."""

_pillow_is_ours = threading.RLock()


@contextmanager
def open_picture(path: Path, error: type[Depth3DError]) -> Iterator[Image.Image]:
    """Open a picture and give its header; `image.load()` inside the block decodes it.

    The block should do no more than read the header's facts and decode: what a decoder raises there becomes `error`.

    Args:
        path: the file; its suffix does not matter, its content does.
        error: the class of error to raise.

    Raises:
        Depth3DError: as `error`: no such file, not a file, unreadable, empty, not a picture, a camera's raw file, of
            more than 200 megapixels, or damaged.
        MissingExtraError: a HEIC picture without the package that reads it.
    """
    with open_regular_file(path, error) as file, _pillow_for_large_pictures(), decoding(path, error):
        image = _identified(file, path, error)
        _check_size(image, path, error)
        yield image


@contextmanager
def decoding(path: Path, error: type[Depth3DError]) -> Iterator[None]:
    """Turn what Pillow raises on damaged pictures, or while it changes their mode, into `error`."""
    from PIL.ImageCms import PyCMSError

    try:
        yield
    except (PyCMSError, *DECODER_DAMAGE) as damage:
        raise error(f"{shown(path)}: the picture is damaged: {_one_line(damage)}; export or copy it again") from None


@contextmanager
def open_regular_file(path: Path, error: type[Depth3DError]) -> Iterator[IO[bytes]]:
    """Open a non-empty regular file for reading bytes, or raise `error` with one line that says why not.

    A pipe or a device is refused without waiting for it. What the system refuses while the block reads is told as well.
    """
    with _opened(path, error) as file:
        try:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise error(f"{shown(path)}: is not a regular file; save it to one first")
            if not file.read(1):
                raise error(f"{shown(path)}: the file is empty")
            file.seek(0)
            yield file
        except OSError as problem:
            raise error(f"{shown(path)}: cannot be read: {problem.strerror or problem}") from None


def _opened(path: Path, error: type[Depth3DError]) -> IO[bytes]:
    try:
        return open(path, "rb", opener=_open_at_once)  # noqa: PTH123, SIM115 - Path.open takes no opener
    except FileNotFoundError:
        raise error(f"{shown(path)}: no such file") from None
    except IsADirectoryError:
        raise error(f"{shown(path)}: is a folder, not a file") from None
    except (OSError, ValueError) as problem:
        raise error(f"{shown(path)}: cannot be read: {getattr(problem, 'strerror', None) or problem}") from None


def check_regular_file(path: Path, error: type[Depth3DError]) -> None:
    """Raise `error` unless a library that opens files by their names will find a non-empty regular file."""
    with open_regular_file(path, error):
        pass


def read_small_file(path: Path, error: type[Depth3DError], *, most_bytes: int, what: str) -> bytes:
    """Everything in a regular file, unless that is more than such a file can have.

    Args:
        path: the file.
        error: the class of error to raise.
        most_bytes: how much it may hold.
        what: such a file in words, such as "file of hints".
    """
    with open_regular_file(path, error) as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise error(f"{shown(path)}: over {most_bytes / 1e6:g} MB, no {what}")
    return content


def _open_at_once(path: str, flags: int) -> int:
    """Open a file without waiting for the other end of a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def is_file(path: Path) -> bool:
    """Whether there is a regular file; False too where the name is too long for one, or its folder is closed to us."""
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises OSError for such names


def is_folder(path: Path) -> bool:
    """Whether there is a folder, likewise."""
    return os.path.isdir(path)  # noqa: PTH112


def shown(path: Path) -> str:
    """The path as it can stand in a one-line message: not too long, in a temporary folder of ours the name alone."""
    text = path.name if is_private(path) else str(path)
    if len(text) > _LONGEST_SHOWN:
        text = f"{text[: _LONGEST_SHOWN // 2]}...{text[-_LONGEST_SHOWN // 2 :]}"
    return text if text.isprintable() else ascii(text)


def _identified(file: IO[bytes], path: Path, error: type[Depth3DError]) -> Image.Image:
    from PIL import Image, UnidentifiedImageError

    if path.suffix.lower() in _RAW_SUFFIXES:
        raise error(f"{shown(path)}: a camera's raw file; develop it to JPEG, TIFF or PNG first")
    start = file.read(32)
    file.seek(0)
    formats: tuple[str, ...] = _FORMATS
    if start[4:8] == b"ftyp" and start[8:12] in HEIF_BRANDS:
        _register_heif()
        formats = ("HEIF",)
    try:
        return Image.open(file, formats=formats)
    except UnidentifiedImageError:
        known = ", ".join(_FORMATS)
        raise error(
            f"{shown(path)}: no picture, or one with a damaged header (begins {start[:12]!r}); known: {known}, HEIC"
        ) from None


def _register_heif() -> None:
    try:
        import pillow_heif
    except ImportError:
        raise MissingExtraError("HEIC photos", "pillow-heif", "formats") from None
    pillow_heif.register_heif_opener()


def _check_size(image: Image.Image, path: Path, error: type[Depth3DError]) -> None:
    width, height = image.size
    if width * height > MAX_MEGAPIXELS * 1_000_000:
        raise error(f"{shown(path)}: {width}x{height} is more than {MAX_MEGAPIXELS} megapixels; resize it first")


@contextmanager
def _pillow_for_large_pictures() -> Iterator[None]:
    """Pillow without its own limit of 89 megapixels, since ours follows, and without its warnings about odd files."""
    from PIL import Image

    with _pillow_is_ours, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.|pillow_heif\.")
        usual_limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = usual_limit


def _one_line(problem: BaseException) -> str:
    return " ".join(str(problem).split()) or type(problem).__name__


def apple_depth_packet(path: Path) -> bytes | None:
    """The XMP packet that an Apple device wrote about the depth in a HEIC file, or None.

    It belongs to a picture beside the first, where decoders do not hand it out, so the file is scanned for packets
    (Adobe, XMP specification part 1, 7.3).

    Raises:
        PhotoError: the file cannot be read.
    """
    with open_regular_file(path, PhotoError) as file:
        content = file.read(_LARGEST_SCANNED_BYTES + 1)
    if len(content) > _LARGEST_SCANNED_BYTES:
        return None
    return next((packet for packet in _xmp_packets(content) if _APPLE_DEPTH in packet), None)


def _xmp_packets(content: bytes) -> Iterator[bytes]:
    """Everything between the tags of a packet; each byte is looked at a fixed number of times."""
    start = content.find(_XMP_START)
    while start >= 0 and (end := content.find(_XMP_END, start)) >= 0:
        end += len(_XMP_END)
        yield content[start:end]
        start = content.find(_XMP_START, end)
