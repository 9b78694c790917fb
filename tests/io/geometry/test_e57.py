from __future__ import annotations

import builtins
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from four_colour_wall import check_upright, cloud
from numpy.typing import NDArray

from depth3d.core.errors import MissingExtraError
from depth3d.io.geometry.axes import AXES, turned
from depth3d.io.save import save

pye57 = pytest.importorskip("pye57")


def read(path: Path, *, colours: bool = True) -> tuple[NDArray[Any], NDArray[Any] | None, Any]:
    with pye57.E57(str(path)) as file:
        assert file.scan_count == 1
        data = file.read_scan(0, colors=colours, ignore_missing_fields=True)
        header = {name: file.get_header(0)[name].value() for name in ("name", "description", "guid")}
        bounds = file.get_header(0).cartesianBounds
        header["bounds"] = [bounds[f"{axis}{end}"].value() for end in ("Minimum", "Maximum") for axis in "xyz"]
    xyz = np.stack([data[f"cartesian{axis}"] for axis in "XYZ"], axis=1)
    return xyz, np.stack([data[f"color{c}"] for c in ("Red", "Green", "Blue")], axis=1) if colours else None, header


@pytest.mark.parametrize("axes", AXES)
def test_pye57_reads_what_was_written(tmp_path: Path, axes: str) -> None:
    value = cloud()
    xyz, rgb, _ = read(save(value, tmp_path / "a.e57", axes=axes))
    assert rgb is not None
    assert np.array_equal(xyz.astype(np.float32), turned(value.xyz, axes))
    assert np.array_equal(rgb, value.rgb)
    check_upright(xyz, rgb, axes)


def test_z_is_up_unless_told_otherwise(tmp_path: Path) -> None:
    xyz, rgb, _ = read(save(cloud(), tmp_path / "a.e57"))
    assert rgb is not None
    check_upright(xyz, rgb, "z-up")


def test_without_colours(tmp_path: Path) -> None:
    xyz, _, _ = read(save(cloud(colours=False), tmp_path / "a.e57"), colours=False)
    assert len(xyz) == cloud().count


def test_the_header_says_what_is_there(tmp_path: Path) -> None:
    value = replace(cloud(), unit="arbitrary")
    _, _, header = read(save(value, tmp_path / "a.e57", notes={"photo": "küche.jpg"}))
    assert header["name"] == "küche.jpg"
    assert "axes: x right, y forward, z up; unit: arbitrary" in header["description"]
    turned_xyz = turned(value.xyz, "z-up")
    assert np.allclose(header["bounds"], [*turned_xyz.min(axis=0), *turned_xyz.max(axis=0)])


def test_identifiers_come_from_the_points(tmp_path: Path) -> None:
    _, _, first = read(save(cloud(), tmp_path / "a.e57"))
    _, _, other = read(save(cloud(colours=False), tmp_path / "b.e57"), colours=False)
    assert first["guid"] != other["guid"]
    assert len(first["guid"]) == len("{936DA01F-9ABD-4D9D-80C7-02AF85C822A8}")


def test_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "pye57":
            raise ModuleNotFoundError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"E57 files the package pye57 is needed: .*depth3d\[formats\]"):
        save(cloud(), tmp_path / "a.e57")
    assert not list(tmp_path.iterdir())
