"""A photo for two eyes."""

from __future__ import annotations

from depth3d.render.stereo.layouts import DEFAULT_LAYOUT as DEFAULT_LAYOUT
from depth3d.render.stereo.layouts import LAYOUTS as LAYOUTS
from depth3d.render.stereo.layouts import check_layout as check_layout
from depth3d.render.stereo.layouts import to_stereo as to_stereo
from depth3d.render.stereo.layouts import to_stereo_pair as to_stereo_pair
from depth3d.render.stereo.stereo_rig import COMFORT_PERCENT as COMFORT_PERCENT
from depth3d.render.stereo.stereo_rig import DEFAULT_DISPARITY_PERCENT as DEFAULT_DISPARITY_PERCENT
from depth3d.render.stereo.stereo_rig import ComfortWarning as ComfortWarning
from depth3d.render.stereo.stereo_rig import Eyes as Eyes
from depth3d.render.stereo.wigglegram import animate_wigglegram as animate_wigglegram
