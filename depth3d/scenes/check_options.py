"""Refuse options that a pipeline cannot follow: an option that silently does nothing is a fault."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from depth3d.core.errors import UsageError
from depth3d.io.cameras.keyframes_file import motion_of
from depth3d.io.colmap.model import is_colmap_model
from depth3d.io.points.hints_file import read_hints
from depth3d.render.parallax import to_one_motion
from depth3d.scale import CameraHeight, Farthest, Hint, Nearest
from depth3d.scenes.options import Options, OutputOptions
from depth3d.scenes.outputs import Kind

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


def check_motion(options: OutputOptions, kinds: Iterable[Kind]) -> None:
    """Refuse a motion that cannot be, where something moves.

    Args:
        options: what the user chose.
        kinds: what is to be made, names of `depth3d.scenes.outputs.OUTPUTS`.

    Raises:
        UsageError: there is no such motion, or its numbers cannot be.
        Depth3DError: its file cannot be read.
    """
    way = options.animation
    if "parallax" in kinds:
        to_one_motion(motion_of(way.motion), amount_percent=way.amount_percent, easing=way.easing)


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
