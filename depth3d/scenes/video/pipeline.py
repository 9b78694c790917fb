"""Every frame of a video becomes a scene; all of them have one scale until the picture is cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth
from depth3d.core.errors import UsageError
from depth3d.core.options import CameraOptions
from depth3d.io.photos.live_video import LiveVideo
from depth3d.io.photos.photo import Photo
from depth3d.io.photos.video import Video
from depth3d.scale import CameraHeight, Farthest, Hint, Nearest
from depth3d.scenes.check_options import refuse_options
from depth3d.scenes.lazy_network import Network
from depth3d.scenes.options import Options, ScaleOptions
from depth3d.scenes.photo import to_scene
from depth3d.scenes.scene import Scene
from depth3d.scenes.unscaled_photo import to_unscaled_photo
from depth3d.scenes.video.stabilize_scale import ScaleStabilizer

_HINTS_OF_NO_PIXEL = (Nearest, Farthest, CameraHeight)

_NO_DEPTH_MAP = "a video takes no depth map; give its frames as photos"
NOT_FOR_VIDEO = {
    **dict.fromkeys(("depth_map", "depth_kind", "depth_units", "brighter_is_farther"), _NO_DEPTH_MAP),
    "embedded_depth": "a video holds no depth of its own; leave it out",
    "grid_points": "a video has no grid of directions; it belongs to panoramas",
    "fps": "a video keeps its frame rate; leave it out",
    "max_bytes": "a maximum size is for the animation of a photo; leave it out",
}
"""Options that the frames of a video cannot follow, and why."""


@dataclass(frozen=True, slots=True, eq=False)
class ClipFrame:
    """One frame of a video in three dimensions.

    Attributes:
        number: counts from 1.
        scene: as that of a photo; within a shot all frames have one fit.
        is_new_shot: True for the first frame, and after a cut.
    """

    number: int
    scene: Scene
    is_new_shot: bool


def reconstruct_video(
    video: Video | LiveVideo,
    *,
    predictor: Any = None,
    camera: Intrinsics | None = None,
    hints: Sequence[Hint] = (),
    options: Options | None = None,
) -> Iterator[ClipFrame]:
    """Turn each frame into a scene, one at a time.

    Hints are for the first frame; its camera and its scale hold for all frames of the shot. After a cut the scale is
    found again.

    Args:
        video: the video, or what is seen live.
        predictor: what sees the depth, as for a photo.
        camera: the camera of the frames as they were taken.
        hints: what is known about distances in the first frame, besides the options' hints.
        options: as for a photo. Depth maps cannot replace the network; edges are refined only if that is chosen.

    Raises:
        UsageError: options that video does not have; or a cut after which hints for pixels of the first frame would
            have to hold.
        Depth3DError: its child says which step cannot go on.
    """
    options = options or Options()
    refuse_options(options, NOT_FOR_VIDEO)
    if isinstance(predictor, str):
        options, predictor = options.changed(predictor=predictor), None
    options = options.changed(hints=(*options.scale.hints, *hints))
    network = Network(replace(options.depth, refine=bool(options.depth.refine)), predictor)
    return _frames(video, options, network, camera)


def _frames(
    video: Video | LiveVideo, options: Options, network: Network, camera: Intrinsics | None
) -> Iterator[ClipFrame]:
    steadier = ScaleStabilizer(fps=video.fps, steady_s=options.video.steady_s)
    asked, hints, fit = options, tuple[Hint, ...](), None
    for number, rgb in enumerate(video.frames(), start=1):
        photo = Photo(rgb, name=f"{video.path.name} frame {number}")
        seen = to_unscaled_photo(photo, asked, predictor=network, camera=camera)
        assert isinstance(seen.depth, InverseDepth)
        if number == 1:
            camera, hints = seen.camera_as_taken, seen.hints
            asked = replace(options, camera=CameraOptions(), scale=ScaleOptions())
        steadied = steadier.next(seen.depth, seen.photo.rgb)
        if steadied.is_new_scene:
            _check_still_true(hints, number, video.fps)
            fit = None
        seen = replace(seen, depth=steadied.inverse_depth, hints=hints)
        if fit is None:
            first = to_scene(seen, options).fit
            fit = None if first is None else first.for_other_pictures()
        scene = to_scene(seen, options, fit=fit)
        yield ClipFrame(number, scene, steadied.is_new_scene)


def _check_still_true(hints: tuple[Hint, ...], number: int, fps: float) -> None:
    if number > 1 and not all(isinstance(hint, _HINTS_OF_NO_PIXEL) for hint in hints):
        raise UsageError(
            f"the picture is cut at {(number - 1) / fps:.2f} s, and hints for pixels of the first frame say nothing"
            " about what follows; cut the video there, or give --near, --far or --camera-height"
        )
