from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from four_colour_wall import depth, picture
from PIL import Image
from test_atomic import names

from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import GeometryError, OutputError
from depth3d.io.save import save
from depth3d.render.heatmap import to_depth_photo


def test_the_pair_is_the_photo_and_a_grey_picture_with_the_nearest_white(tmp_path: Path) -> None:
    save(to_depth_photo(picture(), depth()), tmp_path / "room.jpg")
    assert names(tmp_path) == ["room.jpg", "room_depth.jpg"]
    with Image.open(tmp_path / "room.jpg") as image, Image.open(tmp_path / "room_depth.jpg") as other:
        photo, levels = np.asarray(image), np.asarray(other)
        assert image.size == other.size == (48, 36)
    assert np.abs(photo.astype(int) - picture()).mean() < 4
    assert np.ptp(levels.astype(int), axis=2).max() <= 2  # grey
    row = levels[18, :, 0].astype(int)
    assert row[0] < 12
    assert row[-1] > 243
    assert (np.diff(row) > -6).all()  # the wall comes nearer to the right, evenly in 1/z
    assert np.abs(row[1:-1] - np.linspace(row[0], row[-1], 48)[1:-1]).max() < 16


def test_the_unknown_is_far() -> None:
    metres = depth().z.copy()
    metres[:, 40:] = np.nan
    pair = to_depth_photo(picture(), MetricDepth(metres, unit="m"))
    assert (pair.nearness[:, 40:] == 0).all()
    assert pair.nearness[:, 39].min() > 240
    relative = to_depth_photo(picture(), InverseDepth(3 / metres + 1))
    assert np.abs(relative.nearness.astype(int) - pair.nearness).max() <= 1


def test_neither_file_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "room_depth.jpg").write_bytes(b"mine")
    with pytest.raises(OutputError, match=r"room_depth\.jpg exists already"):
        save(to_depth_photo(picture(), depth()), tmp_path / "room.jpg")
    assert names(tmp_path) == ["room_depth.jpg"]


def test_another_size() -> None:
    with pytest.raises(GeometryError, match="the photo is 40x36, its depth 48x36"):
        to_depth_photo(picture()[:, :40], depth())
