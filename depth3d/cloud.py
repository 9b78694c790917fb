"""Coloured point clouds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.errors import GeometryError


@dataclass(frozen=True, slots=True, eq=False)
class PointCloud:
    """Points without connections, in camera axes (x right, y down, z forward) and metres.

    Attributes:
        xyz: (N, 3) float32, finite.
        rgb: (N, 3) uint8, sRGB, or None.
        normals: (N, 3) float32 unit vectors that look towards the camera, or None.

    Raises:
        GeometryError: no points, a point that is not finite, or arrays of different lengths.
    """

    xyz: NDArray[np.float32]
    rgb: NDArray[np.uint8] | None = None
    normals: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        check_vertices(self.xyz, self.rgb, self.normals)


def check_vertices(xyz: NDArray[np.float32], *attributes: NDArray[np.generic] | None) -> None:
    """Raise GeometryError unless `xyz` is (N, 3), finite and non-empty, and each attribute has N rows."""
    if xyz.ndim != 2 or xyz.shape[1] != 3:
        raise GeometryError(f"geometry: points must have shape (N, 3), got {xyz.shape}")
    if len(xyz) == 0:
        raise GeometryError("geometry: no point is left; every depth is unknown or was cut away")
    if not np.isfinite(xyz).all():
        raise GeometryError("geometry: a point is not finite")
    for attribute in attributes:
        if attribute is not None and len(attribute) != len(xyz):
            raise GeometryError(f"geometry: {len(xyz)} points but {len(attribute)} rows of an attribute")
