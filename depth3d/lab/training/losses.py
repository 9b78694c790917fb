"""Losses in inverse depth, after Ranftl et al., "Towards Robust Monocular Depth Estimation" (arXiv 1907.01341).

Scale-and-shift-invariant terms alone leave the output's scale free, and it drifts until training fails; `total_loss`
therefore holds it with an anchor: the target itself, in units of its own mean. Errors count relative to the target,
since what is judged in the end is relative depth.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

_FLOOR = 0.25


@dataclass(frozen=True, slots=True)
class LossWeights:
    """How the terms are mixed.

    Attributes:
        anchor: of the distance to the target in units of its mean.
        invariant: of the distance after the best scale and shift.
        gradient: of the gradients' distance after the best scale and shift.
        trim: share of the largest residuals that the invariant term leaves out.
    """

    anchor: float = 0.5
    invariant: float = 1.0
    gradient: float = 0.5
    trim: float = 0.1


def normalised_target(inverse_depth: Tensor, valid: Tensor) -> Tensor:
    """Inverse depth in units of its mean over valid pixels that are not at infinity; (N, H, W)."""
    known = (valid & (inverse_depth > 0)).float()
    mean = (inverse_depth * known).sum((1, 2)) / known.sum((1, 2)).clamp_min(1)
    return inverse_depth / mean.clamp_min(1e-6)[:, None, None]


def align(prediction: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """The prediction after the scale and shift per image that fit the target best by weighted least squares.

    All (N, H, W). Adding a constant to the prediction, or multiplying it, changes nothing.
    """
    total = weight.sum((1, 2)).clamp_min(1e-6)
    p_mean = ((weight * prediction).sum((1, 2)) / total)[:, None, None]
    t_mean = ((weight * target).sum((1, 2)) / total)[:, None, None]
    p, t = prediction - p_mean, target - t_mean
    variance = (weight * p * p).sum((1, 2))
    scale = (weight * p * t).sum((1, 2)) / torch.maximum(variance, 1e-6 * (weight * t * t).sum((1, 2)) + 1e-12)
    return scale[:, None, None] * p + t_mean


def trimmed_mean(residual: Tensor, valid: Tensor, trim: float) -> Tensor:
    """Mean over images of the mean of each image's valid residuals but the largest share `trim`; (N, H, W) -> ()."""
    flat = torch.where(valid, residual, torch.inf).flatten(1)
    ordered = flat.sort(1).values
    keep = (valid.flatten(1).sum(1) * (1 - trim)).ceil().clamp_min(1)
    rank = torch.arange(flat.shape[1], device=flat.device)[None]
    kept = torch.where((rank < keep[:, None]) & torch.isfinite(ordered), ordered, 0.0)
    return (kept.sum(1) / keep).mean()


def gradient_loss(residual: Tensor, valid: Tensor, *, scales: int = 4) -> Tensor:
    """Multi-scale gradient matching: mean |gradient| of the residual (N, H, W) at `scales` halvings."""
    total = residual.new_zeros(())
    mask = valid.float()
    for level in range(scales):
        step = 2**level
        r, m = residual[:, ::step, ::step], mask[:, ::step, ::step]
        for a, b, ma, mb in (
            (r[:, 1:], r[:, :-1], m[:, 1:], m[:, :-1]),
            (r[:, :, 1:], r[:, :, :-1], m[:, :, 1:], m[:, :, :-1]),
        ):
            both = ma * mb
            total = total + ((a - b).abs() * both).sum() / both.sum().clamp_min(1)
    return total / scales


def invariant_loss(
    prediction: Tensor, target: Tensor, valid: Tensor, *, trim: float = 0.1, gradient: float = 0.5
) -> Tensor:
    """The terms that do not change when the prediction is scaled (by a positive number) or shifted; () float.

    Args:
        prediction: (N, H, W).
        target: (N, H, W) inverse depth in any unit, 0 at infinity.
        valid: (N, H, W) bool.
        trim: see `LossWeights`.
        gradient: weight of the gradient term.
    """
    known = valid.float()
    relative = known / (target + _FLOOR)
    aligned = align(prediction, target, relative * relative)
    residual = (aligned - target) * relative
    loss = trimmed_mean(residual.abs(), valid, trim)
    return loss + gradient * gradient_loss(residual, valid) if gradient else loss


def total_loss(
    prediction: Tensor,
    inverse_depth: Tensor,
    valid: Tensor,
    weights: LossWeights | None = None,
    *,
    anchored: Tensor | None = None,
) -> Tensor:
    """Anchored loss of a batch.

    Args:
        prediction: (N, H, W) the network's output, any float type.
        inverse_depth: (N, H, W) in any unit per image, 0 at infinity; anything where not valid.
        valid: (N, H, W) bool.
        weights: how the terms are mixed.
        anchored: (N,) bool, images that the anchor holds; None: all.
    """
    weights = weights if weights is not None else LossWeights()
    prediction = prediction.float()
    target = normalised_target(torch.where(valid, inverse_depth, 0.0), valid).clamp(max=20.0)
    relative = valid.float() / (target + _FLOOR)
    distance = functional.smooth_l1_loss(prediction, target, reduction="none", beta=0.05)
    anchor = (distance * relative).sum((1, 2)) / valid.float().sum((1, 2)).clamp_min(1)
    invariant = invariant_loss(prediction, target, valid, trim=weights.trim, gradient=weights.gradient)
    held = anchor.mean() if anchored is None else (anchor * anchored).sum() / len(anchor)
    return weights.anchor * held + weights.invariant * invariant
