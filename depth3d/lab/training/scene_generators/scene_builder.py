"""Parts of scenes: colours, materials, tables, small objects, people.

All sizes are in metres; all random numbers come from one generator.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from random import Random

from depth3d.lab.training.scene import Material, SceneBuilder, Vector
from depth3d.lab.training.textures import GROUPS, MASKS

_NOTHING = ("plain", "noise", "smears")
_WOODS = ((0.45, 0.27, 0.13), (0.62, 0.43, 0.24), (0.25, 0.13, 0.07), (0.75, 0.6, 0.4), (0.35, 0.12, 0.06))


class WorldBuilder:
    """A scene builder with random colours and materials.

    Attributes:
        build: the builder.
        rng: source of all random numbers.
        budget: number of primitives after which no further furniture is added.
    """

    def __init__(self, rng: Random, budget: int = 64) -> None:
        self.build, self.rng, self.budget = SceneBuilder(), rng, budget

    @property
    def full(self) -> bool:
        """True when the budget is spent."""
        return len(self.build) >= self.budget

    def colour(self, *, saturated: float = 0.25) -> Vector:
        """A colour as things have it: mostly greys and browns, sometimes strong."""
        rng, kind = self.rng, self.rng.random()
        if kind < saturated:
            value, low = rng.uniform(0.15, 0.9), rng.uniform(0.02, 0.5)
            rgb = [value, value * low, value * rng.uniform(low, 1)]
            rng.shuffle(rgb)
            return rgb[0], rgb[1], rgb[2]
        if kind < saturated + 0.2:
            scale = rng.uniform(0.5, 1.3)
            wood = rng.choice(_WOODS)
            return wood[0] * scale, wood[1] * scale, wood[2] * scale
        value = rng.choice([rng.uniform(0.02, 0.9), rng.uniform(0.5, 0.95), rng.uniform(0.02, 0.12)])
        return tuple(value * rng.uniform(0.88, 1.08) for _ in range(3))  # type: ignore[return-value]

    # Long: one random choice for each property of a material.
    def material(
        self,
        groups: Sequence[str] = (),
        *,
        tile: float = 0.0,
        colour: Vector | None = None,
        fit: bool = False,
        picture: float = 0.0,
        emission: float = 0.0,
        saturated: float = 0.25,
        contrast: float | None = None,
    ) -> int:
        """Registers a random material whose texture comes from one of the named groups (any, if none is named)."""
        rng = self.rng
        if not groups:
            groups = _NOTHING if rng.random() < 0.55 else tuple(GROUPS)
        group = rng.choice(list(groups))
        first = colour if colour is not None else self.colour(saturated=saturated)
        if contrast is None:
            contrast = rng.choice([0.1, 0.3, 0.6, 1.0])
        other = self.colour() if rng.random() < 0.3 else tuple(c * rng.uniform(0.3, 1.6) for c in first)
        second: Vector = tuple(min(0.97, a + (b - a) * contrast) for a, b in zip(first, other, strict=True))  # type: ignore[assignment]
        glossy = rng.random() < 0.25
        return self.build.material(
            Material(
                colour=(1.0, 1.0, 1.0) if picture else first,
                colour2=second,
                texture=rng.choice(GROUPS[group]),
                tile=tile or math.exp(rng.uniform(-2.3, 0.9)),
                fit=fit,
                picture=picture,
                stain=rng.choice(GROUPS["smears"]),
                stain_tile=math.exp(rng.uniform(-0.5, 2.0)),
                stain_strength=rng.choice([0.0, 0.1, 0.25, 0.5]),
                bump=rng.choice([0.0, 0.0, 0.2, 0.5]),
                gloss=rng.uniform(0.05, 0.6) if glossy else 0.0,
                shininess=math.exp(rng.uniform(1.5, 5)),
                emission=emission,
                turned=rng.random() < 0.3,
                offset=(rng.random(), rng.random()),
            )
        )

    def wood(self) -> int:
        """Furniture material: wood, lacquer or metal."""
        if self.rng.random() < 0.6:
            return self.material(
                ("wood", "planks", "noise"), colour=self._wood_colour(), tile=self.rng.uniform(0.3, 1.5)
            )
        return self.material(("plain", "noise", "smears"))

    def fabric(self) -> int:
        """Upholstery."""
        return self.material(("weave", "noise", "plain", "stripes", "checker"), tile=self.rng.uniform(0.1, 0.8))

    def _wood_colour(self) -> Vector:
        scale, wood = self.rng.uniform(0.5, 1.4), self.rng.choice(_WOODS)
        return wood[0] * scale, wood[1] * scale, wood[2] * scale


def table(
    world: WorldBuilder, *, clutter: int = 4, width: float = 0.0, depth: float = 0.0, height: float = 0.0
) -> float:
    """A table or desk at the origin with things on it; returns the height of its top."""
    rng, build = world.rng, world.build
    w, d = (width or rng.uniform(0.5, 2.2)) / 2, (depth or rng.uniform(0.45, 1.1)) / 2
    h = height or rng.choice([rng.uniform(0.68, 0.8), rng.uniform(0.35, 0.55)])
    top, leg = world.wood(), world.wood()
    thick = rng.uniform(0.01, 0.035)
    if rng.random() < 0.15:
        w = d
        build.frustum((0, 0, h - thick), (w, d, thick), top)
    else:
        build.box((0, 0, h - thick), (w, d, thick), top)
    if rng.random() < 0.2:
        build.rod((0, 0, 0), (0, 0, h), rng.uniform(0.03, 0.08), leg)
        build.frustum((0, 0, 0.02), (w * 0.6, d * 0.6, 0.02), leg)
    elif rng.random() < 0.3:
        for side in (-1, 1):
            build.box((side * (w - 0.03), 0, h / 2), (0.02, d * 0.95, h / 2 - thick), leg)
    else:
        r = rng.uniform(0.015, 0.045)
        for sx in (-1, 1):
            for sy in (-1, 1):
                build.box((sx * (w - 2 * r), sy * (d - 2 * r), h / 2), (r, r, h / 2 - thick), leg)
    for _ in range(clutter):
        item(world, rng.uniform(-w, w) * 0.85, rng.uniform(-d, d) * 0.85, h)
    return h


def item(world: WorldBuilder, x: float, y: float, z: float, scale: float = 1.0) -> None:
    """One small thing standing or lying at (x, y, z)."""
    if world.full:
        return
    with world.build.at(x, y, z, world.rng.uniform(-math.pi, math.pi)):
        world.rng.choice(_ITEMS)(world, scale * math.exp(world.rng.uniform(-0.3, 0.3)))


def _bottle(world: WorldBuilder, s: float) -> None:
    r, h, m = (
        world.rng.uniform(0.02, 0.06) * s,
        world.rng.uniform(0.06, 0.16) * s,
        world.material(("plain", "labels", "noise")),
    )
    world.build.frustum((0, 0, h), (r, r, h), m)
    world.build.frustum((0, 0, 2.3 * h), (r * 0.7, r * 0.7, 0.3 * h), world.material(("plain",)), taper=0.5)


def _mug(world: WorldBuilder, s: float) -> None:
    r, h = world.rng.uniform(0.03, 0.06) * s, world.rng.uniform(0.03, 0.07) * s
    world.build.frustum(
        (0, 0, h), (r, r, h), world.material(("plain", "stripes", "labels")), taper=world.rng.uniform(0.8, 1.4)
    )


def _book(world: WorldBuilder, s: float) -> None:
    w, d, z = world.rng.uniform(0.07, 0.13) * s, world.rng.uniform(0.09, 0.17) * s, 0.0
    for _ in range(world.rng.choice([1, 1, 1, 2, 4])):
        h = world.rng.uniform(0.004, 0.022) * s
        m = world.material(("labels", "picture", "plain"), fit=True, picture=world.rng.choice([0.0, 1.0]))
        world.build.box((world.rng.gauss(0, 0.01), 0, z + h), (w, d, h), m, (world.rng.gauss(0, 0.2), 0, 0))
        z += 2 * h


def _paper(world: WorldBuilder, s: float) -> None:
    m = world.material(("text", "picture", "plain"), fit=True, picture=1.0)
    world.build.box((0, 0, 0.001), (0.105 * s, 0.148 * s, 0.001), m)


def _carton(world: WorldBuilder, s: float) -> None:
    half = (world.rng.uniform(0.03, 0.15) * s, world.rng.uniform(0.03, 0.12) * s, world.rng.uniform(0.02, 0.13) * s)
    m = world.material(("labels", "plain", "noise", "text"), fit=True, picture=world.rng.choice([0.0, 0.0, 1.0]))
    world.build.box((0, 0, half[2]), half, m)


def _ball(world: WorldBuilder, s: float) -> None:
    r = world.rng.uniform(0.03, 0.12) * s
    world.build.ellipsoid((0, 0, r), (r * world.rng.uniform(0.8, 1.2), r, r), world.material(tile=0.2))


def _bowl(world: WorldBuilder, s: float) -> None:
    r, h = world.rng.uniform(0.06, 0.14) * s, world.rng.uniform(0.01, 0.05) * s
    world.build.frustum((0, 0, h), (r * 0.6, r * 0.6, h), world.material(("plain", "noise")), taper=1.7)


def _laptop(world: WorldBuilder, s: float) -> None:
    dark = world.material(("plain",), colour=(0.05, 0.05, 0.06))
    w, d, tilt = 0.16 * s, 0.11 * s, world.rng.uniform(0.1, 0.5)
    world.build.box((0, 0, 0.01), (w, d, 0.01), world.material(("plain", "checker"), tile=0.1))
    screen = world.material(("picture", "text"), fit=True, picture=1.0, emission=world.rng.choice([0.0, 1.0]))
    world.build.box((0, d + d * math.sin(tilt), 0.01 + d * math.cos(tilt)), (w, 0.004, d), screen, (0, -tilt, 0))
    world.build.box((0, d + 0.012 + d * math.sin(tilt), 0.01 + d * math.cos(tilt)), (w, 0.004, d), dark, (0, -tilt, 0))


def _monitor(world: WorldBuilder, s: float) -> None:
    dark = world.material(("plain",), colour=(0.04, 0.04, 0.045))
    w, h = world.rng.uniform(0.2, 0.35) * s, world.rng.uniform(0.14, 0.22) * s
    world.build.box((0, 0, 0.1 * s + h), (w, 0.02, h), dark)
    screen = world.material(
        ("picture", "text", "plain"), fit=True, picture=1.0, emission=world.rng.choice([0.0, 1.0, 2.0])
    )
    world.build.card((0, -0.0215, 0.1 * s + h), (w * 0.95, h * 0.93), screen, (0, math.pi / 2, 0))
    world.build.box((0, 0.03, 0.06 * s), (0.03, 0.02, 0.06 * s), dark)
    world.build.box((0, 0, 0.008), (0.12, 0.09, 0.008), dark)


def _desk_lamp(world: WorldBuilder, s: float) -> None:
    m, h = world.material(("plain",)), world.rng.uniform(0.2, 0.4) * s
    world.build.rod((0, 0, 0), (0, 0, h), 0.01, m)
    shade = world.material(("plain",), colour=(0.9, 0.8, 0.6), emission=world.rng.choice([0.0, 1.5]))
    world.build.frustum((0, 0, h), (0.11 * s, 0.11 * s, 0.07 * s), shade, taper=0.6)


def _pot_plant(world: WorldBuilder, s: float) -> None:
    r = world.rng.uniform(0.04, 0.09) * s
    world.build.frustum((0, 0, r), (r * 0.8, r * 0.8, r), world.material(("plain", "noise")), taper=1.25)
    foliage(world, (0, 0, r * 3.6), r * 2, 3)


_ITEMS: tuple[Callable[[WorldBuilder, float], None], ...] = (
    _bottle, _bottle, _mug, _mug, _book, _book, _paper, _paper, _carton, _carton, _ball, _bowl, _laptop, _monitor,
    _desk_lamp, _pot_plant,
)  # fmt: skip


def foliage(world: WorldBuilder, centre: Vector, radius: float, parts: int) -> None:
    """Leaves around a centre: cards with holes and ragged balls."""
    rng = world.rng
    green = (rng.uniform(0.02, 0.25), rng.uniform(0.1, 0.4), rng.uniform(0.01, 0.1))
    m = world.material(("leaves", "grass"), colour=green, contrast=0.8, tile=radius * rng.uniform(0.5, 2))
    for _ in range(parts):
        place = tuple(c + rng.gauss(0, 0.45) * radius for c in centre)
        r = radius * rng.uniform(0.5, 1.0)
        if rng.random() < 0.6:
            turn = (rng.uniform(-3, 3), rng.uniform(0.6, 2.4), rng.uniform(-1, 1))
            world.build.card(place, (r, r), m, turn, mask=rng.choice(MASKS["leaves"]))  # type: ignore[arg-type]
        else:
            half = (r * rng.uniform(0.6, 1), r * rng.uniform(0.6, 1), r * rng.uniform(0.5, 1))
            world.build.ellipsoid(place, half, m, (rng.uniform(-3, 3), rng.uniform(-0.5, 0.5), 0))  # type: ignore[arg-type]


def person(world: WorldBuilder) -> None:
    """Someone standing at the origin, or sitting lower."""
    rng, build = world.rng, world.build
    h = rng.uniform(1.45, 1.9)
    trousers, shirt = world.fabric(), world.fabric()
    skin = world.material(
        ("plain", "smears"), colour=rng.choice([(0.7, 0.48, 0.36), (0.3, 0.17, 0.1), (0.55, 0.35, 0.22)])
    )
    stride = rng.uniform(0.05, 0.3)
    for side in (-1, 1):
        build.rod((side * 0.1, side * stride, 0), (side * 0.08, 0, 0.47 * h), 0.055, trousers, taper=1.4)
        swing = rng.uniform(-0.3, 0.3)
        build.rod((side * 0.22, 0, 0.8 * h), (side * rng.uniform(0.2, 0.4), swing, 0.45 * h), 0.045, shirt, taper=0.8)
    build.ellipsoid((0, 0, 0.64 * h), (0.2, 0.13, 0.2 * h), shirt)
    build.ellipsoid((0, 0, 0.93 * h), (0.085, 0.1, 0.115), skin)
    build.ellipsoid((0, 0.02, 0.95 * h), (0.09, 0.1, 0.11), world.material(("plain",), colour=(0.08, 0.05, 0.03)))
