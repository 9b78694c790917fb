from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image
from test_depth_image import NOTES, metric, relative

from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import UsageError
from depth3d.io.depth.depth_map import read_depth_map
from depth3d.io.save import save


def description(path: Path) -> dict[str, str]:
    with tifffile.TiffFile(path) as file:
        texts: dict[str, str] = json.loads(file.pages[0].description)
    return texts


@pytest.mark.parametrize("value", [metric(), relative()], ids=["metric", "relative"])
@pytest.mark.parametrize("suffix", [".tif", ".tiff"])
def test_three_readers_find_the_float_values(tmp_path: Path, value: Any, suffix: str) -> None:
    values = value.z if isinstance(value, MetricDepth) else value.values
    path = save(value, tmp_path / f"a{suffix}", notes=NOTES)
    with Image.open(path) as image:
        assert image.mode == "F"
        pillows = np.asarray(image)
    for read in (tifffile.imread(path), pillows, cv2.imread(str(path), cv2.IMREAD_UNCHANGED)):
        assert read is not None
        assert read.dtype == np.float32
        assert np.array_equal(read, values, equal_nan=True)
    texts = description(path)
    assert texts["depth3d:photo"] == "küche.jpg"
    assert texts["depth3d:kind"].startswith("metric" if isinstance(value, MetricDepth) else "relative")
    assert texts["depth3d:unknown"] == "NaN"


def test_metric_depth_of_16_bits(tmp_path: Path) -> None:
    depth = metric()
    path = save(depth, tmp_path / "a.tif", bits=16)
    read = tifffile.imread(path)
    assert read.dtype == np.uint16
    assert description(path)["depth3d:units_per_metre"] == "1000"
    assert np.array_equal(read == 0, np.isnan(depth.z))
    assert np.nanmax(np.abs(np.where(read == 0, np.nan, read / 1000) - depth.z)) <= 0.00051
    theirs = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert theirs is not None
    assert np.array_equal(theirs, read)


def test_relative_depth_of_16_bits(tmp_path: Path) -> None:
    inverse_depth = relative()
    path = save(inverse_depth, tmp_path / "a.tif", bits=16)
    read, texts = tifffile.imread(path).astype(np.float64), description(path)
    least, greatest = float(texts["depth3d:value_at_1"]), float(texts["depth3d:value_at_65535"])
    step = (greatest - least) / 65534
    assert (
        np.nanmax(np.abs(np.where(read == 0, np.nan, least + (read - 1) * step) - inverse_depth.values)) <= 0.51 * step
    )


@pytest.mark.parametrize(("bits", "error"), [(16, 0.00051), (32, 0)])
def test_our_own_reader_knows_what_the_numbers_mean(tmp_path: Path, bits: int, error: float) -> None:
    depth = metric()
    path = save(depth, tmp_path / "a.tif", bits=bits)
    read = read_depth_map(path, kind="metric", size=depth.size)
    assert isinstance(read, MetricDepth)
    assert np.array_equal(np.isnan(read.z), np.isnan(depth.z))
    assert np.nanmax(np.abs(read.z - depth.z)) <= error


@pytest.mark.parametrize("bits", [8, 64, 0])
def test_other_bits(tmp_path: Path, bits: int) -> None:
    with pytest.raises(UsageError, match=f"16 or 32 bits, not {bits}"):
        save(InverseDepth(np.ones((2, 2), np.float32)), tmp_path / "a.tif", bits=bits)
    assert not list(tmp_path.iterdir())
