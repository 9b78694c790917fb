"""Choices, files and commands whose errors name the nearest right word."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from depth3d.cli.param_types import Choice
from depth3d.core.errors import nearest


def suggest_nearest(command: click.Command) -> click.Command:
    """The command, and those below it, with types whose errors do so."""
    for parameter in command.params:
        if type(parameter.type) is click.Choice:
            parameter.type = Choice(parameter.type.choices, case_sensitive=parameter.type.case_sensitive)
        elif type(parameter.type) is click.Path and parameter.type.exists:
            parameter.type = _ExistingPath(parameter.type)
    if isinstance(command, click.Group):
        for below in command.commands.values():
            suggest_nearest(below)
    return command


class _ExistingPath(click.Path):
    def __init__(self, like: click.Path) -> None:
        super().__init__(
            exists=True,
            file_okay=like.file_okay,
            dir_okay=like.dir_okay,
            readable=like.readable,
            path_type=like.type,
        )

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = Path(os.fspath(value))
        if not _is_there(path):
            what = f"{self.name.title()} {str(path)!r} does not exist"
            self.fail(what + nearest(str(path), _beside(path)), param, ctx)
        return super().convert(value, param, ctx)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name too long for any file
        return False


def _beside(path: Path) -> list[str]:
    try:
        return [str(one) for one in sorted(path.parent.iterdir())]
    except OSError:
        return []
