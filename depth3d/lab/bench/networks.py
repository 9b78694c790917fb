"""Networks to measure, and MiDaS as it was published."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depth3d.predictors.runtimes.converted_cache import Store
from depth3d.predictors.weights import FoundWeights, bundled_weights, examine_weights, find_weights

if TYPE_CHECKING:
    from depth3d.predictors.midas import MidasNet


@contextmanager
def weights_to_measure(name: str, file: Path | None = None) -> Iterator[tuple[FoundWeights, str]]:
    """Give weights and what to say about them.

    Official weights that are not on this machine are not fetched: the same network filled with noise takes as long.
    What its conversion leaves is removed at the end.

    Args:
        name: ``midas_small``, ``midas_large`` or ``bundled``.
        file: a weights file to take instead.
    """
    if file is not None:
        yield examine_weights(file), file.name
        return
    found = bundled_weights() if name == "bundled" else find_weights(name)
    if found is not None:
        yield found, name
        return
    with tempfile.TemporaryDirectory(prefix="depth3d-") as folder:
        found = _filled_with_noise(name, Path(folder))
        try:
            yield found, f"{name}, filled with noise, as its official weights are not on this machine"
        finally:
            shutil.rmtree(Store.of(found.sha256).folder, ignore_errors=True)


def as_published(network: MidasNet) -> MidasNet:
    """A copy that does the work of the original: plain memory layout, 1x1 convolutions after each enlargement.

    The numbers are the same; depth3d's own order does a quarter of that part of the work.
    """
    import torch
    from torch.nn import functional

    copy = deepcopy(network).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]

    def enlarged_first(fusion: Any, path: torch.Tensor | None, level: torch.Tensor) -> Any:
        x = level if path is None else path + fusion.resConfUnit1(level)
        x = functional.interpolate(fusion.resConfUnit2(x), scale_factor=2, mode="bilinear", align_corners=True)
        return fusion.out_conv(x) if hasattr(fusion, "out_conv") else x

    for i in (1, 2, 3, 4):
        fusion = copy.scratch[f"refinenet{i}"]
        fusion.forward = enlarged_first.__get__(fusion)
    published: MidasNet = copy
    return published


def _filled_with_noise(name: str, folder: Path) -> FoundWeights:
    import torch

    from depth3d.predictors.checkpoint import network_bytes
    from depth3d.predictors.midas import build_network

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_network(name)
    path = folder / f"{name}_noise.safetensors"
    path.write_bytes(network_bytes(network, notes={"licence": "noise"}))
    return examine_weights(path)
