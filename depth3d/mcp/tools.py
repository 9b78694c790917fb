"""What assistants may ask for; the docstrings of the three methods are what they read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from depth3d.core.errors import UsageError
from depth3d.geometry.measure import check_ends
from depth3d.io.photos.photo import photo_size
from depth3d.io.points.hints_file import hints_from
from depth3d.io.save import check_writable
from depth3d.mcp.allowed_paths import Folders
from depth3d.scenes.check_options import check_seen
from depth3d.scenes.options import Options
from depth3d.scenes.outputs import Target, target_of
from depth3d.scenes.photo import reconstruct
from depth3d.scenes.save import save_scene
from depth3d.scenes.scene import Scene

_MOST_PIXELS = 1000

# Answers have no slots: the protocol's package would take these for defaults of the fields.


@dataclass(frozen=True)
class WrittenFile:
    """A file that was written, and what it holds."""

    path: str
    content: str


@dataclass(frozen=True)
class Reconstruction:
    """Files made of a photo; `unit` is "m" or "arbitrary", and `notes` say how the numbers were obtained."""

    files: list[WrittenFile]
    unit: str
    notes: list[str]


@dataclass(frozen=True)
class Length:
    """A length, its standard deviation and the range that holds it 95 times out of 100, in `unit`: "m", "arbitrary"."""

    length: float
    sigma: float | None
    range_95: list[float] | None
    unit: str
    notes: list[str]


@dataclass(frozen=True)
class SeenPoint:
    """The point seen at pixel u, v: its distance from the camera and its place (x right, y down, z forward)."""

    u: float
    v: float
    distance: float
    sigma: float | None
    xyz: list[float]


@dataclass(frozen=True)
class Depths:
    """Points seen at pixels, in `unit`: "m" or "arbitrary"; the file that was written, if one was asked for."""

    points: list[SeenPoint]
    unit: str
    notes: list[str]
    file: WrittenFile | None


class PhotoTools:
    """The tools of one server: one photo is worked on at a time."""

    def __init__(self, folders: Folders, options: Options) -> None:
        """Keep the folders that may be used, and the options that the server was started with."""
        self._folders = folders
        self._options = options
        self._one_at_a_time = Lock()

    def reconstruct(
        self,
        photo: str,
        outputs: list[str],
        hints: list[dict[str, Any]] | None = None,
        fov_x_deg: float | None = None,
        overwrite: bool = False,
    ) -> Reconstruction:
        """Turn a photo into 3D files: point clouds (.ply .xyz .las), meshes (.glb .obj .usdz), a page to turn (.html).

        The suffix of each output says what it holds; .gif is an animation, .png 16-bit depth. Without hints about
        distances the unit is arbitrary. Hints: {"kind": "at", "u": 412, "v": 300, "metres": 2.4} (distance from the
        camera to what is seen at a pixel), {"kind": "size", "from": [u, v], "to": [u, v], "metres": 1.75} (a length),
        {"kind": "near", "metres": 0.8}, {"kind": "far", "metres": 12}, {"kind": "camera-height", "metres": 1.6}.
        Pixels count from the upright photo's top-left corner. fov_x_deg is the horizontal field of view, if known.
        """
        with self._one_at_a_time:
            targets = [self._target(name, overwrite=overwrite) for name in outputs]
            if not targets:
                raise UsageError("outputs is empty; name files such as room.glb")
            scene = self._scene(photo, hints, fov_x_deg)
            files = [self._write(scene, target, overwrite=overwrite) for target in targets]
        return Reconstruction(files, scene.unit, _notes(scene))

    def measure(
        self,
        photo: str,
        start: tuple[float, float],
        end: tuple[float, float] | None = None,
        hints: list[dict[str, Any]] | None = None,
        fov_x_deg: float | None = None,
    ) -> Length:
        """Measure the straight length between the things seen at two pixels [u, v], or from the camera to one.

        Metres need hints about distances, as `reconstruct` takes them; the error bar holds what they leave uncertain.
        Tell the user the range, not only the length.
        """
        with self._one_at_a_time:
            check_ends(start, end)
            scene = self._scene(photo, hints, fov_x_deg, start, end)
            found = scene.measure(start, end)
        range_95 = None if found.range_m is None else list(found.range_m)
        return Length(found.metres, found.sigma_m, range_95, scene.unit, _notes(scene))

    def depth(
        self,
        photo: str,
        pixels: list[tuple[float, float]] | None = None,
        output: str | None = None,
        hints: list[dict[str, Any]] | None = None,
        fov_x_deg: float | None = None,
        overwrite: bool = False,
    ) -> Depths:
        """How far away what is seen at pixels [u, v] is, with an error bar; and the whole depth as a file.

        The output may be .png (16 bits), .npy, .npz, .exr or .tif (float32), or .jpg (heat map). Metres need hints
        about distances, as `reconstruct` takes them.
        """
        pixels = pixels or []
        if len(pixels) > _MOST_PIXELS:
            raise UsageError(f"{len(pixels)} pixels; at most {_MOST_PIXELS} at a time, more are in a file")
        if not pixels and output is None:
            raise UsageError("neither pixels nor an output are given; name at least one")
        with self._one_at_a_time:
            target = None if output is None else self._target(output, overwrite=overwrite)
            scene = self._scene(photo, hints, fov_x_deg, *pixels)
            points = [_seen(scene, pixel) for pixel in pixels]
            file = None if target is None else self._write(scene, target, overwrite=overwrite)
        return Depths(points, scene.unit, _notes(scene), file)

    def _scene(
        self,
        photo: str,
        hints: list[dict[str, Any]] | None,
        fov_x_deg: float | None,
        *pixels: tuple[float, float] | None,
    ) -> Scene:
        """The scene of a photo, in which some pixels will be looked at."""
        path = self._folders.find(photo)
        if pixels:
            check_seen({f"pixel {n}": pixel for n, pixel in enumerate(pixels, start=1)}, photo_size(path), path.name)
        options = self._options if fov_x_deg is None else self._options.changed(fov_x_deg=fov_x_deg)
        return reconstruct(path, hints=hints_from(hints or []), options=options)

    def _target(self, name: str, *, overwrite: bool) -> Target:
        target = target_of(self._folders.find(name))
        for file in (*target.files, target.provenance):
            self._folders.find(str(file))
            check_writable(Path(file), force=overwrite)
        return target

    def _write(self, scene: Scene, target: Target, *, overwrite: bool) -> WrittenFile:
        saved = save_scene(scene, target, force=overwrite)
        return WrittenFile(str(saved.path), saved.what)


def _seen(scene: Scene, pixel: tuple[float, float]) -> SeenPoint:
    found = scene.measure(pixel)
    u, v = pixel
    return SeenPoint(u, v, found.metres, found.sigma_m, [float(x) for x in found.ends[-1]])


def _notes(scene: Scene) -> list[str]:
    return [f"camera: {scene.camera.source}", f"depth: {scene.depth.source}", *scene.notes]
