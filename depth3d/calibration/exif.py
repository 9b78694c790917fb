"""Camera source: what the camera itself wrote into the photo (Exif, CIPA DC-008).

The rungs, and why in this order:

1. FocalLengthIn35mmFilm describes the angle of the picture as it was stored. It survives resizing, and phones count
   their digital zoom in (an iPhone at 2x writes twice the millimetres). Its faults are whole millimetres and makers
   who round or measure along the width.
2. FocalLength with FocalPlaneXResolution describes the lens and the sensor. It is finer on cameras with exchangeable
   lenses, but needs the size of the image as captured (PixelXDimension), its unit is often wrong, and digital zoom
   is not in it; so it is the second choice, and the first one's witness where both are there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from depth3d.calibration.applied_crop import AppliedCrop
from depth3d.core.aspect_ratio import same_aspect
from depth3d.core.camera import Intrinsics
from depth3d.core.focal_35mm import film_mm_from_focal_px, focal_px_from_film, is_plausible_film_mm
from depth3d.io.photos.photo import Exif

_MM_PER_UNIT = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
_LARGEST_SIDE_PX = 100_000
_LARGEST_ZOOM = 100
_CROP_TOLERANCE = 0.01
_WITNESS_TOLERANCE = 0.1
_SQUARE_TOLERANCE = 0.2

EXIF_SIGMA = 0.08
"""One standard deviation of a focal length from Exif; on phones it was found 6 to 16 % off."""


@dataclass(frozen=True, slots=True)
class NoCamera:
    """Exif gives no camera.

    Attributes:
        reason: why, in words for the user.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class _Captured:
    """The picture as the camera stored it, in the axes of the upright photo.

    Attributes:
        size: (width, height) in pixels.
        scale: pixels of the photo per pixel as captured.
        transposed: the camera's x is the upright photo's y.
        note: what had to be assumed, or nothing.
    """

    size: tuple[int, int]
    scale: float
    transposed: bool
    note: str


@dataclass(frozen=True, slots=True)
class _Focal:
    """Focal lengths in pixels of the photo, and in words how they came about."""

    fx: float
    fy: float
    words: str


def camera_from_exif(exif: Exif, size: tuple[int, int], *, crop: AppliedCrop | None = None) -> Intrinsics | NoCamera:
    """The camera of an upright photo of (width, height) pixels from its Exif, or why there is none.

    A picture resized after capture keeps its rays. One cropped after capture is taken as the largest such crop, from
    the middle, unless `crop` says which it is. Values that no camera can have are passed over, and the next rung says
    so.
    """
    if exif.problem is not None:
        return NoCamera(f"EXIF cannot be read: {exif.problem}")
    captured = _captured(exif, size) if crop is None else _before_crop(exif, crop)
    rungs = (_from_film_equivalent(exif, captured), _from_focal_plane(exif, captured))
    refused = [rung.reason for rung in rungs if isinstance(rung, NoCamera) and rung.reason]
    found = [rung for rung in rungs if isinstance(rung, _Focal)]
    if not found:
        return NoCamera("; ".join(refused) or "EXIF does not name the lens")
    best = found[0]
    notes = [captured.note, *refused, *(_disagreement(best, other) for other in found[1:])]
    source = "; ".join([f"EXIF: {best.words}", *(note for note in notes if note)])
    width, height = size
    cx, cy = (width / 2, height / 2) if crop is None else crop.centre
    return Intrinsics(width, height, best.fx, best.fy, cx, cy, source=source, focal_sigma=EXIF_SIGMA)


def _from_film_equivalent(exif: Exif, captured: _Captured) -> _Focal | NoCamera:
    film_mm = exif.focal_35mm
    if film_mm is None or film_mm == 0:  # the standard's word for unknown
        return NoCamera("")
    if not is_plausible_film_mm(film_mm):
        return NoCamera(f"EXIF's 35 mm equivalent of {film_mm:g} mm cannot be")
    f_px = focal_px_from_film(film_mm, captured.size) * captured.scale
    zoom = _zoom(exif)
    counted = f", digital zoom {zoom:.2f} taken as counted in" if zoom != 1 else ""
    return _Focal(f_px, f_px, f"{film_mm:g} mm equivalent by the diagonal{counted}, off by up to 16 % on phones")


def _from_focal_plane(exif: Exif, captured: _Captured) -> _Focal | NoCamera:
    focal_mm, x_density, y_density = exif.focal_mm, exif.focal_plane_x, exif.focal_plane_y
    if focal_mm is None or focal_mm == 0 or x_density is None:
        return NoCamera("")
    mm_per_unit = _MM_PER_UNIT.get(exif.focal_plane_unit or 2)
    y_density = x_density if y_density is None else y_density
    if mm_per_unit is None or not _are_densities(x_density, y_density):
        unit = exif.focal_plane_unit
        return NoCamera(f"EXIF's focal-plane resolution {x_density:g} x {y_density:g} per unit {unit} cannot be")
    if captured.transposed:
        x_density, y_density = y_density, x_density
    zoom = _zoom(exif)
    px_per_mm = zoom / mm_per_unit
    fx_captured, fy_captured = focal_mm * x_density * px_per_mm, focal_mm * y_density * px_per_mm
    if not is_plausible_film_mm(film_mm_from_focal_px(fx_captured, captured.size)):
        return NoCamera(f"EXIF's {focal_mm:g} mm lens does not go with its focal-plane resolution of {x_density:g}")
    zoomed = f", digital zoom {zoom:.2f} multiplied in" if zoom != 1 else ""
    words = f"{focal_mm:g} mm lens with the focal plane's resolution{zoomed}, usually right within 5 %"
    return _Focal(fx_captured * captured.scale, fy_captured * captured.scale, words)


def _captured(exif: Exif, size: tuple[int, int]) -> _Captured:
    transposed = exif.orientation >= 5
    as_written = (exif.captured_width or 0, exif.captured_height or 0)
    if not all(1 <= side <= _LARGEST_SIDE_PX for side in as_written):
        return _Captured(size, 1.0, transposed, "")
    written = as_written[::-1] if transposed else as_written
    if not same_aspect(written, size, tolerance=_CROP_TOLERANCE):
        turned = written[::-1]  # software that turns the pixels often leaves these two numbers as they were
        if not same_aspect(turned, size, tolerance=_CROP_TOLERANCE):
            scale = max(size[0] / written[0], size[1] / written[1])
            note = f"cropped after capture from {written[0]}x{written[1]}, taken as the largest crop from the middle"
            return _Captured(written, scale, transposed, note)
        written, transposed = turned, True
    return _Captured(written, math.hypot(*size) / math.hypot(*written), transposed, "")


def _before_crop(exif: Exif, crop: AppliedCrop) -> _Captured:
    width, height = crop.full_size
    return _Captured((max(1, round(width)), max(1, round(height))), 1.0, exif.orientation >= 5, crop.note)


def _are_densities(x_density: float, y_density: float) -> bool:
    positive = 0 < x_density < math.inf and 0 < y_density < math.inf
    return positive and abs(x_density / y_density - 1) <= _SQUARE_TOLERANCE


def _zoom(exif: Exif) -> float:
    """The digital zoom; 1 where none was used, none is written, or nonsense is."""
    zoom = exif.digital_zoom
    return zoom if zoom is not None and 1 < zoom <= _LARGEST_ZOOM else 1.0


def _disagreement(best: _Focal, other: _Focal) -> str:
    if abs(math.log(other.fx / best.fx)) <= _WITNESS_TOLERANCE:
        return ""
    return f"the focal plane's resolution says {other.fx:.0f} px instead of {best.fx:.0f} px"
