"""What a network of the MiDaS family is: encoder, decoder, and the picture it wants to see. Plain data, no torch."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from depth3d.core.errors import WeightsError

NOISE_STRENGTH = 0.26
NOISE_REACH = 0.44
"""What is taken for a network that does not say how wrong it is: its 1/z is off by 26 %, one standard deviation where
depth is in the middle of its range, in patches of almost half of the picture's diagonal.

Found as `depth3d train --measure` does, on 24 pictures of 6 real places that the network had not seen. Single pictures
differ by factors of two and more. Hints tell which it is.
"""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

Coordinates = Literal["none", "stretched", "square"]
OutputRange = Literal["relu", "softplus", "any"]
Shrink = Literal["cubic", "area"]
NoiseLaw = Literal["exponential", "matern"]

_STRIDE = 32
"""Of the encoders' coarsest features; both sides of what they see are multiples of it."""
_LEAST_STD = 1e-3
_LONGEST_NAME = 200

_CHOICES: dict[str, tuple[str, ...]] = {
    "coordinates": ("none", "stretched", "square"),
    "output": ("relu", "softplus", "any"),
    "shrink": ("cubic", "area"),
    "noise_law": ("exponential", "matern"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSpec:
    """A network of the MiDaS family (Ranftl et al., arXiv 1907.01341): timm encoder, RefineNet-style decoder.

    Attributes:
        name: what it is called in messages and files.
        encoder: name of a timm model that has features at strides 4, 8, 16 and 32.
        width: channels of the decoder at stride 4.
        expand: the decoder's channels double at every coarser stride; otherwise all are ``width``.
        skip_activated: a residual unit adds its activated input, as the original large network does, not its input.
        official_layout: the encoder's tensors are named as in the official checkpoints, not as timm names them.
        coordinates: two channels that tell a pixel where it is are appended to the picture, zero in its middle:
            ``stretched`` from -1 to 1 across each side, ``square`` from -1 to 1 across the longer side only.
        output: the last activation; with ``any`` outputs may be negative.
        net_size: longer side of the picture the network sees, in pixels.
        multiple_of: both sides of that picture are multiples of this.
        mean: (red, green, blue) subtracted from the picture in [0, 1].
        std: (red, green, blue) the picture is then divided by.
        shrink: how a larger photo is reduced: ``cubic`` without antialiasing as the original does, or by ``area``.
        noise_strength: standard deviation of the relative error of the network's 1/z that neighbouring pixels share.
            Measured at the end of a training; the default is that of another network.
        noise_reach: how far such errors are correlated, as a share of the picture's diagonal: the length of the Matern
            covariance that `depth3d.scale` assumes.
        noise_law: ``matern`` where both were measured as that covariance wants them. Files from before it say
            ``exponential``: they hold the distance at which the correlation of errors after the best scale and shift
            has fallen to 1/e, which is another and shorter length, so that `reach` is then the default.
    """

    name: str
    encoder: str
    width: int
    expand: bool
    skip_activated: bool = False
    official_layout: bool = False
    coordinates: Coordinates = "none"
    output: OutputRange = "relu"
    net_size: int = 256
    multiple_of: int = 32
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    shrink: Shrink = "cubic"
    noise_strength: float = NOISE_STRENGTH
    noise_reach: float = NOISE_REACH
    noise_law: NoiseLaw = "exponential"

    def __post_init__(self) -> None:
        """Check the values."""
        for text in (self.name, self.encoder):
            if not (text.isprintable() and 0 < len(text) <= _LONGEST_NAME):
                raise WeightsError(f"a network's name is a line of text, got {text[:_LONGEST_NAME]!r}")
        for field, choices in _CHOICES.items():
            if getattr(self, field) not in choices:
                raise WeightsError(f"network {self.name}: {field} is {getattr(self, field)!r}, not one of {choices}")
        if not (0 < self.noise_strength < 10 and 0 < self.noise_reach < 10):
            raise WeightsError(
                f"network {self.name}: impossible noise: strength {self.noise_strength}, reach {self.noise_reach}"
            )
        sizes_fit = _STRIDE <= self.multiple_of <= self.net_size <= 4096 and 2 <= self.width <= 1024
        if not sizes_fit or self.multiple_of % _STRIDE or not all(_LEAST_STD <= std < math.inf for std in self.std):
            raise WeightsError(
                f"network {self.name}: impossible numbers: net_size {self.net_size}, multiple_of {self.multiple_of} "
                f"(of {_STRIDE}), width {self.width}, std {self.std}"
            )
        if not all(map(math.isfinite, self.mean)) or max(map(abs, self.mean)) > 1 / _LEAST_STD:
            raise WeightsError(f"network {self.name}: impossible numbers: mean {self.mean}")

    @property
    def reach(self) -> float:
        """How far errors are correlated, as a share of the diagonal, as `depth3d.scale` understands it."""
        return self.noise_reach if self.noise_law == "matern" else NOISE_REACH

    def to_json(self) -> str:
        """Write the specification as JSON, for the metadata of a weights file."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> NetworkSpec:
        """Read what :meth:`to_json` wrote.

        Raises:
            WeightsError: not JSON, or not a specification this version of depth3d knows.
        """
        try:
            given: dict[str, Any] = dict(json.loads(text))
            given.update({key: tuple(map(float, given[key])) for key in ("mean", "std") if key in given})
            _check_types(given)
            return cls(**given)
        except (ArithmeticError, RecursionError, TypeError, ValueError) as error:
            reason = str(error)[:200]
            raise WeightsError(f"the network's description in the weights file cannot be read: {reason}") from error


def _is_of(value: object, kind: Any) -> bool:
    """Whether a value has a kind; True is not a number."""
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _check_types(given: dict[str, Any]) -> None:
    """Refuse values of another type than the fields have, so that a damaged description fails here."""
    kinds: dict[str, Any] = {"str": str, "int": int, "bool": bool, "float": (float, int)}
    for field in fields(NetworkSpec):
        kind = kinds.get(str(field.type))
        if kind is not None and field.name in given and not _is_of(given[field.name], kind):
            raise ValueError(f"{field.name} is {given[field.name]!r}, not of type {field.type}")
    for key in ("mean", "std"):
        if key in given and len(given[key]) != 3:
            raise ValueError(f"{key} needs three numbers, got {given[key]}")


MIDAS_SMALL = NetworkSpec(
    name="midas_small", encoder="tf_efficientnet_lite3", width=64, expand=True, official_layout=True
)
MIDAS_LARGE = NetworkSpec(
    name="midas_large",
    encoder="resnext101_32x8d",
    width=256,
    expand=False,
    skip_activated=True,
    official_layout=True,
    net_size=384,
)
OFFICIAL_SPECS = {spec.name: spec for spec in (MIDAS_SMALL, MIDAS_LARGE)}
