"""Laws of the losses: what must not change them, and what must."""

from __future__ import annotations

import pytest
import torch

from depth3d.lab.training.losses import (
    align,
    gradient_loss,
    invariant_loss,
    normalised_target,
    total_loss,
    trimmed_mean,
)
from depth3d.lab.training.metrics import batch_figures


@pytest.fixture
def case() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    target = torch.rand((2, 24, 32), generator=generator) + 0.1
    prediction = target + 0.3 * torch.rand((2, 24, 32), generator=generator)
    valid = torch.rand((2, 24, 32), generator=generator) < 0.8
    return prediction, target, valid


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 5.0), (7.0, 0.0), (0.01, -2.0)])
def test_invariant_loss_ignores_scale_and_shift_of_the_prediction(case, scale: float, shift: float) -> None:
    prediction, target, valid = case
    plain, moved = (invariant_loss(p, target, valid) for p in (prediction, scale * prediction + shift))
    assert float(plain) > 0.01
    assert float(moved) == pytest.approx(float(plain), rel=1e-3)


def test_an_affine_image_of_the_truth_costs_nothing(case) -> None:
    _, target, valid = case
    assert float(invariant_loss(3 * target - 1, target, valid)) == pytest.approx(0, abs=1e-5)


def test_a_flipped_prediction_is_not_forgiven_by_the_anchor(case) -> None:
    _, target, valid = case
    upright, flipped = total_loss(target / target.mean(), target, valid), total_loss(-target, target, valid)
    assert float(flipped) > 10 * float(upright)


def test_unknown_pixels_count_nothing(case) -> None:
    prediction, target, valid = case
    spoiled = torch.where(valid, target, 1e4)
    assert float(total_loss(prediction, spoiled, valid)) == pytest.approx(float(total_loss(prediction, target, valid)))


def test_unit_of_the_truth_does_not_matter(case) -> None:
    prediction, target, valid = case
    metres, feet = (total_loss(prediction, target * unit, valid) for unit in (1.0, 3.28))
    assert float(feet) == pytest.approx(float(metres), rel=1e-4)


def test_anchor_notices_scale(case) -> None:
    prediction, target, valid = case
    assert float(total_loss(100 * prediction, target, valid)) > 10 * float(total_loss(prediction, target, valid))


def test_align_recovers_scale_and_shift() -> None:
    p = torch.arange(12.0).reshape(1, 3, 4)
    torch.testing.assert_close(align(p, 2 * p + 5, torch.ones_like(p)), 2 * p + 5)


def test_trimmed_mean_drops_the_largest() -> None:
    residual = torch.tensor([[[1.0, 1.0, 1.0, 100.0]]])
    assert float(trimmed_mean(residual, torch.ones_like(residual, dtype=torch.bool), 0.25)) == 1.0


def test_gradient_loss_of_a_step() -> None:
    residual = torch.zeros(1, 4, 4)
    residual[:, :, 2:] = 1.0
    # 4 of 12 horizontal differences are 1, no vertical one
    assert float(gradient_loss(residual, torch.ones(1, 4, 4, dtype=torch.bool), scales=1)) == pytest.approx(4 / 12)


def test_normalised_target_has_mean_one_and_keeps_infinity(case) -> None:
    _, target, valid = case
    target = target.clone()
    target[:, :4] = 0
    got = normalised_target(target, valid)
    assert float(got[0][valid[0] & (target[0] > 0)].mean()) == pytest.approx(1, rel=1e-5)
    assert (got[:, :4] == 0).all()


def test_batch_figures_of_truth_and_of_nothing(case) -> None:
    _, target, valid = case
    perfect = batch_figures(2 * target + 1, target, valid)
    assert perfect["abs_rel"] == pytest.approx(0, abs=1e-4)
    assert perfect["delta"] == pytest.approx(1)
    assert batch_figures(torch.ones_like(target), target, valid)["abs_rel"] > 0.2
