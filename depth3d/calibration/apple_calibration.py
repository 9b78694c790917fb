"""Camera source: what an Apple device calibrated and wrote beside the depth in its photo (AVCameraCalibrationData).

The matrix is stored by columns, in pixels of a stated reference picture, its origin at the corner of the first pixel.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace

from depth3d.core.aspect_ratio import same_aspect
from depth3d.core.camera import Intrinsics
from depth3d.core.errors import CameraError
from depth3d.core.focal_35mm import film_mm_from_focal_px, is_plausible_film_mm
from depth3d.io.photos.photo import Photo
from depth3d.io.photos.xmp import parse_xmp, properties_of

_APPLE_DEPTH = "http://ns.apple.com/depthData/1.0/"
_ITEMS = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li"
_SIGMA = 0.01
"""One standard deviation of the focal length: the device moves its lens to focus and to steady the picture."""


def camera_from_apple_depth(photo: Photo) -> Intrinsics | None:
    """The camera of an upright photo from its depth's note; None where there is none, or none that can be."""
    if photo.depth_xmp is None:
        return None
    try:
        note = parse_xmp(photo.depth_xmp)
        facts = properties_of(note)
        width, height = (int(facts[_APPLE_DEPTH, f"IntrinsicMatrixReference{side}"]) for side in ("Width", "Height"))
        fx, _, _, _, fy, _, cx, cy, _ = _matrix(note)
        camera = Intrinsics(width, height, fx, fy, cx, cy, focal_sigma=_SIGMA)
    except (ValueError, KeyError, CameraError):
        return None
    if not is_plausible_film_mm(film_mm_from_focal_px(fx, (width, height))):
        return None
    turned = camera.turned(photo.exif.orientation) if photo.exif.orientation > 1 else camera
    if not same_aspect(turned.size, photo.size):
        return None
    fitted = turned if turned.size == photo.size else turned.resized(*photo.size)
    return replace(fitted, source="the device's own calibration, beside the depth in the photo")


def _matrix(note: ElementTree.Element) -> tuple[float, ...]:
    items = [
        item.text or "" for matrix in note.iter(f"{{{_APPLE_DEPTH}}}IntrinsicMatrix") for item in matrix.iter(_ITEMS)
    ]
    if len(items) != 9:
        raise ValueError("no 3x3 matrix")
    return tuple(float(item) for item in items)
