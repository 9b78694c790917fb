"""Where a photo's way to a file spends its time, step by step. Run by `cold_start` in a process of its own.

python -m depth3d.lab.bench.stages PHOTO WEIGHTS OUT MAX_POINTS
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import reduce, wraps
from pathlib import Path
from typing import Any

STAGES = {
    "read the photo": ("depth3d.scenes.unscaled_photo", "read_photo"),
    "find the camera": ("depth3d.scenes.unscaled_photo", "choose_camera"),
    "load the network": ("depth3d.scenes.lazy_network", "load_predictor"),
    "predict": ("depth3d.predictors.network", "NetworkPredictor.predict"),
    "refine edges": ("depth3d.scenes.lazy_network", "refine_depth"),
    "fit the scale": ("depth3d.scenes.photo", "fit_scale"),
    "make and write geometry": ("depth3d.scenes.scene", "Scene.save"),
}
"""What is timed: module and function. None of them calls another."""


def run_timed(photo: Path, weights: Path, out: Path, max_points: int) -> dict[str, float]:
    """Turn a photo into a file and return seconds by step, with those of starting up and of the rest."""
    begin = time.perf_counter()
    seconds: dict[str, float] = {}
    from depth3d.scenes.options import Options, OutputOptions
    from depth3d.scenes.photo import reconstruct

    for room in {room for room, _ in STAGES.values()}:
        importlib.import_module(room)
    seconds["start Python, import"] = time.perf_counter() - begin + _PYTHON_S
    with ExitStack() as put_back:
        for name, (room, path) in STAGES.items():
            *classes, function = path.split(".")
            owner = reduce(getattr, classes, importlib.import_module(room))
            put_back.callback(setattr, owner, function, getattr(owner, function))
            setattr(owner, function, _timed(getattr(owner, function), name, seconds))
        scene = reconstruct(photo, options=Options.of(weights=weights))
        scene.save(out, options=OutputOptions.of(max_points=max_points), force=True)
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
    _photo, _weights, _out, _points = sys.argv[1:]
    sys.stdout.write(json.dumps(run_timed(Path(_photo), Path(_weights), Path(_out), int(_points))) + "\n")
