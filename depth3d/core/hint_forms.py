"""How each hint is written, as an option of the command line and as JSON. A new hint is one class and one row here.

Nothing here imports numpy: `depth3d --help` must answer at once.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from depth3d.core.errors import UsageError
from depth3d.core.parsing import (
    Length,
    parse_length,
    parse_pixel,
    parse_pixel_length,
    parse_pixels,
    parse_span_length,
)


@dataclass(frozen=True, slots=True)
class PixelPart:
    """A pixel of the photo: U,V in an option, in JSON a list of two under a key.

    Attributes:
        key: in JSON.
        argument: of the hint's class, which takes (u, v); "" means two arguments u and v, and in JSON two keys too.
    """

    key: str = ""
    argument: str = ""


@dataclass(frozen=True, slots=True)
class LengthPart:
    """A length with its uncertainty: the arguments `metres` and `sigma_m`, in JSON `metres` and perhaps `sigma`."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number that may be left out: a key in JSON and an argument of that name, and perhaps an option of its own.

    Attributes:
        name: the key and the argument.
        option: such as "--pitch"; empty where only JSON has it.
        metavar: of the option.
        help: of the option.
    """

    name: str
    option: str = ""
    metavar: str = ""
    help: str = ""


@dataclass(frozen=True, slots=True)
class HintForm:
    """How one hint is written.

    Attributes:
        kind: what JSON calls it; the option is --kind.
        hint: the class, as "package.module.Class", loaded when used.
        parts: what is written, in the order of the option.
        metavar: what the option's value looks like.
        help: the option's help.
        is_repeatable: whether several may be given.
        numbers: what may be added.
    """

    kind: str
    hint: str
    parts: tuple[PixelPart | LengthPart, ...]
    metavar: str
    help: str
    is_repeatable: bool = False
    numbers: tuple[Number, ...] = ()

    @property
    def name(self) -> str:
        """The option as a Python name."""
        return self.kind.replace("-", "_")

    def parse(self, text: str) -> dict[str, Any]:
        """The class's arguments, from the value of the option.

        Raises:
            UsageError: the text is not of this form.
        """
        *pixels, length = (*_values(self.parts, text),) if self._has_length else (*_values(self.parts, text), None)
        places = [part for part in self.parts if isinstance(part, PixelPart)]
        if len(pixels) != len(places):
            raise UsageError(f"{text!r} holds {len(pixels)} pixels; write {self.metavar}")
        arguments = {} if length is None else length_arguments(length)
        for part, pixel in zip(places, pixels, strict=True):
            arguments |= pixel_arguments(part, pixel)
        return arguments

    def load(self) -> Callable[..., Any]:
        """The class."""
        module, _, name = self.hint.rpartition(".")
        loaded: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return loaded

    @property
    def _has_length(self) -> bool:
        return any(isinstance(part, LengthPart) for part in self.parts)


def pixel_arguments(part: PixelPart, pixel: tuple[float, float]) -> dict[str, Any]:
    """A pixel as arguments of the hint's class."""
    return {part.argument: pixel} if part.argument else {"u": pixel[0], "v": pixel[1]}


def length_arguments(length: Length) -> dict[str, Any]:
    """A length as arguments of the hint's class."""
    return {"metres": length.metres, "sigma_m": length.sigma_m}


def form_of(kind: str) -> HintForm:
    """The form of that kind.

    Raises:
        KeyError: there is none.
    """
    return _BY_KIND[kind]


def _values(parts: tuple[PixelPart | LengthPart, ...], text: str) -> tuple[Any, ...]:
    match [type(part) for part in parts]:
        case [one] if one is LengthPart:
            return (parse_length(text),)
        case [one] if one is PixelPart:
            return (parse_pixel(text),)
        case [_, last] if last is LengthPart:
            return parse_pixel_length(text)
        case [_, _, last] if last is LengthPart:
            return parse_span_length(text)
        case _:
            return parse_pixels(text)


_UV, _LENGTH = PixelPart(), LengthPart()

HINT_FORMS = (
    HintForm(
        "at",
        "depth3d.scale.DistanceAt",
        (_UV, _LENGTH),
        "U,V=DIST",
        "Distance from the camera to the thing at pixel U,V of the upright photo, such as 412,300=2.4m or "
        "412,300=8ft±2in. Units m cm mm ft in; none means metres. Repeatable.",
        is_repeatable=True,
    ),
    HintForm(
        "depth-at",
        "depth3d.scale.DepthAt",
        (_UV, _LENGTH),
        "U,V=DEPTH",
        "Depth along the optical axis of the thing at pixel U,V. Repeatable.",
        is_repeatable=True,
    ),
    HintForm("near", "depth3d.scale.Nearest", (_LENGTH,), "DIST", "Depth of the nearest things (98th percentile)."),
    HintForm("far", "depth3d.scale.Farthest", (_LENGTH,), "DIST", "Depth of the farthest things (2nd percentile)."),
    HintForm(
        "size",
        "depth3d.scale.LengthBetween",
        (PixelPart("from", "start"), PixelPart("to", "end"), _LENGTH),
        "U,V:U,V=LENGTH",
        "Length of a straight line between the things at two pixels, such as 40,90:40,400=1.75m. Repeatable.",
        is_repeatable=True,
    ),
    HintForm(
        "camera-height",
        "depth3d.scale.CameraHeight",
        (_LENGTH,),
        "HEIGHT",
        "Height of the camera over level ground that is seen; level unless --pitch or --horizon is given.",
        numbers=(
            Number("pitch_deg", "--pitch", "DEG", "How far the camera points downwards."),
            Number("horizon_v", "--horizon", "V", "Row of the horizon in the middle, in pixels from the top."),
        ),
    ),
    HintForm(
        "right-angle",
        "depth3d.scale.RightAngle",
        (PixelPart("first", "first"), PixelPart("corner", "corner"), PixelPart("second", "second")),
        "A:B:C",
        "A right angle in space at B between the directions to A and C, each U,V. Repeatable.",
        is_repeatable=True,
        numbers=(Number("sigma_deg"),),
    ),
    HintForm(
        "infinity",
        "depth3d.scale.InfinityAt",
        (_UV,),
        "U,V",
        "A point at infinity: sky, far hills. Repeatable.",
        is_repeatable=True,
    ),
)

_BY_KIND = {form.kind: form for form in HINT_FORMS}
