"""Breakfast on a desk by the window, seen from a chair."""

from __future__ import annotations

import math

import numpy as np

from depth3d.core.camera import Intrinsics, Pose
from depth3d.lab.samples.light import Window
from depth3d.lab.samples.props import book_row, leaf, mug, painted, plain, toned
from depth3d.lab.training.render import look_at
from depth3d.lab.training.scene import Light, Material, Scene, SceneBuilder, Sky

# Places whose distance a visitor with a tape would know, in world coordinates; z = 0 is the table top.
MARKS = {
    "near rim of the mug": (-0.135, 0.23, 0.095),
    "middle of the open book": (-0.02, 0.60, 0.017),
    "foot of the lamp": (-0.56, 0.90, 0.012),
    "red apple at the left": (0.30, 0.465, 0.045),
    "vase, widest place": (0.065, 0.95, 0.07),
}
LENGTHS = {"width of the open book": ((-0.183, 0.464, 0.0175), (0.167, 0.499, 0.0175))}


def scene() -> Scene:
    """The table top, what lies on it, and the wall behind."""
    b = SceneBuilder()
    rng = np.random.default_rng(5)
    _room(b)
    _breakfast(b)
    _reading(b, rng)
    _lamp(b)
    _flowers(b, rng)
    sun = Light((-0.865, 0.18, 0.40), (4.3, 3.35, 2.15), sun=True, radius=0.016)
    sky = Sky(zenith=(0.6, 0.8, 1.2), horizon=(1.25, 1.35, 1.5), clouds=0.0, ambient_up=(0.30, 0.28, 0.26),
              ambient_down=(0.24, 0.20, 0.16))  # fmt: skip
    return b.build([sun], sky)


def windows() -> tuple[Window, ...]:
    """A tall window at the left."""
    return (Window((-1.52, 0.75, 0.65), (0.0, 0.65, 0.0), (0.0, 0.0, 0.55), 4.0),)


def camera(width: int = 1280, height: int = 960) -> Intrinsics:
    """A lens of 52 degrees."""
    return Intrinsics.from_fov(width, height, fov_x_deg=52.0, source="rendered")


def pose() -> Pose:
    """Looking down a little."""
    return look_at((0.05, -0.46, 0.52), (-0.01, 0.62, 0.12))


def _room(b: SceneBuilder) -> None:
    """Z = 0 is the table top."""
    oak = b.material(painted("planks", 0.9, colour=(0.85, 0.80, 0.74), gloss=0.03, shininess=300.0))
    wall = b.material(toned("plaster", (0.34, 0.42, 0.44), (0.44, 0.53, 0.55), 1.2))
    warm = b.material(toned("plaster", (0.66, 0.62, 0.55), (0.78, 0.74, 0.67), 1.2))
    white = b.material(plain((0.78, 0.76, 0.72)))
    b.box((0, 0.55, -0.02), (1.15, 0.62, 0.02), oak)
    b.box((0, 1.45, 0.3), (3.0, 0.05, 1.6), wall)
    b.box((2.2, 0, 0.3), (0.05, 3.0, 1.6), warm)
    b.box((0, -2.5, 0.3), (3.0, 0.05, 1.6), warm)
    b.box((0, 0, -0.76), (3.0, 3.0, 0.02), warm)
    b.box((0, 0, 1.75), (3.0, 3.0, 0.02), white)
    for y, z, half_y, half_z in (
        (-1.3, 0.3, 1.4, 1.6),
        (1.65, 0.3, 0.25, 1.6),
        (0.75, -0.4, 0.66, 0.5),
        (0.75, 1.55, 0.66, 0.35),
    ):
        b.box((-1.5, y, z), (0.04, half_y, half_z), white)
    b.box((-1.5, 0.75, 0.65), (0.02, 0.02, 0.56), white)
    b.box((-1.5, 0.75, 0.85), (0.02, 0.66, 0.018), white)


def _breakfast(b: SceneBuilder) -> None:
    linen = b.material(toned("stripes", (0.62, 0.60, 0.55), (0.17, 0.25, 0.33), 0.16))
    plate = b.material(toned("glaze", (0.50, 0.52, 0.52), (0.66, 0.67, 0.65), 0.3, gloss=0.05, shininess=300.0))
    glaze = b.material(toned("glaze", (0.27, 0.145, 0.085), (0.64, 0.62, 0.56), 0.1, gloss=0.05, shininess=300.0))
    coffee = b.material(plain((0.035, 0.017, 0.009), gloss=0.05, shininess=2e4))
    b.box((0.16, 0.30, 0.0015), (0.17, 0.13, 0.0015), linen, (0.12, 0, 0))
    b.frustum((0.14, 0.30, 0.007), (0.075, 0.075, 0.004), plate, taper=1.5)
    b.frustum((0.14, 0.30, 0.0122), (0.105, 0.105, 0.0012), plate, taper=1.06)
    bread = b.material(toned("stone", (0.40, 0.20, 0.07), (0.60, 0.37, 0.155), 0.3))
    b.ellipsoid((0.115, 0.315, 0.036), (0.062, 0.04, 0.027), bread, (0.5, 0, 0))
    b.ellipsoid((0.178, 0.285, 0.032), (0.045, 0.033, 0.022), bread, (-0.5, 0, 0))
    steel = b.material(plain((0.42, 0.42, 0.42), gloss=0.45, shininess=1e5))
    b.box((0.272, 0.27, 0.0048), (0.005, 0.062, 0.0012), steel, (-0.08, 0, 0))
    b.box((0.266, 0.36, 0.0048), (0.0085, 0.04, 0.0008), steel, (-0.08, 0, 0))
    mug(b, (-0.135, 0.27, 0), glaze, coffee, size=1.05)
    apple = b.material(toned("peel", (0.33, 0.012, 0.014), (0.56, 0.10, 0.04), 0.16, gloss=0.05, shininess=60.0))
    pear = b.material(toned("peel", (0.42, 0.40, 0.06), (0.62, 0.58, 0.14), 0.11, gloss=0.04, shininess=40.0))
    wood = b.material(plain((0.10, 0.06, 0.03)))
    b.ellipsoid((0.31, 0.50, 0.036), (0.041, 0.041, 0.036), apple)
    b.rod((0.31, 0.50, 0.066), (0.318, 0.503, 0.088), 0.0022, wood)
    b.ellipsoid((0.395, 0.455, 0.035), (0.039, 0.039, 0.035), apple)
    b.rod((0.395, 0.455, 0.064), (0.389, 0.46, 0.085), 0.0022, wood)
    b.ellipsoid((0.385, 0.56, 0.04), (0.039, 0.039, 0.04), pear)
    b.ellipsoid((0.388, 0.56, 0.078), (0.023, 0.023, 0.032), pear)
    b.rod((0.389, 0.56, 0.105), (0.395, 0.562, 0.125), 0.0022, wood)
    honey = b.material(plain((0.50, 0.22, 0.025), gloss=0.06, shininess=2e4))
    b.frustum((-0.285, 0.47, 0.045), (0.036, 0.036, 0.045), honey)
    b.frustum((-0.285, 0.47, 0.0985), (0.0365, 0.0365, 0.0085), b.material(plain((0.60, 0.56, 0.47))))
    b.frustum((-0.285, 0.47, 0.05), (0.0364, 0.0364, 0.022), b.material(plain((0.66, 0.60, 0.48))))


def _reading(b: SceneBuilder, rng: np.random.Generator) -> None:
    page = b.material(painted("page", fit=True))
    cover = b.material(toned("linen", (0.05, 0.10, 0.14), (0.09, 0.16, 0.21), 0.05))
    paper = b.material(plain((0.66, 0.62, 0.53)))
    with b.at(-0.02, 0.60, 0, 0.10):
        b.box((0, 0, 0.003), (0.185, 0.128, 0.003), cover)
        b.box((0, 0, 0.0115), (0.178, 0.122, 0.0055), paper)
        b.card((0, 0, 0.0175), (0.178, 0.122), page)
    pencil = b.material(plain((0.62, 0.36, 0.03)))
    with b.at(-0.22, 0.235, 0.005, 0.9):
        b.rod((-0.08, 0, 0), (0.07, 0, 0), 0.0042, pencil)
        b.rod((0.07, 0, 0), (0.088, 0, 0), 0.0042, b.material(plain((0.55, 0.40, 0.24))), taper=0.15)
        b.rod((-0.094, 0, 0), (-0.08, 0, 0), 0.0044, b.material(plain((0.52, 0.16, 0.14))))
    covers = (
        (0.36, 0.07, 0.045), (0.06, 0.13, 0.20), (0.58, 0.50, 0.36), (0.08, 0.17, 0.12), (0.52, 0.31, 0.08),
        (0.17, 0.14, 0.13),
    )  # fmt: skip
    colours = [b.material(plain(c)) for c in covers]
    book_row(b, (0.36, 0.98, 0), 0.42, colours, rng, tall=0.24)
    b.box((0.345, 1.06, 0.06), (0.012, 0.05, 0.06), b.material(plain((0.07, 0.07, 0.07))))
    b.box((0.62, 0.72, 0.018), (0.11, 0.085, 0.018), colours[1], (0.3, 0, 0))
    b.box((0.62, 0.72, 0.048), (0.10, 0.075, 0.012), colours[4], (0.12, 0, 0))
    b.box((0.615, 0.72, 0.072), (0.092, 0.07, 0.012), colours[2], (0.42, 0, 0))


def _lamp(b: SceneBuilder) -> None:
    green = b.material(plain((0.05, 0.12, 0.095), gloss=0.06, shininess=200.0))
    brass = b.material(plain((0.46, 0.29, 0.10), gloss=0.30, shininess=200.0))
    b.frustum((-0.56, 0.98, 0.012), (0.095, 0.095, 0.012), green, taper=0.9)
    b.rod((-0.56, 0.98, 0.02), (-0.66, 1.02, 0.33), 0.0075, brass)
    b.rod((-0.66, 1.02, 0.33), (-0.44, 0.93, 0.52), 0.0075, brass)
    for joint in ((-0.56, 0.98, 0.028), (-0.66, 1.02, 0.33), (-0.44, 0.93, 0.52)):
        b.ellipsoid(joint, (0.014, 0.014, 0.014), brass)
    b.rod((-0.36, 0.90, 0.405), (-0.45, 0.935, 0.53), 0.085, green, taper=0.35)
    b.ellipsoid(
        (-0.365, 0.902, 0.41),
        (0.03, 0.03, 0.03),
        b.material(Material(colour=(0.9, 0.85, 0.7), colour2=(0.9, 0.85, 0.7), emission=0.6)),
    )


def _flowers(b: SceneBuilder, rng: np.random.Generator) -> None:
    vase = b.material(toned("glaze", (0.13, 0.22, 0.27), (0.60, 0.58, 0.53), 0.2, gloss=0.05, shininess=200.0))
    stem = b.material(plain((0.10, 0.19, 0.05)))
    green = b.material(toned("foliage", (0.04, 0.10, 0.025), (0.16, 0.29, 0.07), 0.1))
    petals = [b.material(plain(c)) for c in ((0.80, 0.74, 0.62), (0.78, 0.50, 0.12), (0.72, 0.25, 0.16))]
    heart = b.material(plain((0.40, 0.22, 0.03)))
    x, y = 0.075, 1.02
    b.ellipsoid((x, y, 0.075), (0.072, 0.072, 0.075), vase)
    b.frustum((x, y, 0.155), (0.034, 0.034, 0.032), vase, taper=1.25)
    for k in range(11):
        angle, out = k * 2.39996, 0.05 + 0.15 * math.sqrt((k + 0.5) / 11)
        tip = np.array(
            [x + out * math.cos(angle), y + 0.7 * out * math.sin(angle), 0.47 - 0.9 * out + 0.05 * rng.random()]
        )
        b.rod((x, y, 0.17), tuple(float(t) for t in tip), 0.0026, stem)  # type: ignore[arg-type]
        facing = np.array([0.6 * math.cos(angle), -0.8 + 0.3 * math.sin(angle), 0.5])
        facing /= np.linalg.norm(facing)
        _blossom(b, tip, facing, petals[k % 3], heart, 0.040 * rng.uniform(0.85, 1.15))
    for k in range(12):
        angle = k * 2.1
        base = (x + 0.035 * math.cos(angle), y + 0.03 * math.sin(angle), 0.19 + 0.1 * rng.random())
        leaf(
            b,
            base,
            (math.cos(angle), 0.8 * math.sin(angle), rng.uniform(0.1, 1.0)),
            rng.uniform(0.09, 0.14),
            green,
            twist=rng.uniform(-0.6, 0.6),
        )


def _blossom(b: SceneBuilder, centre: np.ndarray, facing: np.ndarray, petal: int, heart: int, size: float) -> None:
    """Nine petals around a heart; `facing` is where it looks."""
    across = np.cross(facing, (0.0, 0.0, 1.0))
    across /= np.linalg.norm(across)
    upwards = np.cross(across, facing)
    turn = (math.atan2(-facing[0], facing[1]), math.asin(float(facing[2])), 0.0)
    for k in range(9):
        angle = k * 2 * math.pi / 9
        out = math.cos(angle) * across + math.sin(angle) * upwards + 0.25 * facing
        x, y, z = (centre + 0.55 * size * out).tolist()
        b.ellipsoid((x, y, z), (0.19 * size, 0.5 * size, 0.05 * size), petal, _pointing(out))
    x, y, z = (centre + 0.1 * size * facing).tolist()
    b.ellipsoid((x, y, z), (0.33 * size, 0.16 * size, 0.33 * size), heart, turn)


def _pointing(direction: np.ndarray) -> tuple[float, float, float]:
    """The turn that takes y to `direction`."""
    d = direction / np.linalg.norm(direction)
    return math.atan2(-d[0], d[1]), math.asin(float(d[2])), 0.0
