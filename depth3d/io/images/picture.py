"""Pictures to look at: PNG, JPEG, WebP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO

from depth3d.core.images import Picture
from depth3d.io.images.codec import DEFAULT_QUALITY, encode_jpeg, encode_png, encode_webp


def write_png(picture: Picture, file: BinaryIO, *, notes: Mapping[str, str]) -> None:
    """Write without loss, the notes as texts named depth3d:<name>."""
    file.write(encode_png(picture.rgb, texts={f"depth3d:{name}": text for name, text in notes.items()}))


def write_jpeg(picture: Picture, file: BinaryIO, *, notes: Mapping[str, str], quality: int = DEFAULT_QUALITY) -> None:
    """Write as JPEG of a quality from 1 to 100; notes are not stored."""
    file.write(encode_jpeg(picture.rgb, quality=quality))


def write_webp(picture: Picture, file: BinaryIO, *, notes: Mapping[str, str], quality: int = DEFAULT_QUALITY) -> None:
    """Write as lossy WebP of a quality from 1 to 100; notes are not stored."""
    file.write(encode_webp(picture.rgb, quality=quality))
