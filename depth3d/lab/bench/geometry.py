"""Every figure about geometry, one section after the other. A new one is one more function and one more line here."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from depth3d.lab.bench.benchmark_frame import frame_of
from depth3d.lab.bench.decimation import light_meshes
from depth3d.lab.bench.edges import bench_edges, read_measured
from depth3d.lab.bench.file_writers import cloud_files, mesh_files
from depth3d.lab.bench.timing import Section
from depth3d.lab.evaluation.metrics import read_frames


def bench_geometry(photo: Path, *, rounds: int = 7, frames: Path | None = None) -> Iterator[Section]:
    """Measure on a photo cut to 1920x1080, a section at a time.

    Args:
        photo: any photo; what it shows decides how well textures compress.
        rounds: how often each work is timed; the medians are compared.
        frames: JSON list of photos with measured depth, as of `depth3d eval`; None leaves out what needs it.

    Raises:
        PhotoError: the file is not a photo.
        UsageError: no round.
    """
    frame = frame_of(photo)
    with tempfile.TemporaryDirectory(prefix="depth3d-") as name:
        folder = Path(name)
        yield cloud_files(frame, folder, rounds=rounds)
        yield mesh_files(frame, folder, rounds=rounds)
    if frames is not None:
        yield light_meshes(frames)
        yield bench_edges(map(read_measured, read_frames(frames)))
