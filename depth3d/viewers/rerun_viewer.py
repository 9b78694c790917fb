"""Rerun's viewer: scenes open in its own window, which ends the wait when it is closed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from depth3d.core.errors import ViewerError
from depth3d.core.recording import Recording
from depth3d.io.recordings.rrd import import_rerun
from depth3d.io.save import save


def show_in_rerun(recordings: Sequence[tuple[Recording, Mapping[str, str]]]) -> None:
    """Show recordings, each with the notes that go with it, and wait until the viewer is closed.

    The viewer would count its use and report that; it is told not to, by its own command, which holds from then on.

    Raises:
        MissingExtraError: rerun-sdk is not installed.
        ViewerError: the viewer cannot open.
    """
    import_rerun()
    with tempfile.TemporaryDirectory(prefix="depth3d-") as folder:
        files = [
            save(recording, Path(folder) / f"{number}.rrd", notes=notes)
            for number, (recording, notes) in enumerate(recordings)
        ]
        _run("analytics", "disable", shows=False)
        _run(*map(str, files), shows=True)


def _run(*arguments: str, shows: bool) -> None:
    ended = subprocess.run([sys.executable, "-m", "rerun", *arguments], check=False, capture_output=True, text=True)
    if shows and ended.returncode != 0:
        last = next((line.strip() for line in reversed(ended.stderr.splitlines()) if line.strip()), "no reason given")
        raise ViewerError(
            f"Rerun's viewer cannot open: {last[:200]}",
            remedy="write the scene with -o scene.rrd and open it elsewhere",
        )
