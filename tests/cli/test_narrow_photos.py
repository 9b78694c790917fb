"""Photos of one row or one column: what cannot be made of them is said in one line, and nothing runs out of memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from depth3d.cli import run


@pytest.mark.parametrize("size", [(1, 60_000), (60_000, 1)])
@pytest.mark.parametrize(
    "line",
    [
        "export photo.png --depth-map depth.npy --depth-kind metric -o a.ply -o a.png",
        "export photo.png --depth-map depth.npy --depth-kind metric -o a.glb",
        "depth photo.png --depth-map depth.npy --heatmap -o a.jpg",
        "parallax photo.png --depth-map depth.npy --depth-kind metric --fps 4 --seconds 0.5 -o a.gif",
        "stereo photo.png --depth-map depth.npy --depth-kind metric -o a.jpg",
    ],
)
def test_a_photo_of_one_row_or_column(
    line: str,
    size: tuple[int, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    width, height = size
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(noise).save("photo.png")
    np.save("depth.npy", np.linspace(1, 3, width * height, dtype=np.float32).reshape(height, width))
    code = run(line.split())
    told = capsys.readouterr().err.splitlines()
    assert code in (0, 1, 2)
    assert code == 0 or told[-1].startswith("depth3d: ")
