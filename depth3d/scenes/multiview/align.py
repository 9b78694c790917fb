"""Many photos, one scale: each photo's depth is fitted to points that several photos saw; then photos are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, Pose
from depth3d.core.errors import Depth3DError, GeometryError, MissingExtraError, UsageError, WeightsError
from depth3d.core.options import CameraOptions
from depth3d.io.captures import Capture, PosedPhoto
from depth3d.io.temporary import temporary_folder
from depth3d.scale import SparsePoints
from depth3d.scenes.check_options import refuse_options
from depth3d.scenes.multiview.aligned_photos import Aligned
from depth3d.scenes.multiview.depth_cache import DepthCache
from depth3d.scenes.multiview.fusion import CheckedDepth, agree, sweep
from depth3d.scenes.multiview.fusion.neighbours import ViewSummary, neighbours_of
from depth3d.scenes.multiview.fusion.plane_sweep import MOST_COMPARED
from depth3d.scenes.multiview.guided_again import SURE, guide_of, guided_again, only_sure, unsure
from depth3d.scenes.multiview.handed_depth import givers, handed_points
from depth3d.scenes.multiview.known_lengths import KnownLength, Unit, unit_from_lengths
from depth3d.scenes.multiview.matched_points import own_points
from depth3d.scenes.multiview.photo_depth import OtherDepth, OwnDepth, TooFewPointsError, own_depth, small_view
from depth3d.scenes.multiview.progress import Report, silent
from depth3d.scenes.options import FusionOptions, Options, ScaleOptions

DEFAULT_DETAIL_PX = FusionOptions().detail_px
"""Longer side of the depth maps that are compared and fused; networks see no more."""

_PASSES = 2
_SEES_NOTHING = "it shows too little of what the other photos show, by points or by their depth, for its scale"
_LEAST_CONFIDENCE = 0.4
_DOUBTFUL, _STILL_DOUBTFUL = 0.4, 0.12
"""Depths whose standard deviation is a larger share of them, far ones and what networks make of sky, are not fused,
unless other photos' colours made them surer than the second share."""

_NOT_FOR_SETS = {
    "max_depth_m": "what is far is left out when the photos become one surface, with --farthest; leave it out here",
    "embedded_depth": "photos of a set take their scale from the model; leave it out",
    "steady_s": "photos of a set do not flicker; it belongs to videos",
    "grid_points": "a set has no grid of directions; it belongs to panoramas",
}
"""Options that photos of a set cannot follow, and why."""


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
    with temporary_folder() as folder:
        aligned = Aligned(capture, DepthCache(folder), options)
        _fill(aligned, capture, units_per_metre, detail_px, report or silent)
        _compare(aligned, report or silent)
        if units_per_metre is not None:
            aligned.unit = Unit(1 / units_per_metre, True, f"stated: {units_per_metre:g} units of the model per metre")
        elif lengths:
            aligned.unit = unit_from_lengths(lengths, aligned.place_of)
        yield aligned


def _check(
    capture: Capture, options: Options, lengths: Sequence[KnownLength], units_per_metre: float | None, detail_px: int
) -> None:
    if options.scale != ScaleOptions():
        raise UsageError("hints belong to single photos; many photos take their scale from the model's points")
    refuse_options(options, _NOT_FOR_SETS)
    if options.camera != CameraOptions() and all(posed.camera_as_taken is not None for posed in capture.photos):
        raise UsageError(
            "the model says the cameras of its photos; leave out field of view, focal length or camera file"
        )
    if lengths and units_per_metre is not None:
        raise UsageError("known lengths and units per metre both set the model's unit; give one of them")
    if units_per_metre is not None and not 0 < units_per_metre < float("inf"):
        raise UsageError(f"units per metre must be positive, got {units_per_metre:g}")
    if detail_px < 16:
        raise UsageError(f"the longer side of depth maps must be at least 16 pixels, got {detail_px}")
    if options.depth.depth_map is not None and options.depth.depth_kind == "metric":
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

    metres, up = units_per_metre or 1.0, capture.up
    few: list[PosedPhoto] = []
    for number, posed in enumerate(capture.photos):
        report("depth of each photo", number, len(capture.photos))
        _add(
            aligned,
            posed,
            partial(own_depth, posed, aligned.options, metres, points.get(number), up=up),
            detail_px,
            few,
        )
    others, unseen = _depth_of_others(aligned), list[PosedPhoto]()
    for number, posed in enumerate(few):
        report("depth of photos with few points", number, len(few))
        _add(
            aligned,
            posed,
            partial(own_depth, posed, aligned.options, metres, None, up=up, others=others),
            detail_px,
            unseen,
        )
    aligned.left_out += [(posed.photo.name, _SEES_NOTHING) for posed in unseen]
    if len(aligned.photos) < 2:
        reason = "".join(f"; {name}: {why}" for name, why in aligned.left_out[:1])
        raise GeometryError(
            f"{len(aligned.photos)} of {len(capture.photos)} photos can be used, at least two are needed{reason}"
        )


def _add(
    aligned: Aligned, posed: PosedPhoto, depth: Callable[[], OwnDepth], detail_px: int, few: list[PosedPhoto]
) -> None:
    """One more photo with its depth; or among the few-pointed, or left out with the reason why it has none."""
    try:
        own = depth()
    except (WeightsError, MissingExtraError):
        raise  # these are not the photo's fault, and would come again with each
    except TooFewPointsError:
        few.append(posed)
    except Depth3DError as problem:
        aligned.left_out.append((posed.photo.name, str(problem)))
    else:
        aligned.photos.append(own.photo)
        is_network = aligned.options.depth.depth_map is None
        view = small_view(own, detail_px, is_network=is_network)
        guide = guide_of(own.scene.inverse_depth, own.points, view.camera.size) if is_network else None
        aligned._depths.add(view, guide)


def _depth_of_others(aligned: Aligned) -> OtherDepth:
    """What the photos that have depth by now say of another."""
    poses = [photo.pose for photo in aligned.photos]

    def ask(camera: Intrinsics, pose: Pose) -> SparsePoints | None:
        return handed_points(camera, pose, [aligned.view(number) for number in givers(poses, pose)]) if poses else None

    return ask


def _compare(aligned: Aligned, report: Report) -> None:
    """Draw neighbours together, and leave out what they contradict."""
    depths, count = aligned._depths, len(aligned.photos)
    _guide_again(aligned, report)
    glimpses = [ViewSummary.of(depths.depth_only(number)) for number in range(count)]
    aligned.typical_z = float(np.median([glimpse.typical_z for glimpse in glimpses]))
    neighbours = [neighbours_of(glimpses, number) for number in range(count)]
    if aligned.options.depth.depth_map is None:
        _sweep(aligned, neighbours, report)
    for turn in range(_PASSES):
        for number in range(count):
            report("comparing photos", turn * count + number, _PASSES * count)
            others = neighbours[number]
            found = agree(depths.depth_only(number), (depths.depth_only(other) for other in others))
            z = found.view.z
            if turn == _PASSES - 1 and others:
                z = np.where(_believed(found, len(others), depths.first_doubt(number)), z, np.float32(np.nan))
            if turn == _PASSES - 1:
                z = np.where(np.isinf(z), np.float32(np.nan), z)  # sky has told others what it knows
            depths.put_next(number, z)
        depths.turn_over()


def _guide_again(aligned: Aligned, report: Report) -> None:
    """Guide what photos are not sure of by what others are sure of."""
    depths, poses = aligned._depths, [photo.pose for photo in aligned.photos]
    for number in range(len(poses)):
        report("depth by other photos", number, len(poses))
        view, guide = depths.take(number), depths.guide(number)
        where = None if guide is None else unsure(view)
        if guide is not None and where is not None:
            others = (only_sure(depths.depth_only(other)) for other in givers(poses, view.pose) if other != number)
            handed = handed_points(view.camera, view.pose, others, where=where)
            view = guided_again(view, guide, handed)
        depths.put_next(number, view.z, view.doubt)
    depths.turn_over()
    depths.accept_doubts()


def _believed(found: CheckedDepth, others: int, doubt: NDArray[np.float32] | None) -> NDArray[np.bool_]:
    """(H, W) which depths are fused: what photos do not contradict, and either two second or the points make sure.

    Args:
        found: what the others say.
        others: how many were asked.
        doubt: (H, W) by the photo's own points, before others were asked; None where that is not known.
    """
    # Two others must have seen it where two could: a network makes the same mistake twice, of the sky too.
    # What the photo itself is sure of needs no second one, as long as none contradicts it.
    believed = np.asarray(found.seconded >= min(2, others))
    if doubt is not None:
        believed |= doubt <= SURE
        still = doubt if found.view.doubt is None else found.view.doubt
        believed &= (doubt <= _DOUBTFUL) | (still <= _STILL_DOUBTFUL)
    return np.asarray(believed & (found.confidence >= _LEAST_CONFIDENCE))


def _sweep(aligned: Aligned, neighbours: Sequence[Sequence[int]], report: Report) -> None:
    """Move each photo's depth to where its neighbours' colours agree with its own."""
    depths, count = aligned._depths, len(aligned.photos)
    for number in range(count):
        report("comparing colours", number, count)
        others = [depths.take(other) for other in neighbours[number][:MOST_COMPARED]]
        swept = sweep(depths.take(number), others)
        depths.put_next(number, swept.z, swept.doubt)
    depths.turn_over()
