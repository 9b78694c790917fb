"""Normal maps: exact on planes, unknown where depth is, and what green means in files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from depth3d.core.camera import Intrinsics, pixel_centres
from depth3d.core.depth import MetricDepth
from depth3d.core.errors import GeometryError
from depth3d.core.normals import NormalMap, to_normal_map
from depth3d.core.rgbd import RGBD
from depth3d.io.save import save

CAMERA = Intrinsics.from_fov(64, 48, fov_x_deg=60)
NORMAL = np.array([0.3, -0.5, -0.8]) / np.linalg.norm([0.3, -0.5, -0.8])
"""Of a plane that leans: to the right, upwards (y is down), and towards the camera."""


def plane() -> RGBD:
    uv = pixel_centres(64, 48)
    rays = np.dstack([(uv - (CAMERA.cx, CAMERA.cy)) / CAMERA.fx, np.ones(uv.shape[:2])])
    z = (-2.0 / (rays @ NORMAL)).astype(np.float32)
    z[:10, :10] = np.nan
    return RGBD(np.zeros((48, 64, 3), np.uint8), MetricDepth(z, unit="m"), CAMERA)


def test_a_planes_normals_are_its_own_and_unknown_stays_unknown() -> None:
    normals = to_normal_map(plane()).xyz
    assert np.isnan(normals[:10, :10]).all()
    known = np.isfinite(normals).all(axis=2)
    assert known.sum() == 48 * 64 - 100
    np.testing.assert_allclose(normals[20:, 20:], np.broadcast_to(NORMAL, (28, 44, 3)), atol=1e-4)


@pytest.mark.parametrize(("green", "up"), [("opengl", 1), ("directx", -1)])
def test_a_png_says_right_up_and_towards_the_viewer(tmp_path: Path, green: str, up: int) -> None:
    save(to_normal_map(plane()), tmp_path / "n.png", green=green)
    rgb = cv2.imread(str(tmp_path / "n.png"))[..., ::-1].astype(float)
    assert (rgb[:10, :10] == 0).all()
    read = rgb[30, 40] / 127.5 - 1
    np.testing.assert_allclose(read, NORMAL * (1, -up, -1), atol=0.005)
    assert read[0] > 0  # leans to the right: red
    assert read[1] * up > 0  # and upwards


def test_an_exr_holds_them_without_rounding(tmp_path: Path) -> None:
    exr = pytest.importorskip("OpenEXR")
    save(to_normal_map(plane()), tmp_path / "n.exr", notes={"photo": "a"})
    with exr.File(str(tmp_path / "n.exr"), separate_channels=True) as file:
        read = np.dstack([file.channels()[f"N.{axis}"].pixels for axis in "XYZ"])
        assert file.header()["depth3d:normals"] == "camera space, opengl green"
    np.testing.assert_allclose(read[30, 40], NORMAL * (1, -1, -1), atol=1e-4)
    assert np.isnan(read[:10, :10]).all()


def test_nothing_known_is_refused() -> None:
    with pytest.raises(GeometryError, match="no depth is known"):
        NormalMap(np.full((2, 2, 3), np.nan, np.float32))
