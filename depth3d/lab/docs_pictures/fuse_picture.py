"""Ten photos of a walk through the sample room, and the one room that `depth3d fuse` makes of them, from four sides.

The photos are drawn from the sample and its exact depth, in layers; their depth is what the bundled network sees, and
nothing but their poses is known.
"""

from __future__ import annotations

import json
import math
import tempfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import depth3d as d3
from depth3d.io.captures import read_capture
from depth3d.lab.docs_pictures import read_picture
from depth3d.lab.training.render import look_at
from depth3d.layers import to_layers
from depth3d.layers.views import Viewpoint, draw_view, prepare_layers
from depth3d.scenes.multiview import align_views, fuse_aligned
from depth3d.viewers.open3d import show

_SIZE = (640, 480)
_PIVOT_M = 4.0
_SEEN_FROM_DEG = ((35.0, 18.0), (-35.0, 18.0), (0.0, 62.0), (78.0, 22.0))
"""(yaw, pitch) of each side: none of them is where a photo was taken."""


def walk(scene: d3.Scene) -> NDArray[np.uint8]:
    """Four of the photos, and below them the room from four sides."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = _write_photos(scene, folder)
        with align_views(read_capture(folder), d3.Options.of(predictor="bundled"), units_per_metre=1) as aligned:
            mesh = fuse_aligned(aligned).mesh
        sides = [_drawn(mesh, angles, folder / f"side_{number}.png") for number, angles in enumerate(_SEEN_FROM_DEG)]
    small = [cv2.resize(photos[index], (320, 240), interpolation=cv2.INTER_AREA) for index in (0, 3, 6, 9)]
    gap = np.full((8, 2 * _SIZE[0], 3), 255, np.uint8)
    return np.vstack([np.hstack(small), gap, np.hstack(sides[:2]), np.hstack(sides[2:])])


def _drawn(mesh: d3.Mesh, angles_deg: tuple[float, float], shot: Path) -> NDArray[np.uint8]:
    """The room from one side."""
    camera = d3.Intrinsics.from_fov(960, 720, fov_x_deg=58)
    show([_turned(mesh, *angles_deg)], camera=camera, screenshot=shot)
    return np.asarray(cv2.resize(read_picture(shot), _SIZE, interpolation=cv2.INTER_AREA), np.uint8)


def _write_photos(scene: d3.Scene, folder: Path) -> list[NDArray[np.uint8]]:
    """The photos as files, and a transforms.json that says where they were taken."""
    eyes = [(x, y, 0.0) for x in (-0.5, -0.25, 0.0, 0.25, 0.5) for y in (-0.12, 0.12)]
    poses = [look_at(eye, (0.0, 0.0, _PIVOT_M), up=(0.0, -1.0, 0.0)) for eye in eyes]
    points = [Viewpoint(scene.camera.resized(*_SIZE), pose) for pose in poses]
    prepared = prepare_layers(to_layers(scene.rgbd), points, cell=1)
    photos, frames = [draw_view(prepared, point) for point in points], []
    for number, (rgb, pose) in enumerate(zip(photos, poses, strict=True)):
        d3.save(d3.Picture(rgb), folder / f"{number}.png")
        matrix = pose.world_from_cam @ np.diag([1.0, -1.0, -1.0, 1.0])  # its cameras look along -z
        frames.append({"file_path": f"{number}.png", "transform_matrix": matrix.tolist()})
    camera = points[0].camera
    camera_as_taken = {
        "fl_x": camera.fx,
        "fl_y": camera.fy,
        "cx": camera.cx,
        "cy": camera.cy,
        "w": _SIZE[0],
        "h": _SIZE[1],
    }
    (folder / "transforms.json").write_text(json.dumps({**camera_as_taken, "frames": frames}))
    return photos


def _turned(mesh: d3.Mesh, yaw_deg: float, pitch_deg: float) -> d3.Mesh:
    """The mesh seen from another side and from farther away."""
    yaw, pitch = math.radians(yaw_deg), math.radians(pitch_deg)
    about_y = np.array([[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, math.cos(pitch), -math.sin(pitch)], [0, math.sin(pitch), math.cos(pitch)]])
    pivot = np.median(mesh.xyz, axis=0)
    xyz = (mesh.xyz - pivot) @ (about_x @ about_y).T + (0, 0, 1.25 * _PIVOT_M)
    return replace(mesh, xyz=xyz.astype(np.float32), normals=None)
