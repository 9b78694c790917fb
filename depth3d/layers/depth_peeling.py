"""Nearer things that stand before one another: more layers, where two would stretch what lies between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import MetricDepth
from depth3d.core.point_map import unproject
from depth3d.geometry.mesh import DEFAULT_CUT_ANGLE_DEG, DEFAULT_CUT_RATIO
from depth3d.geometry.mesh.discontinuities import cut_grid
from depth3d.layers.depth_edges import Jumps, find_jumps
from depth3d.layers.inpaint import continue_behind, continue_colours
from depth3d.layers.matting import find_foreground
from depth3d.layers.push_pull import spread
from depth3d.layers.split import Layers, closer_to, even_rim, hiding_pixels

_FULL_GAP, _LEAST_SAY = 0.3, 0.1
_SURELY = 0.02
"""Share of the picture's width that the largest step may open."""


@dataclass(frozen=True, slots=True, eq=False)
class Skin:
    """One of several layers.

    Attributes:
        rgb: (H, W, 3) uint8; beyond where it is seen its colours go on.
        inverse: (H, W) float32 1/z, which goes on too.
        matte: (H, W) float32 from 0 to 1, how much of a pixel it covers.
    """

    rgb: NDArray[np.uint8]
    inverse: NDArray[np.float32]
    matte: NDArray[np.float32]


def peel(
    layers: Layers,
    *,
    most: int = 3,
    least_jumps: float = 0.001,
    cut_ratio: float = DEFAULT_CUT_RATIO,
    cut_angle_deg: float = DEFAULT_CUT_ANGLE_DEG,
) -> tuple[Skin, ...]:
    """The layer behind, and the nearer things as layers that go on behind one another.

    Args:
        layers: the photo in layers.
        most: no more layers than this, at least 2.
        least_jumps: share of the picture's pixels at jumps for which another layer is made.
        cut_ratio: as for `to_layers`.
        cut_angle_deg: as for `to_layers`.

    Returns:
        The farthest first; that one covers everything.
    """
    skins = [Skin(layers.behind_rgb, layers.behind_inverse, np.ones_like(layers.matte))]
    front = _extended(Skin(layers.rgb, layers.inverse, layers.matte))
    while front.matte.any():
        parts = _split(front, layers.camera, least_jumps, cut_ratio, cut_angle_deg) if len(skins) + 1 < most else None
        skins.append(parts[0] if parts else front)
        if not parts:
            break
        front = parts[1]
    return tuple(skins)


def _extended(skin: Skin) -> Skin:
    """Colours and 1/z carried on over the rest of the picture."""
    plate = (skin.matte >= 0.5).astype(np.float32)
    beyond = spread(np.dstack([skin.rgb.astype(np.float32), skin.inverse]), plate)
    covered = skin.matte > 0
    colours = np.clip(np.rint(beyond[..., :3]), 0, 255).astype(np.uint8)
    rgb = np.where(covered[..., None], skin.rgb, colours)
    return Skin(rgb, np.where(covered, skin.inverse, np.maximum(beyond[..., 3], skin.inverse.min())), skin.matte)


def _split(
    skin: Skin, camera: Intrinsics, least_jumps: float, cut_ratio: float, cut_angle_deg: float
) -> tuple[Skin, Skin] | None:
    """What of the skin lies farther and goes on behind the rest, and the rest; None if it is one surface."""
    points = unproject(MetricDepth(np.float32(1) / skin.inverse, unit="arbitrary"), camera)
    seen = skin.matte >= 0.5
    within = seen[:-1, :-1] & seen[1:, :-1] & seen[:-1, 1:] & seen[1:, 1:]
    cut = ~cut_grid(points, cut_ratio=cut_ratio, cut_angle_deg=cut_angle_deg).whole & within
    jumps = find_jumps(skin.inverse, cut)
    if jumps.far.mean() < least_jumps:
        return None
    behind = continue_behind(skin.inverse, jumps, cut_ratio=cut_ratio)
    hiding = hiding_pixels(skin.inverse, behind, jumps, cut_ratio)
    rim = even_rim(hiding, jumps)
    known = (~hiding | rim) & ~jumps.far
    colours = continue_colours(skin.rgb, known, ~closer_to(jumps.far & ~hiding, rim))
    rgb = np.where((rim | (known & ~hiding))[..., None], skin.rgb, colours)
    near = find_foreground(skin.rgb, rgb, hiding, jumps.near | jumps.far)
    matte = np.minimum(near.matte, skin.matte)
    # Behind the nearer things it goes on from where it is seen, not from where they stand before something else.
    # Farther sides that stand before it themselves say as little of it as places where it is not seen.
    going_on = np.where(rim, np.float32(1), _going_on(jumps, ~seen | (hiding & jumps.far)))
    share = np.where(hiding, skin.matte * going_on, skin.matte).astype(np.float32)
    inverse = np.where(hiding & ~rim, np.minimum(behind.inverse, skin.inverse), skin.inverse)
    farther = Skin(np.where((hiding | (matte > 0))[..., None], rgb, skin.rgb), inverse, share)
    return farther, _extended(Skin(near.rgb, skin.inverse, np.where(hiding | (matte > 0), matte, 0)))


def _going_on(jumps: Jumps, ended: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(H, W) from 0 to 1, whether the ends of surfaces around are this one's own, or it has `ended` there."""
    own = jumps.far & ~ended
    ends = np.clip(jumps.gap / (_FULL_GAP * jumps.gap.max()), _LEAST_SAY, 1) * own
    weight = np.where(ended, np.float32(0.5), ends).astype(np.float32)
    share = spread((~ended).astype(np.float32)[..., None], weight)[..., 0]
    soft = np.clip((share - np.float32(0.5)) * 8 + np.float32(0.5), 0, 1)
    # Right behind an edge it always goes on, as far as the edge's own step may open.
    beside = jumps.reach(_SURELY * ended.shape[1] / float(jumps.gap.max()), where=own)
    return np.asarray(np.where(beside & closer_to(own, ended), 1, soft), np.float32)
