from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from test_depth_image import metric, relative

from depth3d.core.depth import MetricDepth
from depth3d.io.save import save


@pytest.mark.parametrize("value", [metric(), relative()], ids=["metric", "relative"])
def test_two_readers_find_the_values(tmp_path: Path, value: Any) -> None:
    values = value.z if isinstance(value, MetricDepth) else value.values
    path = save(value, tmp_path / "a.pfm")
    with Image.open(path) as image:
        assert image.mode == "F"
        pillows = np.asarray(image)
    for read in (pillows, cv2.imread(str(path), cv2.IMREAD_UNCHANGED)):
        assert read is not None
        assert np.array_equal(read, values, equal_nan=True)


def test_rows_go_from_bottom_to_top_in_little_endian(tmp_path: Path) -> None:
    depth = MetricDepth(np.array([[1, 2, 3], [4, 5, np.nan]], np.float32), unit="m")
    header, _, body = save(depth, tmp_path / "a.pfm").read_bytes().partition(b"-1\n")
    assert header == b"Pf\n3 2\n"
    assert np.array_equal(np.frombuffer(body, "<f4"), [4, 5, np.nan, 1, 2, 3], equal_nan=True)
