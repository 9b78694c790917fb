"""Files that end in one thing repeated; their work is bounded by the processor's time, with a factor of hundreds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CPU_SECONDS = 20

READ = """
import resource, sys
from pathlib import Path
from depth3d.io.open_input import apple_depth_packet
resource.setrlimit(resource.RLIMIT_CPU, ({seconds}, {seconds}))
print(apple_depth_packet(Path(sys.argv[1])))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the processor's time of a process")
@pytest.mark.parametrize("repeated", [b"<x:xmpmeta ", b"</x:xmpmeta>", b"<x:xmpmeta></x:xmpmeta>", b"<"])
def test_a_file_full_of_tags_is_looked_at_once(repeated: bytes, tmp_path: Path) -> None:
    path = tmp_path / "tail.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic" + repeated * (8_000_000 // len(repeated)))
    code = READ.format(seconds=CPU_SECONDS)
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "None\n"), f"more than {CPU_SECONDS} s of the processor's time"
