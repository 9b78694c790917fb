"""A network run by torch itself: the reference."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from depth3d.predictors.midas import MidasNet

PRECISIONS = ("fp32", "bf16")


class TorchRuntime:
    """Runs a torch network on the CPU.

    Args:
        network: in evaluation mode.
        precision: ``fp32``, or ``bf16`` for convolutions in bfloat16, which few processors do fast.
        threads: how many threads torch may use, or None for its own choice.
    """

    def __init__(self, network: MidasNet, *, precision: str = "fp32", threads: int | None = None) -> None:
        self.network, self._half, self._threads = network, precision == "bf16", threads

    def __call__(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `Runtime`."""
        import torch

        with (
            torch.inference_mode(),
            limit_threads(self._threads),
            torch.autocast("cpu", torch.bfloat16, enabled=self._half),
        ):
            batch = torch.from_numpy(picture)[None].to(memory_format=torch.channels_last)
            output: NDArray[np.float32] = self.network(batch)[0].float().numpy()
        return output


@lru_cache(maxsize=2)
def cached_network(path: Path, sha256: str) -> MidasNet:
    """Load a network once per process; the hash is part of the key, so that a replaced file is read again."""
    from depth3d.predictors.checkpoint import load_network

    del sha256
    return load_network(path)


@contextmanager
def limit_threads(count: int | None) -> Iterator[None]:
    """Let torch use so many threads inside the block."""
    import torch

    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        if count is not None:
            torch.set_num_threads(before)
