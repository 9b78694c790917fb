"""Photo to relative inverse depth. Importing this loads no torch; asking for a predictor does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from depth3d.core.errors import UsageError, WeightsError

if TYPE_CHECKING:
    from depth3d.core.depth import InverseDepth
    from depth3d.io.photos.photo import Photo
    from depth3d.predictors.download import Progress
    from depth3d.predictors.weights import FoundWeights

PREDICTORS = ("auto", "midas_small", "midas_large", "bundled")


class Predictor(Protocol):
    """Anything that turns a photo into relative inverse depth."""

    @property
    def name(self) -> str:
        """Which network this is."""

    @property
    def weights_id(self) -> str:
        """Digits that tell one set of weights from any other."""

    def predict(self, photo: Photo) -> InverseDepth:
        """Predict relative inverse depth for every pixel of the photo."""


def load_predictor(
    name: str = "auto",
    *,
    weights: Path | None = None,
    runtime: str = "auto",
    precision: str = "auto",
    threads: int | None = None,
    progress: Progress | None = None,
) -> Predictor:
    """Load a network; each weights file is read once per process.

    ``auto`` is the network of ``weights``, else ``midas_small`` with the official weights, which are downloaded on
    first use, and where that is impossible the bundled network; the result's ``source`` then says why and what to do.

    Args:
        name: ``auto``, ``midas_small``, ``midas_large`` or ``bundled``.
        weights: a weights file to use instead of the official ones; without it the environment variable
            DEPTH3D_WEIGHTS may name one, except for ``bundled``.
        runtime: what runs the network: ``openvino`` or ``onnxruntime`` from the extra ``fast``, or ``torch``; ``auto``
            is the fastest that is installed (DEPTH3D_RUNTIME may name another). The first use converts the network.
        precision: ``fp32``, ``fp16``, ``bf16`` or ``int8``; ``auto`` is the fastest that is as good as exact, see
            `depth3d.predictors.runtimes.measuring`.
        threads: how many threads the network may use, or None for the runtime's own choice.
        progress: called during a download with the bytes that are there and those there will be, or None.

    Raises:
        UsageError: no such predictor, ``threads`` below 1, or this machine lacks the runtime or the precision.
        MissingExtraError: the runtime is not installed.
        WeightsError: the weights are missing, cannot be fetched, are damaged or belong to another network.
    """
    from depth3d.predictors.network import NetworkPredictor
    from depth3d.predictors.runtimes.opening import open_network
    from depth3d.predictors.weights import chosen_weights_file, examine_weights

    if name not in PREDICTORS:
        raise UsageError(f"unknown predictor {name!r}; choose one of {', '.join(PREDICTORS)}")
    if threads is not None and threads < 1:
        raise UsageError(f"threads must be at least 1, got {threads}")
    chosen = weights if name == "bundled" else chosen_weights_file(weights)
    found, note = (examine_weights(chosen), "") if chosen is not None else _find(name, progress)
    network = open_network(found, runtime=runtime, precision=precision, threads=threads)
    if name not in ("auto", network.spec.name):
        held = network.spec.name
        raise WeightsError(f"{found.path} holds {held}, not {name}; use --predictor {held} or other weights")
    return NetworkPredictor(
        network=network,
        weights_id=found.sha256[:16],
        origin=f"{_origin(found)}{note}",
        licence=_licence(found),
    )


def _find(name: str, progress: Progress | None) -> tuple[FoundWeights, str]:
    """The weights for a name, and what the user should know about the choice."""
    from depth3d.predictors.weights import bundled_weights, fetch_weights

    if name == "bundled":
        return bundled_weights(), ""
    if name != "auto":
        return fetch_weights(name, progress=progress), ""
    try:
        return _find_or_fetch_once(progress), ""
    except WeightsError as missing:
        try:
            return bundled_weights(), _STAND_IN
        except WeightsError:
            raise missing from None


def _find_or_fetch_once(progress: Progress | None) -> FoundWeights:
    """Try to fetch midas_small, but only once per process, so that many photos offline wait for it once."""
    from depth3d.predictors.weights import cache_folder, fetch_weights, find_weights

    failure = _failed_fetches.get(cache_folder())
    if failure is not None:
        found = find_weights("midas_small")
        if found is None:
            raise WeightsError(failure)
        return found
    try:
        return fetch_weights("midas_small", progress=progress)
    except WeightsError as error:
        _failed_fetches[cache_folder()] = str(error)
        raise


_STAND_IN = ", a stand-in: midas_small is better, `depth3d weights fetch` brings it"
_failed_fetches: dict[Path, str] = {}


def _licence(found: FoundWeights) -> str:
    if found.official is not None:
        return found.official.licence
    return "MIT" if found.origin == "package" else "not stated"


def _origin(found: FoundWeights) -> str:
    short = found.sha256[:8]
    if found.official is not None:
        return f"official weights {short}"
    return f"bundled weights {short}" if found.origin == "package" else f"weights {found.path.name} {short}"
