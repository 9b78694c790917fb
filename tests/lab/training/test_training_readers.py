"""Data sets as they are laid out: pairs, units, masks."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from depth3d.core.errors import DepthMapError, PhotoError, UsageError
from depth3d.lab.training.dataset_layouts import LAYOUTS, Pair, find_pairs, read_pair


def _photo(path: Path, size: tuple[int, int] = (8, 6)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((size[1], size[0], 3), (10, 20, 200), np.uint8))


def _depth(path: Path, stored: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.full((6, 8), stored, np.uint16)
    values[0, 0] = 0
    cv2.imwrite(str(path), values)


def _make(layout: str, root: Path) -> None:
    if layout == "tum":
        _photo(root / "rgb" / "1305031102.175304.png")
        _depth(root / "depth" / "1305031102.160407.png", 10000)
    elif layout == "redwood":
        _photo(root / "image" / "0000001-000000000000.jpg")
        _depth(root / "depth" / "0000001-000000000000.png", 2000)
    elif layout == "nyu":
        _photo(root / "kitchen" / "rgb_00045.jpg")
        _depth(root / "kitchen" / "sync_depth_00045.png", 2000)
    elif layout == "kitti":
        drive = root / "train" / "2011_09_26_drive_0001_sync"
        _depth(drive / "proj_depth" / "groundtruth" / "image_02" / "0000000005.png", 512)
        _photo(root / "2011_09_26" / drive.name / "image_02" / "data" / "0000000005.png")
    elif layout == "diode":
        _photo(root / "scene" / "a.png")
        np.save(root / "scene" / "a_depth.npy", np.full((6, 8, 1), 2.0, np.float32))
        mask = np.ones((6, 8))
        mask[0, 0] = 0
        np.save(root / "scene" / "a_depth_mask.npy", mask)
    elif layout == "scannet":
        _photo(root / "color" / "100.jpg", (16, 12))
        _depth(root / "depth" / "100.png", 2000)
    elif layout == "indexed":
        _photo(root / "0.jpg")
        _depth(root / "0_inv.png", 1000)
        entry = {"image": "0.jpg", "inverse_depth": "0_inv.png", "inv_scale": 0.0005, "metric": True}
        (root / "index.json").write_text(json.dumps([entry, {"image": "without_depth.jpg"}]))
    else:
        import scipy.io

        _photo(root / "Train400Img" / "img-op1-p-015t000.jpg", (16, 12))
        grid = np.full((6, 8, 4), 2.0)
        grid[0, 0, 3] = 0
        scipy.io.savemat(root / "depth_sph_corr-op1-p-015t000.mat", {"Position3DGrid": grid})


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_every_layout_gives_metres_and_colours(layout: str, tmp_path: Path) -> None:
    _make(layout, tmp_path)
    pairs = find_pairs(layout, tmp_path)
    assert len(pairs) == 1
    sample = read_pair(pairs[0], LAYOUTS[layout])
    assert sample.rgb.shape == (6, 8, 3)
    np.testing.assert_allclose(sample.rgb[3, 4], (200, 20, 10), atol=8)
    assert not sample.valid[0, 0]
    np.testing.assert_allclose(sample.inverse_depth[sample.valid], 0.5)
    assert sample.valid.sum() == 47


def test_disparities_of_unknown_shift_are_no_metres(tmp_path: Path) -> None:
    """A disparity of 60 is not a point 17 mm before the lens."""
    _photo(tmp_path / "0.jpg")
    _depth(tmp_path / "0_inv.png", 30000)
    entry = {"image": "0.jpg", "inverse_depth": "0_inv.png", "inv_scale": 0.002, "metric": False}
    for metric, known in ((False, 47), (True, 0)):
        (tmp_path / "index.json").write_text(json.dumps([entry | {"metric": metric}]))
        sample = read_pair(find_pairs("indexed", tmp_path)[0], LAYOUTS["indexed"])
        assert sample.valid.sum() == known
        assert sample.anchored == metric
    np.testing.assert_allclose(sample.inverse_depth.max(), 0)


def test_an_index_that_lists_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(DepthMapError, match="cannot be read"):
        find_pairs("indexed", tmp_path)
    (tmp_path / "index.json").write_text('[{"inverse_depth": "x.png"}]')
    with pytest.raises(DepthMapError, match="lists no pairs"):
        find_pairs("indexed", tmp_path)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown layout"):
        find_pairs("imagenet", tmp_path)
    with pytest.raises(UsageError, match="no photo with depth"):
        find_pairs("tum", tmp_path)
    with pytest.raises(UsageError, match="not a folder"):
        find_pairs("tum", tmp_path / "absent")


def test_damaged_files_are_named(tmp_path: Path) -> None:
    _photo(tmp_path / "a.png")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with pytest.raises(DepthMapError, match="bad.png"):
        read_pair(Pair(tmp_path / "a.png", tmp_path / "bad.png"), LAYOUTS["tum"])
    with pytest.raises(PhotoError, match="bad.png"):
        read_pair(Pair(tmp_path / "bad.png", tmp_path / "a.png"), LAYOUTS["tum"])
    (tmp_path / "bad.npy").write_bytes(b"no array")
    with pytest.raises(DepthMapError, match="bad.npy"):
        read_pair(Pair(tmp_path / "a.png", tmp_path / "bad.npy"), LAYOUTS["diode"])


def test_the_real_frames_can_be_read(shared_data: Path) -> None:
    pairs = find_pairs("kitti", shared_data / "metric3d_kitti")
    assert len(pairs) == 2
    depth = 1 / read_pair(pairs[0], LAYOUTS["kitti"]).inverse_depth[read_pair(pairs[0], LAYOUTS["kitti"]).valid]
    assert 3 < depth.min() < 8
    assert 40 < depth.max() <= 80
    assert len(find_pairs("redwood", shared_data / "rgbd_redwood_open3d")) == 5
