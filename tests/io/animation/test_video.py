"""Videos and AVIF, read by other decoders."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from depth3d.core.errors import MissingExtraError, UsageError
from depth3d.core.images import Animation
from depth3d.io.save import save

SUFFIXES = (".mp4", ".webm", ".avif")


def smooth(width: int = 96, height: int = 64, count: int = 7) -> list[NDArray[np.uint8]]:
    """Coloured waves that move."""
    v, u = np.mgrid[:height, :width] / 30
    return [
        np.stack([128 + 90 * np.sin(u + 0.2 * i), 128 + 90 * np.cos(v - 0.1 * i), 128 + 60 * np.sin(u + v)], -1).astype(
            np.uint8
        )
        for i in range(count)
    ]


def animation(frames: list[NDArray[np.uint8]], fps: float = 24) -> Animation:
    return Animation(lambda: iter(frames), len(frames), fps)


def read(path: Path) -> list[NDArray[np.uint8]]:
    """All frames, as Pillow or FFmpeg decodes them."""
    if path.suffix not in (".mp4", ".webm"):
        with Image.open(path) as image:
            return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]
    with av.open(str(path)) as container:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_frame_is_there_in_its_colours(tmp_path: Path, suffix: str) -> None:
    frames = smooth()
    shown = read(save(animation(frames), tmp_path / f"a{suffix}"))
    assert len(shown) == len(frames)
    for one, other in zip(frames, shown, strict=True):
        off = one.astype(float) - other
        assert np.abs(off.mean(axis=(0, 1))).max() < 2.5
        assert np.sqrt((off**2).mean()) < 5


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_frames_give_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    one, other = (save(animation(smooth()), tmp_path / f"{name}{suffix}").read_bytes() for name in "ab")
    assert one == other


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_better_quality_takes_more_bytes(tmp_path: Path, suffix: str) -> None:
    sizes = [save(animation(smooth()), tmp_path / f"{q}{suffix}", quality=q).stat().st_size for q in (20, 60, 95)]
    assert sizes[0] < sizes[1] < sizes[2]
    with pytest.raises(UsageError, match="quality must lie between 1 and 100"):
        save(animation(smooth()), tmp_path / f"x{suffix}", quality=0)


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_odd_sizes_frame_rate_and_notes(tmp_path: Path, suffix: str) -> None:
    frames = smooth(95, 63)
    path = save(animation(frames, fps=29.97), tmp_path / f"a{suffix}", notes={"photo": "küche.jpg"})
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (96, 64)
        assert float(stream.average_rate or 0) == pytest.approx(29.97, rel=1e-3)
        assert {key.lower(): text for key, text in container.metadata.items()}["comment"] == "photo: küche.jpg"
        assert len(list(container.decode(video=0))) == len(frames)


def test_avif_frames_stay_for_their_time(tmp_path: Path) -> None:
    with Image.open(save(animation(smooth(), fps=30), tmp_path / "a.avif")) as image:
        times = []
        for frame in ImageSequence.Iterator(image):
            frame.load()
            times.append(frame.info["duration"])
    assert times == [33, 34, 33, 33, 34, 33, 33]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_frames_are_not_collected(tmp_path: Path, suffix: str) -> None:
    alive = most = 0

    class Frame(np.ndarray[Any, Any]):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def frames() -> Any:
        nonlocal alive, most
        for one in smooth(count=20):
            frame = one.copy().view(Frame)
            alive += 1
            most = max(most, alive)
            yield frame

    save(Animation(frames, 20, 24), tmp_path / f"a{suffix}")
    assert most <= 4


def test_without_pyav_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "av":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"depth3d\[video\]"):
        save(animation(smooth()), tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []
