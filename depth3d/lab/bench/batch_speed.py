"""How many photos a second: `depth3d batch` with one process of one thread, with all cores, and plain loops.

    python -m depth3d.lab.bench.batch_speed ../shared/data --photos 40 --rounds 3

All use one network, MiDaS small with arbitrary weights, and write relative depth as 16-bit PNG. The loops compute in
single precision; with such weights so do batches by themselves, while with the official ones they take bfloat16 where
the processor has it: `--precision bf16` has them do so here. What is compared runs in turns, so a disturbance meets
all alike; figures are medians over the rounds. Start-up is left out (first photo to last) but for the script that is
started for each photo, as a shell's loop does. The last column is the cost of a million photos at a price per core and
hour.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from depth3d.lab.bench.many_photos import make_photos

HUB_STYLE = Path(__file__).with_name("torch_hub_script.py")
SCRIPT_PHOTOS = 3


def main() -> None:
    """Measure in turns, then print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, help="folder of photos")
    parser.add_argument("--photos", type=int, default=40, help="for each, in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, nargs=2, default=(1280, 960), help="of the photos")
    parser.add_argument("--precision", default="auto", help="that batches compute in")
    parser.add_argument("--price", type=float, default=0.04, help="of a core for an hour")
    chosen = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    batch = partial(one_batch, precision=chosen.precision)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        photos = make_photos(chosen.sources, folder / "photos", chosen.photos, size=tuple(chosen.size))
        weights = make_weights(folder / "midas_small.pt")
        arms: dict[str, Callable[[], float]] = {
            "script started for each photo": lambda: script_for_each(photos[:SCRIPT_PHOTOS], weights, folder),
            "the same script, one loop": lambda: one_loop(photos, weights, folder),
            "batch, 1 process of 1 thread": lambda: batch(folder, weights, workers=1, threads=1),
            f"batch, {cores} processes": lambda: batch(folder, weights, workers=cores, threads=1),
            "the same, edges as they come": lambda: batch(folder, weights, workers=cores, threads=1, refine=False),
        }
        batch(folder, weights, workers=1, threads=1)  # converts the network, once
        found: dict[str, list[float]] = {name: [] for name in arms}
        for _ in range(chosen.rounds):
            for name, measure in arms.items():
                found[name].append(measure())
    print_table(found, cores, chosen.price)


def make_weights(path: Path) -> Path:
    """A checkpoint with the official layout; how fast a network is does not depend on its numbers."""
    import torch

    from depth3d.predictors.midas import build_network
    from depth3d.predictors.spec import MIDAS_SMALL

    torch.manual_seed(0)
    torch.save(build_network(MIDAS_SMALL).state_dict(), path)
    return path


def script_for_each(photos: list[Path], weights: Path, folder: Path) -> float:
    """Photos a second, starting Python again for each."""
    begun = time.perf_counter()
    for photo in photos:
        subprocess.run([sys.executable, HUB_STYLE, weights, folder, photo], check=True, stdout=subprocess.DEVNULL)
    return len(photos) / (time.perf_counter() - begun)


def one_loop(photos: list[Path], weights: Path, folder: Path) -> float:
    """Photos a second of the script that does all, with as many threads as torch likes."""
    command = [sys.executable, *map(str, (HUB_STYLE, weights, folder, *photos))]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        times = [time.perf_counter() for _ in process.stdout]
    return (len(times) - 1) / (times[-1] - times[0])


def one_batch(
    folder: Path, weights: Path, *, workers: int, threads: int, precision: str, refine: bool | None = None
) -> float:
    """Photos a second of ours; the loops do nothing for edges."""
    from depth3d.batch.run import Batch, run_batch
    from depth3d.scenes.options import Options, OutputOptions

    times: list[float] = []
    run_batch(
        Batch(
            inputs=(str(folder / "photos"),),
            output=str(folder / f"out{workers}"),
            kind="relative",
            options=Options.of(weights=weights, threads=threads, fov_x_deg=60, refine=refine, precision=precision),
            output_options=OutputOptions.of(provenance=False),
            workers=workers,
            force=True,
        ),
        progress=lambda row, tally: times.append(time.perf_counter()),
    )
    return (len(times) - workers) / (times[-1] - times[workers - 1])


def print_table(found: dict[str, list[float]], cores: int, price: float) -> None:
    """Rates, their ratios to the first, and what a million cost."""
    print(f"{cores} cores, medians of {len(next(iter(found.values())))} rounds\n")
    print(f"{'':32}{'photos/s':>9}{'x script':>10}{'x loop':>8}{'core hours / million':>22}{'price':>8}")
    script, loop = list(found.values())[:2]
    for name, rates in found.items():
        used = 1 if "1 process" in name else cores
        hours = 1e6 / statistics.median(rates) / 3600 * used
        versus = [statistics.median(a / b for a, b in zip(rates, other, strict=True)) for other in (script, loop)]
        print(
            f"{name:32}{statistics.median(rates):9.2f}{versus[0]:10.1f}{versus[1]:8.1f}"
            f"{hours:22.0f}{hours * price:8.0f}"
        )
    single, all_cores = list(found.values())[2:4]
    share = statistics.median(many / one / cores for many, one in zip(all_cores, single, strict=True))
    print(f"\nall cores give {share:.0%} of {cores} times one process of one thread")


if __name__ == "__main__":
    main()
