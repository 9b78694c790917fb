"""A small z-buffer, independent of the package: what a viewer shows of a mesh."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.geometry.mesh import Mesh

_NEAR_PLANE = 1e-6
_ON_EDGE_PX = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What a camera sees of a mesh, sampled at pixel centres.

    Attributes:
        face: (H, W) int64 number of the face that is seen; -1 for none.
        z: (H, W) float64 depth; NaN for none.
        uv: (H, W, 2) float64 texture coordinates, interpolated affinely in space as glTF viewers do; NaN for none.
        rgb: (H, W, 3) float64 colours of the vertices; NaN for none.
    """

    face: NDArray[np.int64]
    z: NDArray[np.float64]
    uv: NDArray[np.float64]
    rgb: NDArray[np.float64]

    def picture(self, texture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The texture as seen, looked up bilinearly; black where there is nothing."""
        height, width = texture.shape[:2]
        # cv2.remap counts from pixel centres.
        places = (self.uv * (width, height) - 0.5).astype(np.float32)
        seen = cv2.remap(texture, np.nan_to_num(places), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.where(self.face[..., None] >= 0, seen, 0).astype(np.uint8)


def render(mesh: Mesh, camera: Intrinsics, cam_from_world: NDArray[np.float64] | None = None) -> Shown:
    """Look at a mesh through a camera; faces with a corner behind it are left out."""
    pose = np.eye(4) if cam_from_world is None else cam_from_world
    xyz = mesh.xyz.astype(np.float64) @ pose[:3, :3].T + pose[:3, 3]
    faces = mesh.faces.astype(np.int64)
    faces_in_front = np.flatnonzero((xyz[:, 2] > _NEAR_PLANE)[faces].all(axis=1))
    uv_px = xyz[:, :2] / np.maximum(xyz[:, 2:], _NEAR_PLANE) * (camera.fx, camera.fy) + (camera.cx, camera.cy)
    seen = np.full(camera.width * camera.height, -1)
    nearest = np.full(camera.width * camera.height, -np.inf)
    for part in np.array_split(faces_in_front, 1 + len(faces_in_front) // 100_000):
        face, pixel, weights = _covered(uv_px[faces[part]], camera.width, camera.height)
        inverse = (weights / xyz[:, 2][faces[part[face]]]).sum(axis=1)
        order = np.argsort(inverse, kind="stable")
        face, pixel, inverse = part[face[order]], pixel[order], inverse[order]
        wins = inverse > nearest[pixel]
        # The last of equal indices stays, which is the nearest.
        seen[pixel[wins]], nearest[pixel[wins]] = face[wins], inverse[wins]
    return _attributes(mesh, camera, seen, uv_px, xyz[:, 2])


def _covered(
    corners: NDArray[np.float64], width: int, height: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Pairs of triangle and pixel centre inside it, edges included, and the pixel's barycentric weights."""
    low = np.ceil(corners.min(axis=1) - 0.5 - _ON_EDGE_PX).astype(np.int64).clip(0, None)
    high = np.floor(corners.max(axis=1) - 0.5 + _ON_EDGE_PX).astype(np.int64)
    high = np.minimum(high, (width - 1, height - 1))
    count = (high - low + 1).clip(0, None)
    total = count.prod(axis=1)
    face = np.repeat(np.arange(len(corners)), total)
    inside_box = np.arange(len(face)) - np.repeat(np.cumsum(total) - total, total)
    row, column = np.divmod(inside_box, np.maximum(count[face, 0], 1))
    row, column = row + low[face, 1], column + low[face, 0]
    a, b, c = (corners[face, k] - np.stack([column + 0.5, row + 0.5], axis=1) for k in range(3))
    weights = np.stack([_cross(b, c), _cross(c, a), _cross(a, b)], axis=1)
    area = weights.sum(axis=1, keepdims=True)
    sides = np.stack([np.linalg.norm(c - b, axis=1), np.linalg.norm(a - c, axis=1), np.linalg.norm(b - a, axis=1)], 1)
    inside = (weights * np.sign(area) >= -_ON_EDGE_PX * sides).all(axis=1) & (area[:, 0] != 0)
    return face[inside], (row * width + column)[inside], weights[inside] / area[inside]


def _attributes(
    mesh: Mesh, camera: Intrinsics, seen: NDArray[np.int64], uv_px: NDArray[np.float64], z: NDArray[np.float64]
) -> Shown:
    shape = (camera.height, camera.width)
    shown = np.flatnonzero(seen >= 0)
    corners = mesh.faces[seen[shown]].astype(np.int64)
    row, column = np.divmod(shown, camera.width)
    a, b, c = (uv_px[corners[:, k]] - np.stack([column + 0.5, row + 0.5], axis=1) for k in range(3))
    weights = np.stack([_cross(b, c), _cross(c, a), _cross(a, b)], axis=1)
    weights /= weights.sum(axis=1, keepdims=True)
    in_space = weights / z[corners]
    inverse = in_space.sum(axis=1, keepdims=True)
    in_space /= inverse

    def spread(values: NDArray[np.generic] | None, width: int) -> NDArray[np.float64]:
        out = np.full((len(seen), width), np.nan)
        if values is not None:
            out[shown] = np.einsum("nk,nkc->nc", in_space, values[corners].astype(np.float64))
        return out.reshape(*shape, width)

    depth = np.full(len(seen), np.nan)
    depth[shown] = 1 / inverse[:, 0]
    return Shown(seen.reshape(shape), depth.reshape(shape), spread(mesh.uv, 2), spread(mesh.rgb, 3))


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
