"""Finer cut-outs than the training's, drawn by formula: what is solid of a card."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from depth3d.lab.samples.textures import Array, uv_grid

MASK_SIZE = 256


@cache
def masks() -> NDArray[np.float32]:
    """Every cut-out of `MASKS`, 1 where solid."""
    return np.stack([cut() for cut in _CUTTERS.values()]).astype(np.float32)


def _mask_uv() -> tuple[Array, Array]:
    u, v = uv_grid(MASK_SIZE)
    return u * 2 - 1, v * 2 - 1


def _plate() -> Array:
    return np.ones((MASK_SIZE, MASK_SIZE))


def _disc() -> Array:
    x, y = _mask_uv()
    return (x**2 + y**2 < 1).astype(float)


def _leaf() -> Array:
    """One pointed leaf along y, its stalk at y = -1."""
    x, y = _mask_uv()
    width = 0.62 * np.clip(1 - ((y - 0.1) / 0.9) ** 2, 0, 1) ** 0.8 * (1 - 0.35 * y)
    return ((np.abs(x) < width) | ((np.abs(x) < 0.035) & (y < 0))).astype(float)


def _sprig(seed: int) -> Array:
    """Many small leaves in a loose round bunch."""
    rng = np.random.default_rng(seed)
    x, y = _mask_uv()
    result = np.zeros((MASK_SIZE, MASK_SIZE), bool)
    for _ in range(150):
        radius, angle, turn = 0.88 * np.sqrt(rng.random()), *rng.uniform(0, 2 * np.pi, 2)
        dx, dy = x - radius * np.cos(angle), y - radius * np.sin(angle)
        p, q = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
        size = rng.uniform(0.09, 0.15)
        result |= np.abs(q) < 0.42 * size * np.clip(1 - (p / size) ** 2, 0, 1)
    return result.astype(float)


_CUTTERS: dict[str, Callable[[], Array]] = {
    "solid": _plate, "disc": _disc, "leaf": _leaf, "sprig": lambda: _sprig(1), "spray": lambda: _sprig(2),
}  # fmt: skip
MASKS = {name: number for number, name in enumerate(_CUTTERS)}
