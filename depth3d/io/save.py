"""Values to files: the suffix and the value's type choose the format, and each format is one file in this folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depth3d.io.atomic import Beside, atomic_files, side_path
from depth3d.io.atomic import atomic_write as atomic_write
from depth3d.io.atomic import check_writable as check_writable
from depth3d.io.notes import single_line_notes
from depth3d.io.registry import SEQUENCE, Format, check_options, first_frame, format_for
from depth3d.io.registry import files_for as files_for
from depth3d.io.registry import is_sequence as is_sequence
from depth3d.io.registry import suffixes_for as suffixes_for

if TYPE_CHECKING:
    from depth3d.core.camera import Intrinsics
    from depth3d.core.depth import InverseDepth, MetricDepth
    from depth3d.core.images import Animation, DepthPhoto, Picture, StereoPair
    from depth3d.core.normals import NormalMap
    from depth3d.core.recording import Recording
    from depth3d.geometry.gaussians import Gaussians
    from depth3d.geometry.lazy_point_cloud import PixelCloud
    from depth3d.geometry.mesh import Mesh
    from depth3d.geometry.plate import Plate
    from depth3d.geometry.point_cloud import PointCloud

    Geometry = PointCloud | PixelCloud | Mesh | Plate | Gaussians
    Savable = (
        Geometry
        | MetricDepth
        | InverseDepth
        | Picture
        | StereoPair
        | DepthPhoto
        | Animation
        | Intrinsics
        | NormalMap
        | Recording
    )


def save(
    value: Savable,
    path: str | Path,
    *,
    axes: str | None = None,
    force: bool = False,
    notes: Mapping[str, str] | None = None,
    layout: str = "",
    **options: Any,
) -> Path:
    """Write a value to a file that appears whole or not at all.

    An .obj comes with its material and texture beside it, room.mtl and room_texture.jpg, and a DepthPhoto with its
    depth, room_depth.jpg; these obey `force` too.

    Args:
        value: a PointCloud, PixelCloud, Mesh, Plate, Gaussians, MetricDepth, InverseDepth, Picture, DepthPhoto,
            StereoPair, Animation, Intrinsics, NormalMap or Recording.
        path: the file; its suffix chooses the format among those of `suffixes_for`. For an Animation also a folder, or
            a pattern such as frames/%04d.png, for numbered PNG files.
        axes: for geometry, a name of `axes.AXES`, such as "gltf" (x right, y up, z towards the viewer) or "opencv"
            (camera axes: x right, y down, z forward); None means what is usual in such files, "gltf" for most.
        force: replace an existing file.
        notes: how the value was obtained, short texts stored in the file where the format has a place for them. The
            value's own unit goes with them.
        layout: a special form that some programs want: "tum" or "3dgs" for metric depth in .png, see
            `depth_layouts`.
        options: the format's own, such as `texture_quality` for a mesh in .glb; see the writer's docstring.

    Returns:
        The path.

    Raises:
        UsageError: the suffix is unknown or cannot hold the value, or an option or the axes are unknown.
        OutputError: the file exists and `force` is not given, or it cannot be written.
        MissingExtraError: the format needs a package that is not installed.
    """
    form = format_for(type(value).__name__, Path(path), layout)
    return save_as(form, value, path, axes=axes, force=force, notes=notes, **options)


def save_as(
    form: Format,
    value: Savable,
    path: str | Path,
    *,
    axes: str | None = None,
    force: bool = False,
    notes: Mapping[str, str] | None = None,
    **options: Any,
) -> Path:
    """Write a value to a file of a known format, see `save`.

    Args:
        form: what `format_for` said of the value's type and the path.
        value: see `save`, as the others.
        path: the file.
        axes: axes of the file.
        force: replace an existing file.
        notes: short texts.
        options: the format's own.

    Raises:
        UsageError: an option or the axes are unknown.
        OutputError: the file exists and `force` is not given, or it cannot be written.
        MissingExtraError: the format needs a package that is not installed.
    """
    path = Path(path)
    unit = getattr(value, "unit", None)
    said = single_line_notes(notes if unit is None else {**(notes or {}), "unit": unit})
    if form is SEQUENCE:
        form.load()(value, path, notes=said, force=force, **options)
        return first_frame(path).parent
    check_options(form, options)
    if form.axes is not None:
        from depth3d.io.geometry.axes import check_axes

        options["axes"] = form.axes if axes is None else axes
        check_axes(options["axes"])
    for ending in form.beside:
        check_writable(side_path(path, ending), force)
    with atomic_files(force=force) as files:
        file = files.open(path)
        if form.takes("beside"):
            options["beside"] = Beside(path, files)
        form.load()(value, file, notes=said, **options)
    return path
