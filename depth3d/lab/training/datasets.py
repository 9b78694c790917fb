"""Real folders as sources of batches, and several sources in one batch, each with the same share (arXiv 1907.01341)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from depth3d.core.errors import UsageError
from depth3d.lab.training.augment import Batch, BatchRandom, crop, degrade, develop
from depth3d.lab.training.dataset_layouts import LAYOUTS, Sample, find_pairs, read_pair
from depth3d.lab.training.loop import Source
from depth3d.lab.training.self_training import Guess, Taught

_REMEMBERED = 256
_LONG_SIDE = 384
_GOLDEN = 0.6180339887498949
_DEVELOPED_AGAIN = 0.6


class FolderSource:
    """Batches from a folder of photos with measured depth.

    Args:
        layout: a key of `readers.LAYOUTS`.
        folder: where the data lies.
        seed: of the order.
        augment: give the photos further faults; otherwise they are only cropped and mirrored.
    """

    def __init__(self, layout: str, folder: Path, *, seed: int = 1, augment: bool = True) -> None:
        self.name = f"{layout}:{folder.name}"
        self.pairs = find_pairs(layout, folder)
        self._layout, self._seed, self._augment = LAYOUTS[layout], seed, augment
        self._read: OrderedDict[int, Sample] = OrderedDict()

    def batch(self, step: int, count: int, size: tuple[int, int]) -> Batch:
        """The batch of this step: `count` crops of (height, width) `size`."""
        rng = np.random.default_rng((self._seed, 3, step))
        picks = rng.integers(len(self.pairs), size=count)
        draws = BatchRandom(int(rng.integers(1 << 62)), count, torch.device("cpu"))
        crops = []
        for pick in picks:
            sample = self._sample(int(pick))
            one = BatchRandom(int(rng.integers(1 << 62)), 1, torch.device("cpu"))
            rgb = torch.from_numpy(sample.rgb).movedim(2, 0)[None].float() / 255
            inverse, valid = torch.from_numpy(sample.inverse_depth)[None], torch.from_numpy(sample.valid)[None]
            crops.append(crop(rgb, inverse, valid, size, one))
        rgb, inverse, valid = (torch.cat(parts) for parts in zip(*crops, strict=True))
        anchored = torch.tensor([self._sample(int(pick)).anchored for pick in picks])
        if not self._augment:
            return Batch(rgb, inverse, valid, anchored)
        # Photos are sRGB; faults happen in linear light. Some photos stay as they are: cameras' faults are real ones.
        rgb = torch.where(draws.bernoulli(_DEVELOPED_AGAIN), develop(rgb**2.2, draws), rgb)
        return degrade(Batch(rgb, inverse, valid, anchored), draws)

    def _sample(self, number: int) -> Sample:
        if number not in self._read:
            self._read[number] = _smaller(read_pair(self.pairs[number], self._layout))
            if len(self._read) > _REMEMBERED:
                self._read.popitem(last=False)
        return self._read[number]


class MixedSource:
    """Several sources in every batch.

    Args:
        sources: where samples come from.
        shares: of each source in a batch, in any unit; equal where not given. What does not come out even changes from
            step to step, so that the shares hold on the whole.
    """

    def __init__(self, sources: Sequence[Source], shares: Sequence[float] | None = None) -> None:
        if not sources:
            raise UsageError("nothing to train on: name at least one source")
        shares = shares if shares is not None else [1.0] * len(sources)
        if len(shares) != len(sources) or min(shares) <= 0:
            raise UsageError(f"{len(sources)} sources need as many positive shares, got {list(shares)}")
        self.sources = tuple(sources)
        self.name = "+".join(source.name for source in sources)
        self._ends = np.cumsum(shares) / np.sum(shares)

    def follow(self, guess: Guess) -> None:
        """Give the teacher to the sources that want one."""
        for source in self.sources:
            if isinstance(source, Taught):
                source.follow(guess)

    def batch(self, step: int, count: int, size: tuple[int, int]) -> Batch:
        """The batch of this step: `count` samples of (height, width) `size`."""
        # Over all steps, source i owns the stretch between two ends of every unit; a batch is `count` equal strides.
        places = ((np.arange(count) + 0.5) / count + step * _GOLDEN / count) % 1
        owners = np.searchsorted(self._ends[:-1], places, side="right")
        parts = []
        for i, source in enumerate(self.sources):
            own = int(np.sum(owners == i))
            if own:
                parts.append(source.batch(step, own, size))
        return Batch(
            torch.cat([part.rgb for part in parts]),
            torch.cat([part.inverse_depth for part in parts]),
            torch.cat([part.valid for part in parts]),
            torch.cat([_anchored(part) for part in parts]),
        )


def _anchored(part: Batch) -> torch.Tensor:
    if part.anchored is not None:
        return part.anchored
    return torch.ones(len(part.rgb), dtype=torch.bool, device=part.rgb.device)


def _smaller(sample: Sample) -> Sample:
    """The sample with its longer side at most `_LONG_SIDE`: colours by area, depth by the nearest pixel."""
    import cv2

    height, width = sample.valid.shape
    factor = _LONG_SIDE / max(height, width)
    if factor >= 1:
        return sample
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    rgb = cv2.resize(sample.rgb, size, interpolation=cv2.INTER_AREA)
    inverse = cv2.resize(sample.inverse_depth, size, interpolation=cv2.INTER_NEAREST)
    valid = cv2.resize(sample.valid.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    return Sample(np.asarray(rgb, np.uint8), np.asarray(inverse, np.float32), valid, sample.anchored)
