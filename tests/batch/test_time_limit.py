"""A photo that never ends, and holds the interpreter meanwhile, becomes a failed row; the others are done."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

import depth3d as d3
from depth3d.batch.cluster import _Actor
from depth3d.batch.local import Workers
from depth3d.batch.manifest_row import Row
from depth3d.batch.process_photo import Job, Recipe
from depth3d.batch.run import Batch, run_batch
from depth3d.batch.time_limit import time_limit, timed_out_photos
from depth3d.core.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowRecipe(Recipe):
    """Works for ever on a photo called so, as a decoder without end does."""

    def check_worker(self) -> None:
        """Load nothing."""

    def make(self, job: Job) -> Row:
        """Hold the interpreter for ever, or do nothing."""
        if "endless" in job.photo:
            re.fullmatch("(a+)+b", "a" * 60)
        return Row(photo=job.photo, recipe=self.digits)


def _jobs(count: int, endless: set[int]) -> list[Job]:
    return [Job(f"endless\udc80{i}.jpg" if i in endless else f"{i}.jpg", str(i)) for i in range(count)]


def test_a_photo_without_end_is_a_failed_row_and_the_others_are_done(tmp_path: Path) -> None:
    recipe = SlowRecipe(output=str(tmp_path), endings=(".png",), kind=None, options=d3.Options(), seconds_per_photo=1)
    with Workers(recipe, 2) as workers:
        rows = {row.photo: row.error for row in workers.rows(_jobs(5, {2}))}
    assert len(rows) == 5
    assert {photo for photo, error in rows.items() if error} == {"endless\udc802.jpg"}
    assert rows["endless\udc802.jpg"] == "took longer than 1 s; --time-limit allows more"


def test_an_actor_of_a_cluster_keeps_the_limit_too(tmp_path: Path) -> None:
    """What Ray calls on each of its machines; a cluster is not needed for that."""
    recipe = SlowRecipe(output=str(tmp_path), endings=(".png",), kind=None, options=d3.Options(), seconds_per_photo=1)
    actor = _Actor(recipe.to_bytes())
    done = actor({"job": [json.dumps(asdict(job)) for job in _jobs(3, {1})]})
    assert done["end"] == [""] * 3
    rows = {row.photo: row.error for row in map(Row.from_json, done["row"])}
    assert {photo for photo, error in rows.items() if error} == {"endless\udc801.jpg"}
    assert str(rows["endless\udc801.jpg"]).startswith("took longer than 1 s")


def test_a_photo_that_is_done_in_time_leaves_nothing_behind(tmp_path: Path) -> None:
    with time_limit(tmp_path, "a.jpg", 1000):
        assert len(list(tmp_path.iterdir())) == 1
    assert timed_out_photos(tmp_path) == set()
    with time_limit(tmp_path, "a.jpg", None):
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_a_limit_is_positive(seconds: float, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    with pytest.raises(UsageError, match="cannot take"):
        run_batch(
            Batch(
                inputs=(str(tmp_path / "a.jpg"),),
                output=str(tmp_path / "out"),
                options=d3.Options.of(predictor="bundled"),
                seconds_per_photo=seconds,
            )
        )
