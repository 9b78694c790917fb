"""Vertex colours of a GLB in trimesh, which takes them for colours only where it is told to leave out the material."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import trimesh

from depth3d.geometry.mesh import Mesh
from depth3d.io.geometry.vertex_colors import srgb_from_linear
from depth3d.io.save import save


def test_trimesh_has_the_colours_as_an_attribute_and_without_materials_as_colours(tmp_path: Path) -> None:
    rgb = np.uint8([[255, 0, 0], [0, 128, 0], [20, 40, 255]])
    xyz = np.float32([[0, 0, 1], [1, 0, 1], [0, 1, 1]])
    save(Mesh(xyz, np.uint32([[0, 2, 1]]), rgb=rgb, unit="m"), tmp_path / "a.glb")
    usual = next(iter(trimesh.load(tmp_path / "a.glb").geometry.values()))
    assert len(usual.visual.vertex_attributes["color"]) == 3
    mesh = trimesh.load(tmp_path / "a.glb", force="mesh", skip_materials=True)
    assert mesh.visual.kind == "vertex"
    found = srgb_from_linear(np.asarray(mesh.visual.vertex_colors)[:, :3] / 255)
    assert np.abs(found.astype(int) - rgb).max() <= 12  # trimesh keeps 8 bits of linear light
