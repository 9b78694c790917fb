"""Parallax: the photo as seen by a camera that moves a little."""

from __future__ import annotations

from depth3d.render.parallax.animate import DEFAULT_FPS as DEFAULT_FPS
from depth3d.render.parallax.animate import DEFAULT_SECONDS as DEFAULT_SECONDS
from depth3d.render.parallax.animate import DEFAULT_WIDTH as DEFAULT_WIDTH
from depth3d.render.parallax.animate import ShotParallax as ShotParallax
from depth3d.render.parallax.animate import animate_layers as animate_layers
from depth3d.render.parallax.animate import animate_parallax as animate_parallax
from depth3d.render.parallax.animate import check_clip as check_clip
from depth3d.render.parallax.camera_paths import DEFAULT_EASING as DEFAULT_EASING
from depth3d.render.parallax.camera_paths import DEFAULT_MOTION as DEFAULT_MOTION
from depth3d.render.parallax.camera_paths import EASINGS as EASINGS
from depth3d.render.parallax.camera_paths import MOTIONS as MOTIONS
from depth3d.render.parallax.camera_paths import Motion as Motion
from depth3d.render.parallax.camera_paths import Place as Place
from depth3d.render.parallax.camera_paths import to_one_motion as to_one_motion
from depth3d.render.parallax.keyframes import to_motion as to_motion
