"""Points of a COLMAP model as one of its images saw them.

A point stands at the keypoint that saw it and not at its projection, so that it lies on the photo's own pixels whatever
the model thinks of the lens. COLMAP reads pixels as stored and leaves the Exif orientation aside (seen in 4.2), so
keypoints are turned as the photo was.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depth3d.core.aspect_ratio import same_aspect
from depth3d.core.errors import HintError
from depth3d.core.orientation import SIDES_SWAP, upright_pixels
from depth3d.io.colmap.index import ColmapModel, read_model
from depth3d.io.colmap.model import ColmapCamera, ColmapImage, ColmapPoints
from depth3d.io.open_input import shown
from depth3d.io.photos.photo import Photo
from depth3d.io.points.pixel_depths import PixelDepths

_LEAST_RELATIVE_SIGMA = 0.03
"""What is left where the parallax is large: keypoints lie on edges and corners, where depth itself is hard to tell."""

_LARGEST_RELATIVE_SIGMA = 1.0
_NAMES_SHOWN = 5


def colmap_depths(folder: Path, photo: Photo, *, units_per_metre: float) -> PixelDepths:
    """Read the points that the image with the photo's file name saw.

    Args:
        folder: the model's folder.
        photo: the upright photo; its name finds the image, whatever folder the model puts it in.
        units_per_metre: the model's units per metre; a model is in metres only if its maker saw to it.

    Raises:
        HintError: the model has no such image, or one of another aspect ratio.
        ColmapError: the model is damaged.
    """
    model = read_model(folder)
    image = _find(folder, model, photo.name)
    camera, points = model.cameras.get(image.camera_id), model.points
    if camera is None:
        raise HintError(f"{shown(folder)}: the image {image.name} has the camera {image.camera_id}, which is not there")
    rows = np.searchsorted(points.point_ids, image.point_ids)
    rows = np.minimum(rows, max(len(points.point_ids) - 1, 0))
    if not len(image.point_ids) or not len(points.point_ids):
        raise HintError(f"{shown(folder)}: the image {image.name} sees no point of the model; choose another photo")
    if not np.array_equal(points.point_ids[rows], image.point_ids):
        raise HintError(f"{shown(folder)}: {image.name} sees points that are not in points3D; the model is damaged")
    cam_from_world = image.pose.cam_from_world
    metres = (points.xyz[rows] @ cam_from_world[2, :3] + cam_from_world[2, 3]) / units_per_metre
    uv = _upright_keypoints(image, camera, photo, folder)
    sigma = relative_sigma(camera, points, rows, parallax=_parallax(model, image, rows))
    unit = "taken as metres" if units_per_metre == 1 else f"{units_per_metre:g} units per metre"
    source = f"COLMAP model {folder.resolve().name} ({image.name}, {unit})"
    return PixelDepths(uv[:, 0], uv[:, 1], metres, sigma, source, "check that the model is of this photo")


def _find(folder: Path, model: ColmapModel, name: str) -> ColmapImage:
    """The one image of a file name."""
    found = model.called(name)
    if len(found) == 1:
        return found[0]
    if found:
        several = ", ".join(image.name for image in found[:_NAMES_SHOWN])
        raise HintError(f"{shown(folder)}: {len(found)} images are called {name}: {several}; keep one model per folder")
    names = [image.name for image in model.images]
    shown_names = ", ".join(sorted(names)[:_NAMES_SHOWN]) + (", ..." if len(names) > _NAMES_SHOWN else "")
    raise HintError(
        f"{shown(folder)}: no image is called {name}; the {len(names)} are {shown_names or '(none)'};"
        " give the photo its name in the model"
    )


def _upright_keypoints(image: ColmapImage, camera: ColmapCamera, photo: Photo, folder: Path) -> NDArray[np.float64]:
    """(N, 2) pixels of the upright photo, of which the model may have seen another size."""
    stored = camera.width, camera.height
    orientation = photo.exif.orientation
    swapped = orientation >= SIDES_SWAP
    if same_aspect(stored[::-1] if swapped else stored, photo.size):
        uv = upright_pixels(image.xy, stored, orientation)
        stored = stored[::-1] if swapped else stored
    elif swapped and same_aspect(stored, photo.size):  # the model was made from photos that had been turned before
        uv = image.xy
    else:
        raise HintError(
            f"{shown(folder)}: the model's {image.name} is of {stored[0]}x{stored[1]}, the photo of"
            f" {photo.size[0]}x{photo.size[1]}; they must have one aspect ratio"
        )
    return np.asarray(uv * (photo.size[0] / stored[0], photo.size[1] / stored[1]))


def relative_sigma(
    camera: ColmapCamera, points: ColmapPoints, rows: NDArray[np.intp], *, parallax: NDArray[np.float64]
) -> NDArray[np.float64]:
    """One standard deviation of z as a share of z: the keypoints' error as an angle, over the parallax.

    Two views with the parallax theta put a point at z with the relative error sqrt(2) sigma / (f theta) (Hartley and
    Zisserman, Multiple View Geometry, 2nd ed., 12.6). More views help less than their number says, as they share the
    errors of their poses, and are taken for no help. Keypoints are as good as their reprojection error says, but no
    better than those of the model's median point: short tracks fit themselves.

    Args:
        camera: of the image that saw the points.
        points: of the model.
        rows: (N,) which of them.
        parallax: (N,) float64, the largest angle in radians between the image's ray and another's.
    """
    focal_px = camera.parameters.get("fx", camera.parameters.get("f", camera.width / (2 * np.pi)))
    usual = points.error_px[points.error_px > 0]
    error_px = np.maximum(points.error_px[rows], float(np.median(usual)) if len(usual) else 1.0)
    with np.errstate(divide="ignore"):
        sigma = math.sqrt(2) * error_px / (focal_px * parallax)
    return np.minimum(np.hypot(sigma, _LEAST_RELATIVE_SIGMA), _LARGEST_RELATIVE_SIGMA)


def _parallax(model: ColmapModel, image: ColmapImage, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """(N,) the largest angle in radians at each point between this image's ray and that of another that sees it."""
    wanted, place = np.unique(rows, return_inverse=True)
    xyz = model.points.xyz[wanted]
    centres, which = model.seen_from(wanted)
    own, others = _directions(xyz, image.pose.world_from_cam[:3, 3]), _directions(xyz[which], centres)
    cosine = np.einsum("ij,ij->i", own[which], others)
    largest = np.zeros(len(wanted))
    np.maximum.at(largest, which, np.arccos(np.clip(cosine, -1, 1)))
    return np.asarray(largest[place])


def _directions(xyz: NDArray[np.float64], centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3) unit vectors from cameras to points."""
    step = xyz - centre
    length = np.linalg.norm(step, axis=1, keepdims=True)
    return np.asarray(step / np.maximum(length, 1e-300))
