"""An engine without processes, for tests that are about something else: processes take seconds to start."""

from __future__ import annotations

from collections.abc import Iterator

from depth3d.batch.manifest_row import Row
from depth3d.batch.process_photo import Job, Recipe


def rows_in_this_process(jobs: list[Job], recipe: Recipe, *, workers: int) -> Iterator[Row]:
    """Do photos one after the other, here."""
    for job in jobs:
        yield recipe.make(job)
