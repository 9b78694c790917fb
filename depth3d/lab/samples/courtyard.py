"""A courtyard in the south, late in the afternoon."""

from __future__ import annotations

import math

import numpy as np

from depth3d.core.camera import Intrinsics, Pose
from depth3d.lab.samples.cutouts import MASKS
from depth3d.lab.samples.props import chair, mug, painted, plain, round_table, toned, tree
from depth3d.lab.training.render import look_at
from depth3d.lab.training.scene import Light, Scene, SceneBuilder, Sky

# Places whose distance a visitor with a tape would know, in world coordinates.
MARKS = {
    "right edge of the door": (-3.2, 1.58, 1.1),
    "middle of the table top": (1.72, 0.72, 0.74),
    "left pillar of the arch": (-1.15, 9.17, 1.4),
    "trunk of the olive tree": (2.86, 4.50, 1.1),
    "paving, in front of the door": (-0.3, 0.05, 0.024),
}
LENGTHS = {"height of the arch's left pillar": ((-1.15, 9.17, 0.05), (-1.15, 9.17, 2.6))}


def scene() -> Scene:
    """The yard, its walls, trees and pots."""
    b = SceneBuilder()
    rng = np.random.default_rng(11)
    _ground(b)
    _house(b)
    _back(b)
    _trees(b, rng)
    _things(b, rng)
    sun = Light((0.62, -0.42, 0.56), (2.45, 1.88, 1.22), sun=True, radius=0.012)
    sky = Sky(zenith=(0.09, 0.21, 0.56), horizon=(0.47, 0.60, 0.78), clouds=0.32, ambient_up=(0.20, 0.24, 0.31),
              ambient_down=(0.16, 0.13, 0.10), fog=0.004, fog_colour=(0.45, 0.53, 0.63))  # fmt: skip
    return b.build([sun], sky)


def camera(width: int = 1280, height: int = 960) -> Intrinsics:
    """A lens of 60 degrees."""
    return Intrinsics.from_fov(width, height, fov_x_deg=60.0, source="rendered")


def pose() -> Pose:
    """From a doorway, at eye height."""
    return look_at((0.9, -4.2, 1.62), (-0.25, 4.0, 1.42))


def _ground(b: SceneBuilder) -> None:
    cobbles = b.material(
        painted("cobbles", 1.7, bump=0.35, colour=(0.78, 0.74, 0.70), stain=1, stain_tile=5.0, stain_strength=0.3)
    )
    slab = b.material(toned("stone", (0.27, 0.235, 0.19), (0.45, 0.40, 0.33), 1.3))
    b.plane((0, 0, 0), cobbles)
    for k in range(9):
        b.box((-0.25 - 0.02 * (k % 3), -2.6 + 1.12 * k, 0.012), (0.55, 0.53, 0.012), slab, (0.02 * (k % 4 - 1.5), 0, 0))


def _house(b: SceneBuilder) -> None:
    """On the left: ochre plaster, a door, windows with blue shutters, a tiled roof."""
    ochre = b.material(
        toned("plaster", (0.52, 0.33, 0.155), (0.68, 0.475, 0.255), 3.2, stain_strength=0.25, stain=1, stain_tile=7.0)
    )
    stone = b.material(toned("stone", (0.46, 0.41, 0.34), (0.64, 0.59, 0.50), 0.8))
    roof = b.material(painted("roof", 2.6, turned=False))
    dark = b.material(plain((0.025, 0.03, 0.035), gloss=0.10, shininess=1e5))
    blue = b.material(toned("shutter", (0.035, 0.075, 0.11), (0.13, 0.25, 0.33), 1.0, fit=True))
    white = b.material(plain((0.66, 0.63, 0.57)))
    wood = b.material(toned("wood", (0.07, 0.035, 0.018), (0.17, 0.09, 0.045), 0.6))
    wall_x, top = -3.3, 4.3
    b.box((wall_x - 1.5, 4.0, top / 2), (1.5, 7.0, top / 2), ochre)
    b.box((wall_x + 0.02, 4.0, 0.28), (0.05, 7.0, 0.28), stone)
    b.box((wall_x - 1.35, 4.0, top + 0.42), (1.9, 7.3, 0.06), roof, (0, 0, 0.36))
    b.box((wall_x + 0.14, 4.0, top - 0.06), (0.16, 7.0, 0.05), wood)
    for y in (-1.2, 3.2, 5.9, 8.6):
        _window(b, wall_x, y, 1.55, (dark, white, blue, stone), 0.62, 0.48)
    for y in (-1.2, 1.15, 3.2, 5.9, 8.6):
        _window(b, wall_x, y, 3.3, (dark, white, blue, stone), 0.5, 0.42)
    y = 1.15
    b.box((wall_x + 0.03, y, 1.12), (0.06, 0.62, 1.14), stone)
    b.box((wall_x + 0.08, y, 1.05), (0.03, 0.48, 1.05), wood)
    for z in (0.55, 1.45):
        for side in (-0.23, 0.23):
            b.box((wall_x + 0.115, y + side, z), (0.01, 0.17, 0.33), wood)
    b.ellipsoid((wall_x + 0.15, y + 0.38, 1.02), (0.03, 0.03, 0.03), b.material(plain((0.35, 0.24, 0.09), gloss=0.3)))
    b.box((wall_x + 0.3, y, 0.07), (0.35, 0.75, 0.07), stone)


def _window(
    b: SceneBuilder, x: float, y: float, z: float, materials: tuple[int, int, int, int], half_h: float, half_w: float
) -> None:
    glass, frame, shutter, stone = materials
    b.box((x + 0.01, y, z), (0.03, half_w + 0.08, half_h + 0.08), stone)
    b.box((x + 0.03, y, z), (0.02, half_w, half_h), glass)
    b.box((x + 0.05, y, z), (0.012, 0.022, half_h), frame)
    b.box((x + 0.05, y, z + 0.2 * half_h), (0.012, half_w, 0.018), frame)
    b.box((x + 0.08, y, z - half_h - 0.1), (0.12, half_w + 0.14, 0.035), stone)
    for side in (-1, 1):
        b.box((x + 0.06, y + side * (1.5 * half_w + 0.09), z), (0.022, half_w * 0.5, half_h + 0.02), shutter)


def _back(b: SceneBuilder) -> None:
    """A garden wall with an arch, houses and hills beyond; a low wall at the right."""
    brick = b.material(painted("bricks", 1.5))
    stone = b.material(toned("stone", (0.46, 0.41, 0.34), (0.64, 0.59, 0.50), 0.8))
    y = 9.4
    for low, high in ((-3.3, -1.15), (0.75, 6.5)):
        b.box(((low + high) / 2, y, 1.25), ((high - low) / 2, 0.16, 1.25), brick)
        b.box(((low + high) / 2, y, 2.54), ((high - low) / 2, 0.22, 0.05), stone)
    for x in (-1.15, 0.75):
        b.box((x, y, 1.42), (0.17, 0.23, 1.42), stone)
    for k in range(13):
        angle = math.pi * k / 12
        centre = (-0.2 + 0.95 * math.cos(angle), y, 2.75 + 0.62 * math.sin(angle))
        b.box(centre, (0.15, 0.23, 0.13), stone, (0, 0, -angle))
    low_wall = b.material(painted("bricks", 1.5))
    b.box((4.6, 3.0, 0.55), (0.16, 6.4, 0.55), low_wall)
    b.box((4.6, 3.0, 1.13), (0.22, 6.4, 0.04), stone)
    grass = b.material(painted("grass", 1.6))
    b.box((0, 40, -0.02), (60, 30.3, 0.03), grass)
    path = b.material(toned("stone", (0.45, 0.38, 0.28), (0.62, 0.55, 0.43), 1.1))
    b.box((-0.2, 22, -0.01), (0.9, 12.4, 0.03), path)
    _village(b)


def _village(b: SceneBuilder) -> None:
    roof = b.material(painted("roof", 3.0))
    plasters = (
        ((0.60, 0.50, 0.36), (0.74, 0.65, 0.50)),
        ((0.62, 0.44, 0.30), (0.76, 0.57, 0.42)),
        ((0.62, 0.58, 0.50), (0.78, 0.74, 0.66)),
    )
    walls = [b.material(toned("plaster", low, high, 4.0)) for low, high in plasters]
    dark = b.material(plain((0.05, 0.06, 0.07)))
    for x, y, half, tall, which in (
        (-7.5, 33, 3.2, 5.2, 0),
        (3.4, 38, 2.8, 6.6, 2),
        (9.5, 33, 3.4, 4.8, 1),
        (16, 40, 3.5, 6.0, 0),
    ):
        b.box((x, y, tall / 2), (half, 2.6, tall / 2), walls[which])
        for side in (-1, 1):
            b.box((x, y + side * 1.45, tall + 0.62), (half + 0.3, 1.75, 0.08), roof, (0, -side * 0.42, 0))
        for level in (0.28, 0.68):
            for share in (-0.55, 0.0, 0.55):
                b.box((x + share * half, y - 2.6, tall * level + 0.3), (0.32, 0.05, 0.5), dark)
    hills = b.material(toned("foliage", (0.06, 0.10, 0.045), (0.20, 0.24, 0.11), 40.0))
    for x, y, wide, tall in ((-38, 92, 48, 14), (30, 100, 52, 19), (80, 96, 46, 15), (-85, 98, 50, 20)):
        b.ellipsoid((x, y, -4), (wide, 22, tall), hills)


def _trees(b: SceneBuilder, rng: np.random.Generator) -> None:
    bark = b.material(toned("bark", (0.09, 0.07, 0.055), (0.30, 0.25, 0.20), 0.6))
    olive = b.material(toned("foliage", (0.08, 0.12, 0.055), (0.26, 0.31, 0.17), 0.5))
    green = b.material(toned("foliage", (0.035, 0.085, 0.02), (0.19, 0.29, 0.06), 0.5))
    cypress = b.material(toned("foliage", (0.012, 0.038, 0.014), (0.055, 0.105, 0.035), 0.7))
    tree(b, (2.9, 4.6, 0), bark, olive, rng, height=4.3, crown=1.55, sprigs=120, size=0.42)
    tree(b, (6.8, 11.5, 0), bark, green, rng, height=5.6, crown=2.0, sprigs=60, size=0.8)
    for x, y, tall in ((-5.4, 17.0, 8.0), (-3.6, 19.5, 7.0), (2.6, 24.0, 7.5), (13.0, 26.0, 8.5)):
        b.frustum((x, y, 0.5), (0.14, 0.14, 0.5), bark)
        b.ellipsoid((x, y, 0.6 + tall * 0.45), (0.75, 0.75, tall * 0.45), cypress)
        b.frustum((x, y, tall * 0.95), (0.5, 0.5, tall * 0.2), cypress, taper=0.0)
    stone = b.material(toned("stone", (0.36, 0.32, 0.26), (0.54, 0.49, 0.41), 0.7))
    b.frustum((2.9, 4.6, 0.16), (0.85, 0.85, 0.16), stone)
    b.frustum(
        (2.9, 4.6, 0.325), (0.74, 0.74, 0.006), b.material(toned("grass", (0.05, 0.035, 0.02), (0.13, 0.10, 0.05), 0.4))
    )


def _things(b: SceneBuilder, rng: np.random.Generator) -> None:
    wood = b.material(toned("wood", (0.16, 0.10, 0.055), (0.34, 0.24, 0.145), 0.5))
    iron = b.material(plain((0.028, 0.03, 0.032), gloss=0.05, shininess=60.0))
    with b.at(3.75, 1.9, 0, -1.2):
        for k in range(4):
            b.box((0, -0.20 + 0.125 * k, 0.45), (0.75, 0.052, 0.018), wood)
        for k in range(3):
            b.box((0, 0.27 + 0.035 * k, 0.60 + 0.135 * k), (0.75, 0.014, 0.052), wood, (0, -0.25, 0))
        for x in (-0.66, 0.66):
            b.rod((x, -0.2, 0), (x, -0.2, 0.44), 0.022, iron)
            b.rod((x, 0.24, 0), (x, 0.24, 0.44), 0.022, iron)
            b.rod((x, 0.24, 0.44), (x, 0.38, 0.95), 0.02, iron)
            b.rod((x, -0.24, 0.66), (x, 0.30, 0.68), 0.018, iron)
            b.rod((x, -0.2, 0.44), (x, -0.2, 0.66), 0.016, iron)
    _pots(b, rng)
    cloth = b.material(toned("linen", (0.36, 0.10, 0.05), (0.55, 0.20, 0.10), 0.25))
    with b.at(1.75, 0.75, 0.0):
        round_table(
            b, (0, 0, 0), 0.42, 0.74, b.material(toned("wood", (0.20, 0.12, 0.06), (0.40, 0.27, 0.16), 0.5)), iron
        )
        mug(b, (0.08, -0.18, 0.74), b.material(plain((0.62, 0.60, 0.55), gloss=0.05, shininess=100.0)), iron, size=1.1)
        b.frustum((-0.1, 0.1, 0.80), (0.045, 0.045, 0.06), b.material(plain((0.07, 0.17, 0.24), gloss=0.05)), taper=0.7)
    with b.at(1.05, 1.05, 0, 1.15):
        chair(b, wood, cloth)
    with b.at(2.45, 0.55, 0, -1.75):
        chair(b, wood, cloth)
    x, y = 1.75, 8.6
    b.frustum((x, y, 0.15), (0.13, 0.13, 0.15), iron, taper=0.6)
    b.rod((x, y, 0.2), (x, y, 3.0), 0.04, iron, taper=0.7)
    b.frustum((x, y, 3.16), (0.11, 0.11, 0.16), b.material(plain((0.72, 0.68, 0.55))), taper=1.5)
    b.frustum((x, y, 3.38), (0.20, 0.20, 0.06), iron, taper=0.1)


def _pots(b: SceneBuilder, rng: np.random.Generator) -> None:
    clay = b.material(toned("stone", (0.40, 0.17, 0.085), (0.58, 0.29, 0.16), 0.4))
    soil = b.material(plain((0.05, 0.035, 0.025)))
    green = b.material(toned("foliage", (0.03, 0.09, 0.02), (0.16, 0.28, 0.06), 0.3))
    petals = [
        b.material(plain(c)) for c in ((0.70, 0.05, 0.09), (0.78, 0.30, 0.42), (0.80, 0.72, 0.62), (0.75, 0.36, 0.03))
    ]
    places = (
        (-2.75, 0.05, 1.0),
        (-2.55, -0.5, 0.72),
        (-2.72, 2.2, 0.95),
        (-2.8, 4.55, 1.0),
        (-2.6, 5.1, 0.7),
        (-2.8, 7.2, 1.0),
        (1.05, 8.95, 0.9),
        (-1.6, 8.9, 0.9),
    )
    for number, (x, y, size) in enumerate(places):
        r, h = 0.19 * size, 0.18 * size
        b.frustum((x, y, h), (r, r, h), clay, taper=1.32)
        b.frustum((x, y, 2 * h), (r * 1.42, r * 1.42, 0.03 * size), clay)
        b.frustum((x, y, 2 * h + 0.032 * size), (r * 1.3, r * 1.3, 0.003), soil)
        for k in range(9):
            angle, out = k * 2.4, r * rng.uniform(0.2, 1.2)
            centre = (x + out * math.cos(angle), y + out * math.sin(angle), 2 * h + size * rng.uniform(0.12, 0.5))
            turn = (rng.uniform(0, 6.28), rng.uniform(-1.2, 1.2), 0.0)
            b.card(centre, (0.27 * size, 0.27 * size), green, turn, mask=MASKS["sprig" if k % 2 else "spray"])
        for k in range(9):
            angle, out = k * 2.4 + 1, r * rng.uniform(0.3, 1.7)
            blossom = (x + out * math.cos(angle), y + out * math.sin(angle), 2 * h + size * rng.uniform(0.25, 0.62))
            b.ellipsoid(blossom, (0.032, 0.032, 0.024), petals[number % len(petals)])
