"""The outputs of an ONNX graph as one prediction: which is the depth, and what else the network tells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import WeightsError
from depth3d.predictors.external.graph import Arrays

_DEPTH_WORDS = ("depth", "disp", "inverse", "output")
_FOCAL_WORDS = ("focal",)
METRIC_SCALES = ("metric_scale", "scale")
"""What MoGe-2's export example, and its published files, call the factor that makes their points metres."""


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """What a graph gave for one photo.

    Attributes:
        values: (h, w) float32; for points (h, w, 3), times the metric scale if there is one.
        is_points: whether they are points.
        is_metric: whether points are in metres, by an output of `METRIC_SCALES`.
        mask: (h, w) bool or None.
        confidence: (h, w) float32 from 0 to 1 or None.
        normals: (h, w, 3) float32 or None.
        focal_px: focal length in pixels of the input's width, or None.
    """

    values: NDArray[np.float32]
    is_points: bool
    is_metric: bool
    mask: NDArray[np.bool_] | None = None
    confidence: NDArray[np.float32] | None = None
    normals: NDArray[np.float32] | None = None
    focal_px: float | None = None


def read_outputs(arrays: Arrays, name: str, *, depth: str | None = None) -> Outputs:
    """Sort the outputs by their names and shapes.

    `points`, `mask`, `normal` and `metric_scale` are those of MoGe-2 as its docs/onnx.md exports them; a focal length
    is an output of one number whose name says so.

    Args:
        arrays: every output by name.
        name: of the network, for messages.
        depth: name of the output to take, where it is stated.

    Raises:
        WeightsError: no output, or none of that name, is a picture of depth.
    """
    points = arrays.get("points") if depth is None else None
    if points is not None and points.shape[-1:] == (3,):
        scale = next((arrays[key] for key in METRIC_SCALES if key in arrays), None)
        values = _squeezed(points, 3).astype(np.float32)
        if scale is not None:
            values = values * np.float32(scale.reshape(-1)[0])
    else:
        points, scale = None, None
        values = _squeezed(arrays[_depth_name(arrays, name, depth)], 2).astype(np.float32)
    shape = values.shape[:2]
    mask = _picture(arrays, ("mask", "valid_mask", "sky"), shape)
    confidence = _picture(arrays, ("confidence", "conf"), shape)
    normals = arrays.get("normal", arrays.get("normals"))
    return Outputs(
        values=values,
        is_points=points is not None,
        is_metric=scale is not None,
        mask=None if mask is None else mask > 0.5,
        confidence=None if confidence is None else np.clip(confidence, 0, 1),
        normals=None if normals is None or points is None else _squeezed(normals, 3).astype(np.float32),
        focal_px=_focal(arrays),
    )


def _depth_name(arrays: Arrays, name: str, stated: str | None) -> str:
    maps = [key for key, array in arrays.items() if _is_map(array)]
    if stated is not None:
        if stated not in maps:
            raise WeightsError(f"{name}: has no output {stated!r} that is a map; it has {_shapes(arrays)}")
        return stated
    likely = [key for word in _DEPTH_WORDS for key in maps if word in key.lower()]
    if likely or maps:
        return (likely or maps)[0]
    raise WeightsError(f"{name}: no output is a map of depth, (1, h, w) or (1, 1, h, w); it has {_shapes(arrays)}")


def _is_map(array: NDArray[np.generic]) -> bool:
    axes = [length for length in array.shape if length != 1]
    return array.ndim >= 2 and len(axes) == 2 and min(axes) >= 8 and bool(np.issubdtype(array.dtype, np.number))


def _squeezed(array: NDArray[np.generic], rank: int) -> NDArray[np.generic]:
    while array.ndim > rank and array.shape[0] == 1:
        array = array[0]
    return array[..., 0] if array.ndim == rank + 1 and array.shape[-1] == 1 else array


def _picture(arrays: Arrays, names: tuple[str, ...], shape: tuple[int, ...]) -> NDArray[np.float32] | None:
    for key in names:
        if key in arrays:
            found = _squeezed(arrays[key], 2)
            if found.shape == shape:
                values = np.asarray(found, np.float32)
                return 1 - values if key == "sky" else values
    return None


def _focal(arrays: Arrays) -> float | None:
    for key, array in arrays.items():
        if array.size == 1 and any(word in key.lower() for word in _FOCAL_WORDS):
            return float(array.reshape(-1)[0])
    return None


def _shapes(arrays: Arrays) -> str:
    return ", ".join(f"{key} {array.shape}" for key, array in arrays.items())
