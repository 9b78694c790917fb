"""Gaussian splats as SPZ, version 2: a tenth of their PLY (Niantic, github.com/nianticlabs/spz, "File Format")."""

from __future__ import annotations

import gzip
import math
import struct
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import GeometryError
from depth3d.geometry.gaussians import Gaussians
from depth3d.io.geometry.axes import turned
from depth3d.io.geometry.quaternions import to_quaternions

_MAGIC, _VERSION = 0x5053474E, 2
_MOST_FRACTION_BITS = 20
_COLOUR_GAIN = 0.15 * 2 * math.sqrt(math.pi)  # a harmonic of degree 0 is stored as 0.15 times itself, see splat_ply
_LEAST_LOGARITHM, _STEPS_PER_E = -10, 16
_ROWS = 1 << 16
_LEVEL = 6


def write_gaussians(splats: Gaussians, file: BinaryIO, *, axes: str, notes: Mapping[str, str]) -> None:
    """Write places in fixed point, then opacities, colours, sizes and rotations in a byte for each number.

    Places are exact to a micrometre or a five-millionth of the farthest coordinate, sizes to 3 %, directions to about
    a degree.

    Args:
        splats: in camera axes.
        file: where the bytes go.
        axes: axes of the file, see `axes.turned`; the format's own are "gltf".
        notes: not stored.

    Raises:
        GeometryError: a place is too far away for fixed point.
    """
    fraction_bits = _fraction_bits(float(np.abs(splats.xyz).max()))

    def places(rows: slice) -> NDArray[np.uint8]:
        fixed = np.rint(turned(splats.xyz[rows], axes).astype(np.float64) * 2**fraction_bits).astype("<i4")
        return np.asarray(fixed.view(np.uint8).reshape(-1, 3, 4)[..., :3])

    def opacities(rows: slice) -> NDArray[np.uint8]:
        return _as_bytes(splats.opacities[rows].astype(np.float64) * 255)

    def colours(rows: slice) -> NDArray[np.uint8]:
        return _as_bytes((splats.rgb[rows] - 127.5) * _COLOUR_GAIN + 127.5)

    def sizes(rows: slice) -> NDArray[np.uint8]:
        return _as_bytes((np.log(splats.sigma[rows]) - _LEAST_LOGARITHM) * _STEPS_PER_E)

    def rotations(rows: slice) -> NDArray[np.uint8]:
        return _as_bytes(_with_large_w(to_quaternions(turned(splats.directions[rows], axes)))[:, 1:] * 127.5 + 127.5)

    count = len(splats.xyz)
    parts: tuple[Callable[[slice], NDArray[Any]], ...] = (places, opacities, colours, sizes, rotations)
    with gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=file, mtime=0) as packed:
        packed.write(struct.pack("<IIIBBBB", _MAGIC, _VERSION, count, 0, fraction_bits, 0, 0))
        for part in parts:
            for start in range(0, count, _ROWS):
                packed.write(np.ascontiguousarray(part(slice(start, start + _ROWS))).data)


def _fraction_bits(farthest: float) -> int:
    """How many of the 23 bits of a coordinate may stand behind the point."""
    bits = min(_MOST_FRACTION_BITS, math.floor(math.log2((2**23 - 1) / max(farthest, 1e-12))))
    if bits < 0:
        raise GeometryError(f"splats: SPZ holds coordinates up to {2**23 - 1} m, got {farthest:g} m; write .ply")
    return bits


def _with_large_w(quaternions: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 4) the same ellipses, with w positive and at least a half, so that the other three tell it precisely.

    Half a turn about an axis of its own changes no ellipsoid; it brings another component to w's place: with unit i,
    (w, x, y, z) i = (-x, w, z, -y), and so on.
    """
    w, x, y, z = quaternions.T
    turns = np.stack([[w, x, y, z], [-x, w, z, -y], [-y, -z, w, x], [-z, y, -x, w]]).transpose(2, 0, 1)
    best = turns[np.arange(len(turns)), np.abs(turns[:, :, 0]).argmax(axis=1)]
    return np.asarray(np.where(best[:, :1] < 0, -best, best))


def _as_bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
