"""What a network says about a photo, before anything is known about scale: the contract of every predictor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.errors import DepthMapError, UsageError
from depth3d.predictors.spec import NOISE_REACH

Kind = Literal["inverse", "disparity", "relative", "depth", "log", "metric", "points", "metric points"]
"""How a network's numbers v tell depth z; a > 0 and b are unknown, and differ from photo to photo:

inverse        1/z = a v + b    MiDaS, DPT, Depth Anything
disparity      1/z = a v
relative       z = a v + b
depth          z = a v
log            z = a exp(v)
metric         z = v in metres
points         (x, y, z + b) = a v: three numbers a pixel, in camera axes (x right, y down, z forward)
metric points  the same with a = 1, in metres
"""

KINDS: tuple[Kind, ...] = get_args(Kind)

METRIC_SIGMA = 0.15
"""One standard deviation of the scale of a metric network that states none, as a share.

Published metric networks are 5 to 10 % off in median on the kind of rooms and streets that they know, and several times
that on others (Bochkovskii et al., arXiv 2410.02073, table 1).
"""


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """A network's output for one photo, of the photo's size or of the network's own; it shows the whole photo.

    Attributes:
        values: (h, w) float32; for points (h, w, 3). NaN where nothing is known.
        kind: what the values are, see `Kind`.
        metric_sigma: for metric kinds, one standard deviation of the scale as a share; None means `METRIC_SIGMA`.
        noise_strength: one standard deviation of the relative error of its 1/z, as `InverseDepth` has it; None means
            `NOISE_STRENGTH`, and for metric kinds a third of `metric_sigma`, of which it is a part.
        noise_reach: how far such errors reach, as a share of the picture's diagonal.
        mask: (h, w) bool, False where the network sees no depth, such as in the sky; None means everywhere.
        confidence: (h, w) float32 from 0 to 1; where it is 0 nothing is known, otherwise it is not used.
        normals: (h, w, 3) float32 in camera axes, towards the camera; not used, and the provenance says so.
        focal_px: the network's own focal length in pixels of the whole photo's width, if it tells one.
        follows_focal: the metres were computed with `focal_px`; with another camera they are proportionally different.
        source: who made it, in words for the user.
        details: more about that, as (name, text) pairs for the provenance.

    Raises:
        UsageError: there is no such kind.
        DepthMapError: an array has another shape than its kind or `values` says, or an error or a focal length is not
            positive.
    """

    values: NDArray[np.float32]
    kind: Kind
    metric_sigma: float | None = None
    noise_strength: float | None = None
    noise_reach: float = NOISE_REACH
    mask: NDArray[np.bool_] | None = None
    confidence: NDArray[np.float32] | None = None
    normals: NDArray[np.float32] | None = None
    focal_px: float | None = None
    follows_focal: bool = False
    source: str = "a network"
    details: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        check_kind(self.kind)
        values = np.asarray(self.values, np.float32)
        object.__setattr__(self, "values", values)
        wanted = "(h, w, 3)" if self.is_points else "(h, w)"
        if values.ndim != (3 if self.is_points else 2) or (self.is_points and values.shape[2] != 3) or not values.size:
            raise DepthMapError(f"{self.source}: {self.kind} must have shape {wanted}, got {values.shape}")
        for name, shape in (("mask", ()), ("confidence", ()), ("normals", (3,))):
            array = getattr(self, name)
            if array is not None and array.shape != (*values.shape[:2], *shape):
                raise DepthMapError(f"{self.source}: {name} has shape {array.shape}, the {self.kind} {values.shape}")
        for name in ("metric_sigma", "noise_reach", "focal_px"):
            number = getattr(self, name)
            if number is not None and not 0 < number < math.inf:
                raise DepthMapError(f"{self.source}: {name} must be positive, got {number:g}")

    @property
    def is_points(self) -> bool:
        """Whether each pixel has a place in space."""
        return self.kind in ("points", "metric points")

    @property
    def is_metric(self) -> bool:
        """Whether the values claim to be metres."""
        return self.kind in ("metric", "metric points")

    def camera(self, size: tuple[int, int]) -> Intrinsics | None:
        """The network's own camera for a photo of (width, height) pixels; None where it tells none."""
        from depth3d.calibration.network_focal import camera_from_network
        from depth3d.predictors.point_map_focal import recover_focal

        focal_px = self.focal_px
        if focal_px is None and self.is_points:
            focal_px = recover_focal(self.values, self.known, size).focal_px
        return None if focal_px is None else camera_from_network(focal_px, size, name=self.source)

    @property
    def known(self) -> NDArray[np.bool_]:
        """(h, w): where the network says something."""
        finite = np.isfinite(self.values)
        known = np.asarray(finite.all(axis=2) if self.is_points else finite)
        if self.mask is not None:
            known = known & self.mask
        return known if self.confidence is None else known & (self.confidence > 0)


def check_kind(kind: str) -> None:
    """Raise UsageError unless there is such a kind of output."""
    if kind not in KINDS:
        raise UsageError(f"unknown kind of network output {kind!r}; choose one of {', '.join(KINDS)}")
