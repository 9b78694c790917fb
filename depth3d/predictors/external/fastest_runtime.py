"""The fastest way to run a model of the transformers library that gives what torch gives, measured on this machine."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import Depth3DNotice, Depth3DWarning, UsageError
from depth3d.predictors.external.convert_to_onnx import PRECISIONS_OF, converted_file
from depth3d.predictors.external.graph import Arrays, Graph
from depth3d.predictors.runtimes.converted_cache import CONVERSION, Store, write_then_rename
from depth3d.predictors.runtimes.deviation import deviation_of
from depth3d.predictors.runtimes.machine_info import installed, machine_key
from depth3d.predictors.runtimes.measure import Measured, Way, fastest, read_rows, rows_to_json
from depth3d.predictors.runtimes.runtime_errors import RuntimeFailedError

Run = Callable[[NDArray[np.float32]], Arrays]
"""(1, 3, h, w) picture to named outputs."""

LARGEST_BYTES = 1_700_000_000
"""Weights above this stay in torch: one ONNX file holds at most 2 GiB."""

_ROUNDS = 3
_TORCH = ("fp32", "bf16")


class FastestModel:
    """Runs a model the way that is fastest here; for each size of picture it is converted and measured once.

    Args:
        model: the torch model.
        in_torch: gives the function that runs it in torch in a precision.
        name: of it, for messages.
        digits: of its weights, which name the folder of what is kept.
        precision: ``auto`` takes the fastest way that is as good as exact; else the fastest in that precision.
        threads: how many threads it may use, or None.
    """

    def __init__(
        self,
        model: Any,
        in_torch: Callable[[str], Run],
        name: str,
        digits: str,
        *,
        precision: str,
        threads: int | None,
    ) -> None:
        self._model, self._in_torch, self._name, self._store = model, in_torch, name, Store.of(digits)
        self._asked, self._threads = precision, threads
        self._runs: dict[tuple[int, ...], Run] = {}
        self._rows: dict[tuple[int, ...], Measured] = {}
        self._last: tuple[int, ...] = ()

    def __call__(self, picture: NDArray[np.float32]) -> Arrays:
        """The outputs for a picture (1, 3, h, w).

        Raises:
            UsageError: no library here runs it in the precision asked for.
        """
        shape = picture.shape[2:]
        if shape not in self._runs:
            self._rows[shape] = self._chosen(picture)
            self._runs[shape] = self._run(self._rows[shape].way, picture)
        self._last = shape
        return self._runs[shape](picture)

    @property
    def runtime(self) -> str:
        """The library that ran the last picture."""
        return self._rows[self._last].way.runtime

    @property
    def precision(self) -> str:
        """The precision in which it did."""
        return self._rows[self._last].way.precision

    @property
    def in_words(self) -> str:
        """How far that strays from torch in single precision."""
        height, width = self._last
        return f"{self._rows[self._last].deviation:.3%} at {width}x{height}"

    def _chosen(self, picture: NDArray[np.float32]) -> Measured:
        height, width = picture.shape[2:]
        name = f"hf-ways-v{CONVERSION}-{machine_key()}-{width}x{height}-{self._asked}.json"
        kept = self._store.folder / name
        rows = read_rows(kept) if self._store.is_sound(kept) else None
        if rows is None:
            rows = list(self._measured(picture))
            self._keep(kept, rows)
        found = fastest(rows, precision=self._asked)
        if found is None:
            possible = ", ".join(str(row.way) for row in rows)
            raise UsageError(f"{self._name} cannot run here in {self._asked}; it can run in {possible}")
        return found

    def _measured(self, picture: NDArray[np.float32]) -> Iterator[Measured]:
        """Run each way, one after the other so that one at a time is in memory."""
        wanted = self._in_torch("fp32")(picture)["predicted_depth"]
        for way in self._ways(picture):
            try:
                run = self._run(way, picture)
                given = run(picture)["predicted_depth"]
            except RuntimeFailedError as error:
                warnings.warn(Depth3DWarning(f"{self._name} in {way}: {error}; left out"), stacklevel=2)
                continue
            stray = deviation_of(given[0], wanted[0])
            yield Measured(way, _shortest(run, picture), stray.median, stray.rank_correlation)

    def _ways(self, picture: NDArray[np.float32]) -> list[Way]:
        asked = self._asked
        ways = [Way("torch", one) for one in _TORCH if asked in ("auto", one)]
        ways = ways if _computes_bf16() or asked == "bf16" else ways[:1]
        weigh = sum(one.numel() * one.element_size() for one in self._model.parameters())
        if weigh > LARGEST_BYTES:
            words = f"{self._name}: weighs {weigh / 2**30:.1f} GiB, too much for one ONNX file; it runs in torch"
            warnings.warn(Depth3DNotice(words), stacklevel=2)
            return ways or [Way("torch", "fp32")]
        try:
            converted_file(self._model, self._name, self._store, picture, quantised=asked == "int8")
        except RuntimeFailedError as error:
            warnings.warn(Depth3DWarning(f"{error}; {self._name} runs in torch"), stacklevel=2)
            return ways or [Way("torch", "fp32")]
        for library in installed():
            ways += [Way(library, one) for one in _precisions(library) if asked == one or _is_auto(asked, one)]
        return ways

    def _run(self, way: Way, picture: NDArray[np.float32]) -> Run:
        if way.runtime == "torch":
            return self._in_torch(way.precision)
        path = converted_file(self._model, self._name, self._store, picture, quantised=way.precision == "int8")
        graph = Graph(path, runtime=way.runtime, threads=self._threads, precision=way.precision)
        return lambda one: graph({"picture": one})

    def _keep(self, path: Path, rows: list[Measured]) -> None:
        """Remember what was measured; where nothing can be stored it is measured again the next time."""
        try:
            with self._store.held(), write_then_rename(path) as temporary:
                temporary.write_text(rows_to_json(rows), encoding="utf-8")
            self._store.seal(path)
        except RuntimeFailedError:
            return


def _is_auto(asked: str, precision: str) -> bool:
    """Int8 is made and measured only where it is asked for."""
    return asked == "auto" and precision != "int8"


def _precisions(library: str) -> tuple[str, ...]:
    possible = PRECISIONS_OF[library]
    if library == "onnxruntime":
        return possible
    from depth3d.predictors.runtimes.openvino_runtime import openvino_precisions

    return tuple(one for one in openvino_precisions() if one in possible)


def _computes_bf16() -> bool:
    """Whether the processor has bfloat16, without which torch only emulates it."""
    return "openvino" in installed() and "bf16" in _precisions("openvino")


def _shortest(run: Run, picture: NDArray[np.float32]) -> float:
    seconds = []
    for _ in range(_ROUNDS):
        start = time.perf_counter()
        run(picture)
        seconds.append(time.perf_counter() - start)
    return min(seconds)
