"""Points that several photos see, where their poses are known and nobody has found points before.

Keypoints are found by SIFT (Lowe, "Distinctive Image Features from Scale-Invariant Keypoints", 2004), matched between
photos that look the same way, held against the poses, and intersected.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, Pose
from depth3d.core.undistort import to_ideal_pixels
from depth3d.scale import SparsePoints

_LONGEST_PX = 1024
_MOST_KEYPOINTS = 2000
_MOST_PARTNERS = 6
_MOST_LOOKED_AT = 24
_SAME_WAY_DEG = 45.0
_RATIO = 0.8
"""A match must be so much better than the second best."""

_OFF_EPIPOLAR_PX = 1.5
_KEYPOINT_SIGMA_PX = 0.7
_LEAST_PARALLAX_DEG = 1.0
_LEAST_RELATIVE_SIGMA = 0.03
"""As for points of COLMAP models: keypoints lie on edges, where depth itself is hard to tell."""


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """Keypoints of one photo.

    Attributes:
        uv: (N, 2) float64, pixels of the photo as it was taken, upright.
        rays: (N, 3) float64, their directions in camera axes, z = 1.
        descriptors: (N, 128) uint8.
        pose: of the photo.
        sigma_rad: one standard deviation of a ray's direction.
    """

    uv: NDArray[np.float64]
    rays: NDArray[np.float64]
    descriptors: NDArray[np.uint8]
    pose: Pose
    sigma_rad: float


def find_keypoints(rgb: NDArray[np.uint8], camera: Intrinsics, pose: Pose) -> Sighting:
    """The keypoints of a photo, on at most 1024 pixels a side.

    Args:
        rgb: (H, W, 3) uint8, the upright photo as taken.
        camera: of its size, with its lens's distortion.
        pose: of that camera.
    """
    height, width = rgb.shape[:2]
    shrink = min(1.0, _LONGEST_PX / max(width, height))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    grey = cv2.resize(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
    found, descriptors = cv2.SIFT.create(_MOST_KEYPOINTS).detectAndCompute(grey, None)
    uv = np.array([point.pt for point in found], np.float64).reshape(-1, 2) + 0.5  # OpenCV's centres lie at integers
    uv *= (width / size[0], height / size[1])
    ideal = camera.undistorted()
    xy = (to_ideal_pixels(uv, camera, ideal) - (ideal.cx, ideal.cy)) / (ideal.fx, ideal.fy)
    known = np.isfinite(xy).all(axis=1)
    rays = np.concatenate([xy, np.ones((len(xy), 1))], axis=1)
    described = np.zeros((0, 128), np.uint8) if descriptors is None else descriptors.astype(np.uint8)
    sigma = _KEYPOINT_SIGMA_PX / shrink / camera.fx
    return Sighting(uv[known], rays[known], described[known], pose, sigma)


def triangulate(sightings: Sequence[Sighting]) -> Iterator[SparsePoints | None]:
    """For each photo the points that it and another see, in the unit of the poses; None where there are none.

    A keypoint that several photos match keeps the point with the widest parallax. Wrong matches remain, few enough for
    a robust fit.

    Args:
        sightings: of all photos.
    """
    found: list[_Points] = [_Points(len(one.uv)) for one in sightings]
    pairs = sorted({(min(i, j), max(i, j)) for i in range(len(sightings)) for j in _partners(sightings, i)})
    for i, j in pairs:
        one, other = sightings[i], sightings[j]
        rows, others = _matched(one, other)
        if not len(rows):
            continue
        seen = _intersected(one, other, rows, others)
        found[i].keep(rows[seen.kept], seen.z, seen.relative_sigma)
        found[j].keep(others[seen.kept], seen.other_z, seen.relative_sigma)
    for one, points in zip(sightings, found, strict=True):
        yield points.hint(one.uv)


class _Points:
    """The best depth so far of each keypoint of a photo."""

    def __init__(self, count: int) -> None:
        self._z, self._sigma = np.full(count, np.nan), np.full(count, np.inf)

    def keep(self, rows: NDArray[np.intp], z: NDArray[np.float64], sigma: NDArray[np.float64]) -> None:
        """Take what is surer than what was there."""
        better = sigma < self._sigma[rows]
        self._z[rows[better]], self._sigma[rows[better]] = z[better], sigma[better]

    def hint(self, uv: NDArray[np.float64]) -> SparsePoints | None:
        """All of them."""
        known = np.isfinite(self._z)
        if not known.any():
            return None
        sigma = np.minimum(np.hypot(self._sigma[known], _LEAST_RELATIVE_SIGMA), 1.0)
        source = f"{int(known.sum())} points that other photos see too"
        return SparsePoints(uv[known, 0], uv[known, 1], self._z[known], sigma, source)


@dataclass(frozen=True, slots=True, eq=False)
class _Intersected:
    """What is left of matches: which, their depths in both photos, and how sure those are as shares."""

    kept: NDArray[np.intp]
    z: NDArray[np.float64]
    other_z: NDArray[np.float64]
    relative_sigma: NDArray[np.float64]


def _partners(sightings: Sequence[Sighting], index: int) -> list[int]:
    """Photos that look the same way from near by, some nearer and some farther."""
    pose = sightings[index].pose.world_from_cam
    centres = np.array([one.pose.world_from_cam[:3, 3] for one in sightings])
    axes = np.array([one.pose.world_from_cam[:3, 2] for one in sightings])
    distance = np.linalg.norm(centres - pose[:3, 3], axis=1)
    same_way = axes @ pose[:3, 2] > math.cos(math.radians(_SAME_WAY_DEG))
    usable = np.flatnonzero(same_way & (distance > 0))
    near = usable[np.argsort(distance[usable], kind="stable")][:_MOST_LOOKED_AT]
    picked = np.unique(np.linspace(0, len(near) - 1, min(len(near), _MOST_PARTNERS)).round().astype(int))
    return [int(near[place]) for place in picked]


def _matched(one: Sighting, other: Sighting) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of both whose descriptors are each other's best, and by far."""
    if min(len(one.descriptors), len(other.descriptors)) < 2:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    matcher = cv2.BFMatcher(cv2.NORM_L2)
    there = matcher.knnMatch(one.descriptors.astype(np.float32), other.descriptors.astype(np.float32), k=2)
    back = matcher.match(other.descriptors.astype(np.float32), one.descriptors.astype(np.float32))
    best_of_other = {match.queryIdx: match.trainIdx for match in back}
    pairs = [
        (first.queryIdx, first.trainIdx)
        for first, second in there
        if first.distance < _RATIO * second.distance and best_of_other.get(first.trainIdx) == first.queryIdx
    ]
    rows = np.array(pairs, np.intp).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]


def _intersected(one: Sighting, other: Sighting, rows: NDArray[np.intp], others: NDArray[np.intp]) -> _Intersected:
    """Where rays meet: the points nearest to both, of those that pass close by in front of both cameras.

    Two views with the parallax theta put a point at z with the relative error sqrt(2) sigma / theta (Hartley and
    Zisserman, Multiple View Geometry, 2nd ed., 12.6).
    """
    a = _unit(one.rays[rows] @ one.pose.world_from_cam[:3, :3].T)
    b = _unit(other.rays[others] @ other.pose.world_from_cam[:3, :3].T)
    base = other.pose.world_from_cam[:3, 3] - one.pose.world_from_cam[:3, 3]
    cosine = np.einsum("ij,ij->i", a, b)
    sine_squared = np.maximum(1 - cosine**2, 1e-12)
    along_a, along_b = a @ base, b @ base
    s = (along_a - cosine * along_b) / sine_squared
    t = (cosine * along_a - along_b) / sine_squared
    gap = np.linalg.norm(s[:, None] * a - t[:, None] * b - base, axis=1)
    sigma = max(one.sigma_rad, other.sigma_rad)
    allowed = _OFF_EPIPOLAR_PX / _KEYPOINT_SIGMA_PX * sigma * np.minimum(s, t) * math.sqrt(2)
    parallax = np.arccos(np.clip(cosine, -1, 1))
    good = (s > 0) & (t > 0) & (gap < allowed) & (parallax > math.radians(_LEAST_PARALLAX_DEG))
    kept = np.flatnonzero(good)
    # A ray's length becomes depth along the axis by the cosine of its angle to that.
    z = s[kept] / np.linalg.norm(one.rays[rows[kept]], axis=1)
    other_z = t[kept] / np.linalg.norm(other.rays[others[kept]], axis=1)
    return _Intersected(kept, z, other_z, math.sqrt(2) * sigma / parallax[kept])


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
