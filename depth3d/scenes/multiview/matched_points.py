"""Points for captures that have none: what several photos see, found here."""

from __future__ import annotations

from collections.abc import Callable

from depth3d.core.errors import Depth3DError
from depth3d.io.captures import Capture, place
from depth3d.io.photos.photo import read_photo
from depth3d.scale import SparsePoints
from depth3d.scenes.multiview.triangulation import Sighting, find_keypoints, triangulate
from depth3d.scenes.options import Options
from depth3d.scenes.unscaled_photo import choose_camera


def own_points(capture: Capture, options: Options, report: Callable[[str, int, int], None]) -> dict[int, SparsePoints]:
    """For each photo, by its number, the points that others see too; nothing where the capture has points itself.

    Args:
        capture: photos and poses.
        options: the camera where the capture has none.
        report: told how far the work has got.
    """
    is_metric = options.depth.depth_map is not None and options.depth.depth_kind == "metric"
    if is_metric or any(posed.points is not None or posed.depth_file is not None for posed in capture.photos):
        return {}
    sightings: dict[int, Sighting] = {}
    for number, posed in enumerate(capture.photos):
        report("finding points", number, len(capture.photos))
        try:
            photo = read_photo(posed.photo)
            fallback = choose_camera(photo, options) if posed.camera_as_taken is None else None
            placed = place(posed, photo, fallback=fallback)
        except Depth3DError:
            continue  # it is read again for its depth, and left out then with this reason
        camera = placed.camera or fallback
        assert camera is not None
        sightings[number] = find_keypoints(photo.rgb, camera, placed.pose)
    found = zip(sightings, triangulate(list(sightings.values())), strict=True)
    return {number: points for number, points in found if points is not None}
