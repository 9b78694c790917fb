"""A batch that is killed at random moments and taken up again: is every photo there exactly once, every file whole?

    python -m depth3d.lab.bench.killed_batch ../shared/data --photos 500 --kills 5 [--ray]

The photos are small crops. Each run is ended with SIGKILL, as losing power does, and leaves its workers to themselves.
With --ray there is one run, on a local cluster, and it is the nodes that are killed; for each another one joins.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from depth3d.lab.bench.many_photos import make_photos

MARK = secrets.token_hex(8)
COMMAND = "if __name__ == '__main__':\n    from depth3d.cli import main\n    main()"


def main() -> None:
    """Kill, go on, and look at what is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, help="folder of photos")
    parser.add_argument("--photos", type=int, default=500)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ray", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        photos, output = Path(place) / "photos", Path(place) / "out"
        files = make_photos(chosen.sources, photos, chosen.photos, size=(160, 120), broken=chosen.photos // 50)
        rng = random.Random(chosen.seed)
        kills = sorted(rng.sample(range(chosen.photos // 50, chosen.photos * 19 // 20), chosen.kills))
        (kill_nodes if chosen.ray else kill_runs)(photos, output, kills)
        look(output, files)


def kill_runs(photos: Path, output: Path, kills: list[int]) -> None:
    """Run until killed, again and again, and once to the end."""
    command = [sys.executable, "-c", COMMAND, "batch", str(photos), "-o", str(output)]
    command += ["--write", ".npy", "--fov", "60", "--predictor", "bundled"]
    for rows in kills:
        killed_after = kill_at(command, output / "manifest.jsonl", rows)
        left = len(list(output.glob("*.part")))
        print(f"killed with {killed_after} rows in the manifest, {left} half-written files", flush=True)
    begun = {path: path.stat().st_mtime_ns for path in output.glob("*.npy")}
    rows = count_rows(output / "manifest.jsonl")
    subprocess.run(command, check=True)
    again = sum(path.stat().st_mtime_ns != then for path, then in begun.items())
    print(f"the last run began with {rows} rows; files without a row that were written again: {again}")


def kill_nodes(photos: Path, output: Path, kills: list[int]) -> None:
    """One run on a cluster whose nodes die and are replaced."""
    import ray
    from ray.cluster_utils import Cluster

    from depth3d.batch.run import Batch, run_batch
    from depth3d.scenes.options import Options

    small: dict[str, Any] = {"object_store_memory": 100 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **small})
    nodes = [cluster.add_node(num_cpus=1, **small) for _ in range(len(os.sched_getaffinity(0)))]
    ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
    waiting = list(kills)

    def look_on(row: Any, tally: Any) -> None:
        if waiting and tally.done + tally.failed >= waiting[0]:
            waiting.pop(0)
            cluster.remove_node(nodes.pop(0), allow_graceful=False)
            nodes.append(cluster.add_node(num_cpus=1, wait=False, **small))
            print(f"a node killed with {tally.done + tally.failed} rows in the manifest, another joins", flush=True)

    batch = Batch(
        inputs=(str(photos),),
        output=str(output),
        endings=(".npy",),
        options=Options.of(fov_x_deg=60, predictor="bundled"),
        engine="ray",
    )
    try:
        print(run_batch(batch, progress=look_on))
    finally:
        ray.shutdown()
        cluster.shutdown()


def kill_at(command: list[str], manifest: Path, rows: int) -> int:
    """Run until the manifest has so many rows, wait a random moment, kill; gives how many it has then."""
    marked = os.environ | {"PULL_THE_PLUG": MARK}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=marked)
    while count_rows(manifest) < rows and process.poll() is None:
        time.sleep(0.05)
    time.sleep(random.random() / 2)
    process.kill()
    process.wait()
    return count_rows(manifest)


def count_rows(manifest: Path) -> int:
    """Lines of the manifest."""
    return manifest.read_bytes().count(b"\n") if manifest.exists() else 0


def look(output: Path, files: list[Path]) -> None:
    """Every photo once, every file of the size its row says and readable, nothing else there."""
    rows = [json.loads(line) for line in (output / "manifest.jsonl").read_text().splitlines()]
    photos = [row["photo"] for row in rows]
    assert sorted(photos) == sorted(map(str, files)), "a photo is missing or there twice"
    told = {output["file"]: output["bytes"] for row in rows for output in row["outputs"]}
    there = {path.name: path.stat().st_size for path in output.iterdir() if not path.name.startswith((".", "manifest"))}
    assert told == there, "a file is missing, cut, or of no photo"
    assert all(np.load(path).shape == (120, 160) for path in output.glob("*.npy"))
    failed = [row["error"] for row in rows if row["error"]]
    orphans = [process for process in Path("/proc").iterdir() if process.name.isdigit() and _is_ours(process)]
    print(f"{len(rows)} rows for {len(files)} photos, each once; {len(there)} files, all whole; {len(failed)} failed")
    print(f"workers of killed runs that are still there: {len(orphans)}")


def _is_ours(process: Path) -> bool:
    try:
        return MARK.encode() in (process / "environ").read_bytes()
    except OSError:
        return False


if __name__ == "__main__":
    main()
