"""Which way a network is run on this machine, and making it ready: convert and measure once, then only load."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from depth3d.core.errors import Depth3DNotice, Depth3DWarning, MissingExtraError, UsageError
from depth3d.core.options import DepthOptions
from depth3d.predictors.runtimes import PRECISIONS, RUNTIMES, Runtime
from depth3d.predictors.runtimes.converted_cache import Store
from depth3d.predictors.runtimes.machine_info import installed, machine_key
from depth3d.predictors.runtimes.measure import Measured, Way, fastest, read_rows
from depth3d.predictors.runtimes.runtime_errors import RuntimeFailedError
from depth3d.predictors.spec import NetworkSpec
from depth3d.predictors.weights import FoundWeights


@dataclass(frozen=True, slots=True, eq=False)
class OpenNetwork:
    """A network that is ready to run.

    Attributes:
        spec: what it is and which pictures it wants.
        way: the library and the precision it runs with.
        run: runs it.
    """

    spec: NetworkSpec
    way: Way
    run: Runtime


def open_network(
    weights: FoundWeights,
    *,
    runtime: str = DepthOptions().runtime,
    precision: str = DepthOptions().precision,
    threads: int | None = None,
) -> OpenNetwork:
    """Make a network ready to run; the same one is loaded once per process.

    ``auto`` means OpenVINO or onnxruntime where one is installed, else torch. With both at ``auto``, or only the
    precision, the fastest way is taken that deviates little enough from torch in single precision (`measure`); what
    is not exact enough is taken only if the precision is named. The first time converts and measures, which takes a few
    seconds and is announced by a `Depth3DNotice`.

    Args:
        weights: the network's file.
        runtime: one of `RUNTIMES`; the environment variable DEPTH3D_RUNTIME stands in for ``auto``.
        precision: one of `PRECISIONS`.
        threads: how many threads the network may use, or None for the library's own choice.

    Raises:
        UsageError: no such runtime or precision, or this machine has no such combination.
        MissingExtraError: the library is not installed.
        WeightsError: the weights are damaged or cannot be converted as demanded.

    Warns:
        Depth3DWarning: the network cannot be converted, so that it runs in torch.
    """
    runtime = check_way(runtime, precision)
    if runtime == "torch" or not installed():
        return _in_torch(weights, precision, threads)
    quantised = precision == "int8"
    try:
        way = _chosen(measured(weights, quantised=quantised), runtime, precision)
        return _converted_or_anew(weights, way, threads, quantised=quantised)
    except RuntimeFailedError as error:
        if not runtime == precision == "auto":
            raise
        warnings.warn(Depth3DWarning(f"{error}; the network runs in torch, which is slower"), stacklevel=3)
        return _in_torch(weights, precision, threads)


def _converted_or_anew(weights: FoundWeights, way: Way, threads: int | None, *, quantised: bool) -> OpenNetwork:
    """The converted network; made again where something in the store is damaged or was removed."""
    try:
        return _converted(weights.path, weights.sha256, way, threads)
    except RuntimeFailedError:
        Store.of(weights.sha256).clear()
        measured(weights, quantised=quantised)
        return _converted(weights.path, weights.sha256, way, threads)


def measured(weights: FoundWeights, *, quantised: bool = False) -> list[Measured]:
    """Every way of running converted networks that this machine has, measured once and then remembered.

    Args:
        weights: the network's file.
        quantised: also in int8, which takes a few seconds more to prepare.

    Raises:
        WeightsError: the network cannot be converted, or nothing can be stored.
    """
    store = Store.of(weights.sha256)
    store.check_trusted()
    rows = _remembered(store, quantised=quantised)
    if rows is None:
        message = f"preparing the network {weights.path.name} for this processor; takes a few seconds, once"
        warnings.warn(Depth3DNotice(message), stacklevel=4)
        with store.held():
            rows = _remembered(store, quantised=quantised)  # what another process did while we waited
            if rows is None:
                from depth3d.predictors.runtimes.convert_and_measure import prepare

                rows = prepare(weights, store, quantised=quantised)
    return rows


def remembered_way(weights: FoundWeights) -> Way | None:
    """What ``auto`` takes here; None where that was not measured yet. Nothing is loaded for that."""
    runtime = os.environ.get("DEPTH3D_RUNTIME") or "auto"
    if runtime == "torch" or not installed():
        return Way("torch", "fp32")
    chosen = fastest(_remembered(Store.of(weights.sha256), quantised=False) or (), runtime=runtime)
    return None if chosen is None else chosen.way


def check_way(runtime: str, precision: str) -> str:
    """Refuse a way of running networks that this machine does not have; no network is looked for.

    Returns:
        The runtime, or the one that the environment names instead of ``auto``.

    Raises:
        UsageError: no such runtime or precision.
        MissingExtraError: the runtime is not installed.
    """
    if runtime == "auto":
        runtime = os.environ.get("DEPTH3D_RUNTIME") or "auto"
    if runtime not in RUNTIMES:
        raise UsageError(f"unknown runtime {runtime!r}; choose one of {', '.join(RUNTIMES)}")
    if precision not in PRECISIONS:
        raise UsageError(f"unknown precision {precision!r}; choose one of {', '.join(PRECISIONS)}")
    if runtime not in ("auto", "torch", *installed()):
        raise MissingExtraError(f"the runtime {runtime}", runtime, "fast")
    return runtime


def _chosen(rows: list[Measured], runtime: str, precision: str) -> Way:
    """The way to take of those measured."""
    chosen = fastest(rows, runtime=runtime, precision=precision)
    if chosen is not None:
        return chosen.way
    if precision == "auto":
        raise RuntimeFailedError("no conversion of this network gives what torch gives")
    possible = ", ".join(str(row.way) for row in rows)
    raise UsageError(f"this machine cannot run {runtime} in {precision} with this network; it can run {possible}")


def _in_torch(weights: FoundWeights, precision: str, threads: int | None) -> OpenNetwork:
    from depth3d.predictors.runtimes.torch_runtime import PRECISIONS as POSSIBLE
    from depth3d.predictors.runtimes.torch_runtime import TorchRuntime, cached_network

    precision = "fp32" if precision == "auto" else precision
    if precision not in POSSIBLE:
        raise UsageError(
            f"torch runs networks in {' or '.join(POSSIBLE)}; {precision} needs another runtime: "
            "pip install 'depth3d[fast]'"
        )
    network = cached_network(weights.path, weights.sha256)
    return OpenNetwork(
        network.spec, Way("torch", precision), TorchRuntime(network, precision=precision, threads=threads)
    )


def _remembered(store: Store, *, quantised: bool) -> list[Measured] | None:
    path = store.measured(machine_key())
    rows = read_rows(path) if store.is_sound(path) else None
    if rows is None or (quantised and not any(row.way.precision == "int8" for row in rows)):
        return None
    return rows


@lru_cache(maxsize=2)
def _converted(path: Path, sha256: str, way: Way, threads: int | None) -> OpenNetwork:
    """Load a converted network, once per process."""
    store = Store.of(sha256)
    if not store.is_sound(store.spec()):
        raise RuntimeFailedError(f"{path}: its converted form is damaged or was removed")
    spec = NetworkSpec.from_json(store.spec().read_text(encoding="utf-8"))
    return OpenNetwork(spec, way, load_way(store, way, threads))


def load_way(store: Store, way: Way, threads: int | None = None) -> Runtime:
    """Load one way of running what is in the store.

    Raises:
        RuntimeFailedError: the library cannot run the file, or there is none.
    """
    quantised = way.precision == "int8"
    if way.runtime == "openvino":
        from depth3d.predictors.runtimes.openvino_runtime import OpenvinoRuntime

        path = store.openvino(installed()["openvino"], quantised=quantised)
        _check_sound(store, path, path.with_suffix(".bin"))
        return OpenvinoRuntime(path, precision=way.precision, threads=threads)
    from depth3d.predictors.runtimes.onnxruntime_runtime import OnnxruntimeRuntime

    _check_sound(store, store.onnx(quantised=quantised))
    return OnnxruntimeRuntime(store.onnx(quantised=quantised), threads=threads)


def _check_sound(store: Store, *paths: Path) -> None:
    if not store.is_sound(*paths):
        raise RuntimeFailedError(f"{paths[0]} is damaged or was removed")
