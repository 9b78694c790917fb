"""A camera in a studio: what every pixel sees, the light on it, and the exposure.

Gathered light is smooth: it is gathered at a coarse grid of points, and the pixels between take it from neighbours on
the same surface (irradiance caching, Ward et al., SIGGRAPH 1988, on a fixed grid).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from depth3d.core.camera import Intrinsics, Pose
from depth3d.lab.samples.light import Studio
from depth3d.lab.samples.rays import Surfaces
from depth3d.lab.training.raycast import MISS

_TILE = 64


@dataclass(frozen=True, slots=True)
class Quality:
    """How much work a picture is worth.

    Attributes:
        subpixels: rays per pixel along each axis.
        sun_rays: shadow rays for each of them.
        grid: distance of the gathering points, in subpixels.
        gather_rays: rays from each gathering point.
    """

    subpixels: int = 2
    sun_rays: int = 4
    grid: int = 6
    gather_rays: int = 96


def photograph(studio: Studio, camera: Intrinsics, pose: Pose, quality: Quality) -> NDArray[np.float32]:
    """(H, W, 3) linear rgb of what the camera sees, averaged over the subpixels after exposure."""
    fine = camera.resized(camera.width * quality.subpixels, camera.height * quality.subpixels)
    surfaces, view, sun = _look(studio, fine, pose, quality)
    colour = _lit(studio, surfaces, view, sun, fine, quality)
    shape = (camera.height, quality.subpixels, camera.width, quality.subpixels, 3)
    return np.asarray(_exposed(colour).reshape(shape).mean((1, 3)).numpy(), np.float32)


def exact_depth(studio: Studio, camera: Intrinsics, pose: Pose) -> NDArray[np.float32]:
    """(H, W) z in metres along the optical axis, at the pixels' centres; NaN at the sky."""
    metres = torch.full((camera.height * camera.width,), math.nan)
    for place, eye, direction in _rays(camera, pose):
        z, _ = studio.nearest(eye.expand(len(direction), 3), direction, studio.near_cone(eye, direction))
        metres[place] = torch.where(z < MISS, z, math.nan)
    return np.asarray(metres.reshape(camera.height, camera.width).numpy(), np.float32)


def _look(studio: Studio, fine: Intrinsics, pose: Pose, quality: Quality) -> tuple[Surfaces, Tensor, Tensor]:
    """What every subpixel sees, along which unit ray, and how the sun lights it; tile by tile."""
    count = fine.width * fine.height
    view, sun = torch.zeros(count, 3), torch.zeros(count, 3)
    whole = Surfaces(
        torch.zeros(count, dtype=torch.bool), torch.zeros(count), *(torch.zeros(count, 3) for _ in range(4)),
        *(torch.zeros(count) for _ in range(3)),
    )  # fmt: skip
    for place, eye, direction in _rays(fine, pose):
        met = studio.meet(eye.expand(len(direction), 3), direction, 1 / fine.fx, studio.near_cone(eye, direction))
        for name in Surfaces.__slots__:
            getattr(whole, name)[place] = getattr(met, name)
        view[place] = torch.nn.functional.normalize(direction, dim=1)
        if bool(met.seen.any()):
            point, normal = met.point[met.seen], met.bumped[met.seen]
            sun[place[met.seen]] = studio.sunlight(
                point, normal, quality.sun_rays, studio.near_light(studio.sun, point)
            )
    return whole, view, sun


def _rays(camera: Intrinsics, pose: Pose) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Tile by tile: numbers of its pixels, the eye (3,), and rays (P, 3) whose length along the optical axis is 1."""
    matrix = torch.from_numpy(pose.world_from_cam)
    eye = matrix[:3, 3].float()
    for top in range(0, camera.height, _TILE):
        for left in range(0, camera.width, _TILE):
            row = torch.arange(top, min(top + _TILE, camera.height))
            column = torch.arange(left, min(left + _TILE, camera.width))
            v, u = torch.meshgrid(row.double() + 0.5, column.double() + 0.5, indexing="ij")
            cam = torch.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, torch.ones_like(u)], -1)
            place = (row[:, None] * camera.width + column[None]).reshape(-1)
            yield place, eye, (cam.reshape(-1, 3) @ matrix[:3, :3].T).float()


def _lit(studio: Studio, surfaces: Surfaces, view: Tensor, sun: Tensor, fine: Intrinsics, quality: Quality) -> Tensor:
    """(P, 3) linear rgb: surfaces under sun and gathered light, mirrors, sky."""
    colour = torch.zeros(len(view), 3)
    colour[~surfaces.seen] = studio.sky(view[~surfaces.seen])
    around = _spread(studio, surfaces, fine, quality)
    diffuse = surfaces.albedo * (sun + around + surfaces.emission[:, None])
    seen = surfaces.seen
    colour[seen] = diffuse[seen]
    shiny = torch.nonzero(seen & (surfaces.gloss > 0))[:, 0]
    if len(shiny):
        part = Surfaces(*(getattr(surfaces, name)[shiny] for name in Surfaces.__slots__))
        facing = (-(view[shiny] * part.bumped).sum(1)).clamp(0, 1)
        share = (
            part.gloss + (1 - part.gloss) * 0.6 * (1 - facing) ** 5
        )  # Schlick's Fresnel, softened for rough surfaces
        colour[shiny] = colour[shiny] * (1 - share[:, None]) + share[:, None] * studio.reflected(part, view[shiny])
    return colour


def _spread(studio: Studio, surfaces: Surfaces, fine: Intrinsics, quality: Quality) -> Tensor:
    """(P, 3) gathered light everywhere, from a coarse grid of points on the same surfaces."""
    height, width, grid = fine.height, fine.width, quality.grid
    rows = torch.arange(grid // 2, height, grid)
    columns = torch.arange(grid // 2, width, grid)
    place = (rows[:, None] * width + columns[None]).reshape(-1)
    coarse = torch.zeros(len(place), 3)
    used = surfaces.seen[place]
    coarse[used] = studio.gathered(surfaces.point[place[used]], surfaces.normal[place[used]], quality.gather_rays)
    on_grid = Surfaces(*(getattr(surfaces, name)[place] for name in Surfaces.__slots__))
    for step in (1, 2):
        coarse = _smoothed(on_grid, coarse, (len(rows), len(columns)), step)
    total, weight = torch.zeros(height * width, 3), torch.zeros(height * width)
    for lines in torch.arange(height).split(256):
        part = slice(int(lines[0]) * width, (int(lines[-1]) + 1) * width)
        total[part], weight[part] = _from_neighbours(surfaces, coarse, used, lines, (height, width, grid))
    lonely = torch.nonzero(surfaces.seen & (weight < 0.02))[:, 0]
    around = total / weight.clamp_min(1e-9)[:, None]
    if len(lonely):
        few = max(8, quality.gather_rays // 8)
        around[lonely] = studio.gathered(surfaces.point[lonely], surfaces.normal[lonely], few)
    return around


def _smoothed(surfaces: Surfaces, light: Tensor, shape: tuple[int, int], step: int) -> Tensor:
    """Light averaged over nearby points of one surface (edge-avoiding a-trous filter, Dammertz et al., HPG 2010)."""
    row, column = (t.reshape(-1) for t in torch.meshgrid(*(torch.arange(n) for n in shape), indexing="ij"))
    total, weight = torch.zeros_like(light), torch.zeros(len(light))
    reach = 0.15 * surfaces.distance + 0.02
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            i, j = (row + dy * step).clamp(0, shape[0] - 1), (column + dx * step).clamp(0, shape[1] - 1)
            there = i * shape[1] + j
            same = _sameness(surfaces, torch.arange(len(light)), there, reach)
            w = same * math.exp(-(dx**2 + dy**2) / 4) * surfaces.seen[there]
            total += w[:, None] * light[there]
            weight += w
    return torch.where(weight[:, None] > 0, total / weight.clamp_min(1e-9)[:, None], light)


def _sameness(surfaces: Surfaces, here: Tensor, there: Tensor, reach: Tensor) -> Tensor:
    """1 for points on one flat surface, falling to 0 with a bend, a step, or a distance beyond `reach` metres."""
    normal = surfaces.normal[here]
    offset = surfaces.point[there] - surfaces.point[here]
    off_plane = (offset * normal).sum(1) / (0.1 * reach)
    bent = (surfaces.normal[there] * normal).sum(1).clamp(0, 1) ** 12
    return bent * torch.exp(-(off_plane**2) - (offset**2).sum(1) / reach**2)


def _from_neighbours(
    surfaces: Surfaces, coarse: Tensor, used: Tensor, lines: Tensor, shape: tuple[int, int, int]
) -> tuple[Tensor, Tensor]:
    """Weighted sum of the light of 5x5 coarse points around each subpixel of some lines, and the sum of weights."""
    height, width, grid = shape
    count_rows, count_columns = len(range(grid // 2, height, grid)), len(range(grid // 2, width, grid))
    row, column = torch.meshgrid(lines, torch.arange(width), indexing="ij")
    row, column = row.reshape(-1), column.reshape(-1)
    here = row * width + column
    reach = 0.12 * surfaces.distance[here] + 0.02
    total, weight = torch.zeros(len(here), 3), torch.zeros(len(here))
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            i = (row // grid + dy).clamp(0, count_rows - 1)
            j = (column // grid + dx).clamp(0, count_columns - 1)
            number = i * count_columns + j
            there = (i * grid + grid // 2) * width + j * grid + grid // 2
            pixels = ((row - i * grid - grid // 2) ** 2 + (column - j * grid - grid // 2) ** 2) / (1.3 * grid) ** 2
            w = _sameness(surfaces, here, there, reach) * torch.exp(-pixels) * used[number]
            total += w[:, None] * coarse[number]
            weight += w
    return total, weight


def _exposed(linear: Tensor) -> Tensor:
    """Light to display values in 0..1, still linear: a film-like shoulder (Narkowicz's fit of the ACES curve)."""
    x = linear.clamp_min(0)
    return ((x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14)).clamp(0, 1)
