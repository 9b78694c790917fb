"""COLMAP points as hints: real points against a real depth camera, and every way a model may not fit its photo."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pycolmap
import pytest

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth
from depth3d.core.errors import HintError
from depth3d.io.colmap.points import colmap_depths
from depth3d.io.photos.photo import Exif, Photo, read_photo
from depth3d.io.points.read import read_points
from depth3d.scale import SparsePoints, fit_scale

FRAMES = (0, 240, 480, 720)
CAMERA = Intrinsics.from_integer_centres(640, 480, 527.5, 527.5, 326.5, 243)


def _frame(shared_data: Path, number: int) -> tuple[Photo, np.ndarray, SparsePoints]:
    """A photo, the depth camera's metres (NaN where it saw nothing), and the hint from COLMAP's points."""
    stem = shared_data / "rgbd_7scenes_redkitchen" / f"frame-{number:06d}"
    photo = read_photo(f"{stem}.color.jpg")
    stored = cv2.imread(f"{stem}.depth_registered.png", cv2.IMREAD_UNCHANGED)
    truth = np.where(stored > 0, stored / 1000, np.nan)
    model = shared_data / "colmap_7scenes_metric" / "sparse"
    return photo, truth, read_points(model, photo=photo, camera=CAMERA)


def test_points_agree_with_the_depth_camera(shared_data: Path) -> None:
    errors, sigmas = [], []
    for number in FRAMES:
        _, truth, hint = _frame(shared_data, number)
        true = truth[np.minimum(hint.v.astype(int), 479), np.minimum(hint.u.astype(int), 639)]
        known = np.isfinite(true)
        assert known.sum() > 150
        errors.append(hint.metres[known] / true[known] - 1)
        sigmas.append(np.asarray(hint.relative_sigma)[known])
    error, sigma = np.concatenate(errors), np.concatenate(sigmas)
    assert np.median(np.abs(error)) == pytest.approx(0.036, abs=0.004)
    assert abs(np.median(error)) < 0.01
    # Honest: about 68 % within one sigma, here with some gross outliers; and those called unsure are worse.
    assert 0.5 < np.mean(np.abs(error) < sigma) < 0.76
    unsure = sigma > np.percentile(sigma, 80)
    assert np.median(np.abs(error[unsure])) > 2 * np.median(np.abs(error[~unsure]))


def test_they_scale_a_distorted_depth(shared_data: Path) -> None:
    """The true inverse depth, changed by an affine map and 1 % of noise, comes back with the points as only hint.

    What is left is the model's own error: its points on frame 720 are 4 % too far away in the median. All may be too
    far or too near together, so the assumed range of the picture has a say too.
    """
    errors = {}
    for number in FRAMES:
        _, truth, hint = _frame(shared_data, number)
        rng = np.random.default_rng(number)
        inverse = 1 / truth
        low, high = np.nanpercentile(inverse, (2, 98))
        d = 7 * inverse - 3 + rng.normal(0, 0.01 * 7 * (high - low), inverse.shape)
        inverse_depth = InverseDepth(d.astype(np.float32), noise=0.01)
        metres = fit_scale(inverse_depth, CAMERA, [hint]).apply(inverse_depth).z
        errors[number] = float(np.nanmedian(np.abs(metres / truth - 1)))
    assert max(errors[number] for number in FRAMES[:3]) < 0.045
    assert errors[720] < 0.065
    assert np.mean(list(errors.values())) < 0.035


def test_the_frame_can_be_of_another_size_than_the_models(shared_data: Path) -> None:
    photo, _, hint = _frame(shared_data, 0)
    half = replace(photo, rgb=np.ascontiguousarray(photo.rgb[::2, ::2]))
    model = shared_data / "colmap_7scenes_metric" / "sparse"
    small = read_points(model, photo=half, camera=CAMERA.resized(320, 240), units_per_metre=1000)
    assert np.array_equal(small.u * 2, hint.u)
    assert np.array_equal(small.v * 2, hint.v)
    np.testing.assert_allclose(small.metres * 1000, hint.metres)
    assert "1000 units per metre" in small.source
    with pytest.raises(HintError, match="is of 640x480, the photo of 480x480; they must have one aspect ratio"):
        colmap_depths(model, replace(photo, rgb=np.zeros((480, 480, 3), np.uint8)), units_per_metre=1)


def test_a_photo_that_the_model_lacks_is_told_what_it_has(shared_data: Path) -> None:
    photo = Photo(np.zeros((480, 640, 3), np.uint8), name="kitchen.jpg")
    with pytest.raises(
        HintError, match=r"no image is called kitchen\.jpg; the 50 are frame-000000\.color\.jpg, .*\.\.\.;"
    ):
        colmap_depths(shared_data / "colmap_7scenes_metric" / "sparse", photo, units_per_metre=1)


def _model(folder: Path, names: list[str], *, points: int = 12) -> Path:
    """Two cameras a metre apart that look along z at points 4 m away, 64x48 pixels, f = 50."""
    model = pycolmap.Reconstruction()
    model.add_camera_with_trivial_rig(
        pycolmap.Camera(camera_id=1, model="SIMPLE_RADIAL", width=64, height=48, params=[50.0, 32, 24, 0.1])
    )
    xyz = np.stack([np.linspace(-1, 1, 12), np.linspace(1, -1, 12), np.full(12, 4.0)], axis=1)[:points]
    for number, name in enumerate(names, start=1):
        keypoints = 50 * (xyz[:, :2] - ((number - 1) % 2, 0)) / 4 + (32, 24)
        image = pycolmap.Image(name=name, keypoints=keypoints, camera_id=1, image_id=number)
        pose = pycolmap.Rigid3d(pycolmap.Rotation3d(), np.array([-float((number - 1) % 2), 0, 0]))
        model.add_image_with_trivial_frame(image, pose)
    for k, place in enumerate(xyz):
        track = pycolmap.Track()
        for number in range(1, len(names) + 1):
            track.add_element(number, k)
        model.add_point3D(place, track, np.zeros(3, np.uint8))
    folder.mkdir(exist_ok=True)
    model.write_binary(str(folder))
    return folder


def _photo(width: int, height: int, orientation: int = 1) -> Photo:
    return Photo(np.zeros((height, width, 3), np.uint8), Exif(orientation=orientation), "a.jpg")


def test_the_name_is_found_in_any_folder_but_must_be_one(tmp_path: Path) -> None:
    found = colmap_depths(_model(tmp_path / "one", ["left/a.jpg", "right/b.jpg"]), _photo(64, 48), units_per_metre=1)
    assert found.metres == pytest.approx([4.0] * 12)
    assert found.source == "COLMAP model one (left/a.jpg, taken as metres)"
    with pytest.raises(HintError, match=r"2 images are called a\.jpg: left/a\.jpg, right/a\.jpg"):
        colmap_depths(_model(tmp_path / "two", ["left/a.jpg", "right/a.jpg"]), _photo(64, 48), units_per_metre=1)


def test_keypoints_are_turned_as_the_photo_was(tmp_path: Path) -> None:
    folder = _model(tmp_path / "m", ["a.jpg", "b.jpg"])
    stored = colmap_depths(folder, _photo(64, 48), units_per_metre=1)
    turned = colmap_depths(folder, _photo(48, 64, orientation=6), units_per_metre=1)
    assert np.array_equal(turned.u, 48 - stored.v)
    assert np.array_equal(turned.v, stored.u)
    before = colmap_depths(folder, _photo(64, 48, orientation=6), units_per_metre=1)
    assert np.array_equal(before.u, stored.u)


def test_sigma_is_that_of_the_parallax(tmp_path: Path) -> None:
    """A baseline of 1 m at 4 m with f = 50 and 1 px (COLMAP's -1: not computed): sqrt(2) / (50 * 0.245) = 0.115."""
    found = colmap_depths(_model(tmp_path / "m", ["a.jpg", "b.jpg"]), _photo(64, 48), units_per_metre=1)
    assert np.median(found.relative_sigma) == pytest.approx(np.hypot(np.sqrt(2) / 50 / np.arctan(1 / 4), 0.03), rel=0.1)
    alone = colmap_depths(_model(tmp_path / "n", ["a.jpg"]), _photo(64, 48), units_per_metre=1)
    assert set(alone.relative_sigma) == {1.0}


def test_a_model_with_parts_missing_is_refused(tmp_path: Path) -> None:
    whole = _model(tmp_path / "m", ["a.jpg", "b.jpg"])
    with pytest.raises(HintError, match=r"the image a\.jpg sees no point"):
        colmap_depths(_model(tmp_path / "none", ["a.jpg"], points=0), _photo(64, 48), units_per_metre=1)
    few = _model(tmp_path / "few", ["a.jpg", "b.jpg"], points=3)
    shutil.copy(few / "points3D.bin", whole / "points3D.bin")
    with pytest.raises(HintError, match="points that are not in points3D"):
        colmap_depths(whole, _photo(64, 48), units_per_metre=1)
    (whole / "cameras.bin").write_bytes(bytes(8))
    with pytest.raises(HintError, match="has the camera 1, which is not there"):
        colmap_depths(whole, _photo(64, 48), units_per_metre=1)
