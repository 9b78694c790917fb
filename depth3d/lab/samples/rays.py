"""Rays into a scene: the training's intersections and textures, for any rays, with only the primitives near them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from depth3d.lab.samples.cutouts import masks
from depth3d.lab.samples.textures import bank
from depth3d.lab.training.packing import pack
from depth3d.lab.training.raycast import MISS, nearest_hit
from depth3d.lab.training.scene import FRUSTUM, ROW_EXTENT, ROW_HALF, ROW_KIND, ROW_MAP, Light, Scene
from depth3d.lab.training.shading import MATERIAL_START, albedo_and_normal, surface

_CHUNK = 16384
_FITS_CACHE = 2048
_LIFT = 3e-4
_SMALL_M = 0.6
_CLUSTER = 24


@dataclass(slots=True)
class Surfaces:
    """What rays met, one row per ray.

    Attributes:
        seen: (P,) True where something was met.
        distance: (P,) in lengths of the ray.
        point: (P, 3) just outside the surface.
        normal: (P, 3) of the shape.
        bumped: (P, 3) of the texture's bumps.
        albedo: (P, 3) linear rgb.
        emission: (P,) light given off, in units of the albedo.
        gloss: (P,) reflection at a right angle.
        shininess: (P,) exponent of the highlight.
    """

    seen: Tensor
    distance: Tensor
    point: Tensor
    normal: Tensor
    bumped: Tensor
    albedo: Tensor
    emission: Tensor
    gloss: Tensor
    shininess: Tensor


class Stage:
    """The primitives of a scene, ready to be met by rays."""

    def __init__(self, scene: Scene) -> None:
        packed = pack([scene], "cpu")
        self._tables = list(packed.hit_arguments[:-1])
        self._masks = torch.from_numpy(masks())
        self._rows = packed.rows[0]
        self._spheres = self._bounding_spheres()
        self._clusters = self._clustered()

    @cached_property
    def textures(self) -> tuple[Tensor, tuple[tuple[int, int], ...]]:
        """Texels and mip levels, painted when first needed."""
        painted = bank()
        return torch.from_numpy(painted.texels), painted.levels

    def meet(self, origin: Tensor, direction: Tensor, pixel_size: float, chosen: Tensor | None = None) -> Surfaces:
        """What rays from `origin` (P, 3) along `direction` (P, 3) meet; `chosen` primitives only."""
        parts = [
            self._meet(o, d, pixel_size, chosen)
            for o, d in zip(origin.split(_CHUNK), direction.split(_CHUNK), strict=True)
        ]
        names = Surfaces.__slots__
        return Surfaces(*(torch.cat([getattr(part, name) for part in parts]) for name in names))

    def is_free(self, origin: Tensor, towards: Tensor, chosen: Tensor | None = None) -> Tensor:
        """(P,) 1 where nothing lies between `origin` and `origin + towards`."""
        parts = []
        for o, d in zip(origin.split(_CHUNK), towards.split(_CHUNK), strict=True):
            t, _ = self.nearest(o, d, chosen)
            parts.append((t >= 1).float())
        return torch.cat(parts)

    def _meet(self, origin: Tensor, direction: Tensor, pixel_size: float, chosen: Tensor | None) -> Surfaces:
        t, index = self.nearest(origin, direction, chosen)
        seen = t < MISS
        distance = torch.where(seen, t, torch.ones_like(t))
        rows = self._rows[index].T[None]
        point = origin + distance[:, None] * direction
        normal, metric, over = surface(rows, point.T[None], direction.T[None])
        material, metric, size = _fitted(rows, metric, over, (distance * pixel_size)[None])
        albedo, bumped = albedo_and_normal(*self.textures, material, normal, metric, over, size)
        normal, bumped = normal[0].T, bumped[0].T
        lift = (_LIFT * (1 + distance))[:, None]
        return Surfaces(
            seen, distance, point + normal * lift, normal, bumped, albedo[0].T.clamp(0, 1), material[0, 15],
            material[0, 14], material[0, 18],
        )  # fmt: skip

    def nearest(self, origin: Tensor, direction: Tensor, chosen: Tensor | None) -> tuple[Tensor, Tensor]:
        """Distance to and number of the nearest primitive, of the chosen ones or of all."""
        if chosen is not None:
            return self._nearest_of(*self._subset(chosen), origin, direction)
        (_, everywhere), *clusters = self._clusters
        best, index = self._nearest_of(*everywhere, origin, direction)
        square = (direction**2).sum(1)
        for sphere, members in clusters:
            away = sphere[:3] - origin
            along = ((away * direction).sum(1) / square).clamp_min(0)
            near = torch.nonzero(((away - along[:, None] * direction) ** 2).sum(1) < sphere[3] ** 2)[:, 0]
            if len(near):
                t, number = self._nearest_of(*members, origin[near], direction[near])
                closer = t < best[near]
                best[near[closer]], index[near[closer]] = t[closer], number[closer]
        return best, index

    def _nearest_of(
        self, tables: list[Tensor], numbers: Tensor, origin: Tensor, direction: Tensor
    ) -> tuple[Tensor, Tensor]:
        parts = []
        for o, d in zip(origin.split(_FITS_CACHE), direction.split(_FITS_CACHE), strict=True):
            parts.append(nearest_hit(*tables, self._masks, o.T[None].contiguous(), d.T[None].contiguous()))  # type: ignore[call-arg]
        return torch.cat([t[0] for t, _ in parts]), numbers[torch.cat([i[0] for _, i in parts])]

    def _clustered(self) -> list[tuple[Tensor, tuple[list[Tensor], Tensor]]]:
        """The large primitives, then groups of small neighbours, each with a sphere around it."""
        radius = self._spheres[:, 3]
        groups = [torch.nonzero(radius >= _SMALL_M)[:, 0]]
        waiting = [torch.nonzero((radius > 0) & (radius < _SMALL_M))[:, 0]]
        while waiting:
            group = waiting.pop()
            if len(group) <= _CLUSTER:
                groups.append(group)
                continue
            centres = self._spheres[group, :3]
            axis = int((centres.max(0).values - centres.min(0).values).argmax())
            order = group[centres[:, axis].argsort(stable=True)]
            waiting += [order[: len(order) // 2], order[len(order) // 2 :]]
        return [(self._around(group), self._subset(_chosen(group, len(radius)))) for group in groups if len(group)]

    def _around(self, group: Tensor) -> Tensor:
        centres, radii = self._spheres[group, :3], self._spheres[group, 3]
        centre = (centres.max(0).values + centres.min(0).values) / 2
        return torch.cat([centre, (torch.linalg.norm(centres - centre, dim=1) + radii).max()[None]]).float()

    def _kinds(self) -> Iterator[list[int]]:
        """Which tables of the renderer belong together: each kind's maps, and what else a kind has."""
        yield from ([0], [1], [2, 3], [4, 5], [6, 7])

    def _subset(self, chosen: Tensor) -> tuple[list[Tensor], Tensor]:
        tables, numbers, start = list(self._tables), [], 0
        for members in self._kinds():
            count = self._tables[members[0]].shape[1]
            kept = torch.nonzero(chosen[start : start + count])[:, 0]
            kept = kept if len(kept) else torch.tensor([0])
            for member in members:
                tables[member] = self._tables[member][:, kept]
            numbers.append(kept + start)
            start += count
        return tables, torch.cat(numbers)

    def _bounding_spheres(self) -> Tensor:
        """(N, 4) centre and radius of every primitive, in the renderer's order."""
        maps = self._rows[:, ROW_MAP].reshape(-1, 3, 4).double()
        solvable = torch.linalg.det(maps[:, :, :3]).abs() > 1e-12
        centre = torch.zeros(len(maps), 3, dtype=torch.float64)
        centre[solvable] = -torch.linalg.solve(maps[solvable, :, :3], maps[solvable, :, 3])
        half = self._rows[:, ROW_HALF].double()
        half[:, 2] = torch.where(self._rows[:, ROW_KIND] > FRUSTUM, 0.0, half[:, 2])  # cards are flat
        radius = torch.linalg.norm(half, dim=1)
        radius = torch.where(torch.isinf(self._rows[:, ROW_EXTENT]), 1e9, radius)
        radius = torch.where(solvable, radius, -1e9)  # padding is never met
        return torch.cat([centre, radius[:, None]], 1)

    def near_cone(self, eye: Tensor, directions: Tensor) -> Tensor:
        """(N,) True for primitives that rays from `eye` along `directions` may meet."""
        unit = torch.nn.functional.normalize(directions.double(), dim=1)
        axis = torch.nn.functional.normalize(unit.mean(0), dim=0)
        widest = torch.arccos((unit @ axis).min().clamp(-1, 1))
        away = self._spheres[:, :3] - eye.double()
        distance = torch.linalg.norm(away, dim=1)
        angle = torch.arccos((away @ axis / distance.clamp_min(1e-9)).clamp(-1, 1))
        reach = torch.arcsin((self._spheres[:, 3] / distance.clamp_min(1e-9)).clamp(-1, 1))
        return (angle - reach < widest + 1e-3) | (distance < self._spheres[:, 3] + 1e-3)

    def near_light(self, light: Light, points: Tensor) -> Tensor:
        """(N,) True for primitives that may lie between `points` and a sun or lamp."""
        low, high = points.min(0).values.double(), points.max(0).values.double()
        centre, radius = (low + high) / 2, torch.linalg.norm(high - low) / 2
        axis = torch.tensor(light.position, dtype=torch.float64)
        axis = axis if light.sun else axis - centre
        length = math.inf if light.sun else float(torch.linalg.norm(axis))
        axis = torch.nn.functional.normalize(axis, dim=0)
        away = self._spheres[:, :3] - centre
        along = (away @ axis).clamp(0, length)
        across = torch.linalg.norm(away - along[:, None] * axis, dim=1)
        spread = light.radius * (along if light.sun else 1.0)
        return across < self._spheres[:, 3] + radius + spread + 1e-3


def _fitted(rows: Tensor, metric: Tensor, over: Tensor, size: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Materials that stretch one tile over a face as metric textures, so that their detail follows the distance."""
    material = rows[:, MATERIAL_START:].clone()
    fit = material[:, 8] > 0
    material[:, 7] = torch.where(fit, 1.0, material[:, 7])
    material[:, 17] = torch.where(fit, 0.0, material[:, 17])
    material[:, 8] = 0.0
    extent = 2 * rows[:, ROW_HALF].amax(1)
    return material, torch.where(fit[:, None], over, metric), torch.where(fit, size / extent, size)


def _chosen(group: Tensor, count: int) -> Tensor:
    chosen = torch.zeros(count, dtype=torch.bool)
    chosen[group] = True
    return chosen
