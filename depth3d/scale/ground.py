"""Finding level ground in relative inverse depth, where every plane is affine in pixel coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth
from depth3d.core.errors import HintError

_SAMPLES = 4000
_TRIALS = 500
_TOLERANCE = 0.02
_LEAST_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class Ground:
    """The ground's relative inverse depth, d = offset + per_u * u + per_v * v.

    Attributes:
        offset: d at the picture's top-left corner.
        per_u: change of d per pixel to the right.
        per_v: change of d per pixel downwards.
        share: share of the picture's lower half that fits the plane.
    """

    offset: float
    per_u: float
    per_v: float
    share: float

    def at(self, u: float, v: float) -> float:
        """The plane's d at image point (u, v)."""
        return self.offset + self.per_u * u + self.per_v * v


def find_ground(inverse_depth: InverseDepth, name: str) -> Ground:
    """The affine function of the pixels that most of the lower half of the picture follows.

    RANSAC over triples of points (Fischler and Bolles, 1981), then least squares on the points that agree to within
    2 % of the range of d. Ground comes nearer towards the bottom of the picture and hardly changes sideways.

    Args:
        inverse_depth: relative inverse depth.
        name: what to call the hint in an error.

    Raises:
        HintError: no plane is followed by at least 15 % of the lower half.
    """
    u, v, d = _samples(inverse_depth)
    if len(d) < 3 or np.ptp(d) == 0:
        raise HintError(f"hint {name}: the lower half of the picture shows no ground (its relative depth is flat)")
    tolerance = _TOLERANCE * float(np.ptp(np.percentile(d, [1, 99])) or np.ptp(d))
    design = np.stack([np.ones_like(u), u, v], axis=1)
    triples = np.random.default_rng(0).integers(0, len(d), (_TRIALS, 3))
    best = np.zeros(len(d), bool)
    for triple in triples:
        try:
            plane = np.linalg.solve(design[triple], d[triple])
        except np.linalg.LinAlgError:
            continue
        if _is_ground(plane):
            inliers = np.abs(design @ plane - d) < tolerance
            best = inliers if inliers.sum() > best.sum() else best
    if best.mean() < _LEAST_SHARE:
        raise HintError(
            f"hint {name}: no level ground was found in the lower half of the picture; "
            "use a distance or a length instead"
        )
    plane, *_ = np.linalg.lstsq(design[best], d[best], rcond=None)
    return Ground(float(plane[0]), float(plane[1]), float(plane[2]), float(best.mean()))


def _samples(inverse_depth: InverseDepth) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Points of the lower half on a regular grid."""
    width, height = inverse_depth.size
    stride = max(1, int(np.sqrt(width * height / 2 / _SAMPLES)))
    rows, columns = np.arange(height // 2, height, stride), np.arange(0, width, stride)
    d = inverse_depth.values[rows[:, None], columns[None, :]].astype(np.float64)
    v, u = np.meshgrid(rows + 0.5, columns + 0.5, indexing="ij")
    known = np.isfinite(d)
    return u[known], v[known], d[known]


def _is_ground(plane: NDArray[np.float64]) -> bool:
    return bool(plane[2] > 0 and abs(plane[1]) < plane[2])
