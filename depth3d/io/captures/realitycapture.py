"""A capture from the XMP files that RealityCapture (RealityScan) exports beside photos: IMG_1.xmp for IMG_1.jpg.

xcr:Rotation is camera from world, row by row, xcr:Position the camera's centre, xcr:FocalLength35mm of 36 mm along the
longer side, the principal point a share of that side from the middle; its camera axes are ours. The unit is the
project's own.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from depth3d.core.errors import CameraError
from depth3d.io.cameras.entries import FileCamera, brown_conrady, number, numbers
from depth3d.io.captures.capture import Capture, PosedPhoto
from depth3d.io.captures.locate_photos import Photos, stored_size
from depth3d.io.captures.metashape import read_xml
from depth3d.io.captures.poses import pose_of_matrix
from depth3d.io.open_input import shown

_FILM_MM = 36.0
_COEFFICIENTS = 6
_LOOKED_AT = 12
"""Programs that develop photos write XMP files too."""

_MARK = b"capturingreality"


def has_realitycapture(folder: Path) -> bool:
    """Whether a folder holds such files."""
    return any(_MARK in path.read_bytes()[:4096] for path in sorted(folder.glob("*.xmp"))[:_LOOKED_AT])


def capture_from_realitycapture(folder: Path, photos: Photos) -> Capture:
    """Every file with a pose whose photo is there.

    Args:
        folder: of the XMP files.
        photos: where the photos lie.

    Raises:
        CameraError: a file is damaged, or not one photo is there.
    """
    posed, missing = [], []
    for path in sorted(folder.glob("*.xmp")):
        entries = _entries(read_xml(path))
        if "Rotation" not in entries or "Position" not in entries:
            continue
        photo = photos.find(path.stem)
        if photo is None:
            missing.append(path.stem)
        else:
            posed.append(_posed(path, entries, photo))
    if not posed:
        raise CameraError(photos.none_found(missing, shown(folder)))
    left_out = photos.without_place(one.photo for one in posed)
    notes = photos.missing_note(missing)
    return Capture(tuple(posed), f"RealityCapture XMP, {len(posed)} photos", notes=notes, left_out=left_out)


def _entries(root: Element) -> dict[str, str]:
    """What stands in attributes or elements of the namespace xcr, by their names."""
    found: dict[str, str] = {}
    for element in root.iter():
        for name, text in [(element.tag, element.text or ""), *element.attrib.items()]:
            space, _, short = name.rpartition("}")
            if _MARK.decode() in space and text.strip():
                found[short] = text.strip()
    return found


def _posed(path: Path, entries: dict[str, str], photo: Path) -> PosedPhoto:
    where = shown(path)
    rotation = numbers(entries["Rotation"], "xcr:Rotation", where)
    centre = numbers(entries["Position"], "xcr:Position", where)
    if len(rotation) != 9 or len(centre) != 3:
        raise CameraError(f"{where}: xcr:Rotation must be 9 numbers and xcr:Position 3")
    matrix = np.column_stack([np.array(rotation).reshape(3, 3).T, centre])
    return PosedPhoto(photo, pose_of_matrix(matrix.ravel().tolist(), where), _camera(entries, photo, where))


def _camera(entries: dict[str, str], photo: Path, where: str) -> FileCamera:
    width, height = stored_size(photo)

    def value(name: str, default: float = 0.0) -> float:
        return number(entries[name], f"xcr:{name}", where) if name in entries else default

    model = entries.get("DistortionModel", "perspective")
    coefficients = numbers(entries.get("DistortionCoeficients", ""), "xcr:DistortionCoeficients", where)
    if any(coefficients) and not (model.startswith("brown3") and 3 <= len(coefficients) <= _COEFFICIENTS):
        raise CameraError(f"{where}: the distortion model {model[:30]} is not known here; export with brown3 or none")
    k1, k2, k3, _, t1, t2 = (*coefficients, *(0.0,) * _COEFFICIENTS)[:_COEFFICIENTS]
    longer = max(width, height)
    focal = value("FocalLength35mm") / _FILM_MM * longer
    return FileCamera(
        fx=focal,
        fy=focal * value("AspectRatio", 1.0),
        cx=width / 2 + value("PrincipalPointU") * longer,
        cy=height / 2 + value("PrincipalPointV") * longer,
        pixel_centre=0.5,
        size=(width, height),
        words="RealityCapture",
        distortion=brown_conrady([k1, k2, t2, t1, k3], where),
        as_stored=True,
    )
