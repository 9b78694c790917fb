"""A network on its way from torch to the other runtimes' files."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import MissingExtraError
from depth3d.core.telemetry import import_onnxruntime, import_openvino
from depth3d.predictors.runtimes.converted_cache import write_then_rename
from depth3d.predictors.runtimes.runtime_errors import runtime_failures

if TYPE_CHECKING:
    from depth3d.predictors.midas import MidasNet

_OPSET = 17


def write_onnx(network: MidasNet, path: Path) -> None:
    """Write a torch network as ONNX whose input `picture` (1, 3, h, w) may have any size in multiples of 32.

    Raises:
        RuntimeFailedError: torch cannot convert this network.
        WeightsError: the file cannot be written.
    """
    import torch

    spec = network.spec
    example = torch.zeros(1, 3, spec.multiple_of * 2, spec.multiple_of * 3)
    with write_then_rename(path) as temporary, runtime_failures("the conversion to ONNX"), quiet():
        torch.onnx.export(
            network,
            (example,),
            temporary,
            dynamo=False,
            opset_version=_OPSET,
            input_names=["picture"],
            output_names=["inverse_depth"],
            dynamic_axes={"picture": {2: "height", 3: "width"}, "inverse_depth": {1: "height", 2: "width"}},
        )


def write_openvino(onnx: Path, path: Path) -> None:
    """Write an ONNX file as OpenVINO's .xml and .bin, which it reads faster.

    Raises:
        RuntimeFailedError: OpenVINO cannot convert this file, or not write the others.
    """
    with TemporaryDirectory(dir=path.parent) as folder, runtime_failures("OpenVINO"):
        openvino = import_openvino()
        made = Path(folder, path.name)
        openvino.save_model(openvino.Core().read_model(onnx), made, compress_to_fp16=False)
        made.with_suffix(".bin").replace(path.with_suffix(".bin"))
        made.replace(path)  # last, as whoever sees it takes the other for granted


def write_int8(onnx: Path, path: Path, pictures: Sequence[NDArray[np.float32]]) -> None:
    """Quantise an ONNX file: convolutions in 8 bits, whose ranges are those that occur on the given pictures.

    Args:
        onnx: the file in single precision.
        path: the file to write.
        pictures: normalised pictures (3, h, w).

    Raises:
        MissingExtraError: onnx or onnxruntime is not installed.
        RuntimeFailedError: onnxruntime cannot quantise this file.
        WeightsError: the file cannot be written.
    """
    try:
        quantization = import_onnxruntime("quantization")
        quant_pre_process = import_onnxruntime("quantization.shape_inference").quant_pre_process
    except ImportError as error:
        raise MissingExtraError("int8", "onnx", "fast") from error

    class Pictures(quantization.CalibrationDataReader):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self._left = iter(pictures)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            picture = next(self._left, None)
            return None if picture is None else {"picture": picture[None]}

    with (
        TemporaryDirectory(dir=path.parent) as folder,
        write_then_rename(path) as temporary,
        quiet(),
        runtime_failures("the quantisation"),
    ):
        folded = Path(folder, "folded.onnx")
        quant_pre_process(onnx, folded, skip_symbolic_shape=True)
        quantization.quantize_static(
            folded,
            temporary,
            Pictures(),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            op_types_to_quantize=["Conv"],
        )


@contextmanager
def quiet() -> Iterator[None]:
    """What the converters say about themselves is no user's business."""
    root: Any = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        root.setLevel(before)
