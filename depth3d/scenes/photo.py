"""From a photo to a scene; frames of videos, faces of panoramas and photos of a set go through the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import UsageError
from depth3d.core.notes import Note
from depth3d.core.rgbd import RGBD
from depth3d.io.photos.photo import Photo
from depth3d.predictors.relative_depth import settle_shift
from depth3d.refine.sky import find_sky
from depth3d.scale import Hint, ScaleFit, fit_scale
from depth3d.scenes.check_options import refuse_options
from depth3d.scenes.options import Options
from depth3d.scenes.scene import Scene
from depth3d.scenes.unscaled_photo import UnscaledPhoto, to_unscaled_photo

if TYPE_CHECKING:
    from depth3d.predictors.download import Progress

_NOT_FOR_PHOTOS = {
    "steady_s": "a photo does not flicker; it belongs to videos",
    "grid_points": "a photo has no grid of directions; it belongs to panoramas",
}
"""Options that a photo cannot follow, and why."""


# photo.jpg -> Photo -> predictors -> InverseDepth -> refine -> scale <- hints
#                |                                                |
#                |                                           MetricDepth -------> colormap -> picture
#                |                                                |      \
#                +--> intrinsics -> Intrinsics -----> points (unproject)  \--> layers -> parallax, stereo, bokeh
#                |                                                |          |
#                |                                             PointMap      |
#                |                                             /      \      |
#                +------- rgb ----------------------------> cloud      mesh <-+
#                                                             |         |
#                                                             v         v
#                                                         formats / viewer
def reconstruct(
    photo: str | Path | Photo,
    *,
    predictor: Any = None,
    camera: Intrinsics | None = None,
    hints: Sequence[Hint] = (),
    options: Options | None = None,
    inverse_depth: InverseDepth | None = None,
    progress: Progress | None = None,
) -> Scene:
    """Turn a photo into a scene.

    Lens distortion is undone before anything looks at the picture; hints and depth maps are given for the photo as
    it was taken, and are moved along.

    Args:
        photo: a file, or a photo already read.
        predictor: what sees the depth: a name, an object with ``see`` or ``predict``, or a function from (H, W, 3)
            uint8 to an array, made a predictor by `depth3d.predictor`, which states its kind; None is the options'.
        camera: the camera of the photo as it was taken; None means the options', else what the photo says.
        hints: what is known about distances, besides the options' hints.
        options: what else the user chose.
        inverse_depth: what the network saw before in this photo (`Scene.inverse_depth`), so that it need not run again,
            as when only the hints have changed.
        progress: called while a network's weights are downloaded, with the bytes that are there and those there will
            be, or None.

    Raises:
        Depth3DError: its child says which step cannot go on.
    """
    options = options or Options()
    refuse_options(options, _NOT_FOR_PHOTOS)
    if isinstance(predictor, str):
        options, predictor = options.changed(predictor=predictor), None
    options = options.changed(hints=(*options.scale.hints, *hints))
    seen = to_unscaled_photo(
        photo, options, predictor=predictor, camera=camera, inverse_depth=inverse_depth, progress=progress
    )
    if isinstance(seen.depth, InverseDepth):
        seen = replace(seen, depth=settle_shift(seen.depth, seen.camera, seen.hints))
    return to_scene(seen, options)


def to_scene(seen: UnscaledPhoto, options: Options, *, fit: ScaleFit | None = None) -> Scene:
    """Bring what was seen in a photo to metres, and leave out what is too far.

    Args:
        seen: the photo, its lens distortion undone, with depth and hints.
        options: what the user chose.
        fit: the scale that was found before, as in an earlier frame; None finds it from the hints.

    Raises:
        UsageError: a metric depth map with hints, or a greatest depth without metres.
        HintError: hints contradict the picture, or each other.
    """
    scene = _without_transparent(_scaled(seen, options, fit))
    if options.depth.sky == "auto" and options.depth.depth_map is None:
        scene = _without_sky(scene)
    return _without_the_far(scene, options.depth.max_depth_m)


def _scaled(seen: UnscaledPhoto, options: Options, fit: ScaleFit | None) -> Scene:
    """Relative depth becomes metres; metric depth stays what it is."""
    photo, camera, depth = seen.photo, seen.camera, seen.depth
    if isinstance(depth, MetricDepth):
        if seen.hints:
            raise UsageError(
                "a metric depth map takes no hints; leave them out, or use the depth kind 'depth' to rescale it"
            )
        rgbd = RGBD(photo.rgb, depth, camera)
        return Scene(photo, rgbd, seen.camera_as_taken, None, None, _unknown_note(depth.z, depth.z))
    if fit is None:
        fit = fit_scale(depth, camera, seen.hints)
    metric = fit.apply(depth)
    notes = (*fit.notes, *_unknown_note(depth.values, metric.z))
    return Scene(photo, RGBD(photo.rgb, metric, camera), seen.camera_as_taken, depth, fit, notes)


def _without_transparent(scene: Scene) -> Scene:
    """The scene, its depth unknown where the photo is transparent."""
    transparent = scene.photo.transparent
    if transparent is None:
        return scene
    if not np.isfinite(scene.depth.z[~transparent]).any():
        raise UsageError(f"{scene.photo.name}: nothing of it is opaque; save it without an alpha channel")
    depth = replace(scene.depth, z=np.where(transparent, np.float32(np.nan), scene.depth.z))
    note = f"{transparent.mean():.1%} of the picture is transparent and gives no geometry"
    return scene.with_depth(depth, notes=(*scene.notes, note))


def _without_sky(scene: Scene) -> Scene:
    """The scene of a network's depth, unknown in the sky."""
    if scene.inverse_depth is None:
        return scene
    sky = find_sky(scene.photo.rgb, scene.inverse_depth.values)
    if not sky.any() or not np.isfinite(scene.depth.z[~sky]).any():
        return scene
    depth = replace(scene.depth, z=np.where(sky, np.float32(np.nan), scene.depth.z))
    note = Note(
        f"{sky.mean():.1%} of the picture is sky and gives no geometry", "--sky keep takes it as the network sees it"
    )
    return scene.with_depth(depth, sky=sky, notes=(*scene.notes, note))


def _without_the_far(scene: Scene, limit_m: float | None) -> Scene:
    """The scene, its depth unknown beyond the greatest that the user wants."""
    if limit_m is None:
        return scene
    if scene.unit != "m":
        raise UsageError(f"a greatest depth of {limit_m:g} m needs metres; give a distance, such as --at U,V=2.4m")
    far = scene.depth.z > limit_m
    if not np.isfinite(scene.depth.z[~far]).any():
        nearest = float(np.nanmin(scene.depth.z))
        raise UsageError(f"{scene.photo.name}: no depth is below {limit_m:g} m; the nearest is {nearest:.3g} m")
    depth = replace(scene.depth, z=np.where(far, np.float32(np.nan), scene.depth.z))
    note = f"{far.mean():.1%} of the picture lies beyond {limit_m:g} m and is left out"
    return scene.with_depth(depth, notes=(*scene.notes, note))


def _unknown_note(before: NDArray[np.float32], after: NDArray[np.float32]) -> tuple[str, ...]:
    """How much of the picture has no depth, and why; `before` and `after` scaling."""
    total = before.size
    absent = int(np.isnan(before).sum())
    beyond = int(np.isnan(after).sum()) - absent
    notes = []
    if absent:
        notes.append(f"{absent / total:.1%} of the picture has no depth in the depth map and gives no geometry")
    if beyond:
        notes.append(f"{beyond / total:.1%} of the picture lies at infinity or beyond it: unknown, no geometry")
    return tuple(notes)
