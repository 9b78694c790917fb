"""From a video the frames that are worth comparing: sharp ones, each from a place a little further on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import GeometryError
from depth3d.io.images.codec import encode_jpeg
from depth3d.io.open_input import shown
from depth3d.io.photos.video import Video
from depth3d.scenes.multiview.progress import Report

MOST_FRAMES = 120
STEP = 0.03
"""What is seen moves by about this share of the picture's width from one frame that is kept to the next."""

_LOOKED_AT_PX = 320
_CORNERS = 200
_LEAST_FOLLOWED = 0.5
_QUALITY = 95
_LISTED = "frames.txt"


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """A frame as it is looked at: (h, w) uint8 grey, its sharpness, its pixels and number."""

    grey: NDArray[np.uint8]
    sharpness: float
    rgb: NDArray[np.uint8]
    number: int


def extract_keyframes(video: Video, folder: Path, report: Report) -> list[Path]:
    """Write the frames to compare as JPEG files named by their numbers.

    Between two frames that are kept, the median of followed corners has moved by 3 % of the picture's width; of the
    frames near such a place the sharpest is kept. At most 120, evenly thinned.

    Args:
        video: the clip.
        folder: where to; frames of an earlier run that was finished are used again.
        report: told how far the work has got.

    Raises:
        VideoError: the file is damaged.
        GeometryError: nothing moves in it.
    """
    listed = folder / _LISTED
    if listed.is_file():
        return [folder / name for name in listed.read_text(encoding="ascii").split()]
    folder.mkdir(exist_ok=True)
    kept = []
    for frame in _moved_on(video, report):
        path = folder / f"{video.path.stem}_{frame.number:06d}.jpg"
        path.write_bytes(encode_jpeg(np.ascontiguousarray(frame.rgb), quality=_QUALITY))
        kept.append(path)
    if len(kept) < 2:
        raise GeometryError(f"{shown(video.path)}: the camera does not move in it; walk slowly round what is filmed")
    if len(kept) > MOST_FRAMES:
        kept = [kept[int(row)] for row in np.linspace(0, len(kept) - 1, MOST_FRAMES).round()]
    listed.write_text("\n".join(path.name for path in kept), encoding="utf-8")
    return kept


def _moved_on(video: Video, report: Report) -> Iterator[_Seen]:
    """The first frame, and each time the picture has moved on the sharpest one since half of that way."""
    last: _Seen | None = None
    best: _Seen | None = None
    before: _Seen | None = None
    moved = 0.0
    for number, rgb in enumerate(video.frames()):
        report("reading the video", min(number, video.count), video.count)
        frame = _look(rgb, number)
        if last is None or before is None:
            last = before = frame
            yield frame
            continue
        moved += _step(before.grey, frame.grey) / frame.grey.shape[1]
        before = frame
        if moved >= STEP / 2 and (best is None or frame.sharpness > best.sharpness):
            best = frame
        if moved >= STEP and best is not None:
            yield best
            last, best, moved = best, None, 0.0


def _look(rgb: NDArray[np.uint8], number: int) -> _Seen:
    height, width = rgb.shape[:2]
    shrink = min(1.0, _LOOKED_AT_PX / max(width, height))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    grey = np.asarray(cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA), np.uint8)
    return _Seen(grey, float(cv2.Laplacian(grey, cv2.CV_32F).var()), rgb, number)


def _step(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    """How many pixels the middle one of the corners moved (Lucas and Kanade, 1981); a cut moves by the whole width."""
    corners = cv2.goodFeaturesToTrack(before, _CORNERS, 0.01, 5)
    if corners is None:
        return 0.0
    moved, status, _ = cv2.calcOpticalFlowPyrLK(before, after, corners, np.empty_like(corners))
    followed = np.ravel(status) == 1
    if followed.mean() < _LEAST_FOLLOWED:
        return float(before.shape[1])
    return float(np.median(np.linalg.norm(np.reshape(moved - corners, (-1, 2))[followed], axis=1)))
