"""A COLMAP model as a whole, read once per process however many photos ask for their part of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from depth3d.io.colmap.model import (
    NO_POINT,
    ColmapCamera,
    ColmapImage,
    ColmapPoints,
    each_image,
    read_cameras,
    read_points3d,
)
from depth3d.io.open_input import is_file


@dataclass(frozen=True, eq=False)
class ColmapModel:
    """A model whose images are found by their file names, and whose points by the images that see them.

    Attributes:
        cameras: by their numbers.
        images: without their keypoints that show no point.
        points: all of them.
    """

    cameras: dict[int, ColmapCamera]
    images: tuple[ColmapImage, ...]
    points: ColmapPoints

    def called(self, name: str) -> list[ColmapImage]:
        """The images of a file's name, whatever folder the model puts them in."""
        return self._by_name.get(name, [])

    def seen_from(self, rows: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """From where points were seen.

        Args:
            rows: (N,) which of the points.

        Returns:
            (M, 3) the place of each image that sees one of them, and (M,) which of the N it sees.
        """
        first, behind, image, places = self._sightings
        counts = behind[rows] - first[rows]
        which = np.repeat(np.arange(len(rows)), counts)
        within = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
        return places[image[first[rows][which] + within]], which

    @cached_property
    def _by_name(self) -> dict[str, list[ColmapImage]]:
        found: dict[str, list[ColmapImage]] = {}
        for image in self.images:
            found.setdefault(PurePosixPath(image.name.replace("\\", "/")).name, []).append(image)
        return found

    @cached_property
    def _sightings(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int32], NDArray[np.float64]]:
        """Each point's first sighting and that behind its last, the image of each sighting, and the images' places."""
        ids = np.concatenate([np.zeros(0, np.int64), *(image.point_ids for image in self.images)])
        image = np.repeat(np.arange(len(self.images), dtype=np.int32), [len(one.point_ids) for one in self.images])
        order = np.argsort(ids, kind="stable")
        first, behind = (np.searchsorted(ids[order], self.points.point_ids, side) for side in ("left", "right"))
        places = np.array([one.pose.world_from_cam[:3, 3] for one in self.images]).reshape(-1, 3)
        return first, behind, image[order], places


def read_model(folder: Path) -> ColmapModel:
    """The whole model; a process that asks again gets what it read before, unless the files have changed.

    It takes about 30 bytes for each keypoint that shows a point.

    Raises:
        ColmapError: a file is missing, damaged or cut off.
    """
    return _read_model(folder, _stamps(folder))


def names_and_cameras(folder: Path) -> tuple[tuple[str, int], ...]:
    """Each image's name and the number of its camera, likewise read once.

    Raises:
        ColmapError: the file is missing, damaged or cut off.
    """
    return _names_and_cameras(folder, _stamps(folder))


def with_points_only(image: ColmapImage) -> ColmapImage:
    """The image less its keypoints that show no point, which are most of a model's size."""
    used = image.point_ids != NO_POINT
    return replace(image, xy=image.xy[used], point_ids=image.point_ids[used])


_Stamps = tuple[tuple[str, int, int], ...]


@lru_cache(maxsize=1)
def _read_model(folder: Path, stamps: _Stamps) -> ColmapModel:
    images = tuple(with_points_only(image) for image in each_image(folder))
    return ColmapModel(read_cameras(folder), images, read_points3d(folder))


@lru_cache(maxsize=1)
def _names_and_cameras(folder: Path, stamps: _Stamps) -> tuple[tuple[str, int], ...]:
    return tuple((image.name, image.camera_id) for image in each_image(folder))


def _stamps(folder: Path) -> _Stamps:
    """What changes when a model's files do."""
    files = (folder / f"{name}{suffix}" for name in ("cameras", "images", "points3D") for suffix in (".bin", ".txt"))
    return tuple((file.name, (facts := file.stat()).st_size, facts.st_mtime_ns) for file in files if is_file(file))
