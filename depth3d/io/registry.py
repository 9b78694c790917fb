"""Which value goes into which file. A new format is one new file and one line here."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from depth3d.core.errors import UsageError
from depth3d.core.extras import check_installed

if TYPE_CHECKING:
    from inspect import Parameter

GROUP = "depth3d.formats"
"""The entry point group under which a package offers formats: each entry is a `Format`, or several."""


@dataclass(frozen=True, slots=True)
class Format:
    """How one type of value goes into files with one of these suffixes.

    Attributes:
        suffixes: lower case, with the dot.
        kind: name of the value's type.
        writer: the function that writes, called with the value, the open file and the keyword `notes`, and those of
            `axes`, `beside` and its own options that it has; or where to find it, as "package.module.function", which
            is loaded when used.
        axes: the axes of such files unless the user says otherwise; None where the writer turns nothing.
        beside: endings of further files that may be written beside the first, see `files.Beside`.
        layout: name of a special form of the content that some programs want; empty for the usual one.
        options: names of the writer's own options, and what `FileOptions` calls each.
        holds_texture: for meshes, whether such files carry a texture; else the vertices are coloured.
        needs: what needs packages that not everybody has, such as "LAZ files", the extra that brings them, and the
            packages; empty where depth3d itself is enough.
    """

    suffixes: tuple[str, ...]
    kind: str
    writer: str | Callable[..., None]
    axes: str | None = None
    beside: tuple[str, ...] = ()
    layout: str = ""
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    holds_texture: bool = True
    needs: tuple[str, ...] = ()

    def load(self) -> Callable[..., None]:
        """The function that writes."""
        if callable(self.writer):
            return self.writer
        module, _, name = self.writer.rpartition(".")
        function: Callable[..., None] = getattr(importlib.import_module(module), name)
        return function

    def takes(self, name: str) -> bool:
        """Whether the writer has an argument of that name."""
        return name in _parameters(self)


def _own(suffixes: str, kind: str, writer: str, **more: Any) -> Format:
    """A format of ours; its writer is named below `depth3d.io`."""
    return Format(tuple(suffixes.split()), kind, f"depth3d.io.{writer}", **more)


_LAS, _LAZ = ("LAS files", "formats", "laspy"), ("LAZ files", "formats", "laspy", "lazrs")
_E57, _EXR = ("E57 files", "formats", "pye57"), ("EXR files", "formats", "OpenEXR")
_VIDEO = ("video", "video", "av")
_RERUN, _ROS = ("Rerun recordings", "rerun", "rerun"), ("ROS 2 bags", "ros", "mcap", "rosbags")
_QUALITY = {"quality": "quality"}
_GLB = {"compact": "compact", "texture_format": "texture_format"}

FORMATS = (
    _own(".ply", "PointCloud", "geometry.ply.write_cloud", axes="gltf"),
    _own(".ply", "Mesh", "geometry.ply.write_mesh", axes="gltf", holds_texture=False),
    _own(".ply", "Gaussians", "geometry.splat_ply.write_gaussians", axes="opencv"),
    _own(".pcd", "PointCloud", "geometry.pcd.write_cloud", axes="gltf"),
    _own(".xyz", "PointCloud", "geometry.xyz.write_cloud", axes="gltf"),
    _own(".las", "PointCloud", "geometry.las.write_cloud", axes="z-up", needs=_LAS),
    _own(".laz", "PointCloud", "geometry.las.write_compressed", axes="z-up", needs=_LAZ),
    _own(".e57", "PointCloud", "geometry.e57.write_cloud", axes="z-up", needs=_E57),
    _own(".spz", "Gaussians", "geometry.splat_spz.write_gaussians", axes="gltf"),
    _own(".glb", "Mesh", "geometry.glb.write_mesh", axes="gltf", options=_GLB),
    _own(".glb", "PointCloud", "geometry.glb.write_cloud", axes="gltf", options={"compact": "compact"}),
    _own(".obj", "Mesh", "geometry.obj.write_mesh", axes="gltf", beside=(".mtl", "_texture.jpg")),
    _own(".usdz", "Mesh", "geometry.usdz.write_mesh", axes="gltf"),
    _own(".glb", "Gaussians", "geometry.splat_glb.write_gaussians", axes="gltf"),
    _own(".html", "Mesh", "geometry.html.write_mesh", options=_GLB),
    _own(".html", "PointCloud", "geometry.html.write_cloud", options={"compact": "compact"}),
    _own(".py", "Mesh", "geometry.blender.write_scene", beside=("_mesh.glb", "_photo.jpg")),
    _own(".stl", "Plate", "geometry.stl.write_plate"),
    _own(".png", "MetricDepth", "depth.depth_image.write_metric_png"),
    _own(".png", "MetricDepth", "depth.depth_layouts.write_tum", layout="tum"),
    _own(".png", "MetricDepth", "depth.depth_layouts.write_3dgs", layout="3dgs"),
    _own(".png", "InverseDepth", "depth.depth_image.write_inverse_png"),
    _own(".png", "Picture", "images.picture.write_png"),
    _own(".png .apng", "Animation", "animation.apng.write"),
    _own(".npy", "MetricDepth", "depth.numpy_file.write_npy"),
    _own(".npy", "InverseDepth", "depth.numpy_file.write_npy"),
    _own(".npz", "MetricDepth", "depth.numpy_file.write_npz"),
    _own(".npz", "InverseDepth", "depth.numpy_file.write_npz"),
    _own(".exr", "MetricDepth", "depth.exr.write_exr", needs=_EXR),
    _own(".exr", "InverseDepth", "depth.exr.write_exr", needs=_EXR),
    _own(".tif .tiff", "MetricDepth", "depth.tiff.write_depth", options={"bits": "tiff_bits"}),
    _own(".tif .tiff", "InverseDepth", "depth.tiff.write_depth", options={"bits": "tiff_bits"}),
    _own(".pfm", "MetricDepth", "depth.pfm.write_depth"),
    _own(".pfm", "InverseDepth", "depth.pfm.write_depth"),
    _own(".jpg .jpeg", "Picture", "images.picture.write_jpeg"),
    _own(".jpg .jpeg", "DepthPhoto", "depth.depth_photo.write_pair", beside=("_depth.jpg",)),
    _own(".gif", "Animation", "animation.gif.write", options={"palette": "gif_palette", "dither": "gif_dither"}),
    _own(".webp", "Animation", "animation.webp.write", options=_QUALITY),
    _own(".webp", "Picture", "images.picture.write_webp"),
    _own(".avif", "Animation", "animation.avif.write", options=_QUALITY),
    _own(".mp4", "Animation", "animation.video.write_mp4", options=_QUALITY, needs=_VIDEO),
    _own(".webm", "Animation", "animation.video.write_webm", options=_QUALITY, needs=_VIDEO),
    _own(".json", "Intrinsics", "cameras.camera_json.write"),
    _own(".mpo", "StereoPair", "images.mpo.write"),
    _own(".png", "NormalMap", "images.normals.write_png", options={"green": "normals_green"}),
    _own(".exr", "NormalMap", "images.normals.write_exr", options={"green": "normals_green"}, needs=_EXR),
    _own(".rrd", "Recording", "recordings.rrd.write", needs=_RERUN),
    _own(".mcap", "Recording", "recordings.mcap_bag.write", needs=_ROS),
)
"""Of several rows with one suffix the first says what goes in unless the user says otherwise."""

SEQUENCE = Format((), "Animation", "depth3d.io.animation.png_sequence.write_sequence")
"""Numbered PNG files, which `is_sequence` tells by their name."""

_IN_WORDS = {
    "PointCloud": "a point cloud",
    "Mesh": "a mesh",
    "Plate": "a printable plate",
    "Gaussians": "a cloud of splats",
    "MetricDepth": "a metric depth map",
    "InverseDepth": "a relative depth map",
    "Picture": "a picture",
    "DepthPhoto": "a photo with its depth",
    "Animation": "an animation",
    "Intrinsics": "a camera",
    "StereoPair": "a pair of pictures for two eyes",
    "NormalMap": "a picture of normals",
    "Recording": "a recording",
}

_COPC = ".copc.laz"
_NUMBER = re.compile(r"%0?(\d*)d")
_IN_A_FOLDER = "%04d.png"
_STANDS_FOR = {"PixelCloud": "PointCloud"}


def formats() -> tuple[Format, ...]:
    """Every format: ours, and those of installed packages, which cannot replace ours.

    Raises:
        UsageError: what a package offers cannot be loaded, or is no `Format`.
    """
    from depth3d.core.plugins import load_offer, offers  # reading what is installed takes its time

    found = list(FORMATS)
    for name in offers(GROUP):
        value = load_offer(GROUP, name, what="format")
        for form in (value,) if isinstance(value, Format) else tuple(value):
            if not isinstance(form, Format) or form.kind not in _IN_WORDS:
                raise UsageError(f"format {name}: the entry point is no Format of a known type of value: {form!r:.60}")
            found.append(form)
    return tuple(found)


def suffixes_for(kind: str | None = None) -> tuple[str, ...]:
    """Every suffix that can be written, or those for one type of value, such as "Mesh"."""
    return tuple(dict.fromkeys(s for form in formats() if kind in (None, form.kind) for s in form.suffixes))


def usual_type(suffix: str) -> str | None:
    """Name of the type of value that goes into files of a suffix unless the user says otherwise; None if unknown."""
    of_ours = next((form.kind for form in FORMATS if suffix in form.suffixes), None)
    return of_ours or next((form.kind for form in formats() if suffix in form.suffixes), None)


def files_for(path: Path, kind: str, layout: str = "") -> tuple[Path, ...]:
    """The files that saving a value of that type, such as "Mesh", to this path may write, see `files_of_format`.

    Raises:
        UsageError: see `format_for`.
    """
    return files_of_format(path, format_for(kind, path, layout))


def files_of_format(path: Path, form: Format) -> tuple[Path, ...]:
    """The files that a format may write for this path: itself, and others beside.

    A file that all outputs of a folder share, as the depth parameters of the layout 3dgs, is none of them.

    Numbered frames stand for the first of them, or for their folder if that is still to be made.

    Raises:
        UsageError: see `first_frame`.
    """
    from depth3d.io.atomic import side_path  # help needs none of what opens files
    from depth3d.io.open_input import is_folder

    if form is SEQUENCE:
        first = first_frame(path)
        return (first if is_folder(first.parent) else first.parent,)
    return (path, *(side_path(path, ending) for ending in form.beside))


def is_sequence(path: Path) -> bool:
    """Whether a path stands for numbered files: frames/%04d.png, or a folder, which is a name without a suffix."""
    return (not path.suffix and path.name[:1] != ".") or bool(_NUMBER.search(path.name))


def first_frame(path: Path) -> Path:
    """The first of the numbered files.

    >>> first_frame(Path("shots/%04d.png")).as_posix()
    'shots/0001.png'
    >>> first_frame(Path("shots")).as_posix()
    'shots/0001.png'

    Raises:
        UsageError: the pattern has another suffix than .png, or several numbers.
    """
    return numbered(path, 1)


def numbered(path: Path, number: int) -> Path:
    """One of the numbered files, see `first_frame`."""
    pattern = path if path.suffix else path / _IN_A_FOLDER
    if pattern.suffix.lower() != ".png" or len(_NUMBER.findall(pattern.name)) != 1 or pattern.name.count("%") != 1:
        raise UsageError(f"{path}: numbered frames are a folder, or a pattern such as frames/%04d.png")
    return pattern.with_name(_NUMBER.sub(lambda found: f"{number:0{found[1] or 1}d}", pattern.name))


def format_for(name: str, path: Path, layout: str = "") -> Format:
    """The format of a value of a type, such as "Mesh", in a file of this name.

    Raises:
        UsageError: the value is of no type that can be saved, the suffix names no format, that format cannot hold the
            value, or has no such layout.
        MissingExtraError: the format needs a package that is not installed.
    """
    kind, suffix = _STANDS_FOR.get(name, name), path.suffix.lower()
    if kind not in _IN_WORDS:
        raise UsageError(f"{path}: a {kind} cannot be saved", remedy=f"possible are {', '.join(_IN_WORDS)}")
    if kind == "Animation" and is_sequence(path):
        return SEQUENCE
    if path.name.lower().endswith(_COPC):
        raise UsageError(
            f"{path}: a plain LAZ file would be no COPC, whose points lie in a tree",
            remedy="write .laz and convert it: pdal translate room.laz room.copc.laz",
        )
    of_ours = _matching(FORMATS, kind, suffix)
    layouts = of_ours if layout in of_ours else _matching(formats(), kind, suffix)
    if layout in layouts:
        form = layouts[layout]
        if form.needs:
            check_installed(*form.needs)
        return form
    if layouts:
        known = ", ".join(name for name in layouts if name) or "none"
        raise UsageError(f"{path}: {_IN_WORDS[kind]} has no layout {layout!r} in {suffix}", remedy=f"it has {known}")
    what, possible = _IN_WORDS[kind], " ".join(suffixes_for(kind))
    holds = dict.fromkeys(_IN_WORDS[form.kind] for form in formats() if suffix in form.suffixes)
    if not holds:
        wrong = f"{path}: {f'the suffix {suffix!r}' if suffix else 'a name without suffix'} names no known format"
    else:
        wrong = f"{path}: {suffix} holds {_one_of(list(holds))}"
    raise UsageError(wrong, remedy=f"{what} goes into {possible}")


def check_options(form: Format, options: Mapping[str, Any]) -> None:
    """Raise UsageError unless the writer knows every option."""
    parameters = _parameters(form).values()
    own = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in ("axes", "notes", "beside")]
    unknown = [name for name in options if name not in own]
    if unknown:
        wrong = f"{form.suffixes[0]} has no option {', '.join(unknown)} for {_IN_WORDS[form.kind]}"
        raise UsageError(wrong, remedy=f"it has {', '.join(own) or 'none'}")


def _parameters(form: Format) -> Mapping[str, Parameter]:
    from inspect import signature  # it takes a while, and help needs none of it

    return signature(form.load()).parameters


def _matching(among: tuple[Format, ...], kind: str, suffix: str) -> dict[str, Format]:
    """The formats of a type of value in files of a suffix, by their layout; of two alike the first."""
    found: dict[str, Format] = {}
    for form in among:
        if form.kind == kind and suffix in form.suffixes:
            found.setdefault(form.layout, form)
    return found


def _one_of(words: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
