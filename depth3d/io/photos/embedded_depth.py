"""Depth that a phone stored inside its photo, and the three ways to use it: as metres, as inverse depth, as hints."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.aspect_ratio import same_aspect
from depth3d.core.camera import Intrinsics, pixel_centres
from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.distortion import undistort_points
from depth3d.core.errors import DepthMapError
from depth3d.io.depth.depth_map import resized_depth, resized_inverse_depth
from depth3d.io.points.pixel_depths import PixelDepths, to_hint
from depth3d.scale import SparsePoints

_ASPECT_TOLERANCE = 0.02
_NOISE = 0.02
"""Noise of a phone's own inverse depth as a share of its range: 8 bits, and smoothing over edges; our judgement."""


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddedDepth:
    """Depth found inside a photo.

    Attributes:
        depth: of its own size, upright: `MetricDepth` where the file states metres, else `InverseDepth`.
        unit_sigma: one standard deviation of the unit itself, as a share: all metres are too long or too short
            together by so much. 0 for inverse depth, which has none.
        is_along_ray: True where lengths are along each pixel's ray and not along the optical axis.
        source: who stored it and how far it can be trusted, in words for the user.
    """

    depth: InverseDepth | MetricDepth
    unit_sigma: float
    is_along_ray: bool
    source: str

    @property
    def is_metric(self) -> bool:
        """Whether the file states metres."""
        return isinstance(self.depth, MetricDepth)


def embedded_at(embedded: EmbeddedDepth, camera: Intrinsics) -> InverseDepth | MetricDepth:
    """The embedded depth at the photo's size and along the optical axis; `sigma` of metres is the unit's.

    Args:
        embedded: depth of its own size.
        camera: of the upright photo as taken.

    Raises:
        DepthMapError: another aspect ratio than the photo's.
    """
    _check_aspect(embedded, camera)
    if isinstance(embedded.depth, InverseDepth):
        inverse_depth = embedded.depth
        values = resized_inverse_depth(inverse_depth.values, camera.size)
        if embedded.is_along_ray:
            values = (values * _ray_lengths(pixel_centres(*camera.size), camera)).astype(np.float32)
        return replace(inverse_depth, values=values, source=embedded.source)
    metres = resized_depth(embedded.depth.z, camera.size)
    if embedded.is_along_ray:
        metres = (metres / _ray_lengths(pixel_centres(*camera.size), camera)).astype(np.float32)
    sigma = metres * np.float32(embedded.unit_sigma)
    return MetricDepth(metres, sigma, embedded.source, unit="m")


def embedded_inverse_depth(embedded: EmbeddedDepth, camera: Intrinsics) -> InverseDepth:
    """The embedded depth as inverse depth of the photo's size, for hints to give it its unit.

    Args:
        embedded: depth of its own size.
        camera: of the upright photo as taken.

    Returns:
        Metres become 1/z with `zero_is_infinity`, so that one hint rescales them.

    Raises:
        DepthMapError: another aspect ratio than the photo's.
    """
    depth = embedded_at(embedded, camera)
    if isinstance(depth, InverseDepth):
        return depth
    return InverseDepth(np.reciprocal(depth.z), zero_is_infinity=True, noise=_NOISE, source=embedded.source)


def embedded_points(embedded: EmbeddedDepth, camera: Intrinsics) -> SparsePoints:
    """The embedded metres as a hint for another source's depth, one point per known pixel of the embedded map.

    Every point has the unit's sigma, though their errors are one: a fit to them alone is no surer than `unit_sigma`.

    Args:
        embedded: depth with metres.
        camera: of the upright photo as taken.

    Raises:
        DepthMapError: the embedded depth has no metres, or another aspect ratio than the photo's.
        HintError: nothing is known in it.
    """
    _check_aspect(embedded, camera)
    if not isinstance(embedded.depth, MetricDepth):
        raise DepthMapError(f"{embedded.source}: without metres; it can replace the network's depth, but not scale it")
    metres = embedded.depth.z
    row, column = np.nonzero(np.isfinite(metres))
    centres = np.stack([column + 0.5, row + 0.5], axis=1) * np.divide(camera.size, embedded.depth.size)
    z = metres[row, column].astype(np.float64)
    if embedded.is_along_ray:
        z = z / _ray_lengths(centres, camera)
    sigma = np.full(len(z), embedded.unit_sigma)
    return to_hint(PixelDepths(centres[:, 0], centres[:, 1], z, sigma, embedded.source, "leave it out"), camera.size)


def _check_aspect(embedded: EmbeddedDepth, camera: Intrinsics) -> None:
    if not same_aspect(embedded.depth.size, camera.size, tolerance=_ASPECT_TOLERANCE):
        own = "{}x{}".format(*embedded.depth.size)
        raise DepthMapError(
            f"{embedded.source}: {own} has another aspect ratio than the photo's {camera.width}x{camera.height};"
            " was the photo cropped after it was taken?"
        )


def _ray_lengths(uv: NDArray[np.floating[Any]], camera: Intrinsics) -> NDArray[np.float64]:
    """(...,) the length of the ray whose z is 1 through (..., 2) pixels."""
    seen = (np.asarray(uv, np.float64) - (camera.cx, camera.cy)) / (camera.fx, camera.fy)
    ideal = undistort_points(seen.reshape(-1, 2), camera.distortion, fisheye=camera.fisheye).reshape(seen.shape)
    return np.asarray(np.sqrt(1 + (ideal**2).sum(axis=-1)), np.float64)
