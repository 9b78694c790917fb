"""Progress on standard error, with the time that is left; only where someone looks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from depth3d.scenes.multiview.progress import Report


@contextmanager
def step_progress() -> Iterator[Report]:
    """Give a function (step, done, total) that draws one bar for each step of long work."""
    with ExitStack() as bars:
        shown: dict[str, Any] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in shown:
                bars.close()  # the bar of the step before
                shown[step] = bars.enter_context(click.progressbar(length=total, label=step, file=sys.stderr))
            shown[step].update(done - shown[step].pos)

        yield report
