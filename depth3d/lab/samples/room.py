"""A living room on a late morning."""

from __future__ import annotations

import numpy as np

from depth3d.core.camera import Intrinsics, Pose
from depth3d.lab.samples.light import Window
from depth3d.lab.samples.props import (
    book_row,
    chair,
    cushion,
    framed,
    mug,
    painted,
    pillow,
    plain,
    potted_plant,
    round_table,
    toned,
)
from depth3d.lab.training.render import look_at
from depth3d.lab.training.scene import Light, Material, Scene, SceneBuilder, Sky

# Places whose distance a visitor with a tape would know, in world coordinates.
MARKS = {
    "front edge of the table top": (-0.12, 1.965, 0.417),
    "middle of the right picture": (0.20, 4.572, 1.72),
    "seat of the chair, front": (1.24, 2.30, 0.502),
    "left corner of the rug": (-1.43, 1.42, 0.012),
    "shade of the lamp": (0.86, 4.10, 1.50),
}
LENGTHS = {"width of the bookcase": ((1.17, 4.295, 1.938), (2.19, 4.295, 1.938))}
LEFT, RIGHT, BACK, FRONT, CEILING = -2.3, 2.3, 4.6, -1.3, 2.65
OPENING_Y, OPENING_Z = (1.15, 3.0), (0.75, 2.25)


def scene() -> Scene:
    """The room, its furniture and its light."""
    b = SceneBuilder()
    rng = np.random.default_rng(3)
    _shell(b)
    _window(b)
    _sofa(b)
    _table(b)
    _shelf(b, rng)
    _corners(b, rng)
    sun = Light((-0.775, 0.22, 0.60), (8.2, 6.9, 5.0), sun=True, radius=0.012)
    sky = Sky(zenith=(0.55, 0.78, 1.25), horizon=(1.35, 1.45, 1.55), clouds=0.0,
              ambient_up=(0.34, 0.315, 0.285), ambient_down=(0.26, 0.22, 0.18))  # fmt: skip
    return b.build([sun], sky)


def windows() -> tuple[Window, ...]:
    """Where the sky shines in."""
    y, z = sum(OPENING_Y) / 2, sum(OPENING_Z) / 2
    half_y, half_z = (OPENING_Y[1] - OPENING_Y[0]) / 2, (OPENING_Z[1] - OPENING_Z[0]) / 2
    return (Window((LEFT - 0.12, y, z), (0.0, half_y, 0.0), (0.0, 0.0, half_z), 4.2),)


def camera(width: int = 1280, height: int = 960) -> Intrinsics:
    """A lens of 64 degrees."""
    return Intrinsics.from_fov(width, height, fov_x_deg=64.0, source="rendered")


def pose() -> Pose:
    """From the door, at eye height."""
    return look_at((0.95, -0.95, 1.42), (-0.18, 3.2, 0.93))


def _shell(b: SceneBuilder) -> None:
    wall = b.material(toned("plaster", (0.74, 0.70, 0.63), (0.84, 0.80, 0.73), 1.6))
    sage = b.material(toned("plaster", (0.25, 0.315, 0.265), (0.33, 0.40, 0.335), 1.8))
    floor = b.material(painted("planks", 1.5, turned=True, gloss=0.035, shininess=220.0))
    white = b.material(plain((0.80, 0.78, 0.74)))
    mid_y, half_y = (BACK + FRONT) / 2, (BACK - FRONT) / 2
    b.box((0, mid_y, -0.05), (RIGHT + 0.1, half_y + 0.1, 0.05), floor)
    b.box((0, mid_y, CEILING + 0.05), (RIGHT + 0.3, half_y + 0.1, 0.05), white)
    b.box((0, BACK + 0.05, CEILING / 2), (RIGHT + 0.3, 0.05, CEILING / 2), sage)
    b.box((0, FRONT - 0.05, CEILING / 2), (RIGHT + 0.3, 0.05, CEILING / 2), wall)
    b.box((RIGHT + 0.05, mid_y, CEILING / 2), (0.05, half_y, CEILING / 2), wall)
    (y0, y1), (z0, z1) = OPENING_Y, OPENING_Z
    x, thick = LEFT - 0.12, 0.12
    for low_y, high_y, low_z, high_z in (
        (FRONT, y0, 0, CEILING),
        (y1, BACK, 0, CEILING),
        (y0, y1, 0, z0),
        (y0, y1, z1, CEILING),
    ):
        b.box(
            (x, (low_y + high_y) / 2, (low_z + high_z) / 2), (thick, (high_y - low_y) / 2, (high_z - low_z) / 2), wall
        )
    b.box((0, BACK - 0.008, 0.05), (RIGHT, 0.008, 0.05), white)
    b.box((RIGHT - 0.008, mid_y, 0.05), (0.008, half_y, 0.05), white)
    b.box((LEFT + 0.008, mid_y, 0.05), (0.008, half_y, 0.05), white)


def _window(b: SceneBuilder) -> None:
    white = b.material(plain((0.82, 0.81, 0.78)))
    linen = b.material(toned("linen", (0.62, 0.58, 0.50), (0.86, 0.83, 0.76), 0.35))
    brass = b.material(plain((0.42, 0.27, 0.10), gloss=0.3, shininess=80.0))
    (y0, y1), (z0, z1) = OPENING_Y, OPENING_Z
    x = LEFT - 0.1
    for y in (y0 + 0.025, (y0 + y1) / 2, y1 - 0.025):
        b.box((x, y, (z0 + z1) / 2), (0.025, 0.025, (z1 - z0) / 2), white)
    for z in (z0 + 0.025, z0 + 0.68 * (z1 - z0), z1 - 0.025):
        b.box((x, (y0 + y1) / 2, z), (0.025, (y1 - y0) / 2, 0.022), white)
    b.box((LEFT + 0.06, (y0 + y1) / 2, z0 - 0.015), (0.1, (y1 - y0) / 2 + 0.06, 0.018), white)
    b.rod((LEFT + 0.1, y0 - 0.5, z1 + 0.17), (LEFT + 0.1, y1 + 0.5, z1 + 0.17), 0.011, brass)
    for side, start in ((1, y1 - 0.02), (-1, y0 + 0.02)):
        for k in range(7):
            y = start + side * 0.062 * k
            depth = 0.034 if k % 2 else 0.05
            b.frustum((LEFT + 0.1, y, 1.225), (depth, 0.043, 1.205), linen, taper=0.72)


def _sofa(b: SceneBuilder) -> None:
    cloth = b.material(toned("linen", (0.30, 0.27, 0.235), (0.52, 0.48, 0.42), 0.30))
    wood = b.material(toned("wood", (0.16, 0.075, 0.03), (0.34, 0.18, 0.08), 0.5))
    ochre = b.material(toned("linen", (0.40, 0.21, 0.035), (0.66, 0.40, 0.10), 0.22))
    ticking = b.material(toned("stripes", (0.74, 0.70, 0.62), (0.10, 0.16, 0.24), 0.55))
    rust = b.material(toned("linen", (0.30, 0.085, 0.045), (0.50, 0.17, 0.09), 0.22))
    with b.at(-0.42, 3.98, 0):
        for x in (-0.95, 0.95):
            for y in (-0.36, 0.36):
                b.rod((x, y, 0), (x, y, 0.14), 0.022, wood, taper=1.4)
        b.box((0, 0, 0.21), (1.02, 0.42, 0.075), cloth)
        for x in (-0.48, 0.48):
            cushion(b, (x, -0.08, 0.36), (0.475, 0.36, 0.09), cloth, edge=0.05)
            cushion(b, (x, 0.31, 0.60), (0.475, 0.13, 0.26), cloth, edge=0.07)
        for x in (-1.06, 1.06):
            cushion(b, (x, 0, 0.36), (0.10, 0.43, 0.25), cloth, edge=0.06)
        pillow(b, (-0.72, 0.06, 0.61), 0.42, ochre, yaw=0.25, lean=1.15)
        pillow(b, (-0.36, 0.02, 0.585), 0.36, ticking, yaw=-0.1, lean=1.05)
        pillow(b, (0.74, 0.05, 0.61), 0.42, rust, yaw=-0.3, lean=1.15)
    hills, shapes = b.material(painted("hills", fit=True)), b.material(painted("shapes", fit=True))
    framed(b, (-0.78, BACK - 0.02, 1.62), (0.42, 0.33), hills, wood)
    framed(b, (0.20, BACK - 0.02, 1.60), (0.27, 0.35), shapes, b.material(plain((0.05, 0.045, 0.04))))


def _table(b: SceneBuilder) -> None:
    rug = b.material(painted("rug", fit=True))
    oak = b.material(toned("wood", (0.25, 0.125, 0.05), (0.50, 0.30, 0.15), 0.45, gloss=0.03, shininess=300.0))
    steel = b.material(plain((0.035, 0.034, 0.033), gloss=0.05, shininess=60.0))
    b.box((-0.1, 2.35, 0.006), (1.35, 0.95, 0.006), rug)
    place, height = (-0.12, 2.42, 0.012), 0.42
    round_table(b, place, 0.46, height, oak, steel)
    x, y, top = place[0], place[1], place[2] + height
    blue = b.material(plain((0.06, 0.12, 0.19)))
    cream = b.material(plain((0.70, 0.63, 0.50)))
    b.box((x - 0.16, y - 0.04, top + 0.016), (0.115, 0.085, 0.016), blue, (0.35, 0, 0))
    b.box((x - 0.155, y - 0.04, top + 0.046), (0.10, 0.075, 0.014), cream, (0.15, 0, 0))
    glaze = b.material(toned("glaze", (0.33, 0.19, 0.11), (0.72, 0.72, 0.68), 0.2, gloss=0.04, shininess=200.0))
    coffee = b.material(plain((0.035, 0.018, 0.010), gloss=0.04, shininess=500.0))
    mug(b, (x + 0.14, y - 0.22, top), glaze, coffee)
    bowl = b.material(plain((0.10, 0.17, 0.18), gloss=0.05, shininess=120.0))
    b.frustum((x + 0.15, y + 0.12, top + 0.035), (0.075, 0.075, 0.035), bowl, taper=1.9)
    b.frustum((x + 0.15, y + 0.12, top + 0.071), (0.136, 0.136, 0.001), b.material(plain((0.03, 0.05, 0.055))))
    orange = b.material(toned("peel", (0.62, 0.20, 0.015), (0.82, 0.36, 0.04), 0.1, gloss=0.04, shininess=30.0))
    lemon = b.material(toned("peel", (0.62, 0.45, 0.04), (0.82, 0.66, 0.10), 0.1, gloss=0.04, shininess=30.0))
    for dx, dy, dz, material in (
        (-0.055, -0.03, 0.095, orange),
        (0.05, -0.04, 0.095, orange),
        (0.0, 0.055, 0.095, lemon),
        (0.0, -0.01, 0.15, orange),
    ):
        b.ellipsoid((x + 0.15 + dx, y + 0.12 + dy, top + dz), (0.042, 0.042, 0.04), material)


def _shelf(b: SceneBuilder, rng: np.random.Generator) -> None:
    wood = b.material(toned("wood", (0.22, 0.11, 0.045), (0.45, 0.26, 0.125), 0.6))
    colours = [
        b.material(plain(c))
        for c in ((0.30, 0.06, 0.04), (0.05, 0.10, 0.17), (0.60, 0.52, 0.38), (0.08, 0.15, 0.10), (0.50, 0.30, 0.08),
                  (0.16, 0.13, 0.12), (0.42, 0.40, 0.37), (0.22, 0.10, 0.12))
    ]  # fmt: skip
    x0, x1, y, top = 1.16, 2.2, BACK - 0.16, 1.95
    for x in (x0, x1):
        b.box((x, y, top / 2), (0.015, 0.145, top / 2), wood)
    levels = [0.09, 0.46, 0.83, 1.20, 1.57, top - 0.012]
    for z in levels:
        b.box(((x0 + x1) / 2, y, z), ((x1 - x0) / 2, 0.145, 0.012), wood)
    front = y - 0.12
    for z, start, length in (
        (0.102, 0.02, 0.62),
        (0.472, 0.34, 0.64),
        (0.842, 0.02, 0.55),
        (1.212, 0.30, 0.70),
        (1.582, 0.02, 0.44),
    ):
        book_row(b, (x0 + start, front, z), length, colours, rng)
    clay = b.material(toned("glaze", (0.45, 0.20, 0.10), (0.68, 0.62, 0.52), 0.3))
    dark = b.material(plain((0.05, 0.07, 0.08), gloss=0.05, shininess=100.0))
    b.frustum((x0 + 0.17, front + 0.09, 0.472 + 0.07), (0.06, 0.06, 0.07), clay, taper=0.7)
    b.ellipsoid((x0 + 0.80, front + 0.10, 0.842 + 0.09), (0.085, 0.085, 0.09), dark)
    b.rod((x0 + 0.80, front + 0.10, 0.842 + 0.16), (x0 + 0.80, front + 0.10, 0.842 + 0.22), 0.025, dark, taper=1.2)
    b.ellipsoid((x0 + 0.16, front + 0.10, 1.212 + 0.075), (0.075, 0.075, 0.075), clay)
    b.frustum((x0 + 0.72, front + 0.10, 1.582 + 0.11), (0.05, 0.05, 0.11), dark, taper=0.55)


def _corners(b: SceneBuilder, rng: np.random.Generator) -> None:
    clay = b.material(toned("stone", (0.42, 0.20, 0.11), (0.56, 0.30, 0.18), 0.5))
    soil = b.material(toned("stone", (0.03, 0.02, 0.015), (0.08, 0.055, 0.04), 0.1))
    stem = b.material(plain((0.09, 0.15, 0.05)))
    green = b.material(toned("foliage", (0.03, 0.09, 0.025), (0.13, 0.26, 0.07), 0.35, gloss=0.03, shininess=30.0))
    potted_plant(b, (-1.86, 4.05, 0), clay, soil, stem, green, rng, height=1.15, leaves=40, leaf_length=0.30)
    wood = b.material(toned("wood", (0.20, 0.10, 0.04), (0.40, 0.23, 0.11), 0.4))
    seat = b.material(toned("linen", (0.10, 0.17, 0.20), (0.20, 0.30, 0.34), 0.25))
    with b.at(1.42, 2.35, 0, -1.05):
        chair(b, wood, seat)
    brass = b.material(plain((0.40, 0.26, 0.10), gloss=0.3, shininess=80.0))
    shade = b.material(Material(colour=(0.80, 0.70, 0.54), colour2=(0.86, 0.77, 0.62), emission=0.25))
    x, y = 0.90, 4.28
    b.frustum((x, y, 0.012), (0.14, 0.14, 0.012), brass)
    b.rod((x, y, 0.02), (x, y, 1.40), 0.011, brass)
    b.frustum((x, y, 1.50), (0.20, 0.20, 0.14), shade, taper=0.68)
