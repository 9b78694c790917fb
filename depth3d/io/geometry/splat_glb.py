"""Gaussian splats in glTF 2.0, by the extension KHR_gaussian_splatting as Khronos ratified it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from depth3d.geometry.gaussians import Gaussians
from depth3d.io.geometry.axes import axes_in_words, turned
from depth3d.io.geometry.gltf import ARRAY_BUFFER, GltfDocument
from depth3d.io.geometry.quaternions import to_quaternions
from depth3d.io.geometry.splat_ply import CONSTANT_HARMONIC
from depth3d.io.geometry.vertex_colors import linear_from_srgb
from depth3d.io.notes import geometry_notes

_NAME = "KHR_gaussian_splatting"
_POINTS = 0
_XYZW = [1, 2, 3, 0]


def write_gaussians(splats: Gaussians, file: BinaryIO, *, axes: str, notes: Mapping[str, str]) -> None:
    """Write float32 places, rotations, standard deviations, opacities and colours, of points in a GLB file.

    Unlike PLY it stores opacities and deviations as they are, and quaternions with w last. Programs that do not know
    the extension show coloured points.

    Args:
        splats: in camera axes.
        file: where the bytes go.
        axes: axes of the file, see `axes.turned`; glTF itself knows only "gltf".
        notes: texts for asset.extras, after axes and unit.
    """
    document = GltfDocument(geometry_notes(notes, axes=axes_in_words(axes), unit=splats.unit))
    linear = linear_from_srgb()
    attributes: dict[str, int] = {}

    def add(name: str, values: NDArray[Any], limits: NDArray[Any] | None = None) -> None:
        rows = np.ascontiguousarray(values, "<f4")
        width = rows.shape[1]
        view = document.add_rows(len(rows), 4 * width, lambda part: rows[part], target=ARRAY_BUFFER)
        kind = "SCALAR" if width == 1 else f"VEC{width}"
        attributes[name] = document.add_accessor(view, "<f4", kind, len(rows), limits=limits)

    xyz = turned(splats.xyz, axes)
    opacity = splats.opacities[:, None]
    add("POSITION", xyz, np.stack([xyz.min(axis=0), xyz.max(axis=0)]))
    add(f"{_NAME}:ROTATION", to_quaternions(turned(splats.directions, axes))[:, _XYZW])
    add(f"{_NAME}:SCALE", splats.sigma)
    add(f"{_NAME}:OPACITY", opacity)
    add(f"{_NAME}:SH_DEGREE_0_COEF_0", (splats.rgb / 255 - 0.5) / CONSTANT_HARMONIC)
    add("COLOR_0", np.column_stack([linear[splats.rgb], opacity]))
    document.use(_NAME)
    document.use("KHR_materials_unlit")
    material = document.add("materials", {"extensions": {"KHR_materials_unlit": {}}})
    primitive = {
        "mode": _POINTS,
        "attributes": attributes,
        "material": material,
        "extensions": {_NAME: {"kernel": "ellipse", "colorSpace": "srgb_rec709_display"}},
    }
    node = document.add("nodes", {"mesh": document.add("meshes", {"primitives": [primitive]})})
    document.json["scene"] = document.add("scenes", {"nodes": [node]})
    document.write(file)
