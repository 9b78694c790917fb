from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from four_colour_wall import check_upright, cloud
from independent_readers import open3d

from depth3d.io.geometry.axes import AXES, turned
from depth3d.io.save import save


@pytest.mark.parametrize("axes", AXES)
def test_open3d_reads_what_was_written(tmp_path: Path, axes: str) -> None:
    value = cloud(normals=True)
    read = open3d().io.read_point_cloud(str(save(value, tmp_path / "a.pcd", axes=axes)))
    assert np.array_equal(np.asarray(read.points, np.float32), turned(value.xyz, axes))
    assert np.array_equal(np.asarray(read.normals, np.float32), turned(value.normals, axes))
    assert np.array_equal(np.rint(np.asarray(read.colors) * 255), value.rgb)
    check_upright(np.asarray(read.points), np.asarray(read.colors) * 255, axes)


@pytest.mark.parametrize(("colours", "normals"), [(False, False), (True, False), (False, True)])
def test_only_what_there_is(tmp_path: Path, colours: bool, normals: bool) -> None:
    read = open3d().io.read_point_cloud(str(save(cloud(colours=colours, normals=normals), tmp_path / "a.pcd")))
    assert len(read.points) == cloud().count
    assert read.has_colors() == colours
    assert read.has_normals() == normals


def test_the_header_is_the_formats_own(tmp_path: Path) -> None:
    value = replace(cloud(), unit="arbitrary")
    data = save(value, tmp_path / "a.pcd", notes={"photo": "küche.jpg"}).read_bytes()
    header, _, body = data.partition(b"DATA binary\n")
    lines = header.decode("ascii").splitlines()
    assert lines[0] == "# .PCD v0.7 - Point Cloud Data file format"
    assert "# axes: x right, y up, z towards the viewer" in lines
    assert "# unit: arbitrary" in lines
    assert "# photo: k\\xfcche.jpg" in lines
    assert [line for line in lines if not line.startswith("#")] == [
        "VERSION 0.7",
        "FIELDS x y z rgb",
        "SIZE 4 4 4 4",
        "TYPE F F F F",
        "COUNT 1 1 1 1",
        f"WIDTH {cloud().count}",
        "HEIGHT 1",
        "VIEWPOINT 0 0 0 1 0 0 0",
        f"POINTS {cloud().count}",
    ]
    assert len(body) == 16 * cloud().count
    red, green, blue = cloud().rgb[0].tolist()
    assert int.from_bytes(body[12:16], "little") == 65536 * red + 256 * green + blue
