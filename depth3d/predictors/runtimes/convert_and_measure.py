"""Converting a network for every library that is installed, and measuring what came out. Needs torch; happens once."""

from __future__ import annotations

from collections.abc import Sequence

from depth3d.predictors.preprocess import prepare_picture
from depth3d.predictors.runtimes import Runtime
from depth3d.predictors.runtimes.conversion import write_int8, write_onnx, write_openvino
from depth3d.predictors.runtimes.converted_cache import Store, write_then_rename
from depth3d.predictors.runtimes.machine_info import installed, machine_key
from depth3d.predictors.runtimes.measure import Measured, Way, measure, rows_to_json
from depth3d.predictors.runtimes.open_network import load_way
from depth3d.predictors.runtimes.probes import calibration_pictures, judging_pictures
from depth3d.predictors.runtimes.runtime_errors import RuntimeFailedError
from depth3d.predictors.runtimes.torch_runtime import TorchRuntime, cached_network
from depth3d.predictors.spec import NetworkSpec
from depth3d.predictors.weights import FoundWeights


def prepare(weights: FoundWeights, store: Store, *, quantised: bool) -> list[Measured]:
    """Fill the store, which the caller holds, and measure every way of running what is in it.

    Args:
        weights: the network's file.
        store: where its converted forms go.
        quantised: also make it in int8; where that was made before it is measured again anyway.

    Raises:
        WeightsError: the network cannot be loaded.
        RuntimeFailedError: it cannot be converted for any library, or not be stored.
    """
    network = cached_network(weights.path, weights.sha256)
    spec = network.spec
    if not store.is_sound(store.onnx()):
        write_onnx(network, store.onnx())
        store.seal(store.onnx())
    if quantised and not store.is_sound(store.onnx(quantised=True)):
        write_int8(store.onnx(), store.onnx(quantised=True), [prepare_picture(p, spec) for p in calibration_pictures()])
        store.seal(store.onnx(quantised=True))
    ways, failures = _ways(store)
    if not ways:
        raise RuntimeFailedError("; ".join(failures))
    pictures = [prepare_picture(picture, spec) for picture in judging_pictures()]
    torch = TorchRuntime(network)
    rows = measure(ways, pictures, [torch(picture) for picture in pictures])
    _remember(store, spec, rows)
    return rows


def _ways(store: Store) -> tuple[dict[Way, Runtime], list[str]]:
    """Everything that runs here, and why the rest does not."""
    ways: dict[Way, Runtime] = {}
    failures = []
    for library in installed():
        try:
            for precision in _convert_for(library, store):
                way = Way(library, precision)
                ways[way] = load_way(store, way)
        except RuntimeFailedError as error:
            failures.append(str(error))
    return ways, failures


def _convert_for(library: str, store: Store) -> list[str]:
    """Make the files that a library wants; the precisions it then computes on this processor."""
    quantised = store.is_sound(store.onnx(quantised=True))
    if library == "onnxruntime":
        from depth3d.predictors.runtimes.onnxruntime_runtime import PRECISIONS

        possible: tuple[str, ...] = PRECISIONS
    else:
        from depth3d.predictors.runtimes.openvino_runtime import openvino_precisions

        possible = openvino_precisions()
        _convert_for_openvino(store, quantised=False)
        if quantised:
            _convert_for_openvino(store, quantised=True)
    return [precision for precision in possible if precision != "int8" or quantised]


def _convert_for_openvino(store: Store, *, quantised: bool) -> None:
    path = store.openvino(installed()["openvino"], quantised=quantised)
    if not store.is_sound(path, path.with_suffix(".bin")):
        write_openvino(store.onnx(quantised=quantised), path)
        store.seal(path, path.with_suffix(".bin"))


def _remember(store: Store, spec: NetworkSpec, rows: Sequence[Measured]) -> None:
    """Write the spec, then the rows, whose presence says that all is there; then remove what older versions made."""
    current = store.measured(machine_key())
    for path, text in ((store.spec(), spec.to_json()), (current, rows_to_json(rows))):
        with write_then_rename(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
        store.seal(path)
    store.remove_stale(installed().get("openvino"))
