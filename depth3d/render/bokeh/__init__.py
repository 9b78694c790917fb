"""Depth of field: what a large lens would have made of the photo."""

from __future__ import annotations

from depth3d.render.bokeh.depth_of_field import DEFAULT_BLUR_PERCENT as DEFAULT_BLUR_PERCENT
from depth3d.render.bokeh.depth_of_field import DEFAULT_HIGHLIGHTS as DEFAULT_HIGHLIGHTS
from depth3d.render.bokeh.depth_of_field import check_lens as check_lens
from depth3d.render.bokeh.depth_of_field import defocus as defocus
