"""Networks of the MiDaS family by name: which weights they take, and what to say about the choice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from depth3d.core.errors import UsageError, WeightsError
from depth3d.predictors.network import NetworkPredictor

if TYPE_CHECKING:
    from depth3d.predictors.download import Progress
    from depth3d.predictors.weights import FoundWeights


def load_midas(
    name: str,
    *,
    weights: Path | None,
    runtime: str,
    precision: str,
    threads: int | None,
    progress: Progress | None,
) -> NetworkPredictor:
    """Load ``auto``, ``midas_small``, ``midas_large`` or ``bundled``; see `depth3d.predictors.load_predictor`."""
    from depth3d.predictors.runtimes.open_network import check_way, open_network
    from depth3d.predictors.weights import chosen_weights_file, examine_weights

    if weights is not None and weights.suffix.lower() == ".onnx":
        raise UsageError(f"{weights}: is a network of its own; use --predictor onnx:{weights}")
    check_way(runtime, precision)  # before anything is fetched
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
        licence=found.licence,
    )


def _find(name: str, progress: Progress | None) -> tuple[FoundWeights, str]:
    """The weights for a name, and what the user should know about the choice; only a name of its own is fetched."""
    from depth3d.predictors.weights import bundled_weights, fetch_weights, find_weights

    if name == "bundled":
        return bundled_weights(), ""
    if name != "auto":
        return fetch_weights(name, progress=progress), ""
    official = find_weights("midas_small")
    return (official, "") if official is not None else (bundled_weights(), _STAND_IN)


_STAND_IN = ", a stand-in: midas_small is better, `depth3d weights fetch` brings it"


def _origin(found: FoundWeights) -> str:
    short = found.sha256[:8]
    if found.official is not None:
        return f"official weights {short}"
    return f"bundled weights {short}" if found.origin == "package" else f"weights {found.path.name} {short}"
