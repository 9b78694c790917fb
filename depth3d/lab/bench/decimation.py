"""How many faces light meshes of measured depth have, beside the full grid."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import MetricDepth
from depth3d.core.point_map import unproject
from depth3d.geometry.mesh import DEFAULT_MAX_ERROR_PX, mesh_of_points
from depth3d.io.photos.photo import read_photo
from depth3d.lab.bench.timing import Figure, Section
from depth3d.lab.evaluation.metrics import Frame, read_frames, read_truth

_DENSE = 0.5
"""Share of pixels with depth. Scattered points, as of a lidar, have no surface to simplify: listed, but not judged."""
_ASSUMED_FOV_X_DEG = 60.0


@dataclass(frozen=True, slots=True)
class LightFigures:
    """One frame as a light mesh.

    Attributes:
        name: the frame.
        known: share of pixels with depth.
        grid_faces: faces of the full grid.
        faces: faces of the light mesh.
        seconds: how long it took.
    """

    name: str
    known: float
    grid_faces: int
    faces: int
    seconds: float

    @property
    def fewer_percent(self) -> float:
        """How many of the grid's faces are saved, in per cent."""
        return 100 * (1 - self.faces / self.grid_faces)


def light_meshes(frames: Path) -> Section:
    """Every frame of a list as a textured mesh within the default error.

    Args:
        frames: JSON list as of `depth3d eval`; ``fx_fy_cx_cy`` of an entry, where given, has integer pixel centres.

    Raises:
        DepthMapError: the list or a depth cannot be read.
        PhotoError: a photo cannot be read.
    """
    listed = read_frames(frames)  # refuses what is no such list before it is read for its cameras
    cameras = {str(entry["name"]): entry.get("fx_fy_cx_cy") for entry in json.loads(frames.read_text(encoding="utf-8"))}
    rows = [_judged(frame, cameras[frame.name]) for frame in listed]
    dense = [row.fewer_percent for row in rows if row.known >= _DENSE]
    figures: tuple[Figure, ...] = ()
    if dense:
        figures = (Figure("fewer faces than the full grid, worst dense frame", min(dense), 90, True, " %"),)
    head = f"{'frame':18s}   known   full grid      faces     fewer   seconds"
    lines = tuple(
        f"{r.name:18s} {100 * r.known:5.0f} % {r.grid_faces:11,d} {r.faces:10,d} {r.fewer_percent:7.1f} %"
        f" {r.seconds:8.2f}"
        for r in rows
    )
    title = f"measured depth as textured meshes within {DEFAULT_MAX_ERROR_PX:g} px"
    return Section(title, figures=figures, remarks=(head, *lines))


def _judged(frame: Frame, numbers: list[float] | None) -> LightFigures:
    metres = read_truth(frame)
    height, width = metres.shape
    rgb = read_photo(frame.photo).rgb
    camera = Intrinsics.from_fov(rgb.shape[1], rgb.shape[0], fov_x_deg=_ASSUMED_FOV_X_DEG, source="assumed")
    if numbers is not None:
        camera = Intrinsics.from_integer_centres(rgb.shape[1], rgb.shape[0], *numbers)
    if rgb.shape[:2] != metres.shape:
        rgb = np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    points = unproject(MetricDepth(metres, unit="m"), camera.resized(width, height))
    start = time.perf_counter()
    mesh = mesh_of_points(points, rgb)
    seconds = time.perf_counter() - start
    assert mesh.meshing is not None
    known = float(points.known.mean())
    return LightFigures(frame.name, known, mesh.meshing.grid_faces, len(mesh.faces), seconds)
