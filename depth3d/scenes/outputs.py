"""What a photo can become, and which of it a file's name asks for: the one table that commands, pages and help read.

Nothing here imports numpy: `depth3d --help` must answer at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depth3d.core.errors import UsageError, nearest
from depth3d.io.registry import (
    FORMATS,
    SEQUENCE,
    Format,
    files_of_format,
    first_frame,
    format_for,
    is_sequence,
    suffixes_for,
    usual_type,
)

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

    Value = (
        PointCloud
        | PixelCloud
        | Gaussians
        | Mesh
        | Plate
        | MetricDepth
        | InverseDepth
        | Picture
        | DepthPhoto
        | Animation
        | Intrinsics
        | StereoPair
        | NormalMap
        | Recording
    )

Kind = str
"""A name of `OUTPUTS`, or one that it had before."""


@dataclass(frozen=True, slots=True)
class Output:
    """One thing that a photo can become.

    Attributes:
        kind: what `--as` calls it.
        type: name of the value's type.
        words: what it is, for help and manual.
        layout: name of the form of the file's content, see `Format.layout`.
        former: other names that still work.
    """

    kind: str
    type: str
    words: str
    layout: str = ""
    former: tuple[str, ...] = ()


OUTPUTS = (
    Output("cloud", "PointCloud", "coloured points", former=("points",)),
    Output("splat", "Gaussians", "3D Gaussians"),
    Output("mesh", "Mesh", "triangles with texture or coloured vertices"),
    Output("plate", "Plate", "a solid for 3D printing", former=("relief",)),
    Output("depth", "MetricDepth", "depth along the optical axis"),
    Output("relative", "InverseDepth", "the network's inverse depth, without unit"),
    Output("tum", "MetricDepth", "depth as the TUM RGB-D benchmark has it", layout="tum"),
    Output("3dgs", "MetricDepth", "inverse depth for training splats", layout="3dgs"),
    Output("heatmap", "Picture", "inverse depth in colours"),
    Output("depth-photo", "DepthPhoto", "the photo with grey depth beside it"),
    Output("parallax", "Animation", "the photo with a moving camera"),
    Output("bokeh", "Picture", "depth of field of a large lens"),
    Output("stereo", "Picture", "the photo for two eyes"),
    Output("wigglegram", "Animation", "both eyes' views in turn"),
    Output("two-views", "StereoPair", "both eyes' pictures in one file"),
    Output("photo", "Picture", "the photo, its lens distortion undone"),
    Output("camera", "Intrinsics", "the camera"),
    Output("normals", "NormalMap", "normals in camera space"),
    Output("recording", "Recording", "photo, camera, depth, cloud and hints in one"),
)
"""Of several outputs of one type the first is what a suffix means by itself."""

KINDS = tuple(output.kind for output in OUTPUTS)
FORMER_KINDS = {former: output.kind for output in OUTPUTS for former in output.former}

_USUAL = tuple({output.type: output for output in reversed(OUTPUTS) if not output.layout}.values())[::-1]
"""For each type of value what a suffix means by itself."""

_BY_NAME = {name: output for output in OUTPUTS for name in (output.kind, *output.former)}


@dataclass(frozen=True, slots=True)
class Target:
    """A file to be written, whose name has been understood; `target_of` does so once.

    Attributes:
        path: the file; for animations perhaps a folder or a pattern of numbered files.
        output: what goes in.
        form: how it is stored.
    """

    path: Path
    output: Output
    form: Format

    @property
    def kind(self) -> Kind:
        """A name of `OUTPUTS`."""
        return self.output.kind

    @property
    def is_sequence(self) -> bool:
        """Whether it stands for numbered files."""
        return self.form is SEQUENCE

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that saving would write, but for the provenance."""
        return files_of_format(self.path, self.form)

    @property
    def provenance(self) -> Path:
        """The JSON file beside it."""
        return provenance_path(self.path)


def target_of(path: str | Path, kind: Kind | None = None) -> Target:
    """Understand what a file's name asks for.

    Args:
        path: the file.
        kind: a name of `OUTPUTS`; None means what is usual for the suffix.

    Raises:
        UsageError: there is no such kind, the suffix is unknown, or cannot hold such a value.
        MissingExtraError: the format needs a package that is not installed.
    """
    path = Path(path)
    output = _usual_output(path) if kind is None else output_named(kind)
    return Target(path, output, format_for(output.type, path, output.layout))


def output_named(kind: Kind) -> Output:
    """The row of `OUTPUTS` of that name, or that had it before.

    Raises:
        UsageError: there is none.
    """
    if kind not in _BY_NAME:
        raise UsageError(
            f"nothing is called {kind!r}", remedy=f"use one of {', '.join(KINDS)}{nearest(kind, _BY_NAME)}"
        )
    return _BY_NAME[kind]


def geometry_kind_of(path: Path, what: str) -> Kind:
    """Cloud or mesh, as the suffix says; for what comes as nothing else.

    Args:
        path: the file.
        what: whose geometry it is, such as "a panorama", for the message.

    Raises:
        UsageError: the suffix says neither.
    """
    usual = usual_type(path.suffix.lower())
    if usual not in ("PointCloud", "Mesh"):
        known = dict.fromkeys((*suffixes_for("PointCloud"), *suffixes_for("Mesh")))
        raise UsageError(f"{path}: {what} becomes a cloud or a mesh", remedy=f"use one of {' '.join(known)}")
    return "cloud" if usual == "PointCloud" else "mesh"


def files_of(path: Path, kind: Kind | None) -> tuple[Path, ...]:
    """Every file that saving would write for this path, but for the provenance.

    Raises:
        UsageError: see `target_of`.
    """
    return target_of(path, kind).files


def provenance_path(path: Path) -> Path:
    """The JSON file beside an output: kitchen.ply has kitchen.ply.json, numbered frames have that of their folder."""
    if is_sequence(path):
        folder = first_frame(path).parent
        return folder.with_name(f"{folder.name}.json") if folder.name else folder / "frames.json"
    return path.with_name(f"{path.name}.json")


def suffixes_in_words(*types: str) -> str:
    """Our own suffixes with what goes in, as help says it: ".ply .pcd cloud, .glb mesh ...".

    Args:
        types: names of types of values, such as "Mesh", to say only what can hold those; none means all, each suffix
            under what it means by itself.
    """
    if types:
        return " ".join(dict.fromkeys(s for form in FORMATS if form.kind in types for s in form.suffixes))
    type_of: dict[str, str] = {}
    for form in FORMATS:
        for suffix in form.suffixes:
            type_of.setdefault(suffix, form.kind)
    by_kind = {output.kind: [s for s, kind in type_of.items() if kind == output.type] for output in _USUAL}
    return ", ".join(f"{' '.join(suffixes)} {kind}" for kind, suffixes in by_kind.items() if suffixes)


def _usual_output(path: Path) -> Output:
    suffix = path.suffix.lower()
    usual = "Animation" if suffix and is_sequence(path) else usual_type(suffix)
    if usual is None:
        known = suffixes_for()
        raise UsageError(
            f"{path}: {f'the suffix {suffix!r}' if suffix else 'a name without suffix'} names no known format",
            remedy=f"use one of {' '.join(known)}{nearest(suffix, known)}",
        )
    return next(output for output in _USUAL if output.type == usual)


def in_words(value: Value) -> str:
    """What was written, such as "412,300 points"."""
    return _WORDS[type(value).__name__](value)


def _mesh_in_words(mesh: Mesh) -> str:
    skin = "textured" if mesh.texture is not None else "coloured vertices"
    notes = () if mesh.meshing is None else mesh.meshing.notes
    return "; ".join((f"{len(mesh.xyz):,} vertices, {len(mesh.faces):,} faces, {skin}", *notes))


def _plate_in_words(plate: Plate) -> str:
    width, height, depth = plate.xyz_mm.max(axis=0) - plate.xyz_mm.min(axis=0)
    return f"printable plate of {width:.4g} x {height:.4g} x {depth:.3g} mm, {len(plate.faces):,} faces"


def _depth_in_words(depth: MetricDepth) -> str:
    import numpy as np

    unit = "m" if depth.unit == "m" else "arbitrary units"
    size = f"{depth.size[0]}x{depth.size[1]}"
    return f"depth {size}, {np.nanmin(depth.z):.3g} to {np.nanmax(depth.z):.3g} {unit}"


def _animation_in_words(animation: Animation) -> str:
    enlarged = f", enlarged by {animation.zoom - 1:.1%} to keep the border full" if animation.zoom > 1 else ""
    return f"{animation.count} frames at {animation.fps:g} per second{enlarged}"


def _pixels(rgb: Any) -> str:
    return f"{rgb.shape[1]}x{rgb.shape[0]}"


_WORDS: dict[str, Callable[[Any], str]] = {
    "PointCloud": lambda cloud: f"{cloud.count:,} points",
    "PixelCloud": lambda cloud: f"{cloud.count:,} points",
    "Gaussians": lambda splats: f"{len(splats.xyz):,} Gaussian splats",
    "Mesh": _mesh_in_words,
    "Plate": _plate_in_words,
    "MetricDepth": _depth_in_words,
    "InverseDepth": lambda inverse: f"relative inverse depth {inverse.size[0]}x{inverse.size[1]}, larger is nearer",
    "Picture": lambda picture: "; ".join(filter(None, (f"picture {_pixels(picture.rgb)}", picture.remark))),
    "DepthPhoto": lambda pair: f"photo and grey depth {_pixels(pair.rgb)}, near is white",
    "Animation": _animation_in_words,
    "StereoPair": lambda pair: f"two pictures {_pixels(pair.left)}, the left eye's first",
    "NormalMap": lambda normals: f"normals {normals.size[0]}x{normals.size[1]} in camera space",
    "Recording": lambda one: f"recording of {_pixels(one.rgbd.rgb)} pixels, {len(one.marks)} hints",
    "Intrinsics": lambda camera: f"camera of {camera.width}x{camera.height}, {camera.fov_x_deg:.1f} degrees wide",
}
