"""Errors of the command line that name the nearest right word."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import click

from depth3d.core.errors import nearest

_NO_COMMAND = re.compile(r"No such command '([^']*)'\.")
_NO_CHOICE = re.compile(r"'([^']*)' is not one of (.*)")
_NO_FILE = re.compile(r"(?:File|Path) '([^']*)' does not exist\.")


def with_suggestion(error: click.ClickException) -> str:
    """The error's message, and what the user may have meant where that can be told."""
    message = " ".join(error.format_message().split())
    if "Did you mean" in message or "did you mean" in message:
        return message
    for pattern, known in ((_NO_COMMAND, _commands), (_NO_CHOICE, _choices), (_NO_FILE, _files)):
        found = pattern.search(message)
        if found:
            return message.rstrip(".") + nearest(found[1], known(error, found))
    return message


def _commands(error: click.ClickException, _found: re.Match[str]) -> Iterable[str]:
    context = getattr(error, "ctx", None)
    if not isinstance(context, click.Context) or not isinstance(context.command, click.Group):
        return ()
    return context.command.list_commands(context)


def _choices(_error: click.ClickException, found: re.Match[str]) -> Iterable[str]:
    return re.findall(r"'([^']*)'", found[2])


def _files(_error: click.ClickException, found: re.Match[str]) -> Iterable[str]:
    folder = Path(found[1]).parent
    try:
        return [str(path) for path in sorted(folder.iterdir())]
    except OSError:
        return ()
