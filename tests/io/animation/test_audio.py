"""The sound of a video goes into what is made of it, at the same time and the same pitch."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

av = pytest.importorskip("av")

from depth3d.core.errors import OutputError  # noqa: E402
from depth3d.core.images import Animation  # noqa: E402
from depth3d.io.photos.video import read_video  # noqa: E402
from depth3d.io.save import save  # noqa: E402

RATE, FPS, FRAMES = 48_000, 10, 20
TONE_HZ, BEGINS_S = 440, 0.5


def write_clip_with_tone(path: Path, codec: str = "aac", *, rate: int = RATE) -> Path:
    """Two seconds of grey pictures, brighter to the right; a tone begins after half a second."""
    time = np.arange(rate * FRAMES // FPS) / rate
    tone = np.where(time < BEGINS_S, 0, 0.5 * np.sin(2 * np.pi * TONE_HZ * time)).astype(np.float32)
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("libx264", rate=FPS)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream(codec, rate=rate)
        sound.codec_context.layout = "mono"
        resampler = av.AudioResampler(format=sound.codec_context.codec.audio_formats[0].name, layout="mono", rate=rate)
        for number in range(FRAMES):
            rgb = np.broadcast_to((10 * number + np.arange(64))[None, :, None], (48, 64, 3)).astype(np.uint8)
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(pictures.encode())
        for start in range(0, len(tone), 1000):
            frame = av.AudioFrame.from_ndarray(tone[None, start : start + 1000], format="flt", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            for piece in resampler.resample(frame):
                container.mux(sound.encode(piece))
        for piece in resampler.resample(None):
            container.mux(sound.encode(piece))
        container.mux(sound.encode(None))
    return path


def heard(path: Path) -> tuple[str, np.ndarray, int]:
    """Codec, samples from the first picture on, and their rate."""
    with av.open(str(path)) as container:
        track = container.streams.audio[0]
        rate = track.codec_context.sample_rate
        resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
        samples = np.zeros(rate * 4, np.float32)
        for frame in container.decode(track):
            start = round(float(frame.pts * frame.time_base) * rate)
            for piece in resampler.resample(frame):
                values = piece.to_ndarray().ravel()
                kept = values[max(0, -start) :]
                at = max(0, start)
                samples[at : at + len(kept)] = kept
                start += len(values)
        return track.codec_context.name, samples, rate


def pictures(count: int = FRAMES) -> Animation:
    def frames():  # noqa: ANN202
        for number in range(count):
            yield np.full((48, 64, 3), 10 * number, np.uint8)

    return Animation(frames, count, FPS, loops=False)


@pytest.mark.parametrize(
    ("source", "codec", "target", "coded"),
    [
        ("a.mp4", "aac", "b.mp4", "aac"),
        ("a.mkv", "pcm_s16le", "b.mp4", "aac"),
        ("a.mp4", "aac", "b.webm", "opus"),
        ("a.mkv", "libopus", "b.webm", "opus"),
    ],
)
def test_a_tone_is_heard_where_it_was(tmp_path: Path, source: str, codec: str, target: str, coded: str) -> None:
    clip = write_clip_with_tone(tmp_path / source, codec)
    assert read_video(clip).has_sound
    save(pictures(), tmp_path / target, sound=clip)
    name, samples, rate = heard(tmp_path / target)
    assert name == coded
    loud = np.flatnonzero(np.abs(samples) > 0.1)
    assert loud[0] / rate == pytest.approx(BEGINS_S, abs=0.05)
    assert loud[-1] / rate == pytest.approx(FRAMES / FPS, abs=0.05)
    part = samples[rate : rate + rate // 2]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part))))
    assert np.argmax(spectrum) * rate / len(part) == pytest.approx(TONE_HZ, abs=3)


def test_copied_sound_is_the_same_packets(tmp_path: Path) -> None:
    clip = write_clip_with_tone(tmp_path / "a.mp4")
    save(pictures(), tmp_path / "b.mp4", sound=clip)

    def packets(path: Path) -> list[bytes]:
        with av.open(str(path)) as container:
            return [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]

    assert packets(tmp_path / "b.mp4") == packets(clip)[: len(packets(tmp_path / "b.mp4"))]
    assert len(packets(tmp_path / "b.mp4")) >= len(packets(clip)) - 2
    first = (tmp_path / "b.mp4").read_bytes()
    save(pictures(), tmp_path / "b.mp4", sound=clip, force=True)
    assert (tmp_path / "b.mp4").read_bytes() == first


def test_sound_ends_with_the_pictures(tmp_path: Path) -> None:
    clip = write_clip_with_tone(tmp_path / "a.mp4")
    save(pictures(10), tmp_path / "b.mp4", sound=clip)
    _, samples, rate = heard(tmp_path / "b.mp4")
    assert np.flatnonzero(np.abs(samples) > 0.1)[-1] / rate == pytest.approx(1, abs=0.05)


def test_a_silent_source_gives_a_silent_video(tmp_path: Path) -> None:
    save(pictures(), tmp_path / "silent.mp4")
    assert not read_video(tmp_path / "silent.mp4").has_sound
    save(pictures(), tmp_path / "b.mp4", sound=tmp_path / "silent.mp4")
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert not container.streams.audio
    with pytest.raises(OutputError, match="the sound of absent.mp4 cannot be carried over"):
        save(pictures(), tmp_path / "c.mp4", sound=tmp_path / "absent.mp4")
