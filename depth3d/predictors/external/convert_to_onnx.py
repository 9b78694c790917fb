"""Models of the transformers library as ONNX files, one for each size of picture, kept beside our own networks."""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import Depth3DNotice, MissingExtraError, UsageError
from depth3d.core.telemetry import import_onnxruntime
from depth3d.predictors.external.graph import Arrays, Graph
from depth3d.predictors.runtimes.conversion import quiet
from depth3d.predictors.runtimes.converted_cache import CONVERSION, Store, write_then_rename
from depth3d.predictors.runtimes.deviation import Deviation, deviation_of
from depth3d.predictors.runtimes.measure import LARGEST_DEVIATION
from depth3d.predictors.runtimes.runtime_errors import RuntimeFailedError, runtime_failures

_OPSET = 17
PRECISIONS_OF = {"onnxruntime": ("fp32", "int8"), "openvino": ("fp32", "bf16", "fp16")}
"""OpenVINO does not read the 8-bit matrices that onnxruntime writes."""
_OUTPUTS = ("predicted_depth", "field_of_view")


class ConvertedModel:
    """Runs a model in onnxruntime or OpenVINO; the first picture of a size converts it and is compared with torch.

    Args:
        model: the torch model.
        name: of it, for messages.
        sha256: digits of its weights, which name the folder.
        runtime: ``onnxruntime`` or ``openvino``.
        precision: ``fp32``; with onnxruntime ``int8`` (weights of the matrices), with OpenVINO ``bf16`` and ``fp16``.
        threads: how many threads it may use, or None.
    """

    def __init__(
        self, model: Any, name: str, sha256: str, *, runtime: str, precision: str, threads: int | None
    ) -> None:
        self._model, self._name, self._store = model, name, Store.of(sha256)
        self.runtime, self.precision, self._threads = runtime, precision, threads
        self._graphs: dict[tuple[int, ...], Graph] = {}
        self.deviations: dict[tuple[int, ...], Deviation] = {}

    def __call__(self, picture: NDArray[np.float32]) -> Arrays:
        """`predicted_depth` and, where the model tells one, `field_of_view`, of a picture (1, 3, h, w).

        Raises:
            RuntimeFailedError: it cannot be converted, or its converted form is not what torch gives.
        """
        shape = picture.shape[2:]
        if shape not in self._graphs:
            path = converted_file(self._model, self._name, self._store, picture, quantised=self.precision == "int8")
            self._graphs[shape] = Graph(path, runtime=self.runtime, threads=self._threads, precision=self.precision)
            self._compare(shape, path, picture)
        return self._graphs[shape]({"picture": picture})

    @property
    def in_words(self) -> str:
        """How far it was off from torch when it was converted."""
        return ", ".join(f"{one.median:.3%} at {w}x{h}" for (h, w), one in self.deviations.items())

    def _compare(self, shape: tuple[int, ...], path: Path, picture: NDArray[np.float32]) -> None:
        """Measure how far the converted model strays on this picture, unless that was measured before."""
        kept = path.with_name(f"{path.stem}-{self.runtime}-{self.precision}.json")
        try:
            self.deviations[shape] = Deviation(**json.loads(kept.read_text(encoding="utf-8")))
        except (OSError, TypeError, ValueError):
            wanted = _in_torch(self._model, picture)
            given = self._graphs[shape]({"picture": picture})["predicted_depth"]
            self.deviations[shape] = deviation_of(given[0], wanted[0])
            with write_then_rename(kept) as temporary:
                temporary.write_text(json.dumps(asdict(self.deviations[shape])), encoding="utf-8")
        stray = self.deviations[shape].median
        if self.precision == "fp32" and not stray < LARGEST_DEVIATION:
            raise RuntimeFailedError(
                f"{self._name}: in {self.runtime} its depth is {stray:.1%} off what torch gives; use --runtime torch"
            )


def converted_file(
    model: Any, name: str, store: Store, picture: NDArray[np.float32], *, quantised: bool = False
) -> Path:
    """The ONNX file of a model for pictures of one size, made if it is not there or damaged.

    Args:
        model: the torch model.
        name: of it, for messages.
        store: of its weights.
        picture: (1, 3, h, w), one of that size.
        quantised: with the weights of matrices in 8 bits.

    Raises:
        RuntimeFailedError: it cannot be converted, or not be stored.
    """
    height, width = picture.shape[2:]
    exact = store.folder / f"hf-v{CONVERSION}-{width}x{height}.onnx"
    path = exact.with_stem(f"{exact.stem}-int8") if quantised else exact
    store.check_trusted()
    with store.held():
        if not store.is_sound(exact):
            words = f"converting {name} for pictures of {width}x{height}, once"
            warnings.warn(Depth3DNotice(words), stacklevel=6)
            _write(model, picture, exact)
            store.seal(exact)
        if not store.is_sound(path):
            _quantise(exact, path)
            store.seal(path)
    return path


def _in_torch(model: Any, picture: NDArray[np.float32]) -> NDArray[np.float32]:
    import torch

    with torch.inference_mode():
        depth: NDArray[np.float32] = model(pixel_values=torch.from_numpy(picture)).predicted_depth.float().numpy()
    return depth


def _write(model: Any, picture: NDArray[np.float32], path: Path) -> None:
    """Write a model as ONNX for pictures of one size; the sizes inside become constants."""
    import torch

    class Outputs(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = model

        def forward(self, pixel_values: torch.Tensor) -> tuple[torch.Tensor, ...]:
            told = self.inner(pixel_values=pixel_values)
            return tuple(told[name] for name in _OUTPUTS if told.get(name) is not None)

    example = torch.from_numpy(picture)
    with (
        write_then_rename(path) as temporary,
        runtime_failures("the conversion to ONNX"),
        quiet(),
        torch.inference_mode(),
    ):
        count = len(Outputs()(example))
        torch.onnx.export(
            Outputs().eval(),
            (example,),
            temporary,
            dynamo=False,
            opset_version=_OPSET,
            input_names=["picture"],
            output_names=list(_OUTPUTS[:count]),
        )


def _quantise(exact: Path, path: Path) -> None:
    """Store the weights of matrices in 8 bits; what flows between them stays exact until it meets them."""
    try:
        quantization = import_onnxruntime("quantization")
    except ImportError as error:
        raise MissingExtraError("int8", "onnx", "fast") from error
    with write_then_rename(path) as temporary, runtime_failures("the quantisation"), quiet():
        quantization.quantize_dynamic(
            exact, temporary, weight_type=quantization.QuantType.QInt8, op_types_to_quantize=["MatMul"]
        )


def check_way(name: str, runtime: str, precision: str) -> None:
    """Raise UsageError unless converted models run so."""
    possible = PRECISIONS_OF[runtime]
    if precision not in possible:
        raise UsageError(
            f"hf:{name} runs in {runtime} in {' or '.join(possible)}, not in {precision}; leave --runtime out"
        )
