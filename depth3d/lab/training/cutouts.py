"""Cut-outs of cards: leaves, lattices, blobs; and the noise that textures share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MASK_SIZE = 64
_COUNTS = {"solid": 1, "disc": 1, "leaves": 10, "lattice": 6, "blob": 6}


def ranges(counts: dict[str, int]) -> dict[str, range]:
    """Names to consecutive numbers."""
    result, start = {}, 0
    for name, count in counts.items():
        result[name] = range(start, start + count)
        start += count
    return result


MASKS = ranges(_COUNTS)


def draw_masks(rng: np.random.Generator) -> NDArray[np.float32]:
    """Every cut-out, (M, 64, 64), 1 where solid, numbered as `MASKS` says."""
    return np.stack([_MASK[name](rng) for name, count in _COUNTS.items() for _ in range(count)]).astype(np.float32)


def fractal(rng: np.random.Generator, size: int, slope: float, stretch: float = 1.0) -> NDArray[np.float64]:
    """Tileable noise whose spectrum falls as frequency ** -slope, ranks spread over [0, 1]."""
    fy = np.fft.fftfreq(size)[:, None] * size
    fx = np.fft.rfftfreq(size)[None] * size
    frequency = np.sqrt(fx**2 * stretch**2 + fy**2 / stretch**2)
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) * np.maximum(frequency, 1) ** -slope
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, (size, size))
    scaled: NDArray[np.float64] = np.clip(0.5 + field / (4 * field.std()), 0, 1)
    return scaled


def _disc_mask(rng: np.random.Generator) -> NDArray[np.bool_]:
    axis = (np.arange(MASK_SIZE) + 0.5) / MASK_SIZE * 2 - 1
    inside: NDArray[np.bool_] = axis[:, None] ** 2 + axis[None] ** 2 < 1
    return inside


def _blob_mask(rng: np.random.Generator) -> NDArray[np.bool_]:
    axis = (np.arange(MASK_SIZE) + 0.5) / MASK_SIZE * 2 - 1
    radius = np.sqrt(axis[:, None] ** 2 + axis[None] ** 2)
    inside: NDArray[np.bool_] = radius + 1.2 * (fractal(rng, MASK_SIZE, 1.8) - 0.5) < 0.75
    return inside


def _leaf_mask(rng: np.random.Generator) -> NDArray[np.bool_]:
    fine = fractal(rng, MASK_SIZE, rng.uniform(0.3, 1.0)) > rng.uniform(0.35, 0.52)
    return _blob_mask(rng) & fine


def _lattice_mask(rng: np.random.Generator) -> NDArray[np.bool_]:
    axis = (np.arange(MASK_SIZE) + 0.5) / MASK_SIZE
    bars = (axis * rng.integers(3, 9) + 0.25) % 1 < rng.uniform(0.3, 0.6)
    rails = (axis < 0.1) | (axis > 0.9)
    mask = bars[None, :] | rails[:, None]
    if rng.random() < 0.4:
        mask = mask | ((axis * rng.integers(2, 6)) % 1 < 0.25)[:, None]
    return mask if rng.random() < 0.5 else mask.T


_MASK = {
    "solid": lambda rng: np.ones((MASK_SIZE, MASK_SIZE), bool), "disc": _disc_mask, "leaves": _leaf_mask,
    "lattice": _lattice_mask, "blob": _blob_mask,
}  # fmt: skip
