"""The whole sentence: a photo becomes a scene."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from depth3d.camera import Intrinsics
from depth3d.depth import InverseDepth, MetricDepth
from depth3d.errors import UsageError
from depth3d.intrinsics import choose_intrinsics
from depth3d.options import Options
from depth3d.photo import Photo, read_photo
from depth3d.predictors import load_predictor
from depth3d.predictors.depth_map import read_depth_map
from depth3d.scale import Hint, fit_scale
from depth3d.scale.correction import correct_relief
from depth3d.scene import Scene
from depth3d.sparse import (
    EmbeddedDepth,
    embedded_at,
    embedded_points,
    embedded_relief,
    read_embedded_depth,
    read_hints,
    read_points,
)

if TYPE_CHECKING:
    from depth3d.predictors.download import Progress


# photo.jpg -> Photo -> predictors -> InverseDepth -> scale <- hints
#                |                                      |
#                |                                 MetricDepth ---------> colormap -> picture
#                |                                      |      \
#                +--> intrinsics -> Intrinsics -> points (unproject)  \--> parallax -> frames
#                |                                      |
#                |                                   PointMap
#                |                                   /      \
#                +------- rgb ------------------> cloud     mesh
#                                                   |         |
#                                                   v         v
#                                               formats / viewer
def reconstruct(
    photo: str | Path | Photo, options: Options | None = None, *, progress: Progress | None = None
) -> Scene:
    """Turn a photo into a scene.

    Args:
        photo: a file, or a photo already read.
        options: what the user chose.
        progress: called while a network's weights are downloaded, with the bytes that are there and those there will
            be, or None.

    Raises:
        Depth3DError: its child says which step cannot go on.
    """
    options = options or Options()
    embedded = None if isinstance(photo, Photo) else _embedded_depth(Path(photo), options)
    photo = photo if isinstance(photo, Photo) else read_photo(photo)
    camera = choose_camera(photo, options)
    hints = gather_hints(photo, camera, options)
    if embedded is not None and options.predictor == "auto":
        relief = embedded_relief(embedded, camera) if hints else embedded_at(embedded, camera)
    else:
        relief = predict_depth(photo, options, progress=progress)
        if embedded is not None and embedded.is_metric:
            hints = (*hints, embedded_points(embedded, camera))
    if isinstance(relief, MetricDepth):
        if hints:
            raise UsageError(
                "a metric depth map takes no hints; leave them out, or use the depth kind 'depth' to rescale it"
            )
        return Scene(photo, camera, None, relief, None, options, _unknown_note(relief.metres, relief.metres))
    fit = fit_scale(relief, camera, hints)
    if options.refine_scale:
        corrected = correct_relief(relief, fit)
        relief, fit = corrected.relief, corrected.fit
    depth = fit.apply(relief)
    return Scene(photo, camera, relief, depth, fit, options, (*fit.notes, *_unknown_note(relief.values, depth.metres)))


def _embedded_depth(path: Path, options: Options) -> EmbeddedDepth | None:
    """Depth that a phone stored inside the photo, unless the user chose another source of depth."""
    if not options.embedded_depth or options.depth_map is not None or options.weights is not None:
        return None
    return read_embedded_depth(path)


def gather_hints(photo: Photo, camera: Intrinsics, options: Options) -> tuple[Hint, ...]:
    """Every hint: those given, those of hint files, and files of sparse points."""
    hints = list(options.hints)
    for path in options.hints_files:
        hints += read_hints(path, photo=photo, camera=camera)
    for path in options.points:
        points = read_points(
            path,
            photo=photo,
            camera=camera,
            units_per_metre=options.points_units,
            confidence=options.points_confidence,
        )
        hints.append(points)
    return tuple(hints)


def choose_camera(photo: Photo, options: Options) -> Intrinsics:
    """The photo's intrinsics from what the user gave, else EXIF, else a stated assumption."""
    return choose_intrinsics(
        photo, fov_x_deg=options.fov_x_deg, focal_px=options.focal_px, camera_file=options.camera_file
    )


def predict_depth(photo: Photo, options: Options, *, progress: Progress | None = None) -> InverseDepth | MetricDepth:
    """The photo's depth from the user's own depth map, else from a network."""
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
    predictor = load_predictor(options.predictor, weights=options.weights, threads=options.threads, progress=progress)
    return predictor.predict(photo)


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
