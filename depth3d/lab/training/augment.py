"""Augmentation of whole batches by what lenses, sensors and files do: linear light in, network input in [0, 1] out.

Every sample draws its own from one generator: the same seed gives the same batch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Pictures and what is known of them.

    Attributes:
        rgb: (N, 3, H, W) float in [0, 1] as a file would hold it (sRGB), not yet normalised for a network.
        inverse_depth: (N, H, W) float, 0 at infinity, any unit per picture.
        valid: (N, H, W) bool, where `inverse_depth` is known.
        anchored: (N,) bool, whose `inverse_depth` has its true zero at infinity; the others, such as stereo
            disparities, are known up to a shift. None: all of them.
    """

    rgb: Tensor
    inverse_depth: Tensor
    valid: Tensor
    anchored: Tensor | None = None


class BatchRandom:
    """Random tensors with one number per sample: uniform, normal, Bernoulli."""

    def __init__(self, seed: int, count: int, device: torch.device) -> None:
        self.generator = torch.Generator(device).manual_seed(seed)
        self.count, self.device = count, device

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """(N, *shape or 1, 1, 1) between low and high."""
        size = (self.count, *(shape or (1, 1, 1)))
        return torch.rand(size, generator=self.generator, device=self.device) * (high - low) + low

    def normal(self, *shape: int) -> Tensor:
        """(N, *shape) standard normal."""
        return torch.randn((self.count, *shape), generator=self.generator, device=self.device)

    def bernoulli(self, share: float) -> Tensor:
        """(N, 1, 1, 1) true for about `share` of the samples."""
        return self.uniform(0, 1) < share


def crop(
    rgb: Tensor, inverse_depth: Tensor, valid: Tensor, size: tuple[int, int], draws: BatchRandom, *, zoom: float = 0.55
) -> tuple[Tensor, Tensor, Tensor]:
    """A random part of every picture, perhaps mirrored, at (height, width) `size`.

    Args:
        rgb: (N, 3, H, W).
        inverse_depth: (N, H, W).
        valid: (N, H, W).
        size: height and width of the result.
        draws: the random numbers.
        zoom: the smallest part, as a share of the largest that fits.
    """
    height, width = rgb.shape[2:]
    fit = min(height / size[0], width / size[1])
    full_h, full_w = size[0] * fit / height, size[1] * fit / width
    part = draws.uniform(zoom, 1.0, 1).clamp_min(zoom) ** 0.7
    stretch = draws.uniform(-0.12, 0.12, 1).exp()
    sy, sx = (part * full_h * stretch).clamp(max=1), (part * full_w / stretch).clamp(max=1)
    ty, tx = draws.uniform(-1, 1, 1) * (1 - sy), draws.uniform(-1, 1, 1) * (1 - sx)
    mirror = torch.where(draws.uniform(0, 1, 1) < 0.5, -1.0, 1.0)
    zero = torch.zeros_like(sx)
    theta = torch.stack([torch.cat([sx * mirror, zero, tx], 1), torch.cat([zero, sy, ty], 1)], 1)
    grid = functional.affine_grid(theta, [len(rgb), 1, *size], align_corners=False)
    picked = functional.grid_sample(rgb, grid, mode="bilinear", padding_mode="border", align_corners=False)
    known = torch.stack([inverse_depth, valid.to(inverse_depth.dtype)], 1)
    known = functional.grid_sample(known, grid, mode="nearest", padding_mode="border", align_corners=False)
    return picked, known[:, 0], known[:, 1] > 0.5


def develop(rgb: Tensor, draws: BatchRandom) -> Tensor:
    """Linear light (N, 3, H, W) of any strength to a picture in [0, 1]: exposure, lens, sensor, tone curve."""
    luminance = rgb.mean(1, keepdim=True)
    level = luminance.clamp_min(1e-4).log().mean((2, 3), keepdim=True).exp() * 0.5
    level = level + luminance.mean((2, 3), keepdim=True) * 0.5
    exposure = draws.uniform(math.log(0.12), math.log(0.45)).exp() / level.clamp_min(1e-4)
    balance = (draws.normal(3, 1, 1) * 0.10).exp()
    x = rgb * exposure * balance
    x = x * _vignette(x, draws)
    x = _blur(x + _stray_light(x, draws), draws)
    shot = draws.bernoulli(0.7) * draws.uniform(-6.0, -3.1).exp()
    x = x + draws.normal(*x.shape[1:]) * shot * (x.clamp_min(0) + 0.02).sqrt()
    gamma = draws.uniform(1.9, 2.6)
    x = x.clamp(0, 1) ** (1 / gamma)
    curve = draws.uniform(-0.35, 0.6) * draws.bernoulli(0.6)
    x = x + curve * (x - 0.5) * (1 - (2 * x - 1).abs()) * 2 * (x * (1 - x) * 4)
    grey = x.mean(1, keepdim=True)
    saturation = torch.where(draws.bernoulli(0.06), 0.0, draws.uniform(0.5, 1.45))
    x = grey + (x - grey) * saturation
    x = x + draws.uniform(0, 0.12) * draws.bernoulli(0.25) * (1 - x)
    coarse = functional.interpolate(draws.normal(3, x.shape[2] // 3, x.shape[3] // 3), x.shape[2:], mode="bilinear")
    x = x + coarse * draws.uniform(0, 0.035) * draws.bernoulli(0.3)
    return _compressed(x.clamp(0, 1), draws)


def degrade(batch: Batch, draws: BatchRandom) -> Batch:
    """Add white or black frames, patches stuck on (depth is unknown there), and reflections of another picture."""
    rgb, valid = batch.rgb, batch.valid
    count, _, height, width = rgb.shape
    ghost = draws.uniform(0.03, 0.22) * draws.bernoulli(0.1)
    rgb = rgb * (1 - ghost) + rgb.flip(0).flip(2 if draws.uniform(0, 1)[0].item() < 0.5 else 3) * ghost
    rgb = _uneven_light(rgb, draws)
    y = (torch.arange(height, device=rgb.device) + 0.5)[None, :, None]
    x = (torch.arange(width, device=rgb.device) + 0.5)[None, None, :]
    edge = draws.uniform(0, 1, 4, 1, 1) ** 2 * 0.07 * draws.bernoulli(0.12)
    frame = (
        (y < edge[:, 0] * height) | (y > height - edge[:, 1] * height)
        | (x < edge[:, 2] * width) | (x > width - edge[:, 3] * width)
    )  # fmt: skip
    shade = torch.where(draws.bernoulli(0.75), 1.0, 0.0)
    rgb = torch.where(frame[:, None], shade, rgb)
    cy, cx = draws.uniform(0, 1, 1, 1) * height, draws.uniform(0, 1, 1, 1) * width
    ry, rx = draws.uniform(0.03, 0.16, 1, 1) * height, draws.uniform(0.03, 0.16, 1, 1) * width
    patch = ((y - cy).abs() < ry) & ((x - cx).abs() < rx) & draws.bernoulli(0.12)[:, 0]
    rgb = torch.where(patch[:, None], draws.uniform(0, 1, 3, 1, 1), rgb)
    return Batch(rgb, batch.inverse_depth, valid & ~frame & ~patch, batch.anchored)


def _vignette(x: Tensor, draws: BatchRandom) -> Tensor:
    v = torch.linspace(-1, 1, x.shape[2], device=x.device)[None, None, :, None]
    u = torch.linspace(-1, 1, x.shape[3], device=x.device)[None, None, None, :]
    return 1 - draws.uniform(0, 0.35) * draws.bernoulli(0.5) * (u * u + v * v) / 2


def _stray_light(x: Tensor, draws: BatchRandom) -> Tensor:
    """Stray light: some of the picture's mean, everywhere."""
    return x.mean((2, 3), keepdim=True) * draws.uniform(0, 0.15) * draws.bernoulli(0.4)


def _uneven_light(rgb: Tensor, draws: BatchRandom) -> Tensor:
    """Uneven light: a smooth field of gain with an edge somewhere, as from things outside the picture."""
    height, width = rgb.shape[2:]
    coarse = draws.normal(1, 4, 5)
    field = functional.interpolate(coarse, (height, width), mode="bicubic", align_corners=True)
    edge = torch.sigmoid(field * torch.where(draws.bernoulli(0.5), 3.0, 30.0))
    gain = 1 - draws.uniform(0.0, 0.55) * draws.bernoulli(0.35) * edge
    return rgb * gain


def _blur(x: Tensor, draws: BatchRandom) -> Tensor:
    """Defocus and motion: one 7 x 7 kernel per sample."""
    count = len(x)
    axis = torch.arange(-3, 4, device=x.device, dtype=x.dtype)
    sigma = torch.where(draws.bernoulli(0.75), draws.uniform(0.15, 0.6), draws.uniform(0.4, 1.1))
    along = torch.where(draws.bernoulli(0.1), draws.uniform(0.5, 2.5), torch.zeros_like(sigma)) + sigma
    angle = draws.uniform(0, math.pi)
    p = axis[None, None, None, :] * angle.cos() + axis[None, None, :, None] * angle.sin()
    q = axis[None, None, :, None] * angle.cos() - axis[None, None, None, :] * angle.sin()
    kernel = torch.exp(-0.5 * ((p / along) ** 2 + (q / sigma) ** 2))
    kernel = (kernel / kernel.sum((2, 3), keepdim=True)).expand(-1, 3, -1, -1)
    flat = functional.pad(x.reshape(1, count * 3, *x.shape[2:]), (3, 3, 3, 3), mode="replicate")
    return functional.conv2d(flat, kernel.reshape(count * 3, 1, 7, 7), groups=count * 3).reshape(x.shape)


def _compressed(x: Tensor, draws: BatchRandom) -> Tensor:
    """Blocks of 8 x 8 whose cosine coefficients are rounded, as JPEG does, for some samples."""
    count, channels, height, width = x.shape
    k = torch.arange(8, device=x.device, dtype=x.dtype)
    basis = torch.cos((2 * k[None] + 1) * k[:, None] * math.pi / 16) * 0.5
    basis[0] /= math.sqrt(2)
    h8, w8 = height // 8, width // 8
    blocks = x[:, :, : h8 * 8, : w8 * 8].reshape(count, channels, h8, 8, w8, 8).movedim(3, 4)
    step = draws.uniform(0.01, 0.06)[..., None, None] * (1 + 0.5 * (k[:, None] + k[None]))
    coefficients = basis @ blocks @ basis.T
    rounded = basis.T @ (torch.round(coefficients / step) * step) @ basis
    result = x.clone()
    result[:, :, : h8 * 8, : w8 * 8] = rounded.movedim(4, 3).reshape(count, channels, h8 * 8, w8 * 8)
    return torch.where(draws.bernoulli(0.25), result, x).clamp(0, 1)
