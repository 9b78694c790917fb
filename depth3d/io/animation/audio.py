"""The sound of a video, carried into the one that is made of it: copied where the container allows, else coded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

from depth3d.core.errors import OutputError

_COPIED = {"mp4": {"aac", "mp3", "ac3", "alac", "opus"}, "webm": {"opus", "vorbis"}}
_CODED_AS = {"mp4": "aac", "webm": "libopus"}
_OPUS_RATE = 48_000


class Sound:
    """Puts the packets of a sound track between those of the pictures, so that players need not look far ahead.

    Args:
        source: the video that has the sound; without a sound track nothing is ever put in.
        container: PyAV's, open for writing, its pictures' stream added, nothing written yet.
        form: the container's name, "mp4" or "webm".
        seconds: how long the pictures last; sound beyond that is left out.

    Raises:
        OutputError: the sound cannot be read.
    """

    def __init__(self, source: Path, container: Any, form: str, seconds: float) -> None:
        import av

        self._container, self._seconds = container, seconds
        self._files = ExitStack()
        self._waiting: Any = None
        self._packets: Iterator[Any] = iter(())
        try:
            opened = self._files.enter_context(av.open(str(source)))
            if opened.streams.audio:
                self._packets = self._copied(opened, form) or self._coded(opened, form)
        except (av.FFmpegError, ValueError) as problem:
            self._files.close()
            raise OutputError(f"the sound of {source.name} cannot be carried over: {problem}") from None

    def __enter__(self) -> Sound:
        """Hold the source open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the source."""
        self._files.close()

    def write_until(self, seconds: float) -> None:
        """Put in every packet that begins before this time."""
        while True:
            packet = self._waiting if self._waiting is not None else next(self._packets, None)
            self._waiting = None
            if packet is None:
                return
            begins = float(packet.pts * packet.time_base) if packet.pts is not None else 0.0
            if begins >= self._seconds:
                self._packets = iter(())
                return
            if begins >= seconds:
                self._waiting = packet
                return
            self._container.mux(packet)

    def _copied(self, opened: Any, form: str) -> Iterator[Any] | None:
        """The packets as they are, on the pictures' clock; None where the container holds no such sound."""
        track = opened.streams.audio[0]
        if track.codec_context.name not in _COPIED[form]:
            return None
        stream = self._container.add_stream_from_template(track)
        return _rebased(opened, track, stream, _begin_of_pictures(opened))

    def _coded(self, opened: Any, form: str) -> Iterator[Any]:
        """The sound decoded and coded again."""
        import av

        track = opened.streams.audio[0]
        rate = _OPUS_RATE if form == "webm" else track.codec_context.sample_rate
        stream = self._container.add_stream(_CODED_AS[form], rate=rate)
        context = stream.codec_context
        context.layout = "mono" if track.codec_context.layout.nb_channels == 1 else "stereo"
        context.flags |= 1 << 23  # bit-exact
        resampler = av.AudioResampler(format=context.codec.audio_formats[0].name, layout=context.layout.name, rate=rate)
        begin = _begin_of_pictures(opened)

        def packets() -> Iterator[Any]:
            for frame in opened.decode(track):
                frame.pts = None if frame.pts is None else frame.pts - round(begin / frame.time_base)
                for piece in resampler.resample(frame):
                    yield from stream.encode(piece)
            for piece in resampler.resample(None):
                yield from stream.encode(piece)
            yield from stream.encode(None)

        return packets()


def _begin_of_pictures(opened: Any) -> Fraction:
    """When the first picture is shown, in seconds of the file's clock."""
    pictures = opened.streams.video[0]
    return Fraction(pictures.start_time or 0) * Fraction(pictures.time_base)


def _rebased(opened: Any, track: Any, stream: Any, begin: Fraction) -> Iterator[Any]:
    for packet in opened.demux(track):
        if packet.dts is None:
            continue
        shift = round(begin / packet.time_base)
        packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
        packet.stream = stream
        yield packet
