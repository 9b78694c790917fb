"""Rerun recordings (.rrd): photo, camera, depth, cloud, and hints with lines to where the fit puts them.

All is logged without time. Rerun numbers its rows by clock and chance, so that the same scene twice gives files that
hold the same and are not the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.errors import MissingExtraError
from depth3d.core.point_map import unproject
from depth3d.core.recording import Mark, Recording

_JPEG_QUALITY = 95
_USED, _LEFT_OUT = (80, 220, 100), (230, 80, 60)
_MARK_SHARE = 0.006
"""Radius of a hint's point, as a share of its depth."""


def write(recording: Recording, file: BinaryIO, *, notes: Mapping[str, str]) -> None:
    """Write a recording as Rerun's viewer opens it; its axes are the camera's: x right, y down, z forward.

    Entities: `world/camera` (pinhole) with `photo` and `depth` below it, `world/cloud`, `world/hints` (where each hint
    says its point is, with its name) and `world/hints/residuals` (a line from there to where the fit puts it), `notes`.

    Args:
        recording: what goes in.
        file: where it goes.
        notes: how it was obtained.

    Raises:
        MissingExtraError: rerun-sdk is not installed.
    """
    rr = import_rerun()
    name = f"depth3d {notes.get('photo', '')}".strip()  # recordings of one name would be shown as one
    stream = rr.RecordingStream("depth3d", recording_id=name, send_properties=False)
    buffer = stream.binary_stream()
    rgbd, camera = recording.rgbd, recording.rgbd.camera
    stream.log("world", rr.ViewCoordinates.RDF, static=True)
    stream.log("world/camera", _pinhole(rr, camera), static=True)
    stream.log("world/camera/photo", rr.Image(rgbd.rgb).compress(jpeg_quality=_JPEG_QUALITY), static=True)
    stream.log("world/camera/depth", rr.DepthImage(np.nan_to_num(rgbd.depth.z), meter=1.0), static=True)
    xyz, colours = _cloud(recording)
    stream.log("world/cloud", rr.Points3D(xyz, colors=colours), static=True)
    if recording.marks:
        _log_marks(rr, stream, recording.marks)
    lines = "\n".join(f"* {name}: {text}" for name, text in notes.items())
    stream.log("notes", rr.TextDocument(lines, media_type="text/markdown"), static=True)
    file.write(buffer.read())


def import_rerun() -> Any:
    """Import Rerun's library, which reports nothing; only its viewer does.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import rerun
    except ImportError:
        raise MissingExtraError("a Rerun recording", "rerun-sdk", "rerun") from None
    return rerun


def _pinhole(rr: Any, camera: Intrinsics) -> Any:
    """Rerun's pixels begin at the top left corner, as ours."""
    matrix = [[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]]
    return rr.Pinhole(image_from_camera=matrix, resolution=camera.size, camera_xyz=rr.ViewCoordinates.RDF)


def _cloud(recording: Recording) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """(N, 3) points and (N, 3) colours of the pixels whose depth is known."""
    rgbd = recording.rgbd
    points = unproject(rgbd.depth, rgbd.camera)
    known = np.isfinite(rgbd.depth.z)
    return points.xyz[known], rgbd.rgb[known]


def _log_marks(rr: Any, stream: Any, marks: tuple[Mark, ...]) -> None:
    colours = [_USED if mark.is_used else _LEFT_OUT for mark in marks]
    said = np.array([mark.said for mark in marks], np.float32)
    fitted = np.array([mark.fitted for mark in marks], np.float32)
    labels = [mark.in_words for mark in marks]
    points = rr.Points3D(said, colors=colours, labels=labels, radii=said[:, 2] * _MARK_SHARE)
    stream.log("world/hints", points, static=True)
    lines = rr.LineStrips3D(np.stack([said, fitted], axis=1), colors=colours)
    stream.log("world/hints/residuals", lines, static=True)
