"""Photos for two eyes: two real views give the depth that a scanner found; other files of several pictures do not."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import ROOT
from PIL import Image
from real_frames import motorcycle

import depth3d as d3
from depth3d.core.errors import DepthMapError, PhotoError
from depth3d.io.photos.embedded_depth_file import EmbeddedDepthWarning
from depth3d.io.photos.stereo_pair import read_stereo_photo
from depth3d.predictors.stereo_matching import depth_of_views
from depth3d.scenes import lazy_network

RAMP = d3.predictor(kind="inverse", name="ramp")(lambda rgb: np.tile(np.arange(rgb.shape[1]), (rgb.shape[0], 1)))
DISPARITY, UNDEFINED = 0x020002, 0


def write_mpo(path: Path, views: list[np.ndarray], kind: int = DISPARITY) -> Path:
    """A file as stereo cameras write it: Pillow's, its pictures declared to be of a kind of CIPA DC-007."""
    first, *others = (Image.fromarray(view) for view in views)
    first.save(path, "MPO", save_all=True, append_images=others, quality=95)
    content = bytearray(path.read_bytes())
    start = content.index(b"MPF\0II*\0") + 4
    count = len(views)
    table = content.index(struct.pack("<HHI", 0xB002, 7, 16 * count), start)
    (offset,) = struct.unpack_from("<I", content, table + 8)
    for number in range(count):
        struct.pack_into("<I", content, start + offset + 16 * number, kind)
    path.write_bytes(content)
    return path


def textured(width: int, height: int) -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 1.2)


def views_of_steps(tilt_px: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A picture whose columns lie at four depths, the same from the right, and its disparity."""
    far = textured(480, 240)
    disparity = np.repeat([4, 10, 16, 22], 120)[None].repeat(240, axis=0).astype(np.float32)
    v, u = np.mgrid[:240, :480].astype(np.float32)
    # What the right lens sees at u comes from u + d of the left picture, for the nearest d that leads there.
    right = np.zeros_like(far)
    for d in (4, 10, 16, 22):
        source = u + d
        there = (source < 480) & (disparity[0, np.minimum(source, 479).astype(int)] == d)
        moved = cv2.remap(far, source, v - np.float32(tilt_px) * (u / 480), cv2.INTER_LINEAR)
        right[there] = moved[there]
    return far, right, disparity


@pytest.mark.parametrize("tilt_px", [0.0, 6.0])
def test_disparities_are_found_also_where_lenses_are_tilted(tilt_px: float) -> None:
    left, right, disparity = views_of_steps(tilt_px)
    found = depth_of_views(left, right, "made").values
    known = np.isfinite(found)
    assert known.mean() > 0.75
    assert np.median(np.abs(found - disparity)[known]) < 0.3
    assert (np.abs(found - disparity)[known] > 2).mean() < 0.03


def test_two_views_of_a_motorcycle_give_the_scanners_depth(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "middlebury_motorcycle"
    views = [cv2.imread(str(folder / f"motorcycle_{side}.png"))[..., ::-1] for side in ("left", "right")]
    path = write_mpo(tmp_path / "m.mpo", [np.ascontiguousarray(view) for view in views])
    truth = 1 / motorcycle(shared_data).truth_m
    scene = d3.reconstruct(path, options=d3.Options.of(fov_x_deg=60.0))
    assert scene.depth.source.startswith("two views in m.mpo")
    values = scene.inverse_depth.values
    known = np.isfinite(values) & np.isfinite(truth)
    assert known.sum() > 0.6 * np.isfinite(truth).sum()
    rows, wanted = np.column_stack([values[known], np.ones(known.sum())]), truth[known]
    kept = np.ones(len(rows), bool)
    for _ in range(5):  # wrong matches have no say in where the line lies
        line = np.linalg.lstsq(rows[kept], wanted[kept], rcond=None)[0]
        error = np.abs(rows @ line / wanted - 1)
        kept = error < 3 * np.median(error)
    assert np.median(error) < 0.01
    assert np.percentile(error, 80) < 0.02


def test_brightness_maps_and_previews_are_no_views(tmp_path: Path) -> None:
    left, right, _ = views_of_steps()
    assert read_stereo_photo(write_mpo(tmp_path / "a.jpg", [left, right], UNDEFINED)) is None
    Image.fromarray(left).save(tmp_path / "b.jpg")
    assert read_stereo_photo(tmp_path / "b.jpg") is None
    assert read_stereo_photo(ROOT / "samples" / "room.jpg") is None


def test_views_of_two_sizes_are_refused(tmp_path: Path) -> None:
    path = write_mpo(tmp_path / "a.mpo", [textured(64, 48), textured(32, 24)])
    with pytest.raises(PhotoError, match="its two pictures are of 64x48 and 32x24; both must have one size"):
        read_stereo_photo(path)


def test_pictures_of_two_places_are_said_and_the_network_takes_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lazy_network, "load_predictor", lambda *_, **__: RAMP)
    left, other = textured(200, 150), np.ascontiguousarray(textured(200, 150)[::-1, ::-1])
    with pytest.raises(DepthMapError, match="made: its two pictures"):
        depth_of_views(left, other, "made")
    path = write_mpo(tmp_path / "a.mpo", [left, other])
    with pytest.warns(EmbeddedDepthWarning, match="a.mpo: its two pictures .*; the network sees the left one alone"):
        scene = d3.reconstruct(path, options=d3.Options())
    assert scene.depth.source.startswith("ramp")


def test_without_embedded_depth_the_network_sees_the_left_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lazy_network, "load_predictor", lambda *_, **__: RAMP)
    left, right, _ = views_of_steps()
    path = write_mpo(tmp_path / "a.mpo", [left, right])
    scene = d3.reconstruct(path, options=d3.Options.of(embedded_depth=False))
    assert scene.depth.source.startswith("ramp")


def test_a_written_pair_is_read_by_pillow_and_gives_the_depth_back(tmp_path: Path) -> None:
    left, _, disparity = views_of_steps()
    inverse = d3.InverseDepth(cv2.GaussianBlur(disparity, (0, 0), 20), source="made")
    scene = d3.reconstruct(d3.Photo(left, name="a"), inverse_depth=inverse, options=d3.Options.of(fov_x_deg=60.0))
    saved = scene.save(tmp_path / "a.mpo")
    assert saved.what == "two pictures 480x240, the left eye's first"
    with Image.open(tmp_path / "a.mpo") as image:
        assert (image.format, image.n_frames) == ("MPO", 2)
        kinds = [entry["Attribute"]["MPType"] for entry in image.mpinfo[0xB002]]
        assert kinds == ["Multi-Frame Image: (Disparity)"] * 2
        image.seek(1)
        second = np.asarray(image.convert("RGB"))
    pair = read_stereo_photo(tmp_path / "a.mpo")
    np.testing.assert_array_equal(pair.right, second)
    assert pair.left.shape == pair.right.shape == (240, 480, 3)
    found = depth_of_views(pair.left, pair.right, "a").values
    known = np.isfinite(found)
    assert known.mean() > 0.7
    assert np.corrcoef(found[known], (1 / scene.depth.z)[known])[0, 1] > 0.97
