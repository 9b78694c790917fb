"""Refuse options that a pipeline cannot follow: an option that silently does nothing is a fault."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from depth3d.core.errors import UsageError
from depth3d.geometry.mesh.settings import check_cuts
from depth3d.io.cameras.keyframes_file import motion_of
from depth3d.io.colmap.model import is_colmap_model
from depth3d.io.photos.photo import photo_size
from depth3d.io.points.hints_file import read_hints
from depth3d.render.bokeh import check_lens
from depth3d.render.parallax import check_clip, to_one_motion
from depth3d.render.stereo import Eyes, check_layout
from depth3d.scale import CameraHeight, Farthest, Hint, Nearest
from depth3d.scenes.options import Options, OutputOptions
from depth3d.scenes.outputs import Kind
from depth3d.scenes.stereo_eyes import check_eyes
from depth3d.scenes.used_options import refuse_both

_OF_ONE_PHOTO = (
    "give --near, --far or --camera-height, which hold in every photo, or do that photo alone; --same-view says that "
    "all were taken from one place with one camera"
)


def refuse_options(options: Options | OutputOptions, reasons: Mapping[str, str]) -> None:
    """Refuse options that differ from their defaults.

    Args:
        options: what the user chose.
        reasons: why each option, by its field's name, cannot be followed, and what to do instead.

    Raises:
        UsageError: one of them was chosen.
    """
    for name in options.chosen():
        if name in reasons:
            raise UsageError(f"{name.replace('_', ' ')}: {reasons[name]}")


def check_products(options: OutputOptions, kinds: Collection[Kind]) -> None:
    """Refuse what cannot be made of any scene, before anything is computed.

    Args:
        options: what the user chose.
        kinds: what is to be made, names of `depth3d.scenes.outputs.OUTPUTS`.

    Raises:
        UsageError: a number is out of range, two options exclude each other, or there is no such motion.
        Depth3DError: the file of a motion cannot be read.
    """
    way, lens, mesh = options.animation, options.bokeh, options.mesh
    if "parallax" in kinds:
        to_one_motion(motion_of(way.motion), amount_percent=way.amount_percent, easing=way.easing)
        check_clip(way.width, way.seconds, way.fps)
    if "bokeh" in kinds:
        check_lens(lens.blur_percent, lens.f_number, lens.blades, lens.highlights)
        if lens.f_number is not None:
            refuse_both(options, "f_number", "blur_percent")
    if "mesh" in kinds:
        check_cuts(mesh.cut_ratio, mesh.cut_angle_deg, mesh.max_faces)
    if {"stereo", "two-views", "wigglegram"} & set(kinds):
        _check_stereo(options)


def _check_stereo(options: OutputOptions) -> None:
    o = options.stereo
    check_layout(o.layout, swap=o.swap, anaglyph=o.anaglyph, quilt=o.quilt)
    check_eyes(options)
    Eyes(disparity_percent=o.disparity_percent, ipd_m=o.ipd_m, convergence_m=o.convergence_m)


def check_seen(pixels: Mapping[str, tuple[float, float] | None], size: tuple[int, int], photo: str) -> None:
    """Refuse pixels outside a photo, before anything is computed.

    Args:
        pixels: (u, v) of the upright photo as taken, by what they are for; None is no pixel.
        size: (width, height) of the photo.
        photo: its name.

    Raises:
        UsageError: a pixel lies outside.
    """
    width, height = size
    for what, pixel in pixels.items():
        if pixel is not None and not (0 <= pixel[0] <= width and 0 <= pixel[1] <= height):
            raise UsageError(
                f"{what}: the pixel {pixel[0]:g},{pixel[1]:g} lies outside the {width}x{height} photo {photo}; "
                "U counts from its left edge, V from its top"
            )


def check_focus(options: OutputOptions, photo: Path) -> None:
    """Refuse a focus outside a photo's file, before anything is computed.

    Raises:
        UsageError: it lies outside.
        PhotoError: the file cannot be read as a photo.
    """
    if options.focus.focus is not None:
        check_seen({"focus": options.focus.focus}, photo_size(photo), photo.name)


def refuse_pixels_of_one_photo(options: Options, count: int) -> None:
    """Refuse what is known about single pixels of one photo, where the same options are for several photos.

    Args:
        options: what the user chose.
        count: how many photos there are; of one photo nothing is refused.

    Raises:
        UsageError: a hint, a file of sparse points, or a depth map belongs to one photo only.
        HintError: a file of hints cannot be read.
    """
    if count < 2:
        return
    hints = [(hint, "") for hint in options.scale.hints]
    hints += [(hint, f" of {path}") for path in options.scale.hints_files for hint in read_hints(path)]
    for hint, origin in hints:
        if _is_of_pixels(hint):
            name = getattr(hint, "name", type(hint).__name__)
            raise UsageError(
                f"the hint {name}{origin} is for pixels of one photo, and there are {count}; {_OF_ONE_PHOTO}"
            )
    for path in options.scale.points:
        if not is_colmap_model(path):
            raise UsageError(
                f"the points {path} are for pixels of one photo, and there are {count}; a COLMAP model holds those of "
                f"each photo; {_OF_ONE_PHOTO}"
            )
    depth_map = options.depth.depth_map
    if depth_map is not None and "{name}" not in str(depth_map):
        raise UsageError(
            f"the depth map {depth_map} is of one photo, and there are {count}; put {{name}} into its path for the "
            "name of each photo, or say with --same-view that all were taken from one place with one camera"
        )


def _is_of_pixels(hint: Hint) -> bool:
    if isinstance(hint, CameraHeight):
        return hint.horizon_v is not None
    return not isinstance(hint, Nearest | Farthest)
