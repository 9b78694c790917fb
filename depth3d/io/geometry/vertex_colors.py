"""Colours of meshes for formats that know only vertices, and colours in linear light."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.geometry.mesh import Mesh


def vertex_rgb(mesh: Mesh) -> NDArray[np.uint8] | None:
    """The mesh's vertex colours; without them the texture's pixel at each vertex; (N, 3) sRGB, or None."""
    if mesh.rgb is not None or mesh.texture is None or mesh.uv is None:
        return mesh.rgb
    height, width = mesh.texture.shape[:2]
    column = np.clip(mesh.uv[:, 0] * width, 0, width - 1).astype(np.intp)
    row = np.clip(mesh.uv[:, 1] * height, 0, height - 1).astype(np.intp)
    return np.asarray(mesh.texture[row, column])


def linear_from_srgb() -> NDArray[np.float64]:
    """Linear light of the 256 stored sRGB values, each from 0 to 1 (IEC 61966-2-1).

    >>> float(linear_from_srgb()[128].round(4))
    0.2159
    """
    stored = np.arange(256) / 255
    return np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)


def srgb_from_linear(linear: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Stored sRGB values of linear light from 0 to 1 (IEC 61966-2-1).

    >>> int(srgb_from_linear(np.array([0.2159]))[0])
    128
    """
    share = np.clip(linear, 0, 1)
    share = np.where(share <= 0.0031308, 12.92 * share, 1.055 * share ** (1 / 2.4) - 0.055)
    return np.asarray(share * 255 + 0.5).astype(np.uint8)
