"""Loading models of the transformers library from a folder: safetensors only, no remote code."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from depth3d.core.errors import MissingExtraError, WeightsError
from depth3d.predictors.external.hub import ModelFolder
from depth3d.predictors.runtimes.runtime_errors import runtime_failures

_NEEDS_MORE = {"prompt_depth_anything": "depth measured by a sensor as a second input"}


@lru_cache(maxsize=2)
def load_model(folder: ModelFolder) -> tuple[Any, Any, str]:
    """Model, processor, and digits that tell these weights from any other; the same folder is loaded once.

    Raises:
        WeightsError: the library cannot load it, or it is no network from one photo to depth.
        MissingExtraError: the library is not installed.
    """
    transformers = import_transformers()
    with runtime_failures(folder.name), quiet():
        config = transformers.AutoConfig.from_pretrained(folder.path, local_files_only=True, trust_remote_code=False)
    needed = _NEEDS_MORE.get(config.model_type)
    if needed:
        raise WeightsError(f"{folder.name}: wants {needed}; take a network that sees a photo alone")
    if type(config) not in transformers.MODEL_FOR_DEPTH_ESTIMATION_MAPPING:
        raise WeightsError(
            f"{folder.name}: is a {config.model_type}, no depth network of transformers; take one with the task "
            "depth-estimation, or export it to ONNX"
        )
    with runtime_failures(folder.name), quiet():
        import torch

        model = transformers.AutoModelForDepthEstimation.from_pretrained(
            folder.path, config=config, use_safetensors=True, local_files_only=True, dtype=torch.float32
        ).eval()
        processor = transformers.AutoImageProcessor.from_pretrained(folder.path, local_files_only=True)
    return model, processor, _digits(folder.path)


def _digits(folder: Path) -> str:
    """The first 16 hex digits of the hash over the weights' files."""
    total = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()[:16]


def import_transformers() -> Any:
    """Import transformers after torchvision, which it uses.

    Raises:
        MissingExtraError: it is not installed.
    """
    from depth3d.predictors.torch_env import import_torchvision

    import_torchvision()
    try:
        with quiet():
            import transformers

            library: Any = transformers.utils.logging
            library.disable_progress_bar()
    except ImportError:
        raise MissingExtraError("a Hugging Face model", "transformers", "hf") from None
    return transformers


@contextmanager
def quiet() -> Iterator[None]:
    """What the library says about itself, such as its progress bars, is no user's business."""
    import logging

    logger = logging.getLogger("transformers")
    before, disabled = logger.level, logger.disabled
    logger.disabled = True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(before)
            logger.disabled = disabled
