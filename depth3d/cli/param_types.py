"""What the values of options are, and how several options make one decorator.

Nothing here imports numpy: `depth3d --help` must answer at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from depth3d.core.errors import UsageError, nearest
from depth3d.core.options import Layout
from depth3d.core.parsing import (
    parse_bytes,
    parse_grid,
    parse_length,
    parse_pixel,
    parse_triple,
)
from depth3d.predictors import PREDICTORS, is_foreign, predictor_names

Command = TypeVar("Command", bound=Callable[..., Any])

EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
EXISTING_PATH = click.Path(exists=True, path_type=Path)
OUTPUT_FILE = click.Path(dir_okay=False, path_type=Path)


AXES = ("gltf", "opencv", "blender", "ros", "unity", "z-up")
"""The names of `depth3d.io.geometry.axes`, which needs numpy."""


LAYOUTS: tuple[Layout, ...] = get_args(Layout)


class Choice(click.Choice[Any]):
    """One of several words; for any other the nearest of them is named."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """What is wrong, and what may have been meant."""
        words = [str(choice) for choice in self.choices]
        return f"{value!r} is not one of {', '.join(words)}{nearest(str(value), words)}"


class Renamed(Choice):
    """One of several words, some of which had other names before, which still work and are not shown."""

    def __init__(self, choices: Sequence[str], former: Mapping[str, str]) -> None:
        super().__init__(choices)
        self._former = former

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word as it is called now."""
        word: str = super().convert(self._former.get(value, value), param, ctx)
        return word


class RenamedOption(click.Option):
    """An option whose first name is shown; what it was called before still works."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The help, with the first name only."""
        names = self.opts
        self.opts = names[:1]
        try:
            return super().get_help_record(ctx)
        finally:
            self.opts = names


class PredictorName(click.ParamType[str]):
    """A network of ours, or one that an installed package offers."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name, if there is such a network."""
        name = str(value)
        if name not in PREDICTORS and not is_foreign(name):
            known = predictor_names()
            if name not in known:
                self.fail(f"{name!r} is not one of {', '.join(known)}{nearest(name, known)}", param, ctx)
        return name


class Parsed(click.ParamType[object]):
    """A value whose text is read by one of our own parsers."""

    def __init__(self, name: str, parse: Callable[[str], object]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> object:
        """The parsed value, or click's own error."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except UsageError as error:
            self.fail(str(error), param, ctx)


class FileOfEach(click.Path):
    """A file that exists, or a path with {name} for each photo's name."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path."""
        return Path(value) if "{name}" in str(value) else super().convert(value, param, ctx)


LENGTH = Parsed("length", parse_length)
BYTES = Parsed("size", parse_bytes)
PIXEL = Parsed("u,v", parse_pixel)
GRID = Parsed("grid", parse_grid)
TRIPLE = Parsed("r,g,b", parse_triple)


def with_options(command: Command, *options: Callable[[Command], Command]) -> Command:
    """The command with these options, which its help lists in this order."""
    for option in reversed(options):
        command = option(command)
    return command
