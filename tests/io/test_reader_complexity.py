"""Files that end in one thing repeated; their work is bounded by the processor's time, with a factor of hundreds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import reader_complexity
from reader_complexity import STEEPEST, Tail, steepness

CPU_SECONDS = 20

READ = """
import resource, sys
from pathlib import Path
from depth3d.io.open_input import apple_depth_packet
resource.setrlimit(resource.RLIMIT_CPU, ({seconds}, {seconds}))
print(apple_depth_packet(Path(sys.argv[1])))
"""


READ_POINTS = """
import resource, sys
from pathlib import Path
import numpy as np
from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth
from depth3d.io.photos.photo import Photo
from depth3d.io.points.read import read_points
from depth3d.scale import fit_scale
resource.setrlimit(resource.RLIMIT_CPU, ({seconds}, {seconds}))
camera = Intrinsics(64, 48, 60, 60, 32, 24)
points = read_points(Path(sys.argv[1]), photo=Photo(np.zeros((48, 64, 3), np.uint8)), camera=camera)
fit_scale(InverseDepth(np.tile(np.linspace(0.2, 1, 64, dtype=np.float32), (48, 1))), camera, (points,))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the processor's time of a process")
def test_many_points_at_one_place_are_as_quick_as_any(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("u,v,z\n" + "30,20,2.0\n" * 300_000)
    code = READ_POINTS.format(seconds=CPU_SECONDS)
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr or f"more than {CPU_SECONDS} s of the processor's time"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the processor's time of a process")
@pytest.mark.parametrize("repeated", [b"<x:xmpmeta ", b"</x:xmpmeta>", b"<x:xmpmeta></x:xmpmeta>", b"<"])
def test_a_file_full_of_tags_is_looked_at_once(repeated: bytes, tmp_path: Path) -> None:
    path = tmp_path / "tail.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic" + repeated * (8_000_000 // len(repeated)))
    code = READ.format(seconds=CPU_SECONDS)
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "None\n"), f"more than {CPU_SECONDS} s of the processor's time"


@pytest.mark.parametrize(("power", "is_found"), [(1.0, False), (1.2, False), (2.0, True), (3.0, True)])
def test_what_grows_faster_than_its_file_is_told_from_what_does_not(
    power: float, is_found: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search fits times; here they are made up, with the noise of a processor's caches among the shorter ones."""

    def seconds(_name: str, _tail: Tail, length: int, _folder: Path) -> float:
        noise = 3.0 if length == reader_complexity.LENGTHS[1] and not is_found else 1.0
        return float(noise * 0.3 * (length / reader_complexity.LENGTHS[1]) ** power)

    monkeypatch.setattr(reader_complexity, "_seconds", seconds)
    assert (steepness("photo", Tail(".jpg", b"", 0, b"a"), tmp_path) >= STEEPEST) is is_found


def test_a_piece_is_repeated_where_it_belongs() -> None:
    assert Tail(".txt", b"begin end", 6, b"ab").of_length(5) == b"begin ababend"
