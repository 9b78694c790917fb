"""One picture of every kind of output, for draw.py."""

from __future__ import annotations

import math
import tempfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import depth3d as d3
from depth3d.lab.docs_pictures import read_picture
from depth3d.viewers.open3d import show

_PANEL = (480, 360)
_GAP = 6
_BACKGROUND = 33
_SIDE_DEG, _ABOVE_DEG = 24.0, 14.0
_TURN_DEG = 20.0
_SPARSE = 60_000


def kinds(scene: d3.Scene) -> NDArray[np.uint8]:
    """A scene as each kind of output.

    Photo, depth, cloud; textured mesh, its shape alone, splats; turned by 20 degrees in one layer, in several, and as a
    printable plate.
    """
    camera, pivot_m = scene.camera, float(np.nanmedian(scene.depth.z))
    mesh = scene.mesh()
    aside = _turn(_SIDE_DEG, _ABOVE_DEG)
    shape = d3.Mesh(_moved(mesh.xyz, aside, pivot_m, 1.25), mesh.faces, unit="m")
    rows = (
        (scene.photo.rgb, scene.heatmap().rgb, _cloud(scene.cloud(max_points=_SPARSE), camera, aside, pivot_m)),
        (_shot(_turned(mesh, aside, pivot_m, 1.25), camera), _shot(shape, camera), _gaussians(scene, aside, pivot_m)),
        (
            _shot(_turned(mesh, _turn(_TURN_DEG), pivot_m), camera),
            _shot(_turned(scene.mesh(layers=True), _turn(_TURN_DEG), pivot_m), camera),
            _inverse_depth(scene),
        ),
    )
    return _page(rows)


def _page(rows: tuple[tuple[NDArray[np.uint8], ...], ...]) -> NDArray[np.uint8]:
    def framed(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        panel = cv2.resize(rgb, _PANEL, interpolation=cv2.INTER_AREA)
        return np.asarray(np.pad(panel, ((0, _GAP), (0, _GAP), (0, 0)), constant_values=255), np.uint8)

    page = np.vstack([np.hstack([framed(rgb) for rgb in row]) for row in rows])
    return page[:-_GAP, :-_GAP]


def _shot(geometry: d3.PointCloud | d3.Mesh, camera: d3.Intrinsics) -> NDArray[np.uint8]:
    """What the viewer shows of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shot.png"
        show([geometry], camera=camera, screenshot=path)
        return np.asarray(read_picture(path), np.uint8)


def _cloud(cloud: d3.PointCloud, camera: d3.Intrinsics, turn: NDArray[np.float64], pivot_m: float) -> NDArray[np.uint8]:
    return _shot(replace(cloud, xyz=_moved(cloud.xyz, turn, pivot_m, 1.25)), camera)


def _gaussians(scene: d3.Scene, turn: NDArray[np.float64], pivot_m: float) -> NDArray[np.uint8]:
    """Each Gaussian as an ellipse of 1.4 standard deviations, the farthest first."""
    splats = d3.to_gaussians(scene.rgbd, max_points=_SPARSE)
    xyz = _moved(splats.xyz, turn, pivot_m, 1.25).astype(np.float64)
    camera = scene.camera.resized(2 * _PANEL[0], 2 * _PANEL[1])
    axes = np.concatenate([splats.directions, np.cross(*splats.directions.transpose(1, 0, 2))[:, None]], axis=1)
    spread = turn @ (axes * splats.sigma[..., None]).transpose(0, 2, 1)  # columns as long as the deviations
    across = np.zeros((len(xyz), 2, 3))
    across[:, 0, 0], across[:, 1, 1] = camera.fx / xyz[:, 2], camera.fy / xyz[:, 2]
    across[:, :, 2] = -across[:, [0, 1], [0, 1]] * xyz[:, :2] / xyz[:, 2:]
    flat = across @ spread
    variances, directions = np.linalg.eigh(flat @ flat.transpose(0, 2, 1))
    centres = xyz[:, :2] / xyz[:, 2:] * (camera.fx, camera.fy) + (camera.cx, camera.cy)
    picture = np.full((camera.height, camera.width, 3), _BACKGROUND, np.uint8)
    radii = np.sqrt(np.maximum(variances, 0.25))
    angles = np.degrees(np.arctan2(directions[:, 1, 1], directions[:, 0, 1]))
    for i in np.argsort(-xyz[:, 2], kind="stable"):
        box = (centres[i].tolist(), (2.8 * radii[i, ::-1]).tolist(), float(angles[i]))
        cv2.ellipse(picture, box, splats.rgb[i].tolist(), cv2.FILLED, cv2.LINE_AA)
    return picture


def _inverse_depth(scene: d3.Scene) -> NDArray[np.uint8]:
    """The printable plate, lying tilted."""
    plate = d3.to_plate(scene.depth, relief_mm=14)
    size = np.ptp(plate.xyz_mm, axis=0)
    centred = (plate.xyz_mm - plate.xyz_mm.min(axis=0) - size / 2) * (1, -1, -1)  # to camera axes
    turned = centred @ _turn(-16, -34).T + (0, 0, 1.15 * float(size[0]))
    camera = d3.Intrinsics.from_fov(*_PANEL, fov_x_deg=55)
    return _shot(d3.Mesh(turned.astype(np.float32), plate.faces, unit="m"), camera)


def _turn(side_deg: float, above_deg: float = 0.0) -> NDArray[np.float64]:
    yaw, pitch = math.radians(side_deg), math.radians(above_deg)
    about_y = np.array([[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, math.cos(pitch), -math.sin(pitch)], [0, math.sin(pitch), math.cos(pitch)]])
    return np.asarray(about_x @ about_y)


def _turned(mesh: d3.Mesh, turn: NDArray[np.float64], pivot_m: float, away: float = 1.0) -> d3.Mesh:
    return replace(mesh, xyz=_moved(mesh.xyz, turn, pivot_m, away), normals=None)


def _moved(
    xyz: NDArray[np.float32], turn: NDArray[np.float64], pivot_m: float, away: float = 1.0
) -> NDArray[np.float32]:
    """Points turned about one on the optical axis, which is then `away` times as far."""
    pivot = np.array([0, 0, pivot_m])
    return np.asarray((xyz - pivot) @ turn.T + pivot * away, np.float32)
