"""Gaussian splats as PLY, in the layout of their authors' own program (Kerbl et al., 3D Gaussian Splatting, 2023)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import UsageError
from depth3d.geometry.gaussians import Gaussians
from depth3d.io.geometry.axes import turned
from depth3d.io.geometry.block_writer import write_rows
from depth3d.io.geometry.quaternions import to_quaternions

CONSTANT_HARMONIC = 0.5 / math.sqrt(math.pi)  # Y of degree 0: a colour is 0.5 + Y * f_dc
_MOST_DEGREE = 3
_ROWS = 1 << 15


def write_gaussians(
    splats: Gaussians, file: BinaryIO, *, axes: str, notes: Mapping[str, str], sh_degree: int = 0
) -> None:
    """Write float32 rows: x y z, nx ny nz (zeros), f_dc (colour), opacity (logit), scale (logarithms), rot (w x y z).

    There is nothing else, not even a comment: the authors' viewer reads the header by the number of its lines.

    Args:
        splats: in camera axes.
        file: where the bytes go.
        axes: axes of the file, see `axes.turned`; viewers of splats expect "opencv".
        notes: not stored.
        sh_degree: degree of the colour's change with the direction, 0 to 3. The splats have none; but programs that
            insist on a degree find that many zeros.

    Raises:
        UsageError: the degree is none of these.
    """
    if not 0 <= sh_degree <= _MOST_DEGREE:
        raise UsageError(f"the degree of spherical harmonics must lie between 0 and {_MOST_DEGREE}, got {sh_degree}")
    rest = 3 * ((sh_degree + 1) ** 2 - 1)
    names = [*("x", "y", "z"), *("nx", "ny", "nz"), *(f"f_dc_{i}" for i in range(3))]
    names += [*(f"f_rest_{i}" for i in range(rest)), "opacity"]
    names += [*(f"scale_{i}" for i in range(3)), *(f"rot_{i}" for i in range(4))]
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(splats.xyz)}"]
    header += [*(f"property float {name}" for name in names), "end_header", ""]
    file.write("\n".join(header).encode("ascii"))
    opacity = splats.opacities.astype(np.float64)
    logit = np.log(opacity / (1 - opacity))

    def pack(rows: slice) -> NDArray[Any]:
        block = np.zeros((len(splats.xyz[rows]), len(names)), "<f4")
        block[:, :3] = turned(splats.xyz[rows], axes)
        block[:, 6:9] = (splats.rgb[rows] / 255 - 0.5) / CONSTANT_HARMONIC
        block[:, -8] = logit[rows]
        block[:, -7:-4] = np.log(splats.sigma[rows])
        block[:, -4:] = to_quaternions(turned(splats.directions[rows], axes))
        return block

    write_rows(file, len(splats.xyz), pack, rows=_ROWS)
