"""A wall with a colour in each corner: whatever a reader returns must have red at the top left, and the right near."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import MetricDepth
from depth3d.core.point_map import PointMap, unproject
from depth3d.geometry.mesh import Mesh, mesh_of_points
from depth3d.geometry.point_cloud import PointCloud, cloud_of_points

WIDTH, HEIGHT = 48, 36
RED, GREEN, BLUE, WHITE = (200, 30, 20), (40, 180, 60), (30, 50, 220), (250, 240, 230)
CAMERA = Intrinsics(WIDTH, HEIGHT, 50, 50, WIDTH / 2 + 1, HEIGHT / 2 - 1)

# Where right, up and towards the viewer point in a file, by each convention's own documentation.
DIRECTIONS = {
    "gltf": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "opencv": ((1, 0, 0), (0, -1, 0), (0, 0, -1)),
    "blender": ((1, 0, 0), (0, 0, 1), (0, -1, 0)),
    "ros": ((0, -1, 0), (0, 0, 1), (-1, 0, 0)),
    "unity": ((1, 0, 0), (0, 1, 0), (0, 0, -1)),
    "z-up": ((1, 0, 0), (0, 0, 1), (0, -1, 0)),
}


def picture() -> NDArray[np.uint8]:
    """Red at the top left, green at the top right, blue at the bottom left, white at the bottom right."""
    rgb = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    top, left = np.s_[: HEIGHT // 2], np.s_[: WIDTH // 2]
    bottom, right = np.s_[HEIGHT // 2 :], np.s_[WIDTH // 2 :]
    rgb[top, left], rgb[top, right], rgb[bottom, left], rgb[bottom, right] = RED, GREEN, BLUE, WHITE
    return rgb


def depth() -> MetricDepth:
    """A wall whose left end is 4 m away and whose right end 2 m; a plane."""
    inverse = np.broadcast_to(np.linspace(1 / 4, 1 / 2, WIDTH), (HEIGHT, WIDTH))
    return MetricDepth((1 / inverse).astype(np.float32), unit="m")


def points() -> PointMap:
    """The wall on the pixel grid."""
    return unproject(depth(), CAMERA)


def cloud(*, normals: bool = False, colours: bool = True) -> PointCloud:
    """The wall as points."""
    made = cloud_of_points(points(), picture(), normals=normals)
    return made if colours else PointCloud(made.xyz, None, made.normals, unit="m")


def mesh(*, textured: bool = True, normals: bool = False) -> Mesh:
    """The wall as a mesh."""
    return mesh_of_points(points(), picture(), textured=textured, normals=normals)


def check_upright(xyz: NDArray[Any], rgb: NDArray[Any], axes: str, *, unit_m: float = 1.0) -> None:
    """Fail unless points as read from a file stand as the picture: upright, not mirrored, right side near, true size.

    Args:
        xyz: (N, 3) as read.
        rgb: (N, 3) from 0 to 255, as read.
        axes: the file's axes.
        unit_m: length of the file's unit in metres.
    """
    right, up, near = (np.asarray(xyz, np.float64) * unit_m @ np.array(DIRECTIONS[axes], np.float64).T).T
    near_each = {name: np.abs(np.asarray(rgb, np.float64) - colour).max(axis=1) < 24 for name, colour in _NAMED.items()}
    assert all(chosen.any() for chosen in near_each.values()), "a colour is missing"
    assert sum(chosen.sum() for chosen in near_each.values()) > 0.8 * len(xyz), "colours that the picture has not"
    for name, (at_right, at_top) in _PLACES.items():
        chosen = near_each[name]
        assert (right[chosen].mean() > 0) == at_right, f"{name} is on the wrong side: mirrored"
        assert (up[chosen].mean() > 0) == at_top, f"{name} is at the wrong height: upside down"
    assert np.isclose(-near.max(), 2, atol=0.05), "the nearest is not 2 m away"
    assert np.isclose(-near.min(), 4, atol=0.05), "the farthest is not 4 m away"
    assert near[right > 0].mean() > near[right < 0].mean(), "the left side is nearer: turned inside out"


_NAMED = {"red": RED, "green": GREEN, "blue": BLUE, "white": WHITE}
_PLACES = {"red": (False, True), "green": (True, True), "blue": (False, False), "white": (True, False)}
