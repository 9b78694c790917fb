"""One scale for a set of photos of one place.

The a and b of 1/z = a d + b differ from photo to photo and cannot be carried over. What photos of one place share is
the points of a COLMAP model that several of them see: each photo's a and b are fitted to those, so that all of them are
in the model's unit. How large that unit is, is one number for the set. Each photo whose own hints give metres, such as
a camera's height, says what it is: the median of its depth over the model's, at the points it sees. The median over the
photos is taken for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from depth3d.batch.fetch import local_photo
from depth3d.batch.process_photo import Job, Recipe
from depth3d.core.errors import Depth3DError, HintError, UsageError
from depth3d.core.undistort import to_ideal_pixels
from depth3d.io.colmap.model import NO_POINT, each_image, is_colmap_model
from depth3d.io.points.read import read_points
from depth3d.scenes.options import Options
from depth3d.scenes.photo import reconstruct
from depth3d.scenes.scene import Scene

LEAST_SHARED_POINTS = 8
"""Two photos that see fewer of the same points are not tied to each other."""

_PHOTOS_ASKED = 30
_PHOTOS_NAMED = 4


def check_overlap(jobs: Sequence[Job], options: Options) -> None:
    """Refuse photos that are not tied to each other by points that several of them see.

    Photos that the model does not know do not count; each of them gets a failed row.

    Raises:
        UsageError: no COLMAP model, or more than one, is among the options' points.
        HintError: the photos fall into groups that share no points, or fewer than two are in the model.
        ColmapError: the model is damaged.
    """
    names = {PurePosixPath(job.photo).name for job in jobs}
    seen: dict[str, NDArray[np.int64]] = {}
    for image in each_image(_model(options)):
        name = PurePosixPath(image.name.replace("\\", "/")).name
        if name in names:
            seen[name] = np.unique(image.point_ids[image.point_ids != NO_POINT])
    groups = _groups(seen)
    if len(seen) < 2 or len(groups) > 1:
        some = " | ".join(", ".join(group[:_PHOTOS_NAMED]) + ", ..." * (len(group) > _PHOTOS_NAMED) for group in groups)
        what = "only one of the photos is in the model" if len(seen) == 1 else "none of the photos is in the model"
        if len(seen) > 1:
            what = f"the photos fall into {len(groups)} groups that share no points ({some})"
        raise HintError(f"one scale for all needs photos that see the same points: {what}; batch such photos together")


def shared_units(jobs: Sequence[Job], options: Options) -> float:
    """How many of the model's units make a metre, the same for every photo.

    Some photos, evenly spread over the set, are reconstructed with the hints that the options hold. Without any hint
    the options' own `points_units` is taken, else the model's unit for a metre.

    Raises:
        UsageError: both the unit and hints are given.
        HintError: there are hints, but no photo gives a distance with them.
        Depth3DError: what ends any batch.
    """
    if not options.scale.hints and not options.scale.hints_files:
        return options.scale.points_units or 1.0
    if options.scale.points_units is not None:
        raise UsageError("both the units of the points and hints say how large a shared scale is; give one of them")
    steps = np.linspace(0, len(jobs) - 1, min(_PHOTOS_ASKED, len(jobs))).round().astype(int)
    found, failure = [], "none of them gives metres"
    for job in (jobs[step] for step in dict.fromkeys(steps.tolist())):
        try:
            found.append(_units_by(job, options))
        except (UsageError, HintError) as error:
            failure = str(error)
        except Depth3DError:  # it gets a row of its own with the reason
            continue
    if not found:
        raise HintError(f"no photo says how large the shared scale is; the last one asked: {failure}")
    return float(np.median(found))


def with_shared_scale(recipe: Recipe, units: float) -> Recipe:
    """The recipe whose scale comes from the model's points alone, at so many of its units per metre."""
    options = recipe.options.changed(points_units=units, hints=(), hints_files=())
    return replace(recipe, options=options, shared_units=units)


def _model(options: Options) -> Path:
    models = [path for path in options.scale.points if is_colmap_model(path)]
    if len(models) != 1 or len(options.scale.points) != 1:
        raise UsageError(
            "a shared scale comes from points that several photos see; give one COLMAP model with --points FOLDER"
        )
    return models[0]


def _groups(seen: dict[str, NDArray[np.int64]]) -> list[list[str]]:
    """Names of photos that are tied to each other, the largest group first."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    names = list(seen)
    if not names:
        return []
    _, columns = np.unique(np.concatenate(list(seen.values())), return_inverse=True)
    rows = np.repeat(np.arange(len(names)), [len(ids) for ids in seen.values()])
    sees = coo_array((np.ones(len(rows), np.int32), (rows, columns))).tocsr()
    count, label = connected_components((sees @ sees.T) >= LEAST_SHARED_POINTS, directed=False)
    groups = [[names[i] for i in np.flatnonzero(label == number)] for number in range(count)]
    return sorted(groups, key=len, reverse=True)


def _units_by(job: Job, options: Options) -> float:
    """The model's units per metre, by one photo's own hints.

    Raises:
        Depth3DError: the photo cannot be read, gives no metres, or is not in the model.
    """
    with local_photo(job.photo) as photo:
        scene = reconstruct(photo, options=options.for_photo(job.stem).changed(points=()))
    if scene.fit is None or not scene.fit.is_metric:
        raise HintError(f"{job.photo}: nothing says how large it is")
    ratios = _units_at_points(scene, _model(options))
    if not len(ratios):
        raise HintError(f"{job.photo}: no point of the model lies where its depth is known")
    return float(np.median(ratios))


def _units_at_points(scene: Scene, model: Path) -> NDArray[np.float64]:
    """(N,) the model's units per metre at each of its points that the photo sees."""
    original = replace(scene.photo, rgb=np.broadcast_to(np.uint8(0), (*scene.camera_as_taken.size[::-1], 3)))
    points = read_points(model, photo=original, camera=scene.camera_as_taken, units_per_metre=1.0)
    if not scene.camera_as_taken.is_ideal:
        points = points.moved(partial(to_ideal_pixels, camera=scene.camera_as_taken, ideal=scene.camera))
    width, height = scene.depth.size
    inside = (points.u >= 0) & (points.u < width) & (points.v >= 0) & (points.v < height)
    metres = scene.depth.z[points.v[inside].astype(int), points.u[inside].astype(int)]
    known = np.isfinite(metres)
    return np.asarray(points.metres[inside][known] / metres[known])
