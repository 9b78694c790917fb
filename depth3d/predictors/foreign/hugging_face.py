"""Depth networks of the transformers library, from a folder or the Hub; safetensors only, no remote code."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth
from depth3d.core.errors import Depth3DNotice, Depth3DWarning, MissingExtraError, UsageError, WeightsError
from depth3d.predictors.foreign.converting import ConvertedModel, check_way
from depth3d.predictors.foreign.finding import FoundKind, find_kind
from depth3d.predictors.foreign.graph import Arrays, available
from depth3d.predictors.foreign.hub import ModelFolder, find_model
from depth3d.predictors.foreign.terms import NetworkTerms
from depth3d.predictors.prediction import Kind, Prediction
from depth3d.predictors.runtimes.failure import runtime_failures
from depth3d.predictors.runtimes.in_torch import limit_threads
from depth3d.predictors.to_inverse import to_inverse_depth

if TYPE_CHECKING:
    from depth3d.core.camera import Intrinsics
    from depth3d.io.photos.photo import Photo

_KINDS: dict[str, Kind] = {
    "dpt": "inverse",
    "glpn": "metric",
    "zoedepth": "metric",
    "chmv2": "metric",
    "tipsv2_dpt": "metric",
}
"""What the models of a type give, where their configuration does not say; Depth Anything's does, Depth Pro is below."""

_NEEDS_MORE = {"prompt_depth_anything": "depth measured by a sensor as a second input"}
_PRECISIONS = ("fp32", "bf16")


class LicenceWarning(Depth3DWarning):
    """A network's licence forbids commercial use."""


@dataclass(frozen=True, slots=True, eq=False)
class TransformersPredictor:
    """Photo to depth with a model of the transformers library.

    Attributes:
        folder: its files, revision and licence.
        model: the model, in evaluation mode.
        processor: what makes its input and enlarges its output.
        kind: what its output is.
        found: how that was found out; None where its configuration says it.
        weights_id: digits of the revision, or of the weights' hash.
        precision: ``fp32`` or ``bf16``.
        threads: how many threads torch may use, or None.
        metric_sigma: for metres, one standard deviation of the scale as a share, where one is stated.
        converted: runs the model in another library; None where torch does.
    """

    folder: ModelFolder
    model: Any
    processor: Any
    kind: Kind
    found: FoundKind | None
    weights_id: str
    precision: str = "fp32"
    threads: int | None = None
    metric_sigma: float | None = None
    converted: ConvertedModel | None = None

    @property
    def name(self) -> str:
        """The model's name."""
        return self.folder.name

    def see(self, photo: Photo) -> Prediction:
        """What the network says, at the photo's size, as the library's own pipeline gives it.

        Raises:
            WeightsError: the library refuses the photo, or the output is not finite.
        """
        run = self.converted or _in_torch(self.model, self.precision, self.threads)
        values, focal_px = run_model(run, self.processor, photo.rgb, self.name)
        if not np.isfinite(values).all():
            raise WeightsError(f"{self.name}: the output is not finite; its weights are damaged")
        if focal_px is not None and not 0 < focal_px < np.inf:
            raise WeightsError(f"{self.name}: sees a focal length of {focal_px:g} pixels, which no camera has")
        version = self.folder.revision[:8] or self.weights_id[:8]
        return Prediction(
            values if self.found is None else self.found.applied(values),
            self.kind,
            metric_sigma=self.metric_sigma or (self.found.metric_sigma if self.found else None),
            focal_px=focal_px,
            follows_focal=focal_px is not None,
            source=f"{self.name} {version}, {self.kind}",
            details=(
                ("network", self.name),
                ("revision", self.folder.revision or "a local folder"),
                ("weights_sha256_begins", self.weights_id),
                ("licence", self.folder.licence),
                ("runtime", "torch" if self.converted is None else self.converted.runtime),
                ("precision", self.precision),
                ("output_kind", self.kind if self.found is None else self.found.in_words),
                *(() if self.converted is None else (("off_from_torch", self.converted.in_words),)),
            ),
        )

    def predict(self, photo: Photo, camera: Intrinsics | None = None) -> InverseDepth:
        """What it says, as inverse depth of the photo's size."""
        return to_inverse_depth(self.see(photo), photo.size, camera)


def load_hugging_face(
    name_or_folder: str,
    *,
    terms: NetworkTerms,
    runtime: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
) -> TransformersPredictor:
    """Load any model of `AutoModelForDepthEstimation`; the same one is loaded once per process.

    Args:
        name_or_folder: a folder that save_pretrained wrote, or OWNER/NAME[@REVISION] on the Hub, whose cache is used
            without network where it has the files.
        terms: the kind of output where the model's type does not say it, and the error of metres.
        runtime: ``auto`` and ``torch`` are torch; ``onnxruntime`` and ``openvino`` run it converted, once per size of
            picture, and compared with torch.
        precision: ``auto`` and ``fp32``; ``bf16`` in torch and OpenVINO, ``fp16`` in OpenVINO, ``int8`` in both others.
        threads: how many threads torch may use, or None for its own choice.

    Raises:
        UsageError: a precision that the runtime lacks, or something stated that these models say themselves.
        MissingExtraError: the extra hf is not installed.
        WeightsError: no such model, one without safetensors, or one that is no depth network of this library.

    Warns:
        LicenceWarning: the licence forbids commercial use.
    """
    exact = "fp32" if precision == "auto" else precision
    converts = runtime not in ("auto", "torch")
    if converts:
        check_way(name_or_folder, runtime, exact)
    elif exact not in _PRECISIONS:
        raise UsageError(
            f"hf:{name_or_folder} runs in torch in {' or '.join(_PRECISIONS)}, not in {exact}; --runtime openvino may"
        )
    others = [one.replace("_", " ") for one in terms.stated if one not in ("output_kind", "metric_sigma")]
    if others:
        raise UsageError(f"hf:{name_or_folder}: its own configuration says {others[0]}; leave it out")
    import_transformers()
    folder = find_model(name_or_folder)
    if folder.forbids_commerce:
        warnings.warn(
            LicenceWarning(f"{folder.name}: its licence, {folder.licence}, forbids commercial use"), stacklevel=3
        )
    loaded = _loaded(folder)
    kind, found = _kind_of(loaded, folder, terms)
    model, processor, digits = loaded
    converted = None
    if converts:
        converted = ConvertedModel(
            model, folder.name, digits, runtime=available(runtime), precision=exact, threads=threads
        )
    return TransformersPredictor(
        folder, model, processor, kind, found, digits, exact, threads, terms.metric_sigma, converted
    )


def run_model(
    run: Callable[[NDArray[np.float32]], Arrays], processor: Any, rgb: NDArray[np.uint8], name: str
) -> tuple[NDArray[np.float32], float | None]:
    """The output at the photo's size, and the focal length in its pixels where the model tells one."""
    import torch

    size = rgb.shape[:2]
    with runtime_failures(name), _quiet():
        picture = processor(images=np.ascontiguousarray(rgb), return_tensors="pt", input_data_format="channels_last")
    with runtime_failures(name):
        given = run(picture["pixel_values"].numpy())
    told = {"field_of_view": None, **{key: torch.from_numpy(np.asarray(array)) for key, array in given.items()}}
    with runtime_failures(name), _quiet():
        (result,) = processor.post_process_depth_estimation(SimpleNamespace(**told), [tuple(size)])
    values: NDArray[np.float32] = result["predicted_depth"].float().numpy().reshape(size)
    focal = result.get("focal_length")
    return values, None if focal is None else float(focal)


def _in_torch(model: Any, precision: str, threads: int | None) -> Callable[[NDArray[np.float32]], Arrays]:
    """The model in torch as a function of a picture (1, 3, h, w)."""
    import torch

    def run(picture: NDArray[np.float32]) -> Arrays:
        half = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16")
        with torch.inference_mode(), limit_threads(threads), half:
            told = model(pixel_values=torch.from_numpy(picture))
        names = ("predicted_depth", "field_of_view")
        return {name: told[name].float().numpy() for name in names if told.get(name) is not None}

    return run


def _kind_of(loaded: tuple[Any, Any, str], folder: ModelFolder, terms: NetworkTerms) -> tuple[Kind, FoundKind | None]:
    """As stated, else as the configuration or the model's type says, else as found out on photos of known depth."""
    model, processor, _ = loaded
    config, kind_of_type = model.config, model.config.model_type
    if terms.output_kind is not None:
        return terms.output_kind, None
    if kind_of_type == "depth_anything":
        return ("metric" if config.depth_estimation_type == "metric" else "inverse"), None
    if kind_of_type == "depth_pro":
        return ("metric" if config.use_fov_model else "depth"), None
    if kind_of_type in _KINDS:
        return _KINDS[kind_of_type], None
    run = _in_torch(model, "fp32", None)
    found = find_kind(lambda rgb: run_model(run, processor, rgb, folder.name)[0], folder.name)
    warnings.warn(Depth3DNotice(f"{folder.name}: its output is {found.in_words}"), stacklevel=3)
    return found.kind, found


@lru_cache(maxsize=2)
def _loaded(folder: ModelFolder) -> tuple[Any, Any, str]:
    """Model, processor, and digits that tell these weights from any other."""
    transformers = import_transformers()
    with runtime_failures(folder.name), _quiet():
        config = transformers.AutoConfig.from_pretrained(folder.path, local_files_only=True, trust_remote_code=False)
    needed = _NEEDS_MORE.get(config.model_type)
    if needed:
        raise WeightsError(f"{folder.name}: wants {needed}; take a network that sees a photo alone")
    if type(config) not in transformers.MODEL_FOR_DEPTH_ESTIMATION_MAPPING:
        raise WeightsError(
            f"{folder.name}: is a {config.model_type}, no depth network of transformers; take one with the task "
            "depth-estimation, or export it to ONNX"
        )
    with runtime_failures(folder.name), _quiet():
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
        with _quiet():
            import transformers

            quiet: Any = transformers.utils.logging
            quiet.disable_progress_bar()
    except ImportError:
        raise MissingExtraError("a Hugging Face model", "transformers", "hf") from None
    return transformers


@contextmanager
def _quiet() -> Iterator[None]:
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
