"""Depth of a camera or a clip as it comes, as pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Pose
from depth3d.core.images import Picture
from depth3d.io.photos.live_video import LiveVideo
from depth3d.io.photos.video import Video
from depth3d.render.points import draw_points
from depth3d.scenes.options import Options, OutputOptions
from depth3d.scenes.scene import Scene
from depth3d.scenes.video.output_frames import Show, choose_show
from depth3d.scenes.video.pipeline import reconstruct_video

LiveKind = Literal["heatmap", "beside", "cloud", "parallax", "stereo"]

_TURN_DEG = 25.0
_TURN_S = 8.0
_BACK = 0.2
"""A cloud is seen from this much farther away than its middle, so that its sides stay in the picture."""


def live_pictures(
    source: LiveVideo | Video, kind: LiveKind, *, options: Options, output_options: OutputOptions
) -> Iterator[NDArray[np.uint8]]:
    """The picture of each frame that there is time for, (H, W, 3) uint8 sRGB.

    Args:
        source: what is seen.
        kind: "heatmap", "beside" (the frame and its heat map), "cloud" (its points, seen from left and right),
            "parallax" (through a camera that moves a little) or "stereo" (for two eyes).
        options: how frames become scenes.
        output_options: what is made of them.

    Raises:
        Depth3DError: its child says which step cannot go on.
    """
    show: Show = TurningCloud(source.fps)
    if kind != "cloud":
        show = choose_show(kind if kind in ("parallax", "stereo") else "heatmap", source, output_options)
    for frame in reconstruct_video(source, options=options):
        picture = show.picture(frame.scene, is_new_shot=frame.is_new_shot).rgb
        yield np.concatenate([frame.scene.photo.rgb, picture], axis=1) if kind == "beside" else picture


class TurningCloud:
    """The points of each frame from a camera that turns left and right about their middle.

    Args:
        fps: frames per second of the source.
    """

    def __init__(self, fps: float) -> None:
        self._fps, self._number, self._middle = fps, 0, 0.0

    def picture(self, scene: Scene, *, is_new_shot: bool) -> Picture:
        """The next frame's points."""
        if is_new_shot or not self._middle:
            self._middle = float(np.nanmedian(scene.depth.z))
        angle = np.radians(_TURN_DEG) * np.sin(2 * np.pi * self._number / (self._fps * _TURN_S))
        self._number += 1
        return Picture(draw_points(scene.rgbd, scene.camera, turned_about(self._middle, float(angle))))


def turned_about(middle: float, angle: float) -> Pose:
    """A camera that looks at a point straight ahead of the photo's camera, from beside it and from farther away.

    Args:
        middle: depth of the point.
        angle: in radians; positive is to the right.
    """
    pose = np.eye(4)
    away = middle * (1 + _BACK)
    forward = np.array([-np.sin(angle), 0.0, np.cos(angle)])
    pose[:3, :3] = np.stack([np.array([np.cos(angle), 0.0, np.sin(angle)]), [0, 1, 0], forward], axis=1)
    pose[:3, 3] = np.array([0, 0, middle]) - away * forward
    return Pose(pose)
