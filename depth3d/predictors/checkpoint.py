"""Weights file to network and back. Nothing in a file is ever executed: safetensors, or torch's weights-only reader."""

from __future__ import annotations

import pickle
import struct
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from depth3d.core.errors import Depth3DError, WeightsError
from depth3d.io.open_input import open_regular_file
from depth3d.predictors.spec import MIDAS_LARGE, MIDAS_SMALL, NetworkSpec

if TYPE_CHECKING:
    from torch import Tensor

    from depth3d.predictors.midas import MidasNet

_SPEC_KEY = "depth3d.network"
_AUXILIARY = "heads."
_UNUSED = "scratch.refinenet4.resConfUnit1."
"""Nothing is coarser than the fourth level, so that its first unit never runs: official files hold it, ours do not."""
# One tensor of each official network that the other lacks.
_MARKS = (
    (MIDAS_SMALL, "pretrained.layer1.3.0.conv_dw.weight", (32, 1, 3, 3)),
    (MIDAS_LARGE, "pretrained.layer1.4.0.conv1.weight", (256, 64, 1, 1)),
)


def load_network(path: Path) -> MidasNet:
    """Build the network that a weights file belongs to and fill it.

    Args:
        path: ``.safetensors`` as :func:`network_bytes` makes, or a torch file (``.pt``) of an official network; which
            of the two is seen from the content.

    Returns:
        The network in evaluation mode, float32, channels last.

    Raises:
        WeightsError: the file cannot be read, wants code to run, or fits no network.
    """
    tensors, description = _read_safetensors(path) if _is_safetensors(path) else (_read_torch(path), None)
    tensors = {key: tensor for key, tensor in tensors.items() if not key.startswith(_AUXILIARY)}
    try:
        spec = NetworkSpec.from_json(description) if description is not None else _recognise(tensors)
        network = _unfilled(spec)
    except Depth3DError as error:
        raise WeightsError(f"{path}: {error}") from error
    strange = next((key for key, tensor in tensors.items() if not _is_plain(tensor)), None)
    if strange is not None:
        raise WeightsError(f"{path}: {strange} is not a plain array of numbers")
    wanted = network.state_dict()
    if not spec.official_layout:
        tensors = _without_weight(wanted) | tensors
    _check_fit(path, spec.name, tensors, wanted)
    network.load_state_dict({key: tensor.to(wanted[key].dtype) for key, tensor in tensors.items()}, assign=True)
    del tensors  # the next step copies one tensor after another, and what it has copied can go
    return _for_inference(network)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a file of tensors that need not be a depth network's: safetensors, or torch's weights-only format.

    Raises:
        WeightsError: the file cannot be read, wants code to run, or holds other things than tensors.
    """
    return _read_safetensors(path)[0] if _is_safetensors(path) else _read_torch(path)


def network_bytes(network: MidasNet, *, half: bool = False, notes: Mapping[str, str] | None = None) -> bytes:
    """Return a safetensors file of a network with its specification, which :func:`load_network` reads.

    Args:
        network: any network; its auxiliary heads are left out.
        half: store convolutions in half precision; vectors, such as batch statistics, stay in single.
        notes: further metadata, such as the licence.
    """
    import torch
    from safetensors.torch import save

    tensors = {}
    for key, tensor in network.state_dict().items():
        unused = key.startswith(_UNUSED) and not network.spec.official_layout
        if not key.startswith(_AUXILIARY) and not unused:
            halved = half and tensor.ndim > 1 and tensor.is_floating_point()
            tensors[key] = tensor.detach().cpu().to(torch.float16 if halved else tensor.dtype).contiguous()
    data: bytes = save(tensors, metadata={**(notes or {}), _SPEC_KEY: network.spec.to_json()})
    return data


def _unfilled(spec: NetworkSpec) -> MidasNet:
    """Build a network whose tensors are all about to be replaced.

    The official ones are built without storage: random numbers for 105 million weights take a second and 400 MB. Other
    encoders may hold numbers that are in no checkpoint, so they are built in full.
    """
    import torch

    from depth3d.predictors.midas import build_network
    from depth3d.predictors.torch_env import import_timm

    import_timm()  # before the block, which would reach whatever the import makes
    with torch.device("meta" if spec.official_layout else "cpu"):
        return build_network(spec)


def _without_weight(wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Zeros for what never runs and need not be in a file."""
    return {key: tensor.new_zeros(tensor.shape) for key, tensor in wanted.items() if key.startswith(_UNUSED)}


def _for_inference(network: MidasNet) -> MidasNet:
    import torch

    network.requires_grad_(requires_grad=False)
    return network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _is_safetensors(path: Path) -> bool:
    """Whether the file begins as safetensors does: eight bytes of length, then a JSON object."""
    with open_regular_file(path, WeightsError) as file:
        return file.read(9)[8:] == b"{"


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], str | None]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            description = (file.metadata() or {}).get(_SPEC_KEY)
            return {key: file.get_tensor(key) for key in file.keys()}, description  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise WeightsError(f"{path} is a damaged safetensors file: {_first_line(error)}") from error


def _read_torch(path: Path) -> dict[str, Tensor]:
    import torch

    try:
        with warnings.catch_warnings(), path.open("rb") as file:  # by its name torch would take it for safetensors
            warnings.simplefilter("ignore")  # what torch says about old formats is no user's business
            state = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path} is refused: it is not a plain set of weights, or wants to run code ({_first_line(error)})"
        ) from error
    except _READ_ERRORS as error:
        raise WeightsError(f"{path} is not a weights file, or damaged: {_first_line(error)}") from error
    if isinstance(state, dict) and "optimizer" in state:  # the original's training checkpoints
        state = state.get("model")
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise WeightsError(f"{path} holds no network's weights: expected a dictionary of tensors")
    return {str(key): tensor for key, tensor in state.items()}


_READ_ERRORS = (
    struct.error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)  # torch's readers answer damaged bytes with any of these


def _recognise(tensors: Mapping[str, Tensor]) -> NetworkSpec:
    for spec, key, shape in _MARKS:
        if key in tensors and tuple(tensors[key].shape) == shape:
            return spec
    first = next(iter(tensors), "none at all")
    names = ", ".join(spec.name for spec, _, _ in _MARKS)
    raise WeightsError(f"these weights fit no network known here ({names}); their first tensor is {first}")


def _check_fit(path: Path, name: str, given: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    shapes, due = ({key: tuple(tensor.shape) for key, tensor in tensors.items()} for tensors in (given, wanted))
    wrong = sorted(key for key in due.keys() | shapes.keys() if due.get(key) != shapes.get(key))
    if wrong:
        key = wrong[0]
        raise WeightsError(
            f"{path} looks like {name} but does not fit it: {len(wrong)} of {len(due)} tensors differ, such as "
            f"{key} (in the file {shapes.get(key, 'missing')}, expected {due.get(key, 'none')})"
        )


def _is_plain(tensor: Tensor) -> bool:
    import torch

    stored = tensor.layout == torch.strided and tensor.device.type == "cpu"
    return stored and not tensor.is_quantized and not tensor.is_complex()


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:200] if text else type(error).__name__
