"""The whole sentence: a photo becomes a scene."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from depth3d.calibration import choose_intrinsics
from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import UsageError
from depth3d.core.undistort import to_ideal_pixels, undistort_map, undistort_photo
from depth3d.io.depth.depth_map import read_depth_map
from depth3d.io.photos.embedded_depth import EmbeddedDepth, embedded_at, embedded_inverse_depth, embedded_points
from depth3d.io.photos.embedded_depth_file import read_embedded_depth
from depth3d.io.photos.photo import Photo, read_photo
from depth3d.io.points.hints_file import read_hints
from depth3d.io.points.read import read_points
from depth3d.refine import polish
from depth3d.scale import Hint, fit_scale
from depth3d.scale.correction import correct_inverse_depth
from depth3d.scenes.network import Network
from depth3d.scenes.options import Options
from depth3d.scenes.scene import Scene

if TYPE_CHECKING:
    from depth3d.predictors.download import Progress

Depth = InverseDepth | MetricDepth


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
    options: Options | None = None,
    *,
    camera_as_taken: Intrinsics | None = None,
    inverse_depth: InverseDepth | None = None,
    predictor: Any = None,
    progress: Progress | None = None,
) -> Scene:
    """Turn a photo into a scene.

    Lens distortion is undone before anything looks at the picture; hints and depth maps are given for the photo as
    it was taken, and are moved along.

    Args:
        photo: a file, or a photo already read.
        options: what the user chose.
        camera_as_taken: the camera found for this photo before, so that it is not looked for again.
        inverse_depth: what the network saw before in this photo (`Scene.inverse_depth`), so that it need not run again,
            as when only the hints have changed.
        predictor: what sees the depth, instead of the options' predictor: an object with ``see`` or ``predict``, or a
            function from (H, W, 3) uint8 to an array, made a predictor by `depth3d.predictor`, which states its kind.
        progress: called while a network's weights are downloaded, with the bytes that are there and those there will
            be, or None.

    Raises:
        Depth3DError: its child says which step cannot go on.
    """
    options = options or Options()
    if predictor is not None and (options.depth_map is not None or inverse_depth is not None):
        raise UsageError("a predictor and depth that replaces it exclude one another; give one of them")
    embedded = None if predictor is not None or isinstance(photo, Photo) else _embedded_depth(Path(photo), options)
    photo = photo if isinstance(photo, Photo) else read_photo(photo)
    network = Network(options, predictor, progress)
    if camera_as_taken is None:
        sees = options.depth_map is None and inverse_depth is None and (embedded is None or options.predictor != "auto")
        camera_as_taken = choose_camera(photo, options, network=network if sees else None)
    hints = gather_hints(photo, camera_as_taken, options)
    depth = _own_depth(photo, camera_as_taken, embedded, options, hinted=bool(hints))
    if depth is None and embedded is not None and embedded.is_metric:
        hints = (*hints, embedded_points(embedded, camera_as_taken))

    camera = camera_as_taken.undistorted()
    if not camera_as_taken.is_ideal:
        photo = replace(photo, rgb=undistort_photo(photo.rgb, camera_as_taken, camera))
        hints = tuple(hint.moved(partial(to_ideal_pixels, camera=camera_as_taken, ideal=camera)) for hint in hints)
        depth = depth and _straightened(depth, camera_as_taken, camera)

    if depth is None:
        depth = inverse_depth or network.inverse_depth(photo, camera)
    else:
        depth = polish(depth, photo.rgb, refine=options.refine is True, smooth_px=options.smooth_px)
    return _without_the_far(_scaled(photo, camera, camera_as_taken, depth, hints, options))


def see(photo: Photo, options: Options, *, progress: Progress | None = None) -> InverseDepth:
    """What the network sees in a photo, its edges brought onto the photo's; that needs neither camera nor hints.

    Raises:
        WeightsError: no network can be loaded.
    """
    return Network(options, progress=progress).inverse_depth(photo)


def choose_camera(photo: Photo, options: Options, *, network: Network | None = None) -> Intrinsics:
    """The photo's intrinsics from what the user gave, else EXIF, else the network, else a stated assumption."""
    return choose_intrinsics(
        photo,
        fov_x_deg=options.fov_x_deg,
        focal_px=options.focal_px,
        camera_file=options.camera_file,
        ask_network=None if network is None else network.camera,
    )


def gather_hints(photo: Photo, camera_as_taken: Intrinsics, options: Options) -> tuple[Hint, ...]:
    """Every hint: those given, those of hint files, and files of sparse points."""
    hints = list(options.hints)
    for path in options.hints_files:
        hints += read_hints(path, photo=photo, camera=camera_as_taken)
    for path in options.points:
        points = read_points(
            path,
            photo=photo,
            camera=camera_as_taken,
            units_per_metre=options.points_units,
            confidence=options.points_confidence,
        )
        hints.append(points)
    return tuple(hints)


def _embedded_depth(path: Path, options: Options) -> EmbeddedDepth | None:
    """Depth that a phone stored inside the photo, unless the user chose another source of depth."""
    if not options.embedded_depth or options.depth_map is not None or options.weights is not None:
        return None
    return read_embedded_depth(path)


def _own_depth(
    photo: Photo, camera_as_taken: Intrinsics, embedded: EmbeddedDepth | None, options: Options, *, hinted: bool
) -> Depth | None:
    """Depth that needs no network: the user's own map, else what the phone stored."""
    if options.depth_map is not None:
        return read_depth_map(
            options.depth_map,
            kind=options.depth_kind,
            size=(photo.rgb.shape[1], photo.rgb.shape[0]),
            units_per_metre=options.depth_units,
            brighter_is_farther=options.brighter_is_farther,
        )
    if options.depth_units is not None or options.brighter_is_farther or options.depth_kind != "inverse":
        raise UsageError("depth kind, depth units and brighter-is-farther describe a depth map; give one")
    if embedded is None or options.predictor != "auto":
        return None
    return embedded_inverse_depth(embedded, camera_as_taken) if hinted else embedded_at(embedded, camera_as_taken)


def _straightened(depth: Depth, camera_as_taken: Intrinsics, camera: Intrinsics) -> Depth:
    if isinstance(depth, InverseDepth):
        return replace(depth, values=undistort_map(depth.values, camera_as_taken, camera))
    sigma = None if depth.sigma is None else undistort_map(depth.sigma, camera_as_taken, camera)
    return replace(depth, z=undistort_map(depth.z, camera_as_taken, camera), sigma=sigma)


def _scaled(
    photo: Photo,
    camera: Intrinsics,
    camera_as_taken: Intrinsics,
    depth: Depth,
    hints: tuple[Hint, ...],
    options: Options,
) -> Scene:
    """Relative depth becomes metres; metric depth stays what it is."""
    if isinstance(depth, MetricDepth):
        if hints:
            raise UsageError(
                "a metric depth map takes no hints; leave them out, or use the depth kind 'depth' to rescale it"
            )
        return Scene(photo, camera, camera_as_taken, None, depth, None, options, _unknown_note(depth.z, depth.z))
    fit = fit_scale(depth, camera, hints)
    if options.refine_scale:
        corrected = correct_inverse_depth(depth, fit)
        depth, fit = corrected.inverse_depth, corrected.fit
    metric = fit.apply(depth)
    notes = (*fit.notes, *_unknown_note(depth.values, metric.z))
    return Scene(photo, camera, camera_as_taken, depth, metric, fit, options, notes)


def _without_the_far(scene: Scene) -> Scene:
    """The scene, its depth unknown beyond the greatest that the user wants."""
    limit = scene.options.max_depth_m
    if limit is None:
        return scene
    if scene.unit != "m":
        raise UsageError(f"a greatest depth of {limit:g} m needs metres; give a distance, such as --at U,V=2.4m")
    far = scene.depth.z > limit
    kept = scene.depth.z.size - int(np.isnan(scene.depth.z).sum()) - int(far.sum())
    if kept == 0:
        raise UsageError(f"no depth is below {limit:g} m; the nearest is {np.nanmin(scene.depth.z):.3g} m")
    depth = replace(scene.depth, z=np.where(far, np.float32(np.nan), scene.depth.z))
    note = f"{far.mean():.1%} of the picture lies beyond {limit:g} m and is left out"
    return replace(scene, depth=depth, notes=(*scene.notes, note))


def _unknown_note(before: NDArray[np.float32], after: NDArray[np.float32]) -> tuple[str, ...]:
    """How much of the picture has no depth, and why; `before` and `after` scaling."""
    total = before.size
    absent = int(np.isnan(before).sum())
    beyond = int(np.isnan(after).sum()) - absent
    notes = []
    if absent:
        notes.append(f"{absent / total:.1%} of the picture has no depth in the depth map and gives no geometry")
    if beyond:
        notes.append(f"{beyond / total:.1%} of the picture lies beyond infinity (a d + b <= 0): unknown, no geometry")
    return tuple(notes)
