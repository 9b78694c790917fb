"""Light for the samples: the training's rays, followed once more from where they land.

The training renderer (`lab.training.render`) is quick and knows one shadow and a constant ambient light. Pictures
for people want the light that walls and floors give each other: a point gathers the sun with soft shadows, what arrives
from all sides after one bounce, and the sky through windows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from depth3d.lab.samples.rays import Stage, Surfaces
from depth3d.lab.samples.textures import LAYERS
from depth3d.lab.training.packing import sky_row
from depth3d.lab.training.scene import Scene
from depth3d.lab.training.shading import sky_colour


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle through which the sky lights a room.

    Attributes:
        centre: in metres.
        half_u: half of one side, a vector.
        half_v: half of the other side, a vector.
        strength: how much brighter than the visible sky.
    """

    centre: tuple[float, float, float]
    half_u: tuple[float, float, float]
    half_v: tuple[float, float, float]
    strength: float = 1.0


class Studio(Stage):
    """A scene with its light."""

    def __init__(self, scene: Scene, windows: tuple[Window, ...] = (), *, seed: int = 0) -> None:
        super().__init__(scene)
        self.sun = scene.lights[0]
        self._sky = torch.tensor([sky_row(scene)], dtype=torch.float32)
        self._sun_colour = torch.tensor(self.sun.colour)
        self._windows = windows
        self._random = torch.Generator().manual_seed(seed)

    def sky(self, direction: Tensor) -> Tensor:
        """(P, 3) colour of the sky."""
        parts = []
        for d in direction.split(1 << 16):
            layer = torch.full((1, len(d)), float(LAYERS["cloud"]))
            parts.append(sky_colour(*self.textures, self._sky, layer, d.T[None])[0].T)
        return torch.cat(parts)

    def sunlight(self, point: Tensor, normal: Tensor, rays: int, chosen: Tensor | None = None) -> Tensor:
        """(P, 3) light of the sun or lamp on the surfaces, with soft shadows."""
        total = torch.zeros(len(point))
        for k in range(rays):
            towards = self._towards_sun(point, k, rays)
            facing = (normal * towards).sum(1) > 0
            free = torch.zeros(len(point))
            if bool(facing.any()):
                free[facing] = self.is_free(point[facing], towards[facing], chosen)
            total += free / rays
        towards = self._towards_sun(point, None, 1)
        square = (towards**2).sum(1)
        cosine = ((normal * towards).sum(1) / square.sqrt()).clamp_min(0)
        fall = 1.0 if self.sun.sun else 1 / square.clamp_min(0.05)
        return (total * cosine * fall)[:, None] * self._sun_colour

    def gathered(self, point: Tensor, normal: Tensor, rays: int) -> Tensor:
        """(P, 3) light that arrives from everywhere but the sun itself."""
        total = torch.zeros(len(point), 3)
        turn = torch.rand((len(point), 2), generator=self._random)
        for k in range(rays):
            # A cosine-weighted direction from a point set of low discrepancy (Roberts' R2), turned for each point.
            u = (turn + torch.tensor([k * 0.7548776662, k * 0.5698402910])) % 1
            total += self._arriving(point, _about(normal, u[:, 0], u[:, 1])) / rays
        for window in self._windows:
            total += self._through(window, point, normal, rays)
        return total

    def reflected(self, surfaces: Surfaces, view: Tensor) -> Tensor:
        """(P, 3) what the surfaces mirror; `view` (P, 3) are unit rays that met them."""
        normal = torch.nn.functional.normalize(surfaces.normal + 0.4 * (surfaces.bumped - surfaces.normal), dim=1)
        mirror = view - 2 * (view * normal).sum(1, keepdim=True) * normal
        u = torch.rand((len(view), 2), generator=self._random)
        height = u[:, 0] ** (1 / (surfaces.shininess + 1))
        turn, across = 2 * math.pi * u[:, 1], (1 - height**2).clamp_min(0).sqrt()
        first, second = _frame(mirror)
        ray = (
            first * (across * turn.cos())[:, None] + second * (across * turn.sin())[:, None] + mirror * height[:, None]
        )
        return self._arriving(surfaces.point, ray, through_windows=True)

    def _arriving(self, point: Tensor, direction: Tensor, *, through_windows: bool = False) -> Tensor:
        met = self.meet(point, direction, 0.02)
        light = torch.zeros(len(point), 3)
        seen = met.seen
        if bool(seen.any()):
            light[seen] = self._leaving(met, seen)
        if (through_windows or not self._windows) and not bool(seen.all()):
            light[~seen] = self.sky(direction[~seen])
        return light

    def _leaving(self, met: Surfaces, seen: Tensor) -> Tensor:
        point, normal = met.point[seen], met.normal[seen]
        light = self.sunlight(point, normal, 1) + self._ambient(normal)
        for window in self._windows:
            light += self._through(window, point, normal, 1)
        return met.albedo[seen] * (light + met.emission[seen][:, None])

    def _ambient(self, normal: Tensor) -> Tensor:
        """Light after more bounces than are followed: a constant from above and from below."""
        up = (normal[:, 2:3] + 1) / 2
        return self._sky[:, 10:13] * (1 - up) + self._sky[:, 7:10] * up

    def _through(self, window: Window, point: Tensor, normal: Tensor, rays: int) -> Tensor:
        centre, half_u, half_v = (torch.tensor(v) for v in (window.centre, window.half_u, window.half_v))
        area = 4 * float(torch.linalg.norm(torch.linalg.cross(half_u, half_v)))
        outwards = torch.nn.functional.normalize(torch.linalg.cross(half_u, half_v), dim=0)
        total = torch.zeros(len(point), 3)
        turn = torch.rand((len(point), 2), generator=self._random)
        for k in range(rays):
            u = (turn + torch.tensor([k * 0.7548776662, k * 0.5698402910])) % 1 * 2 - 1
            towards = centre + u[:, :1] * half_u + u[:, 1:] * half_v - point
            square = (towards**2).sum(1)
            unit = towards / square.sqrt()[:, None]
            share = (normal * unit).sum(1).clamp_min(0) * (unit * outwards).sum(1).abs() * area / (math.pi * square)
            lit = share > 1e-5
            if bool(lit.any()):
                free = self.is_free(point[lit], towards[lit])
                total[lit] += (share[lit].clamp_max(1.0) * free * window.strength / rays)[:, None] * self.sky(unit[lit])
        return total

    def _towards_sun(self, point: Tensor, k: int | None, rays: int) -> Tensor:
        middle = torch.tensor(self.sun.position)
        if k is None:
            spread = torch.zeros(len(point), 3)
        else:
            u = torch.rand((len(point), 2), generator=self._random)
            radius = ((k + u[:, 0]) / rays).sqrt() * self.sun.radius
            turn = 2 * math.pi * (u[:, 1] + k * 0.618034)
            axis = (
                middle.expand(len(point), 3) if self.sun.sun else torch.nn.functional.normalize(middle - point, dim=1)
            )
            first, second = _frame(axis)
            spread = first * (radius * turn.cos())[:, None] + second * (radius * turn.sin())[:, None]
        return (middle + spread) * 1000.0 if self.sun.sun else middle + spread - point


def _about(normal: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Directions around `normal`, distributed as the cosine, from two numbers in 0..1."""
    a, b = _frame(normal)
    radius, turn = first.sqrt(), 2 * math.pi * second
    height = (1 - first).clamp_min(0).sqrt()
    return a * (radius * turn.cos())[:, None] + b * (radius * turn.sin())[:, None] + normal * height[:, None]


def _frame(axis: Tensor) -> tuple[Tensor, Tensor]:
    """Two unit vectors at right angles to `axis` and each other."""
    helper = torch.zeros_like(axis)
    flat = axis[:, 2].abs() < 0.9
    helper[flat, 2] = 1.0
    helper[~flat, 0] = 1.0
    first = torch.nn.functional.normalize(torch.linalg.cross(helper, axis), dim=1)
    return first, torch.linalg.cross(torch.nn.functional.normalize(axis, dim=1), first)
