"""A COLMAP model in memory: read once, and again when it has changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from test_shared_scale import HEIGHT, SEEN, WIDTH, save_model

from depth3d.core.camera import Intrinsics
from depth3d.io.colmap import index as colmap_index
from depth3d.io.colmap.index import names_and_cameras, read_model
from depth3d.io.colmap.model import ColmapImage, each_image
from depth3d.io.photos.photo import Photo
from depth3d.io.points.read import read_points


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folder of each reading of a model's images."""
    read: list[Path] = []

    def counted(folder: Path) -> Iterator[ColmapImage]:
        read.append(folder)
        return each_image(folder)

    monkeypatch.setattr(colmap_index, "each_image", counted)
    return read


def test_many_photos_read_it_once(tmp_path: Path, readings: list[Path]) -> None:
    model = save_model(tmp_path, SEEN)
    camera = Intrinsics(WIDTH, HEIGHT, 20, 20, WIDTH / 2, HEIGHT / 2)
    rgb = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for name, points in SEEN.items():
        found = read_points(model, photo=Photo(rgb, name=name), camera=camera)
        assert len(found.u) == len(points)
    assert readings == [model]
    assert [name for name, _ in names_and_cameras(model)] == list(SEEN)
    assert names_and_cameras(model) is names_and_cameras(model)


def test_what_has_changed_is_read_again(tmp_path: Path, readings: list[Path]) -> None:
    model = save_model(tmp_path, SEEN)
    assert read_model(model) is read_model(model)
    images = model / "images.txt"
    images.write_text(images.read_text().replace("c.png", "other.png"))
    assert read_model(model).called("other.png")
    assert not read_model(model).called("c.png")
    assert len(readings) == 2


def test_points_know_who_sees_them(tmp_path: Path) -> None:
    model = read_model(save_model(tmp_path, SEEN))
    rows = np.searchsorted(model.points.point_ids, [42, 20, 5])  # b and c, a and b, a alone
    places, which = model.seen_from(rows)
    assert which.tolist() == [0, 0, 1, 1, 2]
    by_name = {image.name[0]: image.pose.world_from_cam[:3, 3].tolist() for image in model.images}
    assert sorted(places.tolist()[:2]) == sorted([by_name["b"], by_name["c"]])
    assert sorted(places.tolist()[2:4]) == sorted([by_name["a"], by_name["b"]])
    assert places.tolist()[4] == by_name["a"]
