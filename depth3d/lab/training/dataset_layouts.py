"""Folders of photos with measured depth, as the common data sets lay them out: which photo belongs to which depth.

Each layout is a few lines: how pairs are found, what the numbers mean, how wide a border is not to be trusted. Nothing
here is shipped or downloaded; the folders are the user's own.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import DepthMapError, PhotoError, UsageError

_NEAREST_M = 0.05
_PICTURES = {".png", ".jpg", ".jpeg", ".ppm", ".pgm"}


@dataclass(frozen=True, slots=True)
class Pair:
    """A photo, its depth, and perhaps a mask of where the depth holds.

    Attributes:
        photo: the picture's file.
        depth: the depth's file.
        mask: not zero where the depth holds.
        inverse_scale: where set, the depth's numbers times this are inverse depth, and 0 is unknown.
        anchored: inverse depth has its true zero at infinity, as stereo disparities with an unknown shift have not.
    """

    photo: Path
    depth: Path
    mask: Path | None = None
    inverse_scale: float | None = None
    anchored: bool = True


@dataclass(frozen=True, slots=True)
class Layout:
    """How a data set is laid out.

    Attributes:
        find: the pairs below a folder.
        units_per_metre: of 16-bit depth pictures; arrays are metres.
        farthest_m: depth beyond is not trusted.
        border: share of each side that is not trusted.
    """

    find: Callable[[Path], list[Pair]]
    units_per_metre: float
    farthest_m: float = 80.0
    border: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A photo with depth, read.

    Attributes:
        rgb: (H, W, 3) uint8.
        inverse_depth: (H, W) float32 in 1/m, 0 where unknown.
        valid: (H, W) bool.
        anchored: as in `Pair`.
    """

    rgb: NDArray[np.uint8]
    inverse_depth: NDArray[np.float32]
    valid: NDArray[np.bool_]
    anchored: bool = True


def find_pairs(layout: str, folder: Path) -> list[Pair]:
    """The pairs of a folder, in a fixed order.

    Raises:
        UsageError: no such layout, or the folder is missing or holds no pair.
    """
    if layout not in LAYOUTS:
        raise UsageError(f"unknown layout {layout!r}; known are {', '.join(LAYOUTS)}")
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; give LAYOUT:FOLDER")
    pairs = LAYOUTS[layout].find(folder)
    if not pairs:
        raise UsageError(f"{folder} holds no photo with depth in the layout {layout!r}")
    return pairs


def read_pair(pair: Pair, layout: Layout) -> Sample:
    """Reads a pair; the photo is brought to the depth's size if they differ.

    Raises:
        PhotoError, DepthMapError: a file cannot be read.
    """
    import cv2

    bgr = cv2.imread(str(pair.photo), cv2.IMREAD_COLOR)
    if bgr is None:
        raise PhotoError(f"{pair.photo}: cannot be read as a photo")
    metres = _read_metres(pair, layout)
    height, width = metres.shape
    if bgr.shape[:2] != (height, width):
        bgr = cv2.resize(bgr, (width, height), interpolation=cv2.INTER_AREA)
    nearest = _NEAREST_M if pair.anchored else 0.0  # disparities of unknown shift are in no known unit
    with np.errstate(invalid="ignore"):
        valid = np.isfinite(metres) & (metres > nearest) & (metres < layout.farthest_m)
    if pair.mask is not None:
        valid &= _read_array(pair.mask).reshape(height, width) > 0
    edge_y, edge_x = round(layout.border * height), round(layout.border * width)
    if edge_y or edge_x:
        inner = np.zeros_like(valid)
        inner[edge_y : height - edge_y, edge_x : width - edge_x] = True
        valid &= inner
    inverse = np.where(valid, 1 / np.where(valid, metres, 1), 0).astype(np.float32)
    return Sample(np.ascontiguousarray(bgr[:, :, ::-1]), inverse, valid, pair.anchored)


def _read_metres(pair: Pair, layout: Layout) -> NDArray[np.float32]:
    """Depth (H, W) in metres, or in a unit of its own where a pair says only how inverse depth is scaled."""
    import cv2

    path = pair.depth

    if path.suffix == ".npy":
        array = _read_array(path)
        return array.reshape(array.shape[:2])
    if path.suffix == ".mat":
        return _read_make3d(path)
    values = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if values is None or values.ndim != 2:
        raise DepthMapError(f"{path}: is not a single-channel picture that holds depth")
    if pair.inverse_scale is None:
        return values.astype(np.float32) / np.float32(layout.units_per_metre)
    with np.errstate(divide="ignore"):
        return np.asarray(1 / (values.astype(np.float32) * np.float32(pair.inverse_scale)), np.float32)


def _read_array(path: Path) -> NDArray[np.float32]:
    try:
        return np.asarray(np.load(path, allow_pickle=False), np.float32)
    except (OSError, ValueError) as error:
        raise DepthMapError(f"{path}: cannot be read as an array: {error}") from error


def _read_make3d(path: Path) -> NDArray[np.float32]:
    """Make3D's laser grid: (55, 305, 4), of which the last is depth in metres."""
    import scipy.io

    try:
        grid = scipy.io.loadmat(str(path))["Position3DGrid"]
    except (OSError, ValueError, KeyError, TypeError, NotImplementedError) as error:
        raise DepthMapError(f"{path}: is not a Make3D depth grid: {error}") from error
    return np.asarray(grid[:, :, 3], np.float32)


def _pictures(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("*") if p.suffix.lower() in _PICTURES) if folder.is_dir() else []


def _number(path: Path) -> float | None:
    """The number a file name ends with: a frame's index or its time stamp."""
    found = re.findall(r"\d+(?:\.\d+)?", path.name.removesuffix(path.suffix))
    return float(found[-1]) if found else None


def _by_number(photos: Iterable[Path], depths: Iterable[Path], *, slack: float = 0.0) -> list[Pair]:
    """Each photo with the depth whose number is nearest, if within `slack`."""
    numbered = [(n, d) for d in depths if (n := _number(d)) is not None]
    numbers = np.array([n for n, _ in numbered])
    pairs = []
    for photo in photos:
        number = _number(photo)
        if number is None or not numbered:
            continue
        best = int(np.argmin(np.abs(numbers - number)))
        if abs(numbers[best] - number) <= slack:
            pairs.append(Pair(photo, numbered[best][1]))
    return pairs


def _find_tum(folder: Path) -> list[Pair]:
    return _by_number(_pictures(folder / "rgb"), _pictures(folder / "depth"), slack=0.02)


def _find_redwood(folder: Path) -> list[Pair]:
    colour = next((folder / n for n in ("color", "image", "rgb") if (folder / n).is_dir()), folder / "color")
    return _by_number(_pictures(colour), _pictures(folder / "depth"))


def _find_nyu(folder: Path) -> list[Pair]:
    photos = sorted(p for p in folder.rglob("rgb_*") if p.suffix in _PICTURES)
    pairs = []
    for photo in photos:
        name = f"sync_depth_{photo.stem.removeprefix('rgb_')}.png"
        places = (photo.with_name(name), photo.parent.parent / "depth" / name)
        pairs += [Pair(photo, place) for place in places[:2] if place.is_file()][:1]
    return pairs


def _find_kitti(folder: Path) -> list[Pair]:
    """The benchmark's tree of drives, or plain folders rgb and depth with equal names."""
    pairs = [Pair(p, folder / "depth" / p.name) for p in _pictures(folder / "rgb")]
    for depth in sorted(folder.rglob("proj_depth/groundtruth/image_0[23]/*.png")):
        drive, camera = depth.parents[3], depth.parent.name
        date = drive.name[:10]
        pairs += [
            Pair(photo, depth)
            for photo in (
                drive / camera / "data" / depth.name,
                folder / date / drive.name / camera / "data" / depth.name,
            )
            if photo.is_file()
        ][:1]
    return [pair for pair in pairs if pair.depth.is_file()]


def _find_diode(folder: Path) -> list[Pair]:
    pairs = []
    for depth in sorted(folder.rglob("*_depth.npy")):
        stem = depth.name.removesuffix("_depth.npy")
        photo, mask = depth.with_name(stem + ".png"), depth.with_name(stem + "_depth_mask.npy")
        if photo.is_file():
            pairs.append(Pair(photo, depth, mask if mask.is_file() else None))
    return pairs


def _find_scannet(folder: Path) -> list[Pair]:
    return _by_number(_pictures(folder / "color"), _pictures(folder / "depth"))


def _find_make3d(folder: Path) -> list[Pair]:
    depths = {p.stem.removeprefix("depth_sph_corr-"): p for p in folder.rglob("depth_sph_corr-*.mat")}
    photos = {p.stem.removeprefix("img-"): p for p in folder.rglob("img-*.jpg")}
    return [Pair(photos[key], depths[key]) for key in sorted(photos.keys() & depths.keys())]


def _find_indexed(folder: Path) -> list[Pair]:
    """What index.json lists: "image", "inverse_depth" (16 bit), "inv_scale", and "metric" where the shift is known."""
    path = folder / "index.json"
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return [
            Pair(
                folder / entry["image"], folder / entry["inverse_depth"],
                inverse_scale=float(entry["inv_scale"]), anchored=bool(entry["metric"]),
            )
            for entry in entries if "inverse_depth" in entry
        ]  # fmt: skip
    except OSError as error:
        raise DepthMapError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DepthMapError(f"{path}: lists no pairs of image, inverse_depth, inv_scale, metric: {error!r}") from error


LAYOUTS: dict[str, Layout] = {
    "tum": Layout(_find_tum, 5000.0, 10.0),
    "redwood": Layout(_find_redwood, 1000.0, 8.0),
    "nyu": Layout(_find_nyu, 1000.0, 10.0, border=0.02),
    "kitti": Layout(_find_kitti, 256.0, 80.0),
    "diode": Layout(_find_diode, 1.0, 300.0),
    "scannet": Layout(_find_scannet, 1000.0, 10.0),
    "make3d": Layout(_find_make3d, 1.0, 80.0),
    "indexed": Layout(_find_indexed, 1.0, math.inf),
}
