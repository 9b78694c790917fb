"""How errors of depth belong together over the picture, in few numbers: for pages that measure without the hints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth
from depth3d.scale.fit import ScaleFit
from depth3d.scale.hint import sample_many

_CELLS = 28
_FACTORS = 12
_LEAST_SHARE = 0.002


@dataclass(frozen=True, slots=True, eq=False)
class SharedErrors:
    """The correlation of depth's errors at two cells is the sum of the products of their factors.

    Attributes:
        factors: (F, h, w) float32 of a coarse picture; squares of a cell's add up to at most 1, and what is missing
            from 1 is the cell's alone. 0 where depth is unknown.
    """

    factors: NDArray[np.float32]


def share_errors(fit: ScaleFit, inverse_depth: InverseDepth) -> SharedErrors | None:
    """The principal components of the errors' correlation; None where no error is known.

    Args:
        fit: how depth came by its unit.
        inverse_depth: what it was found for.
    """
    width, height = inverse_depth.size
    columns, rows = (max(1, round(_CELLS * side / max(width, height))) for side in (width, height))
    u = (np.arange(columns) + 0.5) * width / columns
    v = (np.arange(rows) + 0.5) * height / rows
    uv = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)
    known = np.isfinite(sample_many(inverse_depth, uv[:, 0], uv[:, 1]))
    covariance = fit.covariance(inverse_depth, uv[known])
    if covariance is None or not known.any():
        return None
    sigma = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    values, axes = np.linalg.eigh(covariance / np.outer(sigma, sigma))
    largest = np.argsort(-values)[:_FACTORS]
    largest = largest[values[largest] > _LEAST_SHARE * len(values)]
    factors = np.zeros((len(largest), len(uv)), np.float32)
    factors[:, known] = (axes[:, largest] * np.sqrt(values[largest])).T
    return SharedErrors(factors.reshape(len(largest), rows, columns))
