"""One visitor's session: a photo, what was clicked into it, and the files made from it. It calls the pipeline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth
from depth3d.core.errors import Depth3DError, HintError, UsageError
from depth3d.core.options import CameraOptions
from depth3d.core.parsing import parse_length, written_length
from depth3d.io.photos.embedded_depth_file import read_embedded_depth
from depth3d.io.photos.photo import Photo, read_photo
from depth3d.io.points.hints_file import read_hints
from depth3d.render.heatmap import to_heatmap
from depth3d.render.parallax import DEFAULT_MOTION, MOTIONS
from depth3d.scenes.options import Options
from depth3d.scenes.outputs import target_of
from depth3d.scenes.photo import reconstruct
from depth3d.scenes.save import Saved
from depth3d.scenes.scene import Scene
from depth3d.scenes.unscaled_photo import choose_camera, see
from depth3d.web.clicked_hints import Mark, Pixel, marks_of, pixels_inside, with_mark
from depth3d.web.downloads import Download, save_with
from depth3d.web.session_files import SessionFiles

if TYPE_CHECKING:
    from depth3d.predictors.download import Progress

Step = Callable[[str, float], None]
"""(what comes next, the share that is done)."""

PHOTO, HEATMAP, MODEL, MOVING = "_photo.jpg", "_heatmap.jpg", "_model.html", "_moving.gif"
"""What the page itself shows; names that no photo's own files can have."""

_MODEL_POINTS = 150_000
"""Vertices of the model that turns in the page; downloads have as many as the command line's."""

_MOST_SPANS, _PREVIEW_WIDTH = 26, 480


class Session:
    """The state of one open page; every method may be called from any thread.

    Attributes:
        token: the unguessable name in this session's addresses.
        owner: the browser that may use it.
        files: its files.
        scene: the photo in three dimensions, once there is one.
        marks: the hints clicked into the photo.
        spans: pixels between which, or from the camera to which, the page measures.
        complaint: why the marks could not be fitted, or None.
        made: the files made to download, the newest first.
        has_photo: whether it has a photo, or one is on its way.
        last_used: when anything was last asked of it, by the monotonic clock.
    """

    def __init__(self, *, token: str, owner: str, folder: Path, options: Options) -> None:
        self.token = token
        self.owner = owner
        self.files = SessionFiles(folder, f"session/{token}/files")
        self.has_photo = False
        self.last_used = time.monotonic()
        self._base = options
        self._lock = threading.RLock()
        self._reset(None)

    def _reset(self, path: Path | None) -> None:
        self.scene: Scene | None = None
        self.marks: tuple[Mark, ...] = ()
        self.spans: tuple[tuple[Pixel, ...], ...] = ()
        self.complaint: str | None = None
        self.made: tuple[Saved, ...] = ()
        self._path = path
        self._photo: Photo | None = None
        self._inverse_depth: InverseDepth | None = None
        self._stated = CameraOptions()
        self._camera_found: Intrinsics | None = None
        self._motion: dict[str, Any] = {"motion": DEFAULT_MOTION}
        self._modelled: Scene | None = None

    def take(self, path: Path) -> None:
        """Begin with a new photo, which lies in the files's inbox; everything about the one before is forgotten."""
        with self._lock:
            if self._path is not None:
                self.files.discard(self._path)
            self._reset(path)
            self.files.reset()

    def take_example(self, photo: Path, camera: Path, hints: Path) -> None:
        """Begin with one of our own photos, whose camera and some of whose distances are known."""
        path = self.files.copied(photo)
        with self._lock:
            self.take(path)
            self._stated = CameraOptions(camera_file=camera)
            self.marks = marks_of(read_hints(hints))

    def predict_depth(self, progress: Progress | None = None, step: Step = lambda words, done: None) -> None:
        """Take the depth that the photo brings along, else what the network predicts; called once for each photo.

        Args:
            progress: called while a network is downloaded.
            step: told what comes next, and what share of the work is done.

        Raises:
            Depth3DError: the photo cannot be read, or no network can be loaded.
        """
        with self._lock:
            step("Reading the photo", 0.05)
            self._photo = photo = read_photo(self._need_path())
            step("Showing the photo", 0.2)
            self.files.show(photo.rgb, PHOTO)
            step("Seeing how deep it is", 0.3)
            if read_embedded_depth(self._need_path()) is not None:
                self.fit()
                self.files.show(self._need_scene().heatmap().rgb, HEATMAP)
                return
            self._inverse_depth = see(photo, self._base, progress=progress)
            step("Drawing the heat map", 0.85)
            self.files.show(to_heatmap(self._inverse_depth).rgb, HEATMAP)

    def fit(self) -> None:
        """Fit the scale to marks and camera; where the marks contradict each other, keep the last fit and say so.

        Raises:
            Depth3DError: anything but the marks is wrong.
        """
        with self._lock:
            options = self._options()
            is_stated = self._stated != CameraOptions()
            camera_as_taken = None if is_stated else self._camera_found
            # Depth that a photo brings along lies in its file; what the network saw is here already.
            source = self._need_path() if self._inverse_depth is None else self._need_photo()
            scene_of = partial(reconstruct, source, camera=camera_as_taken, inverse_depth=self._inverse_depth)
            self.complaint = None
            try:
                self.scene = scene_of(options=options)
            except HintError as error:
                self.complaint = str(error)
                self.scene = self.scene or scene_of(options=options.changed(hints=()))
            if not is_stated:
                self._camera_found = self.scene.camera_as_taken

    def add_mark(self, pixels: tuple[Pixel, ...], length: str) -> None:
        """Add the distance of one pixel, or the length between two.

        Raises:
            UsageError: the text is no length, or the pixels make no hint.
        """
        with self._lock:
            self.marks = with_mark(self.marks, pixels_inside(pixels, self._need_photo().size), parse_length(length))

    def remove_mark(self, letter: str) -> None:
        """Remove one hint; an unknown letter changes nothing."""
        with self._lock:
            self.marks = tuple(mark for mark in self.marks if mark.letter != letter)

    def add_span(self, pixels: tuple[Pixel, ...]) -> None:
        """Measure between two pixels, or from the camera to one.

        Raises:
            Depth3DError: there is nothing to measure there.
        """
        with self._lock:
            if len(self.spans) >= _MOST_SPANS:
                raise UsageError(f"{_MOST_SPANS} measurements are as many as this page shows; remove one first")
            pixels = pixels_inside(pixels, self._need_photo().size)
            self._need_scene().measure(*pixels)
            self.spans = (*self.spans, pixels)

    def remove_span(self, index: int) -> None:
        """Remove one measurement; an unknown index changes nothing."""
        with self._lock:
            self.spans = tuple(span for at, span in enumerate(self.spans) if at != index)

    def state_camera(self, *, fov_x_deg: float | None = None, focal_px: float | None = None) -> None:
        """Use the user's camera, or with neither number the one found in the photo.

        Raises:
            Depth3DError: the number cannot be meant; the camera stays what it was.
        """
        with self._lock:
            stated = CameraOptions(fov_x_deg=fov_x_deg, focal_px=focal_px)
            if stated != CameraOptions():
                choose_camera(self._need_photo(), Options(camera=stated))
            self._stated = stated
            self.fit()

    @property
    def holds_photo(self) -> bool:
        """Whether a photo has been taken in."""
        return self._path is not None

    def choose_motion(self, motion: str, amount_percent: float | None) -> None:
        """How moving pictures move from now on; without an amount as far as suits the motion.

        Raises:
            UsageError: no such motion. Files of key poses are for the command line: they lie on the server.
        """
        if motion not in MOTIONS:
            raise UsageError(f"unknown motion {motion!r}; choose one of {', '.join(MOTIONS)}")
        self._motion = {"motion": motion, "amount_percent": amount_percent}

    @property
    def photo_size(self) -> tuple[int, int]:
        """(width, height) of the photo in pixels, (0, 0) before it has been looked at."""
        return (0, 0) if self._photo is None else self._photo.size

    def measured(self, pixels: tuple[Pixel, ...], *, with_range: bool = True) -> str:
        """The length between two pixels or from the camera to one, as the model has it now, in words.

        Args:
            pixels: one, or two.
            with_range: say too the range that holds the length with 95 % probability.
        """
        scene = self._need_scene()
        try:
            found = scene.measure(*pixels)
        except Depth3DError as error:
            return str(error)
        unit = "m" if scene.unit == "m" else "units"
        range_m = found.range_m if with_range else None
        return written_length(found.metres, found.sigma_m, unit=unit, range_m=range_m)

    def make(self, download: Download, *, progress: Progress | None = None) -> None:
        """Write one file to download, as the command line would; several that belong together go into one archive.

        Args:
            download: what the visitor wants.
            progress: called for each frame of a moving picture.

        Raises:
            Depth3DError: there is nothing to write, or it cannot be written.
        """
        with self._lock:
            scene, place = self._need_scene(), self.files.place(f"{self._need_path().stem}{download.ending}")
            saved, others = download.make(scene, place, progress, **self._motion)
            self.files.offer(saved.path, *others)
            self.made = (saved, *(other for other in self.made if other.path != saved.path))

    def show_model(self) -> None:
        """Write the model that turns in the page, unless it is there already.

        Raises:
            Depth3DError: there is nothing to show.
        """
        with self._lock:
            if self._modelled is not self._need_scene():
                self._show(MODEL, None, max_points=_MODEL_POINTS)
                self._modelled = self.scene

    def show_moving(self, *, progress: Progress | None = None) -> None:
        """Write the preview of the moving picture.

        Raises:
            Depth3DError: there is nothing to show.
        """
        with self._lock:
            self._show(MOVING, progress, width=_PREVIEW_WIDTH, **self._motion)

    def delete(self) -> None:
        """Delete all files and forget the photo."""
        with self._lock:
            self._reset(None)
            self.files.delete()

    def _options(self) -> Options:
        hints = tuple(mark.hint for mark in self.marks)
        return replace(self._base, camera=self._stated).changed(hints=hints)

    def _show(self, name: str, progress: Progress | None, **changed: Any) -> None:
        path = self.files.place(name)
        save_with(self._need_scene(), target_of(path), progress, provenance=False, **changed)
        self.files.offer(path)

    def _need_path(self) -> Path:
        self.last_used = time.monotonic()
        if self._path is None:
            raise UsageError("there is no photo yet; drop one into the page")
        return self._path

    def _need_photo(self) -> Photo:
        self._need_path()
        if self._photo is None:
            raise UsageError("the photo has not been looked at yet")
        return self._photo

    def _need_scene(self) -> Scene:
        self._need_path()
        if self.scene is None:
            raise UsageError("the photo has not been looked at yet")
        return self.scene
