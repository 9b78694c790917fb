from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from four_colour_wall import check_upright, cloud
from independent_readers import open3d

from depth3d.geometry.point_cloud import PointCloud
from depth3d.io.geometry.axes import AXES, turned
from depth3d.io.save import save


@pytest.mark.parametrize("axes", AXES)
def test_numpy_reads_positions_and_colours(tmp_path: Path, axes: str) -> None:
    value = cloud()
    read = np.loadtxt(save(value, tmp_path / "a.xyz", axes=axes))
    assert np.allclose(read[:, :3], turned(value.xyz, axes), rtol=5e-7, atol=0)
    assert np.array_equal(read[:, 3:], value.rgb)
    check_upright(read[:, :3], read[:, 3:], axes)


def test_open3d_and_trimesh_read_the_positions(tmp_path: Path) -> None:
    import trimesh

    value = cloud()
    path = save(value, tmp_path / "a.xyz")
    expected = turned(value.xyz, "gltf")
    assert np.allclose(np.asarray(open3d().io.read_point_cloud(str(path)).points), expected, rtol=5e-7, atol=0)
    read = trimesh.load(path)
    assert np.allclose(read.vertices, expected, rtol=5e-7, atol=0)
    assert np.array_equal(read.colors[:, :3], value.rgb)


def test_without_colours_there_are_three_numbers(tmp_path: Path) -> None:
    xyz = np.array([[1, -2.5, 1e-7], [1 / 3, 12345678, 0]], np.float32)
    path = save(PointCloud(xyz, unit="m"), tmp_path / "a.xyz", axes="opencv")
    assert path.read_text() == "1 -2.5 1e-07\n0.3333333 1.234568e+07 0\n"
