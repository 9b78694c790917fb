"""Relative depth, z = a v + b: hints of two depths find the shift b that has to be assumed without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth
from depth3d.scale import Hint
from depth3d.scale.hint import Anchors

_LEAST_SPREAD = 1e-3
"""Two depths that the network sees closer together, relative, tell nothing about the shift."""


def settle_shift(inverse_depth: InverseDepth, camera: Intrinsics, hints: Sequence[Hint]) -> InverseDepth:
    """Replace an assumed shift of relative depth by the one that the hints' depths imply.

    The values are 1/(v + s) with an assumed s, so that z = a (1/d + t) holds at every hint for some a and t: a weighted
    linear fit.

    Args:
        inverse_depth: any; where its shift is not an assumption it is returned as it is.
        camera: of the photo.
        hints: those that name a depth count, if there are two at different depths.

    Returns:
        Inverse depth whose zero is infinity, so that one factor is left open; the same object where the hints do not
        tell.
    """
    if not inverse_depth.shift_is_assumed:
        return inverse_depth
    anchors = [one for hint in hints for one in hint.equations(inverse_depth, camera) if isinstance(one, Anchors)]
    if not anchors:
        return inverse_depth
    d = np.concatenate([one.d for one in anchors])
    said = np.concatenate([one.inverse_m for one in anchors])
    sigma = np.concatenate([one.sigma for one in anchors])
    shift = _shift(d, said, sigma)
    if shift is None:
        return inverse_depth
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.float32(1) / inverse_depth.values + np.float32(shift)
        values = np.where(z > 0, np.float32(1) / z, np.float32(np.nan))
    source = inverse_depth.source.replace("its shift assumed", "its shift from the hints")
    return replace(inverse_depth, values=values, zero_is_infinity=True, shift_is_assumed=False, source=source)


def _shift(d: NDArray[np.float64], said: NDArray[np.float64], sigma: NDArray[np.float64]) -> float | None:
    """The t of z = a (1/d + t); None where the depths do not tell it, or it would turn near and far round."""
    usable = (d > 0) & (said > 0)
    seen, z = 1 / d[usable], 1 / said[usable]
    if len(seen) < 2 or np.ptp(seen) < _LEAST_SPREAD * seen.mean():
        return None
    weight = 1 / (sigma[usable] * z**2)
    design = np.stack([seen, np.ones_like(seen)], axis=1) * weight[:, None]
    (a, offset), *_ = np.linalg.lstsq(design, z * weight, rcond=None)
    if a <= 0 or seen.min() + offset / a <= 0:
        return None
    return float(offset / a)
