"""Parallax: the photo as seen by a camera that moves a little."""

from __future__ import annotations

from depth3d.parallax.animating import DEFAULT_FPS as DEFAULT_FPS
from depth3d.parallax.animating import DEFAULT_SECONDS as DEFAULT_SECONDS
from depth3d.parallax.animating import DEFAULT_WIDTH as DEFAULT_WIDTH
from depth3d.parallax.animating import ShotParallax as ShotParallax
from depth3d.parallax.animating import animate_layers as animate_layers
from depth3d.parallax.animating import animate_parallax as animate_parallax
from depth3d.parallax.key_poses import to_motion as to_motion
from depth3d.parallax.motions import DEFAULT_EASING as DEFAULT_EASING
from depth3d.parallax.motions import DEFAULT_MOTION as DEFAULT_MOTION
from depth3d.parallax.motions import EASINGS as EASINGS
from depth3d.parallax.motions import MOTIONS as MOTIONS
from depth3d.parallax.motions import Easing as Easing
from depth3d.parallax.motions import Motion as Motion
from depth3d.parallax.motions import Place as Place
from depth3d.parallax.motions import to_one_motion as to_one_motion
