"""A small program that uses depth3d with all its types: `make check` has mypy look at it, `.ci/run` pyright too."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

import numpy as np
from numpy.typing import NDArray

import depth3d as d3


@d3.predictor(kind="inverse")
def lower_is_nearer(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    height, width = rgb.shape[:2]
    return np.repeat(np.linspace(0.0, 1.0, height)[:, None], width, axis=1)


def steps(path: Path) -> d3.Mesh:
    photo = d3.read_photo(path)
    assert_type(photo.rgb, NDArray[np.uint8])
    camera = d3.choose_intrinsics(photo, fov_x_deg=65.0)
    assert_type(camera.fx, float)
    inverse_depth = d3.load_predictor("bundled").predict(photo)
    fit = d3.fit_scale(inverse_depth, camera, [d3.Nearest(1.9), d3.DistanceAt(412, 300, 2.4)])
    depth = fit.apply(inverse_depth)
    assert_type(depth, d3.MetricDepth)
    assert_type(depth.z, NDArray[np.float32])
    return d3.to_mesh(d3.RGBD(photo.rgb, depth, camera), max_faces=50_000)


def short(path: Path) -> float:
    scene = d3.reconstruct(path, predictor=lower_is_nearer, options=d3.Options.of(fov_x_deg=65))
    assert_type(scene, d3.Scene)
    assert_type(scene.cloud(), d3.PointCloud)
    scene.save("room.glb", options=d3.OutputOptions.of(max_faces=20_000))
    return scene.measure((600, 560), (640, 900)).metres
