"""Depth of a camera or a clip as it comes, as pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from depth3d.io.photos.live_video import LiveVideo
from depth3d.io.photos.video import Video
from depth3d.scenes.options import Options, OutputOptions
from depth3d.scenes.video.frames import choose_show
from depth3d.scenes.video.pipeline import reconstruct_video

LiveKind = Literal["heatmap", "beside", "parallax", "stereo"]


def live_pictures(
    source: LiveVideo | Video, kind: LiveKind, *, options: Options, output_options: OutputOptions
) -> Iterator[NDArray[np.uint8]]:
    """The picture of each frame that there is time for, (H, W, 3) uint8 sRGB.

    Args:
        source: what is seen.
        kind: "heatmap", "beside" (the frame and its heat map), "parallax" (through a camera that moves a little) or
            "stereo" (for two eyes).
        options: how frames become scenes.
        output_options: what is made of them.

    Raises:
        Depth3DError: its child says which step cannot go on.
    """
    show = choose_show(kind if kind in ("parallax", "stereo") else "heatmap", source, output_options)
    for frame in reconstruct_video(source, options=options):
        picture = show.picture(frame.scene, is_new_shot=frame.is_new_shot).rgb
        yield np.concatenate([frame.scene.photo.rgb, picture], axis=1) if kind == "beside" else picture
