"""The one door for points: what is let in, by its content, and what is said about the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from depth3d.core.camera import Intrinsics
from depth3d.core.errors import CameraError, Depth3DError, HintError, UsageError
from depth3d.io.photos.photo import Photo
from depth3d.io.points.pixel_depths import MAX_POINTS, PixelDepths, to_hint
from depth3d.io.points.read import read_points
from depth3d.scale import SparsePoints

PHOTO = Photo(np.zeros((48, 64, 3), np.uint8), name="a.jpg")
CAMERA = Intrinsics(64, 48, 50, 50, 32, 24)


def _read(path: Path, **options: object) -> SparsePoints:
    return read_points(path, photo=PHOTO, camera=CAMERA, **options)  # type: ignore[arg-type]


def test_the_content_decides_and_not_the_suffix(tmp_path: Path) -> None:
    (tmp_path / "table.ply").write_text("1,2,3\n")
    assert _read(tmp_path / "table.ply").metres.tolist() == [3]
    with (tmp_path / "grid.csv").open("wb") as file:
        np.save(file, np.full((3, 4), 2.0))
    assert _read(tmp_path / "grid.csv").source == "grid.csv (4x3), 12 points"
    axes = "\n".join(f"property float {axis}" for axis in "xyz")
    (tmp_path / "cloud.txt").write_text(f"ply\nformat ascii 1.0\nelement vertex 1\n{axes}\nend_header\n0 0 2\n")
    cloud = _read(tmp_path / "cloud.txt", axes="opencv")
    assert (cloud.u.tolist(), cloud.v.tolist(), cloud.metres.tolist()) == ([32], [24], [2])


def test_units_apply_to_every_kind(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("1,2,3000\n")
    np.save(tmp_path / "g.npy", np.full((3, 4), 3000.0))
    for name in ("t.csv", "g.npy"):
        assert set(_read(tmp_path / name, units_per_metre=1000).metres) == {3.0}
    with pytest.raises(UsageError, match="units per metre must be a positive number, got -1"):
        _read(tmp_path / "t.csv", units_per_metre=-1.0)


def test_points_outside_are_left_out_and_said(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("1,2,3\n64,48,3\n64.1,2,3\n-1,2,3\n")
    hint = _read(tmp_path / "t.csv")
    assert hint.u.tolist() == [1, 64]
    assert hint.source == "t.csv, 2 points, 2 outside the photo are left out"
    (tmp_path / "t.csv").write_text("100,2,3\n")
    with pytest.raises(HintError, match="none of its 1 points has a depth and lies in the 64x48 photo; U counts"):
        _read(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("u,v,z\n")
    with pytest.raises(HintError, match="none of its 0 points"):
        _read(tmp_path / "t.csv")


def test_very_many_points_are_thinned_evenly() -> None:
    count = 2 * MAX_POINTS + 1
    u = np.linspace(0, 64, count)
    found = PixelDepths(u, np.ones(count), np.ones(count), np.full(count, 0.02), "grid", "")
    hint = to_hint(found, (64, 48))
    assert len(hint.u) == MAX_POINTS
    assert np.diff(hint.u).max() < 2.1 * 64 / MAX_POINTS
    assert (hint.u[0], hint.u[-1]) == (0, 64)
    assert hint.source == "grid, 50,000 points, evenly thinned from 100,001"


def test_unknown_depths_are_left_out() -> None:
    metres = np.array([1, 0, -1, np.nan, np.inf])
    found = PixelDepths(np.ones(5), np.ones(5), metres, np.full(5, 0.02), "x", "")
    assert to_hint(found, (64, 48)).metres.tolist() == [1]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("none.csv", None, "no such file"),
        ("empty.csv", b"", "the file is empty"),
        ("binary.bin", b"\x7fELF\0\0\0\0", "no file of points (begins b'\\x7fELF"),
        ("images.bin", bytes(8), "is one file of a COLMAP model; give the folder"),
        ("photo.csv", b"\xff\xd8\xff\xe0 not a picture", "damaged"),
        ("hints.json", b'{"hints": []}', "no column u, v, z"),
    ],
)
def test_what_is_no_file_of_points_is_refused_in_one_line(
    tmp_path: Path, name: str, content: bytes | None, says: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(Depth3DError) as caught:
        _read(tmp_path / name)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_options_that_do_not_suit_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("1,2,3\n")
    with pytest.raises(HintError, match="no COLMAP model; give the folder that holds"):
        _read(tmp_path)
    with pytest.raises(UsageError, match="a confidence map belongs to depth on a grid"):
        _read(tmp_path / "t.csv", confidence=tmp_path / "c.png")
    with pytest.raises(UsageError, match="axes belong to points in space"):
        _read(tmp_path / "t.csv", axes="gltf")
    with pytest.raises(CameraError, match=r"64x48, the photo a\.jpg of 4x4; resize the camera"):
        read_points(tmp_path / "t.csv", photo=Photo(np.zeros((4, 4, 3), np.uint8), name="a.jpg"), camera=CAMERA)
