"""Rays against every primitive of a batch of scenes, in closed form.

All arrays are (B scenes, N primitives, P rays). Nothing here branches on data, so `torch.compile` fuses each function
into one loop: eight times faster on a CPU than the same lines run one by one.
"""

from __future__ import annotations

import torch
from torch import Tensor

MISS = 1e9
_NEAR = 1e-4
_TINY = 1e-9


def nearest_hit(
    boxes: Tensor,
    ellipsoids: Tensor,
    frustums: Tensor,
    tapers: Tensor,
    cards: Tensor,
    extents: Tensor,
    cutouts: Tensor,
    mask_numbers: Tensor,
    masks: Tensor,
    origin: Tensor,
    direction: Tensor,
) -> tuple[Tensor, Tensor]:
    """Where each ray first meets a primitive.

    Args:
        boxes: (B, N1, 12) affine maps local = A world + b, row by row with b as fourth column.
        ellipsoids: (B, N2, 12), as boxes.
        frustums: (B, N3, 12), as boxes.
        tapers: (B, N3) radius at the top over radius at the bottom.
        cards: (B, N4, 12), as boxes.
        extents: (B, N4) half size of the cards in local units, 1 or infinity.
        cutouts: (B, N5, 12) cards with holes, as boxes.
        mask_numbers: (B, N5) cut-out of each, an integer.
        masks: (M, S, S) 1 where a card is solid.
        origin: (B, 3, P) or (B, 3, 1) in world coordinates.
        direction: (B, 3, P), of any length.

    Returns:
        t (B, P) in units of the direction's length, `MISS` where nothing is hit; and (B, P) the primitive's number,
        counted through boxes, ellipsoids, frustums, cards and cut-outs.
    """
    best, index = _box(boxes, origin, direction).min(1)
    offset = boxes.shape[1]
    for t_all in (
        _ellipsoid(ellipsoids, origin, direction),
        _frustum(frustums, tapers, origin, direction),
        _card(cards, extents, origin, direction)[0],
        _cutout(cutouts, mask_numbers, masks, origin, direction),
    ):
        t, i = t_all.min(1)
        best, index = torch.minimum(best, t), torch.where(t < best, i + offset, index)
        offset += t_all.shape[1]
    return best, index


def first_hit(
    boxes: Tensor,
    ellipsoids: Tensor,
    frustums: Tensor,
    tapers: Tensor,
    cards: Tensor,
    extents: Tensor,
    cutouts: Tensor,
    mask_numbers: Tensor,
    masks: Tensor,
    origin: Tensor,
    direction: Tensor,
) -> Tensor:
    """The t of `nearest_hit` alone: what a shadow ray needs."""
    best = _box(boxes, origin, direction).amin(1)
    best = torch.minimum(best, _ellipsoid(ellipsoids, origin, direction).amin(1))
    best = torch.minimum(best, _frustum(frustums, tapers, origin, direction).amin(1))
    best = torch.minimum(best, _card(cards, extents, origin, direction)[0].amin(1))
    return torch.minimum(best, _cutout(cutouts, mask_numbers, masks, origin, direction).amin(1))


def _local(maps: Tensor, origin: Tensor, direction: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    rows = maps.reshape(maps.shape[0], maps.shape[1], 3, 4)
    o = [
        rows[:, :, i, 0, None] * origin[:, None, 0]
        + rows[:, :, i, 1, None] * origin[:, None, 1]
        + rows[:, :, i, 2, None] * origin[:, None, 2]
        + rows[:, :, i, 3, None]
        for i in range(3)
    ]
    d = [
        rows[:, :, i, 0, None] * direction[:, None, 0]
        + rows[:, :, i, 1, None] * direction[:, None, 1]
        + rows[:, :, i, 2, None] * direction[:, None, 2]
        for i in range(3)
    ]
    return o, d


def _not_zero(x: Tensor) -> Tensor:
    return torch.where(x.abs() < _TINY, _TINY, x)


def _box(maps: Tensor, origin: Tensor, direction: Tensor) -> Tensor:
    """Slab test (Kay and Kajiya 1986); from inside, the far side is hit."""
    o, d = _local(maps, origin, direction)
    enter, leave = [], []
    for oi, di in zip(o, d, strict=True):
        inverse = 1 / _not_zero(di)
        a, b = (-1 - oi) * inverse, (1 - oi) * inverse
        enter.append(torch.minimum(a, b))
        leave.append(torch.maximum(a, b))
    near = torch.maximum(torch.maximum(enter[0], enter[1]), enter[2])
    far = torch.minimum(torch.minimum(leave[0], leave[1]), leave[2])
    t = torch.where(near > _NEAR, near, far)
    return torch.where((far >= near) & (t > _NEAR), t, MISS)


def _ellipsoid(maps: Tensor, origin: Tensor, direction: Tensor) -> Tensor:
    """Unit ball, solved around the ray's closest point so that float32 suffices far away."""
    o, d = _local(maps, origin, direction)
    dd = (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]).clamp_min(1e-12)
    closest = -(o[0] * d[0] + o[1] * d[1] + o[2] * d[2]) / dd
    c = [oi + closest * di for oi, di in zip(o, d, strict=True)]
    rest = 1 - (c[0] * c[0] + c[1] * c[1] + c[2] * c[2])
    half = (rest.clamp_min(0) / dd).sqrt()
    t = torch.where(closest - half > _NEAR, closest - half, closest + half)
    return torch.where((rest > 0) & (t > _NEAR), t, MISS)


def _frustum(maps: Tensor, tapers: Tensor, origin: Tensor, direction: Tensor) -> Tensor:
    """Capped cone x^2 + y^2 = r(z)^2, |z| <= 1, solved around the ray's point closest to the axis."""
    o, d = _local(maps, origin, direction)
    mean, slope = (1 + tapers[:, :, None]) / 2, (1 - tapers[:, :, None]) / 2
    closest = -(o[0] * d[0] + o[1] * d[1]) / (d[0] * d[0] + d[1] * d[1]).clamp_min(1e-12)
    closest = closest.clamp(-1e6, 1e6)
    c = [oi + closest * di for oi, di in zip(o, d, strict=True)]
    radius, grow = mean - slope * c[2], -slope * d[2]
    qa = _not_zero(d[0] * d[0] + d[1] * d[1] - grow * grow)
    qb = c[0] * d[0] + c[1] * d[1] - radius * grow
    qc = c[0] * c[0] + c[1] * c[1] - radius * radius
    disc = qb * qb - qa * qc
    root = disc.clamp_min(0).sqrt()
    best = torch.full_like(disc, MISS)
    for sign in (-1.0, 1.0):
        s = (-qb + sign * root) / qa
        t = closest + s
        side = (disc > 0) & ((c[2] + s * d[2]).abs() <= 1) & (t > _NEAR)
        best = torch.minimum(best, torch.where(side, t, MISS))
    for end, cap in ((-1.0, torch.ones_like(mean)), (1.0, mean - slope)):
        t = (end - o[2]) / _not_zero(d[2])
        x, y = o[0] + t * d[0], o[1] + t * d[1]
        best = torch.minimum(best, torch.where((x * x + y * y <= cap * cap) & (t > _NEAR), t, MISS))
    return best


def _card(maps: Tensor, extents: Tensor, origin: Tensor, direction: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Rectangle |x|, |y| <= extent in z = 0; its t, and where the ray meets its plane."""
    o, d = _local(maps, origin, direction)
    t = -o[2] / _not_zero(d[2])
    x, y = o[0] + t * d[0], o[1] + t * d[1]
    extent = extents[:, :, None]
    return torch.where((x.abs() <= extent) & (y.abs() <= extent) & (t > _NEAR), t, MISS), x, y


def _cutout(maps: Tensor, mask_numbers: Tensor, masks: Tensor, origin: Tensor, direction: Tensor) -> Tensor:
    """Rectangle with holes, looked up in `masks`."""
    t, x, y = _card(maps, torch.ones_like(maps[:, :, 0]), origin, direction)
    size = masks.shape[1]
    column = ((x * 0.5 + 0.5) * size).clamp(0, size - 1).to(torch.int32)
    row = ((y * 0.5 + 0.5) * size).clamp(0, size - 1).to(torch.int32)
    plate = masks.flatten()[mask_numbers[:, :, None] * (size * size) + row * size + column] > 0
    return torch.where(plate, t, MISS)
