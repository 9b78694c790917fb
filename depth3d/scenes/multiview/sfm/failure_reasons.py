"""Why photos could not be placed, in words for whoever took them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from depth3d.core.errors import GeometryError
from depth3d.io.cameras.entries import listed
from depth3d.scenes.multiview.sfm.features import quiet_pycolmap
from depth3d.scenes.multiview.sfm.photo_set import SetPhoto

LEAST_SHARED_POINTS = 15
"""Matches that one geometry explains, below which two photos count as having nothing in common."""

_OVERLAP = "take photos that overlap by two thirds, sharp, of things that have texture"
_SIDEWAYS = "walk a few steps sideways between photos"


@dataclass(frozen=True, slots=True)
class Shared:
    """What two photos have in common.

    Attributes:
        first: the name of one photo's copy.
        second: of the other's.
        points: keypoints that match and agree with one geometry.
        is_flat: a homography explains them: the camera turned on the spot, or all of them lie on one plane.
    """

    first: str
    second: str
    points: int
    is_flat: bool

    def other(self, name: str) -> str:
        """The other photo's copy."""
        return self.second if name == self.first else self.first


def shared_points(database: Path) -> list[Shared]:
    """Every pair of photos that have something in common, from COLMAP's database."""
    pycolmap = quiet_pycolmap()
    kinds = pycolmap.TwoViewGeometryConfiguration
    flat = {kinds.PANORAMIC, kinds.PLANAR_OR_PANORAMIC, kinds.PLANAR}
    base = pycolmap.Database.open(database)
    names = {image.image_id: image.name for image in base.read_all_images()}
    pairs, geometries = base.read_two_view_geometries()
    base.close()
    found = []
    for pair, geometry in zip(pairs, geometries, strict=True):
        first, second = pycolmap.pair_id_to_image_pair(pair)
        count = len(geometry.inlier_matches)
        if count >= LEAST_SHARED_POINTS:
            found.append(Shared(names[first], names[second], count, geometry.config in flat))
    return found


def no_model(photos: Sequence[SetPhoto], shared: Sequence[Shared]) -> GeometryError:
    """Not one pair of photos could be placed: why, and what to do."""
    if not shared:
        return GeometryError(
            f"no two of the {len(photos)} photos have {LEAST_SHARED_POINTS} points in common, so where they were taken"
            f" cannot be found; {_OVERLAP}"
        )
    if 2 * sum(one.is_flat for one in shared) > len(shared):
        return GeometryError(
            f"the {len(photos)} photos match, but the camera only turned and did not move (or sees one flat thing), so"
            f" they hold no depth; {_SIDEWAYS}, or stitch them and use depth3d panorama"
        )
    best = max(shared, key=lambda one: one.points)
    return GeometryError(
        f"{len(shared)} pairs of the {len(photos)} photos match (at most {best.points} points), but too few points are"
        f" seen from sides that differ enough to place them; {_SIDEWAYS}, and {_OVERLAP}"
    )


def unplaced(photos: Sequence[SetPhoto], placed: set[str], shared: Sequence[Shared]) -> list[tuple[str, str]]:
    """(name, reason) of each photo that the model does not have.

    Args:
        photos: all of the set.
        placed: names of copies that were placed.
        shared: what pairs have in common.
    """
    own_name = {photo.working_name: photo.path.name for photo in photos}
    rows = []
    for photo in photos:
        if photo.working_name in placed:
            continue
        mine = [one for one in shared if photo.working_name in (one.first, one.second)]
        rows.append((photo.path.name, _reason(photo.working_name, mine, placed, own_name)))
    return rows


def groups_note(models: Sequence[set[str]]) -> tuple[str, ...]:
    """A sentence about photos that fall into several groups.

    Args:
        models: the names of the photos in each model, the one that is used first.
    """
    sizes = [len(models[0])]
    taken = set(models[0])
    for names in models[1:]:
        if len(names - taken) > 1:
            sizes.append(len(names - taken))
        taken |= names
    if len(sizes) < 2:
        return ()
    numbers = " and ".join(str(size) for size in sizes)
    return (
        f"the photos fall into {len(sizes)} groups that share too little, of {numbers} photos; the largest is used;"
        " photos taken on the way from one to the other would join them",
    )


def _reason(name: str, mine: Sequence[Shared], placed: set[str], own_name: dict[str, str]) -> str:
    in_model = [one for one in mine if one.other(name) in placed]
    if in_model:
        best = max(in_model, key=lambda one: one.points)
        return (
            f"its place could not be found from the {best.points} points it shares with {own_name[best.other(name)]};"
            " add a photo between the two"
        )
    if mine:
        others = sorted({own_name[one.other(name)] for one in mine})
        return f"it matches only {listed(others)}, which show nothing that the other photos show; add photos between"
    return f"it shows too little of what the other photos show; {_OVERLAP}"
