"""Depth networks of the transformers library, from a folder or the Hub; safetensors only, no remote code."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth
from depth3d.core.errors import Depth3DNotice, Depth3DWarning, UsageError, WeightsError
from depth3d.core.options import DepthOptions
from depth3d.predictors.external.convert_to_onnx import ConvertedModel, check_way
from depth3d.predictors.external.detect_output_kind import FoundKind, find_kind
from depth3d.predictors.external.fastest_runtime import FastestModel
from depth3d.predictors.external.graph import Arrays, available
from depth3d.predictors.external.hub import ModelFolder, find_model
from depth3d.predictors.external.network_terms import NetworkTerms
from depth3d.predictors.external.transformers_model import import_transformers, load_model, quiet
from depth3d.predictors.prediction import Kind, Prediction
from depth3d.predictors.runtimes.machine_info import installed
from depth3d.predictors.runtimes.runtime_errors import runtime_failures
from depth3d.predictors.runtimes.torch_runtime import limit_threads
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
        converted: runs the model in another library, or in the fastest; None where torch does.
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
    converted: ConvertedModel | FastestModel | None = None

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
                ("precision", self.precision if self.converted is None else self.converted.precision),
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
    runtime: str = DepthOptions().runtime,
    precision: str = DepthOptions().precision,
    threads: int | None = None,
) -> TransformersPredictor:
    """Load any model of `AutoModelForDepthEstimation`; the same one is loaded once per process.

    Args:
        name_or_folder: a folder that save_pretrained wrote, or OWNER/NAME[@REVISION] on the Hub, whose cache is used
            without network where it has the files.
        terms: the kind of output where the model's type does not say it, and the error of metres.
        runtime: ``torch``; ``onnxruntime`` and ``openvino`` run it converted, once per size of picture, and compared
            with torch; ``auto`` is the fastest of them, measured once per size (DEPTH3D_RUNTIME may name another).
        precision: ``auto`` and ``fp32``; ``bf16`` in torch and OpenVINO, ``fp16`` in OpenVINO, ``int8`` in onnxruntime.
        threads: how many threads torch may use, or None for its own choice.

    Raises:
        UsageError: a precision that the runtime lacks, or something stated that these models say themselves.
        MissingExtraError: the extra hf is not installed.
        WeightsError: no such model, one without safetensors, or one that is no depth network of this library.

    Warns:
        LicenceWarning: the licence forbids commercial use.
    """
    runtime = _runtime(name_or_folder, runtime, precision)
    others = [one.replace("_", " ") for one in terms.stated if one not in ("output_kind", "metric_sigma")]
    if others:
        raise UsageError(f"hf:{name_or_folder}: its own configuration says {others[0]}; leave it out")
    import_transformers()
    folder = find_model(name_or_folder)
    if folder.forbids_commerce:
        warnings.warn(
            LicenceWarning(f"{folder.name}: its licence, {folder.licence}, forbids commercial use"), stacklevel=3
        )
    loaded = load_model(folder)
    kind, found = _kind_of(loaded, folder, terms)
    model, processor, digits = loaded
    exact = "fp32" if precision == "auto" else precision
    converted = None if runtime == "torch" else _converted(model, folder.name, digits, runtime, precision, threads)
    return TransformersPredictor(
        folder, model, processor, kind, found, digits, exact, threads, terms.metric_sigma, converted
    )


@lru_cache(maxsize=2)
def _converted(
    model: Any, name: str, digits: str, runtime: str, precision: str, threads: int | None
) -> ConvertedModel | FastestModel:
    """The model in another library or in the fastest; what was loaded for one photo serves the next."""
    if runtime == "auto":
        in_torch = partial(_in_torch, model, threads=threads)
        return FastestModel(model, in_torch, name, digits, precision=precision, threads=threads)
    exact = "fp32" if precision == "auto" else precision
    return ConvertedModel(model, name, digits, runtime=runtime, precision=exact, threads=threads)


def _runtime(name: str, runtime: str, precision: str) -> str:
    """What runs the model: as asked, else as DEPTH3D_RUNTIME says, else ``auto`` where a library is there to compare.

    Raises:
        UsageError: that library has no such precision.
        MissingExtraError: it is not installed.
    """
    if runtime == "auto":
        runtime = os.environ.get("DEPTH3D_RUNTIME") or "auto"
    if runtime == "auto" and not installed():
        runtime = "torch"
    exact = "fp32" if precision == "auto" else precision
    if runtime == "torch" and exact not in _PRECISIONS:
        possible = " or ".join(_PRECISIONS)
        raise UsageError(f"hf:{name} runs in torch in {possible}, not in {exact}; leave --runtime out")
    if runtime in ("auto", "torch"):
        return runtime
    check_way(name, runtime, exact)
    return available(runtime)


def run_model(
    run: Callable[[NDArray[np.float32]], Arrays], processor: Any, rgb: NDArray[np.uint8], name: str
) -> tuple[NDArray[np.float32], float | None]:
    """The output at the photo's size, and the focal length in its pixels where the model tells one."""
    import torch

    size = rgb.shape[:2]
    with runtime_failures(name), quiet():
        picture = processor(images=np.ascontiguousarray(rgb), return_tensors="pt", input_data_format="channels_last")
    with runtime_failures(name):
        given = run(picture["pixel_values"].numpy())
    told = {"field_of_view": None, **{key: torch.from_numpy(np.asarray(array)) for key, array in given.items()}}
    with runtime_failures(name), quiet():
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
