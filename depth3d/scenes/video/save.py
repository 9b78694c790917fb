"""Videos become files: moving pictures, and numbered files of each frame, in one pass over the frames."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import MetricDepth
from depth3d.core.errors import UsageError
from depth3d.core.images import Animation, Picture
from depth3d.io.depth.depth_image import png_units_per_metre
from depth3d.io.photos.video import Video
from depth3d.io.registry import format_for
from depth3d.io.save import atomic_write, check_writable, save
from depth3d.scenes.check_options import check_products, check_seen, refuse_options
from depth3d.scenes.options import Options, OutputOptions
from depth3d.scenes.outputs import Kind, files_of, provenance_path, target_of
from depth3d.scenes.provenance import to_json, to_provenance
from depth3d.scenes.save import Saved, coding
from depth3d.scenes.scene import Scene
from depth3d.scenes.used_options import fields_for, refuse_unused
from depth3d.scenes.video.output_frames import choose_show
from depth3d.scenes.video.pipeline import NOT_FOR_VIDEO, ClipFrame, reconstruct_video

Report = Callable[[str, int, int], None]
"""(what is being done, how much of it is done, how much there is)."""

ShotBegins = Callable[[Scene, int], None]
"""(the scene of a shot's first frame, the frame's number)."""

_NUMBER = re.compile(r"%0?(\d*)d")
_PICTURES = {"stereo": ("stereo", "focus"), "parallax": ("animation", "focus")}
"""Kinds that show a frame as a picture of its own, and the groups of options that they take."""

_WITH_SOUND = (".mp4", ".webm")
_ROOM_AHEAD = 2.0
"""Later frames may be so much deeper than the first before 16-bit depth ends."""


def save_video(
    video: Video,
    outputs: Sequence[Path],
    *,
    options: Options | None = None,
    output_options: OutputOptions | None = None,
    kind: Kind | None = None,
    force: bool = False,
    report: Report | None = None,
    shot_begins: ShotBegins | None = None,
) -> tuple[Saved, ...]:
    """Write a video's depth in one pass over its frames.

    Args:
        video: the video.
        outputs: at most one moving picture (.mp4 .webm .gif ...), which shows heat maps, the video for two eyes or
            through a moving camera; and patterns of numbered files, such as depth_%04d.png or cloud_%04d.ply, of which
            each frame writes one, as a photo would.
        options: how frames become scenes.
        output_options: what is made of them.
        kind: what goes into numbered files; None leaves it to the suffix. "stereo" and "parallax" are for moving
            pictures too; the eyes keep their distance, and the camera what it turns about, throughout a shot.
        force: overwrite existing files.
        report: told how far the work has got.
        shot_begins: told the scene of each shot's first frame, and the frame's number.

    Raises:
        UsageError: options that video does not have; more than one moving picture, or a file name without a number for
            what is no moving picture.
        OutputError: a file exists, or cannot be written.
    """
    options, output_options = options or Options(), output_options or OutputOptions()
    refuse_options(options, NOT_FOR_VIDEO)
    refuse_options(output_options, NOT_FOR_VIDEO)
    numbered = [path for path in outputs if _NUMBER.search(path.name)]
    moving = [path for path in outputs if path not in numbered]
    _check(video, numbered, moving, output_options, kind, force=force)
    refuse_unused(output_options, [video_fields(outputs, kind)])
    _check_products(video, numbered, output_options, kind)
    run = _Run(video, numbered, options, output_options, kind, force, report or _silent, shot_begins)
    if moving:
        animation = Animation(run.pictures, run.count, video.fps, loops=False)
        coded = coding(format_for("Animation", moving[0]), output_options.files)
        if video.has_sound and moving[0].suffix.lower() in _WITH_SOUND:
            coded["sound"] = video.path
        save(animation, moving[0], force=force, **coded)
    else:
        for _ in run.frames():
            pass
    return run.finished(moving)


def video_fields(outputs: Sequence[Path], kind: Kind | None) -> frozenset[str]:
    """The fields of `OutputOptions` that change what is made of a video, or that `save_video` refuses by name."""
    names = {"provenance", "fps", "max_bytes"}
    for path in outputs:
        if kind not in _PICTURES and _NUMBER.search(path.name):
            names |= fields_for(target_of(_numbered(path, 1), kind))
            continue
        if kind in _PICTURES:
            names |= {name for group, name, _ in OutputOptions().items() if group in _PICTURES[kind]}
        if not _NUMBER.search(path.name) and _is_moving(path):
            names |= {*format_for("Animation", path).options.values()}
    return frozenset(names)


class _Run:
    """One pass over a video: numbered files are written on the way."""

    def __init__(
        self,
        video: Video,
        numbered: Sequence[Path],
        options: Options,
        output_options: OutputOptions,
        kind: Kind | None,
        force: bool,
        report: Report,
        shot_begins: ShotBegins | None,
    ) -> None:
        self._video, self._numbered, self._options, self._kind = video, numbered, options, kind
        self._output_options = output_options
        self._force, self._report, self._shot_begins = force, report, shot_begins
        self._shots: list[int] = []
        self._first: Scene | None = None
        self._units: float | None = None
        self._ends: tuple[float, float] | None = None
        self._show = choose_show(kind, video, output_options)
        self._picture: Picture | None = None
        self.count = max(video.count, 1)
        self.done = 0

    def frames(self) -> Iterator[ClipFrame]:
        """Every frame, its numbered files written."""
        for frame in reconstruct_video(self._video, options=self._options):
            self._report("frames", frame.number - 1, self._video.count)
            self._first = self._first or frame.scene
            if frame.is_new_shot:
                self._shots.append(frame.number)
                if self._shot_begins is not None:
                    self._shot_begins(frame.scene, frame.number)
            if self._kind in _PICTURES:
                self._picture = self._show.picture(frame.scene, is_new_shot=frame.is_new_shot)
            for pattern in self._numbered:
                self._write(frame.scene, _numbered(pattern, frame.number))
            self.done = frame.number
            yield frame
        self._report("frames", self.done, self.done)

    def pictures(self) -> Iterator[NDArray[np.uint8]]:
        """As many pictures as were announced: files that are cut may hold fewer frames than they say."""
        picture: NDArray[np.uint8] | None = None
        drawn = self._drawn()
        for picture in islice(drawn, self.count):
            yield picture
        deque(drawn, maxlen=0)  # frames beyond what was announced still have numbered files
        for _ in range(self.done, self.count):
            assert picture is not None
            yield picture

    def _drawn(self) -> Iterator[NDArray[np.uint8]]:
        for frame in self.frames():
            picture = self._picture or self._show.picture(frame.scene, is_new_shot=frame.is_new_shot)
            yield picture.rgb

    def finished(self, moving: Sequence[Path]) -> tuple[Saved, ...]:
        """What was written; how it was obtained goes beside the first file of each output."""
        shots = f", {len(self._shots)} shots" if len(self._shots) > 1 else ""
        saved = []
        for path in (*self._numbered, *moving):
            first = _numbered(path, 1) if path in self._numbered else path
            if self._output_options.files.provenance and self._first is not None:
                told = to_provenance(self._first) | {"video": self._video.path.name, "frames": self.done}
                told |= {"first_frames_of_shots": self._shots, "steady_s": self._options.video.steady_s}
                with atomic_write(provenance_path(first), force=self._force) as file:
                    file.write(to_json(told))
            what = f"{self.done} frame{'s' * (self.done != 1)} at {self._video.fps:g} per second{shots}"
            what += self._about_sound(path) if path in moving else ""
            saved.append(Saved(path, what, "arbitrary" if self._first is None else self._first.unit))
        return tuple(saved)

    def _about_sound(self, path: Path) -> str:
        if not self._video.has_sound:
            return ""
        suffix = path.suffix.lower()
        return ", with its sound" if suffix in _WITH_SOUND else f", without its sound, which {suffix} cannot hold"

    def _write(self, scene: Scene, path: Path) -> None:
        """One numbered file; 16-bit pictures have one scale for all frames."""
        kind = self._kind
        if self._picture is not None:
            save(self._picture, path, force=self._force)
        elif path.suffix.lower() == ".png" and kind in (None, "depth"):
            if self._units is None:
                self._units = _units_ahead(scene.depth)
            metres = np.minimum(scene.depth.z, np.float32(65_535 / self._units))
            depth, units = replace(scene.depth, z=metres), self._units
            save(depth, path, force=self._force, units_per_metre=units, notes=scene.in_short)
        elif path.suffix.lower() == ".png" and kind == "relative" and scene.inverse_depth is not None:
            values = scene.inverse_depth.values
            if self._ends is None:
                low, high = float(np.nanmin(values)), float(np.nanmax(values))
                self._ends = low - (high - low) / 2, high + (high - low) / 2
            save(scene.inverse_depth, path, force=self._force, ends=self._ends, notes=scene.in_short)
        else:
            silent = self._output_options.changed(provenance=False)
            scene.save(path, kind=kind, options=silent, force=self._force)


def _check(
    video: Video,
    numbered: Sequence[Path],
    moving: Sequence[Path],
    options: OutputOptions,
    kind: Kind | None,
    *,
    force: bool,
) -> None:
    if kind == "wigglegram":
        raise UsageError(f"{video.path.name}: a wigglegram moves a photo; for a video there are parallax and stereo")
    if len(moving) > 1:
        raise UsageError(f"one moving picture at a time, got {' and '.join(path.name for path in moving)}")
    for path in moving:
        if not _is_moving(path):
            raise UsageError(
                f"{path}: each frame of {video.path.name} writes a file; put a number into the name, such as"
                f" {path.stem}_%04d{path.suffix}"
            )
        if kind == "bokeh":
            raise UsageError(
                f"{path}: depth of field goes into one picture per frame; put a number into the name, such as "
                f"{path.stem}_%04d.jpg"
            )
        check_writable(path, force=force)
    for pattern in numbered:
        for number in range(1, max(video.count, 1) + 1):
            for file in files_of(_numbered(pattern, number), "photo" if kind in _PICTURES else kind):
                check_writable(file, force=force)
    if options.files.provenance:
        for path in (*(_numbered(pattern, 1) for pattern in numbered), *moving):
            check_writable(provenance_path(path), force=force)


def _check_products(video: Video, numbered: Sequence[Path], options: OutputOptions, kind: Kind | None) -> None:
    """Refuse what cannot be made of any frame, or not of frames of this size."""
    check_products(options, {kind} if kind in _PICTURES else {target_of(path, kind).kind for path in numbered})
    if options.focus.focus is not None:
        with closing(video.frames()) as frames:
            height, width = next(frames).shape[:2]
        check_seen({"focus": options.focus.focus}, (width, height), video.path.name)


def _is_moving(path: Path) -> bool:
    try:
        format_for("Animation", path)
    except UsageError:
        return False
    return path.suffix.lower() != ".png"


def _numbered(pattern: Path, number: int) -> Path:
    """One of the numbered files; numbers begin with 1.

    >>> _numbered(Path("depth_%04d.png"), 7).name
    'depth_0007.png'
    """
    return pattern.with_name(_NUMBER.sub(lambda found: f"{number:0{found[1] or 1}d}", pattern.name, count=1))


def _units_ahead(depth: MetricDepth) -> float:
    """Stored units per metre for a whole video, with room for what is deeper than the first frame."""
    return png_units_per_metre(replace(depth, z=depth.z * np.float32(_ROOM_AHEAD), sigma=None))


def _silent(what: str, done: int, total: int) -> None:
    """Report nothing."""
