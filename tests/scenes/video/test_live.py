"""Live: late frames are left out, the newest is shown, the picture is that of the video."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("av")

from test_audio import write_clip_with_tone  # noqa: E402

from depth3d.cli import run  # noqa: E402
from depth3d.core.depth import InverseDepth  # noqa: E402
from depth3d.core.errors import Depth3DWarning  # noqa: E402
from depth3d.io.photos import live_video  # noqa: E402
from depth3d.io.photos.live_video import in_time, live_camera, live_file  # noqa: E402
from depth3d.io.photos.photo import Photo  # noqa: E402
from depth3d.io.photos.video import VideoError, read_video  # noqa: E402
from depth3d.render.heatmap import to_heatmap  # noqa: E402
from depth3d.scenes import lazy_network  # noqa: E402
from depth3d.scenes.options import Options, OutputOptions  # noqa: E402
from depth3d.scenes.video.live import live_pictures  # noqa: E402


class Ramp:
    """A network for which everything is nearer to the right."""

    name = weights_id = "ramp"

    def predict(self, photo: Photo) -> InverseDepth:
        height, width = photo.rgb.shape[:2]
        return InverseDepth(np.tile(np.arange(width, dtype=np.float32), (height, 1)), source="ramp")


@pytest.fixture(autouse=True)
def _ramp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lazy_network, "load_predictor", lambda *_, **__: Ramp())


@dataclass
class Clock:
    """Time that passes only when work is done or waited for."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def numbered(count: int) -> Iterator[NDArray[np.uint8]]:
    for number in range(count):
        yield np.full((4, 4, 3), number, np.uint8)


def test_frames_whose_time_has_passed_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(live_video.time, "sleep", lambda seconds: setattr(clock, "now", clock.now + seconds))
    seen = []
    for rgb in in_time(numbered(20), 10, clock):
        seen.append(int(rgb[0, 0, 0]))
        clock.now += 0.35  # a slow network
    assert seen[0] == 0
    assert set(np.diff(seen)) <= {3, 4}
    fast = [int(rgb[0, 0, 0]) for rgb in in_time(numbered(5), 10, clock)]
    assert fast == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("kind", ["heatmap", "beside", "cloud", "parallax", "stereo"])
def test_pictures_of_a_file(tmp_path: Path, kind: Any) -> None:
    made = OutputOptions.of(width=32, eye_width=32)
    clip = live_file(read_video(write_clip_with_tone(tmp_path / "a.mp4")), width=32, clock=Clock())
    pictures = [
        one for _, one in zip(range(3), live_pictures(clip, kind, options=Options(), output_options=made), strict=False)
    ]
    assert len(pictures) == 3
    assert pictures[0].shape == {"heatmap": (24, 32, 3), "beside": (24, 64, 3)}.get(kind, pictures[0].shape)
    if kind == "beside":
        ramp = InverseDepth(np.tile(np.arange(32, dtype=np.float32), (24, 1)))
        assert np.abs(pictures[0][:, 32:].astype(int) - to_heatmap(ramp).rgb).mean() < 3
        assert pictures[2][:, :32].mean() == pytest.approx(51.5, abs=6)  # the third frame


class Camera:
    """A camera that gives five pictures and stops."""

    def __init__(self, number: int) -> None:
        self.left = 5 if number == 0 else 0

    def isOpened(self) -> bool:  # noqa: N802 - as OpenCV calls it
        return self.left > 0

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        self.left -= 1
        return (True, np.full((8, 8, 3), (1, 2, 30 * self.left), np.uint8)) if self.left >= 0 else (False, None)

    def release(self) -> None:
        self.left = 0


def test_a_camera_gives_its_newest_picture_in_rgb_and_its_end_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", Camera)
    levels: list[int] = []

    def look() -> None:
        for rgb in live_camera(0, width=64).frames():
            assert rgb[0, 0, 1:].tolist() == [2, 1]
            levels.append(int(rgb[0, 0, 0]))

    with pytest.raises(VideoError, match="camera 0: gives no more pictures"):
        look()
    assert levels
    assert levels == sorted(levels, reverse=True)
    with pytest.raises(VideoError, match="camera 7: there is none, or another program has it"):
        next(live_camera(7, width=64).frames())


def test_the_command_shows_a_clip_and_says_how_fast(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = write_clip_with_tone(tmp_path / "a.mp4")
    assert run(["live", str(clip), "--port", "0", "--frames", "2", "--as", "beside"]) == 0
    told = capsys.readouterr()
    assert "open http://127.0.0.1:" in told.err
    assert told.out.startswith("a.mp4: 2 pictures, ")
    assert run(["live", str(tmp_path / "absent.mp4"), "--port", "0"]) == 1


class Flat(Ramp):
    """A network for which a clip's first two frames are flat, and the rest is a ramp."""

    def __init__(self) -> None:
        self.calls = 0

    def predict(self, photo: Photo) -> InverseDepth:
        self.calls += 1
        seen = super().predict(photo)
        return seen if self.calls > 2 else InverseDepth(np.ones_like(seen.values), source="flat")


def test_a_shot_that_begins_flat_gets_its_eyes_when_there_is_depth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat = Flat()
    monkeypatch.setattr(lazy_network, "load_predictor", lambda *_, **__: flat)
    made = OutputOptions.of(eye_width=32, layout="side-by-side")
    clip = live_file(read_video(write_clip_with_tone(tmp_path / "a.mp4")), width=32, clock=Clock())
    pictures = live_pictures(clip, "stereo", options=Options(), output_options=made)
    with pytest.warns(Depth3DWarning, match="the scene is flat: both eyes see the same picture"):
        flat_ones = [next(pictures), next(pictures)]
    for picture in flat_ones:
        np.testing.assert_array_equal(picture[:, :32], picture[:, 32:])
    assert next(pictures).shape == flat_ones[0].shape
