"""Where the eyes are, and what each of them sees."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, Pose
from depth3d.core.errors import Depth3DWarning, UsageError
from depth3d.core.images import StereoPair as StereoPair
from depth3d.core.options import StereoOptions
from depth3d.layers import Layers
from depth3d.layers.views import Viewpoint, draw_view, prepare_layers
from depth3d.render.parallax.framing import enlarged, filling_zoom, find_focus

DEFAULT_DISPARITY_PERCENT = StereoOptions().disparity_percent
COMFORT_PERCENT = 3.0
"""Disparity in per cent of the width beyond which many people feel strain: 1 degree of a picture seen 33 degrees wide
(Lambooij et al., Visual Discomfort and Visual Fatigue of Stereoscopic Displays, J. Imaging Sci. Technol. 53(3), 2009).
"""

_LARGEST_PERCENT = 15.0
_FARTHEST_PERCENTILE, _NEAREST_PERCENTILE = 2, 98
_TRACED = 960
"""Pixels of a view's width that are traced; between them places are interpolated."""


class ComfortWarning(Depth3DWarning):
    """Looking at it may strain the eyes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eyes:
    """How two eyes look at a scene.

    Attributes:
        disparity_percent: by how much the places of one thing in both pictures differ at most, for the nearest or the
            farthest things (98th and 2nd percentile of 1/z), in per cent of the width.
        ipd_m: instead, the distance between the eyes in metres.
        convergence_m: depth in metres of what both eyes see at the same place, as if it were on the screen; nearer
            things stand before it.
        focus: instead, a place with that depth, as shares of width and height; None is the picture's middle.

    Raises:
        UsageError: a number is out of range, or depth and place of the convergence are both given.
    """

    disparity_percent: float = DEFAULT_DISPARITY_PERCENT
    ipd_m: float | None = None
    convergence_m: float | None = None
    focus: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not 0 < self.disparity_percent <= _LARGEST_PERCENT:
            raise UsageError(
                f"disparity must lie between 0 and {_LARGEST_PERCENT:g} per cent of the width, got "
                f"{self.disparity_percent:g}"
            )
        for name, value in (("the distance between the eyes", self.ipd_m), ("the convergence", self.convergence_m)):
            if value is not None and not 0 < value < np.inf:
                raise UsageError(f"{name} must be positive and finite, got {value:g} m")
        if self.convergence_m is not None and self.focus is not None:
            raise UsageError("the convergence is given as a depth and as a focus; give one of them")


@dataclass(frozen=True, slots=True)
class Rig:
    """Two parallel cameras, their pictures shifted so that a plane before them coincides.

    A thing at depth z is seen at places that differ by f b (1/z - 1/c), for eyes b apart and convergence c.

    Attributes:
        baseline: distance between the eyes, in the unit of the depth.
        converged: 1/z of the convergence; 0 is at infinity.
        before: greatest disparity of what stands before the screen, as a share of the width.
        behind: of what lies behind it.
    """

    baseline: float
    converged: float
    before: float
    behind: float

    @property
    def largest_percent(self) -> float:
        """The greatest disparity in per cent of the width."""
        return 100 * max(self.before, self.behind)

    def viewpoint(self, photo: Intrinsics, side: float) -> Viewpoint:
        """The left eye's at -1, the right eye's at 1, and anywhere between."""
        right = side * self.baseline / 2
        pose = np.eye(4)
        pose[0, 3] = right
        return Viewpoint(replace(photo, cx=photo.cx + photo.fx * right * self.converged), Pose(pose))


def to_rig(layers: Layers, eyes: Eyes, *, at_infinity: bool = False) -> Rig:
    """Place the eyes.

    Args:
        layers: the photo in layers.
        eyes: how they look.
        at_infinity: look straight ahead, whatever the convergence: what is infinitely far has no disparity.

    Raises:
        UsageError: the focus lies outside the photo or has no depth.
    """
    far, near = np.nanpercentile(layers.front_inverse, [_FARTHEST_PERCENTILE, _NEAREST_PERCENTILE])
    if at_infinity:
        converged, reach = 0.0, near - far
    else:
        converged = find_focus(layers, eyes.focus).inverse if eyes.convergence_m is None else 1 / eyes.convergence_m
        reach = max(near - converged, converged - far)
    if not reach > 0 and eyes.ipd_m is None:
        warnings.warn(Depth3DWarning("the scene is flat: both eyes see the same picture"), stacklevel=2)
    camera = layers.camera
    f_widths = camera.fx / camera.width
    if eyes.ipd_m is not None:
        baseline = eyes.ipd_m
    else:
        baseline = eyes.disparity_percent / 100 / (f_widths * reach) if reach > 0 else 0.0
    share = baseline * f_widths
    return Rig(baseline, float(converged), float(share * (near - converged)), float(share * (converged - far)))


def warn_beyond_comfort(rig: Rig) -> None:
    """Say so where looking at it may strain the eyes."""
    # A disparity asked for comes back with rounding.
    if rig.largest_percent > COMFORT_PERCENT + 1e-6:
        warnings.warn(
            f"disparities up to {rig.largest_percent:.1f} % of the width (nearest {100 * rig.before:+.1f} %, farthest "
            f"{-100 * rig.behind:+.1f} %) may strain the eyes: beyond {COMFORT_PERCENT:g} % they exceed 1 degree of a "
            "picture seen 33 degrees wide; bring the eyes together or move the convergence",
            ComfortWarning,
            stacklevel=3,
        )


def see(layers: Layers, rig: Rig, size: tuple[int, int], sides: tuple[float, ...]) -> list[NDArray[np.uint8]]:
    """What eyes see at these sides, each (H, W, 3); enlarged together so that no border is seen.

    Raises:
        UsageError: the eyes are so far apart that too little would be left.
    """
    photo = layers.camera.resized(*size)
    viewpoints = [rig.viewpoint(photo, side) for side in sides]
    prepared = prepare_layers(layers, viewpoints, cell=max(1, round(size[0] / _TRACED)))
    zoom = filling_zoom(prepared, viewpoints)
    return [draw_view(prepared, enlarged(viewpoint, zoom)) for viewpoint in viewpoints]
