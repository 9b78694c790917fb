"""From a panorama to distances all around: a prediction per face, one scale, one map."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import pixel_centres
from depth3d.core.depth import InverseDepth, Unit
from depth3d.core.equirectangular import Equirect, rays_of_pixels
from depth3d.core.errors import CameraError, DepthMapError, HintError
from depth3d.scale.depth_hints import DistanceAt
from depth3d.scale.hint import NEAR_PERCENTILE, relative_sigma
from depth3d.scenes.options import PanoramaOptions
from depth3d.scenes.panorama.faces import Face, cut_face, faces_around, sample, seen_by
from depth3d.scenes.panorama.overlap_consistency import Agreement, agree_on_scale
from depth3d.scenes.panorama.sphere import SphericalDepth, SphericalInverseDepth

DEFAULT_SIDES = 8
DEFAULT_FACE_FOV_DEG = 100.0
DEFAULT_FACE_PX = 512

_LEAST_COVERED = 0.05
_STRIP_ROWS = 64
_FARTHEST = 50.0
_BEYOND_HINTS = 6.0
"""What is more times as far as the farthest distance that was given is a guess of the network's alone."""
_CONTRADICTION_SIGMAS = 4.0
_SOLVER_ROUNDS = 4


def predict_panorama(
    rgb: NDArray[np.uint8],
    equirect: Equirect,
    predict: Callable[[NDArray[np.uint8]], InverseDepth],
    *,
    sides: int = DEFAULT_SIDES,
    fov_deg: float = DEFAULT_FACE_FOV_DEG,
    face_px: int = DEFAULT_FACE_PX,
    max_points: int | None = PanoramaOptions().grid_points,
) -> SphericalInverseDepth:
    """Relative inverse distance in every direction of a panorama.

    Args:
        rgb: (H, W, 3) uint8 panorama.
        equirect: which part of the sphere it shows.
        predict: turns a square perspective picture (n, n, 3) into its relative inverse depth (n, n); any network.
        sides: how many faces look along the horizon, beside one up and one down. 4 make a cube and are faster, but real
            networks agree better in the wider overlaps of 8: in five rendered rooms the bundled one came out 19 % off
            instead of 23 % (median over all directions, the best factor given).
        fov_deg: width of a face; what is over 360 degrees in all, and over 90 upwards, overlaps with its neighbours.
        face_px: width of a face in pixels.
        max_points: the result's grid has at most so many cells; None makes a cell of every pixel.

    Raises:
        CameraError: `equirect` is of another size than the picture.
        DepthMapError: a prediction is of another size than its face.
        GeometryError: nothing is known, or a face overlaps no other.
        UsageError: the faces would not overlap.
    """
    if (rgb.shape[1], rgb.shape[0]) != equirect.size:
        raise CameraError(
            f"the panorama is {rgb.shape[1]}x{rgb.shape[0]}, its projection of {equirect.width}x{equirect.height}"
        )
    faces = faces_around(equirect, sides=sides, face_px=face_px, fov_deg=fov_deg)
    sigmas: list[float | None] = []

    def predict_and_note(picture: NDArray[np.uint8]) -> InverseDepth:
        seen = predict(picture)
        sigmas.append(seen.metric_sigma)
        return seen

    values = [_predicted(rgb, equirect, face, predict_and_note) for face in faces]
    agreement = agree_on_scale(values, faces)
    grid = _grid_of(equirect, max_points)
    merged, shift = _merged(values, faces, agreement, grid)
    nearest = np.nanpercentile(merged, NEAR_PERCENTILE)
    if not nearest > 0:
        raise DepthMapError("panorama: the faces' predictions contradict each other; no distance comes out positive")
    return SphericalInverseDepth(
        equirect=grid,
        picture_size=equirect.size,
        values=(merged / nearest).astype(np.float32),
        shift=shift.astype(np.float32),
        shift_sigma=agreement.shift_sigma / nearest,
        noise=agreement.noise / nearest,
        metres=None if sigmas[0] is None else _own_metres(values, agreement, nearest),
        metric_sigma=sigmas[0],
    )


def _grid_of(equirect: Equirect, max_points: int | None) -> Equirect:
    """The panorama's projection with at most so many pixels."""
    cells = equirect.width * equirect.height
    shrink = min(1.0, ((max_points or cells) / cells) ** 0.5)
    return equirect.resized(max(1, int(equirect.width * shrink)), max(1, int(equirect.height * shrink)))


def scale_panorama(inverse_depth: SphericalInverseDepth, distances: Sequence[DistanceAt] = ()) -> SphericalDepth:
    """Distances from the known ones: the factor s, and from several of them also the shift t that overlaps leave open.

    Where none are known, a metric network's own metres count.

    Args:
        inverse_depth: what the faces agreed on.
        distances: lengths along the ray at pixels of the panorama; none leaves the unit arbitrary.

    Raises:
        HintError: a pixel lies outside the panorama or where nothing is known, or a distance contradicts the others.
    """
    notes: tuple[str, ...] = ()
    if distances:
        scale, shift = _fitted(inverse_depth, distances)
    elif inverse_depth.metres is not None and inverse_depth.metric_sigma is not None:
        scale, shift = inverse_depth.metres
        notes = (f"no distance was given: metres as the network says, ± {inverse_depth.metric_sigma:.0%}",)
    else:
        scale, shift = 1.0, 0.0
        notes = ("no distance was given: the unit is arbitrary (1 unit = distance of the nearest things)",)
    inverse = scale * inverse_depth.values + np.float32(shift) * inverse_depth.shift
    least = scale / _FARTHEST
    if distances:
        least = max(least, 1 / (_BEYOND_HINTS * max(hint.metres for hint in distances)))
    with np.errstate(divide="ignore", invalid="ignore"):
        metres = np.where(inverse > least, 1 / inverse, np.nan).astype(np.float32)
    lost = np.isfinite(inverse) & np.isnan(metres)
    if lost.any():
        beyond = f"{_FARTHEST:g} times the nearest things" if least == scale / _FARTHEST else f"{1 / least:.3g} m"
        what = f"{lost.mean():.1%} of the panorama lies beyond {beyond}: unknown"
        notes = (*notes, f"{what}, no geometry")
    unit: Unit = "m" if distances or inverse_depth.metres is not None else "arbitrary"
    return SphericalDepth(
        inverse_depth.equirect, inverse_depth.picture_size, metres, unit, (*inverse_depth.notes, *notes)
    )


def _predicted(
    rgb: NDArray[np.uint8], equirect: Equirect, face: Face, predict: Callable[[NDArray[np.uint8]], InverseDepth]
) -> NDArray[np.float32]:
    picture, covered = cut_face(rgb, equirect, face)
    if covered.mean() < _LEAST_COVERED:
        return np.full(covered.shape, np.nan, np.float32)
    inverse_depth = predict(picture)
    if inverse_depth.values.shape != covered.shape:
        raise DepthMapError(
            f"panorama: the prediction of the face {face.name} is {inverse_depth.size[0]}x{inverse_depth.size[1]}, "
            f"the face {covered.shape[1]}x{covered.shape[0]}"
        )
    return np.where(covered, inverse_depth.values, np.float32(np.nan))


def _merged(
    values: Sequence[NDArray[np.float32]], faces: Sequence[Face], agreement: Agreement, grid: Equirect
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """1/distance on the grid, and how it changes with a common shift; faces fade into each other in their overlaps."""
    merged = np.empty((grid.height, grid.width))
    shift = np.empty_like(merged)
    for top in range(0, grid.height, _STRIP_ROWS):
        rows = slice(top, min(top + _STRIP_ROWS, grid.height))
        rays = rays_of_pixels(grid, pixel_centres(grid.width, rows.stop - top).astype(np.float64) + (0, top))
        total, inverse, cosine = (np.zeros(rays.shape[:2]) for _ in range(3))
        for k, face in enumerate(faces):
            seen = seen_by(face, rays)
            d = sample(values[k], seen.uv)
            weight = np.where(np.isfinite(d), seen.weight, 0)
            depth = agreement.a[k] * np.where(np.isfinite(d), d, 0) + agreement.b[k]
            inverse += weight * seen.cosine * depth  # 1/distance = cos / z
            cosine += weight * seen.cosine
            total += weight
        with np.errstate(invalid="ignore"):
            merged[rows], shift[rows] = inverse / total, cosine / total
    return merged, shift


def _own_metres(values: Sequence[NDArray[np.float32]], agreement: Agreement, nearest: float) -> tuple[float, float]:
    """The s and t of `SphericalInverseDepth` under which the faces come nearest to what each says by itself."""
    shows = [bool(np.isfinite(one).any()) for one in values]
    gain, offset = float(np.median(agreement.a[shows])), float(np.median(agreement.b[shows]))
    return float(nearest) / gain, -offset / gain


def _fitted(inverse_depth: SphericalInverseDepth, distances: Sequence[DistanceAt]) -> tuple[float, float]:
    scale, shift, worst = _least_squares(inverse_depth, distances)
    if worst > _CONTRADICTION_SIGMAS:
        without = [_least_squares(inverse_depth, [h for h in distances if h is not hint])[2] for hint in distances]
        name = distances[int(np.argmin(without))].name
        others = "the other" if len(distances) == 2 else "the others"
        raise HintError(f"the hint {name} contradicts {others}; check it, or give its uncertainty")
    return scale, shift


def _least_squares(inverse_depth: SphericalInverseDepth, distances: Sequence[DistanceAt]) -> tuple[float, float, float]:
    """Factor and shift, and the largest error in standard deviations."""
    values, shifts = np.array([_at(inverse_depth, hint) for hint in distances]).T
    inverse = np.array([1 / hint.metres for hint in distances])
    stated = inverse * [relative_sigma(hint.metres, hint.sigma_m) for hint in distances]
    scale, shift = float(np.median(inverse / np.maximum(values, 1e-6))), 0.0
    sigma = stated
    for _ in range(_SOLVER_ROUNDS):
        sigma = np.hypot(stated, abs(scale) * inverse_depth.noise)
        rows = np.concatenate([np.stack([values, shifts], axis=1) / sigma[:, None], [[0.0, 0.0]]])
        rows[-1, 1] = 1 / (max(inverse_depth.shift_sigma, 1e-9) * max(abs(scale), 1e-12))
        scale, shift = (float(n) for n in np.linalg.lstsq(rows, np.append(inverse / sigma, 0), rcond=None)[0])
    if not scale > 0:
        raise HintError("the distances contradict the panorama: what it shows nearer is farther; check the pixels")
    return scale, shift, float(np.max(np.abs(scale * values + shift * shifts - inverse) / sigma))


def _at(inverse_depth: SphericalInverseDepth, hint: DistanceAt) -> tuple[float, float]:
    width, height = inverse_depth.picture_size
    if not (0 <= hint.u <= width and 0 <= hint.v <= height):
        raise HintError(f"hint {hint.name}: the pixel lies outside the {width}x{height} panorama")
    uv = np.array([[hint.u * inverse_depth.equirect.width / width, hint.v * inverse_depth.equirect.height / height]])
    value, shift = float(sample(inverse_depth.values, uv)[0]), float(sample(inverse_depth.shift, uv)[0])
    if not np.isfinite(value):
        raise HintError(f"hint {hint.name}: nothing is known there; choose another point")
    return value, shift
