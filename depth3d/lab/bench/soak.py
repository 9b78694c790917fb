"""Thousands of photos, some of them broken: do memory and open files stay what they were?

    python -m depth3d.lab.bench.soak ../shared/data --photos 2000 --broken 300

Prints resident memory and open files of each process of a `depth3d batch` as it goes, and at the end how much they have
grown from the first quarter to the last. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

from depth3d.batch.manifest_row import Row
from depth3d.batch.run import Batch, Tally, run_batch
from depth3d.lab.bench.many_photos import make_photos
from depth3d.scenes.options import Options

PRINTS = 20


@dataclass(frozen=True)
class Reading:
    """What one process holds: megabytes of memory, open files."""

    megabytes: float
    files: int

    @classmethod
    def of(cls, pid: int) -> Reading:
        """Of a process that runs."""
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        return cls(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, files)


class Watch:
    """Readings of this process and its workers, taken now and then."""

    def __init__(self, photos: int) -> None:
        self.step = max(1, photos // PRINTS)
        self.readings: list[list[Reading]] = []

    def look(self, row: Row, tally: Tally) -> None:
        """After each photo."""
        count = tally.done + tally.failed
        if count % self.step:
            return
        pids = [os.getpid(), *(child.pid for child in multiprocessing.active_children() if child.pid)]
        self.readings.append([Reading.of(pid) for pid in pids])
        told = "   ".join(f"{one.megabytes:6.0f} MB {one.files:3d} files" for one in self.readings[-1])
        print(f"{count:6d} photos, {tally.failed:4d} failed, {tally.seconds:6.0f} s:   {told}", flush=True)

    def grown(self) -> str:
        """From the first quarter, after the first reading, to the last."""
        quarter = max(1, len(self.readings) // 4)
        first, last = self.readings[1 : 1 + quarter], self.readings[-quarter:]
        words = []
        for number in range(len(self.readings[0])):
            before, after = (
                (statistics.median(r[number].megabytes for r in part), max(r[number].files for r in part))
                for part in (first, last)
            )
            words.append(f"{before[0]:.0f} -> {after[0]:.0f} MB, {before[1]} -> {after[1]} files")
        return "; ".join(words)


def main() -> None:
    """Make photos, do them, look on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", type=Path, help="folder of photos")
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--broken", type=int, default=300)
    parser.add_argument("--size", type=int, nargs=2, default=(160, 120))
    parser.add_argument("--write", nargs="+", default=[".png", ".ply"])
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        photos = Path(place) / "photos"
        make_photos(chosen.sources, photos, chosen.photos, size=tuple(chosen.size), broken=chosen.broken)
        watch = Watch(chosen.photos)
        tally = run_batch(
            Batch(
                inputs=(str(photos),),
                output=str(Path(place) / "out"),
                endings=tuple(chosen.write),
                options=Options.of(predictor="bundled"),
            ),
            progress=watch.look,
        )
    print(f"{tally.photos} photos, {tally.done} done, {tally.failed} failed, {tally.seconds:.0f} s")
    print(f"first quarter to last, this process and its workers: {watch.grown()}")


if __name__ == "__main__":
    main()
