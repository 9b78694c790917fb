"""Free-floating clutter and single things seen from close by: shapes without the habits of rooms."""

from __future__ import annotations

import math
from random import Random

from depth3d.lab.training.scene import Light, Scene, Sky
from depth3d.lab.training.scene_generators.furniture import AGAINST_WALL, FREE
from depth3d.lab.training.scene_generators.scene_builder import WorldBuilder, foliage, item
from depth3d.lab.training.scene_generators.viewpoint import View


def floating(rng: Random) -> tuple[Scene, View]:
    """Shapes of every kind anywhere before a backdrop."""
    world = WorldBuilder(rng, 60)
    build = world.build
    if rng.random() < 0.8:
        tilt = (rng.gauss(0, 0.5), math.pi / 2 + rng.gauss(0, 0.4), 0.0)
        build.plane((0, rng.uniform(4, 12), 0), world.material(tile=rng.uniform(0.5, 4)), tilt)
    if rng.random() < 0.6:
        build.plane((0, 0, -rng.uniform(0.5, 2.5)), world.material(tile=rng.uniform(0.3, 3)))
    for _ in range(rng.randint(6, 40)):
        y = math.exp(rng.uniform(0, 2.0))
        place = (rng.uniform(-0.8, 0.8) * y, y, rng.uniform(-0.6, 0.6) * y)
        size = y * rng.uniform(0.02, 0.22)
        half = (size * rng.uniform(0.3, 1.5), size * rng.uniform(0.3, 1.5), size * rng.uniform(0.3, 1.5))
        turn = (rng.uniform(-3, 3), rng.uniform(-3, 3), rng.uniform(-3, 3))
        kind, m = rng.random(), world.material(tile=size * rng.uniform(0.5, 4))
        if kind < 0.35:
            build.box(place, half, m, turn)
        elif kind < 0.6:
            build.ellipsoid(place, half, m, turn)
        elif kind < 0.8:
            build.frustum(place, half, m, turn, taper=rng.choice([1.0, 0.05, rng.uniform(0.3, 1.5)]))
        elif kind < 0.9:
            build.card(place, (half[0], half[1]), m, turn, mask=rng.randrange(24))
        else:
            foliage(world, place, size, 3)
    view = View.handheld(rng, (0.0, 0.0, 0.0), rng.gauss(0, 0.1), rng.gauss(0, 8))
    return _build_lit(world, 3.0), view


def close(rng: Random) -> tuple[Scene, View]:
    """One or a few things on a floor or table right before the camera."""
    world = WorldBuilder(rng, 50)
    build = world.build
    build.plane((0, 0, 0), world.material(tile=rng.uniform(0.2, 1.5)))
    back = rng.uniform(0.6, 3.5)
    if rng.random() < 0.75:
        build.plane((0, back, 0), world.material(tile=rng.uniform(0.3, 2)), (rng.gauss(0, 0.4), math.pi / 2, 0))
    large = rng.random() < 0.4
    for _ in range(rng.randint(1, 3) if large else rng.randint(2, 12)):
        y = rng.uniform(0.1, 0.8) * back
        if large:
            with build.at(rng.uniform(-0.5, 0.5) * back, y, 0, rng.uniform(-3, 3)):
                rng.choice(AGAINST_WALL + FREE)(world)
        else:
            item(world, rng.uniform(-0.5, 0.5) * back, y, 0, rng.uniform(1, 2))
    distance = rng.uniform(0.5, 1.5) * (1.6 if large else 0.6)
    height = distance * rng.uniform(0.15, 1.3)
    drop = math.degrees(math.atan2(height - (0.3 if large else 0.05), distance + 0.3 * back))
    eye = (rng.gauss(0, 0.2), -distance, height)
    return _build_lit(world, 2.0), View.handheld(rng, eye, rng.gauss(0, 0.2), -drop + rng.gauss(0, 7))


def _build_lit(world: WorldBuilder, reach: float) -> Scene:
    rng = world.rng
    power, ambient = rng.uniform(0.5, 3), rng.uniform(0.2, 1.0)
    colour = (power * rng.uniform(0.7, 1), power * rng.uniform(0.7, 1), power * rng.uniform(0.6, 1))
    place = (rng.uniform(-1, 1) * reach, rng.uniform(-1, 0.5) * reach, rng.uniform(0.6, 1.2) * reach)
    lamp = Light(place, colour, False, rng.choice([0.02, 0.2]))
    tones = [ambient * rng.uniform(0.6, 1.1) for _ in range(6)]
    sky = Sky(ambient_up=(tones[0], tones[1], tones[2]), ambient_down=(tones[3] * 0.7, tones[4] * 0.7, tones[5] * 0.7))
    return world.build.build((lamp,), sky)
