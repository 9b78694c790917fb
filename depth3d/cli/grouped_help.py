"""Help that shows many options in named groups, those that people need first at the top.

click-option-group, cloup and rich-click do the same; they cost 10 ms, 40 ms and, with rich, 100 ms of every start, and
none of them can lift options out of their groups.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary

import click

from depth3d.cli.param_types import Command

FIRST, OTHERS, OTHER = "Needed first", "Options", "Other"

_group_of: WeakKeyDictionary[click.Parameter, str] = WeakKeyDictionary()


def in_group(title: str) -> Callable[[Callable[[Command], Command]], Callable[[Command], Command]]:
    """Put the options that a decorator adds under a title, but for those that are in a group already."""

    def decorate(add: Callable[[Command], Command]) -> Callable[[Command], Command]:
        @wraps(add)
        def adding(command: Command) -> Command:
            before = len(_options_of(command))
            command = add(command)
            for parameter in _options_of(command)[before:]:
                _group_of.setdefault(parameter, title)
            return command

        return adding

    return decorate


class GroupedCommand(click.Command):
    """A command whose help lists its options by their groups.

    Args:
        first: names of the parameters that are shown before all groups.
        arguments: see `click.Command`.
    """

    def __init__(self, *arguments: Any, first: Sequence[str] = (), **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._first = tuple(first)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each group, in the order of their first options."""
        sections: dict[str, list[tuple[str, str]]] = {FIRST: []} if self._first else {}
        last: list[tuple[str, str]] = []
        for parameter in sorted(self.get_params(ctx), key=self._rank):
            record = parameter.get_help_record(ctx)
            if record is None or not record[1]:
                continue  # an argument, which the usage shows
            title = self._title(parameter, ctx)
            (last if title == OTHER else sections.setdefault(title, [])).append(record)
        for title, records in (*sections.items(), (OTHER if sections else OTHERS, last)):
            with formatter.section(title):
                formatter.write_dl(records)

    def _title(self, parameter: click.Parameter, ctx: click.Context) -> str:
        if parameter.name in self._first:
            return FIRST
        return OTHER if parameter is self.get_help_option(ctx) else _group_of.get(parameter, OTHERS)

    def _rank(self, parameter: click.Parameter) -> int:
        """The needed ones in their own order; the others stay where they are."""
        return self._first.index(parameter.name) if parameter.name in self._first else len(self._first)


def _options_of(command: Callable[..., Any]) -> list[click.Parameter]:
    parameters: list[click.Parameter] = getattr(command, "__click_params__", [])
    return parameters
