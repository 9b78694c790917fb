from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from test_atomic import largest_file, names
from test_depth_image import metric, read_png

from depth3d.core.depth import MetricDepth
from depth3d.core.errors import Depth3DWarning, DepthMapError, OutputError
from depth3d.io.save import save


def as_opencv_reads(path: Path) -> NDArray[Any]:
    read = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert read is not None
    assert read.dtype == np.uint16
    return read


def test_tum_depth_has_5000_units_per_metre(tmp_path: Path) -> None:
    depth = metric()
    path = save(depth, tmp_path / "a.png", layout="tum")
    read = as_opencv_reads(path)
    assert np.array_equal(read == 0, np.isnan(depth.z))
    assert np.nanmax(np.abs(np.where(read == 0, np.nan, read / 5000) - depth.z)) <= 0.000101
    assert read_png(path)[1]["depth3d:units_per_metre"] == "5000"


def test_tum_depth_ends_at_13_metres_and_says_so(tmp_path: Path) -> None:
    depth = MetricDepth(np.array([[1, 13.1, 13.2, 40, np.nan]], np.float32), unit="m")
    with pytest.warns(Depth3DWarning, match=r"reaches to 13\.11 m; 50\.0% is farther and became unknown"):
        path = save(depth, tmp_path / "a.png", layout="tum")
    assert as_opencv_reads(path).tolist() == [[5000, 65500, 0, 0, 0]]
    with pytest.raises(DepthMapError, match="everything is farther"):
        save(MetricDepth(np.full((2, 2), 20, np.float32), unit="m"), tmp_path / "b.png", layout="tum")
    assert names(tmp_path) == ["a.png"]


def as_the_training_does(folder: Path, name: str) -> NDArray[np.float64]:
    """Inverse depth by the steps of the program's own reader: value / 2^16 * scale + offset."""
    entry = json.loads((folder / "depth_params.json").read_text())[name]
    return as_opencv_reads(folder / f"{name}.png") / float(2**16) * entry["scale"] + entry["offset"]


def test_3dgs_reads_inverse_depth(tmp_path: Path) -> None:
    depth = metric()
    save(depth, tmp_path / "kitchen.png", layout="3dgs")
    inverse = as_the_training_does(tmp_path, "kitchen")
    assert np.allclose(inverse, np.nan_to_num(1 / depth.z, nan=0), atol=2 / 2**16)
    assert inverse.max() == pytest.approx(1 / 0.5)
    assert as_opencv_reads(tmp_path / "kitchen.png").max() == 65535


def test_3dgs_photos_of_a_folder_share_their_parameters(tmp_path: Path) -> None:
    depths = {f"photo{i}": metric(0.5 + i, 9 + i) for i in range(8)}
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(save, d, tmp_path / f"{name}.png", layout="3dgs") for name, d in depths.items()]:
            done.result()
    assert list(json.loads((tmp_path / "depth_params.json").read_text())) == sorted(depths)
    for name, depth in depths.items():
        assert np.allclose(as_the_training_does(tmp_path, name), np.nan_to_num(1 / depth.z, nan=0), atol=1e-3)


def test_3dgs_needs_force_for_the_same_photo_only(tmp_path: Path) -> None:
    save(metric(), tmp_path / "a.png", layout="3dgs")
    with pytest.raises(OutputError, match="--force"):
        save(metric(), tmp_path / "a.png", layout="3dgs")
    save(metric(1, 3), tmp_path / "a.png", layout="3dgs", force=True)
    assert as_the_training_does(tmp_path, "a").max() == pytest.approx(1)


@pytest.mark.parametrize("text", ["[1]", "{", "\xff"])
def test_3dgs_leaves_other_peoples_files_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / "depth_params.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(OutputError, match="something other than depth parameters"):
        save(metric(), tmp_path / "a.png", layout="3dgs")
    assert names(tmp_path) == ["depth_params.json"]
    assert (tmp_path / "depth_params.json").read_bytes() == text.encode("latin-1")


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    for layout in ("tum", "3dgs"):
        with largest_file(500), pytest.raises(OutputError, match="File too large"):
            save(metric(), tmp_path / "a.png", layout=layout)
        assert names(tmp_path) == []
