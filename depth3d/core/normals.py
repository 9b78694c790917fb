"""Normals of what a photo shows, pixel by pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import GeometryError
from depth3d.core.point_map import grid_normals, unproject
from depth3d.core.rgbd import RGBD
from depth3d.core.short_repr import short_repr


@dataclass(frozen=True, slots=True, eq=False)
class NormalMap:
    """Unit normals of the photo's surfaces.

    Attributes:
        xyz: (H, W, 3) float32 in camera axes (x right, y down, z forward), towards the camera; NaN where unknown.

    Raises:
        GeometryError: no normal is known.
    """

    xyz: NDArray[np.float32]

    def __post_init__(self) -> None:
        if not np.isfinite(self.xyz).any():
            raise GeometryError("no depth is known, so that there are no normals")

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.xyz.shape[1], self.xyz.shape[0]

    __repr__ = short_repr


def to_normal_map(rgbd: RGBD) -> NormalMap:
    """The normals of what a photo shows, from each point's neighbours.

    Raises:
        GeometryError: no depth is known.
    """
    normals = grid_normals(unproject(rgbd.depth, rgbd.camera))
    return NormalMap(np.where(np.isfinite(rgbd.depth.z)[..., None], normals, np.float32(np.nan)))
