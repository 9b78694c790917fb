"""A photo in three dimensions, which becomes files of any kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth, MetricDepth, Unit
from depth3d.core.errors import UsageError
from depth3d.core.images import Animation, Picture
from depth3d.core.normals import to_normal_map
from depth3d.core.options import FileOptions
from depth3d.core.recording import Mark, Recording
from depth3d.core.rgbd import RGBD
from depth3d.core.undistort import to_ideal_pixels
from depth3d.geometry.gaussians import to_gaussians
from depth3d.geometry.lazy_point_cloud import PixelCloud, to_pixel_cloud
from depth3d.geometry.measure import Measurement, measure_length
from depth3d.geometry.mesh import Mesh, to_mesh
from depth3d.geometry.plate import to_plate
from depth3d.geometry.point_cloud import PointCloud, to_cloud
from depth3d.io.animation.fitting import fit_animation
from depth3d.io.cameras.keyframes_file import motion_of
from depth3d.io.photos.photo import Photo
from depth3d.io.registry import Format
from depth3d.io.save import atomic_write, save_as
from depth3d.layers import Layers, layers_to_mesh, to_layers
from depth3d.render.bokeh import defocus
from depth3d.render.heatmap import to_depth_photo, to_heatmap
from depth3d.render.parallax import animate_parallax
from depth3d.render.stereo import Eyes, animate_wigglegram, to_stereo
from depth3d.scale import ScaleFit, SharedErrors, share_errors
from depth3d.scale.hint import moved_pixels, ray_at
from depth3d.scenes.options import OutputOptions, with_changes
from depth3d.scenes.outputs import Kind, Target, in_words, target_of
from depth3d.scenes.provenance import to_json, to_provenance
from depth3d.scenes.used_options import fields_for, refuse_both, refuse_unused

if TYPE_CHECKING:
    from depth3d.scenes.outputs import Value

Progress = Callable[[int, int], None]

_MOST_MARKS = 100
"""More hints, as those of sparse points, are not told apart in Blender."""


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


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A photo in three dimensions, able to say how every number was obtained.

    Attributes:
        photo: the upright photo, its lens distortion undone.
        camera: intrinsics of the photo's size, of an ideal lens.
        camera_as_taken: the camera of the photo as it was taken; the same where the lens was ideal.
        inverse_depth: relative inverse depth of the photo's size; None where the depth map was metric already.
        depth: depth of the photo's size.
        fit: how relative depth became metres; None where the depth map was metric already.
        notes: sentences for the user: assumptions, and what was left out.
        sky: (H, W) where depth is unknown because sky is seen; None where none was found, or none was looked for.
    """

    photo: Photo
    camera: Intrinsics
    camera_as_taken: Intrinsics
    inverse_depth: InverseDepth | None
    depth: MetricDepth
    fit: ScaleFit | None
    notes: tuple[str, ...] = ()
    sky: NDArray[np.bool_] | None = None

    @property
    def rgbd(self) -> RGBD:
        """Photo, depth and camera, as the steps take them."""
        return RGBD(self.photo.rgb, self.depth, self.camera)

    @property
    def pictured_depth(self) -> MetricDepth:
        """The depth that pictures are made with: sky, which gives no geometry, is as far as the farthest thing."""
        if self.sky is None:
            return self.depth
        farthest = np.nanmax(self.depth.z)
        return replace(self.depth, z=np.where(self.sky, farthest, self.depth.z), sigma=None)

    @property
    def pictured_rgbd(self) -> RGBD:
        """Photo, depth for pictures, and camera."""
        return RGBD(self.photo.rgb, self.pictured_depth, self.camera)

    @property
    def unit(self) -> Unit:
        """The unit of every length: "m", or "arbitrary" where no hint gave one."""
        return "m" if self.fit is None else self.fit.unit

    @property
    def shared_errors(self) -> SharedErrors | None:
        """How the errors of depth at two places belong together; None where none is known."""
        if self.fit is None or self.inverse_depth is None:
            return None
        return share_errors(self.fit, self.inverse_depth)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The hints that state the depth of a pixel, as places in camera axes."""
        if self.fit is None or self.fit.anchors is None:
            return ()
        rays = [ray_at(self.camera, u, v) for u, v in self.fit.anchors.uv]
        return tuple(
            Mark(one.name, _along(ray, one.said_m), _along(ray, one.fitted_m), one.is_used)
            for ray, one in zip(rays, self.fit.residuals, strict=True)
        )

    def recording(self) -> Recording:
        """Photo, camera, depth and hints in one, as Rerun and ROS take them."""
        return Recording(self.rgbd, self.marks)

    @property
    def in_short(self) -> dict[str, str]:
        """How the numbers were obtained, as short texts that are stored inside files."""
        scale = "metric depth map" if self.fit is None else f"1/z = {self.fit.a:.6g} d + {self.fit.b:.6g}"
        return {
            "photo": self.photo.name,
            "unit": self.unit,
            "camera": self.camera.source,
            "depth": self.depth.source,
            "scale": scale,
        }

    def cloud(self, options: OutputOptions | None = None, **changes: Any) -> PointCloud:
        """Make the coloured point cloud.

        Args:
            options: groups `geometry` and `cloud` count.
            changes: fields of these groups, such as ``voxel_m=0.01``.

        Raises:
            UsageError: clouds have no such option, or it is out of range.
        """
        o = with_changes("a cloud", options, changes, "geometry", "cloud")
        g = o.geometry
        return to_cloud(self.rgbd, max_points=g.max_points, normals=g.normals, voxel_m=o.cloud.voxel_m)

    def mesh(self, options: OutputOptions | None = None, **changes: Any) -> Mesh:
        """Make the triangle mesh.

        Args:
            options: groups `geometry` and `mesh` count.
            changes: fields of these groups, such as ``max_faces=20_000``.

        Raises:
            UsageError: meshes have no such option, or it is out of range.
        """
        o = with_changes("a mesh", options, changes, "geometry", "mesh")
        chosen: dict[str, Any] = {
            "textured": o.mesh.textured,
            "normals": o.geometry.normals,
            "cut_ratio": o.mesh.cut_ratio,
            "cut_angle_deg": o.mesh.cut_angle_deg,
            "max_error_px": o.mesh.max_error_px,
            "max_faces": o.mesh.max_faces,
        }
        if o.mesh.layers:
            return layers_to_mesh(self.layers(o), self.photo.rgb, **chosen)
        return to_mesh(self.rgbd, max_points=o.geometry.max_points, **chosen)

    def layers(self, options: OutputOptions | None = None, **changes: Any) -> Layers:
        """What the photo shows, and behind it what nearer things hide; of at most as many pixels as `max_points`.

        Args:
            options: groups `geometry` and `mesh` count.
            changes: fields of these groups.
        """
        o = with_changes("layers", options, changes, "geometry", "mesh")
        width, height = self.depth.size
        return to_layers(
            self.rgbd,
            cut_ratio=o.mesh.cut_ratio,
            cut_angle_deg=o.mesh.cut_angle_deg,
            max_pixels=max(4, o.geometry.max_points or width * height),
        )

    def heatmap(self) -> Picture:
        """Inverse depth in inferno colours."""
        return to_heatmap(self.pictured_depth)

    def parallax(self, options: OutputOptions | None = None, **changes: Any) -> Animation:
        """Move a camera through the photo.

        Args:
            options: groups `animation` and `focus` count.
            changes: fields of these groups, such as ``motion="swing"``.
        """
        o = with_changes("parallax", options, changes, "animation", "focus")
        a = o.animation
        return animate_parallax(
            self.pictured_rgbd,
            motion=motion_of(a.motion),
            width=a.width,
            seconds=a.seconds,
            fps=a.fps,
            amount_percent=a.amount_percent,
            focus=self._focus_pixel(o),
            easing=a.easing,
        )

    def bokeh(self, options: OutputOptions | None = None, **changes: Any) -> Picture:
        """The photo as a lens of large aperture would have taken it.

        Args:
            options: groups `bokeh` and `focus` count.
            changes: fields of these groups, such as ``f_number=1.8``.

        Raises:
            UsageError: an f-number was chosen, but depth has no unit.
        """
        o = with_changes("depth of field", options, changes, "bokeh", "focus")
        if o.bokeh.f_number is not None:
            refuse_both(o, "f_number", "blur_percent")
        if o.bokeh.f_number is not None and self.unit != "m":
            raise UsageError(
                "an f-number needs depth in metres; give a distance (--at, --near, --size ...), or --blur instead"
            )
        return defocus(
            self.pictured_rgbd,
            focus=self._focus_pixel(o),
            blur_percent=o.bokeh.blur_percent,
            f_number=o.bokeh.f_number,
            blades=o.bokeh.blades,
            highlights=o.bokeh.highlights,
        )

    def stereo(self, options: OutputOptions | None = None, **changes: Any) -> Picture:
        """The photo for two eyes.

        Args:
            options: groups `stereo` and `focus` count.
            changes: fields of these groups, such as ``layout="vr180"``.

        Raises:
            UsageError: a length was chosen, but depth has no unit.
        """
        o = with_changes("stereo", options, changes, "stereo", "focus")
        s = o.stereo
        return to_stereo(
            self.pictured_rgbd,
            layout=s.layout,
            eyes=self.eyes(o),
            width=s.eye_width,
            swap=s.swap,
            anaglyph=s.anaglyph,
            quilt=s.quilt,
        )

    def wigglegram(self, options: OutputOptions | None = None, **changes: Any) -> Animation:
        """The photo, seen with either eye in turn.

        Args:
            options: groups `stereo`, `animation` (its width) and `focus` count.
            changes: fields of these groups, such as ``ipd_m=0.063``.

        Raises:
            UsageError: a length was chosen, but depth has no unit.
        """
        o = with_changes("a wigglegram", options, changes, "stereo", "animation", "focus")
        width = o.stereo.eye_width or o.animation.width
        return animate_wigglegram(self.pictured_rgbd, eyes=self.eyes(o), width=width)

    def measure(self, start: tuple[float, float], end: tuple[float, float] | None = None) -> Measurement:
        """The length between the things at two pixels of the upright photo as taken, or from the camera to one."""
        (start,) = self._ideal_pixels(start)
        end = None if end is None else self._ideal_pixels(end)[0]
        return measure_length(
            start, end, camera=self.camera, depth=self.depth, inverse_depth=self.inverse_depth, fit=self.fit
        )

    def _repr_html_(self) -> str:
        """What notebooks show: the model, to turn and to measure in."""
        from depth3d.scenes.notebook import to_preview  # only notebooks need it

        return to_preview(self)

    def save(
        self,
        path: str | Path,
        *,
        kind: Kind | None = None,
        options: OutputOptions | None = None,
        force: bool = False,
        progress: Progress | None = None,
    ) -> Saved:
        """Write one file; its suffix says which format, and what goes in unless `kind` says so.

        How it was obtained goes into a JSON file beside it, unless the options say otherwise.

        Args:
            path: target, such as kitchen.ply (cloud), kitchen.glb (textured mesh), kitchen.png (16-bit depth) or
                kitchen.gif (parallax).
            kind: a name of `depth3d.scenes.outputs.OUTPUTS`, such as "cloud", "mesh", "depth", "heatmap" or "parallax".
            options: what the user chose about this kind of file.
            force: overwrite an existing file.
            progress: called with each frame of an animation that is written, and with their number.

        Raises:
            UsageError: the suffix is unknown, or cannot hold such a value.
            UsageError: an option was chosen that would change nothing in this file.
            OutputError: the file exists, or cannot be written.
            GeometryError: nothing is left to write.
        """
        return self.save_to(target_of(path, kind), options=options, force=force, progress=progress)

    def save_to(
        self,
        target: Target,
        *,
        options: OutputOptions | None = None,
        force: bool = False,
        progress: Progress | None = None,
    ) -> Saved:
        """Write one file whose name has been understood already, see `save`."""
        options = options or OutputOptions()
        refuse_unused(options, [fields_for(target)])
        value = self._value(target, options)
        chosen, given_up = self._format_options(target, options.files), ""
        if isinstance(value, Animation):
            value, chosen, given_up = _fitted(value, target, chosen, options.files.max_bytes)
            value = value if progress is None else _watched(value, progress)
        written = save_as(target.form, value, target.path, force=force, notes=self.in_short, **chosen)
        if options.files.provenance:
            with atomic_write(target.provenance, force=force) as file:
                file.write(to_json(to_provenance(self, value if isinstance(value, Mesh) else None)))
        return Saved(written, in_words(value) + given_up, self.unit)

    def eyes(self, options: OutputOptions) -> Eyes:
        """How two eyes look at the scene, as the options say.

        Raises:
            UsageError: a length was chosen, but depth has no unit.
        """
        o = options.stereo
        if o.ipd_m is not None:
            refuse_both(options, "ipd_m", "disparity_percent")
        if o.convergence_m is not None:
            refuse_both(options, "convergence_m", "focus")
        if self.unit != "m" and (o.ipd_m is not None or o.convergence_m is not None):
            raise UsageError(
                "the eyes' distance and convergence need depth in metres; give a distance (--at, --near, --size ...), "
                "or --disparity and --focus instead"
            )
        return Eyes(
            disparity_percent=o.disparity_percent,
            ipd_m=o.ipd_m,
            convergence_m=o.convergence_m,
            focus=self.focus_share(options),
        )

    def focus_share(self, options: OutputOptions) -> tuple[float, float] | None:
        """The chosen focus as shares of width and height."""
        pixel, (width, height) = self._focus_pixel(options), self.depth.size
        return None if pixel is None else (pixel[0] / width, pixel[1] / height)

    def _focus_pixel(self, options: OutputOptions) -> tuple[float, float] | None:
        """The chosen focus in the photo with its lens distortion undone."""
        focus = options.focus.focus
        return None if focus is None else self._ideal_pixels(focus)[0]

    def _ideal_pixels(self, *pixels: tuple[float, float]) -> list[tuple[float, float]]:
        """Pixels of the photo as it was taken, in the photo with its lens distortion undone."""
        if self.camera_as_taken.is_ideal:
            return list(pixels)
        return moved_pixels(partial(to_ideal_pixels, camera=self.camera_as_taken, ideal=self.camera), *pixels)

    def _format_options(self, target: Target, o: FileOptions) -> dict[str, Any]:
        """What the options say to the writer of this file."""
        form = target.form
        chosen = coding(form, o)
        if form.axes is not None:
            chosen["axes"] = o.axes
        if form.takes("remarks"):
            chosen |= {"camera": self.camera, "depth": self.depth, "errors": self.shared_errors, "remarks": self.notes}
        if form.takes("marks"):
            marks = [(mark.in_words, mark.said) for mark in self.marks[:_MOST_MARKS]]
            chosen |= {"camera": self.camera, "rgb": self.photo.rgb, "marks": marks}
        return chosen

    def _points(self, o: OutputOptions) -> PointCloud | PixelCloud:
        """The cloud as it is written: without ever being held as a whole, where nothing needs all of it."""
        if o.geometry.normals or o.cloud.voxel_m is not None:
            return self.cloud(o)
        return to_pixel_cloud(self.rgbd, max_points=o.geometry.max_points)

    def _value(self, target: Target, o: OutputOptions) -> Value:
        kind = target.kind
        if kind == "cloud":
            return self._points(o)
        if kind == "mesh":
            return self.mesh(o if target.form.holds_texture else o.changed(textured=False))
        if kind == "splat":
            return to_gaussians(self.rgbd, max_points=o.geometry.max_points)
        if kind == "plate":
            return to_plate(
                self.pictured_depth,
                width_mm=o.plate.plate_width_mm,
                relief_mm=o.plate.plate_height_mm,
                base_mm=o.plate.plate_base_mm,
            )
        if kind in ("depth", "tum", "3dgs"):
            return self.depth
        if kind == "camera":
            return self.camera
        if kind == "recording":
            return self.recording()
        if kind == "normals":
            return to_normal_map(self.rgbd)
        if kind == "photo":
            return Picture(self.photo.rgb)
        if kind == "depth-photo":
            return to_depth_photo(self.photo.rgb, self.pictured_depth)
        if kind == "relative":
            if self.inverse_depth is None:
                raise UsageError("a metric depth map has no relative depth; leave out 'relative'")
            return self.inverse_depth
        if kind == "bokeh":
            return self.bokeh(o)
        if kind == "stereo":
            return self.stereo(o)
        if kind == "wigglegram":
            return self.wigglegram(o)
        return self.heatmap() if kind == "heatmap" else self.parallax(o)


def _along(ray: NDArray[np.float64], depth: float) -> tuple[float, float, float]:
    """The point of a ray with z = 1 at a depth."""
    x, y, z = (ray * depth).tolist()
    return x, y, z


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
        raise UsageError(f"{target.path}: a greatest size is for one file, not for numbered ones")
    fitted = fit_animation(value, target.path, max_bytes, **chosen)
    words = f", {fitted.given_up} to keep within {max_bytes:,} bytes" if fitted.given_up else ""
    return fitted.animation, dict(fitted.options), words


def _watched(animation: Animation, progress: Progress) -> Animation:
    def frames() -> Iterator[NDArray[np.uint8]]:
        for number, frame in enumerate(animation.frames(), start=1):
            yield frame
            progress(number, animation.count)

    return replace(animation, frames=frames)
