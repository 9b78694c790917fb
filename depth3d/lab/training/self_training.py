"""Photos without depth as a source of batches: a network learns from its own averaged guesses (a mean teacher).

The averaged network sees the clean photo, the one that learns sees it degraded: A. Tarvainen and H. Valpola, "Mean
teachers are better role models", arXiv 1703.01780. Where a photo comes with a mask of the things that stand in front,
the guess is made sharp there before it teaches: a network by itself blurs them into what is behind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from depth3d.core.errors import PhotoError, UsageError
from depth3d.lab.training.augment import Batch, BatchRandom, crop, degrade, develop

_SUFFIXES = (".jpg", ".jpeg", ".png")
_MASK_ENDING = ".mask.png"
_LONG_SIDE = 384
_ZOOM = 0.7
_SMALLEST = 0.004
_RIM = 0.028
_NEARER = 1.08
_RELIEF = 0.35
_THICKNESS = 0.07

Guess = Callable[[Tensor], Tensor]


@runtime_checkable
class Taught(Protocol):
    """A source whose depth is a network's guess."""

    def follow(self, guess: Guess) -> None:
        """Take `guess`, pictures (N, 3, H, W) in [0, 1] to inverse depth (N, H, W), as the teacher."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Photo:
    rgb: Tensor
    things: Tensor


class PhotoSource:
    """Batches from a folder of photos without depth, whose depth is the guess of the network in training.

    A photo `NAME.jpg` or `NAME.png` may have a mask `NAME.mask.png` beside it, 8 bits and of the same size: 0 where
    nothing stands in front, and one number for each thing that does.

    Args:
        folder: the photos.
        seed: of the order.

    Raises:
        UsageError: no such folder, or no photo in it.
    """

    def __init__(self, folder: Path, *, seed: int = 1) -> None:
        if not folder.is_dir():
            raise UsageError(f"{folder}: not a folder")
        files = sorted(p for p in folder.iterdir() if p.suffix.lower() in _SUFFIXES)
        self.paths = [p for p in files if not p.name.endswith(_MASK_ENDING)]
        if not self.paths:
            raise UsageError(f"{folder}: no photo in it; a photo ends in {', '.join(_SUFFIXES)}")
        self.name = f"photos:{folder.name}"
        self._seed = seed
        self._guess: Guess | None = None

    def follow(self, guess: Guess) -> None:
        """Take `guess` as the teacher."""
        self._guess = guess

    def batch(self, step: int, count: int, size: tuple[int, int]) -> Batch:
        """The batch of this step: `count` crops of (height, width) `size`."""
        if self._guess is None:
            raise UsageError(f"{self.name} has no teacher: give it to a Trainer, or call follow")
        rng = np.random.default_rng((self._seed, 13, step))
        crops = [self._crop(int(pick), size, rng) for pick in rng.integers(len(self.paths), size=count)]
        rgb, things = (torch.cat(parts) for parts in zip(*crops, strict=True))
        guessed = (self._guess(rgb) + self._guess(rgb.flip(3)).flip(2)) / 2
        inverse = [
            stand_out(depth, thing) for depth, thing in zip(guessed.clamp_min(0).numpy(), things.numpy(), strict=True)
        ]
        draws = BatchRandom(int(rng.integers(1 << 62)), count, torch.device("cpu"))
        taught = torch.from_numpy(np.stack(inverse))
        return degrade(Batch(develop(rgb**2.2, draws), taught, torch.ones_like(taught, dtype=torch.bool)), draws)

    def _crop(self, pick: int, size: tuple[int, int], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        photo = _read(self.paths[pick])
        one = BatchRandom(int(rng.integers(1 << 62)), 1, torch.device("cpu"))
        everywhere = torch.ones_like(photo.things, dtype=torch.bool)
        rgb, things, _ = crop(photo.rgb, photo.things, everywhere, size, one, zoom=_ZOOM)
        return rgb, things.round().to(torch.uint8)


def _read(path: Path) -> _Photo:
    """A photo with its longer side at most 384 pixels, and its mask.

    Raises:
        PhotoError: the photo or its mask cannot be read, or they differ in size.
    """
    import cv2

    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise PhotoError(f"{path}: cannot be read as a picture")
    things = _read_mask(path, bgr.shape[:2])
    factor = min(1.0, _LONG_SIDE / max(bgr.shape[:2]))
    size = (max(1, round(bgr.shape[1] * factor)), max(1, round(bgr.shape[0] * factor)))
    rgb = np.ascontiguousarray(cv2.resize(bgr, size, interpolation=cv2.INTER_AREA)[:, :, ::-1])
    things = np.asarray(cv2.resize(things, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    return _Photo(torch.from_numpy(rgb).movedim(2, 0)[None].float() / 255, torch.from_numpy(things)[None].float())


def _read_mask(path: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    import cv2

    mask = path.with_name(path.stem + _MASK_ENDING)
    if not mask.is_file():
        return np.zeros(size, np.uint8)
    things = cv2.imread(str(mask), cv2.IMREAD_UNCHANGED)
    if things is None or things.dtype != np.uint8 or things.ndim != 2:
        raise PhotoError(f"{mask}: is no mask: a grey PNG of 8 bits is wanted")
    if things.shape != size:
        raise PhotoError(f"{mask}: has {things.shape[1]}x{things.shape[0]} pixels, its photo {size[1]}x{size[0]}")
    return np.asarray(things, np.uint8)


def stand_out(inverse_depth: NDArray[np.float32], things: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A guess in which every masked thing stands sharply in front of what is beside and above it.

    A thing's depth is that of the ground at its foot, or the nearest that was guessed of it, but nearer than its
    surroundings in any case. Below a thing nothing changes: there it stands on something that comes towards the camera.

    Args:
        inverse_depth: (H, W) guessed, in any unit, 0 at infinity.
        things: (H, W) uint8, 0 where nothing stands in front, a number for each thing. Those of less than 0.4 % of the
            picture are left as they are.

    Returns:
        (H, W) inverse depth in the same unit.
    """
    height, width = things.shape
    numbers = [k for k in np.unique(things[things > 0]) if np.mean(things == k) >= _SMALLEST]
    if not numbers:
        return inverse_depth
    rim = max(2, round(_RIM * max(height, width)))
    result = _without_rims(inverse_depth, things, numbers, rim)
    nearness = {k: _nearness(inverse_depth, things, things == k, rim) for k in numbers}
    for number in sorted(numbers, key=nearness.__getitem__):
        inside, near = things == number, nearness[number]
        relief = _RELIEF * (inverse_depth[inside] - np.median(inverse_depth[inside]))
        result[inside] = np.clip(near + relief, near * (1 - _THICKNESS), near * (1 + _THICKNESS))
    return result


def _without_rims(
    inverse_depth: NDArray[np.float32], things: NDArray[np.uint8], numbers: list[np.uint8], rim: int
) -> NDArray[np.float32]:
    """The guess without the blur around things: beside and above them, the farthest that is near."""
    import cv2

    outside = things == 0
    farthest = cv2.erode(np.where(outside, inverse_depth, np.float32(np.inf)), _disc(rim))
    result = inverse_depth.copy()
    for number in numbers:
        ring = _around(things == number, rim, above_foot=0.12) & outside & np.isfinite(farthest)
        result[ring] = np.minimum(result[ring], farthest[ring])
    return result


def _nearness(
    inverse_depth: NDArray[np.float32], things: NDArray[np.uint8], inside: NDArray[np.bool_], rim: int
) -> float:
    """Inverse depth at which a thing is set."""
    rows = np.flatnonzero(inside.any(1))
    foot = int(rows[-1])
    beyond = _around(inside, 2 * rim, above_foot=0.25) & ~_around(inside, rim, above_foot=0.0) & (things == 0)
    own = inverse_depth[inside]
    behind = float(np.median(inverse_depth[beyond])) if beyond.sum() > 12 else float(np.quantile(own, 0.1))
    most = float(np.quantile(own, 0.8))
    near = max(most, behind * _NEARER + 0.02 * float(inverse_depth.mean()))
    if foot < len(inside) - 3:
        sole = inside[foot - max(2, round(0.06 * len(rows))) :].any(0)
        return max(near, min(float(np.median(inverse_depth[foot + 1][sole])), 1.35 * most))
    return max(near, float(np.quantile(own, 0.9)))


def _around(inside: NDArray[np.bool_], reach: int, *, above_foot: float) -> NDArray[np.bool_]:
    """Pixels within `reach` of a thing, itself included, but for its lowest share `above_foot` and all below."""
    import cv2

    rows = np.flatnonzero(inside.any(1))
    near: NDArray[np.bool_] = cv2.dilate(inside.astype(np.uint8), _disc(reach)) > 0
    if above_foot:
        near[rows[-1] - max(2, int(above_foot * (rows[-1] - rows[0] + 1))) :] = False
    return near


def _disc(radius: int) -> NDArray[np.uint8]:
    import cv2

    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)), np.uint8)
