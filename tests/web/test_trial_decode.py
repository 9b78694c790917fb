"""Photos that keep a decoder busy, or want too much memory, end in a process of their own."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depth3d.core.errors import PhotoError
from depth3d.web import trial_decode
from depth3d.web.trial_decode import check_decodes

SIDE = 7000


def _segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def many_scans(count: int) -> bytes:
    """A progressive JPEG of 7000x7000 pixels with empty scans: 57 bytes each that take milliseconds."""
    blocks = (SIDE // 8 + 1) ** 2
    runs = -(-blocks // 32767)
    bits = ("0" + "1" * 14) * runs  # end of band, 2**14 and 14 bits more: 32767 blocks
    bits += "1" * (-len(bits) % 8)
    body = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    head = b"\xff\xd8" + _segment(0xDB, b"\0" + b"\1" * 64)
    head += _segment(0xC2, struct.pack(">BHHB", 8, SIDE, SIDE, 1) + b"\1\x11\0")
    for table, symbol in ((0x00, 0x00), (0x10, 0xE0)):  # a code of one bit each
        head += _segment(0xC4, bytes([table, 1]) + bytes(15) + bytes([symbol]))
    head += _segment(0xDA, b"\1\1\0\0\0\0") + bytes(blocks // 8 + 1)
    scan = _segment(0xDA, b"\1\1\0" + bytes([1, 63, 0])) + body
    return head + scan * count + b"\xff\xd9"


def test_a_photo_that_decodes_is_let_in_and_one_that_does_not_is_told(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((6, 8, 3), np.uint8)).save(tmp_path / "a.png")
    check_decodes(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:40])
    with pytest.raises(PhotoError, match=r"^b\.png: ") as told:  # and not where the server keeps it
        check_decodes(tmp_path / "b.png")
    assert str(tmp_path) not in str(told.value)


def test_a_photo_that_keeps_its_decoder_busy_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_decode, "SECONDS", 1)
    monkeypatch.setattr(trial_decode, "_WALL_PER_CPU_SECOND", 1000)  # the processor's time is what ends it
    path = tmp_path / "scans.jpg"
    path.write_bytes(many_scans(100_000))
    assert path.stat().st_size < 8_000_000
    with pytest.raises(PhotoError, match=r"scans\.jpg: decoding it takes more than 1 s"):
        check_decodes(path)


def test_a_photo_that_wants_much_memory_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_decode, "MEMORY_BYTES", 100_000_000)
    Image.new("L", (SIDE, SIDE)).save(tmp_path / "large.png")
    with pytest.raises(PhotoError, match=r"large\.png"):
        check_decodes(tmp_path / "large.png")
