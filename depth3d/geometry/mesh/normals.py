"""Normals of a mesh's vertices from its faces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def vertex_normals(xyz: NDArray[np.float32], faces: NDArray[np.uint32]) -> NDArray[np.float32]:
    """(N, 3) float32 unit normals: the faces' normals, weighted by their angle at the vertex.

    Weights by angle do not depend on how a flat surface is cut into triangles (Thuermer & Wuethrich, "Computing vertex
    normals from polygonal facets", Journal of Graphics Tools 3, 1998). Where all faces of a vertex have lost their area
    to rounding, the normal looks at the camera.
    """
    corners = xyz[faces].astype(np.float64)
    total = np.zeros((len(xyz), 3))
    normal = _unit(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
    for k in range(3):
        to_next = _unit(corners[:, (k + 1) % 3] - corners[:, k])
        to_last = _unit(corners[:, (k + 2) % 3] - corners[:, k])
        angle = np.arccos(np.clip(np.einsum("ij,ij->i", to_next, to_last), -1, 1))
        for axis in range(3):
            total[:, axis] += np.bincount(faces[:, k], weights=normal[:, axis] * angle, minlength=len(xyz))
    lost = ~total.any(axis=1)
    total[lost] = -xyz[lost]
    return _unit(total).astype(np.float32)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, 1)
