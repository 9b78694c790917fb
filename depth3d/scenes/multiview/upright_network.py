"""Photos of a camera that was held turned: the network and the finder of sky see them upright.

Phones store what their sensor sees: who holds one upright on a walk takes photos that lie on their side. Where a
capture knows gravity, they are turned for the network, and what it sees is turned back.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, Pose
from depth3d.core.depth import InverseDepth
from depth3d.core.options import DepthOptions
from depth3d.io.photos.photo import Photo
from depth3d.refine.sky import find_sky
from depth3d.scenes.lazy_network import Network
from depth3d.scenes.scene import Scene

_LEAST_LEVEL = 0.35
"""Cameras that look down or up by more than about 70 degrees have no upper edge."""

_ORIENTATION = {1: 8, 2: 3, 3: 6}
"""Exif's number for so many quarter turns counter-clockwise."""


def quarter_turns(pose: Pose, up: tuple[float, float, float] | None) -> int:
    """By how many quarter turns counter-clockwise a photo stands upright, 0 to 3.

    Args:
        pose: of the photo's camera.
        up: the direction opposite to gravity in the pose's world; None where that is not known.
    """
    if up is None:
        return 0
    x, y, _ = pose.cam_from_world[:3, :3] @ (np.array(up) / np.linalg.norm(up))
    if np.hypot(x, y) < _LEAST_LEVEL:
        return 0
    if abs(y) >= abs(x):
        return 0 if y < 0 else 2
    return 1 if x > 0 else 3


class UprightNetwork(Network):
    """A network that sees photos turned upright.

    Args:
        options: which predictor, and how edges are refined.
        turns: quarter turns counter-clockwise, 1 to 3.
        predictor: instead of the options' own.
    """

    def __init__(self, options: DepthOptions, turns: int, predictor: Any = None) -> None:
        super().__init__(options, predictor)
        self._turns = turns

    def inverse_depth(self, photo: Photo, camera: Intrinsics | None = None) -> InverseDepth:
        """What the network sees, turned back as the photo lies."""
        alpha = None if photo.alpha is None else _turned(photo.alpha, self._turns)
        upright = replace(photo, rgb=_turned(photo.rgb, self._turns), alpha=alpha)
        seen = super().inverse_depth(upright, camera and camera.turned(_ORIENTATION[self._turns]))
        return replace(seen, values=_turned(seen.values, -self._turns))


def with_upright_sky(scene: Scene, turns: int) -> Scene:
    """A scene with the sky that is found in its photo turned upright."""
    if scene.inverse_depth is None:
        return scene
    found = find_sky(_turned(scene.photo.rgb, turns), _turned(scene.inverse_depth.values, turns))
    return replace(scene, sky=_turned(found, -turns) if found.any() else None)


def _turned(values: NDArray[Any], turns: int) -> NDArray[Any]:
    return np.ascontiguousarray(np.rot90(values, turns))
