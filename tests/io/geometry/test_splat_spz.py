"""Splats in SPZ, read back by gsply."""

from __future__ import annotations

from pathlib import Path

import gsply
import numba
import numpy as np
import pytest
from four_colour_wall import CAMERA, check_upright, picture, points
from numpy.typing import NDArray
from synthetic_scenes import slanted_plane, small_camera

from depth3d.core.errors import GeometryError
from depth3d.core.rgbd import RGBD
from depth3d.geometry.gaussians import Gaussians, gaussians_of_points, to_gaussians
from depth3d.io.geometry.axes import AXES, matrix, turned
from depth3d.io.save import save

numba.config.THREADING_LAYER = "workqueue"  # its own; others depend on what other packages brought along
SPLATS = gaussians_of_points(points(), picture(), CAMERA)


def covariances(directions: NDArray[np.float64], sigma: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3, 3) from axes in rows and standard deviations along them."""
    return np.asarray(np.einsum("nji,nj,njk->nik", directions, sigma**2, directions))


def axes_of(quaternions: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3, 3) where unit quaternions (w, x, y, z) take x, y and z, in rows."""
    w, x, y, z = quaternions.T
    columns = [
        [1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)],
        [2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)],
        [2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.array(columns).transpose(2, 0, 1)


def angles_deg(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Between lines, whatever their sense."""
    cosine = np.abs(np.einsum("ni,ni->n", one, other))
    return np.degrees(np.arccos(np.clip(cosine, 0, 1)))


@pytest.mark.parametrize("axes", AXES)
def test_another_reader_finds_the_same_splats_in_any_axes(tmp_path: Path, axes: str) -> None:
    read = gsply.read_spz(save(SPLATS, tmp_path / "a.spz", axes=axes))
    assert np.abs(read.means - turned(SPLATS.xyz, axes)).max() < 1e-5 * np.abs(SPLATS.xyz).max()
    rgb = 255 * (0.5 + 0.28209479177387814 * np.asarray(read.sh0, np.float64).reshape(-1, 3))
    assert np.abs(rgb - SPLATS.rgb).max() <= 1
    assert 1 / (1 + np.exp(-read.opacities)) == pytest.approx(0.99, abs=0.003)
    sigma = np.exp(np.asarray(read.scales, np.float64))
    assert np.abs(np.log(sigma / SPLATS.sigma)).max() <= 1 / 32 + 1e-5
    turned_axes = axes_of(np.asarray(read.quats, np.float64))
    third = np.cross(SPLATS.directions[:, 0], SPLATS.directions[:, 1])
    expected = np.concatenate([SPLATS.directions, third[:, None]], axis=1) @ matrix(axes).T
    for i in range(3):
        assert (
            angles_deg(turned_axes[:, i], expected[:, i]).max() < 1.6
        )  # steps of 1 / 127.5 in three components, and w from them
    check_upright(np.asarray(read.means), rgb, axes)


def test_ellipses_keep_their_shape_however_they_lie(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    quaternions = rng.normal(size=(2000, 4))
    quaternions /= np.linalg.norm(quaternions, axis=1, keepdims=True)
    axes = axes_of(quaternions)
    sigma = np.broadcast_to(np.float64([0.4, 0.1, 0.02]), (2000, 3))
    splats = Gaussians(
        rng.normal(size=(2000, 3)).astype(np.float32),
        rng.integers(0, 256, (2000, 3), dtype=np.uint8),
        axes[:, :2].astype(np.float32),
        sigma.astype(np.float32),
        unit="m",
    )
    read = gsply.read_spz(save(splats, tmp_path / "a.spz", axes="opencv"))
    found = covariances(axes_of(np.asarray(read.quats, np.float64)), np.exp(np.asarray(read.scales, np.float64)))
    expected = covariances(axes, sigma)
    assert np.abs(found - expected).max() < 0.08 * 0.4**2
    assert np.asarray(read.quats)[:, 0].min() > 0.49


def test_a_tenth_of_the_ply_and_always_the_same_bytes(tmp_path: Path) -> None:
    truth = slanted_plane(small_camera(320, 240))
    splats = to_gaussians(RGBD(truth.rgb, truth.depth, truth.camera))
    path = save(splats, tmp_path / "a.spz")
    assert path.stat().st_size < 0.2 * save(splats, tmp_path / "a.ply").stat().st_size
    assert path.read_bytes() == save(splats, tmp_path / "b.spz").read_bytes()
    check_upright(np.asarray(gsply.read_spz(save(SPLATS, tmp_path / "c.spz")).means), SPLATS.rgb, "gltf")


def test_places_far_away_are_coarser_and_too_far_away_refused(tmp_path: Path) -> None:
    for metres in (1e3, 1e6):
        far = Gaussians(SPLATS.xyz * np.float32(metres), SPLATS.rgb, SPLATS.directions, SPLATS.sigma, unit="m")
        read = gsply.read_spz(save(far, tmp_path / "a.spz", axes="opencv", force=True))
        assert np.abs(read.means - far.xyz).max() < 2e-7 * np.abs(far.xyz).max()
    beyond = Gaussians(SPLATS.xyz * np.float32(1e8), SPLATS.rgb, SPLATS.directions, SPLATS.sigma, unit="m")
    with pytest.raises(GeometryError, match="coordinates up to 8388607 m, got .*; write .ply"):
        save(beyond, tmp_path / "b.spz")
    assert not (tmp_path / "b.spz").exists()
