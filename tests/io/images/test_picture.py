from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from depth3d.core.errors import OutputError, UsageError
from depth3d.core.images import Picture
from depth3d.io.images.codec import encode_jpeg, encode_png, encode_webp
from depth3d.io.images.png import chunks
from depth3d.io.save import save


def ramp(width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    u, v = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return np.stack([u, v, 255 - u], axis=-1).astype(np.uint8)


def pixels(path: Path) -> NDArray[np.int16]:
    with Image.open(path) as image:
        assert image.mode == "RGB"
        return np.asarray(image).astype(np.int16)


def test_png_loses_nothing_and_holds_the_notes(tmp_path: Path) -> None:
    notes = {"photo": "küche.jpg", "place": "厨房", "unit": "m"}
    path = save(Picture(ramp()), tmp_path / "a.png", notes=notes)
    assert np.array_equal(pixels(path), ramp())
    with Image.open(path) as image:
        assert image.text == {f"depth3d:{name}": text for name, text in notes.items()}  # type: ignore[attr-defined]
    kinds = [kind for kind, _ in chunks(path.read_bytes())]
    assert kinds[:4] == [b"IHDR", b"tEXt", b"iTXt", b"tEXt"]
    assert kinds[-1] == b"IEND"


@pytest.mark.parametrize(("suffix", "form"), [(".jpg", "JPEG"), (".jpeg", "JPEG"), (".webp", "WEBP")])
def test_lossy_pictures_keep_their_colours(tmp_path: Path, suffix: str, form: str) -> None:
    path = save(Picture(ramp()), tmp_path / f"a{suffix}")
    with Image.open(path) as image:
        assert image.format == form
    assert np.abs(pixels(path) - ramp()).mean() < 2
    small = save(Picture(ramp()), tmp_path / f"b{suffix}", quality=20)
    assert small.stat().st_size < path.stat().st_size


@pytest.mark.parametrize("quality", [0, 101])
def test_a_quality_that_cannot_be(quality: int) -> None:
    for encode in (encode_jpeg, encode_webp):
        with pytest.raises(UsageError, match=f"between 1 and 100, got {quality}"):
            encode(ramp(), quality=quality)


def test_a_picture_too_large_for_its_format() -> None:
    with pytest.raises(OutputError, match=r"70000x1 pixels does not fit into \.webp"):
        encode_webp(np.zeros((1, 70_000, 3), np.uint8))


def test_views_are_taken_as_they_are() -> None:
    turned = ramp()[::-1, ::2]
    assert encode_png(turned, texts={}) == encode_png(turned.copy(), texts={})
