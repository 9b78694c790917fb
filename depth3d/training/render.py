"""Renders scenes of analytic primitives with torch: exact depth, normals and object numbers beside the colours.

    camera = Intrinsics.from_fov(640, 480, fov_x_deg=65)
    rendered = render(scene, camera, look_at((0, 0, 1.5), (0, 4, 1)), supersample=2)

Runs on the CPU and, unchanged, on a GPU, for one scene or a batch. World axes as in `scene.py` (z up), camera axes and
pixel centres as in `camera.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from depth3d.camera import Intrinsics, Pose
from depth3d.training.raycast import MISS, first_hit, nearest_hit
from depth3d.training.scene import (
    CARD,
    KINDS,
    ROW_EXTENT,
    ROW_HALF,
    ROW_ID,
    ROW_KIND,
    ROW_MAP,
    ROW_MASK,
    ROW_MATERIAL,
    ROW_TAPER,
    Light,
    Scene,
)
from depth3d.training.shading import MATERIAL_START, albedo_and_normal, sky_colour, surface
from depth3d.training.textures import GROUPS, texture_bank

__all__ = ["Rendered", "Scene", "look_at", "render", "render_batch"]

_CHUNK = 1 << 16
_PAD = 4


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """What the renderer knows of one picture (numpy), or of a batch (torch, with a leading axis).

    Attributes:
        rgb: (H, W, 3) float32 linear light, not clipped.
        inverse_depth: (H, W) float32, 1/z along the optical axis in 1/metre; 0 at the sky.
        normals: (H, W, 3) float32 unit normals in camera axes, facing the camera; 0 at the sky.
        ids: (H, W) int32 object numbers, -1 at the sky.
    """

    rgb: Any
    inverse_depth: Any
    normals: Any
    ids: Any

    @property
    def depth(self) -> Any:
        """(H, W) z along the optical axis in metres, infinite at the sky."""
        with np.errstate(divide="ignore"):
            return 1 / self.inverse_depth


def look_at(eye: Sequence[float], target: Sequence[float], *, roll_deg: float = 0.0) -> Pose:
    """The pose of a camera at `eye` that looks at `target`, upright but for `roll_deg`; world z is up."""
    position, forward = np.asarray(eye, np.float64), np.asarray(target, np.float64) - np.asarray(eye, np.float64)
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right = right / np.linalg.norm(right) if np.linalg.norm(right) > 1e-9 else np.array([1.0, 0.0, 0.0])
    down = np.cross(forward, right)
    cos, sin = math.cos(math.radians(roll_deg)), math.sin(math.radians(roll_deg))
    matrix = np.eye(4)
    matrix[:3, 0], matrix[:3, 1], matrix[:3, 2] = cos * right + sin * down, cos * down - sin * right, forward
    matrix[:3, 3] = position
    return Pose(matrix)


def render(
    scene: Scene,
    camera: Intrinsics,
    pose: Pose,
    *,
    supersample: int = 1,
    shadow_samples: int = 1,
    seed: int = 0,
    device: str = "cpu",
) -> Rendered:
    """Renders one scene.

    Colours are averaged over `supersample` x `supersample` rays per pixel; depth, normals and ids are those of the ray
    through the pixel's centre, exact and unmixed. Soft shadows need `shadow_samples` > 1.

    Returns:
        A `Rendered` of numpy arrays at the camera's size.
    """
    exact = render_batch([scene], [camera], [pose], seed=seed, device=device, shaded=supersample == 1,
                         shadow_samples=shadow_samples)  # fmt: skip
    rgb = exact.rgb
    if supersample > 1:
        fine = camera.resized(camera.width * supersample, camera.height * supersample)
        many = render_batch([scene], [fine], [pose], seed=seed, device=device, shadow_samples=shadow_samples)
        rgb = torch.nn.functional.avg_pool2d(many.rgb.movedim(3, 1), supersample).movedim(1, 3)
    arrays: list[NDArray[Any]] = [t[0].cpu().numpy() for t in (rgb, exact.inverse_depth, exact.normals, exact.ids)]
    return Rendered(*arrays)


def render_batch(
    scenes: Sequence[Scene],
    cameras: Sequence[Intrinsics],
    poses: Sequence[Pose],
    *,
    seed: int = 0,
    device: str = "cpu",
    compiled: bool = False,
    shaded: bool = True,
    shadow_samples: int = 1,
    shadow_stride: int = 1,
    cull: bool = False,
) -> Rendered:
    """Renders scenes of one picture size, one ray per pixel.

    Args:
        scenes: the scenes.
        cameras: one per scene, all of one size.
        poses: where the cameras stand.
        seed: of the soft shadows' noise.
        device: torch device.
        compiled: fuse the loops with `torch.compile` (needs a C++ compiler, or a GPU): faster from the second call.
        shaded: False leaves the colours black.
        shadow_samples: rays per pixel towards the first light.
        shadow_stride: trace shadows only for every so many rows and columns, which must divide the picture's size.
        cull: leave out primitives that the camera cannot see: faster, but they cast no shadows then.

    Returns:
        A `Rendered` of torch tensors (B, H, W, ...) on `device`.
    """
    with torch.no_grad():
        if cull:
            scenes = [seen_by(scene, camera, pose) for scene, camera, pose in zip(scenes, cameras, poses, strict=True)]
        packed = pack(scenes, device)
        rays, origin = _rays(cameras, poses, device)
        generator = torch.Generator(device).manual_seed(seed)
        rows = cameras[0].height if compiled else max(1, _CHUNK // len(scenes) // cameras[0].width)
        rows = max(shadow_stride, rows // shadow_stride * shadow_stride)
        parts = []
        for part in torch.split(rays, rows * cameras[0].width, dim=2):
            jitter = torch.rand((shadow_samples, 3, *part[:, 0].shape), generator=generator, device=device)
            shadows = _Shadows(jitter, shadow_stride, cameras[0].width)
            parts.append(_trace(packed, origin, part, shadows, cameras, shaded=shaded, compiled=compiled))
        rgb, inverse, normals, ids = (torch.cat(tensors, -1) for tensors in zip(*parts, strict=True))
        to_camera = torch.tensor(np.stack([p.world_from_cam[:3, :3].T for p in poses]), dtype=rgb.dtype, device=device)
        shape = (len(scenes), -1, cameras[0].height, cameras[0].width)
        return Rendered(
            rgb.reshape(shape).movedim(1, 3),
            inverse.reshape(shape)[:, 0],
            (to_camera @ normals).reshape(shape).movedim(1, 3),
            ids.reshape(shape)[:, 0],
        )


def seen_by(scene: Scene, camera: Intrinsics, pose: Pose, *, margin_m: float = 0.3) -> Scene:
    """The scene without the primitives whose bounding ball, and `margin_m` around it, the camera cannot see."""
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


@dataclass(frozen=True, slots=True, eq=False)
class _Shadows:
    """How shadows are traced: jitter (samples, 3, B, P) in 0..1, every how many rows and columns, rays per row."""

    jitter: Tensor
    stride: int
    width: int

    def thin(self, x: Tensor) -> Tensor:
        """(..., P) to every `stride`-th row and column, flat again."""
        if self.stride == 1:
            return x
        grid = x.reshape(*x.shape[:-1], -1, self.width)
        first = self.stride // 2
        return grid[..., first :: self.stride, first :: self.stride].flatten(-2)

    def spread(self, x: Tensor) -> Tensor:
        """What `thin` left, repeated over its neighbours: back to (B, P)."""
        if self.stride == 1:
            return x
        grid = x.reshape(*x.shape[:-1], -1, self.width // self.stride)
        return grid.repeat_interleave(self.stride, -1).repeat_interleave(self.stride, -2).flatten(-2)


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


def _rays(cameras: Sequence[Intrinsics], poses: Sequence[Pose], device: str) -> tuple[Tensor, Tensor]:
    """World directions (B, 3, P) whose camera z is 1, so that a ray's parameter is depth; origins (B, 3, 1)."""
    numbers = torch.tensor([[c.fx, c.fy, c.cx, c.cy] for c in cameras], dtype=torch.float64, device=device)
    u = torch.arange(cameras[0].width, dtype=torch.float64, device=device) + 0.5
    v = torch.arange(cameras[0].height, dtype=torch.float64, device=device) + 0.5
    x = ((u[None] - numbers[:, 2:3]) / numbers[:, 0:1])[:, None, :].expand(-1, len(v), -1)
    y = ((v[None] - numbers[:, 3:4]) / numbers[:, 1:2])[:, :, None].expand(-1, -1, len(u))
    cam = torch.stack([x, y, torch.ones_like(x)], 1).flatten(2)
    pose = torch.tensor(np.stack([p.world_from_cam[:3] for p in poses]), device=device)
    return (pose[:, :, :3] @ cam).float(), pose[:, :, 3:].float()


@cache
def _functions(compiled: bool) -> tuple[Callable[..., Any], ...]:
    functions = (nearest_hit, _locate, first_hit, _shade)
    if not compiled:
        return functions
    import torch.fx.experimental._config as symbols

    symbols.use_duck_shape = False  # equal sizes in one batch mean nothing for the next: without this, compiled anew
    return tuple(torch.compile(f, dynamic=True) for f in functions)


def _trace(
    packed: Packed,
    origin: Tensor,
    rays: Tensor,
    shadows: _Shadows,
    cameras: Sequence[Intrinsics],
    *,
    shaded: bool,
    compiled: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    nearest, locate, first, shade = _functions(compiled)
    t, index = nearest(*packed.hit_arguments, origin, rays)
    rows, z, inverse, ids, normal, metric, over, point = locate(packed.rows, t, index, origin, rays)
    if not shaded:
        return torch.zeros_like(rays), inverse, normal, ids
    start = shadows.thin(point).contiguous()
    visible = torch.zeros_like(start[:, 0])
    for jitter in shadows.jitter.unbind(0):
        towards = _towards_light(packed.lights[:, 0], start, shadows.thin(jitter).movedim(0, 1)).contiguous()
        visible += (first(*packed.hit_arguments, start, towards) >= 1).float() / len(shadows.jitter)
    visible = shadows.spread(visible)
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


def _towards_light(light: Tensor, point: Tensor, jitter: Tensor) -> Tensor:
    """(B, 3, P) from the surface to a point of the light: 1 is the light itself, for the sun a kilometre away."""
    spread = (jitter - 0.5) * (2 * light[:, 7, None, None])
    sun = (light[:, 1:4, None] + spread) * 1000.0
    lamp = light[:, 1:4, None] + spread - point
    return torch.where(light[:, 0, None, None] > 0, sun, lamp)


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
