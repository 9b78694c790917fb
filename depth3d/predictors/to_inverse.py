"""Whatever a network says becomes inverse depth of the photo's size, the one form that scaling and video take."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth, sample_known
from depth3d.core.errors import DepthMapError
from depth3d.predictors.point_map_focal import recover_focal, recover_shift
from depth3d.predictors.prediction import METRIC_SIGMA, Prediction
from depth3d.predictors.preprocess import to_photo_size
from depth3d.predictors.spec import NOISE_STRENGTH

RELATIVE_FAR_OVER_NEAR = 4.0
"""Depth of the farthest things over that of the nearest (98th and 2nd percentile) that relative depth is taken to have.

The same that is assumed where hints leave the shift of inverse depth open.
"""

_NEAR_AND_FAR = (2, 98)
_FOCAL_TOLERANCE = 1e-6
_OF_METRIC = 1 / 3


def to_inverse_depth(prediction: Prediction, size: tuple[int, int], camera: Intrinsics | None = None) -> InverseDepth:
    """Bring a prediction to inverse depth of every pixel of the photo.

    Metres become 1/z with `metric_sigma`, depth and disparity up to scale become inverse depth whose zero is infinity.
    Relative depth has an unknown shift, which inverse depth cannot express: it is set so that the farthest things are
    four times as deep as the nearest, and `source` says so; hints may replace it (`settle_shift`).

    Args:
        prediction: what the network said.
        size: (width, height) of the photo.
        camera: of the photo, without distortion; None means the network's own, where that matters.

    Raises:
        DepthMapError: nothing is known, or depth that should be positive is not.
    """
    inverse = _inverse(prediction, size, camera)
    inverse[~prediction.known] = np.nan
    if not np.isfinite(inverse).any():
        raise DepthMapError(f"{prediction.source}: the network tells no depth of this photo")
    shifted = ", its shift assumed" if prediction.kind == "relative" else ""
    sigma = (prediction.metric_sigma or METRIC_SIGMA) if prediction.is_metric else None
    strength = prediction.noise_strength
    if strength is None:
        strength = NOISE_STRENGTH if sigma is None else sigma * _OF_METRIC
    return InverseDepth(
        _resized(inverse, size),
        zero_is_infinity=prediction.kind not in ("inverse", "relative"),
        noise_strength=strength,
        noise_reach=prediction.noise_reach,
        source=prediction.source + shifted,
        details=(*prediction.details, *_also_told(prediction)),
        metric_sigma=sigma,
        shift_is_assumed=prediction.kind == "relative",
    )


def _also_told(prediction: Prediction) -> tuple[tuple[str, str], ...]:
    """What a network tells beside depth, and what becomes of it, for the provenance."""
    told = []
    if prediction.mask is not None:
        told.append(f"mask (unknown where it is false, {np.mean(~prediction.mask):.1%})")
    if prediction.confidence is not None:
        none = np.mean(prediction.confidence <= 0)
        told.append(f"confidence (unknown where it is 0, {none:.1%}; otherwise not used)")
    if prediction.normals is not None:
        told.append("normals (not used: those of files come from the depth)")
    return (("also_told", ", ".join(told)),) if told else ()


def _inverse(prediction: Prediction, size: tuple[int, int], camera: Intrinsics | None) -> NDArray[np.float32]:
    """(h, w) inverse depth of the network's size."""
    values, kind = prediction.values, prediction.kind
    if kind == "inverse":
        return values - np.float32(min(0.0, float(np.nanmin(values))))  # the farthest may be zero, not below
    if kind == "disparity":
        return np.maximum(values, np.float32(0))
    if kind == "log":
        return np.asarray(np.exp(np.float32(np.nanmedian(values)) - values), np.float32)
    if prediction.is_points:
        fitted = (
            recover_focal(values, prediction.known, size)
            if camera is None
            else recover_shift(values, prediction.known, camera)
        )
        return _reciprocal(values[..., 2] + np.float32(fitted.shift))
    if kind == "relative":
        return _reciprocal(values + _assumed_shift(values, prediction.known))
    focal = 1.0
    if prediction.follows_focal and prediction.focal_px and camera is not None:
        focal = camera.fx / prediction.focal_px
    z = values if abs(focal - 1) < _FOCAL_TOLERANCE else values * np.float32(focal)
    return _reciprocal(z)


def _reciprocal(z: NDArray[np.float32]) -> NDArray[np.float32]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(z > 0, np.float32(1) / z, np.float32(np.nan))


def _assumed_shift(values: NDArray[np.float32], known: NDArray[np.bool_]) -> np.float32:
    """What makes the far percentile four times the near one."""
    near, far = np.percentile(sample_known(np.where(known, values, np.float32(np.nan))), _NEAR_AND_FAR)
    nearest = float(values[known].min())
    shift = (far - RELATIVE_FAR_OVER_NEAR * near) / (RELATIVE_FAR_OVER_NEAR - 1)
    least = -nearest + 1e-3 * max(far - near, 1e-6)  # every depth stays positive
    return np.float32(max(shift, least))


def _resized(inverse: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Of the photo's size: cubic where all is known, else linear beside what is unknown."""
    width, height = size
    if inverse.shape == (height, width):
        return inverse
    unknown = ~np.isfinite(inverse)
    low = np.float32(np.nanmin(inverse))
    if not unknown.any():
        return np.maximum(to_photo_size(inverse, width, height), low)  # the cubic kernel undershoots beside steps
    import cv2

    share = np.asarray(cv2.resize((~unknown).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR))
    filled = np.where(unknown, np.float32(0), inverse)
    weighted = np.asarray(cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(share > 0.5, weighted / share, np.float32(np.nan)).astype(np.float32)
