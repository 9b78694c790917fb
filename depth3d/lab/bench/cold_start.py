"""Whole commands, cold start included: ours beside the plain script, and where our time goes."""

from __future__ import annotations

import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import cv2

from depth3d.core.errors import UsageError
from depth3d.io.photos.photo import read_photo
from depth3d.lab.bench import plain_script
from depth3d.lab.bench.networks import weights_to_measure
from depth3d.lab.bench.timing import Figure, Row, Section
from depth3d.predictors.runtimes.machine_info import installed
from depth3d.predictors.runtimes.measure import take_turns
from depth3d.predictors.runtimes.open_network import open_network

LARGE, SMALL = (4000, 3000), (1632, 1224)
MAX_POINTS = 1_000_000
_HELP_S, _SMALL_S, _OF_PLAIN = 0.2, 1.5, 100 / 3


def bench_command(photo: Path, *, rounds: int = 5) -> tuple[Section, ...]:
    """Time whole commands on a photo, enlarged or reduced to 12 and to 2 megapixels.

    Args:
        photo: any photo.
        rounds: how often each command is run, in turns; the medians count.

    Raises:
        PhotoError: the file is not a photo.
        UsageError: no round.
    """
    if rounds < 1:
        raise UsageError(f"a benchmark needs at least one round, got {rounds}")
    with tempfile.TemporaryDirectory(prefix="depth3d-") as name, weights_to_measure("midas_small") as (found, title):
        folder = Path(name)
        large, small = (_jpeg(photo, folder, size) for size in (LARGE, SMALL))
        ours = open_network(found).way  # converts, so that the commands find it done
        commands = _commands(large, small, found.path, folder)
        _warm(commands)
        seconds = {what: statistics.median(times) for what, times in take_turns(commands, rounds=rounds).items()}
        stages = _stages(small, found.path, folder, rounds)
    rows = tuple(Row(what, value, 0) for what, value in seconds.items())
    remarks = [f"the network is {title}, in {ours}"]
    if _PLAIN not in seconds:
        remarks.append("Open3D is not installed, so the plain script is not compared: pip install 'depth3d[view]'")
    if not installed():
        remarks.append("without the extra fast every command imports torch: pip install 'depth3d[fast]'")
    whole = Section("whole commands, cold start included", rows, _figures(seconds), tuple(remarks))
    steps = tuple(Row(what, value, 0) for what, value in stages.items())
    return whole, Section(f"{_OURS_SMALL}, step by step", steps)


_HELP = "depth3d --help"
_PLAIN = "plain script (torch, Open3D), 12 MP"
_OURS = "depth3d export, 12 MP"
_OURS_SMALL = "depth3d export, 2 MP"
_IN_TORCH = "depth3d export --runtime torch, 12 MP"


def _commands(large: Path, small: Path, weights: Path, folder: Path) -> dict[str, Callable[[], object]]:
    """What is run, by name; geometry goes to the same file again and again."""
    out = folder / "out.ply"
    commands: dict[str, list[str]] = {
        _HELP: _depth3d("--help"),
        _OURS_SMALL: _export(small, weights, out),
        _OURS: _export(large, weights, out),
        _IN_TORCH: [*_export(large, weights, out), "--runtime", "torch"],
    }
    if importlib.util.find_spec("open3d") is not None:
        script = str(Path(plain_script.__file__))
        commands[_PLAIN] = [sys.executable, script, str(large), str(weights), str(out), str(MAX_POINTS)]
    return {name: partial(_run, command) for name, command in commands.items()}


def _export(photo: Path, weights: Path, out: Path) -> list[str]:
    points = ("--max-points", str(MAX_POINTS), "--force")
    return _depth3d("export", str(photo), "--weights", str(weights), "-o", str(out), *points)


def _depth3d(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from depth3d.cli import main; main()", *arguments]


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own commands
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise UsageError(f"the command to measure failed: {lines[-1][:200]}")
    return done.stdout


def _warm(commands: Mapping[str, Callable[[], object]]) -> None:
    """Once without the clock, so that files lie in the system's cache for everyone."""
    for command in commands.values():
        command()


def _stages(photo: Path, weights: Path, folder: Path, rounds: int) -> dict[str, float]:
    paths = (photo, weights, folder / "out.ply")
    command = [sys.executable, "-m", "depth3d.lab.bench.stages", *map(str, paths), str(MAX_POINTS)]
    runs = [json.loads(_run(command).splitlines()[-1]) for _ in range(rounds)]
    return {stage: statistics.median(run[stage] for run in runs) for stage in runs[0]}


def _jpeg(photo: Path, folder: Path, size: tuple[int, int]) -> Path:
    rgb = cv2.resize(read_photo(photo).rgb, size, interpolation=cv2.INTER_CUBIC)
    path = folder / f"{size[0]}x{size[1]}.jpg"
    cv2.imwrite(str(path), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])
    return path


def _figures(seconds: Mapping[str, float]) -> tuple[Figure, ...]:
    figures = [Figure("help", seconds[_HELP], _HELP_S, at_least=False, unit=" s")]
    if installed():
        figures.append(Figure("2 MP photo to PLY", seconds[_OURS_SMALL], _SMALL_S, at_least=False, unit=" s"))
    if installed() and _PLAIN in seconds:
        share = 100 * seconds[_OURS] / seconds[_PLAIN]
        figures.append(Figure("12 MP photo to PLY, of the plain script", share, _OF_PLAIN, at_least=False, unit=" %"))
    return tuple(figures)
