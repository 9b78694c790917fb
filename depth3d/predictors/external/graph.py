"""An ONNX file as something that runs: its inputs and outputs by name, whichever library runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import MissingExtraError, UsageError, WeightsError
from depth3d.core.options import DepthOptions
from depth3d.core.telemetry import import_onnxruntime, import_openvino
from depth3d.predictors.runtimes.machine_info import installed
from depth3d.predictors.runtimes.openvino_runtime import PRECISION_HINTS
from depth3d.predictors.runtimes.runtime_errors import runtime_failures

Arrays = dict[str, NDArray[Any]]
_ERRORS_ONLY = 3
_DTYPES: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a graph.

    Attributes:
        name: as the file calls it.
        shape: its axes; None where an axis may have any length.
        dtype: what its numbers are.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: type[np.generic]


class Graph:
    """An ONNX file, loaded by onnxruntime or OpenVINO.

    Args:
        path: the file.
        runtime: ``auto``, ``onnxruntime`` or ``openvino``.
        threads: how many threads it may use, or None for the library's own choice.
        precision: how exact OpenVINO computes; onnxruntime does as the file says.

    Raises:
        UsageError: torch cannot run ONNX files.
        MissingExtraError: the library is not installed.
        WeightsError: the library cannot read the file.
    """

    def __init__(
        self, path: Path, *, runtime: str = DepthOptions().runtime, threads: int | None = None, precision: str = "fp32"
    ) -> None:
        self.path = path
        self.runtime = available(runtime)
        if not path.is_file():
            raise WeightsError(f"{path}: no such ONNX file")
        with runtime_failures(f"{path}: {self.runtime}"):
            if self.runtime == "onnxruntime":
                self._run, self.inputs, self.outputs, self.metadata = _in_onnxruntime(path, threads)
            else:
                self._run, self.inputs, self.outputs, self.metadata = _in_openvino(path, threads, precision)

    def __call__(self, inputs: Mapping[str, NDArray[Any]]) -> Arrays:
        """Every output by name.

        Raises:
            WeightsError: the graph does not take such an input.
        """
        with runtime_failures(f"{self.path.name} in {self.runtime}"):
            values: list[NDArray[Any]] = self._run(dict(inputs))
        return {port.name: np.asarray(value) for port, value in zip(self.outputs, values, strict=True)}


def available(runtime: str) -> str:
    """The library that runs ONNX files, if it is installed; ``auto`` is the first that is.

    Raises:
        UsageError: torch, which cannot.
        MissingExtraError: it is not installed.
    """
    if runtime == "torch":
        raise UsageError("torch cannot run ONNX files; use --runtime onnxruntime or openvino")
    if runtime == "auto":
        runtime = next((name for name in ("onnxruntime", "openvino") if name in installed()), "onnxruntime")
    if runtime not in installed():
        raise MissingExtraError("an ONNX file", runtime, "fast")
    return runtime


def _in_onnxruntime(path: Path, threads: int | None) -> tuple[Any, tuple[Port, ...], tuple[Port, ...], dict[str, str]]:
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.intra_op_num_threads = threads or 0
    session: Any = onnxruntime.InferenceSession(
        path,
        options,
        providers=["CPUExecutionProvider"],
        enable_fallback=0,  # it would print, and try the same
    )

    def ports(nodes: Any) -> tuple[Port, ...]:
        return tuple(
            Port(
                node.name,
                tuple(one if isinstance(one, int) and one > 0 else None for one in node.shape),
                _DTYPES.get(node.type, np.void),
            )
            for node in nodes
        )

    metadata = dict(session.get_modelmeta().custom_metadata_map)
    return (
        (lambda inputs: session.run(None, inputs)),
        ports(session.get_inputs()),
        ports(session.get_outputs()),
        metadata,
    )


def _in_openvino(
    path: Path, threads: int | None, precision: str
) -> tuple[Any, tuple[Port, ...], tuple[Port, ...], dict[str, str]]:
    openvino = import_openvino()
    core = openvino.Core()
    model = core.read_model(path)
    settings: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": PRECISION_HINTS[precision]}
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    compiled = core.compile_model(model, "CPU", settings)

    def ports(nodes: Any) -> tuple[Port, ...]:
        return tuple(
            Port(
                node.get_any_name(),
                tuple(None if one.is_dynamic else one.get_length() for one in node.get_partial_shape()),
                np.dtype(node.get_element_type().to_dtype()).type,
            )
            for node in nodes
        )

    def run(inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        results = compiled(dict(inputs))
        return [np.array(results[node]) for node in compiled.outputs]

    found = model.get_rt_info("framework") if model.has_rt_info("framework") else {}
    metadata = {key: str(getattr(value, "value", value)) for key, value in dict(found).items()}
    return run, ports(model.inputs), ports(model.outputs), metadata
