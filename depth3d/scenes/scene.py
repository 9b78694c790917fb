"""The result of the sentence: a photo in three dimensions, which becomes files of any kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import UsageError
from depth3d.core.images import Animation, Picture
from depth3d.core.point_map import unproject
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
from depth3d.io.save import atomic_write, save_as
from depth3d.layers import Layers, layers_to_mesh, to_layers
from depth3d.render.bokeh import defocus
from depth3d.render.heatmap import to_depth_photo, to_heatmap
from depth3d.render.parallax import animate_parallax
from depth3d.render.stereo import Eyes, animate_wigglegram, to_stereo
from depth3d.scale import ScaleFit
from depth3d.scale.hint import moved_pixels
from depth3d.scenes.options import Options
from depth3d.scenes.outputs import Kind, Target, in_words, target_of
from depth3d.scenes.provenance import to_json, to_provenance

if TYPE_CHECKING:
    from depth3d.scenes.outputs import Value

Progress = Callable[[int, int], None]


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
        photo: the upright photo, its lens distortion undone.
        camera: intrinsics of the photo's size, of an ideal lens.
        camera_as_taken: the camera of the photo as it was taken; the same where the lens was ideal.
        inverse_depth: relative inverse depth of the photo's size; None where the depth map was metric already.
        depth: depth of the photo's size.
        fit: how relative depth became metres; None where the depth map was metric already.
        options: what the user chose.
        notes: sentences for the user: assumptions, and what was left out.
    """

    photo: Photo
    camera: Intrinsics
    camera_as_taken: Intrinsics
    inverse_depth: InverseDepth | None
    depth: MetricDepth
    fit: ScaleFit | None
    options: Options = field(default_factory=Options)
    notes: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """The unit of every length: "m", or "arbitrary" where no hint gave one."""
        return "m" if self.fit is None else self.fit.unit

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

    def cloud(self) -> PointCloud:
        """The coloured point cloud."""
        points = unproject(self.depth, self.camera, max_points=self.options.max_points)
        return to_cloud(points, self.photo.rgb, normals=self.options.normals, voxel_m=self.options.voxel_m)

    def mesh(self, *, textured: bool | None = None) -> Mesh:
        """The triangle mesh; `textured` overrides the options."""
        o = self.options
        chosen: dict[str, Any] = {
            "textured": o.textured if textured is None else textured,
            "normals": o.normals,
            "cut_ratio": o.cut_ratio,
            "cut_angle_deg": o.cut_angle_deg,
            "max_error_px": o.max_error_px,
            "max_faces": o.max_faces,
        }
        if o.layers:
            return layers_to_mesh(self.layers(), self.photo.rgb, **chosen)
        return to_mesh(unproject(self.depth, self.camera, max_points=o.max_points), self.photo.rgb, **chosen)

    def layers(self) -> Layers:
        """What the photo shows, and behind it what nearer things hide; of at most as many pixels as `max_points`."""
        width, height = self.depth.size
        return to_layers(
            self.photo.rgb,
            self.depth,
            self.camera,
            cut_ratio=self.options.cut_ratio,
            cut_angle_deg=self.options.cut_angle_deg,
            max_pixels=max(4, self.options.max_points or width * height),
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
            self.camera,
            motion=motion_of(o.motion),
            width=o.width,
            seconds=o.seconds,
            fps=o.fps,
            amount_percent=o.amount_percent,
            focus=None if o.focus is None else self._ideal_pixels(o.focus)[0],
            easing=o.easing,
        )

    def bokeh(self) -> Picture:
        """The photo as a lens of large aperture would have taken it.

        Raises:
            UsageError: an f-number was chosen, but depth has no unit.
        """
        o = self.options
        if o.f_number is not None and self.unit != "m":
            raise UsageError(
                "an f-number needs depth in metres; give a distance (--at, --near, --size ...), or --blur instead"
            )
        return defocus(
            self.photo.rgb,
            self.depth,
            self.camera,
            focus=None if o.focus is None else self._ideal_pixels(o.focus)[0],
            blur_percent=o.blur_percent,
            f_number=o.f_number,
            blades=o.blades,
            highlights=o.highlights,
        )

    def stereo(self) -> Picture:
        """The photo for two eyes.

        Raises:
            UsageError: a length was chosen, but depth has no unit.
        """
        o = self.options
        return to_stereo(self.photo.rgb, self.depth, self.camera, layout=o.layout, eyes=self.eyes(), width=o.eye_width)

    def wigglegram(self) -> Animation:
        """The photo, seen with either eye in turn.

        Raises:
            UsageError: a length was chosen, but depth has no unit.
        """
        width = self.options.eye_width or self.options.width
        return animate_wigglegram(self.photo.rgb, self.depth, self.camera, eyes=self.eyes(), width=width)

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
        self, path: str | Path, *, kind: Kind | None = None, force: bool = False, progress: Progress | None = None
    ) -> Saved:
        """Write one file; its suffix says which format, and what goes in unless `kind` says so.

        How it was obtained goes into a JSON file beside it, unless the options say otherwise.

        Args:
            path: target, such as kitchen.ply (cloud), kitchen.glb (textured mesh), kitchen.png (16-bit depth) or
                kitchen.gif (parallax).
            kind: a name of `depth3d.scenes.outputs.OUTPUTS`, such as "cloud", "mesh", "depth", "heatmap" or "parallax".
            force: overwrite an existing file.
            progress: called with each frame of an animation that is written, and with their number.

        Raises:
            UsageError: the suffix is unknown, or cannot hold such a value.
            OutputError: the file exists, or cannot be written.
            GeometryError: nothing is left to write.
        """
        return self.save_to(target_of(path, kind), force=force, progress=progress)

    def save_to(self, target: Target, *, force: bool = False, progress: Progress | None = None) -> Saved:
        """Write one file whose name has been understood already, see `save`."""
        value = self._value(target)
        chosen, given_up = self._format_options(target), ""
        if isinstance(value, Animation):
            value, chosen, given_up = self._fitted(value, target, chosen)
            value = value if progress is None else _watched(value, progress)
        written = save_as(target.form, value, target.path, force=force, notes=self.in_short, **chosen)
        if self.options.provenance:
            with atomic_write(target.provenance, force=force) as file:
                file.write(to_json(to_provenance(self, value if isinstance(value, Mesh) else None)))
        return Saved(written, in_words(value) + given_up)

    def _fitted(
        self, value: Animation, target: Target, chosen: dict[str, Any]
    ) -> tuple[Animation, dict[str, Any], str]:
        """The animation and its writer's options within the size that was chosen, and what was given up for it."""
        if self.options.max_bytes is None:
            return value, chosen, ""
        if target.is_sequence:
            raise UsageError(f"{target.path}: a greatest size is for one file, not for numbered ones")
        fitted = fit_animation(value, target.path, self.options.max_bytes, **chosen)
        words = f", {fitted.given_up} to keep within {self.options.max_bytes:,} bytes" if fitted.given_up else ""
        return fitted.animation, dict(fitted.options), words

    def eyes(self) -> Eyes:
        """How two eyes look at the scene, as the options say.

        Raises:
            UsageError: a length was chosen, but depth has no unit.
        """
        o = self.options
        if self.unit != "m" and (o.ipd_m is not None or o.convergence_m is not None):
            raise UsageError(
                "the eyes' distance and convergence need depth in metres; give a distance (--at, --near, --size ...), "
                "or --disparity and --focus instead"
            )
        return Eyes(
            disparity_percent=o.disparity_percent,
            ipd_m=o.ipd_m,
            convergence_m=o.convergence_m,
            focus=self.focus_share,
        )

    @property
    def focus_share(self) -> tuple[float, float] | None:
        """The chosen focus as shares of width and height."""
        if self.options.focus is None:
            return None
        (u, v), (width, height) = self._ideal_pixels(self.options.focus)[0], self.depth.size
        return u / width, v / height

    def _ideal_pixels(self, *pixels: tuple[float, float]) -> list[tuple[float, float]]:
        """Pixels of the photo as it was taken, in the photo with its lens distortion undone."""
        if self.camera_as_taken.is_ideal:
            return list(pixels)
        return moved_pixels(partial(to_ideal_pixels, camera=self.camera_as_taken, ideal=self.camera), *pixels)

    def _format_options(self, target: Target) -> dict[str, Any]:
        """What the options say to the writer of this file."""
        form = target.form
        chosen = {name: getattr(self.options, field) for name, field in form.options.items()}
        if chosen.get("quality", 0) is None:  # the writer knows what suits its format
            del chosen["quality"]
        if form.axes is not None:
            chosen["axes"] = self.options.axes
        if form.takes("remarks"):
            chosen |= {"camera": self.camera, "depth": self.depth, "fit": self.fit, "remarks": self.notes}
        return chosen

    def _points(self) -> PointCloud | PixelCloud:
        """The cloud as it is written: without ever being held as a whole, where nothing needs all of it."""
        o = self.options
        if o.normals or o.voxel_m is not None:
            return self.cloud()
        return to_pixel_cloud(self.depth, self.camera, self.photo.rgb, max_points=o.max_points)

    def _value(self, target: Target) -> Value:
        kind = target.kind
        if kind == "cloud":
            return self._points()
        if kind == "mesh":
            return self.mesh(textured=None if target.form.holds_texture else False)
        if kind == "splat":
            points = unproject(self.depth, self.camera, max_points=self.options.max_points)
            return to_gaussians(points, self.photo.rgb, self.camera)
        if kind == "plate":
            return to_plate(
                self.depth,
                width_mm=self.options.plate_width_mm,
                relief_mm=self.options.plate_height_mm,
                base_mm=self.options.plate_base_mm,
            )
        if kind in ("depth", "tum", "3dgs"):
            return self.depth
        if kind == "camera":
            return self.camera
        if kind == "photo":
            return Picture(self.photo.rgb)
        if kind == "depth-photo":
            return to_depth_photo(self.photo.rgb, self.depth)
        if kind == "relative":
            if self.inverse_depth is None:
                raise UsageError("a metric depth map has no relative depth; leave out 'relative'")
            return self.inverse_depth
        if kind == "bokeh":
            return self.bokeh()
        if kind == "stereo":
            return self.stereo()
        if kind == "wigglegram":
            return self.wigglegram()
        return self.heatmap() if kind == "heatmap" else self.parallax()


def _watched(animation: Animation, progress: Progress) -> Animation:
    def frames() -> Iterator[NDArray[np.uint8]]:
        for number, frame in enumerate(animation.frames(), start=1):
            yield frame
            progress(number, animation.count)

    return replace(animation, frames=frames)
