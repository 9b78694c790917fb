"""Rooms, corridors and halls, and what people look at in them."""

from __future__ import annotations

import math
from random import Random

from depth3d.lab.training.scene import Light, Scene, Sky, Vector
from depth3d.lab.training.scene_generators.furniture import AGAINST_WALL, FREE, set_table
from depth3d.lab.training.scene_generators.scene_builder import WorldBuilder, item, table
from depth3d.lab.training.scene_generators.viewpoint import View

_HALF_PI = math.pi / 2


def room(rng: Random) -> tuple[Scene, View]:
    """A furnished room seen by someone standing or sitting in it."""
    world = WorldBuilder(rng, rng.randint(35, 72))
    w, d, h = rng.uniform(1.2, 3.0), rng.uniform(1.4, 3.8), rng.uniform(2.2, 3.1)  # half width, half length, height
    if rng.random() < 0.08:
        w, d, h = w * 2, d * 2.5, h * 1.6
    _shell(world, w, d, h)
    eye_x, eye_y = rng.uniform(-0.85, 0.85) * w, -rng.uniform(0.5, 0.95) * d
    for side in range(4):
        _furnish_wall(world, side, w, d, h, (eye_x, eye_y))
    for _ in range(rng.choice([0, 1, 2, 3, 4, 5, 7])):
        x, y = rng.uniform(-0.7, 0.7) * w, rng.uniform(-0.5, 0.7) * d
        if world.full or math.hypot(x - eye_x, y - eye_y) < rng.choice([0.7, 1.0, 1.4]):
            continue
        with world.build.at(x, y, 0, rng.uniform(-math.pi, math.pi)):
            rng.choice(FREE)(world)
    target = (rng.uniform(-0.8, 0.8) * w, rng.uniform(0.0, 0.95) * d)
    yaw = math.atan2(-(target[0] - eye_x), target[1] - eye_y)
    if rng.random() < 0.15:
        yaw = rng.uniform(-math.pi, math.pi)
    height = rng.choice([rng.uniform(1.2, 1.75), rng.uniform(0.7, 1.4), rng.uniform(1.0, 1.6)])
    pitch = rng.gauss(-12, 11) if rng.random() < 0.85 else rng.uniform(-50, 15)
    return _build_lit(world, w, d, h), View.handheld(rng, (eye_x, eye_y, min(height, h - 0.3)), yaw, pitch)


def corridor(rng: Random) -> tuple[Scene, View]:
    """A long passage with doors and lamps."""
    world = WorldBuilder(rng, 50)
    w, d, h = rng.uniform(0.6, 1.6), rng.uniform(4, 15), rng.uniform(2.1, 3.2)
    _shell(world, w, d, h)
    door, lamp = world.wood(), world.material(("plain",), colour=(0.95, 0.95, 0.9), emission=2.0)
    y = -d + rng.uniform(0.5, 3)
    while y < d - 1 and not world.full:
        for side in (-1, 1):
            if rng.random() < 0.6:
                world.build.box((side * w, y, 1.02), (0.03, 0.45, 1.02), door)
        world.build.box((0, y, h), (0.15, 0.6, 0.03), lamp)
        if rng.random() < 0.3:
            with world.build.at(rng.choice([-1, 1]) * w * 0.7, y + 1, 0, rng.uniform(-3, 3)):
                rng.choice(FREE)(world)
        y += rng.uniform(1.5, 3)
    eye = (rng.uniform(-0.6, 0.6) * w, -rng.uniform(0.5, 0.95) * d, rng.uniform(1.0, 1.75))
    return _build_lit(world, w, d, h), View.handheld(rng, eye, rng.gauss(0, 0.25), rng.gauss(-8, 8))


def table_top(rng: Random) -> tuple[Scene, View]:
    """A table or desk full of things, seen from close by and above; a room behind it."""
    world = WorldBuilder(rng, 64)
    w, d, h = rng.uniform(1.2, 3), rng.uniform(1.2, 3), rng.uniform(2.3, 2.9)
    _shell(world, w, d, h)
    wide, deep = rng.uniform(0.9, 2.4), rng.uniform(0.6, 1.3)
    y = d - deep / 2 - 0.02 if rng.random() < 0.5 else rng.uniform(-0.3, 0.5) * d
    with world.build.at(rng.uniform(-0.4, 0.4) * w, y, 0, rng.gauss(0, 0.4), group=False):
        top = table(world, clutter=rng.randint(3, 16), width=wide, depth=deep)
        if rng.random() < 0.4:
            world.build.box((0, deep / 2, top + 0.25), (wide / 2, 0.02, 0.25), world.fabric())
            for _ in range(rng.randint(0, 4)):
                item(world, rng.uniform(-0.45, 0.45) * wide, deep / 2, top + 0.5)
        if rng.random() < 0.35:
            with world.build.at(0, 0, 0):
                set_table(world)
    for side in range(4):
        _furnish_wall(world, side, w, d, h, (0.0, -d))
    distance = rng.uniform(0.45, 1.6)
    eye = (rng.gauss(0, 0.4), max(-0.95 * d, y - deep / 2 - distance + 0.4), top + rng.uniform(0.2, 0.95))
    drop = math.degrees(math.atan2(eye[2] - top, max(0.2, y - eye[1])))
    return _build_lit(world, w, d, h), View.handheld(
        rng, eye, rng.gauss(0, 0.35), -drop * rng.uniform(0.4, 1.4) + rng.gauss(0, 5)
    )


def _shell(world: WorldBuilder, w: float, d: float, h: float) -> None:
    """Floor, ceiling and four walls, each a card or an endless plane, with skirting and the like."""
    rng, build = world.rng, world.build
    floor = world.material(
        ("planks", "wood", "tiles", "noise", "weave", "stripes", "plain", "speckle", "checker", "stones"),
        tile=rng.uniform(0.4, 3),
    )
    build.plane((0, 0, 0), floor)
    pale = rng.uniform(0.6, 0.95)
    ceiling = world.material(("plain", "noise", "tiles", "planks"), colour=(pale, pale, pale * 0.97), contrast=0.15)
    build.plane((0, 0, h), ceiling)
    paint = world.colour(saturated=0.15) if rng.random() < 0.6 else (pale, pale * 0.98, pale * rng.uniform(0.8, 1))
    groups = ("plain", "noise", "smears", "noise", "bricks", "stripes", "planks", "tiles", "stones")
    wall = world.material(groups[: rng.choice([3, 3, 9])], colour=paint, contrast=rng.choice([0.05, 0.15, 0.5]))
    for side in range(4):
        reach, width = (d, w) if side % 2 == 0 else (w, d)
        m = wall if rng.random() < 0.8 else world.material(groups)
        with build.at(0, 0, 0, side * _HALF_PI, group=False):
            build.card((0, reach, h / 2), (width, h / 2), m, (0, _HALF_PI, 0))
    if rng.random() < 0.5:
        skirting = world.wood()
        for side in range(4):
            reach, width = (d, w) if side % 2 == 0 else (w, d)
            with build.at(0, 0, 0, side * _HALF_PI, group=False):
                build.box((0, reach, 0.04), (width, 0.015, rng.uniform(0.03, 0.07)), skirting)


def _furnish_wall(world: WorldBuilder, side: int, w: float, d: float, h: float, eye: tuple[float, float]) -> None:
    """Things on and along one wall; in its frame x runs along it and the wall is at y = 0, the room at y < 0."""
    rng, build = world.rng, world.build
    reach, width = (d, w) if side % 2 == 0 else (w, d)
    if side == 2 and rng.random() < 0.6:
        return
    yaw = side * _HALF_PI
    with build.at(-math.sin(yaw) * reach, math.cos(yaw) * reach, 0, yaw, group=False):
        for _ in range(rng.randint(0, 3)):
            _on_wall(world, width, h)
        x = -width + rng.uniform(0.2, 0.8)
        while x < width - 0.4 and not world.full:
            if rng.random() < 0.75:
                with build.at(x, -rng.uniform(0.3, 0.5), 0, rng.gauss(0, 0.05)):
                    rng.choice(AGAINST_WALL)(world)
            x += rng.uniform(0.6, 1.6)
        if rng.random() < 0.18 and not world.full:
            _kitchen(world, width)


def _on_wall(world: WorldBuilder, width: float, h: float) -> None:
    rng, build = world.rng, world.build
    x, upright = rng.uniform(-0.85, 0.85) * width, (0.0, _HALF_PI, 0.0)
    kind = rng.random()
    if kind < 0.3:  # picture, poster, notice
        half = (rng.uniform(0.12, 0.6), rng.uniform(0.12, 0.5))
        m = world.material(("picture", "text", "labels", "noise"), fit=True, picture=1.0)
        z = rng.uniform(1.2, 1.9)
        build.box((x, -0.012, z), (half[0] + 0.03, 0.011, half[1] + 0.03), world.wood())
        build.card((x, -0.025, z), half, m, upright)
    elif kind < 0.5:  # window
        half = (rng.uniform(0.3, 1.1), rng.uniform(0.4, 1.0))
        z = max(half[1] + 0.05, rng.uniform(1.0, 1.7))
        bright = world.material(
            ("picture", "smears", "leaves", "facade"), fit=True, picture=1.0, emission=rng.uniform(0.5, 6)
        )
        frame = world.material(("plain",), colour=(0.9, 0.9, 0.88) if rng.random() < 0.7 else None)
        build.card((x, -0.01, z), half, bright, upright)
        for i in range(3):
            build.box((x + (i - 1) * half[0], -0.03, z), (0.03, 0.03, half[1] + 0.03), frame)
        for sz in (-1, 1):
            build.box((x, -0.03, z + sz * half[1]), (half[0] + 0.03, 0.035, 0.03), frame)
        if rng.random() < 0.5:
            _curtain(world, x, half[0], z + half[1] + 0.1)
    elif kind < 0.7:  # door
        m, frame = world.wood(), world.wood()
        build.box((x, 0, 1.02), (0.45, 0.02, 1.02), m)
        for sx in (-1, 1):
            build.box((x + sx * 0.48, -0.02, 1.04), (0.04, 0.03, 1.04), frame)
        build.box((x + 0.38, -0.05, 1.0), (0.05, 0.02, 0.012), world.material(("plain",)))
    elif kind < 0.85:  # shelf board
        reach, z, m = rng.uniform(0.3, 0.9), rng.uniform(1.0, 1.9), world.wood()
        build.box((x, -0.13, z), (reach, 0.13, 0.012), m)
        for _ in range(rng.randint(0, 5)):
            item(world, x + rng.uniform(-reach, reach) * 0.9, -0.13, z + 0.012)
    elif kind < 0.93:  # column, pipe, chimney breast
        size = rng.uniform(0.04, 0.4)
        build.box((x, -size / 2, h / 2), (size, size / 2 + 0.05, h / 2), world.material())
    else:  # hanging cupboard
        build.box((x, -0.17, rng.uniform(1.5, 1.9)), (rng.uniform(0.3, 0.9), 0.17, rng.uniform(0.2, 0.4)), world.wood())


def _curtain(world: WorldBuilder, x: float, half: float, top: float) -> None:
    m, r = world.fabric(), world.rng.uniform(0.05, 0.1)
    for sx in (-1, 1):
        for i in range(3):
            place = x + sx * (half - i * r * 1.6)
            world.build.frustum((place, -0.1, top / 2), (r, r * 0.7, top / 2), m)


def _kitchen(world: WorldBuilder, width: float) -> None:
    rng, build = world.rng, world.build
    front, top, depth = world.wood(), world.material(("speckle", "plain", "wood")), rng.uniform(0.28, 0.33)
    build.box((0, -depth, 0.43), (width, depth, 0.43), front)
    build.box((0, -depth, 0.88), (width, depth + 0.02, 0.02), top)
    seam, x = world.material(("plain",)), -width
    while x < width:
        x += rng.uniform(0.4, 0.7)
        build.box((x, -2 * depth - 0.003, 0.45), (0.006, 0.006, 0.36), seam)
    if rng.random() < 0.7:
        build.box(
            (rng.uniform(-0.3, 0.3) * width, -0.17, 1.75), (width * rng.uniform(0.3, 0.9), 0.17, 0.33), world.wood()
        )
    for _ in range(rng.randint(1, 7)):
        item(world, rng.uniform(-width, width) * 0.9, -depth, 0.9, 1.3)


def _build_lit(world: WorldBuilder, w: float, d: float, h: float) -> Scene:
    rng = world.rng
    warm = rng.uniform(0.55, 1.0)
    strength = rng.uniform(1.0, 6.0)
    colour: Vector = (strength, strength * (0.5 + 0.5 * warm), strength * warm * rng.uniform(0.6, 1.2))
    first = Light((rng.uniform(-0.9, 0.9) * w, rng.uniform(-0.9, 0.9) * d, h * rng.uniform(0.5, 0.97)), colour, False,
                  rng.choice([0.02, 0.15, 0.4]))  # fmt: skip
    cool = tuple(c * rng.uniform(0.2, 1.0) for c in colour[::-1])
    second = Light((rng.choice([-1, 1]) * w, rng.uniform(-1, 1) * d, rng.uniform(1, 2)), cool, False)  # type: ignore[arg-type]
    ambient = rng.uniform(0.15, 1.2)
    tint = rng.uniform(0.75, 1.1)
    sky = Sky(
        ambient_up=(ambient, ambient, ambient * tint),
        ambient_down=(ambient * rng.uniform(0.4, 1), ambient * rng.uniform(0.4, 0.9), ambient * rng.uniform(0.3, 0.9)),
        fog=rng.choice([0.0, 0.0, 0.0, 0.02]),
    )
    return world.build.build((first, second), sky)
