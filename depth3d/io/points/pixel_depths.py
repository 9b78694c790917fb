"""What every file of points comes to: depths at pixels of the upright photo."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import HintError
from depth3d.scale import SparsePoints

MAX_POINTS = 50_000
"""More than this fix two numbers no better, and take the solver seconds; evenly many of the file's order are kept."""

DEFAULT_RELATIVE_SIGMA = 0.02
"""Where a file does not say how sure its depths are, one standard deviation as a share of the depth."""


@dataclass(frozen=True, slots=True, eq=False)
class PixelDepths:
    """Depths as found in a file, not yet checked.

    Attributes:
        u: (N,) float64, pixels from the upright photo's left edge (pixel centres at +0.5).
        v: (N,) float64, pixels from its top edge.
        metres: (N,) float64, depth along the optical axis; what is not positive and finite is unknown.
        relative_sigma: (N,) float64, one standard deviation as a share of the depth.
        source: where they came from, in words for the user.
        remedy: what to do if no point can be used.
    """

    u: NDArray[np.float64]
    v: NDArray[np.float64]
    metres: NDArray[np.float64]
    relative_sigma: NDArray[np.float64]
    source: str
    remedy: str

    def kept(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> PixelDepths:
        """Only some of the points."""
        return replace(
            self, u=self.u[rows], v=self.v[rows], metres=self.metres[rows], relative_sigma=self.relative_sigma[rows]
        )


def to_hint(found: PixelDepths, size: tuple[int, int]) -> SparsePoints:
    """The points of known depth that lie in the photo, at most `MAX_POINTS`; `source` says how many are left out.

    Args:
        found: depths at pixels.
        size: (width, height) of the upright photo.

    Raises:
        HintError: no point is left.
    """
    known = found.kept(np.isfinite(found.metres) & (found.metres > 0))
    width, height = size
    with np.errstate(invalid="ignore"):
        inside = (known.u >= 0) & (known.u <= width) & (known.v >= 0) & (known.v <= height)
    used = known.kept(inside)
    alike = _first_of_its_kind(used)
    repeated = len(used.u) - len(alike)
    used = used.kept(alike)
    total = len(used.u)
    if total == 0:
        raise HintError(
            f"{found.source}: none of its {len(found.u)} points has a depth and lies in the {width}x{height} photo;"
            f" {found.remedy}"
        )
    outside = len(known.u) - total - repeated
    said = [f"{outside:,} outside the photo are left out"] if outside else []
    said += [f"{repeated:,} are repetitions and count once"] if repeated else []
    if total > MAX_POINTS:
        used = used.kept(np.linspace(0, total - 1, MAX_POINTS).round().astype(np.intp))
        said.append(f"evenly thinned from {total:,}")
    counted = f"{found.source}, {len(used.u):,} points" + "".join(f", {word}" for word in said)
    return SparsePoints(used.u, used.v, used.metres, used.relative_sigma, counted)


def _first_of_its_kind(points: PixelDepths) -> NDArray[np.intp]:
    """Which points to keep of those that say the same, in their order; the others would only cost time."""
    rows = np.stack([points.u, points.v, points.metres, points.relative_sigma], axis=1)
    _, first = np.unique(rows, axis=0, return_index=True)
    return np.sort(first)
