from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from test_video import read

from depth3d.core.errors import OutputError, UsageError
from depth3d.core.images import Animation
from depth3d.io.animation.animation import checked_frames, durations
from depth3d.io.save import save

SUFFIXES = (".gif", ".webp", ".apng", ".avif", ".mp4", ".webm")


def animation(*frames: NDArray[np.generic], count: int | None = None, fps: float = 25) -> Animation:
    return Animation(lambda: iter(frames), len(frames) if count is None else count, fps)  # type: ignore[arg-type]


def grey(level: int = 0, width: int = 8, height: int = 6) -> NDArray[np.uint8]:
    return np.full((height, width, 3), level, np.uint8)


def test_thirty_frames_a_second_in_hundredths() -> None:
    assert durations(6, 30, 100) == [3, 4, 3, 3, 4, 3]


@given(st.integers(1, 300), st.floats(0.02, 100), st.sampled_from([100, 1000]))
def test_no_frame_drifts(count: int, fps: float, ticks: int) -> None:
    ends = np.cumsum(durations(count, fps, ticks))
    assert np.abs(ends - np.arange(1, count + 1) * ticks / fps).max() <= 0.5 + 1e-6
    assert min(durations(count, fps, ticks)) >= 1


@pytest.mark.parametrize("fps", [0, -1, 1001, float("nan"), float("inf"), 1e-9])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_frame_rates_that_cannot_be(tmp_path: Path, suffix: str, fps: float) -> None:
    with pytest.raises(UsageError, match="frames per second"):
        save(animation(grey(), fps=fps), tmp_path / f"a{suffix}")
    assert not list(tmp_path.iterdir())


BAD = {
    "no frame": (animation(), "0 frames were announced, 0 came"),
    "too few": (animation(grey(), grey(), count=3), "3 frames were announced, 2 came"),
    "too many": (animation(grey(), grey(), count=1), "1 frames were announced, more came"),
    "another size": (animation(grey(), grey(width=9)), "frame 1 has shape"),
    "grey": (animation(grey()[..., 0]), "frame 0 is uint8"),
    "float": (animation(grey().astype(np.float32)), "frame 0 is float32"),
    "empty": (animation(grey(width=0)), "frame 0 is uint8"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_frames_that_do_not_fit(tmp_path: Path, suffix: str, name: str) -> None:
    value, message = BAD[name]
    with pytest.raises(OutputError, match=message):
        save(value, tmp_path / f"a{suffix}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_frames_are_drawn_once_and_never_kept(tmp_path: Path, suffix: str) -> None:
    """The renderer may draw every frame into the same memory."""
    drawn = []

    def frames() -> Iterator[NDArray[np.uint8]]:
        canvas = grey()
        for level in (10, 200, 90):
            canvas[:] = level
            drawn.append(level)
            yield canvas

    path = save(Animation(frames, 3, 10), tmp_path / f"a{suffix}")
    assert drawn == [10, 200, 90]
    seen = [frame.mean() for frame in read(path)]
    assert np.abs(np.array(seen) - [10, 200, 90]).max() < 3


def test_an_error_of_the_renderer_comes_through_and_leaves_nothing(tmp_path: Path) -> None:
    def frames() -> Iterator[NDArray[np.uint8]]:
        yield grey()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save(Animation(frames, 2, 10), tmp_path / "a.gif")
    assert not list(tmp_path.iterdir())


def test_good_frames_pass_unchanged() -> None:
    first, second = grey(1), grey(2)
    assert [
        frame is given for frame, given in zip(checked_frames(animation(first, second)), (first, second), strict=True)
    ]
