"""Draw the manual's pictures anew, with depth3d itself: python samples/pictures.py (needs the extra `view`).

The turned models are drawn by casting rays with Open3D, so no display is needed.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import cv2
import numpy as np
import open3d as o3d
from numpy.typing import NDArray

import depth3d as d3

HERE = Path(__file__).parent
OUT = HERE / "pictures"
BACKGROUND = (250, 250, 250)
TURN_DEG = 14.0
PANEL = (640, 480)


def main() -> None:
    """Draw every picture of README.md."""
    OUT.mkdir(exist_ok=True)
    scene = d3.reconstruct(HERE / "room.jpg", d3.Options(hints=(d3.Nearest(1.9), d3.Farthest(6.0))))
    panels = [_fitted(scene.photo.rgb), _fitted(scene.heatmap().rgb), _turned(scene)]
    d3.save(d3.Picture(np.hstack(panels)), OUT / "room_overview.jpg", force=True)
    print(f"{OUT / 'room_overview.jpg'}: {scene.depth.source}", file=sys.stderr)


def _fitted(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(rgb, PANEL, interpolation=cv2.INTER_AREA), np.uint8)


def _turned(scene: d3.Scene) -> NDArray[np.uint8]:
    """The model from the side: the camera turns about the middle of the scene."""
    mesh = scene.mesh()
    assert mesh.uv is not None
    assert mesh.texture is not None
    middle = float(np.median(mesh.xyz[:, 2]))
    angle = math.radians(TURN_DEG)
    turn = np.array([[math.cos(angle), 0, math.sin(angle)], [0, 1, 0], [-math.sin(angle), 0, math.cos(angle)]])
    xyz = (mesh.xyz - (0, 0, middle)) @ turn.T + (0, 0, middle * 1.15)
    caster = o3d.t.geometry.RaycastingScene()
    caster.add_triangles(xyz.astype(np.float32), mesh.faces)
    camera = scene.camera.resized(*PANEL)
    u, v = np.moveaxis(d3.pixel_centres(*PANEL), -1, 0)
    rays = np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones_like(u)], axis=-1)
    hit = caster.cast_rays(np.concatenate([np.zeros_like(rays), rays], axis=-1).astype(np.float32))
    face = hit["primitive_ids"].numpy()
    seen = face != caster.INVALID_ID
    uv = mesh.uv[mesh.faces[np.where(seen, face, 0)]]
    share = hit["primitive_uvs"].numpy()
    place = uv[..., 0, :] + share[..., :1] * (uv[..., 1, :] - uv[..., 0, :])
    place += share[..., 1:] * (uv[..., 2, :] - uv[..., 0, :])
    height, width = mesh.texture.shape[:2]
    where = (place * (width, height) - 0.5).astype(np.float32)
    drawn = cv2.remap(mesh.texture, where[..., 0], where[..., 1], cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    return np.where(seen[..., None], drawn, np.uint8(BACKGROUND)).astype(np.uint8)


if __name__ == "__main__":
    main()
