"""A converted network run by OpenVINO, compiled for each size of picture that comes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.telemetry import import_openvino
from depth3d.predictors.runtimes.runtime_errors import runtime_failures

_SIZES_KEPT = 4
PRECISION_HINTS = {"fp32": "f32", "fp16": "f16", "bf16": "bf16", "int8": "f32"}
_CAPABILITIES = {"fp16": "FP16", "bf16": "BF16"}


class OpenvinoRuntime:
    """Runs OpenVINO's own file on the CPU.

    A network compiled for one size is a third faster than one for any size and takes a fraction of a second to compile.
    The photos of a camera have few shapes; those used last are kept.

    Args:
        path: the .xml or .onnx file.
        precision: how exact to compute; ``int8`` lies in the file.
        threads: how many threads it may use, or None for OpenVINO's own choice.

    Raises:
        RuntimeFailedError: OpenVINO cannot run the file.
    """

    def __init__(self, path: Path, *, precision: str = "fp32", threads: int | None = None) -> None:
        self._settings: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": PRECISION_HINTS[precision],
            "PERFORMANCE_HINT": "LATENCY",
        }
        if threads is not None:
            self._settings["INFERENCE_NUM_THREADS"] = threads
        self._compiled: OrderedDict[tuple[int, ...], Any] = OrderedDict()
        self._mine = threading.Lock()  # a compiled network computes one picture at a time
        with runtime_failures("OpenVINO"):
            self._model = _core().read_model(path)

    def __call__(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Runtime`."""
        with self._mine, runtime_failures("OpenVINO"):
            output = self._for_size((1, *picture.shape))(picture[None])[0]
            return np.array(output[0], np.float32)

    def _for_size(self, shape: tuple[int, ...]) -> Any:
        if shape not in self._compiled:
            while len(self._compiled) >= _SIZES_KEPT:
                self._compiled.popitem(last=False)
            self._model.reshape(list(shape))
            self._compiled[shape] = _core().compile_model(self._model, "CPU", self._settings)
        self._compiled.move_to_end(shape)
        return self._compiled[shape]


def openvino_precisions() -> tuple[str, ...]:
    """What this processor computes in hardware, as OpenVINO says."""
    with runtime_failures("OpenVINO"):
        able = set(_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
    halves = tuple(name for name, capability in _CAPABILITIES.items() if capability in able)
    return ("fp32", *halves, "int8")


@cache
def _core() -> Any:
    return import_openvino().Core()
