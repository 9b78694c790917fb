"""The eyes that stereo pictures are made for, as the options say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from depth3d.core.errors import UsageError
from depth3d.render.stereo import Eyes
from depth3d.scenes.options import OutputOptions
from depth3d.scenes.used_options import refuse_both

if TYPE_CHECKING:
    from depth3d.scenes.scene import Scene


def stereo_eyes(scene: Scene, options: OutputOptions) -> Eyes:
    """How two eyes look at the scene, as the options say.

    Raises:
        UsageError: a length was chosen, but depth has no unit.
    """
    o = options.stereo
    check_eyes(options)
    if scene.unit != "m" and (o.ipd_m is not None or o.convergence_m is not None):
        raise UsageError(
            "the eyes' distance and convergence need depth in metres; give a distance (--at, --near, --size ...), "
            "or --disparity and --focus instead"
        )
    return Eyes(
        disparity_percent=o.disparity_percent,
        ipd_m=o.ipd_m,
        convergence_m=o.convergence_m,
        focus=focus_share(scene, options),
    )


def check_eyes(options: OutputOptions) -> None:
    """Raise UsageError for options of stereo of which one replaces the other."""
    if options.stereo.ipd_m is not None:
        refuse_both(options, "ipd_m", "disparity_percent")
    if options.stereo.convergence_m is not None:
        refuse_both(options, "convergence_m", "focus")


def focus_share(scene: Scene, options: OutputOptions) -> tuple[float, float] | None:
    """The chosen focus as shares of width and height; None where none was chosen."""
    pixel, (width, height) = scene.focus_pixel(options), scene.depth.size
    return None if pixel is None else (pixel[0] / width, pixel[1] / height)
