"""Keypoints of photos and what matches between them, in COLMAP's database.

SIFT and its matching by pycolmap (Schoenberger and Frahm, "Structure-from-Motion Revisited", CVPR 2016). Work is done
in portions, so that progress can be told and what is done need not be done again after an interruption.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import MissingExtraError
from depth3d.scenes.multiview.progress import Report
from depth3d.scenes.multiview.sfm.match_pairs import LARGEST_KEYPOINTS
from depth3d.scenes.multiview.sfm.photo_set import SetPhoto, working_camera

_MOST_KEYPOINTS = 4096
_PHOTOS_AT_ONCE = 4
_PAIRS_AT_ONCE = 40
_SEED = 0


def quiet_pycolmap() -> Any:
    """Import pycolmap, which then writes errors only, and no files of them into the temporary folder.

    Raises:
        MissingExtraError: pycolmap is not installed.
    """
    try:
        import pycolmap
    except (ImportError, OSError):  # OSError: a system library that it needs is missing
        raise MissingExtraError("finding where photos were taken", "pycolmap", "sfm") from None
    pycolmap.logging.minloglevel = pycolmap.logging.ERROR.value
    for level in (pycolmap.logging.INFO, pycolmap.logging.WARNING, pycolmap.logging.ERROR, pycolmap.logging.FATAL):
        pycolmap.logging.set_log_destination(level, "")
    pycolmap.set_random_seed(_SEED)
    return pycolmap


def find_keypoints(photos: Sequence[SetPhoto], folder: Path, database: Path, report: Report) -> None:
    """Put the keypoints of every photo into the database; those that are there already are kept.

    Args:
        photos: all of the set.
        folder: of their copies.
        database: COLMAP's, made if it is not there.
        report: told how far the work has got.
    """
    pycolmap = quiet_pycolmap()
    done = _with_keypoints(pycolmap, database)
    groups: dict[str, list[SetPhoto]] = {}
    for photo in photos:
        groups.setdefault(photo.camera_group, []).append(photo)
    count = 0
    for group in groups.values():
        first, *rest = group
        portions = [[first], *(rest[start : start + _PHOTOS_AT_ONCE] for start in range(0, len(rest), _PHOTOS_AT_ONCE))]
        for portion in portions:
            report("finding keypoints", count, len(photos))
            names = [photo.working_name for photo in portion if photo.working_name not in done]
            if names:
                _extract(pycolmap, database, folder, names, first)
            count += len(portion)


def largest_keypoints(photos: Sequence[SetPhoto], database: Path) -> list[NDArray[np.float32]]:
    """For each photo (N, 128) float32, the descriptors of its largest keypoints, each of length 1."""
    pycolmap = quiet_pycolmap()
    base = pycolmap.Database.open(database)
    found = []
    for photo in photos:
        number = base.read_image_with_name(photo.working_name).image_id
        keypoints = np.asarray(base.read_keypoints(number), np.float32).reshape(-1, 6)
        descriptors = np.asarray(base.read_descriptors(number).data, np.float32).reshape(-1, 128)
        size = np.abs(keypoints[:, 2] * keypoints[:, 5] - keypoints[:, 3] * keypoints[:, 4])  # of the affine shape
        rows = np.argsort(-size, kind="stable")[:LARGEST_KEYPOINTS]
        chosen = descriptors[rows]
        found.append(chosen / np.maximum(np.linalg.norm(chosen, axis=1, keepdims=True), 1e-9))
    base.close()
    return found


def match_photos(photos: Sequence[SetPhoto], pairs: Sequence[tuple[int, int]], database: Path, report: Report) -> None:
    """Match pairs of photos and keep what one geometry explains; pairs that were done before are passed over.

    Args:
        photos: all of the set.
        pairs: numbers of photos.
        database: with the keypoints; pairs that are done are listed in a file beside it.
        report: told how far the work has got.
    """
    pycolmap = quiet_pycolmap()
    listed = database.with_suffix(".matched")
    done = set(listed.read_text(encoding="ascii").splitlines()) if listed.is_file() else set()
    lines = [f"{photos[i].working_name} {photos[j].working_name}" for i, j in pairs]
    waiting = [line for line in lines if line not in done]
    for start in range(0, len(waiting), _PAIRS_AT_ONCE):
        report("comparing keypoints", len(lines) - len(waiting) + start, len(lines))
        portion = waiting[start : start + _PAIRS_AT_ONCE]
        _match(pycolmap, database, portion)
        with listed.open("a", encoding="ascii") as file:
            file.write("".join(f"{line}\n" for line in portion))


def _with_keypoints(pycolmap: Any, database: Path) -> set[str]:
    base = pycolmap.Database.open(database)
    done = {image.name for image in base.read_all_images() if base.exists_keypoints(image.image_id)}
    base.close()
    return done


def _extract(pycolmap: Any, database: Path, folder: Path, names: list[str], first: SetPhoto) -> None:
    """Keypoints of a few photos of one camera, which the first of them brings into the database."""
    reader = pycolmap.ImageReaderOptions()
    options = pycolmap.FeatureExtractionOptions()
    options.sift.max_num_features = _MOST_KEYPOINTS
    base = pycolmap.Database.open(database)
    known = {image.name: image.camera_id for image in base.read_all_images()}
    base.close()
    if first.working_name in known:
        reader.existing_camera_id = known[first.working_name]
    else:
        model, parameters = _camera_words(first)
        reader.camera_model, reader.camera_params = model, ",".join(f"{value!r}" for value in parameters)
    mode = pycolmap.CameraMode.SINGLE
    pycolmap.extract_features(database, folder, names, mode, reader, options, pycolmap.Device.cpu)
    if first.working_name not in known and not first.is_camera_known:
        _mark_as_guess(pycolmap, database, first.working_name)


def _camera_words(photo: SetPhoto) -> tuple[str, list[float]]:
    """COLMAP's name of a lens model, and its parameters, of a photo's copy."""
    camera = working_camera(photo)
    centre = [float(camera.cx), float(camera.cy)]
    if not camera.distortion:
        return "SIMPLE_RADIAL", [float((camera.fx + camera.fy) / 2), *centre, 0.0]
    values = [*map(float, (camera.fx, camera.fy)), *centre]
    coefficients = list(map(float, camera.distortion))
    if camera.fisheye:
        return "OPENCV_FISHEYE", [*values, *coefficients]
    if len(coefficients) <= 4:
        return "OPENCV", [*values, *coefficients, *(0.0,) * (4 - len(coefficients))]
    return "FULL_OPENCV", [*values, *coefficients, *(0.0,) * (8 - len(coefficients))]


def _mark_as_guess(pycolmap: Any, database: Path, name: str) -> None:
    """Tell COLMAP that the camera's focal length is assumed: pairs are then compared without relying on it."""
    base = pycolmap.Database.open(database)
    camera = base.read_camera(base.read_image_with_name(name).camera_id)
    camera.has_prior_focal_length = False
    base.update_camera(camera)
    base.close()


def _match(pycolmap: Any, database: Path, lines: list[str]) -> None:
    pairs = database.with_suffix(".pairs")
    pairs.write_text("\n".join(lines) + "\n", encoding="ascii")
    pairing = pycolmap.ImportedPairingOptions()
    pairing.match_list_path = pairs
    verification = pycolmap.TwoViewGeometryOptions()
    verification.ransac.random_seed = _SEED
    matching = pycolmap.FeatureMatchingOptions()
    pycolmap.match_image_pairs(database, matching, pairing, verification, pycolmap.Device.cpu)
    pairs.unlink()
