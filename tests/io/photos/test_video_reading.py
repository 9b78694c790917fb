"""Videos as others write them, cut off, disguised, or of a codec that nobody knows."""

from __future__ import annotations

import warnings
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from depth3d.io.photos.video import VideoError, VideoWarning, read_video

WIDTH, HEIGHT, FRAMES = 64, 48, 20


def video(path: Path, **options: str) -> Path:
    """Two seconds of noise."""
    rng = np.random.default_rng(0)
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=Fraction(10))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for _ in range(FRAMES):
            rgb = rng.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".avi"])
def test_a_whole_video_is_read_without_a_word(suffix: str, tmp_path: Path) -> None:
    path = video(tmp_path / f"a{suffix}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = read_video(path)
    assert read.count == FRAMES
    assert sum(1 for _ in read.frames()) == FRAMES


def test_a_cut_video_is_said_to_be_cut(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mkv")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    with pytest.warns(VideoWarning, match=r"a\.mkv: the video is cut off: it announces 2\.0 s and ends after 1\.\d s"):
        read = read_video(path)
    assert sum(1 for _ in read.frames()) == read.count < FRAMES


def test_a_cut_mp4_is_said_to_be_cut(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mp4", movflags="faststart")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    with pytest.warns(VideoWarning, match=r"the video is cut off: it needs [\d,]+ bytes and has [\d,]+; copy it again"):
        read_video(path)


@pytest.mark.parametrize(("suffix", "known", "unknown"), [(".mp4", b"avc1", b"zzz1"), (".mkv", b"/AVC", b"/XYZ")])
def test_a_codec_that_ffmpeg_lacks_is_named_as_the_reason(
    suffix: str, known: bytes, unknown: bytes, tmp_path: Path
) -> None:
    path = video(tmp_path / f"a{suffix}")
    path.write_bytes(path.read_bytes().replace(known, unknown))
    with pytest.raises(VideoError, match="FFmpeg knows no decoder"):
        read_video(path)


@pytest.mark.parametrize(
    "playlist",
    [
        "ffconcat version 1.0\nfile private.mp4\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nprivate.mp4\n#EXT-X-ENDLIST\n",
    ],
    ids=["ffconcat", "HLS"],
)
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_playlist_in_disguise_opens_no_other_file(playlist: str, name: str, tmp_path: Path) -> None:
    video(tmp_path / "private.mp4")
    (tmp_path / name).write_text(playlist)
    with pytest.raises(VideoError, match="no video"):
        read_video(tmp_path / name)


@pytest.mark.parametrize("name", ["a:b.mp4", "concat:a.mp4", "100%.mp4"])
def test_names_that_ffmpeg_would_take_for_protocols(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    video(tmp_path / "plain.mp4").rename(name)
    assert read_video(name).count == FRAMES
