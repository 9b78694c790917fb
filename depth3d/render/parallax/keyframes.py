"""A camera's way given by some of its places.

    {"keys": [{"move": [0, 0, 0]}, {"move": [2, -1, 3], "turn": [1, 0, 0], "zoom": 1.1, "at": 0.4}],
     "unit": "percent", "hold": "plane", "loop": true}

`move` is right, down and ahead, in per cent of the picture's width as amounts are, or with `"unit": "scene"` in the
unit of the depth; `turn` is to the right, upwards and clockwise, in degrees. Between the keys the camera goes on a
smooth curve; keys without `at`, from 0 to 1, are spread evenly. A loop goes on from the last key to the first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import UsageError
from depth3d.render.parallax.camera_paths import Hold, Motion, Place, Unit

_KEYS = {"keys", "unit", "hold", "loop"}
_OF_A_KEY = {"move", "turn", "zoom", "at"}
_MOST_KEYS = 1000
_FARTHEST_MOVE = 1e6


def to_motion(document: Mapping[str, Any]) -> Motion:
    """The motion that a JSON document describes.

    Raises:
        UsageError: something in it is not what it should be.
    """
    from scipy.interpolate import CubicSpline, PchipInterpolator

    if not isinstance(document, Mapping) or not isinstance(document.get("keys"), list):
        raise UsageError('key poses: expected {"keys": [{"move": [right, down, ahead]}, ...]}')
    _known(document, _KEYS, "key poses")
    hold, unit = document.get("hold", "plane"), document.get("unit", "percent")
    _one_of(hold, get_args(Hold), "hold")
    _one_of(unit, get_args(Unit), "unit")
    loops = document.get("loop", True)
    if not isinstance(loops, bool):
        raise UsageError(f"key poses: loop must be true or false, got {loops!r}")
    entries = document["keys"]
    if not 2 <= len(entries) <= _MOST_KEYS:
        raise UsageError(f"key poses: expected 2 to {_MOST_KEYS} keys, got {len(entries)}")
    values = np.array([_values(entry, number) for number, entry in enumerate(entries, 1)])
    times = _times(entries, loops)
    if loops:
        start = times[0]
        curve = CubicSpline([*times, start + 1], [*values, values[0]], bc_type="periodic")
        return Motion("key poses", lambda phase: Place(*curve(start + (phase - start) % 1).tolist()), hold, unit)
    path = PchipInterpolator(times, values)
    first, last = times[0], times[-1]
    return Motion(
        "key poses", lambda phase: Place(*path(first + phase * (last - first)).tolist()), hold, unit, loops=False
    )


def _values(entry: Any, number: int) -> tuple[float, ...]:
    where = f"key poses: key {number}"
    if not isinstance(entry, Mapping):
        raise UsageError(f'{where} is not an object such as {{"move": [1, 0, 0]}}')
    _known(entry, _OF_A_KEY, where)
    move, turn = (_three(entry.get(name, [0, 0, 0]), f"{where}: {name}") for name in ("move", "turn"))
    zoom = _number(entry.get("zoom", 1), f"{where}: zoom")
    if not 0.1 <= zoom <= 10:
        raise UsageError(f"{where}: zoom must lie between 0.1 and 10, got {zoom:g}")
    if max(map(abs, move)) > _FARTHEST_MOVE:
        raise UsageError(f"{where}: a move must lie within {_FARTHEST_MOVE:g}, got {max(move, key=abs):g}")
    if max(map(abs, turn)) > 45:
        raise UsageError(f"{where}: a camera may turn by at most 45 degrees, got {max(turn, key=abs):g}")
    return (*move, *turn, zoom)


def _times(entries: list[Any], loops: bool) -> NDArray[np.float64]:
    given = [entry.get("at") for entry in entries]
    last = 1 - 1 / len(entries) if loops else 1
    if all(at is None for at in given):
        return np.linspace(0, last, len(entries))
    times = np.array([_number(at, f"key poses: key {number}: at") for number, at in enumerate(given, 1)])
    if times[0] < 0 or times[-1] > 1 or (loops and times[-1] - times[0] >= 1) or (np.diff(times) <= 0).any():
        raise UsageError('key poses: "at" must rise from key to key, from 0 to 1, in a loop to less than 1')
    return times


def _three(value: Any, where: str) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) != 3:
        raise UsageError(f"{where} must be three numbers, got {value!r}")
    return tuple(_number(one, where) for one in value)


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UsageError(f"{where} must be a number, got {value!r}")
    return float(value)


def _known(entry: Mapping[str, Any], names: set[str], where: str) -> None:
    if unknown := sorted(set(entry) - names):
        raise UsageError(f"{where}: unknown {', '.join(map(str, unknown))}; known are {', '.join(sorted(names))}")


def _one_of(value: Any, names: tuple[str, ...], what: str) -> None:
    if value not in names:
        raise UsageError(f"key poses: {what} must be one of {', '.join(names)}, got {value!r}")
