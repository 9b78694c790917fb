from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from synthetic_scenes import box_corner, small_camera

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import MetricDepth
from depth3d.core.errors import GeometryError, UsageError
from depth3d.core.point_map import unproject
from depth3d.core.rgbd import RGBD
from depth3d.geometry.lazy_point_cloud import PixelCloud, gather, to_pixel_cloud
from depth3d.geometry.point_cloud import PointCloud, cloud_of_points, to_cloud
from depth3d.io.geometry.axes import AXES
from depth3d.io.save import save, suffixes_for

TRUTH = box_corner(small_camera())


def with_holes() -> MetricDepth:
    metres = TRUTH.depth.z.copy()
    metres[5:9] = np.nan
    metres[20, 7:30] = np.nan
    return MetricDepth(metres, unit="m")


def both(
    depth: MetricDepth, *, max_points: int | None = None, rgb: NDArray[np.uint8] = TRUTH.rgb
) -> tuple[PixelCloud, PointCloud]:
    points = unproject(depth, TRUTH.camera, max_points=max_points)
    return to_pixel_cloud(RGBD(rgb, depth, TRUTH.camera), max_points=max_points), cloud_of_points(points, rgb)


@pytest.mark.parametrize("max_points", [None, 400, 1])
@pytest.mark.parametrize("depth", [TRUTH.depth, with_holes()], ids=["everywhere", "holes"])
def test_it_stands_for_the_same_points(depth: MetricDepth, max_points: int | None) -> None:
    streamed, held = both(depth, max_points=max_points)
    assert streamed.count == held.count == len(held.xyz)
    together = gather(streamed)
    assert np.array_equal(together.xyz, held.xyz)
    assert together.rgb is not None
    assert np.array_equal(together.rgb, held.rgb)
    assert together.normals is None
    assert gather(held) is held


@pytest.mark.parametrize("at_most", [1, 100, 64 * 7, 10**6])
def test_the_parts_are_small_and_make_the_whole(at_most: int) -> None:
    for cloud in both(with_holes()):
        parts = [cloud.part(span) for span in cloud.spans(at_most)]
        assert np.array_equal(np.concatenate([part.xyz for part in parts]), both(with_holes())[1].xyz)
        assert max(len(part.xyz) for part in parts) <= max(at_most, TRUTH.camera.width)


@pytest.mark.parametrize("suffix", suffixes_for("PointCloud"))
def test_every_format_writes_it_to_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    streamed, held = both(with_holes())
    first = save(streamed, tmp_path / f"a{suffix}", notes={"unit": "m"})
    assert first.read_bytes() == save(held, tmp_path / f"b{suffix}", notes={"unit": "m"}).read_bytes()


@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("holes", [False, True])
def test_blocks_of_a_large_ply_are_the_same_bytes(tmp_path: Path, axes: str, holes: bool) -> None:
    rng = np.random.default_rng(0)
    width, height = 701, 803  # three blocks, the last one smaller
    z = rng.uniform(1, 9, (height, width)).astype(np.float32)
    if holes:
        z[rng.random(z.shape) < 0.2] = np.nan
    rgb = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    depth, camera = MetricDepth(z, unit="m"), Intrinsics.from_fov(width, height, fov_x_deg=60)
    streamed = save(to_pixel_cloud(RGBD(rgb, depth, camera)), tmp_path / "a.ply", axes=axes)
    held = save(to_cloud(RGBD(rgb, depth, camera)), tmp_path / "b.ply", axes=axes)
    assert streamed.read_bytes() == held.read_bytes()


def test_nothing_known() -> None:
    z = np.full((48, 64), np.nan, np.float32)
    rays = both(TRUTH.depth)[0].rays
    with pytest.raises(GeometryError, match="no point is left"):
        PixelCloud(z, TRUTH.rgb, rays, unit="m")
    z[3, 4] = 3e38
    wide = Intrinsics.from_fov(64, 48, fov_x_deg=150)
    with pytest.raises(GeometryError, match="not finite"):
        to_pixel_cloud(RGBD(TRUTH.rgb, MetricDepth(z, unit="m"), wide))


def test_what_does_not_belong_together() -> None:
    with pytest.raises(GeometryError, match="the photo is 60x48, its depth 64x48"):
        to_pixel_cloud(RGBD(TRUTH.rgb[:, 4:], TRUTH.depth, TRUTH.camera))
    with pytest.raises(GeometryError, match="its camera 32x24"):
        to_pixel_cloud(RGBD(TRUTH.rgb, TRUTH.depth, TRUTH.camera.resized(32, 24)))
    with pytest.raises(UsageError, match="at least 1"):
        to_pixel_cloud(RGBD(TRUTH.rgb, TRUTH.depth, TRUTH.camera), max_points=0)
