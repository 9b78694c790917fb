"""Ways of running one network: torch, which every other way is measured against, OpenVINO and onnxruntime.

weights file -> torch network -> ONNX file -> OpenVINO's file
                     |               |             |
                   torch        onnxruntime     OpenVINO      each in some precisions, each measured against torch

Converted files are made once and kept (`converted_cache`). Where they are there, nothing here imports torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RUNTIMES = ("auto", "openvino", "onnxruntime", "torch")
PRECISIONS = ("auto", "fp32", "fp16", "bf16", "int8")


class Runtime(Protocol):
    """A network that is ready to run."""

    def __call__(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn a normalised picture (3, h, w) into inverse depth (h, w); h and w are multiples of 32."""
