"""Streets, yards and open land."""

from __future__ import annotations

import math
from random import Random

from depth3d.lab.training.scene import Light, Scene, Sky, Vector
from depth3d.lab.training.scene_generators.furniture import FREE, boxes
from depth3d.lab.training.scene_generators.scene_builder import WorldBuilder, foliage, person
from depth3d.lab.training.scene_generators.viewpoint import View
from depth3d.lab.training.textures import MASKS

_UPRIGHT = (0.0, math.pi / 2, 0.0)


def street(rng: Random) -> tuple[Scene, View]:
    """A street with houses, cars, trees, poles and people; seen from a car or by someone on foot."""
    world = WorldBuilder(rng, rng.randint(45, 80))
    build = world.build
    ground = world.material(("asphalt", "grass", "tiles", "stones"), tile=rng.uniform(1, 5), saturated=0.05)
    build.plane((0, 0, 0), ground)
    half = rng.uniform(2.5, 7.0)
    grey = rng.uniform(0.08, 0.45)
    asphalt = world.material(("asphalt", "noise", "smears"), colour=(grey, grey, grey * 1.03), tile=4.0, contrast=0.4)
    build.card((0, 100, 0.005), (half, 150), asphalt)
    if rng.random() < 0.7:
        _lane_marks(world, half)
    for side in (-1, 1):
        if rng.random() < 0.7:
            walk = world.material(("tiles", "asphalt", "stones"), tile=2.0, saturated=0.05)
            build.box((side * (half + 1.2), 100, 0.0), (1.2, 150, rng.uniform(0.08, 0.16)), walk)
        _street_side(world, side, half)
    _far(world)
    driving = rng.random() < 0.55
    x = rng.uniform(-0.5, 0.6) * half if driving else rng.choice([-1, 1]) * rng.uniform(0.6, 1.4) * half
    eye = (x, 0.0, rng.uniform(1.2, 1.9) if driving else rng.uniform(1.3, 1.8))
    yaw = rng.gauss(0, 0.06) if driving else rng.gauss(0, 0.5)
    return _daylight(world), View.handheld(rng, eye, yaw, rng.gauss(-2, 3 if driving else 6), fov=(55, 95))


def yard(rng: Random) -> tuple[Scene, View]:
    """A garden, terrace or square: ground, a house or two, walls, plants, furniture, people."""
    world = WorldBuilder(rng, rng.randint(40, 70))
    build = world.build
    build.plane(
        (0, 0, 0), world.material(("grass", "tiles", "stones", "asphalt", "planks", "noise"), tile=rng.uniform(0.6, 4))
    )
    for _ in range(rng.randint(1, 3)):
        yaw, reach = rng.uniform(-1.3, 1.3), rng.uniform(3, 16)
        with build.at(-math.sin(yaw) * reach, math.cos(yaw) * reach, 0, yaw + rng.gauss(0, 0.3), group=False):
            _house(world, rng.uniform(2, 8))
    for _ in range(rng.randint(2, 10)):
        y = rng.uniform(1.2, 12)
        x = rng.uniform(-0.9, 0.9) * y
        with build.at(x, y, 0, rng.uniform(-3, 3)):
            rng.choice((tree, bush, person, boxes, fence, rng.choice(FREE)))(world)
    _far(world)
    eye = (0.0, 0.0, rng.uniform(0.8, 1.9))
    return _daylight(world), View.handheld(rng, eye, rng.gauss(0, 0.3), rng.gauss(-7, 9))


def land(rng: Random) -> tuple[Scene, View]:
    """Open land: ground, hills, rocks, trees, a horizon."""
    world = WorldBuilder(rng, rng.randint(25, 60))
    build = world.build
    earth = (rng.uniform(0.1, 0.5), rng.uniform(0.12, 0.45), rng.uniform(0.03, 0.3))
    build.plane(
        (0, 0, 0),
        world.material(("grass", "noise", "stones", "asphalt", "smears"), colour=earth, tile=rng.uniform(1, 8)),
    )
    if rng.random() < 0.5:
        path = world.material(("asphalt", "noise", "tiles"), saturated=0.05)
        build.card((0, 60, 0.01), (rng.uniform(0.6, 2), 80), path, (rng.gauss(0, 0.2), 0, 0))
    for _ in range(rng.randint(0, 8)):
        y, r = rng.uniform(4, 60), rng.uniform(2, 15)
        hill = world.material(("grass", "noise", "leaves"), colour=earth, tile=rng.uniform(2, 10))
        build.ellipsoid((rng.uniform(-1, 1) * y, y + r, -r * 0.1), (r * 2, r, r * rng.uniform(0.1, 0.4)), hill)
    for _ in range(rng.randint(2, 16)):
        y = math.exp(rng.uniform(0.5, 3.7))
        with build.at(rng.uniform(-0.9, 0.9) * y, y, 0, rng.uniform(-3, 3)):
            rng.choice((tree, tree, bush, rock, rock, person, fence))(world)
    _far(world)
    eye = (0.0, 0.0, rng.choice([rng.uniform(1.2, 1.8), rng.uniform(0.4, 6)]))
    return _daylight(world), View.handheld(rng, eye, rng.gauss(0, 0.4), rng.gauss(-6, 8))


def tree(world: WorldBuilder) -> None:
    """A tree of trunk and crown."""
    rng = world.rng
    h, r = rng.uniform(2, 5), rng.uniform(0.08, 0.25)
    bark = world.material(("wood", "noise", "smears"), colour=(0.2, 0.14, 0.09))
    world.build.rod((0, 0, 0), (rng.gauss(0, 0.2), rng.gauss(0, 0.2), h), r, bark, taper=0.7)
    if world.full:
        return
    if rng.random() < 0.2:
        m = world.material(("leaves",), colour=(0.05, 0.15, 0.04), contrast=0.7)
        for i in range(3):
            world.build.frustum((0, 0, h * (0.5 + 0.4 * i)), (h * (0.45 - 0.1 * i),) * 2 + (h * 0.35,), m, taper=0.02)
        return
    foliage(world, (0, 0, h * 1.25), h * 0.5, rng.randint(4, 8))


def bush(world: WorldBuilder) -> None:
    """A bush or a piece of hedge."""
    r = world.rng.uniform(0.3, 1.0)
    foliage(world, (0, 0, r * 0.7), r, world.rng.randint(2, 5))


def rock(world: WorldBuilder) -> None:
    """A boulder."""
    rng, r = world.rng, world.rng.uniform(0.15, 1.0)
    m = world.material(("noise", "stones", "smears"), saturated=0.05)
    half = (r * rng.uniform(0.7, 1.6), r * rng.uniform(0.7, 1.3), r * rng.uniform(0.4, 0.9))
    turn = (rng.uniform(-3, 3), rng.gauss(0, 0.3), rng.gauss(0, 0.3))
    (world.build.ellipsoid if rng.random() < 0.6 else world.build.box)((0, 0, r * 0.25), half, m, turn)


def fence(world: WorldBuilder) -> None:
    """A fence, wall or hedge."""
    rng, w, h = world.rng, world.rng.uniform(1.5, 6), world.rng.uniform(0.4, 1.0)
    if rng.random() < 0.5:
        world.build.card((0, 0, h), (w, h), world.wood(), _UPRIGHT, mask=rng.choice(MASKS["lattice"]))
    else:
        m = world.material(("bricks", "leaves", "stones", "planks"), tile=rng.uniform(0.8, 2))
        world.build.box((0, 0, h), (w, rng.uniform(0.08, 0.4), h), m)


def car(world: WorldBuilder) -> None:
    """A car, van or lorry along y."""
    rng, build = world.rng, world.build
    w, d, h = rng.uniform(0.82, 0.95), rng.uniform(1.8, 2.4), rng.uniform(0.3, 0.4)
    paint, dark = (
        world.material(("plain", "smears"), saturated=0.4),
        world.material(("plain",), colour=(0.03, 0.03, 0.035)),
    )
    glass = world.material(("plain", "smears"), colour=(0.06, 0.07, 0.08))
    if rng.random() < 0.15:
        top = rng.uniform(0.8, 1.5)
        build.box((0, 0, 0.4 + top), (w * 1.1, d * rng.uniform(1, 1.8), top), paint)
        build.card((0, -d - 0.01, 1.2), (w, 0.4), glass, _UPRIGHT)
    else:
        build.box((0, 0, 0.3 + h), (w, d, h), paint)
        back = rng.uniform(-0.2, 0.4)
        build.ellipsoid((0, back, 0.3 + 2 * h), (w * 0.93, d * 0.62, 0.62), glass)
        build.box((0, back, 0.75 + 2 * h), (w * 0.72, d * 0.3, 0.06), paint)
    for sx in (-1, 1):
        for sy in (-1, 1):
            build.frustum(
                (sx * (w - 0.08), sy * d * 0.62, 0.32), (0.32, 0.32, 0.1), dark, (math.pi / 2, math.pi / 2, 0)
            )
    for sy in (-1, 1):
        lamp = world.material(("plain",), colour=(0.8, 0.1, 0.05) if sy < 0 else (0.9, 0.9, 0.85))
        build.box((0, sy * d, 0.3 + h * 1.3), (w * 0.95, 0.02, 0.07), lamp)


def _house(world: WorldBuilder, half_width: float) -> None:
    """A house front at the frame's origin, facing -y, the house behind it."""
    rng, build = world.rng, world.build
    h, deep = rng.uniform(1.5, 7), rng.uniform(2, 6)
    tile = rng.uniform(2.5, 7)
    groups = ("facade", "facade", "facade", "bricks", "plain", "planks")
    chosen = rng.choice(groups)
    wall = world.material(
        (chosen,), picture=1.0 if chosen == "facade" else 0.0, tile=tile if chosen == "facade" else 1.5
    )
    build.box((0, deep, h), (half_width, deep, h), wall)
    if rng.random() < 0.5:
        roof = world.material(("tiles", "planks", "noise"), colour=(0.35, 0.15, 0.1), tile=1.0)
        build.box((0, deep, 2 * h), (half_width * 1.03, deep * 0.8, deep * 0.8), roof, (0, math.pi / 4, 0))
    if rng.random() < 0.5 and not world.full:
        door = world.wood()
        build.box((rng.uniform(-0.7, 0.7) * half_width, 0, 1.0), (0.5, 0.05, 1.0), door)


def _street_side(world: WorldBuilder, side: int, half: float) -> None:
    rng, build = world.rng, world.build
    gap = rng.uniform(2.0, 7.0)
    y = rng.uniform(-6, 4)
    built = rng.random() < 0.75
    for _ in range(rng.randint(4, 9)):
        width = rng.uniform(3, 10)
        if built or rng.random() < 0.3:
            with build.at(side * (half + gap), y + width, 0, -side * math.pi / 2, group=False):
                _house(world, width * rng.uniform(0.7, 1.0))
        elif rng.random() < 0.5:
            with build.at(side * (half + gap), y + width, 0, math.pi / 2):
                fence(world)
        y += 2 * width
    y = rng.uniform(3, 12)
    parked = rng.random() < 0.5
    while y < 70 and not world.full:
        kind = rng.random()
        if kind < (0.6 if parked else 0.15):
            with build.at(side * (half - (0.9 if parked else half * 0.5)), y, 0, rng.gauss(0, 0.03)):
                car(world)
        elif kind < 0.75:
            with build.at(side * (half + rng.uniform(0.5, gap)), y, 0, 0):
                rng.choice((tree, tree, bush))(world)
        elif kind < 0.9:
            _pole(world, side * (half + 0.5), y)
        else:
            with build.at(side * (half + rng.uniform(0.3, 2)), y, 0, rng.uniform(-3, 3)):
                person(world)
        y += rng.uniform(2.5, 9)


def _pole(world: WorldBuilder, x: float, y: float) -> None:
    rng, h, m = world.rng, world.rng.uniform(2.5, 7), world.material(("plain",), saturated=0.1)
    world.build.rod((x, y, 0), (x, y, h), rng.uniform(0.03, 0.1), m)
    if rng.random() < 0.5:
        sign = world.material(("labels", "plain"), fit=True, picture=1.0, saturated=0.8)
        world.build.card((x, y - 0.1, h), (0.35, 0.35), sign, _UPRIGHT, mask=rng.choice([0, 1]))
    else:
        world.build.rod((x, y, h), (x - math.copysign(1.5, x), y, h + 0.2), 0.05, m)


def _lane_marks(world: WorldBuilder, half: float) -> None:
    rng = world.rng
    white = world.material(("smears", "plain"), colour=(0.8, 0.8, 0.78), contrast=0.2)
    y, x = rng.uniform(0, 4), rng.uniform(-0.2, 0.2) * half
    for _ in range(7):
        world.build.card((x, y, 0.012), (0.07, 1.2), white)
        y += rng.uniform(5, 7)
    for side in (-1, 1):
        world.build.card((side * half * 0.92, 100, 0.012), (0.07, 150), white)


def _far(world: WorldBuilder) -> None:
    """Hills, woods or towers far away."""
    rng = world.rng
    for _ in range(rng.randint(0, 4)):
        y = rng.uniform(60, 300)
        m = world.material(("leaves", "smears", "noise", "facade"), tile=rng.uniform(8, 40))
        place = (rng.uniform(-1, 1) * y, y, 0.0)
        if rng.random() < 0.7:
            world.build.ellipsoid(place, (y * rng.uniform(0.2, 0.8), y * 0.2, y * rng.uniform(0.03, 0.2)), m)
        else:
            world.build.box(place, (y * 0.08, y * 0.08, y * rng.uniform(0.05, 0.3)), m)


def _daylight(world: WorldBuilder) -> Scene:
    rng = world.rng
    elevation, azimuth = math.radians(rng.uniform(12, 75)), rng.uniform(-math.pi, math.pi)
    direction = (math.cos(elevation) * math.sin(azimuth), math.cos(elevation) * math.cos(azimuth), math.sin(elevation))
    overcast = rng.random()
    power = rng.uniform(0.6, 2.2) * (0.1 if overcast > 0.65 else 1.0)
    warm = rng.uniform(0.7, 1.0)
    sun = Light(direction, (power, power * (0.6 + 0.4 * warm), power * warm), True, rng.choice([0.01, 0.03]))
    base = rng.uniform(0.25, 0.8)
    blue = rng.uniform(1.0, 1.6)
    horizon: Vector = (rng.uniform(0.6, 1.3), rng.uniform(0.7, 1.3), rng.uniform(0.75, 1.35))
    sky = Sky(
        zenith=(rng.uniform(0.15, 0.9), rng.uniform(0.35, 0.95), rng.uniform(0.7, 1.2)),
        horizon=horizon,
        clouds=rng.uniform(0, 0.95) if rng.random() < 0.7 else 0.0,
        ambient_up=(base, base, base * blue),
        ambient_down=(base * 0.5, base * 0.48, base * 0.42),
        fog=math.exp(rng.uniform(-7.5, -3.5)) if rng.random() < 0.6 else 0.0,
        fog_colour=horizon,
    )
    return world.build.build((sun,), sky)
