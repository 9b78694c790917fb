"""Embedded depth put to use: as metres, as inverse depth that hints rescale, as hints itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from depth3d.calibration import choose_intrinsics
from depth3d.core.camera import Intrinsics, pixel_centres
from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import DepthMapError, PhotoError
from depth3d.io.photos.embedded_depth import EmbeddedDepth, embedded_at, embedded_inverse_depth, embedded_points
from depth3d.io.photos.embedded_depth_file import read_embedded_depth
from depth3d.io.photos.photo import read_photo
from depth3d.scale import DepthAt, fit_scale

CAMERA = Intrinsics(8, 6, 7, 7, 4, 3)
METRES = np.linspace(1, 1.05, 12, dtype=np.float32).reshape(3, 4)


def _embedded(metres: np.ndarray = METRES, *, is_along_ray: bool = False) -> EmbeddedDepth:
    return EmbeddedDepth(MetricDepth(metres, unit="m"), 0.2, is_along_ray, "a phone")


def test_metres_at_the_photos_size_carry_the_units_uncertainty() -> None:
    depth = embedded_at(_embedded(), CAMERA)
    assert isinstance(depth, MetricDepth)
    assert depth.size == CAMERA.size
    assert depth.sigma is not None
    np.testing.assert_allclose(depth.sigma, 0.2 * depth.z, rtol=1e-6)
    assert depth.source == "a phone"
    assert embedded_at(_embedded(), CAMERA.resized(4, 3)).z.tolist() == METRES.tolist()  # type: ignore[union-attr]


def test_one_hint_rescales_the_inverse_depth() -> None:
    inverse_depth = embedded_inverse_depth(_embedded(), CAMERA)
    assert inverse_depth.zero_is_infinity
    metres = fit_scale(inverse_depth, CAMERA, [DepthAt(0.5, 0.5, 3.0)]).apply(inverse_depth).z
    depth = embedded_at(_embedded(), CAMERA)
    assert isinstance(depth, MetricDepth)
    np.testing.assert_allclose(metres, depth.z * 3 / depth.z[0, 0], rtol=1e-5)


def test_points_stand_at_the_maps_pixel_centres() -> None:
    metres = METRES.copy()
    metres[1, 2] = np.nan
    hint = embedded_points(_embedded(metres), CAMERA)
    assert len(hint.u) == 11
    assert (hint.u[0], hint.v[0], hint.metres[0]) == (1, 1, 1)
    assert (hint.u[-1], hint.v[-1]) == (7, 5)
    assert set(np.asarray(hint.relative_sigma)) == {0.2}


@pytest.mark.parametrize("camera_as_taken", [(), (-0.1, 0.02, 0.0, 0.0)])
def test_lengths_along_the_ray_become_depth(camera_as_taken: tuple[float, ...]) -> None:
    """A sphere around the camera: every z times its ray's length is the radius."""
    camera = Intrinsics(8, 6, 7, 7, 4, 3, camera_as_taken)
    sphere = _embedded(np.full((6, 8), 2.0, np.float32), is_along_ray=True)
    depth = embedded_at(sphere, camera)
    assert isinstance(depth, MetricDepth)
    if not camera_as_taken:
        rays = np.append((pixel_centres(8, 6) - (4, 3)) / 7, np.ones((6, 8, 1)), axis=2)
        np.testing.assert_allclose(depth.z * np.linalg.norm(rays, axis=2), 2, rtol=1e-6)
    hint = embedded_points(sphere, camera)
    np.testing.assert_allclose(hint.metres.reshape(6, 8), depth.z, rtol=1e-6)
    # At the corner (0.5, 0.5) of an ideal lens the ray is (-0.5, -0.357, 1); a barrel lens sees farther aside.
    corner = 2 / np.sqrt(1 + 0.5**2 + (2.5 / 7) ** 2)
    assert depth.z[0, 0] == pytest.approx(corner) if not camera_as_taken else depth.z[0, 0] < corner - 0.01
    inverse_depth = EmbeddedDepth(InverseDepth(np.full((6, 8), 0.5, np.float32), zero_is_infinity=True), 0, True, "x")
    np.testing.assert_allclose(embedded_inverse_depth(inverse_depth, camera).values, 1 / depth.z, rtol=1e-6)


def test_what_cannot_be_is_refused() -> None:
    inverse_depth = EmbeddedDepth(InverseDepth(METRES), 0.0, False, "Lens Blur")
    assert not inverse_depth.is_metric
    with pytest.raises(DepthMapError, match="Lens Blur: without metres; it can replace the network's depth"):
        embedded_points(inverse_depth, CAMERA)
    wide = _embedded(np.ones((6, 8), np.float32))
    for use in (embedded_at, embedded_inverse_depth, embedded_points):
        with pytest.raises(DepthMapError, match="8x6 has another aspect ratio than the photo's 6x6; was the photo"):
            use(wide, Intrinsics(6, 6, 7, 7, 3, 3))


def test_a_file_that_is_no_photo_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="no such file"):
        read_embedded_depth(tmp_path / "none.heic")
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(PhotoError, match="empty"):
        read_embedded_depth(tmp_path / "empty.jpg")


def test_the_pug_is_half_a_metre_away(shared_data: Path) -> None:
    path = shared_data / "iphone_heic" / "pug.heic"
    embedded, photo = read_embedded_depth(path), read_photo(path)
    assert embedded is not None
    camera = choose_intrinsics(photo)
    depth = embedded_at(embedded, camera)
    assert isinstance(depth, MetricDepth)
    assert depth.size == photo.size
    assert 0.22 < np.nanmin(depth.z) < np.nanmax(depth.z) < 0.68
    # The dog in the middle is nearer than the floor behind it, in the upper corners.
    assert np.nanmedian(depth.z[1400:1600, 1900:2100]) < np.nanmedian(depth.z[:200, :200])
