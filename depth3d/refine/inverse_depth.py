"""Refinement of inverse depth: the order of its steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth, sample_known
from depth3d.core.errors import DepthMapError, UsageError
from depth3d.refine.cell_grid import enlarge, fill_unknown, fitted, nearest, resample, shrink
from depth3d.refine.color_edges import follow_colours
from depth3d.refine.edge_surfaces import find_surfaces
from depth3d.refine.edge_width import edge_width, without_soft_edges
from depth3d.refine.upsample import paint_edges

DEFAULT_COLOUR_WEIGHT = 0.5

_WORKING_PX = 1_250_000
"""Colours are compared on a picture of at most so many pixels; the border between surfaces is then enlarged."""

_FINEST_CELLS, _COARSEST_CELLS = 640, 112
"""Longer side, in cells, of the finest and the coarsest map on which surfaces are found. What is soft even on coarse
cells is a slope whose end nobody saw; steps made of such slopes were ragged on real photos."""

_GREATEST_STRETCH = 1.3
"""Networks round their sides to multiples of 32, so that their maps may be stretched by so much."""

_PROBE = 1280
"""Longer side, in pixels, of the map whose sharpness is measured."""

_WIDTH_PER_CELL = 1.6
"""Surfaces are told apart best on cells so coarse that edges are about so many cells wide."""

_SHARP_ENOUGH = 1.2
"""Cells that would be coarser by less than this factor stay as they are."""


def refine_inverse_depth(
    inverse_depth: InverseDepth,
    rgb: NDArray[np.uint8],
    *,
    colour_weight: float = DEFAULT_COLOUR_WEIGHT,
    cells: int | None = None,
    smooth_px: float = 0.0,
) -> InverseDepth:
    """Bring inverse depth to the photo's size, with its depth edges crisp and on the photo's edges.

    A network thinks in a few hundred cells; enlarged, its edges are slopes whose points lie on no surface. Here every
    pixel near such an edge is given to the nearer or to the farther surface, each continued as a plane, by where it
    lies and by its colour. Where the edge is so wide that the network saw none, it stays the slope it is. In 1/z planes
    are linear in pixel coordinates, so a plane stays the plane it is; away from
    edges nothing changes. refine(a d + b) = a refine(d) + b.

    Args:
        inverse_depth: of the photo's size, or smaller as the network made it; NaN stays unknown.
        rgb: (H, W, 3) uint8 photo.
        colour_weight: from 0, edges lie where the inverse depth says, to 1, where colours say, within the edge's width.
        cells: longer side, in cells, of the map on which surfaces are told apart; None finds it from how sharp the
            inverse depth's edges are.
        smooth_px: afterwards, blur everything by a Gaussian of so many pixels; edges become slopes again.

    Returns:
        Inverse depth of the photo's size with everything else that was known about `inverse_depth`.

    Raises:
        UsageError: an option is out of range.
        DepthMapError: the inverse depth has other proportions than the photo.
    """
    _check(rgb, colour_weight, cells, smooth_px)
    size = (rgb.shape[1], rgb.shape[0])
    _check_proportions(inverse_depth.size, size)
    low, span = _range(inverse_depth.values)
    normalised = inverse_depth.values - np.float32(low)
    normalised /= np.float32(span)
    probe = shrink(normalised, fitted((normalised.shape[1], normalised.shape[0]), _PROBE))
    small = shrink(normalised, _grid(probe, normalised.shape, cells))
    surfaces = without_soft_edges(find_surfaces(small), small, probe)
    values = _at_size(fill_unknown(normalised), size)
    if surfaces.mixed.any():
        working = fitted(size, max(size) * (_WORKING_PX / (size[0] * size[1])) ** 0.5)
        guide = follow_colours(
            resample(values, working),
            resample(rgb, working),
            cell_px=max(working) / max(surfaces.mixed.shape),
            colour_weight=colour_weight,
        )
        paint_edges(values, surfaces, resample(guide, size))
    values *= np.float32(span)
    values += np.float32(low)
    values[_unknown(inverse_depth, size)] = np.nan
    return replace(inverse_depth, values=smooth_known(values, smooth_px) if smooth_px else values)


def smooth_known(values: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    """Blur a map by a Gaussian; unknown values stay unknown and do not bleed into others."""
    import cv2

    known = np.isfinite(values)
    if known.all():
        return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma_px), np.float32)
    total = cv2.GaussianBlur(np.where(known, values, np.float32(0)), (0, 0), sigma_px)
    weight = cv2.GaussianBlur(known.astype(np.float32), (0, 0), sigma_px)
    return np.where(known, total / np.where(known, weight, np.float32(1)), np.float32(np.nan))


def _check(rgb: NDArray[np.uint8], colour_weight: float, cells: int | None, smooth_px: float) -> None:
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise UsageError(f"refinement needs an (H, W, 3) uint8 photo, got {rgb.dtype} of shape {rgb.shape}")
    if not 0 <= colour_weight <= 1:
        raise UsageError(f"colour weight must lie between 0 and 1, got {colour_weight:g}")
    if cells is not None and cells < 1:
        raise UsageError(f"cells must be at least 1, got {cells}")
    if not 0 <= smooth_px < np.inf:
        raise UsageError(f"smoothing must be zero or a positive number of pixels, got {smooth_px:g}")


def _check_proportions(inverse_depth_size: tuple[int, int], size: tuple[int, int]) -> None:
    """Refuse a map of another picture; networks round their sides, so small differences are usual."""
    stretch = inverse_depth_size[0] * size[1] / (inverse_depth_size[1] * size[0])
    if inverse_depth_size != size and not 1 / _GREATEST_STRETCH <= stretch <= _GREATEST_STRETCH:
        raise DepthMapError(
            f"the inverse depth is {inverse_depth_size[0]}x{inverse_depth_size[1]}, the photo {size[0]}x{size[1]}; "
            "give an inverse depth of the photo's proportions"
        )


def _at_size(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """The map at the photo's size."""
    if (values.shape[1], values.shape[0]) == size:
        return values
    return enlarge(values, size) if values.shape[1] <= size[0] else resample(values, size)


def _range(values: NDArray[np.float32]) -> tuple[float, float]:
    """What the values start from and how far they span; strays at either end do not count."""
    known = sample_known(values)
    for percentiles in ((2, 98), (0, 100)):
        low, high = (float(p) for p in np.percentile(known, percentiles))
        if high > low:
            return low, high - low
    return low, 1.0


def _grid(probe: NDArray[np.float32], shape: tuple[int, ...], cells: int | None) -> tuple[int, int]:
    """(width, height) of the map on which surfaces are told apart; the probe is the (h, w) map, made small."""
    size = (shape[1], shape[0])
    if cells is not None:
        return fitted(size, cells)
    width = edge_width(probe)
    coarser = 1.0 if width is None else width / _WIDTH_PER_CELL
    longer_side = max(probe.shape) / (coarser if coarser > _SHARP_ENOUGH else 1.0)
    return fitted(size, min(max(longer_side, _COARSEST_CELLS), _FINEST_CELLS))


def _unknown(inverse_depth: InverseDepth, size: tuple[int, int]) -> NDArray[np.bool_]:
    """(H, W) True where nothing is known, at the photo's size."""
    unknown = np.isnan(inverse_depth.values)
    if inverse_depth.size == size:
        return unknown
    return unknown[nearest(size[1], inverse_depth.size[1])[:, None], nearest(size[0], inverse_depth.size[0])]
