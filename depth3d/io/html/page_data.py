"""What a page must know beside its model: the camera, the colours of depth, error bars, and how all was obtained."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import MetricDepth
from depth3d.geometry.mesh import Mesh
from depth3d.geometry.point_cloud import PointCloud
from depth3d.render.heatmap import inferno_colours, nearness_range
from depth3d.scale import SharedErrors

_SIGMA_CELLS = 128
_UNKNOWN_CODE = 255
_LIMITS_IN_WORDS = (
    "What nearer things hide is filled in as far as {left:g} degrees to the left, {right:g} to the right, {up:g} up "
    "and {down:g} down; beyond that the photo saw too little."
)
_NAMES = {"camera": "Camera", "depth": "Depth", "scale": "Scale"}


def to_facts(
    geometry: Mesh | PointCloud,
    *,
    notes: Mapping[str, str],
    camera: Intrinsics | None = None,
    depth: MetricDepth | None = None,
    errors: SharedErrors | None = None,
    remarks: Sequence[str] = (),
) -> dict[str, Any]:
    """Plain data for the page's script.

    Error bars come from the depth's sigma, of which a coarse map goes along (128 cells on the longer side, steps of a
    few per cent), and from how errors of two places belong together, as those of `measure_length` do.

    Args:
        geometry: the model, in camera axes.
        notes: short texts about it: "photo", "camera", "depth", "scale".
        camera: intrinsics of the photo; without them the model is seen from outside and has no error bars.
        depth: metric depth of the photo; without it the heat map's range is that of the model's vertices.
        errors: how the errors of depth belong together.
        remarks: sentences for the user: assumptions, and what was left out.
    """
    z = geometry.xyz[:, 2]
    in_front = bool(z.min() > 0)
    known_z = z if depth is None else depth.z
    return {
        "title": notes.get("photo", "3D model"),
        "unit": geometry.unit,
        "about": _about(geometry, notes, remarks),
        "camera": _camera(camera) if camera is not None and in_front else None,
        "middle": float(np.nanmedian(known_z)),
        "turn": None if camera is None or not in_front else _turn_limits(geometry),
        "nearness": _apart(*nearness_range(np.float32(1) / known_z)) if in_front else None,
        "inferno": _base64(np.insert(inferno_colours(), 3, 255, axis=1)),
        "sigma": None if depth is None else _sigma(depth),
        "errors": None if errors is None else _errors(errors),
    }


def _about(geometry: Mesh | PointCloud, notes: Mapping[str, str], remarks: Sequence[str]) -> list[list[str]]:
    is_metric = geometry.unit == "m"
    told = [["Unit", "metres" if is_metric else "arbitrary: no distance was given, so nothing here is in metres"]]
    told += [[title, notes[name]] for name, title in _NAMES.items() if name in notes]
    told += [["Note", remark] for remark in remarks]
    if isinstance(geometry, Mesh):
        what = f"{len(geometry.xyz):,} vertices, {len(geometry.faces):,} faces"
    else:
        what = f"{geometry.count:,} points"
    limits = _turn_limits(geometry)
    if limits is not None:
        told.append(["Turning", _LIMITS_IN_WORDS.format(**limits)])
    turning = "Drag or one finger turns, wheel or two fingers zoom, right button or two fingers move."
    return [*told, ["Model", what], ["Moving", turning], ["Made with", "depth3d; shown with three.js (MIT licence)"]]


def _turn_limits(geometry: Mesh | PointCloud) -> dict[str, float] | None:
    """Degrees to each side within which the model has no gaps; None where no one knows."""
    meshing = geometry.meshing if isinstance(geometry, Mesh) else None
    return None if meshing is None or meshing.turn_limits is None else asdict(meshing.turn_limits)


def _camera(camera: Intrinsics) -> dict[str, float]:
    """With square pixels, because a screen's are."""
    square = camera.resized(camera.width, max(1, round(camera.height * camera.fx / camera.fy)))
    return {name: getattr(square, name) for name in ("width", "height", "fx", "fy", "cx", "cy", "focal_sigma")}


def _apart(low: float, high: float) -> tuple[float, float]:
    """A flat picture lies in the middle of the colours."""
    return (low, high) if high > low else (0.5 * low, 1.5 * low)


def _errors(errors: SharedErrors) -> dict[str, Any]:
    """In steps of 1/127."""
    count, height, width = errors.factors.shape
    codes = np.rint(np.clip(errors.factors, -1, 1) * 127).astype(np.int8)
    return {"count": count, "width": width, "height": height, "codes": _base64(codes.view(np.uint8))}


def _sigma(depth: MetricDepth) -> dict[str, Any] | None:
    """Error of depth as a share of it: a coarse map on a logarithmic scale, least * step ** code."""
    if depth.sigma is None:
        return None
    width, height = depth.size
    shrink = min(1.0, _SIGMA_CELLS / max(width, height))
    rows, columns = (_middles(length, max(1, round(length * shrink))) for length in (height, width))
    cells = np.ix_(rows, columns)
    relative = depth.sigma[cells].astype(np.float64) / depth.z[cells]
    known = relative > 0
    if not known.any():
        return None
    least, greatest = float(relative[known].min()), float(relative[known].max())
    step = max((greatest / least) ** (1 / (_UNKNOWN_CODE - 1)), 1 + 1e-9)
    codes = np.full(relative.shape, _UNKNOWN_CODE, np.uint8)
    codes[known] = np.rint(np.log(relative[known] / least) / np.log(step))
    return {"width": len(columns), "height": len(rows), "least": least, "step": step, "codes": _base64(codes)}


def _middles(length: int, count: int) -> NDArray[np.int64]:
    """The pixels in the middle of `count` equal cells."""
    return ((np.arange(count) * 2 + 1) * length) // (2 * count)


def _base64(array: NDArray[np.uint8]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
