"""The MiDaS v2.1 networks as one parametrised torch module: a timm encoder and a RefineNet-style decoder.

Ranftl et al., "Towards Robust Monocular Depth Estimation", arXiv 1907.01341; Lin et al., "RefineNet", arXiv 1611.06612.
The encoder gives features at strides 4, 8, 16 and 32; the decoder fuses them from coarse to fine with residual units.
Only this module and those beside it know torch, and they are imported only when a network is wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from depth3d.core.errors import UsageError
from depth3d.predictors.spec import OFFICIAL_SPECS, NetworkSpec
from depth3d.predictors.torch_env import import_timm

_STRIDES = (4, 8, 16, 32)


def build_network(spec: NetworkSpec | str, *, extra_heads: Mapping[str, int] | None = None) -> MidasNet:
    """Build a network with random weights; nothing is downloaded.

    Args:
        spec: the specification, or the name of an official network: ``midas_small`` or ``midas_large``.
        extra_heads: channels of auxiliary heads by name, such as ``{"normals": 3}``, that share the decoder's features.
            Their tensors begin with ``heads.`` and are not needed to predict depth.

    Returns:
        The network, in training mode.

    Raises:
        UsageError: the name or the encoder is unknown, or the encoder lacks features at strides 4, 8, 16 and 32.
    """
    if isinstance(spec, str):
        if spec not in OFFICIAL_SPECS:
            raise UsageError(f"unknown network {spec!r}; known are {', '.join(OFFICIAL_SPECS)}")
        spec = OFFICIAL_SPECS[spec]
    return MidasNet(spec, extra_heads=extra_heads or {})


class MidasNet(nn.Module):
    """Picture to relative inverse depth.

    The names of its tensors are those of the official checkpoints where ``spec.official_layout`` is set; the decoder's
    names always are.
    """

    def __init__(self, spec: NetworkSpec, *, extra_heads: Mapping[str, int]) -> None:
        """Build the parts; :func:`build_network` explains the arguments."""
        super().__init__()
        self.spec = spec
        in_channels = 3 if spec.coordinates == "none" else 5
        if spec.official_layout:
            self.pretrained, channels = _official_encoder(spec.encoder, in_channels)
        else:
            self.pretrained, channels = _timm_encoder(spec.encoder, in_channels)
        self.scratch = _decoder(spec, channels)
        self.heads = nn.ModuleDict({name: _head(spec.width, count) for name, count in extra_heads.items()})

    def forward(self, picture: Tensor) -> Tensor:
        """Predict relative inverse depth.

        Args:
            picture: (N, 3, h, w) float, normalised with the specification's mean and std; h and w are multiples of 32.

        Returns:
            (N, h, w), larger is nearer; not negative unless ``spec.output`` is ``any``.
        """
        return self.inverse_depth(self.features(picture))

    def forward_with_heads(self, picture: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Predict inverse depth (N, h, w) and, by name, what each auxiliary head sees (N, its channels, h, w)."""
        features = self.features(picture)
        return self.inverse_depth(features), {name: head(features) for name, head in self.heads.items()}

    def features(self, picture: Tensor) -> Tensor:
        """Run encoder and decoder: (N, 3, h, w) normalised picture to (N, width, h / 2, w / 2) features."""
        if self.spec.coordinates != "none":
            picture = torch.cat([picture, _coordinates(picture, square=self.spec.coordinates == "square")], dim=1)
        levels = self.pretrained(picture)
        scratch = self.scratch
        path = scratch["refinenet4"](None, scratch["layer4_rn"](levels[3]))
        path = scratch["refinenet3"](path, scratch["layer3_rn"](levels[2]))
        path = scratch["refinenet2"](path, scratch["layer2_rn"](levels[1]))
        return cast(Tensor, scratch["refinenet1"](path, scratch["layer1_rn"](levels[0])))

    def inverse_depth(self, features: Tensor) -> Tensor:
        """Turn the decoder's features (N, width, h / 2, w / 2) into inverse depth (N, h, w)."""
        raw = cast(Tensor, self.scratch["output_conv"](features)).squeeze(1)
        if self.spec.output == "relu":
            return functional.relu(raw)
        return functional.softplus(raw) if self.spec.output == "softplus" else raw


class _StagedEncoder(nn.Module):
    """An encoder cut into four stages named as in the official checkpoints."""

    def __init__(self, stages: list[nn.Sequential]) -> None:
        super().__init__()
        self.layer1, self.layer2, self.layer3, self.layer4 = stages

    def forward(self, picture: Tensor) -> list[Tensor]:
        levels = [self.layer1(picture)]
        for stage in (self.layer2, self.layer3, self.layer4):
            levels.append(stage(levels[-1]))
        return levels


class _FeatureEncoder(nn.Module):
    """Any timm encoder, reduced to its features at strides 4, 8, 16 and 32."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, picture: Tensor) -> list[Tensor]:
        return list(self.model(picture))


class _ResidualUnit(nn.Module):
    """Two 3x3 convolutions, each after a ReLU, beside a skip."""

    def __init__(self, channels: int, *, skip_activated: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.skip_activated = skip_activated

    def forward(self, x: Tensor) -> Tensor:
        active = functional.relu(x)
        change = self.conv2(functional.relu(self.conv1(active)))
        # The original large network activates in place, so that its skip carries the activated input.
        return cast(Tensor, change + (active if self.skip_activated else x))


class _Fusion(nn.Module):
    """Joins the coarser path with one level of the encoder and doubles the resolution."""

    def __init__(self, channels: int, *, out_channels: int | None, skip_activated: bool) -> None:
        super().__init__()
        if out_channels is not None:
            self.out_conv = nn.Conv2d(channels, out_channels, 1)
        self.resConfUnit1 = _ResidualUnit(channels, skip_activated=skip_activated)
        self.resConfUnit2 = _ResidualUnit(channels, skip_activated=skip_activated)

    def forward(self, path: Tensor | None, level: Tensor) -> Tensor:
        x = level if path is None else path + self.resConfUnit1(level)
        x = self.resConfUnit2(x)
        if hasattr(self, "out_conv"):
            # A 1x1 convolution and an interpolation commute; before it there is a quarter of the work.
            x = self.out_conv(x)
        return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)


def _official_encoder(name: str, in_channels: int) -> tuple[nn.Module, list[int]]:
    model = _create(name, in_channels)
    if hasattr(model, "blocks"):
        blocks = list(model.blocks)
        stem: list[nn.Module] = [model.conv_stem, model.bn1, nn.Identity()]
        groups = [[*stem, *blocks[0:2]], blocks[2:3], blocks[3:5], blocks[5:7]]
    else:
        stem = [model.conv1, model.bn1, model.act1, model.maxpool, model.layer1]
        groups = [stem, list(model.layer2), list(model.layer3), list(model.layer4)]
    channels = [model.feature_info[i]["num_chs"] for i in (1, 2, 3, 4)]
    return _StagedEncoder([nn.Sequential(*group) for group in groups]), channels


def _timm_encoder(name: str, in_channels: int) -> tuple[nn.Module, list[int]]:
    probe = _create(name, in_channels, features_only=True)
    strides = list(probe.feature_info.reduction())
    if not set(_STRIDES) <= set(strides):
        raise UsageError(f"encoder {name!r} has features at strides {strides}; needed are {list(_STRIDES)}")
    wanted = tuple(len(strides) - 1 - strides[::-1].index(stride) for stride in _STRIDES)
    model = _create(name, in_channels, features_only=True, out_indices=wanted)
    return _FeatureEncoder(model), list(model.feature_info.channels())


def _create(name: str, in_channels: int, **options: Any) -> Any:
    """Create a timm model with random weights, without ever asking the network for trained ones."""
    timm = import_timm()
    if not timm.is_model(name):
        raise UsageError(f"unknown encoder {name!r}; timm.list_models() names those that exist")
    try:
        return timm.create_model(name, pretrained=False, in_chans=in_channels, **options)
    except (AttributeError, RuntimeError, TypeError) as error:
        raise UsageError(f"encoder {name!r} gives no feature pyramid: {error}") from error


def _decoder(spec: NetworkSpec, channels: list[int]) -> nn.ModuleDict:
    widths = [spec.width * (2**i if spec.expand else 1) for i in range(4)]
    parts: dict[str, nn.Module] = {}
    for i, (count, width) in enumerate(zip(channels, widths, strict=True), start=1):
        parts[f"layer{i}_rn"] = nn.Conv2d(count, width, 3, padding=1, bias=False)
    for i, width in enumerate(widths, start=1):
        out_channels = widths[max(i - 2, 0)] if spec.expand else None
        parts[f"refinenet{i}"] = _Fusion(width, out_channels=out_channels, skip_activated=spec.skip_activated)
    parts["output_conv"] = _head(spec.width, 1)
    return nn.ModuleDict(parts)


def _head(width: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(width, width // 2, 3, padding=1),
        nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
        nn.Conv2d(width // 2, 32, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, out_channels, 1),
    )


def _coordinates(picture: Tensor, *, square: bool) -> Tensor:
    """Two channels (N, 2, h, w) with x and y of each pixel's centre, zero in the middle of the picture."""
    count, _, height, width = picture.shape
    half_w, half_h = torch.as_tensor(width / 2), torch.as_tensor(height / 2)  # tensors, so that a trace keeps the sizes
    if square:
        half_w = half_h = torch.maximum(half_w, half_h)
    options = {"dtype": picture.dtype, "device": picture.device}
    x = (torch.arange(width, **options) + 0.5 - width / 2) / half_w  # type: ignore[call-overload]
    y = (torch.arange(height, **options) + 0.5 - height / 2) / half_h  # type: ignore[call-overload]
    grid = torch.stack([x.expand(height, width), y[:, None].expand(height, width)])
    return grid.expand(count, -1, -1, -1)
