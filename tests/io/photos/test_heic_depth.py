"""Depth in real HEIC photos, upright with them, and what is said where it is damaged or means nothing."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.io.photos.embedded_depth_file import EmbeddedDepthWarning, read_embedded_depth
from depth3d.io.photos.heic_depth import depth_of_heic
from depth3d.io.photos.photo import read_photo


@pytest.fixture(scope="module")
def pug(shared_data: Path) -> bytes:
    """An iPhone's portrait photo with disparity of 8 bits, from 1.498 to 4.383 per metre."""
    return (shared_data / "iphone_heic" / "pug.heic").read_bytes()


def test_the_pugs_disparity_gives_metres(shared_data: Path) -> None:
    found = read_embedded_depth(shared_data / "iphone_heic" / "pug.heic")
    assert found is not None
    assert isinstance(found.depth, MetricDepth)
    assert found.depth.size == (768, 576)
    assert np.nanmin(found.depth.z) == pytest.approx(1 / 4.3828125)
    assert np.nanmax(found.depth.z) == pytest.approx(1 / 1.498046875)
    assert np.nanmedian(found.depth.z) == pytest.approx(0.576, abs=0.005)
    # Apple itself says that the unit is not to be trusted, and so do we.
    assert found.source == "Apple's depth in pug.heic (768x576, accuracy relative)"
    assert found.unit_sigma == 0.2


@pytest.mark.parametrize("name", ["arrow.heic", "xiaomi.heic"])
def test_photos_without_depth_have_none(shared_data: Path, name: str) -> None:
    assert read_embedded_depth(shared_data / "iphone_heic" / name) is None


def test_depth_is_upright_with_its_photo(pug: bytes, tmp_path: Path, shared_data: Path) -> None:
    angle_at = pug.index(b"irot") + 4
    (tmp_path / "turned.heic").write_bytes(pug[:angle_at] + b"\3" + pug[angle_at + 1 :])
    found = read_embedded_depth(tmp_path / "turned.heic")
    before = read_embedded_depth(shared_data / "iphone_heic" / "pug.heic")
    assert found is not None
    assert before is not None
    assert isinstance(found.depth, MetricDepth)
    assert isinstance(before.depth, MetricDepth)
    assert np.array_equal(found.depth.z, np.rot90(before.depth.z, -1))
    assert read_photo(tmp_path / "turned.heic").size == (3024, 4032)


def _changed(pug: bytes, tmp_path: Path, old: bytes, new: bytes) -> Path:
    assert old in pug
    assert len(old) == len(new)
    (tmp_path / "changed.heic").write_bytes(pug.replace(old, new))
    return tmp_path / "changed.heic"


def test_absolute_accuracy_is_trusted_more(pug: bytes, tmp_path: Path) -> None:
    found = read_embedded_depth(_changed(pug, tmp_path, b">relative<", b">absolute<"))
    assert found is not None
    assert found.unit_sigma == 0.05


def test_without_apples_note_there_is_no_unit(pug: bytes, tmp_path: Path) -> None:
    found = read_embedded_depth(_changed(pug, tmp_path, b"depthData:Accuracy", b"depthData:Accurate"))
    assert found is not None
    assert isinstance(found.depth, InverseDepth)
    assert found.depth.zero_is_infinity
    assert found.depth.values.max() == pytest.approx(4.3828125)
    assert found.source == "depth in changed.heic (768x576, without a known unit)"


class _Decoded:
    """A stand-in for pillow-heif's depth picture, to try notes of every kind."""

    def __init__(self, values: np.ndarray, note: dict[str, object]) -> None:
        self.values, self.info = values, {"metadata": note}

    def to_pillow(self) -> np.ndarray:
        return self.values


def _read_as(monkeypatch: pytest.MonkeyPatch, path: Path, note: dict[str, object], values: np.ndarray) -> object:
    class File:
        info = {"depth_images": [_Decoded(values, note)]}

    monkeypatch.setattr(pillow_heif, "open_heif", lambda *_, **__: File())
    return read_embedded_depth(path)


VALUES = np.array([[0, 51, 255]], np.uint8)


@pytest.mark.parametrize(
    ("note", "inverse"),
    [
        ({"representation_type": 0, "z_near": 0.5, "z_far": 4.0}, [0.25, 0.6, 2.0]),
        ({"representation_type": 1, "d_min": 0.0, "d_max": 2.5}, [0, 0.5, 2.5]),
        ({"representation_type": 2, "z_near": 1.0, "z_far": 3.5}, [1, 1 / 1.5, 1 / 3.5]),
        ({"representation_type": 1}, [1.498047, 2.075, 4.382812]),  # then from Apple's own note
    ],
)
def test_every_representation_is_understood(
    monkeypatch: pytest.MonkeyPatch,
    shared_data: Path,
    tmp_path: Path,
    pug: bytes,
    note: dict[str, object],
    inverse: list[float],
) -> None:
    found = _read_as(monkeypatch, shared_data / "iphone_heic" / "pug.heic", note, VALUES)
    metres = found.depth.z[0]  # type: ignore[attr-defined]
    expected = np.array(inverse)
    np.testing.assert_allclose(np.nan_to_num(1 / metres), expected, rtol=1e-4)
    nameless = _changed(pug, tmp_path, b"depthData:Accuracy", b"depthData:Accurate")
    if "d_min" in note or "z_near" in note:
        inverse_depth = _read_as(monkeypatch, nameless, note, VALUES).depth  # type: ignore[attr-defined]
        np.testing.assert_allclose(inverse_depth.values[0], expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("note", "values", "says"),
    [
        ({"representation_type": 1, "d_min": 3.0, "d_max": 3.0}, VALUES, "does not say what its depth values mean"),
        ({"representation_type": 1, "d_min": -1.0, "d_max": 3.0}, VALUES, "does not say what its depth values mean"),
        ({"representation_type": 0, "z_near": 5.0, "z_far": 3.0}, VALUES, "does not say what its depth values mean"),
        ({"representation_type": 1}, np.zeros((2, 2, 3), np.uint8), "3 dimensions of uint8"),
    ],
)
def test_what_means_nothing_is_said_and_left_out(
    monkeypatch: pytest.MonkeyPatch, shared_data: Path, note: dict[str, object], values: np.ndarray, says: str
) -> None:
    with pytest.warns(EmbeddedDepthWarning, match=says):
        assert _read_as(monkeypatch, shared_data / "iphone_heic" / "pug.heic", note, values) is None


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_damage_never_stops_the_program(
    pug: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(pug)
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(12, 9000))] = data.draw(st.integers(0, 255))
    file = tmp_path_factory.getbasetemp() / "damaged.heic"
    file.write_bytes(content[: data.draw(st.sampled_from([len(content), 9000, 200_000]))])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EmbeddedDepthWarning)
        found = read_embedded_depth(file)
    assert found is None or found.depth.size[0] > 0


def test_depth_of_heic_says_what_is_damaged(pug: bytes, tmp_path: Path) -> None:
    (tmp_path / "cut.heic").write_bytes(pug[:3000])
    with pytest.warns(EmbeddedDepthWarning, match="the depth in the HEIC file is damaged"):
        assert read_embedded_depth(tmp_path / "cut.heic") is None
    assert depth_of_heic.__doc__
