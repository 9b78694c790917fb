"""The photos of a set as textures take them: straight, and one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.undistort import undistort_photo
from depth3d.io.photos.photo import read_photo
from depth3d.scenes.multiview.aligned_photos import Aligned, AlignedPhoto
from depth3d.scenes.multiview.texture_atlas import TexturePhoto

_LONGEST_PX = 2048
"""Longer side of the photos that textures are taken from."""


def texture_photos(aligned: Aligned) -> Iterator[TexturePhoto]:
    """Every photo that was used; its pixels are read when they are asked for."""
    for number, photo in enumerate(aligned.photos):
        size = _size(photo)
        yield TexturePhoto(aligned.view(number), size, partial(straight_pixels, photo, size))


def _size(photo: AlignedPhoto) -> tuple[int, int]:
    shrink = min(1.0, _LONGEST_PX / max(photo.camera.size))
    return max(1, round(photo.camera.width * shrink)), max(1, round(photo.camera.height * shrink))


def straight_pixels(photo: AlignedPhoto, size: tuple[int, int]) -> NDArray[np.uint8]:
    """A photo with its lens's distortion undone, in this (width, height)."""
    rgb = read_photo(photo.path).rgb
    if not photo.camera_as_taken.is_ideal:
        rgb = undistort_photo(rgb, photo.camera_as_taken, photo.camera)
    return (
        rgb if rgb.shape[1::-1] == size else np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    )
