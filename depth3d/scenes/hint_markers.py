"""Hints as places in space, for viewers that show them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.recording import Mark
from depth3d.scale import ScaleFit
from depth3d.scale.hint import ray_at


def marks_of(fit: ScaleFit, camera: Intrinsics) -> tuple[Mark, ...]:
    """The hints of a fit that state the depth of a pixel, in camera axes, where they say it and where the fit does.

    Args:
        fit: how relative depth became metres.
        camera: intrinsics of the photo that the hints are for.
    """
    rays = [ray_at(camera, *residual.pixel) for residual in fit.residuals]
    return tuple(
        Mark(one.name, _along(ray, one.said_m), _along(ray, one.fitted_m), one.is_used)
        for ray, one in zip(rays, fit.residuals, strict=True)
    )


def _along(ray: NDArray[np.float64], depth: float) -> tuple[float, float, float]:
    """The point of a ray with z = 1 at a depth."""
    x, y, z = (ray * depth).tolist()
    return x, y, z
