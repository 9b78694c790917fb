from __future__ import annotations

import builtins
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from test_atomic import largest_file

from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import MissingExtraError, OutputError, UsageError
from depth3d.io.depth.depth_image import png_units_per_metre
from depth3d.io.save import save

NOTES = {"photo": "küche.jpg", "unit": "m"}


def metric(nearest: float = 0.5, farthest: float = 9.0, *, sigma: bool = False) -> MetricDepth:
    metres = np.random.default_rng(0).uniform(nearest, farthest, (30, 40)).astype(np.float32)
    metres[0, 0], metres[0, 1], metres[5:8, 5:8] = nearest, farthest, np.nan
    return MetricDepth(metres, sigma=metres * np.float32(0.1) if sigma else None, unit="m")


def relative() -> InverseDepth:
    values = np.random.default_rng(0).normal(3, 40, (30, 40)).astype(np.float32)
    values[5:8, 5:8] = np.nan
    return InverseDepth(values)


def read_png(path: Path) -> tuple[np.ndarray[Any, Any], dict[str, str]]:
    with Image.open(path) as image:
        image.load()
        assert image.mode == "I;16"
        return np.asarray(image).astype(np.float64), dict(image.text)  # type: ignore[attr-defined]


def test_a_16_bit_png_is_millimetres_and_says_so(tmp_path: Path) -> None:
    depth = metric()
    stored, texts = read_png(save(depth, tmp_path / "a.png", notes=NOTES))
    assert texts["depth3d:units_per_metre"] == "1000"
    assert np.array_equal(stored == 0, np.isnan(depth.z))
    assert np.nanmax(np.abs(np.where(stored == 0, np.nan, stored) / 1000 - depth.z)) <= 0.00051
    assert texts["depth3d:photo"] == "küche.jpg"
    assert texts["depth3d:unit"] == "m"


@pytest.mark.parametrize(
    ("farthest", "units"),
    [(65.535, 1000), (65.536, 500), (9.0, 1000), (1000.0, 50), (1e6, 0.05), (0.66, 1000), (0.5, 100_000), (1e-3, 5e7)],
)
def test_units_are_the_largest_nice_ones_that_fit(tmp_path: Path, farthest: float, units: float) -> None:
    depth = metric(farthest / 20, farthest)
    assert png_units_per_metre(depth) == units
    stored, texts = read_png(save(depth, tmp_path / "a.png"))
    assert float(texts["depth3d:units_per_metre"]) == units
    assert stored.max() <= 65535
    assert np.nanmax(np.abs(np.where(stored == 0, np.nan, stored) / units - depth.z)) <= 0.51 / units


@given(st.floats(2.0**-60, 2.0**60, width=32))
def test_units_of_any_depth_fit(farthest: float) -> None:
    depth = MetricDepth(np.full((1, 1), farthest, np.float32), unit="m")
    units = png_units_per_metre(depth)
    assert 1 <= round(units * float(depth.z[0, 0])) <= 65535
    assert f"{units:e}"[0] in "125"


def test_what_is_very_near_does_not_become_unknown(tmp_path: Path) -> None:
    stored, _ = read_png(save(metric(0.0001, 60.0), tmp_path / "a.png"))
    assert stored[0, 0] == 1


def test_units_may_be_chosen(tmp_path: Path) -> None:
    stored, texts = read_png(save(metric(1, 12), tmp_path / "a.png", units_per_metre=5000))
    assert (stored[0, 1], texts["depth3d:units_per_metre"]) == (60000, "5000")


@pytest.mark.parametrize("units", [10_000, 0, -5, float("nan"), float("inf")])
def test_units_that_cannot_be(tmp_path: Path, units: float) -> None:
    with pytest.raises(UsageError, match=r"16 bits hold 7281\.67 units per metre for a depth of 9 m"):
        save(metric(), tmp_path / "a.png", units_per_metre=units)
    assert not list(tmp_path.iterdir())


def test_relative_depth_fills_16_bits_and_comes_back(tmp_path: Path) -> None:
    inverse_depth = relative()
    stored, texts = read_png(save(inverse_depth, tmp_path / "a.png"))
    assert np.array_equal(stored == 0, np.isnan(inverse_depth.values))
    assert (stored[stored > 0].min(), stored.max()) == (1, 65535)
    least, greatest = float(texts["depth3d:value_at_1"]), float(texts["depth3d:value_at_65535"])
    step = (greatest - least) / 65534
    back = np.where(stored == 0, np.nan, least + (stored - 1) * step)
    assert np.nanmax(np.abs(back - inverse_depth.values)) <= 0.51 * step
    assert "depth3d:units_per_metre" not in texts


def test_constant_relative_depth(tmp_path: Path) -> None:
    stored, texts = read_png(save(InverseDepth(np.full((3, 4), 7, np.float32)), tmp_path / "a.png"))
    assert (stored == 1).all()
    assert texts["depth3d:value_at_1"] == "7"


def test_npy_is_the_plain_array(tmp_path: Path) -> None:
    for value, values in ((metric(), metric().z), (relative(), relative().values)):
        read = np.load(save(value, tmp_path / "a.npy", force=True))
        assert read.dtype == np.float32
        assert np.array_equal(read, values, equal_nan=True)


def test_npz_names_its_arrays(tmp_path: Path) -> None:
    depth = metric(sigma=True)
    with np.load(save(depth, tmp_path / "a.npz", notes=NOTES)) as read:
        assert set(read.files) == {"depth", "sigma", "notes"}
        assert np.array_equal(read["depth"], depth.z, equal_nan=True)
        assert np.array_equal(read["sigma"], depth.sigma, equal_nan=True)
        assert json.loads(str(read["notes"])) == {**NOTES, "kind": "metric depth"}
    with np.load(save(metric(), tmp_path / "b.npz")) as read:
        assert set(read.files) == {"depth", "notes"}
    with np.load(save(relative(), tmp_path / "c.npz")) as read:
        assert set(read.files) == {"inverse_depth", "notes"}
        assert np.array_equal(read["inverse_depth"], relative().values, equal_nan=True)


@pytest.mark.parametrize(("make", "channel"), [(metric, "Z"), (relative, "Y")])
def test_exr_has_one_float_channel(
    tmp_path: Path, make: Callable[[], MetricDepth | InverseDepth], channel: str
) -> None:
    import OpenEXR

    value = make()
    values = value.z if isinstance(value, MetricDepth) else value.values
    read = OpenEXR.File(str(save(value, tmp_path / "a.exr", notes=NOTES)))
    assert list(read.channels()) == [channel]
    pixels = read.channels()[channel].pixels
    assert pixels.dtype == np.float32
    assert np.array_equal(pixels, values, equal_nan=True)
    assert read.header()["depth3d:photo"] == "küche.jpg"


def test_exr_has_the_error_bar_as_second_channel(tmp_path: Path) -> None:
    import OpenEXR

    depth = metric(sigma=True)
    read = OpenEXR.File(str(save(depth, tmp_path / "a.exr")), separate_channels=True)
    assert set(read.channels()) == {"Z", "sigma"}
    assert np.array_equal(read.channels()["Z"].pixels, depth.z, equal_nan=True)
    assert np.array_equal(read.channels()["sigma"].pixels, depth.sigma, equal_nan=True)


def test_exr_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "OpenEXR":
            raise ModuleNotFoundError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"EXR files .*OpenEXR.*depth3d\[formats\]"):
        save(metric(), tmp_path / "a.exr")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_noticed_by_exr_too(tmp_path: Path) -> None:
    with largest_file(300), pytest.raises(OutputError, match=r"^cannot write the EXR file: File too large\.$"):
        save(metric(), tmp_path / "a.exr")
    assert not list(tmp_path.iterdir())
