"""Photo to depth, whichever network sees it. Importing this loads no torch; asking for a predictor does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from depth3d.core.errors import UsageError, nearest
from depth3d.core.options import DepthOptions
from depth3d.predictors.external.catalogue import KNOWN_NETWORKS

if TYPE_CHECKING:
    from depth3d.core.camera import Intrinsics
    from depth3d.core.depth import InverseDepth
    from depth3d.io.photos.photo import Photo
    from depth3d.predictors.download import Progress
    from depth3d.predictors.external.network_terms import NetworkTerms
    from depth3d.predictors.prediction import Prediction

_DEFAULTS = DepthOptions()

PREDICTORS = ("auto", "midas_small", "midas_large", "bundled")
"""The networks of the MiDaS family, which this package runs itself."""


class Predictor(Protocol):
    """Anything that sees depth in a photo."""

    @property
    def name(self) -> str:
        """Which network this is."""

    @property
    def weights_id(self) -> str:
        """Digits that tell one set of weights from any other."""

    def see(self, photo: Photo) -> Prediction:
        """What the network says, of the kind that it speaks, with the camera and the mask it may know."""

    def predict(self, photo: Photo, camera: Intrinsics | None = None) -> InverseDepth:
        """What it says as inverse depth of every pixel of the photo; `camera` tells point maps where they are seen."""


def load_predictor(
    name: str = _DEFAULTS.predictor,
    *,
    weights: Path | None = None,
    runtime: str = _DEFAULTS.runtime,
    precision: str = _DEFAULTS.precision,
    threads: int | None = None,
    terms: NetworkTerms | None = None,
    progress: Progress | None = None,
) -> Predictor:
    """Load a network; each weights file is read once per process.

    ``auto`` is the network of ``weights``, else ``midas_small`` if its official weights are on this machine, else the
    bundled network, whose ``source`` then says so. Nothing is downloaded for ``auto``; ``midas_small``, asked for by
    name, is downloaded on first use.

    Args:
        name: ``auto``, ``midas_small``, ``midas_large`` or ``bundled``; ``onnx:FILE`` for a network in an ONNX file,
            ``hf:FOLDER`` or ``hf:OWNER/NAME`` for one of the transformers library, a short name of
            `depth3d.predictors.external.catalogue`; or a name that an installed package offers.
        weights: a weights file to use instead of the official ones; without it the environment variable
            DEPTH3D_WEIGHTS may name one, except for ``bundled``.
        runtime: what runs the network: ``openvino`` or ``onnxruntime`` from the extra ``fast``, or ``torch``; ``auto``
            is the fastest that is installed (DEPTH3D_RUNTIME may name another). The first use converts the network.
        precision: ``fp32``, ``fp16``, ``bf16`` or ``int8``; ``auto`` is the fastest that is as good as exact, see
            `depth3d.predictors.runtimes.measure`.
        threads: how many threads the network may use, or None for the runtime's own choice.
        terms: what is known about a network of others: the kind of its output, the range of its input.
        progress: called during a download with the bytes that are there and those there will be, or None.

    Raises:
        UsageError: no such predictor, ``threads`` below 1, or this machine lacks the runtime or the precision.
        MissingExtraError: the runtime is not installed.
        WeightsError: the weights are missing, cannot be fetched, are damaged or belong to another network.
    """
    if threads is not None and threads < 1:
        raise UsageError(f"threads must be at least 1, got {threads}")
    stated = () if terms is None else terms.stated
    if is_foreign(name):
        from depth3d.predictors.external import load_foreign

        _refuse(name, weights=weights)
        return load_foreign(name, terms=terms, runtime=runtime, precision=precision, threads=threads)
    _refuse(name, **dict.fromkeys(stated, "stated"))
    if name in PREDICTORS:
        from depth3d.predictors.midas_family import load_midas

        return load_midas(
            name, weights=weights, runtime=runtime, precision=precision, threads=threads, progress=progress
        )
    from depth3d.predictors.plugins import load_plugin, plugin_names

    if name not in plugin_names():
        known = predictor_names()
        raise UsageError(f"unknown predictor {name!r}; choose one of {', '.join(known)}{nearest(name, known)}")
    _refuse(name, weights=weights, runtime=_unless_auto(runtime), precision=_unless_auto(precision), threads=threads)
    return load_plugin(name)


def predictor_names() -> tuple[str, ...]:
    """Every name of a predictor on this machine, and the forms of those that are files or on the Hub."""
    from depth3d.predictors.plugins import plugin_names

    return (*PREDICTORS, *KNOWN_NETWORKS, *plugin_names(), "onnx:FILE", "hf:NAME_OR_FOLDER")


def is_foreign(name: str) -> bool:
    """Whether it is ``onnx:FILE``, ``hf:NAME_OR_FOLDER`` or the short name of a network of others."""
    scheme, _, rest = name.partition(":")
    return name in KNOWN_NETWORKS or (scheme in ("onnx", "hf") and bool(rest))


def may_know_camera(name: str) -> bool:
    """Whether a predictor of that name may see the focal length in the photo; nothing is loaded to tell."""
    return name not in PREDICTORS


def _unless_auto(choice: str) -> str | None:
    return None if choice == "auto" else choice


def _refuse(name: str, **given: object) -> None:
    """Options that a predictor would silently not obey."""
    refused = next((option for option, value in given.items() if value is not None), None)
    if refused is not None:
        raise UsageError(f"predictor {name} knows no {refused.replace('_', ' ')}; leave it out")
