from __future__ import annotations

import builtins
import json
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import laspy
import numpy as np
import pytest
from four_colour_wall import check_upright, cloud
from test_atomic import largest_file

from depth3d.core.errors import GeometryError, MissingExtraError, OutputError
from depth3d.geometry.point_cloud import PointCloud
from depth3d.io.geometry.axes import AXES, turned
from depth3d.io.geometry.read import read_geometry
from depth3d.io.save import save


@pytest.mark.parametrize("suffix", [".las", ".laz"])
@pytest.mark.parametrize("axes", AXES)
def test_laspy_reads_metres_and_colours(tmp_path: Path, suffix: str, axes: str) -> None:
    value = cloud()
    read = laspy.read(save(value, tmp_path / f"a{suffix}", axes=axes))
    assert np.abs(read.xyz - turned(value.xyz, axes)).max() <= 0.000051
    rgb = np.stack([read.red, read.green, read.blue], axis=1)
    assert np.array_equal(rgb, value.rgb.astype(int) * 257)
    check_upright(read.xyz, rgb / 257, axes)


def test_z_is_up_unless_told_otherwise(tmp_path: Path) -> None:
    read = laspy.read(save(cloud(), tmp_path / "a.las"))
    check_upright(read.xyz, np.stack([read.red, read.green, read.blue], axis=1) / 257, "z-up")


def test_the_header_says_what_is_there(tmp_path: Path) -> None:
    value = cloud()
    header = laspy.read(save(value, tmp_path / "a.las", notes={"photo": "küche.jpg"})).header
    assert (str(header.version), header.point_format.id, header.point_count) == ("1.2", 2, value.count)
    assert header.scales.tolist() == [1e-4] * 3
    assert header.creation_date is None
    assert header.generating_software == "depth3d"
    turned_xyz = turned(value.xyz, "z-up")
    assert np.allclose(header.mins, turned_xyz.min(axis=0), atol=1e-4)
    assert np.allclose(header.maxs, turned_xyz.max(axis=0), atol=1e-4)
    (record,) = header.vlrs
    said = json.loads(record.record_data_bytes().rstrip(b"\0"))
    assert said == {"axes": "x right, y forward, z up", "unit": "m", "photo": "küche.jpg"}


def test_without_colours(tmp_path: Path) -> None:
    read = laspy.read(save(cloud(colours=False), tmp_path / "a.laz"))
    assert read.header.point_format.id == 0
    assert len(read.points) == cloud().count


def test_far_points_take_coarser_steps(tmp_path: Path) -> None:
    for farthest, step in ((214_000, 1e-4), (215_000, 1e-3), (2.2e6, 1e-2)):
        value = PointCloud(np.array([[0, 0, farthest], [1, 2, 3]], np.float32), unit="m")
        read = laspy.read(save(value, tmp_path / "a.las", force=True))
        assert read.header.scales[0] == step
        assert np.abs(read.xyz - turned(value.xyz, "z-up")).max() <= step
    with pytest.raises(OutputError, match=r"reaches to 2\.147e\+07, the cloud to 3e\+07"):
        save(PointCloud(np.array([[0, -3e7, 1]], np.float32), unit="m"), tmp_path / "b.las")
    assert not (tmp_path / "b.las").exists()


def test_notes_that_do_not_fit_are_left_out(tmp_path: Path) -> None:
    header = laspy.read(save(cloud(), tmp_path / "a.las", notes={"photo": "a.jpg", "long": "x" * 70_000})).header
    assert json.loads(header.vlrs[0].record_data_bytes().rstrip(b"\0"))["photo"] == "a.jpg"


@pytest.mark.parametrize(("suffix", "package"), [(".las", "laspy"), (".laz", "lazrs")])
def test_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, package: str) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == package:
            raise ModuleNotFoundError(name, name=name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=rf"the package {package} is needed: .*depth3d\[formats\]"):
        save(cloud(), tmp_path / f"a{suffix}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".las", ".laz"])
@pytest.mark.parametrize("size", [100, 1000])
def test_a_full_disk_is_told_in_the_system_s_words(tmp_path: Path, suffix: str, size: int) -> None:
    with largest_file(size), pytest.raises(OutputError, match="File too large"):
        save(cloud(), tmp_path / f"a{suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stated", [2**31, 199_999_999, 10])
def test_a_stated_count_takes_no_memory_and_is_not_believed(tmp_path: Path, stated: int) -> None:
    path = save(cloud(), tmp_path / "a.laz")
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, 107, stated)
    path.write_bytes(content)
    if stated < cloud().count:
        assert len(read_geometry(path).xyz) == stated
        return
    tracemalloc.start()
    try:
        with pytest.raises(GeometryError) as caught:
            read_geometry(path)
        assert tracemalloc.get_traced_memory()[1] < 200e6
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)
