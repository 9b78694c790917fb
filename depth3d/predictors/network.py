"""A predictor that runs a network of the MiDaS family on the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from depth3d.depth import InverseDepth
from depth3d.errors import WeightsError
from depth3d.predictors.preprocess import prepare_picture, to_photo_size

if TYPE_CHECKING:
    from depth3d.photo import Photo
    from depth3d.predictors.midas import MidasNet


NETWORK_NOISE = 0.15
"""Typical error of a small network's relative inverse depth, as a share of its range; hints correct it."""


@dataclass(frozen=True, slots=True, eq=False)
class NetworkPredictor:
    """Photo to relative inverse depth with one network.

    Attributes:
        network: the network, ready for inference.
        weights_id: the first 16 hex digits of the weights file's sha256.
        origin: whose weights these are, in words for the user.
        licence: under which the weights are offered.
        threads: how many threads torch may use, or None for its own choice.
    """

    network: MidasNet
    weights_id: str
    origin: str
    licence: str = "not stated"
    threads: int | None = None

    @property
    def name(self) -> str:
        """The network's name."""
        return self.network.spec.name

    def predict(self, photo: Photo) -> InverseDepth:
        """Predict relative inverse depth for every pixel of the photo; only its ``rgb`` is looked at.

        Raises:
            WeightsError: the network's output is not finite, as damaged weights give.
        """
        height, width = photo.rgb.shape[:2]
        output = self._run(prepare_picture(photo.rgb, self.network.spec))
        if not np.isfinite(output).all():
            raise WeightsError(f"{self.name}: the output is not finite; its weights ({self.origin}) are damaged")
        values = to_photo_size(output, width, height)
        if self.network.spec.output == "any":  # inverse depth is known up to a shift, so the farthest may be zero
            values -= values.min()
        np.maximum(values, np.float32(0), out=values)  # the cubic kernel undershoots beside steps
        details = (("network", self.name), ("weights_sha256_begins", self.weights_id), ("licence", self.licence))
        return InverseDepth(values=values, noise=NETWORK_NOISE, source=f"{self.name}, {self.origin}", details=details)

    def _run(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode(), _threads(self.threads):
            batch = torch.from_numpy(picture)[None].to(memory_format=torch.channels_last)
            output: NDArray[np.float32] = self.network(batch)[0].numpy()
        return output


@lru_cache(maxsize=2)
def cached_network(path: Path, sha256: str) -> MidasNet:
    """Load a network once per process; the hash is part of the key, so that a replaced file is read again."""
    from depth3d.predictors.checkpoint import load_network

    del sha256
    return load_network(path)


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
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
