"""Rays through packed scenes: what they hit, what light reaches it, what colour it has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from depth3d.core.camera import Intrinsics
from depth3d.lab.training.packing import Packed
from depth3d.lab.training.raycast import MISS, first_hit, nearest_hit
from depth3d.lab.training.scene import ROW_ID
from depth3d.lab.training.shading import MATERIAL_START, albedo_and_normal, sky_colour, surface


@dataclass(frozen=True, slots=True, eq=False)
class Shadows:
    """How shadows are traced: jitter (samples, 3, B, P) in 0..1, every how many rows and columns, rays per row."""

    jitter: Tensor
    stride: int
    width: int

    def subsample(self, x: Tensor) -> Tensor:
        """(..., P) to every `stride`-th row and column, flat again."""
        if self.stride == 1:
            return x
        grid = x.reshape(*x.shape[:-1], -1, self.width)
        first = self.stride // 2
        return grid[..., first :: self.stride, first :: self.stride].flatten(-2)

    def upsample(self, x: Tensor) -> Tensor:
        """What `subsample` kept, repeated over its neighbours: back to (B, P)."""
        if self.stride == 1:
            return x
        grid = x.reshape(*x.shape[:-1], -1, self.width // self.stride)
        return grid.repeat_interleave(self.stride, -1).repeat_interleave(self.stride, -2).flatten(-2)


@cache
def _functions(compiled: bool) -> tuple[Callable[..., Any], ...]:
    functions = (nearest_hit, _locate, first_hit, _shade)
    if not compiled:
        return functions
    import torch.fx.experimental._config as symbols

    symbols.use_duck_shape = False  # equal sizes in one batch mean nothing for the next: without this, compiled again
    return tuple(torch.compile(f, dynamic=True) for f in functions)


def trace(
    packed: Packed,
    origin: Tensor,
    rays: Tensor,
    shadows: Shadows,
    cameras: Sequence[Intrinsics],
    *,
    shaded: bool,
    compiled: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Colour (B, 3, P), inverse depth (B, 1, P), normals in world axes (B, 3, P), ids (B, 1, P) of every ray."""
    nearest, locate, first, shade = _functions(compiled)
    t, index = nearest(*packed.hit_arguments, origin, rays)
    rows, z, inverse, ids, normal, metric, over, point = locate(packed.rows, t, index, origin, rays)
    if not shaded:
        return torch.zeros_like(rays), inverse, normal, ids
    start = shadows.subsample(point).contiguous()
    visible = torch.zeros_like(start[:, 0])
    for jitter in shadows.jitter.unbind(0):
        towards = _direction_to_light(packed.lights[:, 0], start, shadows.subsample(jitter).movedim(0, 1)).contiguous()
        visible += (first(*packed.hit_arguments, start, towards) >= 1).float() / len(shadows.jitter)
    visible = shadows.upsample(visible)
    focal = torch.tensor([c.fx for c in cameras], dtype=z.dtype, device=z.device)[:, None]
    rgb = shade(
        packed.texels, packed.levels, rows, packed.lights, packed.sky, packed.clouds, rays, point, normal, metric, over,
        z, z / focal, visible,
    )  # fmt: skip
    return rgb, inverse, normal, ids


def _locate(table: Tensor, t: Tensor, index: Tensor, origin: Tensor, rays: Tensor) -> tuple[Tensor, ...]:
    """What the shader needs of each hit: table rows (B, P, 40), z, 1/z, ids, normal, coordinates, point just off it."""
    seen = t < MISS
    batch, count, width = table.shape
    flat = index + torch.arange(batch, device=index.device)[:, None] * count
    rows = table.reshape(-1, width)[flat]
    z = torch.where(seen, t, torch.ones_like(t))
    point = origin + z[:, None] * rays
    normal, metric, over = surface(rows.movedim(2, 1), point, rays)
    ids = torch.where(seen, rows[:, :, ROW_ID].to(torch.int32), -1)[:, None]
    inverse = torch.where(seen, 1 / z, torch.zeros_like(z))[:, None]
    outside = point + normal * (2e-4 * z + 2e-4)[:, None]
    return rows, z, inverse, ids, normal * seen[:, None], metric, over, outside


def _direction_to_light(light: Tensor, point: Tensor, jitter: Tensor) -> Tensor:
    """(B, 3, P) from the surface to a point of the light: 1 is the light itself, for the sun a kilometre away."""
    spread = (jitter - 0.5) * (2 * light[:, 7, None, None])
    sun = (light[:, 1:4, None] + spread) * 1000.0
    lamp = light[:, 1:4, None] + spread - point
    return torch.where(light[:, 0, None, None] > 0, sun, lamp)


# Long: the steps of one shader, which share a dozen tensors.
def _shade(
    texels: Tensor,
    levels: tuple[tuple[int, int], ...],
    rows: Tensor,
    lights: Tensor,
    sky: Tensor,
    clouds: Tensor,
    rays: Tensor,
    point: Tensor,
    normal: Tensor,
    metric: Tensor,
    over: Tensor,
    z: Tensor,
    pixel_size: Tensor,
    visible: Tensor,
) -> Tensor:
    material = rows[:, :, MATERIAL_START:].movedim(2, 1)
    seen = normal.abs().sum(1) > 0
    facing = (normal * rays).sum(1).abs() / rays.pow(2).sum(1).sqrt()
    slant = pixel_size / facing.clamp_min(0.05).sqrt()
    albedo, bumped = albedo_and_normal(texels, levels, material, normal, metric, over, slant)
    up = (bumped[:, 2:3] + 1) / 2
    light = sky[:, 10:13, None] * (1 - up) + sky[:, 7:10, None] * up
    view = -rays / rays.pow(2).sum(1, keepdim=True).sqrt()
    shine = torch.zeros_like(albedo)
    for i in range(2):
        row = lights[:, i]
        offset = torch.where(row[:, 0, None, None] > 0, row[:, 1:4, None] + 0 * point, row[:, 1:4, None] - point)
        square = offset.pow(2).sum(1, keepdim=True)
        unit = offset / square.sqrt().clamp_min(1e-6)
        fall = torch.where(row[:, 0, None, None] > 0, torch.ones_like(square), 1 / square.clamp_min(1))
        strength = fall * (visible[:, None] if i == 0 else 1.0)
        light = light + row[:, 4:7, None] * strength * (bumped * unit).sum(1, keepdim=True).clamp_min(0)
        middle = unit + view
        middle = middle / middle.pow(2).sum(1, keepdim=True).sqrt().clamp_min(1e-6)
        spot = (bumped * middle).sum(1, keepdim=True).clamp_min(1e-3) ** material[:, 18:19]
        shine = shine + row[:, 4:7, None] * strength * spot
    colour = albedo * (light + material[:, 15:16]) + material[:, 14:15] * shine
    through = torch.exp(-sky[:, 13:14, None] * z[:, None])
    colour = colour * through + sky[:, 14:17, None] * (1 - through)
    return torch.where(seen[:, None], colour, sky_colour(texels, levels, sky, clouds[:, None] + 0 * z, rays))
