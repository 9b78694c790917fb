"""Scenes become files: the value that a target asks for, and what its format is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import Unit
from depth3d.core.errors import UsageError
from depth3d.core.images import Animation, Picture
from depth3d.core.normals import to_normal_map
from depth3d.core.options import FileOptions
from depth3d.geometry.gaussians import to_gaussians
from depth3d.geometry.lazy_point_cloud import PixelCloud, to_pixel_cloud
from depth3d.geometry.mesh import Mesh
from depth3d.geometry.plate import to_plate
from depth3d.geometry.point_cloud import PointCloud
from depth3d.io.animation.size_limit import fit_animation
from depth3d.io.registry import Format
from depth3d.io.save import atomic_write, save_as
from depth3d.layers import to_layered_gaussians
from depth3d.render.heatmap import to_depth_photo
from depth3d.render.stereo import to_stereo_pair
from depth3d.scenes.options import OutputOptions
from depth3d.scenes.outputs import Kind, Target, in_words
from depth3d.scenes.provenance import to_json, to_provenance
from depth3d.scenes.stereo_eyes import stereo_eyes
from depth3d.scenes.used_options import fields_for, refuse_unused

if TYPE_CHECKING:
    from depth3d.scenes.outputs import Value
    from depth3d.scenes.scene import Scene

Progress = Callable[[int, int], None]
"""Called with each frame of an animation that is written, and with their number."""

_MOST_MARKS = 100
"""More hints, as those of sparse points, are not told apart in Blender."""

_TURNED = (".glb", ".html")
"""Suffixes of meshes that have layers unless the user says otherwise."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What was written.

    Attributes:
        path: the file.
        what: its content in words, such as "412,300 points".
        unit: of the scene's lengths, "m" or "arbitrary".
    """

    path: Path
    what: str
    unit: Unit


def save_scene(
    scene: Scene,
    target: Target,
    *,
    options: OutputOptions | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> Saved:
    """Write one file whose name has been understood already, see `Scene.save`."""
    options = options or OutputOptions()
    refuse_unused(options, [fields_for(target)])
    value = _value(scene, target, options)
    chosen, given_up = _format_options(scene, target, options.files), ""
    if isinstance(value, Animation):
        value, chosen, given_up = _fitted(value, target, chosen, options.files.max_bytes)
        value = value if progress is None else _watched(value, progress)
    written = save_as(target.form, value, target.path, force=force, notes=scene.in_short, **chosen)
    if options.files.provenance:
        with atomic_write(target.provenance, force=force) as file:
            file.write(to_json(to_provenance(scene, value if isinstance(value, Mesh) else None)))
    return Saved(written, in_words(value) + given_up, scene.unit)


def _format_options(scene: Scene, target: Target, o: FileOptions) -> dict[str, Any]:
    """What the options say to the writer of this file."""
    form = target.form
    chosen = coding(form, o)
    if form.axes is not None:
        chosen["axes"] = o.axes
    if form.takes("remarks"):
        chosen |= {"camera": scene.camera, "depth": scene.depth, "errors": scene.shared_errors, "remarks": scene.notes}
    if form.takes("marks"):
        marks = [(mark.in_words, mark.said) for mark in scene.marks[:_MOST_MARKS]]
        chosen |= {"camera": scene.camera, "rgb": scene.photo.rgb, "marks": marks}
    return chosen


def _value(scene: Scene, target: Target, o: OutputOptions) -> Value:
    kind = target.kind
    if kind == "cloud":
        return _points(scene, o)
    if kind == "mesh":
        return scene.mesh(_for_file(target, o))
    if kind == "splat":
        to_splats = to_gaussians if o.mesh.layers is False else to_layered_gaussians
        return to_splats(scene.rgbd, max_points=o.geometry.max_points)
    if kind == "plate":
        return to_plate(
            scene.pictured_depth,
            width_mm=o.plate.plate_width_mm,
            relief_mm=o.plate.plate_height_mm,
            base_mm=o.plate.plate_base_mm,
        )
    if kind == "bokeh":
        return scene.bokeh(o)
    if kind == "stereo":
        return scene.stereo(o)
    if kind == "two-views":
        eyes, chosen = stereo_eyes(scene, o), o.stereo
        return to_stereo_pair(scene.pictured_rgbd, eyes=eyes, width=chosen.eye_width, swap=chosen.swap)
    if kind == "wigglegram":
        return scene.wigglegram(o)
    return scene.parallax(o) if kind == "parallax" else _value_without_options(scene, kind)


def _value_without_options(scene: Scene, kind: Kind) -> Value:
    """What no output option changes."""
    if kind in ("depth", "tum", "3dgs"):
        return scene.depth
    if kind == "camera":
        return scene.camera
    if kind == "recording":
        return scene.recording()
    if kind == "normals":
        return to_normal_map(scene.rgbd)
    if kind == "photo":
        return Picture(scene.photo.rgb)
    if kind == "depth-photo":
        return to_depth_photo(scene.photo.rgb, scene.pictured_depth)
    if kind == "relative":
        if scene.inverse_depth is None:
            raise UsageError("a metric depth map has no relative depth; leave out 'relative'")
        return scene.inverse_depth
    return scene.heatmap()


def _for_file(target: Target, o: OutputOptions) -> OutputOptions:
    """The options of a mesh for a file: no texture where it holds none, layers where the model will be turned."""
    if o.mesh.layers is None:
        o = o.changed(layers=target.path.suffix.lower() in _TURNED)
    return o if target.form.holds_texture else o.changed(textured=False)


def _points(scene: Scene, o: OutputOptions) -> PointCloud | PixelCloud:
    """The cloud as it is written: without ever being held as a whole, where nothing needs all of it."""
    if o.geometry.normals or o.cloud.voxel_m is not None:
        return scene.cloud(o)
    return to_pixel_cloud(scene.rgbd, max_points=o.geometry.max_points)


def coding(form: Format, o: FileOptions) -> dict[str, Any]:
    """What the options say to a writer, under the names that it knows."""
    chosen = {name: getattr(o, field) for name, field in form.options.items()}
    if chosen.get("quality", 0) is None:  # the writer knows what suits its format
        del chosen["quality"]
    return chosen


def _fitted(
    value: Animation, target: Target, chosen: dict[str, Any], max_bytes: int | None
) -> tuple[Animation, dict[str, Any], str]:
    """The animation and its writer's options within the size that was chosen, and what was given up for it."""
    if max_bytes is None:
        return value, chosen, ""
    if target.is_sequence:
        raise UsageError(f"{target.path}: a maximum size is for one file, not for numbered ones")
    fitted = fit_animation(value, target.path, max_bytes, form=target.form, **chosen)
    words = f", {fitted.given_up} to keep within {max_bytes:,} bytes" if fitted.given_up else ""
    return fitted.animation, dict(fitted.options), words


def _watched(animation: Animation, progress: Progress) -> Animation:
    def frames() -> Iterator[NDArray[np.uint8]]:
        for number, frame in enumerate(animation.frames(), start=1):
            yield frame
            progress(number, animation.count)

    return replace(animation, frames=frames)
