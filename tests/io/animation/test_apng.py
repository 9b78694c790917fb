from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_gif import animation, read, scene

from depth3d.io.save import save


@pytest.mark.parametrize("name", ["a.apng", "a.png"])
def test_every_frame_is_exact_and_shown_for_its_time(tmp_path: Path, name: str) -> None:
    frames = scene()
    shown, times = read(save(animation(frames), tmp_path / name))
    assert all(np.array_equal(a, b) for a, b in zip(frames, shown, strict=True))
    assert times[:3] == [33, 34, 33]
    assert sum(times) == 400


def test_programs_that_know_only_png_show_the_first_frame(tmp_path: Path) -> None:
    import cv2

    path = save(animation(scene()), tmp_path / "a.png")
    assert np.array_equal(cv2.imread(str(path))[..., ::-1], scene()[0])


@pytest.mark.parametrize(("loops", "expected"), [(True, 0), (False, 1)])
def test_loops_run_for_ever_and_others_once(tmp_path: Path, loops: bool, expected: int) -> None:
    path = save(animation(scene(), loops=loops), tmp_path / "a.apng", notes={"unit": "m"})
    with Image.open(path) as image:
        assert image.info["loop"] == expected
        assert image.n_frames == 12
        assert image.text == {"depth3d:unit": "m"}  # type: ignore[attr-defined]
