"""A photo in layers as a camera elsewhere sees it."""

from __future__ import annotations

from depth3d.layers.views.render import View as View
from depth3d.layers.views.render import draw_view as draw_view
from depth3d.layers.views.render import overshoot as overshoot
from depth3d.layers.views.render import render_view as render_view
from depth3d.layers.views.warp_prepare import PreparedLayers as PreparedLayers
from depth3d.layers.views.warp_prepare import Viewpoint as Viewpoint
from depth3d.layers.views.warp_prepare import prepare_layers as prepare_layers
