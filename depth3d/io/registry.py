"""Which value goes into which file. A new format is one new file and one line here."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depth3d.core.errors import UsageError
from depth3d.io.atomic import beside
from depth3d.io.open_input import is_folder


@dataclass(frozen=True, slots=True)
class Format:
    """How one type of value goes into files with one of these suffixes.

    Attributes:
        suffixes: lower case, with the dot.
        kind: name of the value's type.
        writer: module below `depth3d.io` and function, loaded when used.
        axes: the axes of such files unless the user says otherwise; None where the writer turns nothing.
        beside: endings of further files that may be written beside the first, see `files.Beside`.
        layout: name of a special form of the content that some programs want; empty for the usual one.
    """

    suffixes: tuple[str, ...]
    kind: str
    writer: str
    axes: str | None = None
    beside: tuple[str, ...] = ()
    layout: str = ""

    @property
    def needs_beside(self) -> bool:
        """Whether the writer asks for `files.Beside`."""
        return "beside" in inspect.signature(self.load()).parameters

    def load(self) -> Callable[..., None]:
        """The function that writes."""
        module, _, name = self.writer.rpartition(".")
        function: Callable[..., None] = getattr(importlib.import_module(f"depth3d.io.{module}"), name)
        return function


FORMATS = (
    Format((".ply",), "PointCloud", "geometry.ply.write_cloud", axes="gltf"),
    Format((".ply",), "Mesh", "geometry.ply.write_mesh", axes="gltf"),
    Format((".pcd",), "PointCloud", "geometry.pcd.write_cloud", axes="gltf"),
    Format((".xyz",), "PointCloud", "geometry.xyz.write_cloud", axes="gltf"),
    Format((".las",), "PointCloud", "geometry.las.write_cloud", axes="z-up"),
    Format((".laz",), "PointCloud", "geometry.las.write_compressed", axes="z-up"),
    Format((".e57",), "PointCloud", "geometry.e57.write_cloud", axes="z-up"),
    Format((".glb",), "PointCloud", "geometry.glb.write_cloud", axes="gltf"),
    Format((".glb",), "Mesh", "geometry.glb.write_mesh", axes="gltf"),
    Format((".obj",), "Mesh", "geometry.obj.write_mesh", axes="gltf", beside=(".mtl", "_texture.jpg")),
    Format((".usdz",), "Mesh", "geometry.usdz.write_mesh", axes="gltf"),
    Format((".html",), "PointCloud", "geometry.html.write_cloud"),
    Format((".html",), "Mesh", "geometry.html.write_mesh"),
    Format((".stl",), "Plate", "geometry.stl.write_plate"),
    Format((".ply",), "Gaussians", "geometry.splat_ply.write_gaussians", axes="opencv"),
    Format((".spz",), "Gaussians", "geometry.splat_spz.write_gaussians", axes="gltf"),
    Format((".png",), "MetricDepth", "depth.depth_image.write_metric_png"),
    Format((".png",), "InverseDepth", "depth.depth_image.write_inverse_png"),
    Format((".png",), "MetricDepth", "depth.depth_layouts.write_tum", layout="tum"),
    Format((".png",), "MetricDepth", "depth.depth_layouts.write_3dgs", layout="3dgs"),
    Format((".npy",), "MetricDepth", "depth.arrays.write_npy"),
    Format((".npy",), "InverseDepth", "depth.arrays.write_npy"),
    Format((".npz",), "MetricDepth", "depth.arrays.write_npz"),
    Format((".npz",), "InverseDepth", "depth.arrays.write_npz"),
    Format((".exr",), "MetricDepth", "depth.exr.write_exr"),
    Format((".exr",), "InverseDepth", "depth.exr.write_exr"),
    Format((".tif", ".tiff"), "MetricDepth", "depth.tiff.write_depth"),
    Format((".tif", ".tiff"), "InverseDepth", "depth.tiff.write_depth"),
    Format((".pfm",), "MetricDepth", "depth.pfm.write_depth"),
    Format((".pfm",), "InverseDepth", "depth.pfm.write_depth"),
    Format((".jpg", ".jpeg"), "DepthPhoto", "depth.depth_photo.write_pair", beside=("_depth.jpg",)),
    Format((".png",), "Picture", "images.picture.write_png"),
    Format((".jpg", ".jpeg"), "Picture", "images.picture.write_jpeg"),
    Format((".webp",), "Picture", "images.picture.write_webp"),
    Format((".json",), "Intrinsics", "cameras.camera_json.write"),
    Format((".gif",), "Animation", "animation.gif.write"),
    Format((".webp",), "Animation", "animation.webp.write"),
    Format((".png", ".apng"), "Animation", "animation.apng.write"),
    Format((".avif",), "Animation", "animation.avif.write"),
    Format((".mp4",), "Animation", "animation.video.write_mp4"),
    Format((".webm",), "Animation", "animation.video.write_webm"),
)

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
}


_NUMBER = re.compile(r"%0?(\d*)d")
_IN_A_FOLDER = "%04d.png"
_STANDS_FOR = {"PixelCloud": "PointCloud"}


def suffixes_for(kind: str | None = None) -> tuple[str, ...]:
    """Every suffix that can be written, or those for one type of value, such as "Mesh"."""
    return tuple(dict.fromkeys(s for form in FORMATS if kind in (None, form.kind) for s in form.suffixes))


def files_for(path: Path, kind: str, layout: str = "") -> tuple[Path, ...]:
    """The files that saving a value of that type, such as "Mesh", to this path may write: itself, and others beside.

    A file that all outputs of a folder share, as the depth parameters of the layout 3dgs, is none of them.

    Numbered frames stand for the first of them, or for their folder if that is still to be made.

    Raises:
        UsageError: see `format_for`.
    """
    if kind == "Animation" and is_sequence(path):
        first = first_frame(path)
        return (first if is_folder(first.parent) else first.parent,)
    return (path, *(beside(path, ending) for ending in format_for(kind, path, layout).beside))


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
    """
    kind, suffix = _STANDS_FOR.get(name, name), path.suffix.lower()
    if kind not in _IN_WORDS:
        raise UsageError(f"{path}: a {kind} cannot be saved; possible are {', '.join(_IN_WORDS)}")
    layouts = {form.layout: form for form in FORMATS if form.kind == kind and suffix in form.suffixes}
    if layout in layouts:
        return layouts[layout]
    if layouts:
        known = ", ".join(name for name in layouts if name) or "none"
        raise UsageError(f"{path}: {_IN_WORDS[kind]} has no layout {layout!r} in {suffix}; it has {known}")
    what, possible = _IN_WORDS[kind], " ".join(suffixes_for(kind))
    holds = [_IN_WORDS[form.kind] for form in FORMATS if suffix in form.suffixes]
    if not holds:
        raise UsageError(
            f"{path}: the suffix {suffix or '(none)'!r} names no known format; {what} goes into {possible}"
        )
    raise UsageError(f"{path}: {suffix} holds {' or '.join(holds)}; {what} goes into {possible}")


def check_options(form: Format, options: dict[str, Any]) -> None:
    """Raise UsageError unless the writer knows every option."""
    parameters = inspect.signature(form.load()).parameters.values()
    own = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in ("axes", "notes", "beside")]
    unknown = [name for name in options if name not in own]
    if unknown:
        has = f"it has {', '.join(own)}" if own else "it has none"
        raise UsageError(f"{form.suffixes[0]} has no option {', '.join(unknown)} for {_IN_WORDS[form.kind]}; {has}")
