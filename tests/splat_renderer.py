"""A small renderer of Gaussian splats, independent of the package: front to back, one after the other, in numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.geometry.gaussians import Gaussians

_LOW_PASS_PX = 0.3
"""Variance that the authors' renderer adds, in square pixels, so that no splat is smaller than a pixel."""
_FAINTEST = 1 / 255


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """What a camera sees of splats.

    Attributes:
        rgb: (H, W, 3) float64, black where nothing is.
        light: (H, W) float64 share of each pixel that no splat covers.
    """

    rgb: NDArray[np.float64]
    light: NDArray[np.float64]


def draw_splats(splats: Gaussians, camera: Intrinsics, cam_from_world: NDArray[np.float64] | None = None) -> Drawn:
    """Draw by the derivative of the projection (Zwicker et al., EWA Splatting, 2001; Kerbl et al., 2023)."""
    pose = np.eye(4) if cam_from_world is None else cam_from_world
    xyz = splats.xyz.astype(np.float64) @ pose[:3, :3].T + pose[:3, 3]
    third = np.cross(splats.directions[:, 0], splats.directions[:, 1])
    axes = np.concatenate([splats.directions, third[:, None]], axis=1).astype(np.float64) @ pose[:3, :3].T
    axes *= splats.sigma[:, :, None]
    x, y, z = xyz.T
    zero = np.zeros_like(x)
    slope = np.array([[camera.fx / z, zero, -camera.fx * x / z**2], [zero, camera.fy / z, -camera.fy * y / z**2]])
    seen = np.einsum("ijn,nkj->nik", slope, axes)
    covariance = seen @ seen.transpose(0, 2, 1) + _LOW_PASS_PX * np.eye(2)
    centre = np.stack([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy], axis=1) - 0.5
    inverse = np.linalg.inv(covariance)
    reach = 3 * np.sqrt(np.stack([covariance[:, 0, 0], covariance[:, 1, 1]], axis=1))
    low = np.clip(np.ceil(centre - reach), 0, None).astype(int)
    high = np.minimum(np.floor(centre + reach), (camera.width - 1, camera.height - 1)).astype(int) + 1
    rgb, light = np.zeros((camera.height, camera.width, 3)), np.ones((camera.height, camera.width))
    colours, opacity = splats.rgb.astype(np.float64), splats.opacities
    for i in np.argsort(z, kind="stable"):
        (left, top), (right, bottom) = low[i], high[i]
        if z[i] <= 0 or right <= left or bottom <= top:
            continue
        dx, dy = np.arange(left, right) - centre[i, 0], (np.arange(top, bottom) - centre[i, 1])[:, None]
        a, b, c = inverse[i, 0, 0], inverse[i, 0, 1], inverse[i, 1, 1]
        alpha = opacity[i] * np.exp(-0.5 * (a * dx * dx + 2 * b * dx * dy + c * dy * dy))
        alpha[alpha < _FAINTEST] = 0
        place = np.s_[top:bottom, left:right]
        share = light[place] * alpha
        rgb[place] += share[..., None] * colours[i]
        light[place] -= share
    return Drawn(rgb, light)


def psnr(image: NDArray[np.float64], truth: NDArray[np.generic], where: NDArray[np.bool_] | None = None) -> float:
    """Peak signal to noise ratio in decibels, of 255."""
    squared = (image - truth.astype(np.float64)) ** 2
    return float(10 * np.log10(255**2 / (squared if where is None else squared[where]).mean()))
