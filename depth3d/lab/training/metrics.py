"""Depth metrics of whole batches in torch, for validation while training; `lab.evaluation` judges real frames."""

from __future__ import annotations

import torch
from torch import Tensor

from depth3d.lab.training.losses import align

_FARTHEST_M = 80.0


def batch_figures(prediction: Tensor, inverse_depth: Tensor, valid: Tensor) -> dict[str, float]:
    """Mean AbsRel and delta < 1.25 after aligning inverse depth by least squares; farther than 80 m does not count.

    Args:
        prediction: (N, H, W).
        inverse_depth: (N, H, W) in 1/m.
        valid: (N, H, W) bool.
    """
    known = valid & (inverse_depth > 1 / _FARTHEST_M)
    weight = known.float()
    floor = torch.where(known, inverse_depth, torch.inf).amin((1, 2)) / 1.2
    aligned = torch.maximum(align(prediction, inverse_depth, weight), floor[:, None, None])
    ratio = torch.where(known, inverse_depth / aligned, 1.0)  # estimated over true depth
    count = weight.sum((1, 2)).clamp_min(1)
    abs_rel = ((ratio - 1).abs() * weight).sum((1, 2)) / count
    good = ((torch.maximum(ratio, 1 / ratio) < 1.25).float() * weight).sum((1, 2)) / count
    some = count > 0.05 * weight[0].numel()
    return {"abs_rel": float(abs_rel[some].mean()), "delta": float(good[some].mean())}
