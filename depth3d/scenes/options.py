"""Everything a user may choose; the same plain data for Python, the command line, the page and a cluster.

`Options` are for making a scene, `OutputOptions` for what is made of it: each is taken by the functions that follow all
of it, so that nothing can be chosen where it would do nothing. Groups for single steps are in `depth3d.core.options`.
Nothing is imported that takes time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from depth3d.core.errors import UsageError, nearest
from depth3d.core.options import (
    AnimationOptions,
    BokehOptions,
    CameraOptions,
    CloudOptions,
    DepthOptions,
    FileOptions,
    FocusOptions,
    GeometryOptions,
    MeshOptions,
    PlateOptions,
    StereoOptions,
)

if TYPE_CHECKING:
    from depth3d.scale import Hint


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleOptions:
    """What is known about distances.

    Attributes:
        hints: what is known about distances.
        hints_files: JSON files with more of them.
        points: files of sparse points (tables, sensor depth, PLY, LAS, folders of COLMAP models).
        points_units: how many of the units of `points` make a metre; None means what each file says.
        points_confidence: a phone's confidence map for sensor depth in `points`.
    """

    hints: tuple[Hint, ...] = ()
    hints_files: tuple[Path, ...] = ()
    points: tuple[Path, ...] = ()
    points_units: float | None = None
    points_confidence: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoOptions:
    """How the frames of videos are treated.

    Attributes:
        steady_s: time in seconds over which flicker is smoothed; 0 only aligns frames.
    """

    steady_s: float = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class PanoramaOptions:
    """How panoramas are seen.

    Attributes:
        grid_points: distances are found on a grid of at most so many cells; None makes a cell of every pixel.
    """

    grid_points: int | None = GeometryOptions().max_points


@dataclass(frozen=True, slots=True, kw_only=True)
class FusionOptions:
    """How many photos become one surface.

    Attributes:
        detail_px: longer side of the depth maps that are compared and fused; networks see no more.
        least_photos: surfaces that fewer photos saw are left out.
        memory_gb: at most so much memory for voxels.
    """

    detail_px: int = 640
    least_photos: int = 1
    memory_gb: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How the browser page is served.

    Attributes:
        host: the address to listen on; the default is for this machine's own browsers only.
        port: the port to listen on; 0 takes any that is free.
        megabytes: the largest photo file, in millions of bytes.
        megapixels: the largest photo, in millions of pixels.
        visitors: how many pages may have a photo at one time.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    megabytes: float = 40.0
    megapixels: float = 50.0
    visitors: int = 20


class _Groups:
    """Options in groups, in which every field has a name of its own."""

    __slots__ = ()

    @classmethod
    def of(cls, **values: Any) -> Self:
        """The defaults but for some values, each called by its field's name, whatever the group.

        >>> Options.of(fov_x_deg=65.0) == Options(camera=CameraOptions(fov_x_deg=65.0))
        True

        Raises:
            UsageError: there is no such field.
        """
        return cls().changed(**values)

    def changed(self, **values: Any) -> Self:
        """The options with other values, each called by its field's name, whatever the group.

        >>> Options().changed(fov_x_deg=65.0).camera.fov_x_deg
        65.0

        Raises:
            UsageError: there is no such field.
        """
        group_of = {name: group for group, name, _ in self.items()}
        unknown = next((name for name in values if name not in group_of), None)
        if unknown is not None:
            raise UsageError(f"there is no option {unknown!r} of {type(self).__name__}{nearest(unknown, group_of)}")
        groups: dict[str, dict[str, Any]] = {}
        for name, value in values.items():
            groups.setdefault(group_of[name], {})[name] = value
        return replace(  # type: ignore[type-var]
            self, **{group: replace(getattr(self, group), **some) for group, some in groups.items()}
        )

    def items(self) -> Iterator[tuple[str, str, Any]]:
        """Every field as (group, field, value)."""
        for group in fields(self):  # type: ignore[arg-type]
            options = getattr(self, group.name)
            for one in fields(options):
                yield group.name, one.name, getattr(options, one.name)

    def chosen(self) -> dict[str, Any]:
        """The fields that differ from their defaults."""
        defaults = {name: value for _, name, value in type(self)().items()}
        return {name: value for _, name, value in self.items() if value != defaults[name]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(_Groups):
    """How a scene is made.

    Attributes:
        camera: where the intrinsics come from.
        depth: which network or depth map sees the depth.
        scale: what is known about distances.
        video: how frames are treated; for videos.
        panorama: how the sphere is cut; for panoramas.
    """

    camera: CameraOptions = field(default_factory=CameraOptions)
    depth: DepthOptions = field(default_factory=DepthOptions)
    scale: ScaleOptions = field(default_factory=ScaleOptions)
    video: VideoOptions = field(default_factory=VideoOptions)
    panorama: PanoramaOptions = field(default_factory=PanoramaOptions)

    def for_photo(self, name: str) -> Options:
        """The options of one photo among many, whose name replaces {name} in the path of the depth map."""
        path = self.depth.depth_map
        return self if path is None else self.changed(depth_map=Path(str(path).replace("{name}", name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions(_Groups):
    """What is made of a scene, and how files hold it.

    Attributes:
        geometry: what clouds, splats and meshes share.
        cloud: point clouds.
        mesh: meshes.
        plate: reliefs to be printed.
        focus: what animations, depth of field and stereo look at.
        animation: moving pictures.
        bokeh: depth of field.
        stereo: pictures for two eyes.
        files: what only files know.
    """

    geometry: GeometryOptions = field(default_factory=GeometryOptions)
    cloud: CloudOptions = field(default_factory=CloudOptions)
    mesh: MeshOptions = field(default_factory=MeshOptions)
    plate: PlateOptions = field(default_factory=PlateOptions)
    focus: FocusOptions = field(default_factory=FocusOptions)
    animation: AnimationOptions = field(default_factory=AnimationOptions)
    bokeh: BokehOptions = field(default_factory=BokehOptions)
    stereo: StereoOptions = field(default_factory=StereoOptions)
    files: FileOptions = field(default_factory=FileOptions)


def with_changes(what: str, options: OutputOptions | None, changes: dict[str, Any], *groups: str) -> OutputOptions:
    """Options with fields of some groups changed.

    Args:
        what: what is made with them, in words.
        options: None for the defaults.
        changes: other values, by their fields' names.
        groups: the groups that count for what is made.

    Raises:
        UsageError: a field is of no such group, or was chosen in a group that does not count.
    """
    options = options or OutputOptions()
    known = [name for group, name, _ in options.items() if group in groups]
    elsewhere = [name for group, name, _ in options.items() if group not in (*groups, "files")]
    asked = (*changes, *(name for name in options.chosen() if name in elsewhere))
    unknown = next((name for name in asked if name not in known), None)
    if unknown is not None:
        raise UsageError(f"{what} takes no option {unknown!r}; it takes {', '.join(known)}{nearest(unknown, known)}")
    return options.changed(**changes) if changes else options
