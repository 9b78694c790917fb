"""Depth of field: what a large lens would have made of the photo."""

from __future__ import annotations

from depth3d.render.bokeh.defocus import DEFAULT_BLUR_PERCENT as DEFAULT_BLUR_PERCENT
from depth3d.render.bokeh.defocus import DEFAULT_HIGHLIGHTS as DEFAULT_HIGHLIGHTS
from depth3d.render.bokeh.defocus import defocus as defocus
