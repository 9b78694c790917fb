"""Procedural textures and cut-outs, drawn once from a seed: nothing here was ever photographed.

A bank holds many tileable layers with their mip levels in one flat table, so that a renderer fetches any layer at any
level with one gather. `GROUPS` names which layers look like what.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from depth3d.lab.training.cutouts import MASKS, draw_masks, fractal, ranges

__all__ = ["GROUPS", "MASKS", "Bank", "texture_bank"]

SIZE = 128
_COUNTS = {
    "plain": 1, "noise": 14, "speckle": 4, "stripes": 8, "checker": 3, "bricks": 5, "planks": 5, "wood": 6, "tiles": 5,
    "stones": 5, "weave": 4, "text": 6, "picture": 20, "books": 6, "facade": 8, "leaves": 6, "asphalt": 3, "grass": 3,
    "smears": 6, "labels": 6,
}  # fmt: skip


GROUPS = ranges(_COUNTS)


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """Textures and masks.

    Attributes:
        texels: (T, 3) float32 linear rgb in [0, 1], every level of every layer: levels first, finest first.
        levels: (offset of the level's first texel, its side) per mip level.
        masks: (M, 64, 64) float32, 1 where a card is solid.
    """

    texels: NDArray[np.float32]
    levels: tuple[tuple[int, int], ...]
    masks: NDArray[np.float32]


@cache
def texture_bank(seed: int = 7) -> Bank:
    """The bank that the renderer uses."""
    rng = np.random.default_rng(seed)
    layers = np.stack([_DRAW[name](rng) for name, count in _COUNTS.items() for _ in range(count)])
    level = np.clip(layers, 0, 1).astype(np.float32)
    texels, levels, offset = [], [], 0
    while level.shape[1] >= 4:
        levels.append((offset, level.shape[1]))
        texels.append(level.reshape(-1, 3))
        offset += len(texels[-1])
        level = level.reshape(len(level), level.shape[1] // 2, 2, level.shape[2] // 2, 2, 3).mean((2, 4))
    return Bank(np.concatenate(texels), tuple(levels), draw_masks(rng))


def _grid() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    axis = (np.arange(SIZE) + 0.5) / SIZE
    return axis[None, :] + 0 * axis[:, None], axis[:, None] + 0 * axis[None, :]


def _grey(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.repeat(values[:, :, None], 3, axis=2)


def _tinted(rng: np.random.Generator, values: NDArray[np.float64], spread: float = 0.12) -> NDArray[np.float64]:
    tint = fractal(rng, SIZE, 1.5)
    return values[:, :, None] + spread * (tint[:, :, None] - 0.5) * rng.normal(0, 1, 3)


def _plain(rng: np.random.Generator) -> NDArray[np.float64]:
    return np.full((SIZE, SIZE, 3), 0.5)


def _noise(rng: np.random.Generator) -> NDArray[np.float64]:
    values = fractal(rng, SIZE, rng.uniform(0.3, 2.2), rng.choice([1.0, 1.0, 2.0, 4.0]))
    if rng.random() < 0.3:
        values = np.clip((values - 0.5) * rng.uniform(2, 6) + 0.5, 0, 1)
    return _tinted(rng, values)


def _speckle(rng: np.random.Generator) -> NDArray[np.float64]:
    return _tinted(rng, (fractal(rng, SIZE, 0.2) > rng.uniform(0.5, 0.75)).astype(float), 0.3)


def _stripes(rng: np.random.Generator) -> NDArray[np.float64]:
    u, v = _grid()
    values = np.zeros_like(u)
    for _ in range(rng.integers(1, 4)):
        count, duty = rng.integers(2, 17), rng.uniform(0.2, 0.8)
        values += ((u * count + rng.random()) % 1 < duty) * rng.uniform(0.3, 1)
    values /= values.max()
    return _tinted(rng, values * (0.8 + 0.3 * fractal(rng, SIZE, 1.0)), 0.1)


def _checker(rng: np.random.Generator) -> NDArray[np.float64]:
    u, v = _grid()
    count = int(rng.choice([2, 4, 8]))
    values = (np.floor(u * count) + np.floor(v * count)) % 2
    return _tinted(rng, values * 0.8 + 0.2 * fractal(rng, SIZE, 1.2))


def _cells(rng: np.random.Generator, rows: int, columns: int, joint: float, shift: float) -> NDArray[np.float64]:
    """Bricks, planks or tiles: each cell its own tone, joints dark or bright."""
    u, v = _grid()
    row = np.floor(v * rows)
    across = u * columns + row * shift
    column = np.floor(across) % columns
    tones = rng.uniform(0.25, 0.9, (rows, columns))
    values = tones[row.astype(int), column.astype(int)] * (0.75 + 0.5 * fractal(rng, SIZE, 1.0))
    edge_v = np.minimum(v * rows % 1, 1 - v * rows % 1) / rows
    edge_u = np.minimum(across % 1, 1 - across % 1) / columns
    mortar = np.minimum(edge_u, edge_v) < joint
    cells: NDArray[np.float64] = np.where(mortar, rng.choice([0.05, 0.15, 0.95]), values)
    return cells


def _bricks(rng: np.random.Generator) -> NDArray[np.float64]:
    return _tinted(rng, _cells(rng, int(rng.choice([8, 12, 16])), int(rng.choice([3, 4, 6])), 0.008, 0.5), 0.3)


def _planks(rng: np.random.Generator) -> NDArray[np.float64]:
    grain = fractal(rng, SIZE, 1.2, 6.0)
    cells = _cells(rng, int(rng.choice([6, 8, 12])), int(rng.choice([1, 2])), 0.004, 0.37)
    return _tinted(rng, cells * 0.7 + 0.3 * grain.T, 0.15)


def _wood(rng: np.random.Generator) -> NDArray[np.float64]:
    u, v = _grid()
    warp = fractal(rng, SIZE, 2.0, 3.0).T
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (v * rng.integers(2, 9) + warp * rng.uniform(1, 4)))
    return _tinted(rng, 0.6 * rings + 0.4 * fractal(rng, SIZE, 0.8, 6.0).T)


def _tiles(rng: np.random.Generator) -> NDArray[np.float64]:
    count = int(rng.choice([2, 3, 4, 6]))
    values = _cells(rng, count, count, rng.uniform(0.006, 0.015), 0.0)
    return _tinted(rng, 0.6 * values + 0.3 + 0.1 * fractal(rng, SIZE, 1.5), 0.1)


def _stones(rng: np.random.Generator) -> NDArray[np.float64]:
    u, v = _grid()
    points = rng.random((int(rng.integers(12, 60)), 2))
    du = np.abs(u[..., None] - points[:, 0])
    dv = np.abs(v[..., None] - points[:, 1])
    distance = np.sqrt(np.minimum(du, 1 - du) ** 2 + np.minimum(dv, 1 - dv) ** 2)
    order = np.argsort(distance, axis=2)[..., :2]
    nearest = np.take_along_axis(distance, order, 2)
    tone = rng.uniform(0.3, 0.9, len(points))[order[..., 0]]
    return _tinted(
        rng, np.where(nearest[..., 1] - nearest[..., 0] < 0.02, 0.1, tone) * (0.7 + 0.6 * fractal(rng, SIZE, 1.0))
    )


def _weave(rng: np.random.Generator) -> NDArray[np.float64]:
    u, v = _grid()
    count = int(rng.choice([8, 16, 32]))
    values = 0.5 + 0.25 * np.sin(2 * np.pi * count * u) + 0.25 * np.sin(2 * np.pi * count * v)
    return _tinted(rng, values * (0.6 + 0.6 * fractal(rng, SIZE, 0.8)))


def _text(rng: np.random.Generator) -> NDArray[np.float64]:
    page = np.full((SIZE, SIZE), 0.95)
    y = int(rng.integers(4, 12))
    while y < SIZE - 6:
        height = int(rng.choice([2, 2, 3, 7]))
        x = 8
        while x < SIZE - 8 - int(rng.integers(0, 30)):
            width = int(rng.integers(3, 14))
            page[y : y + height, x : x + width] = rng.uniform(0.05, 0.4)
            x += width + int(rng.integers(2, 5))
        y += height + int(rng.integers(2, 6))
    return _tinted(rng, page, 0.05)


def _shapes(rng: np.random.Generator, canvas: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    u, v = _grid()
    for _ in range(count):
        x, y, a, b, turn = *rng.random(2), *rng.uniform(0.03, 0.4, 2), rng.uniform(0, np.pi)
        du, dv = u - x, v - y
        p, q = du * np.cos(turn) + dv * np.sin(turn), dv * np.cos(turn) - du * np.sin(turn)
        kind = rng.integers(3)
        if kind == 0:
            inside = (p / a) ** 2 + (q / b) ** 2 < 1
        elif kind == 1:
            inside = (np.abs(p) < a) & (np.abs(q) < b)
        else:
            inside = (np.abs(du) < a) & (np.abs(dv) < b)
        shade = 0.8 + 0.4 * fractal(rng, SIZE, 2.0)[..., None] if rng.random() < 0.5 else 1.0
        canvas = np.where(inside[..., None], rng.random(3) ** 1.5 * shade, canvas)
    return canvas


def _picture(rng: np.random.Generator) -> NDArray[np.float64]:
    u, v = _grid()
    low, high = rng.random(3), rng.random(3)
    mix = v if rng.random() < 0.6 else fractal(rng, SIZE, 2.0)
    canvas = low + (high - low) * mix[..., None]
    if rng.random() < 0.5:
        hill = 0.5 + 0.3 * (fractal(rng, SIZE, 2.0)[0] - 0.5) + rng.uniform(-0.2, 0.2)
        canvas = np.where(
            (v > hill[None])[..., None], rng.random(3) * (0.6 + 0.6 * fractal(rng, SIZE, 1.0)[..., None]), canvas
        )
    return _shapes(rng, canvas, int(rng.integers(2, 14)))


def _books(rng: np.random.Generator) -> NDArray[np.float64]:
    canvas = np.zeros((SIZE, SIZE, 3))
    x = 0
    while x < SIZE:
        width = int(rng.integers(4, 14))
        colour = rng.random(3) ** 1.3
        canvas[:, x : x + width] = colour
        for _ in range(rng.integers(0, 3)):
            y = int(rng.integers(8, SIZE - 20))
            canvas[y : y + int(rng.integers(3, 16)), x + 1 : x + width - 1] = rng.random(3)
        canvas[:, x : x + 1] *= 0.3
        x += width
    return canvas * (0.85 + 0.3 * fractal(rng, SIZE, 1.0)[..., None])


def _facade(rng: np.random.Generator) -> NDArray[np.float64]:
    u, v = _grid()
    columns, rows = rng.integers(2, 7, 2)
    wall = rng.uniform(0.3, 0.95, 3) * (0.8 + 0.3 * fractal(rng, SIZE, 0.8)[..., None])
    x, y = u * columns % 1, v * rows % 1
    half_w, half_h = rng.uniform(0.15, 0.42, 2)
    dx, dy = np.abs(x - 0.5), np.abs(y - 0.5)
    frame = (dx < half_w + 0.05) & (dy < half_h + 0.05)
    glass = (dx < half_w) & (dy < half_h)
    number = (np.floor(u * columns) * 31 + np.floor(v * rows)).astype(int) % 37
    tone = rng.uniform(0.02, 0.5, (37, 3)) * rng.uniform(0.5, 1.5)
    wall = np.where(frame[..., None], rng.random(3), wall)
    panes: NDArray[np.float64] = np.where(glass[..., None], tone[number] + 0.2 * (1 - v[..., None] * rows % 1), wall)
    return panes


def _leaves(rng: np.random.Generator) -> NDArray[np.float64]:
    values = fractal(rng, SIZE, rng.uniform(0.4, 1.0))
    return _tinted(rng, np.clip((values - 0.5) * 2 + 0.45, 0, 1), 0.2)


def _asphalt(rng: np.random.Generator) -> NDArray[np.float64]:
    values = 0.5 + 0.3 * (fractal(rng, SIZE, 0.3) - 0.5) + 0.5 * (fractal(rng, SIZE, 1.8) - 0.5)
    return _tinted(rng, values, 0.05)


def _grass(rng: np.random.Generator) -> NDArray[np.float64]:
    return _tinted(rng, fractal(rng, SIZE, 0.7, 0.6) * 0.7 + 0.3 * fractal(rng, SIZE, 1.8), 0.2)


def _smears(rng: np.random.Generator) -> NDArray[np.float64]:
    return _grey(fractal(rng, SIZE, rng.uniform(1.5, 2.6)))


def _labels(rng: np.random.Generator) -> NDArray[np.float64]:
    canvas = np.broadcast_to(rng.random(3), (SIZE, SIZE, 3)).copy()
    canvas = _shapes(rng, canvas, int(rng.integers(1, 5)))
    for _ in range(rng.integers(1, 5)):
        y, x = rng.integers(5, SIZE - 30, 2)
        canvas[y : y + int(rng.integers(3, 20)), x : x + int(rng.integers(15, 70))] = rng.random(3)
    return canvas


_DRAW = {
    "plain": _plain, "noise": _noise, "speckle": _speckle, "stripes": _stripes, "checker": _checker, "bricks": _bricks,
    "planks": _planks, "wood": _wood, "tiles": _tiles, "stones": _stones, "weave": _weave, "text": _text,
    "picture": _picture, "books": _books, "facade": _facade, "leaves": _leaves, "asphalt": _asphalt, "grass": _grass,
    "smears": _smears, "labels": _labels,
}  # fmt: skip
