"""How fast animations are written, how large and how true they are, beside what other libraries do in the same run.

    python benchmarks/animations.py [PHOTO]

Without a photo it takes one of the real test data (DEPTH3D_TEST_DATA). Each line is the median of several rounds in
which all take turns; files are new each time. Geometry has a command: depth3d bench geometry.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence

import depth3d as d3
from depth3d.formats import save
from depth3d.pictures import Animation

FRAMES, FRAME_SIZE, SWING_PX = 60, (640, 360), 12
Work = Callable[[Path], None]


def main() -> None:
    """Print the table."""
    data = Path(os.environ.get("DEPTH3D_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else data / "depthy_lensblur" / "tunnel-image.jpg"
    photo = d3.read_photo(path).rgb
    with tempfile.TemporaryDirectory() as folder:
        animations(photo, Path(folder))


def animations(photo: NDArray[np.uint8], folder: Path) -> None:
    """A picture that swings by its parallax."""
    frames = list(swing(photo))
    ours = Animation(lambda: iter(frames), len(frames), 25)

    def by_pillow(path: Path) -> None:
        first, *rest = (Image.fromarray(one) for one in frames)
        first.save(path, save_all=True, append_images=rest, duration=40, loop=0)

    def by_opencv(path: Path) -> None:
        value = cv2.Animation()
        value.frames = [cv2.cvtColor(one, cv2.COLOR_RGB2BGR) for one in frames]
        value.durations = np.full(len(frames), 40)
        cv2.imwriteanimation(str(path), value)

    compare(
        f"GIF, {FRAMES} frames {FRAME_SIZE[0]}x{FRAME_SIZE[1]}",
        ".gif",
        folder,
        {
            "depth3d": lambda path: discard(save(ours, path)),
            "depth3d, no dither": lambda path: discard(save(ours, path, dither="none")),
            "Pillow": by_pillow,
            "OpenCV": by_opencv,
        },
        rounds=3,
        truth=frames,
    )


def swing(photo: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Frames in which the picture's lower part, the nearer one, moves most."""
    width, height = FRAME_SIZE
    u, v = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    small = cv2.resize(photo, (width + 2 * SWING_PX, height + 2 * SWING_PX), interpolation=cv2.INTER_AREA)
    for angle in np.linspace(0, 2 * np.pi, FRAMES, endpoint=False):
        shift = SWING_PX * (v / height)
        columns = (u + SWING_PX + shift * np.sin(angle)).astype(np.float32)
        rows = (v + SWING_PX + shift * 0.4 * np.cos(angle)).astype(np.float32)
        yield np.asarray(cv2.remap(small, columns, rows, cv2.INTER_LINEAR), np.uint8)


def compare(
    title: str,
    suffix: str,
    folder: Path,
    works: dict[str, Work],
    *,
    rounds: int = 7,
    truth: list[NDArray[np.uint8]] | None = None,
) -> None:
    """Print time, size and, for frames, distance from the truth; ratios are to the first of the works."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    sizes: dict[str, int] = {}
    quality: dict[str, float] = {}
    for _ in range(rounds):
        for name, work in works.items():
            path = folder / f"out{suffix}"
            start = time.perf_counter()
            work(path)
            seconds[name].append(time.perf_counter() - start)
            sizes[name] = path.stat().st_size
            if truth is not None and name not in quality:
                quality[name] = psnr(path, truth)
            path.unlink()
    first = next(iter(works))
    print(f"\n{title}")
    for name in works:
        median = statistics.median(seconds[name])
        line = f"  {name:28s} {median * 1e3:8.1f} ms {sizes[name] / 1e6:8.2f} MB"
        line += f"   time x{median / statistics.median(seconds[first]):6.2f}   size x{sizes[name] / sizes[first]:5.2f}"
        print(line + (f"   PSNR {quality[name]:.2f} dB" if name in quality else ""))


def psnr(path: Path, truth: list[NDArray[np.uint8]]) -> float:
    """Peak signal to noise ratio of all frames, as Pillow decodes them."""
    with Image.open(path) as image:
        shown = [np.asarray(one.convert("RGB"), np.float32) for one in ImageSequence.Iterator(image)]
    error = np.mean([np.mean((one - other) ** 2) for one, other in zip(shown, truth, strict=True)])
    return float(10 * np.log10(255**2 / error))


def discard(_: object) -> None:
    """Nothing; so that what returns a path fits where only the time matters."""


if __name__ == "__main__":
    main()
