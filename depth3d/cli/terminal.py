"""What commands say: results on standard output, all else on standard error, in colour on terminals only."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from depth3d.cli.grouped_help import OTHER, in_group
from depth3d.cli.param_types import Command

_VERBOSE, _JSON = "depth3d.verbose", "depth3d.json"
_ERASE = "\r\x1b[K"
_passing: list[str] = []


@in_group(OTHER)
def verbose_option(command: Command) -> Command:
    """-v, which `step` and `is_verbose` obey."""
    return click.option(
        "-v",
        "--verbose",
        is_flag=True,
        expose_value=False,
        callback=_remember(_VERBOSE),
        help="Say more: every hint's agreement, what the network is, how long each step took.",
    )(command)


def json_option(help_text: str) -> Callable[[Command], Command]:
    """--json, which `result` obeys."""
    return click.option("--json", is_flag=True, expose_value=False, callback=_remember(_JSON), help=help_text)


def is_verbose() -> bool:
    """Whether the user asked for more words."""
    return _asked(_VERBOSE)


def wants_json() -> bool:
    """Whether the user asked for JSON."""
    return _asked(_JSON)


def result(text: str, facts: dict[str, Any]) -> None:
    """What a command was run for: a line, or a line of JSON where the user asked for that."""
    _erase()
    line = json.dumps(facts, ensure_ascii=False, default=_plain) if wants_json() else text
    click.echo(line.encode("utf-8", "backslashreplace").decode("utf-8"))  # names of files need not be text


def say(text: str, *, who: str = "", colour: str | None = None) -> None:
    """One line on standard error; `who` speaks goes first, in colour."""
    _erase()
    name = click.style(f"{who}: ", fg=colour, bold=True) if who else ""
    click.echo(f"{name}{text}", err=True, color=False if os.environ.get("NO_COLOR") else None)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Show on a terminal what takes its time, for as long as it does; with -v say afterwards how long it took."""
    start = time.perf_counter()
    _passing.append(f"{what} ...")
    _draw()
    try:
        yield
    finally:
        _erase()
        _passing.pop()
        _draw()
    if is_verbose():
        say(f"{what}: {time.perf_counter() - start:.2f} s")


def _remember(key: str) -> Callable[[click.Context, click.Parameter, bool], None]:
    def remember(context: click.Context, _option: click.Parameter, value: bool) -> None:
        context.find_root().meta[key] = value

    return remember


def _asked(key: str) -> bool:
    context = click.get_current_context(silent=True)
    return bool(context and context.find_root().meta.get(key))


def _plain(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _draw() -> None:
    if _passing and sys.stderr.isatty():
        click.echo(_passing[-1], nl=False, err=True)


def _erase() -> None:
    if _passing and sys.stderr.isatty():
        click.echo(_ERASE, nl=False, err=True)
