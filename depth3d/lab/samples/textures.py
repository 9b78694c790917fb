"""Finer textures than the training's, painted by formula, for pictures that people look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

SIZE = 1024

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """Textures as the renderer takes them; see `depth3d.lab.training.textures.Bank`."""

    texels: NDArray[np.float32]
    levels: tuple[tuple[int, int], ...]


@cache
def bank() -> Bank:
    """Every layer of `LAYERS` with its mip levels."""
    level = np.stack([paint(np.random.default_rng(k)) for k, paint in enumerate(_PAINTERS.values())])
    level = np.clip(level, 0, 1).astype(np.float32)
    texels, levels, offset = [], [], 0
    while level.shape[1] >= 4:
        levels.append((offset, level.shape[1]))
        texels.append(level.reshape(-1, 3))
        offset += len(texels[-1])
        level = level.reshape(len(level), level.shape[1] // 2, 2, level.shape[2] // 2, 2, 3).mean((2, 4))
    return Bank(np.concatenate(texels), tuple(levels))


def noise(rng: np.random.Generator, slope: float, stretch: float = 1.0, size: int = SIZE) -> Array:
    """Tileable noise around 0.5 whose spectrum falls as frequency ** -slope; `stretch` > 1 draws it out along u."""
    fy = np.fft.fftfreq(size)[:, None] * size
    fx = np.fft.rfftfreq(size)[None] * size
    frequency = np.hypot(fx * stretch, fy / stretch)
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) * np.maximum(frequency, 1) ** -slope
    spectrum[0, 0] = 0
    field: Array = np.fft.irfft2(spectrum, (size, size))
    return np.asarray(np.clip(0.5 + field / (5 * field.std()), 0, 1))


def uv_grid(size: int = SIZE) -> tuple[Array, Array]:
    """(size, size) places along u and v at the centres of texels, in 0 to 1."""
    axis = (np.arange(size) + 0.5) / size
    u, v = np.meshgrid(axis, axis)
    return u, v


def _rgb(*colour: float) -> Array:
    return np.asarray(colour, np.float64)


def _mixed(amount: Array, low: Array, high: Array) -> Array:
    return low + (high - low) * np.clip(amount, 0, 1)[..., None]


def _plain(rng: np.random.Generator) -> Array:
    return np.full((SIZE, SIZE, 3), 0.5)


def _plaster(rng: np.random.Generator) -> Array:
    fine, broad = noise(rng, 0.7), noise(rng, 1.9)
    return np.repeat((0.5 + 0.5 * (fine - 0.5) + 0.6 * (broad - 0.5))[..., None], 3, 2)


def _planks(rng: np.random.Generator) -> Array:
    """Oak floorboards along u: nine rows, each cut in two places, every board with its own tone and grain."""
    rows, u, v = 9, *uv_grid()
    row = np.floor(v * rows).astype(int)
    shift = rng.random(rows)[row]
    along = (u + shift) % 1
    board = row * 2 + (along > 0.43)
    grain_field, fibre = noise(rng, 1.3, 9.0), noise(rng, 0.5, 14.0)
    lift = rng.integers(0, SIZE, rows * 2)
    iy, ix = np.indices((SIZE, SIZE))
    grain = grain_field[(iy + lift[board]) % SIZE, (ix + 3 * lift[board]) % SIZE]
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (grain * 5 + v * 3))
    tone = rng.uniform(-0.16, 0.16, rows * 2)[board]
    mix = 0.5 + tone + 0.30 * (rings - 0.5) + 0.55 * (fibre - 0.5) + 0.35 * (grain - 0.5)
    wood = _mixed(mix, _rgb(0.20, 0.095, 0.040), _rgb(0.56, 0.345, 0.175))
    edge = np.minimum(v * rows % 1, 1 - v * rows % 1) / rows
    ends = np.minimum(np.abs(along - 0.43), np.minimum(along, 1 - along))
    gap = np.clip(np.minimum(edge, ends) / 0.0022, 0, 1)
    return wood * (0.25 + 0.75 * gap)[..., None]


def _wood(rng: np.random.Generator) -> Array:
    """Furniture wood along u, as tones for two colours."""
    grain, fibre = noise(rng, 1.5, 8.0), noise(rng, 0.5, 16.0)
    _, v = uv_grid()
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (grain * 4 + v * 2))
    return np.repeat((0.35 * rings + 0.45 * fibre + 0.2 * grain)[..., None], 3, 2)


def _linen(rng: np.random.Generator) -> Array:
    u, v = uv_grid()
    threads = (
        0.5 + 0.22 * np.sin(2 * np.pi * 128 * u) * np.sign(np.sin(np.pi * 128 * v)) + 0.18 * np.sin(2 * np.pi * 128 * v)
    )
    return np.repeat((threads * (0.7 + 0.6 * noise(rng, 0.6)) + 0.3 * (noise(rng, 1.6) - 0.5))[..., None], 3, 2)


def _rug(rng: np.random.Generator) -> Array:
    """A woven rug with a border and rows of diamonds."""
    u, v = uv_grid()
    cream, rust, navy, ochre = (
        _rgb(0.70, 0.61, 0.47),
        _rgb(0.42, 0.105, 0.055),
        _rgb(0.045, 0.085, 0.16),
        _rgb(0.55, 0.30, 0.07),
    )
    canvas = np.broadcast_to(cream, (SIZE, SIZE, 3)).copy()
    edge = np.minimum(np.minimum(u, 1 - u), np.minimum(v, 1 - v))
    across, along = (u * 6) % 1 - 0.5, (v * 4) % 1 - 0.5
    diamond = np.abs(across) + np.abs(along)
    for limit, colour in ((0.46, rust), (0.36, cream), (0.28, navy), (0.17, ochre), (0.08, cream)):
        canvas = np.where((diamond < limit)[..., None], colour, canvas)
    stripe = np.where((np.abs((u + v) * 24 % 1 - 0.5) < 0.25)[..., None], rust, cream)
    canvas = np.where((edge < 0.10)[..., None], navy, canvas)
    canvas = np.where(((edge < 0.078) & (edge > 0.034))[..., None], stripe, canvas)
    canvas = np.where((edge < 0.018)[..., None], rust, canvas)
    pile = 0.8 + 0.25 * np.sin(2 * np.pi * 200 * v) * np.sin(2 * np.pi * 200 * u) + 0.5 * (noise(rng, 0.4) - 0.5)
    return canvas * (pile * (0.85 + 0.3 * noise(rng, 1.7)))[..., None]


def _hills(rng: np.random.Generator) -> Array:
    """A framed picture: a low sun behind blue hills, seen in layers."""
    u, v = uv_grid()
    canvas = _mixed(v * 1.6, _rgb(0.42, 0.55, 0.66), _rgb(0.95, 0.66, 0.36))
    canvas = np.where((np.hypot(u - 0.66, v - 0.42) < 0.085)[..., None], _rgb(0.98, 0.86, 0.55), canvas)
    shades = (_rgb(0.36, 0.42, 0.52), _rgb(0.20, 0.29, 0.40), _rgb(0.10, 0.19, 0.25), _rgb(0.05, 0.10, 0.11))
    for k, colour in enumerate(shades):
        ridge = 0.46 + 0.12 * k + 0.32 * (noise(rng, 1.7, size=SIZE)[SIZE // 2] - 0.5)
        canvas = np.where((v > ridge[None])[..., None], colour * (0.85 + 0.3 * noise(rng, 1.2)[..., None]), canvas)
    return canvas


def _shapes(rng: np.random.Generator) -> Array:
    """A framed picture: a few calm shapes on paper."""
    u, v = uv_grid()
    canvas = _rgb(0.83, 0.78, 0.68) * (0.95 + 0.1 * noise(rng, 0.5)[..., None])
    inside = np.hypot(u - 0.42, v - 0.36) < 0.2
    canvas = np.where(inside[..., None], _rgb(0.62, 0.18, 0.08), canvas)
    arch = (np.abs(u - 0.6) < 0.16) & (v > 0.52) & (v < 0.86) | (np.hypot(u - 0.6, v - 0.52) < 0.16)
    canvas = np.where(arch[..., None], _rgb(0.08, 0.16, 0.17), canvas)
    line = np.abs(v - 0.86) < 0.006
    canvas = np.where((line & (np.abs(u - 0.5) < 0.36))[..., None], _rgb(0.1, 0.09, 0.08), canvas)
    small = np.hypot(u - 0.28, v - 0.70) < 0.075
    return np.where(small[..., None], _rgb(0.75, 0.47, 0.12), canvas)


def _bricks(rng: np.random.Generator) -> Array:
    rows, columns, (u, v) = 16, 5, uv_grid()
    row = np.floor(v * rows).astype(int)
    across = (u * columns + 0.5 * (row % 2)) % columns
    number = row * columns + np.floor(across).astype(int)
    tone = rng.uniform(0, 1, rows * columns)[number]
    edge = np.minimum(
        np.minimum(across % 1, 1 - across % 1) / columns, np.minimum(v * rows % 1, 1 - v * rows % 1) / rows
    )
    wobble = 0.004 * (noise(rng, 1.0) - 0.5)
    clay = _mixed(tone * 0.7 + 0.5 * (noise(rng, 0.8) - 0.35), _rgb(0.24, 0.085, 0.05), _rgb(0.55, 0.27, 0.16))
    mortar = _rgb(0.50, 0.46, 0.40) * (0.7 + 0.6 * noise(rng, 0.5)[..., None])
    return np.where((edge + wobble < 0.0052)[..., None], mortar, clay)


def _cobbles(rng: np.random.Generator) -> Array:
    """Setts in rows, each a little round, with dark joints: tones that also serve as bumps."""
    rows, columns, (u, v) = 12, 12, uv_grid()
    bend_u, bend_v = noise(rng, 1.8), noise(rng, 1.8)
    y = v * rows + 0.5 * (bend_v - 0.5)
    row = np.floor(y).astype(int) % rows
    x = u * columns + 0.5 * (row % 2) + 0.5 * (bend_u - 0.5)
    number = row * columns + np.floor(x).astype(int) % columns
    dx, dy = np.abs(x % 1 - 0.5) * 2, np.abs(y % 1 - 0.5) * 2
    dome = np.clip((1 - (dx**4 + dy**4) ** 0.5) * 2.2, 0, 1)
    tone = rng.uniform(0.35, 0.85, rows * columns)[number]
    tint = rng.uniform(-0.045, 0.045, (rows * columns, 3))[number] * _rgb(1, 0.3, -0.8)
    stone = (tone * (0.7 + 0.6 * noise(rng, 0.6)))[..., None] * _rgb(0.52, 0.47, 0.41) + tint
    joint = _rgb(0.10, 0.095, 0.07) * (0.6 + 0.8 * noise(rng, 0.6)[..., None])
    return joint + (stone - joint) * dome[..., None]


def _grass(rng: np.random.Generator) -> Array:
    blades = noise(rng, 0.5, 0.45)
    return _mixed(0.75 * blades + 0.5 * (noise(rng, 1.7) - 0.35), _rgb(0.030, 0.070, 0.012), _rgb(0.23, 0.30, 0.075))


def _foliage(rng: np.random.Generator) -> Array:
    return _mixed(
        0.5 * noise(rng, 0.4) + 0.6 * noise(rng, 1.4) - 0.05, _rgb(0.022, 0.060, 0.014), _rgb(0.17, 0.27, 0.055)
    )


def _roof(rng: np.random.Generator) -> Array:
    """Clay pantiles: rows overlap, each tile arched."""
    rows, columns, (u, v) = 12, 16, uv_grid()
    row, column = np.floor(v * rows).astype(int), np.floor(u * columns).astype(int)
    arch = np.sin(np.pi * (u * columns % 1))
    lip = np.clip((v * rows % 1) / 0.16, 0, 1)
    tone = rng.uniform(-0.25, 0.25, rows * columns)[row * columns + column]
    clay = _mixed(0.5 + tone + 0.5 * (noise(rng, 0.9) - 0.5), _rgb(0.27, 0.085, 0.04), _rgb(0.58, 0.24, 0.11))
    return clay * ((0.25 + 0.75 * arch) * (0.4 + 0.6 * lip))[..., None]


def _stone(rng: np.random.Generator) -> Array:
    speck = (noise(rng, 0.25) > 0.62) * 0.12
    return np.repeat((0.5 + 0.7 * (noise(rng, 1.1) - 0.5) + 0.5 * (noise(rng, 0.3) - 0.5) - speck)[..., None], 3, 2)


def _page(rng: np.random.Generator) -> Array:
    """An open book: two columns of lines on cream paper, a picture on the right page."""
    u, v = uv_grid()
    paper = _rgb(0.80, 0.75, 0.64) * (0.96 + 0.08 * noise(rng, 0.4)[..., None])
    paper = paper * (1 - 0.55 * np.exp(-(((u - 0.5) / 0.03) ** 2)))[..., None]
    lines, words = 34, noise(rng, 0.35, 6.0)
    in_column = ((u > 0.07) & (u < 0.45)) | ((u > 0.55) & (u < 0.93) & (v > 0.48))
    ink = in_column & (v > 0.08) & (v < 0.92) & (v * lines % 1 < 0.42) & (words > 0.42)
    paper = np.where(ink[..., None], _rgb(0.10, 0.09, 0.085), paper)
    picture = (u > 0.56) & (u < 0.92) & (v > 0.09) & (v < 0.43)
    drawn = _mixed(noise(rng, 1.9) * 2 - 0.5, _rgb(0.10, 0.19, 0.24), _rgb(0.77, 0.55, 0.30))
    return np.where(picture[..., None], drawn, paper)


def _stripes(rng: np.random.Generator) -> Array:
    """Ticking: broad and narrow stripes along v, as tones for two colours."""
    u, _ = uv_grid()
    x = u * 6 % 1
    bands = ((x < 0.38) | (np.abs(x - 0.52) < 0.03) | (np.abs(x - 0.86) < 0.03)).astype(float)
    return np.repeat((bands * 0.8 + 0.35 * (noise(rng, 0.5) - 0.5) + 0.1)[..., None], 3, 2)


def _peel(rng: np.random.Generator) -> Array:
    """Fruit skin: streaks from pole to pole with specks, as tones for two colours."""
    streaks, specks = noise(rng, 1.0, 0.25), (noise(rng, 0.3) > 0.74) * 0.35
    _, v = uv_grid()
    return np.repeat((0.9 * streaks + 0.5 * (v - 0.55) + specks)[..., None], 3, 2)


def _glaze(rng: np.random.Generator) -> Array:
    """Speckled pottery, glazed down to a wavy line, as tones for two colours."""
    _, v = uv_grid()
    line = 0.68 + 0.06 * (noise(rng, 2.0)[SIZE // 3] - 0.5)[None]
    specks = (noise(rng, 0.35) > 0.76) * 0.45
    tone = 1 / (1 + np.exp((v - line) / 0.004))
    return np.repeat((tone * (0.92 - specks) + 0.12 * (noise(rng, 1.2) - 0.5))[..., None], 3, 2)


def _bark(rng: np.random.Generator) -> Array:
    return np.repeat((0.9 * noise(rng, 0.9, 0.2) + 0.4 * (noise(rng, 0.5, 0.4) - 0.5))[..., None], 3, 2)


def _cloud(rng: np.random.Generator) -> Array:
    return np.repeat(noise(rng, 1.6)[..., None], 3, 2)


def _shutter(rng: np.random.Generator) -> Array:
    """Louvres: each slat bright at its upper edge and dark beneath, within a frame; tones for two colours."""
    u, v = uv_grid()
    slat = v * 22 % 1
    tone = np.where(slat < 0.78, 0.92 - 0.35 * slat, 0.12)
    frame = (np.abs(u - 0.5) > 0.42) | (np.abs(v - 0.5) > 0.46) | (np.abs(v - 0.5) < 0.025)
    return np.repeat((np.where(frame, 0.85, tone) * (0.85 + 0.3 * noise(rng, 0.7)))[..., None], 3, 2)


_PAINTERS: dict[str, Callable[[np.random.Generator], Array]] = {
    "plain": _plain, "plaster": _plaster, "planks": _planks, "wood": _wood, "linen": _linen, "rug": _rug,
    "hills": _hills, "shapes": _shapes, "bricks": _bricks, "cobbles": _cobbles, "grass": _grass, "foliage": _foliage,
    "roof": _roof, "stone": _stone, "page": _page, "stripes": _stripes, "peel": _peel, "glaze": _glaze, "bark": _bark,
    "shutter": _shutter, "cloud": _cloud,
}  # fmt: skip
LAYERS = {name: number for number, name in enumerate(_PAINTERS)}
