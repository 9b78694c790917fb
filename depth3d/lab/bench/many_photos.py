"""Many photos out of a few real ones: each a crop of its own, re-encoded; for batches whose size matters."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

BROKEN = ("cut", "empty", "noise", "text")


def make_photos(
    sources: Path, folder: Path, count: int, *, size: tuple[int, int] = (320, 240), broken: int = 0, seed: int = 0
) -> list[Path]:
    """Write JPEG crops of the photos below `sources` into a folder; so many of them broken in one of four ways.

    Returns:
        The files, in order of their names; which of them are broken follows from the seed.
    """
    found = sorted(path for path in sources.rglob("*") if path.suffix.lower() in {".jpg", ".png"})
    pictures = _pictures(found, size)
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    spoilt = set(rng.sample(range(count), broken))
    files = []
    for number in range(count):
        picture = rng.choice(pictures)
        left, top = (rng.randint(0, have - want) for have, want in zip(picture.size, size, strict=True))
        file = folder / f"{number:06d}.jpg"
        picture.crop((left, top, left + size[0], top + size[1])).save(file, quality=rng.randint(70, 95))
        if number in spoilt:
            _spoil(file, rng)
        files.append(file)
    return files


def _pictures(files: Sequence[Path], size: tuple[int, int]) -> list[Image.Image]:
    """Colour photos, shrunk to not much more than a crop so that crops show whole scenes."""
    found = []
    for file in files:
        with Image.open(file) as picture:
            if picture.mode != "RGB":
                continue
            factor = max(want * 1.25 / have for have, want in zip(picture.size, size, strict=True))
            found.append(picture.resize((round(picture.width * factor), round(picture.height * factor))))
    return found


def _spoil(file: Path, rng: random.Random) -> None:
    content = file.read_bytes()
    broken = {
        "cut": content[: rng.randint(20, len(content) - 100)],
        "empty": b"",
        "noise": rng.randbytes(2000),
        "text": b"no photo at all\n",
    }
    file.write_bytes(broken[rng.choice(BROKEN)])
