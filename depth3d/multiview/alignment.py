"""Many photos, one scale: each photo's depth is fitted to points that several photos saw; then photos are compared."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.camera import Intrinsics, Pose
from depth3d.captures import Capture, PosedPhoto, place
from depth3d.errors import Depth3DError, GeometryError, HintError, MissingExtraError, UsageError, WeightsError
from depth3d.fusion import DepthView, agree
from depth3d.fusion.neighbours import Glimpse, neighbours_of
from depth3d.multiview.known import KnownLength, Pixel, Unit, unit_from_lengths
from depth3d.multiview.own_points import own_points
from depth3d.multiview.shelf import Shelf
from depth3d.multiview.sky import find_sky
from depth3d.options import Options
from depth3d.photo import Photo, read_photo
from depth3d.pipeline import choose_camera, reconstruct
from depth3d.scale import Hint, SparsePoints
from depth3d.scale.correction import LEAST_ANCHORS
from depth3d.scale.hint import moved_pixels
from depth3d.scene import Scene
from depth3d.undistort import to_ideal_pixels

DEFAULT_DETAIL_PX = 640
"""Longer side of the depth maps that are compared and fused; networks see no more."""

_PASSES = 2
_BEYOND_POINTS = 1.25
"""Nothing is known of what is this much farther than a photo's farthest points, such as the sky."""

_MOST_DOUBT = 0.25
"""Depths whose standard deviation is a larger share of them are not fused: far ones, and what networks make of sky."""

_JUMP = 1.15
"""Neighbouring pixels whose depths have this ratio lie at an edge, where networks invent depths in between."""

_LEAST_POINTS = 3
_LEAST_CONFIDENCE = 0.4

_TRUST_IN_DOWN = 0.003
"""What a radian squared between a photo's down and the world's is worth against one between its right and level."""

Report = Callable[[str, int, int], None]
"""(what is being done, how much of it is done, how much there is)."""


@dataclass(frozen=True, slots=True, eq=False)
class AlignedPhoto:
    """One photo of a set with one scale.

    Attributes:
        path: the photo's file.
        lens: its camera as it was taken, upright.
        camera: its camera with the lens's distortion undone.
        pose: where it was taken, in the model's unit.
        points: how many points fixed its scale; 0 where its depth was metric already.
        notes: sentences about its scale.
    """

    path: Path
    lens: Intrinsics
    camera: Intrinsics
    pose: Pose
    points: int
    notes: tuple[str, ...]


class Aligned:
    """Photos with depth on one scale; made by `align_views`, and gone when its block ends.

    Attributes:
        source: where the poses came from, in words for the user.
        photos: those that could be used.
        left_out: file name and reason of those that could not.
        unit: how large the model is.
        up: (3,) the direction opposite to gravity in the model, known or guessed from how photos are held.
        typical_z: the median depth, in the model's unit.
        options: what the user chose.
    """

    def __init__(self, capture: Capture, shelf: Shelf, options: Options) -> None:
        self.source, self.options = capture.source, options
        self.photos: list[AlignedPhoto] = []
        self.left_out: list[tuple[str, str]] = []
        self.unit = Unit(1.0, capture.is_metric, "the model is in metres" if capture.is_metric else _NO_UNIT)
        self.notes = list(capture.notes)
        self.typical_z = 1.0
        self._known_up = capture.up
        self._shelf = shelf

    @property
    def up(self) -> NDArray[np.float64]:
        """(3,) unit vector."""
        if self._known_up is not None:
            return np.array(self._known_up, np.float64)
        return _common_up(np.array([photo.pose.world_from_cam[:3, :3] for photo in self.photos]))

    def view(self, number: int) -> DepthView:
        """A photo with depth, in the model's unit and axes; NaN where photos contradict it."""
        return self._shelf.take(number)

    def views(self) -> Iterator[DepthView]:
        """All of them, one at a time."""
        return (self.view(number) for number in range(len(self.photos)))

    def place_of(self, name: str, pixel: Pixel | None) -> NDArray[np.float64]:
        """(3,) where in the model the thing at a photo's pixel is, or the photo's camera.

        Raises:
            HintError: there is no such photo, or no depth there.
        """
        numbers = [i for i, photo in enumerate(self.photos) if name in (photo.path.name, photo.path.stem)]
        if len(numbers) != 1:
            which = "no photo that was used" if not numbers else f"{len(numbers)} photos"
            raise HintError(f"known length: {which} is called {name}; name one of the model's photos")
        photo = self.photos[numbers[0]]
        if pixel is None:
            return photo.pose.world_from_cam[:3, 3].copy()
        view = self.view(numbers[0])
        ((u, v),) = moved_pixels(partial(to_ideal_pixels, camera=photo.lens, ideal=photo.camera), pixel)
        column = int(np.floor(u / photo.camera.width * view.camera.width))
        row = int(np.floor(v / photo.camera.height * view.camera.height))
        inside = 0 <= column < view.camera.width and 0 <= row < view.camera.height
        z = float(view.z[row, column]) if inside else float("nan")
        if not np.isfinite(z):
            raise HintError(f"known length: no depth on which photos agree at {pixel[0]:g},{pixel[1]:g} of {name}")
        ray = ((u - photo.camera.cx) / photo.camera.fx, (v - photo.camera.cy) / photo.camera.fy, 1.0)
        turn, centre = photo.pose.world_from_cam[:3, :3], photo.pose.world_from_cam[:3, 3]
        return np.asarray(turn @ np.array(ray) * z + centre)


_NO_UNIT = "the unit is the model's own; a known length, or the model's units per metre, would make it metres"


@contextmanager
def align_views(
    capture: Capture,
    options: Options | None = None,
    *,
    lengths: Sequence[KnownLength] = (),
    units_per_metre: float | None = None,
    detail_px: int = DEFAULT_DETAIL_PX,
    report: Report | None = None,
) -> Iterator[Aligned]:
    """Bring the depth of many photos to one scale, and make them agree.

    A network's a and b of 1/z = a d + b differ from photo to photo. Each photo gets its own, from points of the model
    that it and others saw, bent smoothly where that predicts left-out points better; outliers do not matter. Then each
    photo's depth is compared with that of its neighbours and drawn to their mean, and what they contradict is left out.
    A photo that cannot be used is left out with its reason.

    Args:
        capture: photos and poses.
        options: network, depth maps (with {name} for each photo's name), camera where the model has none.
        lengths: known lengths, which set the model's unit.
        units_per_metre: the model's units per metre, where that is known; excludes `lengths`.
        detail_px: longer side of the depth maps that are compared and fused.
        report: told how far the work has got.

    Raises:
        GeometryError: fewer than two photos can be used.
        UsageError: options that cannot be meant.
        HintError: known lengths contradict each other or the photos.
    """
    options = options or Options()
    _check(capture, options, lengths, units_per_metre, detail_px)
    with tempfile.TemporaryDirectory(prefix="depth3d-") as folder:
        aligned = Aligned(capture, Shelf(Path(folder)), options)
        _fill(aligned, capture, units_per_metre, detail_px, report or _silent)
        _compare(aligned, report or _silent)
        if units_per_metre is not None:
            aligned.unit = Unit(1 / units_per_metre, True, f"stated: {units_per_metre:g} units of the model per metre")
        elif lengths:
            aligned.unit = unit_from_lengths(lengths, aligned.place_of)
        yield aligned


def _check(
    capture: Capture, options: Options, lengths: Sequence[KnownLength], units_per_metre: float | None, detail_px: int
) -> None:
    if options.hints or options.hints_files or options.points:
        raise UsageError("hints belong to single photos; many photos take their scale from the model's points")
    if lengths and units_per_metre is not None:
        raise UsageError("known lengths and units per metre both set the model's unit; give one of them")
    if units_per_metre is not None and not 0 < units_per_metre < float("inf"):
        raise UsageError(f"units per metre must be positive, got {units_per_metre:g}")
    if detail_px < 16:
        raise UsageError(f"the longer side of depth maps must be at least 16 pixels, got {detail_px}")
    if options.depth_map is not None and options.depth_kind == "metric":
        if not capture.is_metric and units_per_metre is None:
            raise UsageError(
                "metric depth maps need a model in metres: give its units per metre, or the depth kind 'depth', which"
                " scales them to the model"
            )
        if lengths:
            raise UsageError("metric depth maps set the unit themselves and take no known lengths")


def _fill(aligned: Aligned, capture: Capture, units_per_metre: float | None, detail_px: int, report: Report) -> None:
    """Each photo's own depth."""
    points = own_points(capture, aligned.options, report)
    if points:
        aligned.notes.append("the capture has no points; they were found by matching photos")
    for number, posed in enumerate(capture.photos):
        report("depth of each photo", number, len(capture.photos))
        try:
            photo, scene = _one(posed, aligned.options, units_per_metre or 1.0, points.get(number))
        except (WeightsError, MissingExtraError):
            raise  # these are not the photo's fault, and would come again with each
        except Depth3DError as problem:
            aligned.left_out.append((posed.photo.name, str(problem)))
            continue
        aligned.photos.append(photo)
        aligned._shelf.add(*_small(scene, photo.pose, detail_px, is_network=aligned.options.depth_map is None))
    if len(aligned.photos) < 2:
        reason = "".join(f"; {name}: {why}" for name, why in aligned.left_out[:1])
        raise GeometryError(
            f"{len(aligned.photos)} of {len(capture.photos)} photos can be used, at least two are needed{reason}"
        )


def _one(
    posed: PosedPhoto, options: Options, units_per_metre: float, found: SparsePoints | None
) -> tuple[AlignedPhoto, Scene]:
    photo = read_photo(posed.photo)
    fallback = choose_camera(photo, options) if posed.lens is None else None
    placed = place(posed, photo, fallback=fallback)
    lens = placed.camera or fallback
    assert lens is not None
    chosen = replace(options, embedded_depth=False)
    if options.depth_map is not None:
        chosen = replace(chosen, depth_map=Path(str(options.depth_map).replace("{name}", posed.photo.stem)))
    is_metric = options.depth_map is not None and options.depth_kind == "metric"
    count = 0
    if not is_metric:
        points = _points(placed.hints or (() if found is None else (found,)), photo)
        count = sum(len(hint.u) for hint in points)
        chosen = replace(chosen, hints=points, refine_scale=count >= 2 * LEAST_ANCHORS)
    scene = reconstruct(photo, chosen, lens=lens)
    if is_metric and units_per_metre != 1:
        scene = replace(scene, depth=replace(scene.depth, metres=scene.depth.metres * np.float32(units_per_metre)))
    return AlignedPhoto(posed.photo, lens, scene.camera, placed.pose, count, scene.notes), scene


def _points(hints: tuple[Hint, ...], photo: Photo) -> tuple[SparsePoints, ...]:
    """The points that fix a photo's scale."""
    points = tuple(hint for hint in hints if isinstance(hint, SparsePoints))
    count = sum(len(hint.u) for hint in points)
    if count < _LEAST_POINTS:
        raise HintError(f"{photo.name}: sees {count} points that other photos see too, too few for its scale")
    return points


def _small(scene: Scene, pose: Pose, detail_px: int, *, is_network: bool) -> tuple[DepthView, NDArray[np.bool_] | None]:
    """The photo at the size at which photos are compared, less those depths of a network that nobody can know.

    Also (H, W) which depths are so doubtful that they say something about others, but are none to be fused.
    """
    width, height = scene.camera.size
    shrink = min(1.0, detail_px / max(width, height))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    z, sigma, rgb = scene.depth.metres, scene.depth.sigma, scene.photo.rgb
    if size != (width, height):
        z = np.asarray(cv2.resize(z, size, interpolation=cv2.INTER_NEAREST_EXACT))
        sigma = None if sigma is None else np.asarray(cv2.resize(sigma, size, interpolation=cv2.INTER_NEAREST_EXACT))
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    doubtful = None
    if is_network and scene.fit is not None and scene.fit.anchors is not None:
        farthest = 1 / max(float(scene.fit.anchors.inverse_m.min()), 1e-12)
        nobody = (z > farthest * _BEYOND_POINTS) | _at_jumps(z)
        if sigma is not None:
            doubt = sigma / z
            nobody |= find_sky(rgb, doubt)
            doubtful = doubt > _MOST_DOUBT
        z = np.where(nobody, np.float32(np.nan), z)
    return DepthView(scene.camera.resized(*size), pose, z, rgb), doubtful


def _at_jumps(z: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(H, W) pixels whose depth and a neighbour's differ by more than a surface's may."""
    window = np.ones((3, 3), np.uint8)
    known = np.nan_to_num(z, nan=float(np.nanmax(z)))
    return np.asarray(cv2.dilate(known, window) > _JUMP * cv2.erode(known, window))


def _compare(aligned: Aligned, report: Report) -> None:
    """Draw neighbours together, and leave out what they contradict."""
    shelf, count = aligned._shelf, len(aligned.photos)
    glimpses = [Glimpse.of(shelf.depth_only(number)) for number in range(count)]
    aligned.typical_z = float(np.median([glimpse.typical_z for glimpse in glimpses]))
    neighbours = [neighbours_of(glimpses, number) for number in range(count)]
    for turn in range(_PASSES):
        for number in range(count):
            report("comparing photos", turn * count + number, _PASSES * count)
            others = neighbours[number]
            found = agree(shelf.depth_only(number), (shelf.depth_only(other) for other in others))
            z = found.view.z
            if turn == _PASSES - 1 and others:
                # Two others must have seen it where two could: a network makes the same mistake twice, of the sky too.
                believed = (found.confidence >= _LEAST_CONFIDENCE) & (found.seconded >= min(2, len(others)))
                believed &= ~shelf.doubtful(number)
                z = np.where(believed, z, np.float32(np.nan))
            shelf.put_next(number, z)
        shelf.turn_over()


def _common_up(turns: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) the direction that is up for people who hold cameras level, however much they look up or down.

    Their cameras' right, the first column of each (3, 3) turn, is level. Where all look the same way that leaves a
    circle open; then their mean down decides.
    """
    right, down = turns[:, :, 0], turns[:, :, 1].mean(axis=0)
    down /= max(float(np.linalg.norm(down)), 1e-9)
    spread = right.T @ right / len(right) + _TRUST_IN_DOWN * (np.eye(3) - np.outer(down, down))
    up = np.linalg.eigh(spread)[1][:, 0]
    return np.asarray(-up if up @ down > 0 else up)


def _silent(what: str, done: int, total: int) -> None:
    """Nobody wants to know."""
