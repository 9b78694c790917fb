"""Furniture: each function places one piece at the origin of the builder's frame, its back towards +y."""

from __future__ import annotations

import math
from collections.abc import Callable

from depth3d.lab.training.scene_generators.scene_builder import WorldBuilder, foliage, item, person, table
from depth3d.lab.training.textures import MASKS


def chair(world: WorldBuilder) -> None:
    """A chair with four legs, or an office chair."""
    rng, build = world.rng, world.build
    w, h, back = rng.uniform(0.19, 0.26), rng.uniform(0.4, 0.5), rng.uniform(0.35, 0.6)
    frame = world.wood()
    seat = frame if rng.random() < 0.5 else world.fabric()
    if rng.random() < 0.3:
        build.rod((0, 0, 0.08), (0, 0, h), 0.03, frame)
        for i in range(2):
            build.box((0, 0, 0.05), (0.3, 0.03, 0.03), frame, (0.4 + i * math.pi / 2, 0, 0))
        build.ellipsoid((0, 0, h), (w * 1.15, w * 1.15, 0.06), seat)
        build.ellipsoid((0, w, h + back * 0.6), (w, 0.05, back * 0.5), seat)
        return
    r = rng.uniform(0.012, 0.025)
    for sx in (-1, 1):
        build.rod((sx * w, -w, 0), (sx * w, -w, h), r, frame)
        build.rod((sx * w, w * 1.1, 0), (sx * w, w + rng.uniform(0, 0.1), h + back), r, frame)
    build.box((0, 0, h), (w * 1.1, w * 1.1, rng.uniform(0.015, 0.05)), seat)
    style = rng.random()
    if style < 0.4:
        slats = rng.randint(2, 4)
        for i in range(slats):
            build.box((0, w + 0.03, h + back * (0.25 + 0.75 * i / slats)), (w, 0.01, 0.25 * back / slats), frame)
    elif style < 0.6:
        lattice = rng.choice(MASKS["lattice"])
        build.card((0, w + 0.03, h + back * 0.55), (w, back * 0.45), frame, (0, math.pi / 2, 0), mask=lattice)
    else:
        build.box((0, w + 0.03, h + back * 0.6), (w * 1.05, 0.02, back * 0.4), seat, (0, -0.12, 0))
    if rng.random() < 0.25:
        for sx in (-1, 1):
            build.box((sx * (w + 0.02), 0, h + 0.2), (0.02, w, 0.015), frame)


def sofa(world: WorldBuilder) -> None:
    """An armchair or sofa."""
    rng, build, m = world.rng, world.build, world.fabric()
    w, d, h = rng.choice([0.4, 0.75, 1.0]) * rng.uniform(0.9, 1.1), rng.uniform(0.35, 0.48), rng.uniform(0.18, 0.23)
    build.box((0, 0, h), (w, d, h), m)
    build.box((0, d - 0.08, h + 0.25), (w, 0.1, 0.25 + h), m, (0, -0.1, 0))
    arm = rng.uniform(0.07, 0.12)
    for sx in (-1, 1):
        build.box((sx * (w + arm), 0, h + 0.08), (arm, d, h + 0.08), m)
    for _ in range(rng.randint(0, 3)):
        turn = (rng.gauss(0, 0.5), 1.2, 0)
        build.ellipsoid((rng.uniform(-w, w) * 0.8, d * 0.3, 2 * h + 0.18), (0.22, 0.2, 0.08), world.fabric(), turn)


def bed(world: WorldBuilder) -> None:
    """A bed with pillows."""
    rng, build, m = world.rng, world.build, world.fabric()
    w, h = rng.choice([0.45, 0.7, 0.9]), rng.uniform(0.2, 0.3)
    build.box((0, 0, h), (w, 1.0, h), m)
    build.box((0, 1.02, h + 0.2), (w + 0.03, 0.03, h + 0.25), world.wood())
    build.box((0, -0.25, 2 * h + 0.02), (w + 0.02, 0.75, 0.03), world.fabric())
    for sx in (-0.5, 0.5):
        build.ellipsoid((sx * w, 0.72, 2 * h + 0.07), (w * 0.45, 0.22, 0.09), world.fabric())


def cabinet(world: WorldBuilder) -> None:
    """A cupboard, fridge, wardrobe, sideboard or machine."""
    rng, build = world.rng, world.build
    w, d = rng.uniform(0.25, 0.9), rng.uniform(0.18, 0.35)
    h = rng.choice([rng.uniform(0.3, 0.5), rng.uniform(0.6, 1.05)])
    body = world.wood()
    build.box((0, 0, h), (w, d, h), body)
    doors = rng.randint(1, 3)
    front = body if rng.random() < 0.4 else world.wood()
    for i in range(doors):
        x = w * (2 * (i + 0.5) / doors - 1)
        build.box((x, -d - 0.006, h), (w / doors * 0.94, 0.008, h * 0.94), front)
        if rng.random() < 0.6:
            build.box((x + w / doors * 0.7, -d - 0.025, h), (0.01, 0.012, 0.06), world.material(("plain",)))
    for _ in range(rng.randint(0, 3)):
        item(world, rng.uniform(-w, w) * 0.8, 0, 2 * h, 1.3)


def bookshelf(world: WorldBuilder) -> None:
    """Boards with books and things between them."""
    rng, build, m = world.rng, world.build, world.wood()
    w, d, h = rng.uniform(0.35, 0.9), rng.uniform(0.12, 0.2), rng.uniform(0.5, 1.1)
    for sx in (-1, 1):
        build.box((sx * w, 0, h), (0.012, d, h), m)
    if rng.random() < 0.6:
        build.box((0, d, h), (w, 0.006, h), m)
    count = rng.randint(2, 5)
    for i in range(count + 1):
        z = 2 * h * i / count + 0.015
        build.box((0, 0, z), (w, d, 0.012), m)
        if i == count or world.full:
            break
        if rng.random() < 0.65:
            tall, wide = 2 * h / count * rng.uniform(0.3, 0.42), w * rng.uniform(0.3, 0.95)
            books = world.material(("books",), picture=1.0, tile=rng.uniform(0.4, 0.9))
            build.box((rng.uniform(-1, 1) * (w - wide), d * 0.2, z + tall + 0.012), (wide, d * 0.7, tall), books)
        for _ in range(rng.randint(0, 2)):
            item(world, rng.uniform(-w, w) * 0.8, 0, z + 0.012)


def plant(world: WorldBuilder) -> None:
    """A house plant or small tree in a pot."""
    rng, r = world.rng, world.rng.uniform(0.1, 0.22)
    world.build.frustum((0, 0, r), (r * 0.8, r * 0.8, r), world.material(("plain", "noise")), taper=1.25)
    h = rng.uniform(0.5, 1.5)
    world.build.rod((0, 0, r), (0, 0, h), 0.015, world.wood())
    foliage(world, (0, 0, h), h * 0.4, rng.randint(3, 6))


def boxes(world: WorldBuilder) -> None:
    """Cartons stacked or thrown together."""
    rng, z = world.rng, 0.0
    for _ in range(rng.randint(1, 4)):
        half = (rng.uniform(0.12, 0.35), rng.uniform(0.12, 0.3), rng.uniform(0.08, 0.25))
        m = world.material(
            ("plain", "noise", "labels", "text"), colour=(0.5, 0.36, 0.22) if rng.random() < 0.5 else None
        )
        world.build.box((rng.gauss(0, 0.1), rng.gauss(0, 0.1), z + half[2]), half, m, (rng.gauss(0, 0.4), 0, 0))
        if rng.random() < 0.7:
            z += 2 * half[2]


def floor_lamp(world: WorldBuilder) -> None:
    """A standing lamp."""
    rng, h, m = world.rng, world.rng.uniform(1.2, 1.8), world.material(("plain",))
    world.build.rod((0, 0, 0), (0, 0, h), 0.015, m)
    world.build.frustum((0, 0, 0.015), (0.14, 0.14, 0.015), m)
    shade = world.material(("plain",), colour=(0.9, 0.85, 0.7), emission=rng.choice([0.0, 2.0]))
    world.build.frustum((0, 0, h), (0.2, 0.2, 0.13), shade, taper=0.65)


def bag(world: WorldBuilder) -> None:
    """Something soft on the floor."""
    rng, m = world.rng, world.fabric()
    half = (rng.uniform(0.12, 0.3), rng.uniform(0.1, 0.2), rng.uniform(0.08, 0.25))
    world.build.ellipsoid((0, 0, half[2] * 0.9), half, m)


def barrel(world: WorldBuilder) -> None:
    """A bin, stool, boiler or drum."""
    r, h = world.rng.uniform(0.12, 0.3), world.rng.choice([0.2, 0.3, 0.7])
    world.build.frustum((0, 0, h), (r, r, h), world.material(), taper=world.rng.uniform(0.8, 1.15))


def frame_chair(world: WorldBuilder) -> None:
    """A light armchair on bent tubes with a hanging seat."""
    rng, build = world.rng, world.build
    tube, seat, w = world.wood(), world.fabric(), rng.uniform(0.25, 0.35)
    for sx in (-1, 1):
        build.rod((sx * w, -0.35, 0.03), (sx * w, 0.4, 0.03), 0.025, tube)
        build.rod((sx * w, -0.35, 0.03), (sx * w, -0.4, 0.5), 0.025, tube)
        build.rod((sx * w, -0.4, 0.5), (sx * w, 0.25, 0.55), 0.025, tube)
    build.box((0, -0.05, 0.36), (w * 0.95, 0.28, 0.03), seat, (0, 0.2, 0))
    build.box((0, 0.35, 0.65), (w * 0.95, 0.03, 0.38), seat, (0, -0.3, 0))


def set_table(world: WorldBuilder) -> None:
    """A table with chairs around it."""
    rng = world.rng
    w, d = rng.uniform(1.0, 2.2), rng.uniform(0.7, 1.1)
    table(world, clutter=rng.randint(0, 6), width=w, depth=d, height=rng.uniform(0.7, 0.78))
    for side in (-1, 1):
        for x in (-0.25, 0.25):
            if rng.random() < 0.6 and not world.full:
                yaw = (0 if side > 0 else math.pi) + rng.gauss(0, 0.3)
                with world.build.at(x * w, side * (d / 2 + rng.uniform(-0.05, 0.3)), 0, yaw):
                    chair(world)


def desk(world: WorldBuilder) -> None:
    """A desk full of things, and its chair."""
    table(world, clutter=world.rng.randint(3, 10), height=world.rng.uniform(0.7, 0.78))
    if world.rng.random() < 0.6:
        with world.build.at(
            world.rng.gauss(0, 0.3), -world.rng.uniform(0.5, 0.9), 0, math.pi + world.rng.gauss(0, 0.6)
        ):
            chair(world)


def plain_table(world: WorldBuilder) -> None:
    """A table with some clutter."""
    table(world, clutter=world.rng.randint(0, 6))


AGAINST_WALL: tuple[Callable[[WorldBuilder], None], ...] = (
    cabinet, cabinet, cabinet, bookshelf, bookshelf, desk, desk, sofa, bed, plant, boxes, plain_table,
    floor_lamp, barrel,
)  # fmt: skip
FREE: tuple[Callable[[WorldBuilder], None], ...] = (
    chair, chair, chair, frame_chair, set_table, set_table, plain_table, sofa, boxes, bag, barrel, plant,
    person, floor_lamp,
)  # fmt: skip
