"""What is seen in a photo: its camera, its depth before any metres, and hints, with lens distortion undone."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from depth3d.calibration import choose_intrinsics
from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import DepthMapError, UsageError
from depth3d.core.options import DepthOptions
from depth3d.core.undistort import to_ideal_pixels, undistort_map, undistort_photo
from depth3d.io.depth.depth_map import read_depth_map
from depth3d.io.photos.embedded_depth import EmbeddedDepth, embedded_at, embedded_inverse_depth, embedded_points
from depth3d.io.photos.embedded_depth_file import EmbeddedDepthWarning, read_embedded_depth
from depth3d.io.photos.photo import Photo, read_photo
from depth3d.io.photos.stereo_pair import read_stereo_photo
from depth3d.io.points.hints_file import read_hints
from depth3d.io.points.read import read_points
from depth3d.refine import refine_depth
from depth3d.refine.refine_and_smooth import check_smoothing
from depth3d.scale import Hint
from depth3d.scale.hint import check_inside
from depth3d.scale.solver import bounds_of
from depth3d.scenes.lazy_network import Network
from depth3d.scenes.options import Options

if TYPE_CHECKING:
    from depth3d.predictors.download import Progress

Depth = InverseDepth | MetricDepth

_OF_NETWORKS = (
    *("predictor", "weights", "runtime", "precision"),
    *("output_kind", "input_mean", "input_std", "input_size"),
)
_OF_DEPTH_MAPS = ("depth_kind", "depth_units", "brighter_is_farther")


@dataclass(frozen=True, slots=True, eq=False)
class UnscaledPhoto:
    """A photo with its depth, before that is brought to metres.

    Attributes:
        photo: the upright photo, its lens distortion undone.
        camera: intrinsics of the photo's size, of an ideal lens.
        camera_as_taken: the camera of the photo as it was taken.
        depth: inverse depth up to scale and shift, or metric depth where the photo or a map brings that.
        hints: what is known, at the pixels of `photo`.
    """

    photo: Photo
    camera: Intrinsics
    camera_as_taken: Intrinsics
    depth: Depth
    hints: tuple[Hint, ...]


def to_unscaled_photo(
    photo: str | Path | Photo,
    options: Options,
    *,
    predictor: Any = None,
    camera: Intrinsics | None = None,
    inverse_depth: InverseDepth | None = None,
    progress: Progress | None = None,
) -> UnscaledPhoto:
    """Find a photo's camera, read what is known about it, and see its depth.

    Args:
        photo: a file, or a photo already read.
        options: what the user chose.
        predictor: what sees the depth, instead of the options' predictor; a `Network` is used as it is.
        camera: the camera of the photo as it was taken.
        inverse_depth: what the network saw before, with the lens distortion undone.
        progress: called while a network's weights are downloaded.

    Raises:
        Depth3DError: its child says which step cannot go on.
    """
    _check(options, predictor, camera, inverse_depth)
    embedded = None if predictor is not None or isinstance(photo, Photo) else _embedded_depth(Path(photo), options)
    photo = photo if isinstance(photo, Photo) else read_photo(photo)
    _check_places(options.scale.hints, photo.size)
    check_smoothing(options.depth.smooth_px, photo.size)
    network = predictor if isinstance(predictor, Network) else Network(options.depth, predictor, progress)
    if camera is None:
        own = embedded is not None and options.depth.predictor == DepthOptions().predictor
        runs = options.depth.depth_map is None and inverse_depth is None and not own
        camera = choose_camera(photo, options, network=network if runs else None)
    hints = gather_hints(photo, camera, options)
    _check_places(hints[len(options.scale.hints) :], photo.size)
    bounds_of(hints)
    depth = _depth_without_network(photo, camera, embedded, options, hinted=bool(hints))
    if depth is None and embedded is not None and embedded.is_metric:
        hints = (*hints, embedded_points(embedded, camera))
    return _with_depth(_straight(photo, camera, hints, depth), options, inverse_depth, network)


@dataclass(frozen=True, slots=True, eq=False)
class _StraightPhoto:
    """As `UnscaledPhoto`, but depth may still be missing."""

    photo: Photo
    camera: Intrinsics
    camera_as_taken: Intrinsics
    depth: Depth | None
    hints: tuple[Hint, ...]


def _straight(photo: Photo, taken: Intrinsics, hints: tuple[Hint, ...], depth: Depth | None) -> _StraightPhoto:
    """Undo the lens distortion of a photo, and of all that was given for its pixels."""
    camera = taken.undistorted()
    if taken.is_ideal:
        return _StraightPhoto(photo, camera, taken, depth, hints)
    alpha = photo.alpha
    if alpha is not None:
        alpha = np.nan_to_num(undistort_map(alpha.astype(np.float32), taken, camera)).astype(np.uint8)
    photo = replace(photo, rgb=undistort_photo(photo.rgb, taken, camera), alpha=alpha)
    hints = tuple(hint.moved(partial(to_ideal_pixels, camera=taken, ideal=camera)) for hint in hints)
    return _StraightPhoto(photo, camera, taken, depth and _straightened(depth, taken, camera), hints)


def _with_depth(
    straight: _StraightPhoto, options: Options, inverse_depth: InverseDepth | None, network: Network
) -> UnscaledPhoto:
    photo, camera, o = straight.photo, straight.camera, options.depth
    if straight.depth is None:
        depth: Depth = inverse_depth or network.inverse_depth(photo, camera)
    else:
        depth = refine_depth(straight.depth, photo.rgb, refine=o.refine is True, smooth_px=o.smooth_px)
    return UnscaledPhoto(photo, camera, straight.camera_as_taken, depth, straight.hints)


def see(photo: Photo, options: Options, *, progress: Progress | None = None) -> InverseDepth:
    """What the network sees in a photo, its edges brought onto the photo's; that needs neither camera nor hints.

    Raises:
        WeightsError: no network can be loaded.
    """
    return Network(options.depth, progress=progress).inverse_depth(photo)


def choose_camera(photo: Photo, options: Options, *, network: Network | None = None) -> Intrinsics:
    """The photo's intrinsics from what the user gave, else EXIF, else the network, else a stated assumption."""
    o = options.camera
    return choose_intrinsics(
        photo,
        fov_x_deg=o.fov_x_deg,
        focal_px=o.focal_px,
        camera_file=o.camera_file,
        ask_network=None if network is None else network.camera,
    )


def gather_hints(photo: Photo, camera_as_taken: Intrinsics, options: Options) -> tuple[Hint, ...]:
    """Every hint: those given, those of hint files, and files of sparse points.

    Raises:
        UsageError: points are described, but not given.
        HintError: a file cannot be read.
    """
    o = options.scale
    if not o.points and (o.points_units is not None or o.points_confidence is not None):
        raise UsageError("points units and points confidence describe sparse points; give their file with --points")
    hints = list(o.hints)
    for path in o.hints_files:
        hints += read_hints(path, photo=photo, camera=camera_as_taken)
    for path in o.points:
        points = read_points(
            path,
            photo=photo,
            camera=camera_as_taken,
            units_per_metre=o.points_units,
            confidence=o.points_confidence,
        )
        hints.append(points)
    return tuple(hints)


def _check_places(hints: tuple[Hint, ...], size: tuple[int, int]) -> None:
    """Refuse hints for pixels outside the photo, (width, height), before anything expensive is done.

    Raises:
        HintError: one lies outside.
    """

    def look(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
        for u, v in pixels[~((pixels >= 0) & (pixels <= size)).all(axis=1)]:
            check_inside(u, v, size, name)
        return pixels

    for hint in hints:
        name = getattr(hint, "name", type(hint).__name__)
        hint.moved(look)


def _check(options: Options, predictor: Any, camera: Intrinsics | None, inverse_depth: InverseDepth | None) -> None:
    """Refuse what excludes each other."""
    o, chosen = options.depth, options.chosen()
    if predictor is not None and (o.depth_map is not None or inverse_depth is not None):
        raise UsageError("a predictor and depth that replaces it exclude one another; give one of them")
    named = [name for name in _OF_NETWORKS if name in chosen]
    if named and o.depth_map is not None:
        raise UsageError(f"{named[0]}: a depth map replaces the network; leave out one of them")
    if camera is not None and options.camera != type(options.camera)():
        raise UsageError("the camera is given twice, by itself and in the options; leave out one of them")
    described = [name for name in _OF_DEPTH_MAPS if name in chosen]
    if described and o.depth_map is None:
        raise UsageError("depth kind, depth units and brighter-is-farther describe a depth map; give one")


def _embedded_depth(path: Path, options: Options) -> EmbeddedDepth | None:
    """Depth that a phone stored inside the photo, unless the user chose another source of depth."""
    o = options.depth
    if not o.embedded_depth or o.depth_map is not None or o.weights is not None:
        return None
    return read_embedded_depth(path) or _depth_of_two_views(path)


def _depth_of_two_views(path: Path) -> EmbeddedDepth | None:
    """Depth by comparing both pictures of a photo for two eyes; None where it is none, or they cannot be compared."""
    pair = read_stereo_photo(path)
    if pair is None:
        return None
    from depth3d.predictors.stereo_matching import depth_of_views

    try:
        depth = depth_of_views(pair.left, pair.right, pair.name)
    except DepthMapError as problem:
        warnings.warn(EmbeddedDepthWarning(f"{problem}; the network sees the left one alone"), stacklevel=2)
        return None
    return EmbeddedDepth(depth, 0.0, False, depth.source)


def _depth_without_network(
    photo: Photo, camera_as_taken: Intrinsics, embedded: EmbeddedDepth | None, options: Options, *, hinted: bool
) -> Depth | None:
    """The user's own depth map, else what the phone stored."""
    o = options.depth
    if o.depth_map is not None:
        return read_depth_map(
            o.depth_map,
            kind=o.depth_kind,
            size=photo.size,
            units_per_metre=o.depth_units,
            brighter_is_farther=o.brighter_is_farther,
        )
    if embedded is None or o.predictor != DepthOptions().predictor:
        return None
    return embedded_inverse_depth(embedded, camera_as_taken) if hinted else embedded_at(embedded, camera_as_taken)


def _straightened(depth: Depth, camera_as_taken: Intrinsics, camera: Intrinsics) -> Depth:
    if isinstance(depth, InverseDepth):
        return replace(depth, values=undistort_map(depth.values, camera_as_taken, camera))
    sigma = None if depth.sigma is None else undistort_map(depth.sigma, camera_as_taken, camera)
    return replace(depth, z=undistort_map(depth.z, camera_as_taken, camera), sigma=sigma)
