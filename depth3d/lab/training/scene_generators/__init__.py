"""Random worlds: an endless supply of scenes, each with a place to look at it from."""

from __future__ import annotations

from random import Random

from depth3d.lab.training.scene import Scene
from depth3d.lab.training.scene_generators.closeup import close, floating
from depth3d.lab.training.scene_generators.indoor import corridor, room, table_top
from depth3d.lab.training.scene_generators.outdoor import land, street, yard
from depth3d.lab.training.scene_generators.viewpoint import View

WORLDS = {
    "room": (room, 0.40), "table_top": (table_top, 0.18), "corridor": (corridor, 0.05), "street": (street, 0.15),
    "yard": (yard, 0.07), "land": (land, 0.05), "floating": (floating, 0.04), "close": (close, 0.06),
}  # fmt: skip


def random_world(seed: int, kind: str | None = None) -> tuple[Scene, View]:
    """The world of this seed: always the same one.

    Args:
        seed: any integer.
        kind: a key of `WORLDS`, or None for a mixture.
    """
    rng = Random(seed * 2654435761 % (1 << 61))
    return WORLDS[kind if kind is not None else random_kind(seed)][0](rng)


def random_kind(seed: int) -> str:
    """A key of `WORLDS`, each as often as its share."""
    return Random(seed * 2246822519 % (1 << 61)).choices(list(WORLDS), [share for _, share in WORLDS.values()])[0]
