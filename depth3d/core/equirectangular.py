"""The sphere on a rectangle: equirectangular panoramas and the directions of their pixels.

A full panorama is 360 degrees wide and 180 high; its columns are equal steps of longitude, its rows of latitude. Axes
are those of a camera that looks at its middle: x right, y down, z forward. Pixel centres lie at +0.5, so that the left
edge (u = 0) is the same direction as the right edge (u = width), straight behind, and the top edge is straight up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import pixel_centres
from depth3d.core.errors import CameraError


@dataclass(frozen=True, slots=True)
class Equirect:
    """An equirectangular picture, which may be a part of the full panorama.

    Attributes:
        width: picture width in pixels.
        height: picture height in pixels.
        full_width: what the width of all 360 degrees would be, in the same pixels.
        full_height: what the height of all 180 degrees would be.
        left: columns of the full panorama left of the picture.
        top: rows of the full panorama above the picture.
        source: where the numbers came from, in words for the user.

    Raises:
        CameraError: a number is not finite, or the picture does not lie in the full panorama.
    """

    width: int
    height: int
    full_width: float
    full_height: float
    left: float = 0.0
    top: float = 0.0
    source: str = "given"

    def __post_init__(self) -> None:
        numbers = (self.width, self.height, self.full_width, self.full_height, self.left, self.top)
        if self.width < 1 or self.height < 1 or not all(math.isfinite(n) for n in numbers):
            raise CameraError(f"panorama: sizes and offsets must be positive and finite, got {numbers}")
        slack = 1e-6 * self.full_width
        wide = self.width > self.full_width + slack or not 0 <= self.left < self.full_width + slack
        if wide or self.top < -slack or self.top + self.height > self.full_height + slack:
            raise CameraError(
                f"panorama: a {self.width}x{self.height} picture at {self.left:g},{self.top:g} does not lie in a full "
                f"panorama of {self.full_width:g}x{self.full_height:g}"
            )

    @classmethod
    def whole(cls, width: int, height: int, *, source: str = "given") -> Equirect:
        """A picture of the whole sphere."""
        return cls(width, height, width, height, source=source)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.width, self.height

    @property
    def closes(self) -> bool:
        """Whether the right edge meets the left edge behind the camera."""
        return self.width >= self.full_width - 0.5

    @property
    def reaches_top(self) -> bool:
        """Whether the picture shows what is straight above."""
        return self.top < 0.5

    @property
    def reaches_bottom(self) -> bool:
        """Whether the picture shows what is straight below."""
        return self.top + self.height > self.full_height - 0.5

    def resized(self, width: int, height: int) -> Equirect:
        """The same picture resized; every direction stays."""
        across, down = width / self.width, height / self.height
        return Equirect(
            width,
            height,
            self.full_width * across,
            self.full_height * down,
            self.left * across,
            self.top * down,
            self.source,
        )


def rays_of_pixels(equirect: Equirect, uv: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit vectors (..., 3) of pixels (..., 2).

    >>> (rays_of_pixels(Equirect.whole(8, 4), np.array([[4.0, 2.0], [6.0, 2.0], [1.0, 0.0]])) + 0.0).round(6).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [-0.0, -1.0, -0.0]]
    """
    longitude = ((uv[..., 0] + equirect.left) / equirect.full_width - 0.5) * (2 * np.pi)
    latitude = (0.5 - (uv[..., 1] + equirect.top) / equirect.full_height) * np.pi
    level = np.cos(latitude)
    return np.stack([level * np.sin(longitude), -np.sin(latitude), level * np.cos(longitude)], axis=-1)


def pixels_of_rays(equirect: Equirect, rays: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pixels (..., 2) of vectors (..., 3) of any length.

    Of the columns that are 360 degrees apart the one nearest to the picture's middle is taken.
    """
    longitude = np.arctan2(rays[..., 0], rays[..., 2])
    latitude = np.arctan2(-rays[..., 1], np.hypot(rays[..., 0], rays[..., 2]))
    u = (longitude / (2 * np.pi) + 0.5) * equirect.full_width - equirect.left
    v = (0.5 - latitude / np.pi) * equirect.full_height - equirect.top
    first = (equirect.width - equirect.full_width) / 2
    return np.stack([(u - first) % equirect.full_width + first, v], axis=-1)


def pixel_rays(equirect: Equirect) -> NDArray[np.float64]:
    """Unit vectors (H, W, 3) of all pixel centres."""
    return rays_of_pixels(equirect, pixel_centres(equirect.width, equirect.height).astype(np.float64))
