"""Scenes of analytic primitives: boxes, ellipsoids, cylinders and cones, flat cards, planes; with materials and light.

World axes: x right, y forward, z up, metres. A rotation is (yaw, pitch, roll) in radians:
R = Rz(yaw) Rx(pitch) Ry(roll). Every primitive is an affine image of a canonical shape (the cube, ball or cylinder of
half size 1; the square |x|, |y| <= 1 of the plane z = 0), so that one ray solves each kind in closed form.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

BOX, ELLIPSOID, FRUSTUM, CARD, CUTOUT = KINDS = range(5)
# Columns of `Scene.shapes`: affine map local = A world + b, then what the shader needs.
ROW_MAP, ROW_HALF, ROW_TAPER, ROW_EXTENT, ROW_MASK, ROW_KIND, ROW_MATERIAL, ROW_ID = (
    slice(0, 12), slice(12, 15), 15, 16, 17, 18, 19, 20,
)  # fmt: skip
ROW_WIDTH = 21
MATERIAL_WIDTH = 19

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Material:
    """How a surface looks.

    Attributes:
        colour: linear rgb where the texture is dark (or the tint of a picture).
        colour2: linear rgb where the texture is bright.
        texture: layer of the texture bank.
        tile: metres that one texture tile covers.
        fit: True stretches one tile over each face instead of tiling in metres.
        picture: 0 shows the two colours, 1 the texture's own colours times `colour`.
        stain: layer of a second, coarser texture that modulates brightness.
        stain_tile: metres that one tile of the stain covers.
        stain_strength: 0 none, 1 full.
        bump: how strongly the texture tilts the normal.
        gloss: strength of the highlight.
        shininess: exponent of the highlight.
        emission: light given off, in units of the albedo.
        turned: swaps the texture's axes.
        offset: where the texture starts, in tiles.
    """

    colour: Vector = (0.5, 0.5, 0.5)
    colour2: Vector = (0.5, 0.5, 0.5)
    texture: int = 0
    tile: float = 1.0
    fit: bool = False
    picture: float = 0.0
    stain: int = 0
    stain_tile: float = 4.0
    stain_strength: float = 0.0
    bump: float = 0.0
    gloss: float = 0.0
    shininess: float = 20.0
    emission: float = 0.0
    turned: bool = False
    offset: tuple[float, float] = (0.0, 0.0)

    def row(self) -> list[float]:
        """The material as the shader's row of numbers."""
        return [
            *self.colour, *self.colour2, self.texture, 1 / self.tile, float(self.fit), self.picture, self.stain,
            1 / self.stain_tile, self.stain_strength, self.bump, self.gloss, self.emission, float(self.turned),
            self.offset[0], self.shininess,
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Light:
    """A sun (parallel) or a lamp (from a point).

    Attributes:
        position: of the lamp in metres, or the unit direction towards the sun.
        colour: linear rgb; a lamp gives it within 1 m, fading with the square of the distance beyond.
        sun: True for a direction, False for a lamp.
        radius: of the lamp in metres, or the sine of the sun's half angle: how soft its shadows are.
    """

    position: Vector = (0.3, -0.4, 0.87)
    colour: Vector = (1.0, 1.0, 1.0)
    sun: bool = True
    radius: float = 0.02


@dataclass(frozen=True, slots=True)
class Sky:
    """What is seen where nothing is hit, and the light that comes from everywhere.

    Attributes:
        zenith: linear rgb overhead.
        horizon: linear rgb at the horizon.
        clouds: 0 none, 1 overcast.
        ambient_up: light from above, linear rgb.
        ambient_down: light bounced from below, linear rgb.
        fog: share of light lost per metre.
        fog_colour: linear rgb.
    """

    zenith: Vector = (0.25, 0.45, 0.85)
    horizon: Vector = (0.75, 0.82, 0.9)
    clouds: float = 0.3
    ambient_up: Vector = (0.45, 0.5, 0.6)
    ambient_down: Vector = (0.25, 0.23, 0.2)
    fog: float = 0.0
    fog_colour: Vector = (0.8, 0.82, 0.85)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A scene ready to be rendered.

    Attributes:
        shapes: (N, 21) float32 rows of primitives, see the ROW_ constants.
        materials: (M, 19) float32 rows of `Material.row`.
        lights: the lights; the first casts shadows.
        sky: background and ambient light.
    """

    shapes: NDArray[np.float32]
    materials: NDArray[np.float32]
    lights: tuple[Light, ...] = (Light(),)
    sky: Sky = field(default_factory=Sky)


class SceneBuilder:
    """Collects primitives; `at` moves the frame in which they are placed.

    >>> builder = SceneBuilder()
    >>> grey = builder.material(Material())
    >>> builder.plane((0, 0, 0), grey)
    >>> builder.ellipsoid((0, 3, 0.5), (0.5, 0.5, 0.5), grey)
    >>> builder.build().shapes.shape
    (2, 21)
    """

    def __init__(self) -> None:
        self._rows: list[tuple[float, ...]] = []
        self._materials: list[list[float]] = []
        self._frame = (0.0, 0.0, 0.0, 0.0)
        self._next_id = 0
        self._group: int | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def material(self, material: Material) -> int:
        """Registers a material and returns its number."""
        self._materials.append(material.row())
        return len(self._materials) - 1

    @contextmanager
    def at(self, x: float, y: float, z: float, yaw: float = 0.0, *, group: bool = True) -> Iterator[None]:
        """Places everything inside the block relative to (x, y, z), turned by `yaw`; as one object for `ids`."""
        frame, old_group = self._frame, self._group
        px, py, pz = self._placed((x, y, z))
        self._frame = (px, py, pz, frame[3] + yaw)
        if group and self._group is None:
            self._group = self._take_id()
        try:
            yield
        finally:
            self._frame, self._group = frame, old_group

    def box(self, centre: Vector, half: Vector, material: int, turn: Vector = (0.0, 0.0, 0.0)) -> None:
        """A box of the given half sizes; seen from the inside too, so that it can be a room."""
        self._add(BOX, centre, half, material, turn)

    def ellipsoid(self, centre: Vector, half: Vector, material: int, turn: Vector = (0.0, 0.0, 0.0)) -> None:
        """An ellipsoid of the given half axes."""
        self._add(ELLIPSOID, centre, half, material, turn)

    def frustum(
        self, centre: Vector, half: Vector, material: int, turn: Vector = (0.0, 0.0, 0.0), *, taper: float = 1.0
    ) -> None:
        """A capped cylinder along its own z; the radius at the top is `taper` times that at the bottom (0: cone)."""
        self._add(FRUSTUM, centre, half, material, turn, taper=taper)

    def rod(self, start: Vector, end: Vector, radius: float, material: int, *, taper: float = 1.0) -> None:
        """A cylinder or cone from `start` to `end`."""
        delta = [b - a for a, b in zip(start, end, strict=True)]
        length = math.sqrt(sum(c * c for c in delta)) or 1e-6
        pitch = math.acos(max(-1.0, min(1.0, delta[2] / length)))
        yaw = math.atan2(delta[0], -delta[1])
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, (start[2] + end[2]) / 2)
        self.frustum(middle, (radius, radius, length / 2), material, (yaw, pitch, 0.0), taper=taper)

    def capsule(self, start: Vector, end: Vector, radius: float, material: int) -> None:
        """A cylinder with round ends."""
        self.rod(start, end, radius, material)
        self.ellipsoid(start, (radius, radius, radius), material)
        self.ellipsoid(end, (radius, radius, radius), material)

    def card(
        self, centre: Vector, half: tuple[float, float], material: int, turn: Vector = (0.0, 0.0, 0.0), *, mask: int = 0
    ) -> None:
        """A thin rectangle in its own xy plane; `mask` numbers a cut-out (0: none, 1: disc, 2..: leaves)."""
        self._add(CUTOUT if mask else CARD, centre, (half[0], half[1], 1.0), material, turn, mask=mask)

    def plane(self, point: Vector, material: int, turn: Vector = (0.0, 0.0, 0.0)) -> None:
        """An endless plane through `point`, horizontal unless turned."""
        self._add(CARD, point, (1.0, 1.0, 1.0), material, turn, extent=math.inf)

    def build(self, lights: Sequence[Light] = (Light(),), sky: Sky | None = None) -> Scene:
        """The finished scene."""
        rows = np.array(self._rows, np.float64).reshape(-1, 17)
        centre, half, turn, rest = rows[:, :3], rows[:, 3:6], rows[:, 6:9], rows[:, 9:]
        local_from_world = np.swapaxes(_rotations(turn), 1, 2) / half[:, :, None]
        shift = -np.einsum("nij,nj->ni", local_from_world, centre)
        maps = np.concatenate([local_from_world, shift[:, :, None]], axis=2).reshape(-1, 12)
        shapes = np.concatenate([maps, half, rest[:, :6]], axis=1).astype(np.float32)
        materials = np.array(self._materials or [Material().row()], np.float32)
        return Scene(shapes, materials, tuple(lights), sky if sky is not None else Sky())

    def _add(
        self,
        kind: int,
        centre: Vector,
        half: Vector,
        material: int,
        turn: Vector,
        *,
        taper: float = 1.0,
        extent: float = 1.0,
        mask: int = 0,
    ) -> None:
        number = self._group if self._group is not None else self._take_id()
        x, y, z = self._placed(centre)
        yaw = turn[0] + self._frame[3]
        self._rows.append(
            (x, y, z, *half, yaw, turn[1], turn[2], taper, extent, mask, kind, material, number, 0.0, 0.0)
        )

    def _placed(self, point: Vector) -> Vector:
        fx, fy, fz, yaw = self._frame
        cos, sin = math.cos(yaw), math.sin(yaw)
        return fx + cos * point[0] - sin * point[1], fy + sin * point[0] + cos * point[1], fz + point[2]

    def _take_id(self) -> int:
        self._next_id += 1
        return self._next_id - 1


def _rotations(turn: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3, 3) rotations Rz(yaw) Rx(pitch) Ry(roll) from (N, 3) angles."""
    cy, sy = np.cos(turn[:, 0]), np.sin(turn[:, 0])
    cp, sp = np.cos(turn[:, 1]), np.sin(turn[:, 1])
    cr, sr = np.cos(turn[:, 2]), np.sin(turn[:, 2])
    return np.stack(
        [
            np.stack([cy * cr - sy * sp * sr, -sy * cp, cy * sr + sy * sp * cr], 1),
            np.stack([sy * cr + cy * sp * sr, cy * cp, sy * sr - cy * sp * cr], 1),
            np.stack([-cp * sr, sp, cp * cr], 1),
        ],
        axis=1,
    )
