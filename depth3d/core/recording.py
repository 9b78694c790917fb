"""Everything that is known about a photo's scene at once, for tools that show or replay it; and hints as places."""

from __future__ import annotations

from dataclasses import dataclass

from depth3d.core.depth import Unit
from depth3d.core.rgbd import RGBD
from depth3d.core.short_repr import short_repr

Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Mark:
    """A place whose depth a hint stated.

    Attributes:
        name: the hint.
        said: (x, y, z) in camera axes (x right, y down, z forward) at the depth that was stated.
        fitted: the same at the depth that the fit gives there.
        is_used: False where the hint was left out because the others speak against it.
    """

    name: str
    said: Point
    fitted: Point
    is_used: bool

    @property
    def in_words(self) -> str:
        """The hint, what it said, and what the fit gives."""
        left_out = "" if self.is_used else ", left out"
        return f"{self.name}: said {self.said[2]:.4g}, fitted {self.fitted[2]:.4g}{left_out}"


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A photo, its camera, its depth, and the hints with their residuals.

    Attributes:
        rgbd: photo, depth and camera.
        marks: the hints that state the depth of a pixel.
    """

    rgbd: RGBD
    marks: tuple[Mark, ...] = ()

    @property
    def unit(self) -> Unit:
        """The unit of every length."""
        return self.rgbd.depth.unit

    __repr__ = short_repr
