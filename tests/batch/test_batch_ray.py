"""A batch on a real Ray cluster of several nodes, one of which dies in the middle."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray
from conftest import HUNG_S, wait_until
from PIL import Image
from ray.cluster_utils import Cluster

from depth3d.batch.captures_at_once import on_ray
from depth3d.batch.fuse_captures import CaptureRow, fuse_captures
from depth3d.batch.manifest_row import Row
from depth3d.batch.run import Batch, Tally, run_batch
from depth3d.core.errors import EngineError, GeometryError
from depth3d.scenes.options import Options

pytestmark = pytest.mark.ray

MEGABYTES = 2**20
PHOTOS = 48


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """Three nodes, the first of which does no work, as the one that a user sits at."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_worker_niceness", "0")
    quick_to_notice = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 1000}
    head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": 80 * MEGABYTES}
    cluster = Cluster(initialize_head=True, head_node_args={**head, "_system_config": quick_to_notice})
    try:
        ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


def test_a_cluster_that_does_not_answer_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_answer(**_: object) -> None:
        raise ConnectionError("Could not find any running Ray instance")

    monkeypatch.setattr(ray, "init", no_answer)
    monkeypatch.setenv("RAY_ADDRESS", "elsewhere:6379")
    Image.new("RGB", (24, 16)).save(tmp_path / "a.png")
    batch = Batch(
        inputs=(str(tmp_path / "a.png"),),
        output=str(tmp_path / "out"),
        options=Options.of(predictor="bundled"),
        engine="ray",
    )
    with pytest.raises(EngineError, match=r"no Ray cluster answers \(elsewhere:6379\): Could not find"):
        run_batch(batch)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of Ray's own processes
def test_a_node_that_dies_takes_no_photo_with_it(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # paths may be given from here, and nodes work elsewhere
    photos, output = tmp_path / "photos", Path("out")
    photos.mkdir()
    for number in range(PHOTOS):
        rgb = np.random.default_rng(number).integers(0, 255, (16, 24, 3), dtype=np.uint8)
        Image.fromarray(rgb).save(photos / f"{number:02d}.png")
    (photos / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    np.save(tmp_path / "depth.npy", np.linspace(0.2, 1, 24 * 16, dtype=np.float32).reshape(16, 24))
    size = {"num_cpus": 1, "object_store_memory": 80 * MEGABYTES}
    nodes: list[Any] = [cluster.add_node(wait=False, **size) for _ in range(2)]
    cluster.wait_for_nodes(timeout=HUNG_S)
    seen: list[str] = []

    def kill_the_first(row: Row, tally: Tally) -> None:
        seen.append(row.photo)
        if len(seen) == 5:
            cluster.remove_node(nodes[0], allow_graceful=False)

    batch = Batch(
        inputs=(str(photos),),
        output=str(output),
        options=Options.of(depth_map=Path("depth.npy"), fov_x_deg=60),
        engine="ray",
        endings=(".npy",),
        same_view=True,
    )
    tally = run_batch(batch, progress=kill_the_first)
    assert (tally.photos, tally.done, tally.failed) == (PHOTOS + 1, PHOTOS, 1)
    rows = [json.loads(line) for line in (output / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    assert sorted(row["photo"] for row in rows) == sorted(str(path) for path in photos.iterdir())
    for row in rows:
        assert bool(row["error"]) == row["photo"].endswith("broken.png")
        for told in row["outputs"]:
            assert (output / told["file"]).stat().st_size == told["bytes"]
    assert len(list(output.glob("*.npy"))) == PHOTOS
    # The cluster notices a death by silence.
    wait_until(lambda: sum(node["Alive"] for node in ray.nodes()) <= 2, "the node was never missed")
    assert run_batch(batch).before == PHOTOS + 1
    # Whole captures go the same way, to the node that is left.
    captures = [tmp_path / name for name in ("hall", "attic")]
    for capture in captures:
        capture.mkdir()

    def make_place(source: Path, folder: Path) -> CaptureRow:
        if source.name == "attic":
            raise GeometryError("nothing in attic")
        (folder / "room.ply").write_text(f"made of {source.name}")
        return CaptureRow(place="", source="", files=("room.ply",), photos=3)

    places = fuse_captures(captures, tmp_path / "places", make_place, recipe="1", at_once=on_ray(2))
    assert [place.error for place in places] == [None, "nothing in attic"]
    assert (tmp_path / "places" / "hall" / "room.ply").read_text() == "made of hall"
