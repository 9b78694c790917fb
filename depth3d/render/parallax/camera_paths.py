"""How a camera may move: ways round a circle, and there and back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from depth3d.core.errors import UsageError
from depth3d.core.options import AnimationOptions, Easing

Hold = Literal["plane", "point", "size", "nothing"]
"""What stays still: everything at the focus's depth ("plane": the picture is shifted), the focus alone ("point": the
camera turns to it), the size of things at the focus's depth ("size": the lens zooms), or "nothing"."""
Unit = Literal["percent", "scene"]

EASINGS: tuple[Easing, ...] = get_args(Easing)
DEFAULT_EASING = AnimationOptions().easing
DEFAULT_MOTION = AnimationOptions().motion


@dataclass(frozen=True, slots=True)
class Place:
    """Where a camera is at a moment, from where the photo was taken.

    Attributes:
        right: how far to the right, in the motion's unit.
        down: how far downwards.
        ahead: how far towards the focus.
        yaw_deg: turned to the right.
        pitch_deg: turned upwards.
        roll_deg: turned clockwise.
        zoom: focal length, in those of the photo.
    """

    right: float = 0.0
    down: float = 0.0
    ahead: float = 0.0
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    zoom: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """A camera's way.

    Attributes:
        name: in words.
        place: where it is, from 0, the start, to 1, the end or the start again.
        hold: what stays still in the picture.
        unit: "percent": of the picture's width, by which what moves most moves; ahead, by which the nearest things at
            the border move. "scene": of the depth.
        loops: True where the end is the start.
    """

    name: str
    place: Callable[[float], Place]
    hold: Hold
    unit: Unit = "percent"
    loops: bool = True


@dataclass(frozen=True, slots=True)
class _Preset:
    """A way as a function of the amount, of the phase from 0 to 1, of how far it is to the side, and how far ahead."""

    place: Callable[[float, float, float, float], Place]
    hold: Hold
    amount_percent: float
    help: str


def _turn(phase: float) -> float:
    return 2 * math.pi * phase


MOTIONS: dict[str, _Preset] = {
    "orbit": _Preset(
        lambda a, phase, side, far: Place(right=a * math.sin(_turn(phase)), down=a / 2 * math.cos(_turn(phase))),
        "point",
        2.0,
        "round an ellipse, always looking at the focus",
    ),
    "swing": _Preset(lambda a, phase, side, far: Place(right=a * side), "point", 2.5, "left and right, looking at it"),
    "dolly": _Preset(lambda a, phase, side, far: Place(ahead=a * far), "nothing", 5.0, "towards the focus and back"),
    "zoom": _Preset(
        lambda a, phase, side, far: Place(zoom=1 + a / 50 * far), "plane", 6.0, "with the lens only: nothing shifts"
    ),
    "vertigo": _Preset(
        lambda a, phase, side, far: Place(ahead=a * far), "size", 5.0, "ahead while the lens zooms out: dolly zoom"
    ),
    "ken-burns": _Preset(
        lambda a, phase, side, far: Place(right=a / 2 * (far - 0.5), ahead=a * far, zoom=1 + a / 50 * far),
        "plane",
        4.0,
        "a slow approach from the side, and back",
    ),
    "horizontal": _Preset(lambda a, phase, side, far: Place(right=a * side), "plane", 2.0, "left and right, straight"),
    "vertical": _Preset(lambda a, phase, side, far: Place(down=a * side), "plane", 2.0, "down and up, straight"),
    "circle": _Preset(
        lambda a, phase, side, far: Place(right=a * math.sin(_turn(phase)), down=a * math.cos(_turn(phase))),
        "plane",
        2.0,
        "round a circle, without turning",
    ),
}
"""The ways by name; each closes exactly: the frame after the last is the first."""

_MOST_PERCENT = 20.0


def preset_motion(name: str, *, amount_percent: float | None = None, easing: Easing = DEFAULT_EASING) -> Motion:
    """One of MOTIONS.

    Args:
        name: its name.
        amount_percent: how far what moves most moves to either side; None means what suits the motion.
        easing: how motions that go there and back turn round: "linear" at once, "smooth" as a pendulum, "pause" with a
            rest. Round ways keep their pace.

    Raises:
        UsageError: no such name or easing, or an amount that is not between 0 and 20 per cent.
    """
    if name not in MOTIONS:
        raise UsageError(f"no motion {name!r}; there are {', '.join(MOTIONS)}, or a JSON file of key poses")
    if easing not in EASINGS:
        raise UsageError(f"no easing {easing!r}; there are {', '.join(EASINGS)}")
    preset = MOTIONS[name]
    amount = preset.amount_percent if amount_percent is None else amount_percent
    if not 0 < amount <= _MOST_PERCENT:
        raise UsageError(f"amount must lie between 0 and {_MOST_PERCENT:g} per cent of the width, got {amount:g}")

    def place(phase: float) -> Place:
        away = 1 - abs(2 * phase - 1)
        sideways = 4 * phase if phase < 0.25 else 2 - 4 * phase if phase < 0.75 else 4 * phase - 4
        return preset.place(amount, phase, _eased(sideways, easing), (1 + _eased(2 * away - 1, easing)) / 2)

    return Motion(name, place, preset.hold)


def to_one_motion(motion: str | Motion, *, amount_percent: float | None, easing: Easing) -> Motion:
    """A motion of one's own as it is, or the one of a name, see `preset_motion`.

    Raises:
        UsageError: as `preset_motion`; or an amount for a motion of one's own.
    """
    if isinstance(motion, str):
        return preset_motion(motion, amount_percent=amount_percent, easing=easing)
    if amount_percent is not None:
        raise UsageError("an amount goes with a motion by name; key poses say themselves how far they go")
    return motion


def _eased(way: float, easing: Easing) -> float:
    """From -1 to 1 in another rhythm."""
    for _ in range(EASINGS.index(easing)):
        way = math.sin(math.pi / 2 * way)
    return way
