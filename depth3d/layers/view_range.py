"""How far a photo's layers may be turned before what they hold ends."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from depth3d.geometry.mesh.mesh import TurnLimits
from depth3d.layers.split import Layers

_WIDEST_GAP = 0.01
"""Share of the picture's width."""
_FEW = 0.02
"""Share of the picture's height, or width, in edge pixels that may open wider."""
_LEAST_DEG = 4.0


def find_turn_limits(layers: Layers) -> TurnLimits:
    """The greatest angles to each side that open no gap wider than a hundredth of the picture's width.

    What nearer things hide is filled as far as the photo's border. A camera that moves to the right, round a point at
    the scene's median depth, looks behind the right end of a thing; from there the filling reaches to the left border.
    No angle exceeds the one that the layers were made for.
    """
    inverse, edges = layers.front_inverse, layers.edges
    filled = np.nan_to_num(inverse, nan=np.inf)
    far = edges.far & ~layers.unknown & (edges.gap > 0)
    rows, columns = np.nonzero(far)
    if len(rows) == 0:
        return TurnLimits(*(layers.turn_deg,) * 4)
    height, width = far.shape
    padded = np.pad(np.where(edges.near & np.isfinite(filled), filled, -np.inf), 1, constant_values=-np.inf)
    own = filled[rows, columns]

    def limit(beside: tuple[int, int], room_px: NDArray[np.int64], length: int) -> float:
        """Of a camera that opens gaps where something nearer lies `beside`; `room_px` is up to the border there."""
        at = padded[rows + 1 + beside[0], columns + 1 + beside[1]] > own
        per_px = layers.px_per_gap * edges.gap[rows[at], columns[at]]
        shares = np.sort((room_px[at] + _WIDEST_GAP * width) / np.maximum(per_px, 1e-9))
        return _angle(float(shares[int(_FEW * length)]) if len(shares) > _FEW * length else 1.0, layers.turn_deg)

    return TurnLimits(
        left=limit((0, 1), width - 1 - columns, height),
        right=limit((0, -1), columns, height),
        up=limit((1, 0), height - 1 - rows, width),
        down=limit((-1, 0), rows, width),
    )


def _angle(share: float, turn_deg: float) -> float:
    """The angle at which a gap is so large a share of what the full turn opens."""
    chord = min(1.0, share) * math.sin(math.radians(turn_deg) / 2)
    return max(_LEAST_DEG, round(2 * math.degrees(math.asin(chord)), 1))
