"""The sentence as a whole, where its parts must agree with each other."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import depth3d as d3
from depth3d.core.camera import pixel_centres
from depth3d.core.distortion import undistort_points
from depth3d.core.errors import HintError, UsageError
from depth3d.scenes import lazy_network

WIDTH, HEIGHT = 160, 120
DISTORTION = (-0.18, 0.05, 0.001, -0.002)
FLOOR_M, BACK_M = 1.2, 4.0


@pytest.fixture
def barrel(tmp_path: Path) -> Path:
    """A photo through a barrel lens, of a floor and a back wall; its exact relative depth and its camera."""
    camera = {"fx": 110, "fy": 111, "cx": 82, "cy": 58, "width": WIDTH, "height": HEIGHT, "pixel_centre": 0.5}
    camera |= {"distortion": list(DISTORTION)}
    (tmp_path / "camera.json").write_text(json.dumps(camera))
    inverse = true_inverse(pixel_centres(WIDTH, HEIGHT).astype(np.float64).reshape(-1, 2)).reshape(HEIGHT, WIDTH)
    np.save(tmp_path / "map.npy", ((inverse - 0.05) / 3).astype(np.float32))
    Image.new("RGB", (WIDTH, HEIGHT), (90, 120, 150)).save(tmp_path / "photo.png")
    return tmp_path


def true_rays(uv: np.ndarray) -> np.ndarray:
    """Rays with z = 1 through pixels of the distorted photo."""
    seen = (uv - (82, 58)) / (110, 111)
    xy = undistort_points(seen, DISTORTION, fisheye=False)
    return np.concatenate([xy, np.ones((len(xy), 1))], axis=1)


def true_inverse(uv: np.ndarray) -> np.ndarray:
    """1/z of the floor or the wall, whichever is nearer."""
    rays = true_rays(uv)
    return np.maximum(rays[:, 1] / FLOOR_M, 1 / BACK_M)


def true_point(u: float, v: float) -> np.ndarray:
    uv = np.array([[u, v]])
    return true_rays(uv)[0] / true_inverse(uv)[0]


def test_hints_and_depth_of_a_distorted_photo_give_straight_walls(barrel: Path) -> None:
    pixels = [(30.5, 110.5), (80.5, 30.5), (120.5, 100.5)]
    hints = tuple(d3.DistanceAt(u, v, float(np.linalg.norm(true_point(u, v)))) for u, v in pixels)
    options = d3.Options.of(
        camera_file=barrel / "camera.json", depth_map=barrel / "map.npy", hints=hints, embedded_depth=False
    )
    scene = d3.reconstruct(barrel / "photo.png", options=options)
    assert not scene.camera_as_taken.is_ideal
    assert scene.camera.is_ideal
    assert "undone" in scene.camera.source
    assert scene.fit is not None
    assert scene.fit.a == pytest.approx(3, rel=0.03)
    xyz = d3.unproject(scene.depth, scene.camera).xyz.reshape(-1, 3)
    off = np.minimum(np.abs(xyz[:, 1] - FLOOR_M), np.abs(xyz[:, 2] - BACK_M))
    assert np.percentile(off, 95) < 0.03
    found = scene.measure((30.5, 110.5), (80.5, 30.5))
    assert found.metres == pytest.approx(
        float(np.linalg.norm(true_point(30.5, 110.5) - true_point(80.5, 30.5))), rel=0.02
    )


def test_a_hint_on_what_the_straightened_picture_loses_is_refused(barrel: Path) -> None:
    options = d3.Options.of(
        camera_file=barrel / "camera.json", depth_map=barrel / "map.npy", hints=(d3.DistanceAt(0.5, 0.5, 2.0),)
    )
    with pytest.raises(HintError, match="outside the 160x120 photo"):
        d3.reconstruct(barrel / "photo.png", options=options)


def test_an_ideal_lens_changes_nothing(barrel: Path) -> None:
    scene = d3.reconstruct(barrel / "photo.png", options=d3.Options.of(fov_x_deg=60, depth_map=barrel / "map.npy"))
    assert scene.camera_as_taken == scene.camera
    np.testing.assert_array_equal(scene.photo.rgb, d3.read_photo(barrel / "photo.png").rgb)


class _Blurring:
    """A network that sees a near box before a wall, but not sharply."""

    name, weights_id = "blurring", "0"

    def predict(self, photo: d3.Photo) -> d3.InverseDepth:
        return d3.InverseDepth(cv2.GaussianBlur(box(), (0, 0), 0.75), source="blurring")


def box() -> np.ndarray:
    inverse = np.full((HEIGHT, WIDTH), 0.3, np.float32)
    inverse[30:90, 50:110] = 1
    return inverse


@pytest.fixture
def blurred_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A photo of a red box before a wall, which the network sees blurred; and its exact depth."""
    rgb = np.where(box()[..., None] > 0.5, np.uint8([200, 60, 40]), np.uint8([30, 90, 160]))
    Image.fromarray(rgb).save(tmp_path / "photo.png")
    np.save(tmp_path / "map.npy", _Blurring().predict(d3.read_photo(tmp_path / "photo.png")).values)
    monkeypatch.setattr(lazy_network, "load_predictor", lambda *_args, **_options: _Blurring())
    return tmp_path


def test_what_a_network_saw_is_refined_before_hints_and_measures_look_at_it(blurred_box: Path) -> None:
    just_inside, wall = (51.0, 60.5), (20.5, 60.5)
    hints = (d3.DepthAt(*just_inside, 1.0), d3.DepthAt(*wall, 4.0))
    scene = d3.reconstruct(blurred_box / "photo.png", options=d3.Options.of(fov_x_deg=60, hints=hints))
    assert scene.inverse_depth is not None
    assert (np.abs(scene.inverse_depth.values - box()) > 0.02).sum() <= 4  # the box's corners
    assert scene.depth.z[60, 51] == pytest.approx(1, rel=0.02)
    assert scene.depth.z[60, 100] == pytest.approx(1, rel=0.02)
    assert scene.measure(just_inside).metres == pytest.approx(1.03, abs=0.05)
    assert "edges refined" in scene.depth.source
    plain = d3.reconstruct(blurred_box / "photo.png", options=d3.Options.of(fov_x_deg=60, hints=hints, refine=False))
    # The slope at the box's edge was believed to be the box.
    assert plain.depth.z[60, 100] < 0.98


def test_depth_that_is_given_is_refined_only_on_demand(blurred_box: Path) -> None:
    options = d3.Options.of(fov_x_deg=60, depth_map=blurred_box / "map.npy")
    given = d3.reconstruct(blurred_box / "photo.png", options=options).inverse_depth
    assert given is not None
    np.testing.assert_array_equal(given.values, np.load(blurred_box / "map.npy"))
    asked = d3.reconstruct(blurred_box / "photo.png", options=options.changed(refine=True)).inverse_depth
    assert asked is not None
    assert (np.abs(asked.values - box()) > 0.02).sum() <= 4
    soft = d3.reconstruct(blurred_box / "photo.png", options=options.changed(smooth_px=3.0)).inverse_depth
    assert soft is not None
    assert np.abs(np.diff(soft.values, axis=1)).max() < 0.6 * np.abs(np.diff(given.values, axis=1)).max()


def test_a_phones_own_depth_gives_metres(shared_data: Path) -> None:
    scene = d3.reconstruct(shared_data / "iphone_heic" / "pug.heic")
    assert scene.fit is None
    assert scene.unit == "m"
    known = scene.depth.z[np.isfinite(scene.depth.z)]
    assert (known.min(), known.max()) == pytest.approx((0.23, 0.67), abs=0.01)
    rescaled = d3.reconstruct(
        shared_data / "iphone_heic" / "pug.heic", options=d3.Options.of(hints=(d3.DepthAt(1500, 2000, 0.76),))
    )
    ratio = rescaled.depth.z / scene.depth.z
    assert np.nanmax(ratio) == pytest.approx(np.nanmin(ratio), rel=1e-3)


def test_what_lies_too_deep_is_left_out_and_said(tmp_path: Path) -> None:
    Image.new("RGB", (4, 2)).save(tmp_path / "photo.png")
    np.save(tmp_path / "depth.npy", np.array([[1, 2, 3, 4], [5, 6, 7, np.nan]], np.float32))
    options = d3.Options.of(depth_map=tmp_path / "depth.npy", depth_kind="metric", max_depth_m=4.0)
    scene = d3.reconstruct(tmp_path / "photo.png", options=options)
    np.testing.assert_array_equal(scene.depth.z, [[1, 2, 3, 4], [np.nan] * 4])
    assert "37.5% of the picture lies beyond 4 m and is left out" in scene.notes
    with pytest.raises(UsageError, match=r"no depth is below 0\.5 m; the nearest is 1 m"):
        d3.reconstruct(tmp_path / "photo.png", options=options.changed(max_depth_m=0.5))
    relative = options.changed(depth_kind="depth")
    with pytest.raises(UsageError, match="needs metres; give a distance"):
        d3.reconstruct(tmp_path / "photo.png", options=relative)
