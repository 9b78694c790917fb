"""How near is a fused room to its measured depth? On the 7-Scenes kitchen: 50 photos, a metric COLMAP model, 4 depths.

    python -m depth3d.lab.bench.fusion ../shared/data --predictor bundled

Draws the table of README's "Many photos". Every row goes through the same fusion:

- true depth: the four measured depth maps themselves, against themselves.
- fused: what `depth3d fuse` does.
- own affine: each photo's a and b fitted to the points it saw, nothing more.
- one guess: each photo's range of depth assumed without looking at the points, the whole scaled once by the median of
  all points.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

import depth3d as d3
from depth3d.geometry.mesh import Mesh
from depth3d.io.captures import Capture, place, read_capture
from depth3d.scenes.multiview import align_views
from depth3d.scenes.multiview.fusion import DepthView, fuse_depth

_FRAMES = (0, 240, 480, 720)
_DETAIL = (320, 240)
_VOXEL_M, _FARTHEST_M = 0.03, 6.0


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description="How near is a fused room to its measured depth?")
    parser.add_argument("data", type=Path, help="the folder with colmap_7scenes_metric and rgbd_7scenes_redkitchen")
    parser.add_argument("--predictor", default="bundled")
    arguments = parser.parse_args()
    capture = read_capture(arguments.data / "colmap_7scenes_metric" / "sparse")
    truth = _true_views(arguments.data / "rgbd_7scenes_redkitchen", capture)
    options = d3.Options.of(predictor=arguments.predictor)
    print(f"{'':14} {'to the mesh':>12} {'along rays':>12} {'rays that hit':>14}  seconds")
    _row("true depth", truth, truth)
    with align_views(capture, options, detail_px=_DETAIL[0]) as aligned:
        _row("fused", list(aligned.views()), truth)
    _row("own affine", _unaware(capture, options, own=True), truth)
    _row("one guess", _unaware(capture, options, own=False), truth)


def _row(name: str, views: Sequence[DepthView], truth: Sequence[DepthView]) -> None:
    started = time.perf_counter()
    fused = fuse_depth(lambda: views, voxel=_VOXEL_M, farthest=_FARTHEST_M)
    to_mesh, along, hit = _errors(fused.mesh, truth)
    seconds = time.perf_counter() - started
    print(f"{name:14} {to_mesh * 100:9.1f} cm {along * 100:9.1f} cm {hit:14.0%}  {seconds:.0f}", flush=True)


def _errors(mesh: Mesh, truth: Sequence[DepthView]) -> tuple[float, float, float]:
    """Median distance of the measured points to the mesh; median error along their rays; share of rays that hit."""
    import open3d as o3d

    tensor: Any = o3d.core.Tensor
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(tensor(mesh.xyz), tensor(mesh.faces))
    distances, errors = [], []
    for view in truth:
        points = view.points(2).reshape(-1, 3)
        points = points[np.isfinite(points[:, 2])]
        distances.append(scene.compute_distance(tensor(points)).numpy())
        centre = view.pose.world_from_cam[:3, 3].astype(np.float32)
        rays = np.hstack([np.broadcast_to(centre, points.shape), points - centre]).astype(np.float32)
        share = scene.cast_rays(tensor(rays))["t_hit"].numpy()  # 1 is the measured point
        errors.append(np.abs(share - 1) * np.linalg.norm(points - centre, axis=1))
    along = np.concatenate(errors)
    hit = np.isfinite(along)
    return float(np.median(np.concatenate(distances))), float(np.median(along[hit])), float(hit.mean())


def _true_views(folder: Path, capture: Capture) -> list[DepthView]:
    views = []
    for frame in _FRAMES:
        posed = next(one for one in capture.photos if one.photo.name == f"frame-{frame:06d}.color.jpg")
        photo = d3.read_photo(posed.photo)
        placed = place(posed, photo)
        assert placed.camera is not None
        depth = d3.read_depth_map(
            folder / f"frame-{frame:06d}.depth_registered.png", kind="metric", size=photo.size, units_per_metre=1000
        )
        assert isinstance(depth, d3.MetricDepth)
        z = np.where(depth.z <= _FARTHEST_M, depth.z, np.float32(np.nan))
        views.append(DepthView(placed.camera, placed.pose, z, photo.rgb))
    return views


def _unaware(capture: Capture, options: d3.Options, *, own: bool) -> list[DepthView]:
    """Depth by one affine map per photo, from its own points or from none."""
    views: list[DepthView] = []
    ratios: list[NDArray[np.float64]] = []
    predictor = d3.load_predictor(options.depth.predictor)
    for posed in capture.photos:
        photo = d3.read_photo(posed.photo)
        placed = place(posed, photo)
        assert placed.camera is not None
        inverse_depth = predictor.predict(photo)
        z = d3.fit_scale(inverse_depth, placed.camera, placed.hints if own else ()).apply(inverse_depth).z
        (points,) = placed.hints
        assert isinstance(points, d3.SparsePoints)
        there = z[np.minimum(points.v.astype(int), z.shape[0] - 1), np.minimum(points.u.astype(int), z.shape[1] - 1)]
        ratios.append(points.metres / there)
        small = np.asarray(cv2.resize(z, _DETAIL, interpolation=cv2.INTER_NEAREST_EXACT), np.float32)
        rgb = np.asarray(cv2.resize(photo.rgb, _DETAIL, interpolation=cv2.INTER_AREA), np.uint8)
        views.append(DepthView(placed.camera.resized(*_DETAIL), placed.pose, small, rgb))
    factor = 1.0 if own else float(np.nanmedian(np.concatenate(ratios)))
    return [replace(view, z=view.z * np.float32(factor)) for view in views]


if __name__ == "__main__":
    main()
