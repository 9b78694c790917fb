"""How well each photo shows each face of a surface, and which few show it best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.geometry.mesh import Mesh
from depth3d.scenes.multiview.fusion import DepthView
from depth3d.scenes.multiview.fusion.depth_view import project_world

_LEAST_FACING = 0.15
_SAME_SURFACE = 0.04
_MOST_SCORE = 6e4
_BEST = 6
"""So many photos are remembered for each face."""


@dataclass(frozen=True, slots=True, eq=False)
class BestPhotos:
    """For each face the few photos that show it best; memory does not grow with the number of photos.

    Attributes:
        score: (M, K) float16, 0 for none.
        photo: (M, K) their numbers, -1 for none.
    """

    score: NDArray[np.float16]
    photo: NDArray[np.int32]

    @classmethod
    def of(cls, faces: int) -> BestPhotos:
        """None yet, for so many faces."""
        return cls(np.zeros((faces, _BEST), np.float16), np.full((faces, _BEST), -1, np.int32))

    def ask(self, number: int, score: NDArray[np.float16]) -> None:
        """Take a photo in where it is better than the worst of those that are there."""
        worst = self.score.argmin(axis=1)
        better = np.flatnonzero(score > self.score[np.arange(len(score)), worst])
        self.score[better, worst[better]], self.photo[better, worst[better]] = score[better], number

    def label(self) -> NDArray[np.intp]:
        """(M,) the best photo, the first of equals; -1 for none."""
        top = self.score.max(axis=1, keepdims=True)
        candidates = np.where((self.score == top) & (top > 0), self.photo, np.iinfo(np.int32).max)
        first = candidates.min(axis=1)
        return np.where(top[:, 0] > 0, first, -1).astype(np.intp)

    def score_of(self, label: NDArray[np.intp]) -> NDArray[np.float16]:
        """(M,) the score of one photo for each face; 0 where it is not among its best."""
        return np.asarray(np.where(self.photo == label[:, None], self.score, 0).max(axis=1), np.float16)


def scores(mesh: Mesh, view: DepthView, size_of_one: float) -> NDArray[np.float16]:
    """(M,) the share of a photo that a face of unit area takes there, by angle and distance; 0 where it is not seen."""
    corners = mesh.xyz[mesh.faces]
    centre = corners.mean(axis=1)
    u, v, z = project_world(centre, view.camera, view.pose)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    ray = view.pose.world_from_cam[:3, 3].astype(np.float32) - centre
    length = np.linalg.norm(normal, axis=1) * np.linalg.norm(ray, axis=1)
    facing = np.einsum("ij,ij->i", normal, ray) / np.maximum(length, 1e-20)
    width, height = view.camera.size
    inside = (z > 0) & (u >= 2) & (u < width - 2) & (v >= 2) & (v < height - 2) & (facing > _LEAST_FACING)
    seen = view.z[v[inside].astype(np.int32), u[inside].astype(np.int32)]
    with np.errstate(invalid="ignore"):
        same = np.abs(seen / z[inside] - 1) < _SAME_SURFACE
    size = np.square(view.camera.fx / width / z[inside]) / size_of_one
    score = np.zeros(len(centre), np.float32)
    score[inside] = np.where(same, np.clip(facing[inside] * size, 1e-3, _MOST_SCORE), 0)
    return score.astype(np.float16)


def size_of_one(view: DepthView) -> float:
    """The share of a photo that a square of side 1 takes at its median depth; it keeps scores near 1."""
    return float(np.square(view.camera.fx / view.camera.width / np.nanmedian(view.z)))
