"""What a moving picture of a video's depth shows: heat maps, the video for two eyes, or through a moving camera."""

from __future__ import annotations

import warnings
from typing import Protocol

import numpy as np

from depth3d.core.errors import Depth3DWarning
from depth3d.core.images import Picture
from depth3d.io.cameras.keyframes_file import motion_of
from depth3d.io.photos.live_video import LiveVideo
from depth3d.io.photos.video import Video
from depth3d.layers.views.resolution import layers_for
from depth3d.render.heatmap import nearness_range, to_heatmap
from depth3d.render.parallax import ShotParallax, to_one_motion
from depth3d.render.stereo import Eyes, to_stereo
from depth3d.render.stereo.layouts import DEFAULT_WIDTH
from depth3d.render.stereo.stereo_rig import to_rig, warn_beyond_comfort
from depth3d.scenes.options import OutputOptions
from depth3d.scenes.outputs import Kind
from depth3d.scenes.scene import Scene
from depth3d.scenes.stereo_eyes import focus_share, stereo_eyes

_RANGE_S = 1.0
"""Time over which a heat map's colours follow what is seen, so that they do not flicker."""


class Show(Protocol):
    """Makes the picture of each frame, in their order."""

    def picture(self, scene: Scene, *, is_new_shot: bool) -> Picture:
        """The picture of the next frame."""


def choose_show(kind: Kind | None, video: Video | LiveVideo, options: OutputOptions) -> Show:
    """What shows a video as this kind; heat maps, unless the kind is one of pictures.

    Raises:
        UsageError: the options name no motion, or one that cannot be.
    """
    if kind == "stereo":
        return TwoEyes(options)
    return MovingCamera(video, options) if kind == "parallax" else Heatmaps(video.fps)


class Heatmaps:
    """Heat maps whose colours follow slowly what is seen."""

    def __init__(self, fps: float) -> None:
        self._follow = 1 - np.exp(-1 / (fps * _RANGE_S))
        self._low = self._high = 0.0

    def picture(self, scene: Scene, *, is_new_shot: bool) -> Picture:
        """The heat map of the next frame."""
        low, high = nearness_range(np.float32(1) / scene.pictured_depth.z)
        share = 1.0 if is_new_shot else self._follow
        self._low, self._high = self._low + share * (low - self._low), self._high + share * (high - self._high)
        return to_heatmap(scene.pictured_depth, nearness=(self._low, self._high))


class TwoEyes:
    """The frames for two eyes, which keep their distance and convergence throughout a shot."""

    def __init__(self, options: OutputOptions) -> None:
        self._options = options
        self._eyes: Eyes | None = None

    def picture(self, scene: Scene, *, is_new_shot: bool) -> Picture:
        """The next frame for two eyes."""
        o = self._options.stereo
        if self._eyes is None or is_new_shot:
            layers, _ = layers_for(scene.pictured_rgbd, o.eye_width or DEFAULT_WIDTH)
            with warnings.catch_warnings():
                if not is_new_shot:
                    warnings.simplefilter("ignore", Depth3DWarning)  # that it is flat was said at its first frame
                rig = to_rig(layers, stereo_eyes(scene, self._options))
            warn_beyond_comfort(rig)
            if rig.baseline > 0:
                self._eyes = Eyes(ipd_m=rig.baseline, convergence_m=1 / rig.converged if rig.converged > 0 else None)
        eyes = self._eyes or stereo_eyes(
            scene, self._options
        )  # a shot that begins flat is asked again at the next frame
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Depth3DWarning)  # said above, once for all frames
            return to_stereo(
                scene.pictured_rgbd,
                layout=o.layout,
                eyes=eyes,
                width=o.eye_width,
                swap=o.swap,
                anaglyph=o.anaglyph,
                quilt=o.quilt,
            )


class MovingCamera:
    """The frames through a camera that moves a little besides; what it turns about holds throughout a shot.

    A motion that ends where it starts goes on for as long as the video lasts, another one is spread over all of it.
    """

    def __init__(self, video: Video | LiveVideo, options: OutputOptions) -> None:
        self._options, o = options, options.animation
        self._motion = to_one_motion(motion_of(o.motion), amount_percent=o.amount_percent, easing=o.easing)
        frames = o.seconds * video.fps if self._motion.loops else video.count
        self._frames_of_a_pass = max(2, round(frames))
        self._shot: ShotParallax | None = None
        self._number = 0

    def picture(self, scene: Scene, *, is_new_shot: bool) -> Picture:
        """The next frame through the camera."""
        layers, size = layers_for(scene.pictured_rgbd, self._options.animation.width)
        if self._shot is None or is_new_shot:
            focus = focus_share(scene, self._options)
            self._shot = ShotParallax(layers, size, self._motion, count=self._frames_of_a_pass, focus=focus)
        picture = Picture(self._shot.frame(layers, self._number))
        self._number += 1
        return picture
