"""Lens distortion undone: the photo that an ideal lens would have taken, and pixels taken from one to the other.

Everything after this step knows ideal cameras only. The order is: undo the distortion of the photo with
`undistort_photo` and of an own depth map with `undistort_map`, move the pixels that users named in the photo as taken
with `to_ideal_pixels`, then predict.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, pixel_centres
from depth3d.core.distortion import distort_points, greatest_radius, undistort_points
from depth3d.core.errors import CameraError

_STRIP_ROWS = 32  # so that a strip's numbers stay in the processor's cache
_LONGEST_SIDE = 32_766  # cv2.remap counts in 16 bits


def undistort_photo(rgb: NDArray[np.uint8], camera: Intrinsics, ideal: Intrinsics | None = None) -> NDArray[np.uint8]:
    """The picture as an ideal lens would have taken it from the same place.

    Args:
        rgb: (H, W, 3) uint8 picture as taken.
        camera: its camera, with distortion.
        ideal: the camera of the result; None means `camera.undistorted()`, which leaves no empty border.

    Returns:
        (H, W, 3) uint8, of the ideal camera's size; bicubic between the pixels.

    Raises:
        CameraError: the camera belongs to another size, its distortion cannot be undone, or a side is longer than
            32,766 pixels.
    """
    import cv2

    ideal = ideal or camera.undistorted()
    _check(rgb.shape[:2], camera, ideal)
    if max(*camera.size, *ideal.size) > _LONGEST_SIDE:
        raise CameraError(
            f"a {camera.width}x{camera.height} picture is too long to undo its lens distortion; "
            f"resize it to at most {_LONGEST_SIDE} pixels a side"
        )
    result = np.empty((ideal.height, ideal.width, 3), np.uint8)
    for rows, uv in _strips(camera, ideal):
        at = np.nan_to_num(uv - 0.5).astype(np.float32)  # cv2 counts pixel centres at integers
        strip = cv2.remap(rgb, at[..., 0], at[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        strip[np.isnan(uv[..., 0])] = 0
        result[rows] = strip
    return result


def undistort_map(
    values: NDArray[np.float32], camera: Intrinsics, ideal: Intrinsics | None = None
) -> NDArray[np.float32]:
    """A map of the picture as taken, such as depth, laid onto the ideal picture.

    Depth along the axis does not change with the lens, so its values are only moved; each pixel takes the nearest
    one, and none is invented between a near and a far thing. NaN stays NaN; so is what lies outside the picture.

    Args:
        values: (H, W) float32.
        camera: the picture's camera, with distortion.
        ideal: the camera of the result; None means `camera.undistorted()`.

    Raises:
        CameraError: the camera belongs to another size, or its distortion cannot be undone.
    """
    ideal = ideal or camera.undistorted()
    _check(values.shape, camera, ideal)
    result = np.empty((ideal.height, ideal.width), np.float32)
    for rows, uv in _strips(camera, ideal):
        known = (uv >= 0).all(axis=-1) & (uv <= camera.size).all(axis=-1)
        inside = np.minimum(uv[known].astype(np.int64), np.array(camera.size) - 1)
        strip = np.full(known.shape, np.nan, np.float32)
        strip[known] = values[inside[:, 1], inside[:, 0]]
        result[rows] = strip
    return result


def to_ideal_pixels(uv: NDArray[np.float64], camera: Intrinsics, ideal: Intrinsics) -> NDArray[np.float64]:
    """Where pixels of the photo as taken lie in the photo with its distortion undone.

    Args:
        uv: (N, 2) pixels of the photo as taken (pixel centres at +0.5).
        camera: the camera with distortion.
        ideal: the camera without, such as `camera.undistorted()`.

    Returns:
        (N, 2) pixels, which may lie outside the new picture; NaN where the ideal lens has no such ray.
    """
    seen = (np.asarray(uv, np.float64) - (camera.cx, camera.cy)) / (camera.fx, camera.fy)
    xy = undistort_points(seen, camera.distortion, fisheye=camera.fisheye)
    return xy * (ideal.fx, ideal.fy) + (ideal.cx, ideal.cy)


def to_original_pixels(uv: NDArray[np.float64], camera: Intrinsics, ideal: Intrinsics) -> NDArray[np.float64]:
    """Where pixels of the photo with its distortion undone lie in the photo as taken.

    Args:
        uv: (..., 2) pixels of the ideal photo (pixel centres at +0.5).
        camera: the camera with distortion.
        ideal: the camera without, such as `camera.undistorted()`.

    Returns:
        (..., 2) pixels, which may lie outside the photo; NaN where the distortion's formula holds no longer.
    """
    xy = (np.asarray(uv, np.float64) - (ideal.cx, ideal.cy)) / (ideal.fx, ideal.fy)
    seen = distort_points(xy, camera.distortion, fisheye=camera.fisheye)
    limit = greatest_radius(camera.distortion, fisheye=camera.fisheye)
    seen[np.linalg.norm(xy, axis=-1) > limit] = np.nan
    return seen * (camera.fx, camera.fy) + (camera.cx, camera.cy)


def _strips(camera: Intrinsics, ideal: Intrinsics) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Rows of the ideal picture, and for each of their pixels the place in the picture as taken."""
    for top in range(0, ideal.height, _STRIP_ROWS):
        bottom = min(top + _STRIP_ROWS, ideal.height)
        centres = pixel_centres(ideal.width, bottom - top).astype(np.float64) + (0, top)
        yield slice(top, bottom), to_original_pixels(centres, camera, ideal)


def _check(shape: tuple[int, ...], camera: Intrinsics, ideal: Intrinsics) -> None:
    if camera.size != (shape[1], shape[0]):
        raise CameraError(f"the camera is for {camera.width}x{camera.height}, the picture is {shape[1]}x{shape[0]}")
    if not ideal.is_ideal:
        raise CameraError("the camera to undistort to has lens distortion itself")
