"""Processes that work for another one end with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from conftest import wait_until

SCRIPT = """
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from depth3d.core.child_process import end_with_parent
if __name__ == "__main__":
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=end_with_parent)
    print(pool.submit(os.getpid).result(), flush=True)
    input()
"""


def test_a_killed_parent_leaves_no_worker(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(SCRIPT)
    parent = subprocess.Popen([sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = Path("/proc") / parent.stdout.readline().strip()
    assert (worker / "stat").is_file()
    parent.kill()
    parent.communicate()
    wait_until(lambda: has_ended(worker), "the worker outlived its parent")


def has_ended(process: Path) -> bool:
    try:
        return (process / "stat").read_text().split(") ")[1][0] == "Z"
    except OSError:
        return True
