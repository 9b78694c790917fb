"""From matches to places: COLMAP's incremental mapping, kept as a model of the photos as they are.

The copies that were compared are smaller than the photos; the model that is kept is of the upright photos in full size
and under their own names.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from depth3d.scenes.multiview.progress import Report
from depth3d.scenes.multiview.sfm.features import quiet_pycolmap
from depth3d.scenes.multiview.sfm.photo_set import SetPhoto

LEAST_MODEL = 2
_FEW = 4
"""So few photos do not tell the focal length; what is known or assumed of it is kept."""

_MOST_GROUPS = 8
_SEED = 0
_ATTEMPTS: tuple[dict[str, float], ...] = (
    {},
    {"init_min_tri_angle": 4.0, "init_min_num_inliers": 50, "abs_pose_min_num_inliers": 15},
)
"""What is asked of a start and of every further photo: what COLMAP asks, then less, for sets with few photos."""


def map_places(
    photos: Sequence[SetPhoto], folder: Path, database: Path, out: Path, *, camera_is_stated: bool, report: Report
) -> list[Any]:
    """Every model that COLMAP finds, the one with the most photos first.

    Args:
        photos: all of the set.
        folder: of the copies.
        database: with matches.
        out: an empty folder for COLMAP's own files.
        camera_is_stated: the user stated the camera, so that it is kept as it is.
        report: told how many photos have been placed.
    """
    pycolmap = quiet_pycolmap()
    best: list[Any] = []
    for attempt, demands in enumerate(_ATTEMPTS):
        options = _options(pycolmap, demands, fixed=camera_is_stated or len(photos) < _FEW)
        placed = [LEAST_MODEL]
        report("finding places", 0, len(photos))

        def one_more(placed: list[int] = placed) -> None:
            placed[0] = min(placed[0] + 1, len(photos))
            report("finding places", placed[0], len(photos))

        target = out / str(attempt)
        target.mkdir(parents=True, exist_ok=True)
        models = pycolmap.incremental_mapping(database, folder, target, options, next_image_callback=one_more)
        ranked = sorted(models.values(), key=_rank, reverse=True)
        if ranked and (not best or _rank(ranked[0]) > _rank(best[0])):
            best = ranked
        if best and best[0].num_reg_images() >= len(photos):
            break
    return best


def write_model(model: Any, photos: Sequence[SetPhoto], folder: Path, *, units: float = 1.0) -> None:
    """Write a model in COLMAP's format, of the upright photos in full size and under their own names.

    Args:
        model: of the copies; changed.
        photos: all of the set.
        folder: where to.
        units: the model is made so many times as large.
    """
    pycolmap = quiet_pycolmap()
    by_name = {photo.working_name: photo for photo in photos}
    if units != 1:
        model.transform(pycolmap.Sim3d(units, pycolmap.Rotation3d(), [0.0, 0.0, 0.0]))
    resized: set[int] = set()
    for image in model.images.values():
        photo = by_name[image.name]
        image.name = photo.path.name
        (width, height), (small_width, small_height) = photo.size, photo.working_size
        if (width, height) == (small_width, small_height):
            continue
        if image.camera_id not in resized:
            model.camera(image.camera_id).rescale(width, height)
            resized.add(image.camera_id)
        for point in image.points2D:
            point.xy = point.xy * (width / small_width, height / small_height)
    folder.mkdir(parents=True, exist_ok=True)
    model.write(folder)


def placed_names(model: Any) -> set[str]:
    """The names of the copies whose places a model knows."""
    return {image.name for image in model.images.values() if image.has_pose}


def _rank(model: Any) -> tuple[int, int]:
    return model.num_reg_images(), model.num_points3D()


def _options(pycolmap: Any, demands: dict[str, float], *, fixed: bool) -> Any:
    options = pycolmap.IncrementalPipelineOptions()
    options.min_model_size = LEAST_MODEL
    options.max_num_models = _MOST_GROUPS
    options.extract_colors = True
    options.ba_refine_focal_length = options.ba_refine_extra_params = not fixed
    options.mapper.abs_pose_refine_focal_length = options.mapper.abs_pose_refine_extra_params = not fixed
    for part in (options, options.mapper, options.triangulation):
        part.random_seed = _SEED
    for name, value in demands.items():
        setattr(options.mapper, name, type(getattr(options.mapper, name))(value))
    return options
