"""The whole sentence: a photo becomes a scene, and a scene becomes files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from depth3d.camera import Intrinsics
from depth3d.cloud import PointCloud, to_cloud
from depth3d.colormap import to_heatmap
from depth3d.depth import InverseDepth, MetricDepth
from depth3d.errors import UsageError
from depth3d.formats import save
from depth3d.intrinsics import choose_intrinsics
from depth3d.measure import Measurement, measure_length
from depth3d.mesh import DEFAULT_CUT_RATIO, Mesh, to_mesh
from depth3d.parallax import (
    DEFAULT_AMOUNT_PERCENT,
    DEFAULT_FPS,
    DEFAULT_SECONDS,
    DEFAULT_WIDTH,
    animate_parallax,
)
from depth3d.photo import Photo, read_photo
from depth3d.pictures import Animation, Picture
from depth3d.points import unproject
from depth3d.predictors import load_predictor
from depth3d.predictors.depth_map import read_depth_map
from depth3d.scale import Hint, ScaleFit, fit_scale

if TYPE_CHECKING:
    from depth3d.predictors.download import Progress

Kind = Literal["cloud", "points", "mesh", "depth", "relative", "heatmap", "parallax"]
Value = PointCloud | Mesh | MetricDepth | InverseDepth | Picture | Animation

DEFAULT_MAX_POINTS = 1_000_000
KIND_OF_SUFFIX: dict[str, Kind] = {
    ".ply": "cloud",
    ".glb": "mesh",
    ".png": "depth",
    ".npy": "depth",
    ".npz": "depth",
    ".exr": "depth",
    ".gif": "parallax",
    ".jpg": "heatmap",
    ".jpeg": "heatmap",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Everything a user may choose; the same object for library, command line, web page and cluster.

    Attributes:
        fov_x_deg: horizontal field of view of the upright photo in degrees.
        focal_px: focal length in pixels of the upright photo.
        camera_file: JSON or YAML file with intrinsics. At most one of these three; none means EXIF, else an assumption.
        hints: what is known about distances.
        predictor: network to use: auto, midas_small, midas_large or bundled.
        weights: file with the network's weights, instead of the cached ones.
        threads: processor threads for the network; None leaves the choice to it.
        depth_map: file with depth that replaces the network.
        depth_kind: what the file holds: "inverse" (affine in 1/z), "depth" (proportional to z) or "metric" (metres).
        depth_units: stored units per metre of a metric depth map.
        brighter_is_farther: flip an inverse depth map.
        max_points: at most so many points or mesh vertices, evenly spread; None keeps every pixel.
        cut_ratio: a triangle whose farthest corner is more than this times as deep as its nearest is cut.
        voxel_m: thin a cloud to one point per cube of this edge length in metres.
        normals: add normals to clouds and meshes.
        textured: carry the photo as the mesh's texture where the format can; otherwise colour its vertices.
        axes: axes of geometry files: "gltf" (y up, z towards the viewer) or "opencv" (camera axes).
        width: width of animations in pixels.
        seconds: duration of animations.
        fps: frames per second of animations.
        amount_percent: how far the nearest things move in an animation, in per cent of its width.
    """

    fov_x_deg: float | None = None
    focal_px: float | None = None
    camera_file: Path | None = None
    hints: tuple[Hint, ...] = ()
    predictor: str = "auto"
    weights: Path | None = None
    threads: int | None = None
    depth_map: Path | None = None
    depth_kind: Literal["inverse", "depth", "metric"] = "inverse"
    depth_units: float | None = None
    brighter_is_farther: bool = False
    max_points: int | None = DEFAULT_MAX_POINTS
    cut_ratio: float = DEFAULT_CUT_RATIO
    voxel_m: float | None = None
    normals: bool = False
    textured: bool = True
    axes: str = "gltf"
    width: int = DEFAULT_WIDTH
    seconds: float = DEFAULT_SECONDS
    fps: float = DEFAULT_FPS
    amount_percent: float = DEFAULT_AMOUNT_PERCENT


@dataclass(frozen=True, slots=True)
class Saved:
    """What was written.

    Attributes:
        path: the file.
        what: its content in words, such as "412,300 points".
    """

    path: Path
    what: str


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A photo in three dimensions, able to say how every number was obtained.

    Attributes:
        photo: the upright photo.
        camera: intrinsics of the photo's size.
        relief: relative inverse depth of the photo's size; None where the depth map was metric already.
        depth: depth of the photo's size.
        fit: how relative depth became metres; None where the depth map was metric already.
        options: what the user chose.
        notes: sentences for the user: assumptions, and what was left out.
    """

    photo: Photo
    camera: Intrinsics
    relief: InverseDepth | None
    depth: MetricDepth
    fit: ScaleFit | None
    options: Options = field(default_factory=Options)
    notes: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """The unit of every length: "m", or "arbitrary" where no hint gave one."""
        return "m" if self.fit is None else self.fit.unit

    @property
    def provenance(self) -> dict[str, str]:
        """How the numbers were obtained, as short texts to be stored in files."""
        scale = "metric depth map" if self.fit is None else f"1/z = {self.fit.a:.6g} d + {self.fit.b:.6g}"
        return {
            "photo": self.photo.name,
            "unit": self.unit,
            "camera": self.camera.source,
            "depth": self.depth.source,
            "scale": scale,
        }

    def cloud(self) -> PointCloud:
        """The coloured point cloud."""
        points = unproject(self.depth, self.camera, max_points=self.options.max_points)
        return to_cloud(points, self.photo.rgb, normals=self.options.normals, voxel_m=self.options.voxel_m)

    def mesh(self, *, textured: bool | None = None) -> Mesh:
        """The triangle mesh; `textured` overrides the options."""
        return to_mesh(
            unproject(self.depth, self.camera, max_points=self.options.max_points),
            self.photo.rgb,
            textured=self.options.textured if textured is None else textured,
            normals=self.options.normals,
            cut_ratio=self.options.cut_ratio,
        )

    def heatmap(self) -> Picture:
        """Inverse depth in inferno colours."""
        return to_heatmap(self.depth)

    def parallax(self) -> Animation:
        """The photo with a moving camera."""
        o = self.options
        return animate_parallax(
            self.photo.rgb,
            self.depth,
            width=o.width,
            seconds=o.seconds,
            fps=o.fps,
            amount_percent=o.amount_percent,
        )

    def measure(self, start: tuple[float, float], end: tuple[float, float] | None = None) -> Measurement:
        """The length between the things at two pixels of the upright photo, or from the camera to one."""
        return measure_length(start, end, camera=self.camera, depth=self.depth, relief=self.relief, fit=self.fit)

    def save(self, path: str | Path, *, kind: Kind | None = None, force: bool = False) -> Saved:
        """Write one file; its suffix says which format, and what goes in unless `kind` says so.

        Args:
            path: target, such as kitchen.ply (cloud), kitchen.glb (textured mesh), kitchen.png (16-bit depth) or
                kitchen.gif (parallax).
            kind: "cloud" (or "points"), "mesh", "depth", "relative" (inverse depth), "heatmap" or "parallax".
            force: overwrite an existing file.

        Raises:
            UsageError: the suffix is unknown, or cannot hold such a value.
            OutputError: the file exists, or cannot be written.
            GeometryError: nothing is left to write.
        """
        path = Path(path)
        value = self._value(kind or kind_of(path), path)
        notes = self.provenance
        if isinstance(value, PointCloud | Mesh):
            written = save(value, path, axes=self.options.axes, force=force, notes=notes)
        else:
            written = save(value, path, force=force, notes=notes)
        return Saved(written, _in_words(value, self.unit))

    def _value(self, kind: Kind, path: Path) -> Value:
        if kind in ("cloud", "points"):
            return self.cloud()
        if kind == "mesh":
            return self.mesh(textured=False if path.suffix.lower() == ".ply" else None)
        if kind == "depth":
            return self.depth
        if kind == "relative":
            if self.relief is None:
                raise UsageError("a metric depth map has no relative depth; leave out 'relative'")
            return self.relief
        return self.heatmap() if kind == "heatmap" else self.parallax()


# photo.jpg -> Photo -> predictors -> InverseDepth -> scale <- hints
#                |                                      |
#                |                                 MetricDepth ---------> colormap -> picture
#                |                                      |      \
#                +--> intrinsics -> Intrinsics -> points (unproject)  \--> parallax -> frames
#                |                                      |
#                |                                   PointMap
#                |                                   /      \
#                +------- rgb ------------------> cloud     mesh
#                                                   |         |
#                                                   v         v
#                                               formats / viewer
def reconstruct(
    photo: str | Path | Photo, options: Options | None = None, *, progress: Progress | None = None
) -> Scene:
    """Turn a photo into a scene.

    Args:
        photo: a file, or a photo already read.
        options: what the user chose.
        progress: called while a network's weights are downloaded, with the bytes that are there and those there will
            be, or None.

    Raises:
        Depth3DError: its child says which step cannot go on.
    """
    options = options or Options()
    photo = photo if isinstance(photo, Photo) else read_photo(photo)
    camera = choose_camera(photo, options)
    relief = predict_depth(photo, options, progress=progress)
    if isinstance(relief, MetricDepth):
        if options.hints:
            raise UsageError(
                "a metric depth map takes no hints; leave them out, or use the depth kind 'depth' to rescale it"
            )
        return Scene(photo, camera, None, relief, None, options, _unknown_note(relief.metres, relief.metres))
    fit = fit_scale(relief, camera, options.hints)
    depth = fit.apply(relief)
    return Scene(photo, camera, relief, depth, fit, options, (*fit.notes, *_unknown_note(relief.values, depth.metres)))


def choose_camera(photo: Photo, options: Options) -> Intrinsics:
    """The photo's intrinsics from what the user gave, else EXIF, else a stated assumption."""
    return choose_intrinsics(
        photo, fov_x_deg=options.fov_x_deg, focal_px=options.focal_px, camera_file=options.camera_file
    )


def predict_depth(photo: Photo, options: Options, *, progress: Progress | None = None) -> InverseDepth | MetricDepth:
    """The photo's depth from the user's own depth map, else from a network."""
    if options.depth_map is not None:
        return read_depth_map(
            options.depth_map,
            kind=options.depth_kind,
            size=(photo.rgb.shape[1], photo.rgb.shape[0]),
            units_per_metre=options.depth_units,
            brighter_is_farther=options.brighter_is_farther,
        )
    if options.depth_units is not None or options.brighter_is_farther or options.depth_kind != "inverse":
        raise UsageError("depth kind, depth units and brighter-is-farther describe a depth map; give one")
    predictor = load_predictor(options.predictor, weights=options.weights, threads=options.threads, progress=progress)
    return predictor.predict(photo)


def kind_of(path: Path) -> Kind:
    """What goes into a file unless the user says otherwise.

    Raises:
        UsageError: the suffix names no known format.
    """
    suffix = path.suffix.lower()
    if suffix not in KIND_OF_SUFFIX:
        known = " ".join(KIND_OF_SUFFIX)
        raise UsageError(f"{path}: the suffix {suffix or '(none)'!r} names no known format; use one of {known}")
    return KIND_OF_SUFFIX[suffix]


KINDS: tuple[Kind, ...] = get_args(Kind)


def _unknown_note(before: NDArray[np.float32], after: NDArray[np.float32]) -> tuple[str, ...]:
    """How much of the picture has no depth, and why; `before` and `after` scaling."""
    total = before.size
    absent = int(np.isnan(before).sum())
    beyond = int(np.isnan(after).sum()) - absent
    notes = []
    if absent:
        notes.append(f"{absent / total:.1%} of the picture has no depth in the depth map and gives no geometry")
    if beyond:
        notes.append(f"{beyond / total:.1%} of the picture lies beyond infinity (a d + b <= 0): unknown, no geometry")
    return tuple(notes)


def _in_words(value: Value, unit: str) -> str:
    if isinstance(value, PointCloud):
        return f"{len(value.xyz):,} points"
    if isinstance(value, Mesh):
        skin = "textured" if value.texture is not None else "coloured vertices"
        return f"{len(value.xyz):,} vertices, {len(value.faces):,} faces, {skin}"
    if isinstance(value, MetricDepth):
        near, far = np.nanmin(value.metres), np.nanmax(value.metres)
        name = "m" if unit == "m" else "arbitrary units"
        return f"depth {value.size[0]}x{value.size[1]}, {near:.3g} to {far:.3g} {name}"
    if isinstance(value, InverseDepth):
        return f"relative inverse depth {value.size[0]}x{value.size[1]}, larger is nearer"
    if isinstance(value, Picture):
        return f"heat map {value.rgb.shape[1]}x{value.rgb.shape[0]}"
    return f"{value.count} frames at {value.fps:g} per second"
