"""A photo in layers as a camera elsewhere sees it."""

from __future__ import annotations

from depth3d.views.rendering import View as View
from depth3d.views.rendering import draw_view as draw_view
from depth3d.views.rendering import overshoot as overshoot
from depth3d.views.rendering import render_view as render_view
from depth3d.views.staging import Stage as Stage
from depth3d.views.staging import Viewpoint as Viewpoint
from depth3d.views.staging import to_stage as to_stage
