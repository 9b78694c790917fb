"""Moving pictures within a number of bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_video import animation, smooth

from depth3d.core.errors import OutputError, UsageError
from depth3d.core.images import Animation
from depth3d.core.parsing import parse_bytes
from depth3d.io.animation.size_limit import Fitted, fit_animation
from depth3d.io.registry import format_for
from depth3d.io.save import save

NOISE = np.random.default_rng(0).integers(0, 40, (64, 96, 3)).astype(np.uint8)
FRAMES = [frame // 2 + np.roll(NOISE, 3 * i, axis=1) for i, frame in enumerate(smooth(96, 64, 8))]


def fit(frames: Animation, path: Path, max_bytes: int, **options: Any) -> Fitted:
    """In the format that the suffix asks for."""
    return fit_animation(frames, path, max_bytes, form=format_for("Animation", path), **options)


def _size(fitted: Fitted, folder: Path, suffix: str) -> int:
    return save(fitted.animation, folder / f"a{suffix}", force=True, **fitted.options).stat().st_size


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".apng", ".avif", ".mp4", ".webm"])
def test_it_fits_and_says_what_was_given_up(tmp_path: Path, suffix: str) -> None:
    whole = fit(animation(FRAMES), tmp_path / f"a{suffix}", 10_000_000)
    assert whole.given_up == ""
    assert whole.animation.count == 8
    size = _size(whole, tmp_path, suffix)
    goal = int(size * 0.6) + 2000
    fitted = fit(animation(FRAMES), tmp_path / f"a{suffix}", goal)
    assert fitted.given_up
    assert goal / 8 < _size(fitted, tmp_path, suffix) <= goal


def test_colours_go_first_then_frames_then_width(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    size = _size(Fitted(animation(FRAMES)), tmp_path, ".gif")
    said = [fit(animation(FRAMES), path, int(size * share) + 2000).given_up for share in (1, 0.9, 0.5, 0.2)]
    assert said[:2] == ["", "128 colours"]
    assert said[2].startswith("64 colours, 12 frames per second")
    assert said[3].startswith("64 colours, 12 frames per second, ")
    assert said[3].endswith("pixels")


def test_what_was_chosen_is_not_given_up(tmp_path: Path) -> None:
    size = _size(Fitted(animation(FRAMES), {"quality": 90}), tmp_path, ".webp")
    fitted = fit(animation(FRAMES), tmp_path / "a.webp", int(size * 0.7) + 2000, quality=90)
    assert fitted.options == {"quality": 90}
    assert fitted.given_up == "12 frames per second"


def test_every_second_frame_is_shown_twice_as_long() -> None:
    fitted = fit(animation(FRAMES), Path("a.apng"), 60_000)
    assert fitted.animation.count * fitted.animation.fps**-1 == pytest.approx(8 / 24)
    if fitted.animation.count == 4:
        np.testing.assert_array_equal(list(fitted.animation.frames())[1], FRAMES[2])


def test_the_impossible_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="do not fit into 2,100 bytes"):
        fit(animation(FRAMES), tmp_path / "a.gif", 2100)
    with pytest.raises(UsageError, match="must be positive"):
        fit(animation(FRAMES), tmp_path / "a.gif", 0)


@pytest.mark.parametrize(
    ("text", "size"), [("8MB", 8_000_000), ("500 kB", 500_000), ("2MiB", 2**21), ("1.5m", 1_500_000), ("900", 900)]
)
def test_sizes_as_people_write_them(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1MB", "0", "8TB", "1e400"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(UsageError, match="not a file size"):
        parse_bytes(text)
