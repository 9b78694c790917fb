"""Things to furnish scenes with, built of the training's primitives. Sizes in metres, z up, fronts towards -y."""

from __future__ import annotations

import math

import numpy as np

from depth3d.lab.samples.cutouts import MASKS
from depth3d.lab.samples.textures import LAYERS
from depth3d.lab.training.scene import Material, SceneBuilder

Vector = tuple[float, float, float]


def painted(layer: str, tile: float = 1.0, **more: object) -> Material:
    """A material that shows a painted layer in its own colours."""
    return Material(**{"colour": (1.0, 1.0, 1.0), "texture": LAYERS[layer], "tile": tile, "picture": 1.0, **more})  # type: ignore[arg-type]


def toned(layer: str, dark: Vector, bright: Vector, tile: float = 1.0, **more: object) -> Material:
    """A material of two colours, mixed by a painted layer."""
    return Material(colour=dark, colour2=bright, texture=LAYERS[layer], tile=tile, **more)  # type: ignore[arg-type]


def plain(colour: Vector, **more: object) -> Material:
    """One colour with the faintest unevenness."""
    bright = tuple(min(1.0, c * 1.08) for c in colour)
    dark = tuple(c * 0.92 for c in colour)
    return toned("plaster", dark, bright, 0.8, **more)  # type: ignore[arg-type]


def cushion(b: SceneBuilder, centre: Vector, half: Vector, material: int, *, edge: float = 0.05) -> None:
    """A box with round upper edges."""
    (x, y, z), (hx, hy, hz) = centre, half
    b.box((x, y, z - edge / 2), (hx, hy, hz - edge / 2), material)
    b.box((x, y, z), (hx - edge, hy - edge, hz), material)
    corners = [
        (x + sx * (hx - edge), y + sy * (hy - edge), z + hz - edge) for sx, sy in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]
    for start, end in zip(corners, corners[1:] + corners[:1], strict=True):
        b.capsule(start, end, edge, material)


def pillow(b: SceneBuilder, centre: Vector, size: float, material: int, *, yaw: float = 0.0, lean: float = 1.2) -> None:
    """A square pillow that leans back."""
    b.ellipsoid(centre, (size * 0.62, size * 0.55, size * 0.19), material, (yaw, lean, 0.0))


def framed(
    b: SceneBuilder, centre: Vector, half: tuple[float, float], picture: int, frame: int, *, border: float = 0.03
) -> None:
    """A picture on a wall that faces -y."""
    x, y, z = centre
    hw, hh = half
    b.box((x, y, z), (hw, 0.008, hh), picture)
    for side in (-1, 1):
        b.box((x + side * (hw + border / 2), y - 0.006, z), (border / 2, 0.018, hh + border), frame)
        b.box((x, y - 0.006, z + side * (hh + border / 2)), (hw, 0.018, border / 2), frame)


def book_row(
    b: SceneBuilder, start: Vector, length: float, colours: list[int], rng: np.random.Generator, *, tall: float = 0.24
) -> None:
    """Books side by side along x; `start` is the lower left front corner."""
    x = start[0]
    while True:
        width, height = rng.uniform(0.022, 0.05), tall * rng.uniform(0.72, 1.0)
        if x + width > start[0] + length:
            return
        depth = rng.uniform(0.075, 0.095)
        centre = (x + width / 2, start[1] + depth, start[2] + height / 2)
        b.box(centre, (width / 2 - 0.001, depth, height / 2), int(rng.choice(colours)))
        x += width


def leaf(b: SceneBuilder, base: Vector, direction: Vector, length: float, material: int, *, twist: float = 0.0) -> None:
    """One leaf that grows from `base` along `direction`."""
    d = np.asarray(direction) / np.linalg.norm(direction)
    centre = tuple(float(c) for c in np.asarray(base) + d * length / 2)
    turn = (math.atan2(-d[0], d[1]), math.asin(float(np.clip(d[2], -1, 1))), twist)
    b.card(centre, (length * 0.36, length / 2), material, turn, mask=MASKS["leaf"])  # type: ignore[arg-type]


def potted_plant(
    b: SceneBuilder, place: Vector, pot: int, soil: int, stem: int, green: int, rng: np.random.Generator,
    *, height: float = 1.0, leaves: int = 34, leaf_length: float = 0.26,
) -> None:  # fmt: skip
    """A pot with stems that carry pointed leaves."""
    x, y, z = place
    b.frustum((x, y, z + 0.16), (0.14, 0.14, 0.16), pot, taper=1.35)
    b.frustum((x, y, z + 0.322), (0.175, 0.175, 0.004), soil)
    for k in range(leaves):
        share = (k + 0.5) / leaves
        around, out = k * 2.39996 + rng.uniform(-0.3, 0.3), 0.1 + 0.30 * math.sin(math.pi * (0.15 + 0.8 * share))
        top = (
            x + out * math.cos(around),
            y + out * math.sin(around),
            z + 0.4 + height * (0.15 + 0.85 * share) * rng.uniform(0.85, 1.0),
        )
        if k % 2 == 0:
            b.rod((x, y, z + 0.32), top, 0.006, stem)
        droop = rng.uniform(-0.55, 0.25)
        leaf(b, top, (math.cos(around), math.sin(around), droop), leaf_length * rng.uniform(0.8, 1.15), green,
             twist=rng.uniform(-0.5, 0.5))  # fmt: skip


def round_table(b: SceneBuilder, place: Vector, radius: float, height: float, top: int, legs: int) -> None:
    """A round top on three splayed legs."""
    x, y, z = place
    b.frustum((x, y, z + height - 0.015), (radius, radius, 0.015), top)
    for k in range(3):
        angle = 0.6 + k * 2 * math.pi / 3
        c, s = math.cos(angle), math.sin(angle)
        foot = (x + 0.85 * radius * c, y + 0.85 * radius * s, z)
        b.rod(foot, (x + 0.45 * radius * c, y + 0.45 * radius * s, z + height - 0.03), 0.014, legs, taper=1.5)


def chair(b: SceneBuilder, wood: int, seat: int) -> None:
    """A wooden chair at the origin of the current frame, facing -y."""
    for x in (-0.21, 0.21):
        b.rod((x, -0.2, 0), (x * 0.93, -0.19, 0.44), 0.017, wood)
        b.rod((x, 0.23, 0), (x * 0.9, 0.2, 0.46), 0.017, wood)
        b.rod((x * 0.9, 0.2, 0.46), (x * 0.9, 0.27, 0.92), 0.017, wood)
        b.rod((x, -0.2, 0.2), (x, 0.22, 0.2), 0.011, wood)
    for z, y in ((0.9, 0.268), (0.79, 0.25), (0.68, 0.234)):
        b.box((0, y, z), (0.19, 0.009, 0.035), wood, (0, -0.15, 0))
    b.box((0, 0, 0.445), (0.225, 0.22, 0.014), wood)
    cushion(b, (0, 0, 0.478), (0.21, 0.205, 0.024), seat, edge=0.02)


def mug(b: SceneBuilder, place: Vector, glaze: int, inside: int, *, size: float = 1.0) -> None:
    """A mug with its handle towards +x."""
    x, y, z = place
    r, h = 0.04 * size, 0.047 * size
    b.frustum((x, y, z + h), (r * 0.92, r * 0.92, h), glaze, taper=1.09)
    b.frustum((x, y, z + 2 * h + 0.0006), (r * 0.9, r * 0.9, 0.0006), inside)
    ring = [
        (x + r * 0.9 + 0.027 * size * math.sin(a), y, z + h + 0.028 * size * math.cos(a))
        for a in np.linspace(0.15, math.pi - 0.15, 7)
    ]
    for start, end in zip(ring[:-1], ring[1:], strict=True):
        b.capsule(start, end, 0.0055 * size, glaze)


def tree(
    b: SceneBuilder, place: Vector, bark: int, green: int, rng: np.random.Generator, *, height: float = 4.0,
    crown: float = 1.3, sprigs: int = 60, size: float = 0.5,
) -> None:  # fmt: skip
    """A trunk, some boughs and a crown of sprigs."""
    x, y, z = place
    fork = z + height * 0.42
    b.rod((x, y, z), (x + 0.05, y, fork), 0.13 * height / 4, bark, taper=0.7)
    middle = np.array([x + 0.05, y, z + height * 0.72])
    for k in range(6):
        angle = k * 1.1 + rng.uniform(0, 0.5)
        tip = middle + crown * 0.62 * np.array([math.cos(angle), math.sin(angle), rng.uniform(-0.15, 0.5)])
        b.rod((x + 0.05, y, fork - 0.05), tuple(float(t) for t in tip), 0.055 * height / 4, bark, taper=0.35)  # type: ignore[arg-type]
    for k in range(sprigs):
        height_share, angle = 1 - 2 * (k + 0.5) / sprigs, k * 2.39996
        ring = math.sqrt(1 - height_share**2)
        radius = crown * rng.uniform(0.55, 1.0)
        out = np.array([ring * math.cos(angle), ring * math.sin(angle), 0.8 * height_share])
        centre = tuple(float(c) for c in middle + radius * out)
        turn = (rng.uniform(0, 6.28), rng.uniform(-1.2, 1.2), rng.uniform(-0.6, 0.6))
        b.card(centre, (size, size), green, turn, mask=MASKS["sprig" if k % 2 else "spray"])  # type: ignore[arg-type]
