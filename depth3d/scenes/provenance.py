"""How every number was obtained, as plain data for the JSON file beside each output."""

from __future__ import annotations

import importlib.metadata
import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from depth3d.core.camera import Intrinsics
    from depth3d.geometry.mesh import Mesh
    from depth3d.scale import ScaleFit
    from depth3d.scenes.scene import Scene

_LISTED_HINTS = 50
_LIBRARIES = ("numpy", "opencv-contrib-python-headless", "pillow", "scipy", "timm", "torch", "torchvision")


def to_provenance(scene: Scene, mesh: Mesh | None = None) -> dict[str, Any]:
    """Photo, camera, depth, scale with every hint's residual, assumptions, and versions; no time and no place.

    Args:
        scene: what was reconstructed.
        mesh: the mesh that is written, whose making is told too.
    """
    told: dict[str, Any] = {
        "depth3d": _installed("depth3d"),
        "photo": {"name": scene.photo.name, "width": scene.depth.size[0], "height": scene.depth.size[1]},
        "camera": _camera(scene.camera),
        "depth": {
            "source": scene.depth.source,
            "unit": scene.unit,
            **dict(scene.inverse_depth.details if scene.inverse_depth else ()),
        },
        "scale": None if scene.fit is None else _scale(scene.fit),
        "notes": list(scene.notes),
        "versions": versions(),
    }
    if mesh is not None and mesh.meshing is not None:
        told["mesh"] = asdict(mesh.meshing)
    return told


def to_json(provenance: Mapping[str, Any]) -> bytes:
    """UTF-8 text with two spaces of indentation and a final newline."""
    text = json.dumps(provenance, indent=2, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode(errors="backslashreplace")  # names of photos need not be text


def _camera(camera: Intrinsics) -> dict[str, Any]:
    names = ("width", "height", "fx", "fy", "cx", "cy")
    return {name: getattr(camera, name) for name in names} | {"pixel_centre": 0.5, "source": camera.source}


def _scale(fit: ScaleFit) -> dict[str, Any]:
    residuals = fit.residuals
    return {
        "formula": "1/z = (a d + b) exp e",
        "a": fit.a,
        "b": fit.b,
        "errors": _errors(fit),
        "bounds_m": [_finite(fit.nearest_m), _finite(fit.farthest_m)],
        "hints": len(residuals),
        "residuals": [
            {
                "hint": one.name,
                "pixel": list(one.pixel),
                "said_m": one.said_m,
                "fitted_m": one.fitted_m,
                "used": one.is_used,
            }
            for one in residuals[:_LISTED_HINTS]
        ],
    }


def _errors(fit: ScaleFit) -> dict[str, float] | None:
    """How wrong relative depth was taken to be, after what the hints showed."""
    if fit.posterior is None:
        return None
    strength, noise = fit.posterior.errors
    return {"strength": strength, "reach": fit.posterior.reach, "noise": noise}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def versions(*more: str) -> dict[str, str]:
    """Of the libraries that numbers depend on, and of `more`, those that are installed."""
    found = {name: _installed(name) for name in (*_LIBRARIES, *more)}
    return {name: version for name, version in found.items() if version is not None}


@cache
def _installed(name: str) -> str | None:
    """The version of an installed distribution; finding it reads files."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
