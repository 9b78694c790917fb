"""Which convolutions learn slowly in bfloat16 on a CPU, and are therefore left in single precision."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn


def compute_slow_convolutions_in_float32(network: nn.Module) -> int:
    """Take depthwise convolutions with a stride or a large kernel out of autocast; return how many.

    oneDNN has no fast gradient for them in bfloat16: on a Zen 4 core the one towards the input of a strided 3x3 took
    54 ms in bfloat16 and 4 ms in single precision, the one towards the weights of a 5x5 29 ms and 8 ms. The network's
    tensors and results keep their names and types.
    """
    slow = [module for module in network.modules() if isinstance(module, nn.Conv2d) and _is_slow(module)]
    for module in slow:
        module.forward = _single(module.forward)  # type: ignore[assignment, method-assign]
    return len(slow)


def _is_slow(module: nn.Conv2d) -> bool:
    depthwise = module.groups == module.in_channels > 1
    return depthwise and (max(module.stride) > 1 or max(module.kernel_size) > 3)


def _single(forward: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    def in_single(x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return forward(x.float()).to(x.dtype)

    return in_single
