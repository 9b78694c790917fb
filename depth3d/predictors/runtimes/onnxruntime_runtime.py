"""A converted network run by onnxruntime; one session serves pictures of any size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.telemetry import import_onnxruntime
from depth3d.predictors.runtimes.runtime_errors import runtime_failures

PRECISIONS = ("fp32", "int8")
_ERRORS_ONLY = 3


class OnnxruntimeRuntime:
    """Runs an ONNX file on the CPU.

    Args:
        path: the ONNX file; how exact it is lies in the file.
        threads: how many threads it may use, or None for onnxruntime's own choice.

    Raises:
        RuntimeFailedError: onnxruntime cannot run the file.
    """

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        with runtime_failures("onnxruntime"):
            onnxruntime = import_onnxruntime()
            options = onnxruntime.SessionOptions()
            options.log_severity_level = _ERRORS_ONLY
            options.intra_op_num_threads = threads or 0
            self._session: Any = onnxruntime.InferenceSession(
                path,
                options,
                providers=["CPUExecutionProvider"],
                enable_fallback=0,  # it would print, and try the same
            )

    def __call__(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Runtime`."""
        (output,) = self._session.run(None, {"picture": picture[None]})
        return np.asarray(output[0], np.float32)
