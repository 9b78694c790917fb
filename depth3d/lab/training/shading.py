"""Colour of what the rays hit: textures, lamps, sun, ambient light, fog and sky. Linear rgb throughout."""

from __future__ import annotations

import torch
from torch import Tensor

from depth3d.lab.training.scene import ELLIPSOID, FRUSTUM, ROW_WIDTH


# Long: the steps of one shader, which share a dozen tensors.
def surface(rows: Tensor, point: Tensor, direction: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Normal and texture coordinates where the rays hit.

    Args:
        rows: (B, 21 or more, P) shape row of each ray's primitive.
        point: (B, 3, P) world coordinates.
        direction: (B, 3, P) of the rays.

    Returns:
        Unit normals (B, 3, P) facing the camera; metric texture coordinates (B, 2, P); coordinates over the face,
        0 to 1 (B, 2, P).
    """
    axes = [rows[:, 4 * i : 4 * i + 3] for i in range(3)]
    local = torch.stack([(a * point).sum(1) + rows[:, 4 * i + 3] for i, a in enumerate(axes)], 1)
    half, taper, kind = rows[:, 12:15], rows[:, 15], rows[:, 18]
    is_ball, is_cone, is_card = kind == ELLIPSOID, kind == FRUSTUM, kind > FRUSTUM
    size = local.abs()
    face = torch.where(
        size[:, 2] >= torch.maximum(size[:, 0], size[:, 1]), 2, torch.where(size[:, 1] >= size[:, 0], 1, 0)
    )
    face = torch.where(is_card, 2, face)
    slope, mean = (1 - taper) / 2, (1 + taper) / 2
    cap = is_cone & (size[:, 2] > 0.9995)
    one = torch.ones_like(taper)
    box_normal = torch.stack([torch.where(face == i, torch.sign(local[:, i]), 0 * one) for i in range(3)], 1)
    cone_normal = torch.stack([local[:, 0], local[:, 1], slope * (mean - slope * local[:, 2])], 1)
    cap_normal = torch.stack([0 * one, 0 * one, local[:, 2]], 1)
    card_normal = torch.stack([0 * one, 0 * one, one], 1)
    n = torch.where(is_ball[:, None], local, box_normal)
    n = torch.where(is_cone[:, None], torch.where(cap[:, None], cap_normal, cone_normal), n)
    n = torch.where(is_card[:, None], card_normal, n)
    normal = axes[0] * n[:, 0:1] + axes[1] * n[:, 1:2] + axes[2] * n[:, 2:3]
    normal = normal / normal.pow(2).sum(1, keepdim=True).sqrt().clamp_min(1e-12)
    normal = normal * -torch.sign((normal * direction).sum(1, keepdim=True))

    round_ = is_ball | (is_cone & ~cap)
    angle = torch.atan2(local[:, 1], local[:, 0])
    first = torch.where(face == 0, local[:, 1], local[:, 0])
    second = torch.where(face == 2, local[:, 1], local[:, 2])
    half_first = torch.where(face == 0, half[:, 1], half[:, 0])
    half_second = torch.where(face == 2, half[:, 1], half[:, 2])
    over = torch.stack(
        [
            torch.where(round_, angle / 6.2831853 + 0.5, first * 0.5 + 0.5),
            0.5 - 0.5 * torch.where(round_, local[:, 2], second),
        ],
        1,
    )
    metric = torch.stack(
        [
            torch.where(round_, angle * half[:, 0], first * half_first),
            -torch.where(round_, local[:, 2] * half[:, 2], second * half_second),
        ],
        1,
    )
    return normal, metric, over


def fetch(texels: Tensor, levels: tuple[tuple[int, int], ...], layer: Tensor, uv: Tensor, footprint: Tensor) -> Tensor:
    """Bilinear texture look-up in the mip level that fits.

    Args:
        texels: (T, 3) of `Bank`.
        levels: of `Bank`.
        layer: (B, P) number of the texture.
        uv: (B, 2, P) in tiles.
        footprint: (B, P) width of a pixel in tiles.

    Returns:
        (B, 3, P) linear rgb.
    """
    finest = levels[0][1]
    level = torch.log2((footprint * finest).clamp_min(1e-6)).round().clamp(0, len(levels) - 1)
    side = finest * torch.exp2(-level)
    # Offsets of the levels form a geometric series: layers * finest^2 * (1 - 4^-level) / (3/4).
    layers = levels[1][0] // (finest * finest)
    offset = (layers * finest * finest * (1 - torch.exp2(-2 * level)) * (4 / 3)).round()
    x, y = (uv[:, 0] - torch.floor(uv[:, 0])) * side - 0.5, (uv[:, 1] - torch.floor(uv[:, 1])) * side - 0.5
    x0, y0 = torch.floor(x), torch.floor(y)
    fx, fy = (x - x0)[:, None], (y - y0)[:, None]
    xa, ya = torch.where(x0 < 0, side - 1, x0), torch.where(y0 < 0, side - 1, y0)
    xb, yb = torch.where(x0 + 1 >= side, 0 * side, x0 + 1), torch.where(y0 + 1 >= side, 0 * side, y0 + 1)
    base = offset.to(torch.int64) + (layer * side * side).to(torch.int64)
    columns = [x.to(torch.int64) for x in (xa, xb)]
    lines = [(y * side).to(torch.int64) for y in (ya, yb)]
    taps = [[texels[base + line + column].movedim(-1, 1) for column in columns] for line in lines]
    top = taps[0][0] * (1 - fx) + taps[0][1] * fx
    bottom = taps[1][0] * (1 - fx) + taps[1][1] * fx
    return top * (1 - fy) + bottom * fy


def albedo_and_normal(
    texels: Tensor,
    levels: tuple[tuple[int, int], ...],
    material: Tensor,
    normal: Tensor,
    metric: Tensor,
    over: Tensor,
    pixel_size: Tensor,
) -> tuple[Tensor, Tensor]:
    """Diffuse colour (B, 3, P), and the normal tilted by the texture (B, 3, P).

    Args:
        texels: of `Bank`.
        levels: of `Bank`.
        material: (B, 19, P) `Material.row` of each ray.
        normal: (B, 3, P).
        metric: (B, 2, P) metres on the surface.
        over: (B, 2, P) 0 to 1 over the face.
        pixel_size: (B, P) metres that a pixel covers on the surface.
    """
    fit, rate = material[:, 8], material[:, 7]
    turned = material[:, 16:17] > 0
    uv = torch.where(fit[:, None] > 0, over, metric * rate[:, None])
    uv = torch.where(turned, uv.flip(1), uv) + material[:, 17:18] * (1 - fit[:, None])
    footprint = torch.where(fit > 0, torch.zeros_like(rate) + 0.01, pixel_size * rate)
    texture = fetch(texels, levels, material[:, 6], uv, footprint)
    tone = texture.mean(1, keepdim=True)
    two_tone = material[:, 0:3] * (1 - tone) + material[:, 3:6] * tone
    pictured = texture * material[:, 0:3]
    colour = two_tone + (pictured - two_tone) * material[:, 9:10]
    coarse = fetch(texels, levels, material[:, 10], metric * material[:, 11:12], pixel_size * material[:, 11])
    colour = colour * (1 + material[:, 12:13] * (coarse.mean(1, keepdim=True) * 2 - 1))
    tilted = normal + material[:, 13:14] * (texture - 0.5)
    return colour, tilted / tilted.pow(2).sum(1, keepdim=True).sqrt().clamp_min(1e-6)


def sky_colour(
    texels: Tensor, levels: tuple[tuple[int, int], ...], sky: Tensor, cloud_layer: Tensor, direction: Tensor
) -> Tensor:
    """(B, 3, P) colour of the sky along `direction`; `sky` (B, 17) is `render.sky_row`."""
    unit = direction / direction.pow(2).sum(1, keepdim=True).sqrt()
    height = unit[:, 2:3].clamp_min(0)
    blend = height.sqrt()
    colour = sky[:, 3:6, None] * (1 - blend) + sky[:, 0:3, None] * blend
    uv = unit[:, :2] / (height + 0.15) * 0.15
    cloud = fetch(texels, levels, cloud_layer, uv, torch.zeros_like(uv[:, 0]) + 0.004).mean(1, keepdim=True)
    amount = ((cloud - (1 - sky[:, 6:7, None])) * 4).clamp(0, 1) * sky[:, 6:7, None].sqrt()
    white = sky[:, 3:6, None].amax(1, keepdim=True)
    return colour + (white - colour) * amount


MATERIAL_START = ROW_WIDTH
