"""How a grid of points becomes a mesh: the same choices for one surface, for layers and for whole scenes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict, cast

from depth3d.core.errors import UsageError
from depth3d.core.options import MeshOptions

DEFAULT_CUT_RATIO = MeshOptions().cut_ratio
DEFAULT_CUT_ANGLE_DEG = MeshOptions().cut_angle_deg
DEFAULT_MAX_ERROR_PX = cast(float, MeshOptions().max_error_px)
DEFAULT_MAX_COLOUR_ERROR = 8.0


class MeshChoices(TypedDict, total=False):
    """The fields of `MeshSettings` as keyword arguments."""

    textured: bool
    normals: bool
    cut_ratio: float
    cut_angle_deg: float
    max_error_px: float | None
    max_colour_error: float
    max_faces: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshSettings:
    """How points are connected and simplified.

    Attributes:
        textured: carry the whole photo as texture; otherwise each vertex has its pixel's colour.
        normals: add unit normals from the faces.
        cut_ratio: greatest ratio of depths within one cell of the grid, above 1.
        cut_angle_deg: least angle between a cell of the grid and the ray that meets it, in degrees; 0 for any.
        max_error_px: error allowed, in photo pixels; None keeps every point of the grid.
        max_colour_error: error allowed in vertex colours, of 255; without effect on a textured mesh.
        max_faces: allow so much more error that no more faces than this are left; every second point is left out
            where that does not suffice.

    Raises:
        UsageError: one of them is out of range.
    """

    textured: bool = True
    normals: bool = False
    cut_ratio: float = DEFAULT_CUT_RATIO
    cut_angle_deg: float = DEFAULT_CUT_ANGLE_DEG
    max_error_px: float | None = DEFAULT_MAX_ERROR_PX
    max_colour_error: float = DEFAULT_MAX_COLOUR_ERROR
    max_faces: int | None = None

    def __post_init__(self) -> None:
        check_cuts(self.cut_ratio, self.cut_angle_deg, self.max_faces)
        error_px = self.max_error_px
        if error_px is not None and not error_px > 0:
            raise UsageError(f"max error must be positive, got {error_px:g} px; leave it out to keep every point")
        if not self.max_colour_error > 0:
            raise UsageError(f"max colour error must be positive, got {self.max_colour_error:g}")


def check_cuts(cut_ratio: float, cut_angle_deg: float, max_faces: int | None) -> None:
    """Raise UsageError unless the limits of cuts and of faces are in range."""
    if not cut_ratio > 1:
        raise UsageError(f"cut ratio must be above 1, got {cut_ratio:g}")
    if not 0 <= cut_angle_deg < 90:
        raise UsageError(f"cut angle must lie between 0 and 90 degrees, got {cut_angle_deg:g}")
    if max_faces is not None and max_faces < 2:
        raise UsageError(f"max faces must be at least 2, got {max_faces}")
