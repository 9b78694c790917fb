"""Captures as phones send them: a ZIP archive, also where it is called .r3d."""

from __future__ import annotations

import lzma
import zipfile
from pathlib import Path, PurePosixPath

from depth3d.core.errors import CameraError
from depth3d.io.captures.unpack_folder import UnpackFolder
from depth3d.io.open_input import DECODER_DAMAGE, check_regular_file, shown

SUFFIXES = (".zip", ".r3d")

_WANTED = (
    *(".json", ".jsonl", ".csv", ".txt", ".bin", ".xml", ".xmp", ".ply", ".npy", ".npz", ".exr", ".raw", ".f32"),
    *(".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".heic", ".heif", ".depth", ".conf", ""),
)
_MOST_BYTES = 60_000_000_000
_MOST_RATIO = 200
"""Photos hardly shrink; what unfolds to more than so many times the archive's size is not a capture."""


def unpack(path: Path) -> UnpackFolder:
    """Unpack what belongs to a capture into a folder that goes when the returned value does.

    Raises:
        CameraError: the file is no ZIP archive, damaged, or holds far more than a capture would.
    """
    folder = UnpackFolder()
    check_regular_file(path, CameraError)
    try:
        with zipfile.ZipFile(path) as archive:
            wanted = [one for one in archive.infolist() if _is_wanted(one)]
            total = sum(one.file_size for one in wanted)
            if total > min(_MOST_BYTES, _MOST_RATIO * max(path.stat().st_size, 100_000)):
                raise CameraError(f"{shown(path)}: unfolds to {total / 1e9:.1f} GB, which no capture does")
            archive.extractall(folder.path, wanted)
    except (zipfile.BadZipFile, lzma.LZMAError, *DECODER_DAMAGE) as problem:
        raise CameraError(f"{shown(path)}: cannot be unpacked: {' '.join(str(problem).split())[:200]}") from None
    return folder


def _is_wanted(entry: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(entry.filename)
    is_hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return not entry.is_dir() and not is_hidden and path.suffix.lower() in _WANTED
