"""A photo in layers: what is seen, and what continues behind it where something nearer ends."""

from __future__ import annotations

from depth3d.layers.depth_peeling import DepthLayer as DepthLayer
from depth3d.layers.depth_peeling import peel as peel
from depth3d.layers.split import DEFAULT_TURN_DEG as DEFAULT_TURN_DEG
from depth3d.layers.split import Layers as Layers
from depth3d.layers.split import to_layers as to_layers
from depth3d.layers.to_gaussians import to_layered_gaussians as to_layered_gaussians
from depth3d.layers.to_mesh import layers_to_mesh as layers_to_mesh
from depth3d.layers.to_mesh import to_layered_mesh as to_layered_mesh
