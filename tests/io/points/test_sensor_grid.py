"""Depth on a grid: where each pixel stands in the photo, what its numbers mean, and how sure they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from depth3d.core.depth import MetricDepth
from depth3d.core.errors import DepthMapError, HintError, UsageError
from depth3d.io.photos.photo import Exif, Photo, read_photo
from depth3d.io.points.pixel_depths import DEFAULT_RELATIVE_SIGMA
from depth3d.io.points.sensor_grid import sensor_depths
from depth3d.io.save import save


def _photo(width: int, height: int, orientation: int = 1) -> Photo:
    return Photo(np.zeros((height, width, 3), np.uint8), Exif(orientation=orientation), "photo.jpg")


def _png16(path: Path, values: np.ndarray, **texts: str) -> Path:
    info = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        info.add_text(f"depth3d:{name}", text)
    Image.fromarray(values.astype(np.uint16)).save(path, pnginfo=info)
    return path


def test_a_small_grid_stands_at_its_pixel_centres(tmp_path: Path) -> None:
    """4x3 over 40x30: the first pixel covers (0, 0) to (10, 10), so its centre is (5, 5); 0 is unknown."""
    values = np.zeros((3, 4))
    values[0, 0], values[2, 3] = 1500, 2500
    found = sensor_depths(_png16(tmp_path / "d.png", values), _photo(40, 30), units_per_metre=1000)
    assert list(zip(found.u, found.v, found.metres, strict=True)) == [(5, 5, 1.5), (35, 25, 2.5)]
    assert found.relative_sigma.tolist() == [DEFAULT_RELATIVE_SIGMA] * 2
    assert found.source == "d.png (4x3)"


def test_whole_numbers_need_a_unit_and_floats_are_metres(tmp_path: Path) -> None:
    photo, values = _photo(4, 3), np.full((3, 4), 1500)
    with pytest.raises(UsageError, match="whole numbers do not say their unit; give the units per metre, 1000 for"):
        sensor_depths(_png16(tmp_path / "d.png", values), photo)
    stated = _png16(tmp_path / "s.png", values, units_per_metre="500", unknown="0")
    assert set(sensor_depths(stated, photo).metres) == {3.0}
    np.save(tmp_path / "d.npy", np.where(np.eye(3, 4), np.nan, 1.5))
    assert sensor_depths(tmp_path / "d.npy", photo).metres.tolist() == [1.5] * 9
    np.savez(tmp_path / "d.npz", depth=np.full((3, 4), 2.5, np.float32), other=np.zeros(3))
    assert set(sensor_depths(tmp_path / "d.npz", photo).metres) == {2.5}


def test_our_own_depth_comes_back_with_its_unit(tmp_path: Path) -> None:
    metres = np.linspace(0.7, 9, 12, dtype=np.float32).reshape(3, 4)
    save(MetricDepth(metres, unit="m"), tmp_path / "own.png")
    np.testing.assert_allclose(sensor_depths(tmp_path / "own.png", _photo(4, 3)).metres, metres.ravel(), atol=6e-4)


def test_confidence_becomes_sigma(tmp_path: Path) -> None:
    np.save(tmp_path / "d.npy", np.ones((1, 3)))
    Image.fromarray(np.array([[0, 1, 2]], np.uint8)).save(tmp_path / "c.png")
    low, medium, high = sensor_depths(tmp_path / "d.npy", _photo(3, 1), confidence=tmp_path / "c.png").relative_sigma
    assert low > 2 * medium > 4 * high * 0.99
    Image.fromarray(np.array([[0, 128, 255]], np.uint8)).save(tmp_path / "c.png")
    with pytest.raises(HintError, match="a confidence is 0, 1 or 2 .*found 255"):
        sensor_depths(tmp_path / "d.npy", _photo(3, 1), confidence=tmp_path / "c.png")
    Image.fromarray(np.zeros((2, 3), np.uint8)).save(tmp_path / "c.png")
    with pytest.raises(HintError, match="the confidence is of 3x2, the depth 3x1"):
        sensor_depths(tmp_path / "d.npy", _photo(3, 1), confidence=tmp_path / "c.png")


def test_a_pixel_on_a_jump_is_less_sure_than_one_on_a_wall(tmp_path: Path) -> None:
    np.save(tmp_path / "d.npy", np.repeat([[1.0, 1, 1, 3, 3, 3]], 4, axis=0))
    sigma = sensor_depths(tmp_path / "d.npy", _photo(6, 4)).relative_sigma.reshape(4, 6)
    assert sigma[:, [0, 1, 4, 5]] == pytest.approx(DEFAULT_RELATIVE_SIGMA)
    assert sigma[0, 2] == pytest.approx(np.hypot(DEFAULT_RELATIVE_SIGMA, 2 / np.sqrt(12)))


def test_a_grid_as_the_photo_was_stored_is_turned_with_it(tmp_path: Path) -> None:
    values = np.zeros((3, 4))
    values[0, 0] = 1000
    path = _png16(tmp_path / "d.png", values)
    found = sensor_depths(path, _photo(30, 40, orientation=6), units_per_metre=1000)
    assert (found.u.tolist(), found.v.tolist()) == ([25], [5])  # the stored top left is the upright top right
    assert found.source == "d.png (3x4, turned as the photo)"
    with pytest.raises(HintError, match="4x3 has another aspect ratio than the photo's 30x40; turn it upright"):
        sensor_depths(path, _photo(30, 40), units_per_metre=1000)
    with pytest.raises(HintError, match="crop it to the photo's part"):
        sensor_depths(path, _photo(40, 20), units_per_metre=1000)


def test_what_holds_no_metres_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.full((3, 4), 9, np.uint8)).save(tmp_path / "eight.png")
    with pytest.raises(HintError, match="8 bits cannot hold measured depth"):
        sensor_depths(tmp_path / "eight.png", _photo(4, 3), units_per_metre=10)
    np.savez(tmp_path / "relative.npz", inverse_depth=np.ones((3, 4)))
    with pytest.raises(HintError, match="holds relative depth"):
        sensor_depths(tmp_path / "relative.npz", _photo(4, 3))
    (tmp_path / "cut.npy").write_bytes(b"\x93NUMPY\x01\0")
    with pytest.raises(DepthMapError, match="NPY header is damaged"):
        sensor_depths(tmp_path / "cut.npy", _photo(4, 3))


def test_real_phone_lidar_covers_its_photo(shared_data: Path) -> None:
    folder = shared_data / "iphone_promptda"
    photo = read_photo(folder / "image.jpg")
    found = sensor_depths(folder / "arkit_depth.png", photo, units_per_metre=1000)
    assert len(found.u) == 256 * 192
    assert (found.u.min(), found.v.min()) == (3.75, 3.75)
    assert (found.u.mean(), found.v.mean()) == pytest.approx((photo.size[0] / 2, photo.size[1] / 2))
    assert 1.5 < found.metres.min() < np.median(found.metres) < found.metres.max() < 3.6
    assert np.median(found.relative_sigma) == pytest.approx(DEFAULT_RELATIVE_SIGMA, rel=0.05)
    assert found.relative_sigma.max() > 0.05
