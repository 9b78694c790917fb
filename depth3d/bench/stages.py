"""Where a command spends its time, step by step. Run by `command` in a process of its own.

python -m depth3d.bench.stages export photo.jpg -o photo.ply
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

STAGES = {
    "read the photo": ("depth3d.pipeline", "read_photo"),
    "find the camera": ("depth3d.pipeline", "choose_camera"),
    "load the network": ("depth3d.pipeline", "load_predictor"),
    "predict": ("depth3d.predictors.network", "NetworkPredictor.predict"),
    "refine edges": ("depth3d.pipeline", "polish"),
    "fit the scale": ("depth3d.pipeline", "fit_scale"),
    "make and write geometry": ("depth3d.scene", "Scene.save"),
}
"""What is timed: module and function. None of them calls another."""


def run_timed(arguments: list[str]) -> dict[str, float]:
    """Run a command of the command line and return seconds by step, with those of starting up and of the rest."""
    begin = time.perf_counter()
    seconds: dict[str, float] = {}
    from depth3d.cli import run

    for room in {room for room, _ in STAGES.values()}:
        importlib.import_module(room)
    seconds["start Python, import"] = time.perf_counter() - begin + _PYTHON_S
    for name, (room, path) in STAGES.items():
        owner: Any = importlib.import_module(room)
        *classes, function = path.split(".")
        for one in classes:
            owner = getattr(owner, one)
        setattr(owner, function, _timed(getattr(owner, function), name, seconds))
    code = run(arguments)
    if code:
        sys.exit(code)
    total = time.perf_counter() - begin + _PYTHON_S
    seconds["everything else"] = total - sum(seconds.values())
    return seconds


def _timed(function: Callable[..., Any], name: str, seconds: dict[str, float]) -> Callable[..., Any]:
    @wraps(function)
    def timed(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - start

    return timed


_PYTHON_S = time.process_time()  # what Python needed to come here

if __name__ == "__main__":
    sys.stdout.write(json.dumps(run_timed(sys.argv[1:])) + "\n")
