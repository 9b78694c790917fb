"""A capture from Agisoft Metashape's exported cameras (XML).

Its camera axes are ours, and its pixels are counted from the top-left corner as ours are; cx and cy are counted from
the picture's middle (Metashape manual, appendix D). A chunk with a scale is in metres.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Pose
from depth3d.core.errors import CameraError
from depth3d.io.cameras.entries import FileCamera, brown_conrady, fisheye, number, numbers, whole_size
from depth3d.io.captures.capture import Capture, PosedPhoto
from depth3d.io.captures.locate_photos import Photos
from depth3d.io.captures.poses import pose_of_matrix
from depth3d.io.open_input import open_regular_file, shown

_LARGEST_BYTES = 200_000_000
_EARTH_M = 6e6
_NO_SKEW_PX = 1.0
"""Such a skew moves no pixel by more than half a pixel."""


def is_metashape(path: Path) -> bool:
    """Whether an XML file looks like cameras exported from Metashape."""
    with open_regular_file(path, CameraError) as file:
        head = file.read(4096)
    return b"<document" in head and b"<chunk" in head


def read_xml(path: Path) -> Element:
    """The root of an XML file.

    Raises:
        CameraError: it is too large, or damaged.
    """
    with open_regular_file(path, CameraError) as file:
        content = file.read(_LARGEST_BYTES + 1)
    if len(content) > _LARGEST_BYTES or b"<!ENTITY" in content:
        raise CameraError(f"{shown(path)}: is not a list of cameras; it is too large, or defines entities")
    try:
        return ElementTree.fromstring(content)
    except (ElementTree.ParseError, LookupError, ValueError) as problem:  # the latter of encodings
        raise CameraError(f"{shown(path)}: not valid XML: {' '.join(str(problem).split())}") from None


def capture_from_metashape(path: Path, photos: Photos) -> Capture:
    """Every aligned camera of the first chunk whose photo is there.

    Args:
        path: the XML file.
        photos: where the photos lie.

    Raises:
        CameraError: the file is damaged, or not one photo is there.
    """
    where = shown(path)
    chunk = read_xml(path).find("chunk")
    if chunk is None:
        raise CameraError(f"{where}: has no chunk; export the cameras from Metashape as XML")
    sensors = {sensor.get("id"): _camera(sensor, where) for sensor in chunk.iter("sensor")}
    scale, up = _scale_and_up(chunk, where)
    posed, missing, unaligned = [], [], []
    for camera in chunk.iter("camera"):
        name = str(camera.get("label"))
        text = camera.findtext("transform")
        if text is None:
            unaligned.append((name, "Metashape did not align it"))
            continue
        photo = photos.find(name)
        if photo is None:
            missing.append(name)
            continue
        pose = pose_of_matrix(numbers(text, "transform", where), f"{where}: {name}")
        posed.append(PosedPhoto(photo, _scaled(pose, scale), sensors.get(camera.get("sensor_id"))))
    if not posed:
        raise CameraError(photos.none_found(missing, where))
    return Capture(
        tuple(posed),
        f"Metashape cameras, {len(posed)} photos",
        is_metric=scale is not None,
        up=up,
        notes=photos.missing_note(missing),
        left_out=(*unaligned, *_unknown(photos, posed, unaligned)),
    )


def _unknown(photos: Photos, posed: list[PosedPhoto], unaligned: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """(name, reason) of photos that the file does not name at all."""
    named = {Path(name).stem for name, _ in unaligned}
    return (row for row in photos.without_place(one.photo for one in posed) if Path(row[0]).stem not in named)


def _scaled(pose: Pose, scale: float | None) -> Pose:
    matrix = pose.world_from_cam.copy()
    matrix[:3, 3] *= scale or 1.0
    return Pose(matrix)


def _scale_and_up(chunk: Element, where: str) -> tuple[float | None, tuple[float, float, float] | None]:
    """Metres per unit of the chunk, and its direction of up, where the chunk was placed in the world.

    Since Metashape 1.8 the components of a chunk are placed, before that the chunk itself.
    """
    placed = [chunk, *chunk.findall("components/component")]
    transforms = [one for part in placed if (one := part.find("transform")) is not None and one.findtext("scale")]
    if not transforms:
        return None, None
    transform, scale = transforms[0], number(str(transforms[0].findtext("scale")).strip(), "scale", where)
    turn = _numbers_of(transform, "rotation", 9, where).reshape(3, 3)
    place = _numbers_of(transform, "translation", 3, where)
    if scale == 1 and not place.any() and np.array_equal(turn, np.eye(3)):
        return None, None  # written of chunks that were placed nowhere
    away = float(np.linalg.norm(place))
    # Chunks with a geographic system stand in coordinates from the Earth's centre.
    up = turn.T @ (place / away if away > _EARTH_M else np.array([0.0, 0.0, 1.0]))
    return scale, (float(up[0]), float(up[1]), float(up[2]))


def _numbers_of(element: Element, name: str, count: int, where: str) -> NDArray[np.float64]:
    found = numbers(element.findtext(name) or "", name, where)
    if len(found) != count:
        raise CameraError(f"{where}: {name} of the chunk must be {count} numbers, got {len(found)}")
    return np.array(found, np.float64)


def _camera(sensor: Element, where: str) -> FileCamera | None:
    """The adjusted camera of a sensor, else the initial one; None where there is none."""
    calibrations = sorted(sensor.iter("calibration"), key=lambda one: one.get("class") != "adjusted")
    if not calibrations:
        return None
    calibration, resolution = calibrations[0], sensor.find("resolution")
    size = calibration.find("resolution") if resolution is None else resolution
    if size is None:
        raise CameraError(f"{where}: a sensor has no resolution")
    sides = [number(size.get(side), side, where) for side in ("width", "height")]
    width, height = whole_size(sides, "resolution", where)

    def value(name: str) -> float:
        text = calibration.findtext(name)
        return 0.0 if text is None else number(text.strip(), name, where)

    if abs(value("b2")) > _NO_SKEW_PX or value("k4") != 0 and sensor.get("type") != "fisheye":
        raise CameraError(f"{where}: skew (b2) and k4 are not known here; optimise the cameras without them")
    kind = str(sensor.get("type", "frame"))
    if kind not in ("frame", "fisheye"):
        raise CameraError(f"{where}: cameras of the type {kind[:30]} are not known here; frame and fisheye are")
    is_fisheye = kind == "fisheye"
    # Metashape's p1 goes with r^2 + 2 x^2, OpenCV's p2 does.
    coefficients = [value("k1"), value("k2"), value("p2"), value("p1"), value("k3")]
    radial = [value(name) for name in ("k1", "k2", "k3", "k4")]
    return FileCamera(
        fx=value("f") + value("b1"),
        fy=value("f"),
        cx=width / 2 + value("cx"),
        cy=height / 2 + value("cy"),
        pixel_centre=0.5,
        size=(width, height),
        words="Metashape",
        distortion=fisheye(radial, where) if is_fisheye else brown_conrady(coefficients, where),
        fisheye=is_fisheye,
        as_stored=True,
    )
