"""Weights that any machine can make: filled from each tensor's name, to compare networks without a download."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import nn


def seeded_state(shapes: Iterable[tuple[str, tuple[int, ...]]]) -> dict[str, torch.Tensor]:
    """Fill tensors by the rule under which the reference numbers of the original networks were computed."""
    import torch

    return {key: torch.from_numpy(_fill(key, tuple(shape))) for key, shape in shapes}


def fill_seeded(network: nn.Module) -> None:
    """Fill a network in place by the same rule."""
    network.load_state_dict(seeded_state((key, tuple(value.shape)) for key, value in network.state_dict().items()))


def _fill(key: str, shape: tuple[int, ...]) -> np.ndarray:
    if key.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    numbers = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(shape)
    if len(shape) == 4:
        numbers *= np.sqrt(2 / np.prod(shape[1:]))
    elif key.endswith(".running_var"):
        numbers = 1 + 0.1 * np.abs(numbers)
    elif key.endswith((".running_mean", ".bias")):
        numbers *= 0.1
    else:
        numbers = 1 + 0.1 * numbers
    return numbers.astype(np.float32)
