"""Renders scenes of analytic primitives with torch: exact depth, normals and object numbers beside the colours.

    camera = Intrinsics.from_fov(640, 480, fov_x_deg=65)
    rendered = render(scene, camera, look_at((0, 0, 1.5), (0, 4, 1)), supersample=2)

Runs on the CPU and, unchanged, on a GPU, for one scene or a batch. World axes as in `scene.py` (z up), camera axes and
pixel centres as in `camera.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from depth3d.core.camera import Intrinsics, Pose
from depth3d.lab.training.packing import pack, visible_part
from depth3d.lab.training.scene import Scene
from depth3d.lab.training.tracing import Shadows, trace

__all__ = ["Rendered", "Scene", "look_at", "render", "render_batch"]

_CHUNK = 1 << 16


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


def look_at(
    eye: Sequence[float], target: Sequence[float], *, roll_deg: float = 0.0, up: Sequence[float] = (0.0, 0.0, 1.0)
) -> Pose:
    """The pose of a camera at `eye` that looks at `target`, upright (the world's z, or `up`) but for `roll_deg`."""
    position, forward = np.asarray(eye, np.float64), np.asarray(target, np.float64) - np.asarray(eye, np.float64)
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, up)
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
            scenes = [
                visible_part(scene, camera, pose) for scene, camera, pose in zip(scenes, cameras, poses, strict=True)
            ]
        packed = pack(scenes, device)
        rays, origin = _rays(cameras, poses, device)
        generator = torch.Generator(device).manual_seed(seed)
        rows = cameras[0].height if compiled else max(1, _CHUNK // len(scenes) // cameras[0].width)
        rows = max(shadow_stride, rows // shadow_stride * shadow_stride)
        parts = []
        for part in torch.split(rays, rows * cameras[0].width, dim=2):
            jitter = torch.rand((shadow_samples, 3, *part[:, 0].shape), generator=generator, device=device)
            shadows = Shadows(jitter, shadow_stride, cameras[0].width)
            parts.append(trace(packed, origin, part, shadows, cameras, shaded=shaded, compiled=compiled))
        rgb, inverse, normals, ids = (torch.cat(tensors, -1) for tensors in zip(*parts, strict=True))
        to_camera = torch.tensor(np.stack([p.world_from_cam[:3, :3].T for p in poses]), dtype=rgb.dtype, device=device)
        shape = (len(scenes), -1, cameras[0].height, cameras[0].width)
        return Rendered(
            rgb.reshape(shape).movedim(1, 3),
            inverse.reshape(shape)[:, 0],
            (to_camera @ normals).reshape(shape).movedim(1, 3),
            ids.reshape(shape)[:, 0],
        )


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
