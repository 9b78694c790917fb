"""Scenes as tensors: primitives sorted by kind, padded to one length, with their materials, lights and sky."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from depth3d.core.camera import Intrinsics, Pose
from depth3d.lab.training.scene import (
    CARD,
    KINDS,
    ROW_EXTENT,
    ROW_HALF,
    ROW_KIND,
    ROW_MAP,
    ROW_MASK,
    ROW_MATERIAL,
    ROW_TAPER,
    Light,
    Scene,
)
from depth3d.lab.training.textures import GROUPS, texture_bank

_PAD = 4


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """A batch of scenes as tensors: primitives by kind, padded with ones that no ray meets."""

    hit_arguments: tuple[Tensor, ...]
    rows: Tensor
    lights: Tensor
    sky: Tensor
    clouds: Tensor
    texels: Tensor
    levels: tuple[tuple[int, int], ...]


@cache
def _bank_on(device: str) -> tuple[Tensor, tuple[tuple[int, int], ...], Tensor]:
    bank = texture_bank()
    return torch.tensor(bank.texels, device=device), bank.levels, torch.tensor(bank.masks, device=device)


def pack(scenes: Sequence[Scene], device: str) -> Packed:
    """Brings scenes into the renderer's tensors."""
    by_kind, rows = [], []
    width = scenes[0].shapes.shape[1]
    for kind in KINDS:
        groups = [s.shapes[s.shapes[:, ROW_KIND] == kind] for s in scenes]
        count = max(_PAD, math.ceil(max(len(g) for g in groups) / _PAD) * _PAD)
        table = np.zeros((len(scenes), count, width), np.float32)
        table[:, :, 3] = table[:, :, 7] = table[:, :, 11] = 5.0
        for filled, group in zip(table, groups, strict=True):
            filled[: len(group)] = group
        by_kind.append(table)
    for i, scene in enumerate(scenes):
        shapes = np.concatenate([table[i] for table in by_kind])
        rows.append(np.concatenate([shapes, scene.materials[shapes[:, ROW_MATERIAL].astype(int)]], axis=1))
    texels, levels, masks = _bank_on(device)

    def put(array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(device)

    box, ball, cone, card, cutout = by_kind
    arguments = (
        put(box[:, :, ROW_MAP]), put(ball[:, :, ROW_MAP]), put(cone[:, :, ROW_MAP]), put(cone[:, :, ROW_TAPER]),
        put(card[:, :, ROW_MAP]), put(card[:, :, ROW_EXTENT]),
        put(cutout[:, :, ROW_MAP]), put(cutout[:, :, ROW_MASK].astype(np.int32)), masks,
    )  # fmt: skip
    lights = np.array([_light_rows(s.lights) for s in scenes], np.float32)
    sky = np.array([sky_row(s) for s in scenes], np.float32)
    smears = GROUPS["smears"]
    clouds = np.array([smears[int(len(s.shapes)) % len(smears)] for s in scenes], np.float32)
    return Packed(arguments, put(np.stack(rows)), put(lights), put(sky), put(clouds), texels, levels)


def sky_row(scene: Scene) -> list[float]:
    """The sky as numbers: zenith, horizon, clouds, ambient from above and below, fog, its colour."""
    sky = scene.sky
    return [*sky.zenith, *sky.horizon, sky.clouds, *sky.ambient_up, *sky.ambient_down, sky.fog, *sky.fog_colour]


def _light_rows(lights: Sequence[Light]) -> list[list[float]]:
    rows = [[float(light.sun), *light.position, *light.colour, light.radius] for light in lights[:2]]
    return rows + [[1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]] * (2 - len(rows))


def visible_part(scene: Scene, camera: Intrinsics, pose: Pose, *, margin_m: float = 0.3) -> Scene:
    """Return the scene without the primitives whose bounding ball, and `margin_m` around it, the camera cannot see."""
    maps = scene.shapes[:, ROW_MAP].reshape(-1, 3, 4).astype(np.float64)
    half = scene.shapes[:, ROW_HALF] * np.maximum(1, scene.shapes[:, ROW_TAPER])[:, None]
    half[:, 2] *= scene.shapes[:, ROW_KIND] < CARD
    radius = np.linalg.norm(half, axis=1) + margin_m
    endless = np.isinf(scene.shapes[:, ROW_EXTENT])
    centre = -np.linalg.solve(maps[:, :, :3], maps[:, :, 3:])[:, :, 0]
    x, y, z = ((centre - pose.world_from_cam[:3, 3]) @ pose.world_from_cam[:3, :3]).T
    seen = z > -radius
    for a, low, high, f in ((x, -camera.cx, camera.width - camera.cx, camera.fx),
                            (y, -camera.cy, camera.height - camera.cy, camera.fy)):  # fmt: skip
        seen &= (f * a - low * z) / math.hypot(f, low) > -radius
        seen &= (high * z - f * a) / math.hypot(f, high) > -radius
    return replace(scene, shapes=scene.shapes[seen | endless])
