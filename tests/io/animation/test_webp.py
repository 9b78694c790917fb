from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_gif import animation, psnr, read, scene

from depth3d.core.errors import OutputError
from depth3d.io.save import save


def test_every_frame_is_shown_for_its_time(tmp_path: Path) -> None:
    frames = scene()
    shown, times = read(save(animation(frames), tmp_path / "a.webp"))
    assert psnr(frames, shown) > 30
    assert times[:3] == [33, 34, 33]
    assert sum(times) == 400


def test_quality_costs_bytes(tmp_path: Path) -> None:
    low, high = (save(animation(scene()), tmp_path / f"{q}.webp", quality=q) for q in (20, 95))
    assert low.stat().st_size < high.stat().st_size
    assert psnr(scene(), read(low)[0]) < psnr(scene(), read(high)[0])


@pytest.mark.parametrize(("loops", "expected"), [(True, 0), (False, 1)])
def test_loops_run_for_ever_and_others_once(tmp_path: Path, loops: bool, expected: int) -> None:
    with Image.open(save(animation(scene(), loops=loops), tmp_path / "a.webp")) as image:
        assert image.info["loop"] == expected


def test_the_stated_size_is_the_files(tmp_path: Path) -> None:
    data = save(animation(scene()), tmp_path / "a.webp").read_bytes()
    assert int.from_bytes(data[4:8], "little") == len(data) - 8


def test_frames_too_large(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="at most 16383 pixels in each direction, got 20000x2"):
        save(animation([np.zeros((2, 20_000, 3), np.uint8)]), tmp_path / "a.webp")
