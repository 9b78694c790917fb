"""Depth guided once more: where a photo has no points near, by what other photos of the set are sure of.

Someone who walks along a road sees its nearest part without any point to hold on to; from the photo before, the same
part lay farther off, between walls full of points.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth
from depth3d.scale import SparsePoints
from depth3d.scenes.multiview.fusion import DepthView
from depth3d.scenes.multiview.guided_depth import TRUE_OVER_STATED, guide_by_points

SURE = 0.2
"""A depth whose standard deviation is a smaller share of it needs no other photo."""

_LEAST_UNSURE = 0.05
"""Photos that are unsure of less than this share of their depth are left as they are."""

_LEAST_HANDED = 6


@dataclass(frozen=True, slots=True, eq=False)
class Guide:
    """What guided a photo's depth, at the size at which photos are compared.

    Attributes:
        inverse_depth: what the network saw.
        points: of known depth, in its pixels.
    """

    inverse_depth: InverseDepth
    points: tuple[SparsePoints, ...]


def guide_of(
    inverse_depth: InverseDepth | None, points: tuple[SparsePoints, ...], size: tuple[int, int]
) -> Guide | None:
    """What guided a photo's depth, at a (width, height); None where no points did.

    Args:
        inverse_depth: what the network saw.
        points: of known depth, in its pixels.
        size: at which photos are compared.
    """
    if inverse_depth is None or not points:
        return None
    height, width = inverse_depth.values.shape
    values = cv2.resize(inverse_depth.values, size, interpolation=cv2.INTER_NEAREST_EXACT)
    across, down = size[0] / width, size[1] / height
    points = tuple(replace(hint, u=hint.u * across, v=hint.v * down) for hint in points)
    return Guide(replace(inverse_depth, values=np.asarray(values, np.float32)), points)


def unsure(view: DepthView) -> NDArray[np.bool_] | None:
    """(H, W) where a photo is not sure of its depth; None where that is too little to look again."""
    if view.doubt is None:
        return None
    found = np.isfinite(view.z) & (view.doubt > SURE)
    return found if found.mean() >= _LEAST_UNSURE else None


def only_sure(view: DepthView) -> DepthView:
    """A view less what it is not sure of."""
    if view.doubt is None:
        return view
    return replace(view, z=np.where(view.doubt <= SURE, view.z, np.float32(np.nan)))


def guided_again(view: DepthView, guide: Guide, handed: SparsePoints | None) -> DepthView:
    """A photo's depth by its own points and by what others handed on; as it was where that is too little."""
    if handed is None or len(handed.u) < _LEAST_HANDED:
        return view
    found = guide_by_points(guide.inverse_depth, view.camera, [*guide.points, handed]).depth
    assert found.sigma is not None
    known = np.isfinite(view.z)
    doubt = np.asarray(TRUE_OVER_STATED * found.sigma / found.z, np.float32)
    return replace(view, z=np.where(known, found.z, view.z), doubt=doubt)
