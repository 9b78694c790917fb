"""A photo in three dimensions, which becomes files of any kind."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth, MetricDepth, Unit
from depth3d.core.errors import UsageError
from depth3d.core.images import Animation, Picture
from depth3d.core.recording import Mark, Recording
from depth3d.core.rgbd import RGBD
from depth3d.core.undistort import to_ideal_pixels
from depth3d.geometry.measure import Measurement, measure_length
from depth3d.geometry.mesh import Mesh, to_mesh
from depth3d.geometry.point_cloud import PointCloud, to_cloud
from depth3d.io.cameras.keyframes_file import motion_of
from depth3d.io.photos.photo import Photo
from depth3d.layers import Layers, to_layered_mesh, to_layers
from depth3d.render.bokeh import defocus
from depth3d.render.heatmap import to_heatmap
from depth3d.render.parallax import animate_parallax
from depth3d.render.stereo import animate_wigglegram, to_stereo
from depth3d.scale import ScaleFit, SharedErrors, share_errors
from depth3d.scale.hint import moved_pixels
from depth3d.scenes.hint_markers import marks_of
from depth3d.scenes.options import OutputOptions, with_changes
from depth3d.scenes.outputs import Kind, target_of
from depth3d.scenes.save import Progress, Saved, save_scene
from depth3d.scenes.stereo_eyes import stereo_eyes
from depth3d.scenes.used_options import refuse_both


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A photo in three dimensions, able to say how every number was obtained.

    Attributes:
        photo: the upright photo, its lens distortion undone.
        rgbd: its colours, with depth and intrinsics of the same size, of an ideal lens; what the steps take.
        camera_as_taken: the camera of the photo as it was taken; the same where the lens was ideal.
        inverse_depth: relative inverse depth of the photo's size; None where the depth map was metric already.
        fit: how relative depth became metres; None where the depth map was metric already.
        notes: sentences for the user: assumptions, and what was left out.
        sky: (H, W) where depth is unknown because sky is seen; None where none was found, or none was looked for.
    """

    photo: Photo
    rgbd: RGBD
    camera_as_taken: Intrinsics
    inverse_depth: InverseDepth | None
    fit: ScaleFit | None
    notes: tuple[str, ...] = ()
    sky: NDArray[np.bool_] | None = None

    @property
    def depth(self) -> MetricDepth:
        """Depth of the photo's size."""
        return self.rgbd.depth

    @property
    def camera(self) -> Intrinsics:
        """Intrinsics of the photo's size, of an ideal lens."""
        return self.rgbd.camera

    def with_depth(self, depth: MetricDepth, **changes: Any) -> Scene:
        """The scene with other depth of the same size, and perhaps other fields.

        Raises:
            GeometryError: the depth is of another size.
        """
        return replace(self, rgbd=replace(self.rgbd, depth=depth), **changes)

    @property
    def pictured_depth(self) -> MetricDepth:
        """The depth that pictures are made with: sky, which gives no geometry, is as far as the farthest thing."""
        if self.sky is None:
            return self.depth
        return replace(self.depth, z=np.where(self.sky, np.nanmax(self.depth.z), self.depth.z), sigma=None)

    @property
    def pictured_rgbd(self) -> RGBD:
        """Photo, depth for pictures, and camera."""
        return replace(self.rgbd, depth=self.pictured_depth)

    @property
    def unit(self) -> Unit:
        """The unit of every length: "m", or "arbitrary" where no hint gave one."""
        return "m" if self.fit is None else self.fit.unit

    @property
    def shared_errors(self) -> SharedErrors | None:
        """How the errors of depth at two places belong together; None where none is known."""
        return share_errors(self.fit, self.inverse_depth) if self.fit and self.inverse_depth else None

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The hints that state the depth of a pixel, as places in camera axes."""
        return () if self.fit is None else marks_of(self.fit, self.camera)

    def recording(self) -> Recording:
        """Photo, camera, depth and hints in one, as Rerun and ROS take them."""
        return Recording(self.rgbd, self.marks)

    @property
    def in_short(self) -> dict[str, str]:
        """How the numbers were obtained, as short texts that are stored inside files."""
        scale = "metric depth map" if self.fit is None else f"1/z = {self.fit.a:.6g} d + {self.fit.b:.6g}"
        sources = {"camera": self.camera.source, "depth": self.depth.source}
        return {"photo": self.photo.name, "unit": self.unit, **sources, "scale": scale}

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
        chosen = asdict(o.mesh) | {"normals": o.geometry.normals, "max_points": o.geometry.max_points}
        make = to_layered_mesh if chosen.pop("layers") else to_mesh
        return make(self.rgbd, **chosen)

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
        chosen = asdict(o.animation) | {"motion": motion_of(o.animation.motion)}
        return animate_parallax(self.pictured_rgbd, focus=self.focus_pixel(o), **chosen)

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
            if self.unit != "m":
                raise UsageError(
                    "an f-number needs depth in metres; give a distance (--at, --near, --size ...), or --blur instead"
                )
        return defocus(
            self.pictured_rgbd,
            focus=self.focus_pixel(o),
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
            eyes=stereo_eyes(self, o),
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
        return animate_wigglegram(self.pictured_rgbd, eyes=stereo_eyes(self, o), width=width)

    def measure(self, start: tuple[float, float], end: tuple[float, float] | None = None) -> Measurement:
        """The length between the things at two pixels of the upright photo as taken, or from the camera to one."""
        (start,) = self._ideal_pixels(start)
        end = None if end is None else self._ideal_pixels(end)[0]
        return measure_length(
            start, end, camera=self.camera, depth=self.depth, inverse_depth=self.inverse_depth, fit=self.fit
        )

    def _repr_html_(self) -> str:
        """What notebooks show: the model, to turn and to measure in."""
        from depth3d.scenes.notebook_preview import to_preview  # only notebooks need it

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
            UsageError: the suffix is unknown or cannot hold such a value, or an option would change nothing in it.
            OutputError: the file exists, or cannot be written.
            GeometryError: nothing is left to write.
        """
        return save_scene(self, target_of(path, kind), options=options, force=force, progress=progress)

    def focus_pixel(self, options: OutputOptions) -> tuple[float, float] | None:
        """The chosen focus in the photo with its lens distortion undone."""
        focus = options.focus.focus
        return None if focus is None else self._ideal_pixels(focus)[0]

    def _ideal_pixels(self, *pixels: tuple[float, float]) -> list[tuple[float, float]]:
        """Pixels of the photo as it was taken, in the photo with its lens distortion undone."""
        if self.camera_as_taken.is_ideal:
            return list(pixels)
        return moved_pixels(partial(to_ideal_pixels, camera=self.camera_as_taken, ideal=self.camera), *pixels)
