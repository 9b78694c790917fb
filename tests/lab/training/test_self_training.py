"""Photos without depth: the network's own guesses teach it, and masked things stand out in them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from depth3d.core.errors import PhotoError, UsageError
from depth3d.lab.training.datasets import MixedSource
from depth3d.lab.training.loop import Trainer, TrainOptions
from depth3d.lab.training.self_training import PhotoSource, stand_out
from depth3d.predictors.spec import NetworkSpec

TINY = NetworkSpec(name="tiny", encoder="resnet10t", width=8, expand=False, output="any")
GROUND = np.repeat(np.linspace(0.2, 1.0, 96, dtype=np.float32)[:, None], 128, 1)
FIGURE = np.zeros((96, 128), np.uint8)
FIGURE[30:80, 50:70] = 3


def _photos(folder: Path, *, mask: bool = False) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(1)
    for i in range(2):
        cv2.imwrite(str(folder / f"{i}.png"), rng.integers(0, 255, (96, 128, 3)).astype(np.uint8))
    if mask:
        cv2.imwrite(str(folder / "0.mask.png"), FIGURE)
        cv2.imwrite(str(folder / "1.mask.png"), FIGURE)
    return folder


def test_a_figure_stands_where_its_feet_are_in_front_of_what_is_beside_it() -> None:
    blurred = GROUND + 0.1 * cv2.GaussianBlur((FIGURE > 0).astype(np.float32), (0, 0), 4)
    sharp = stand_out(blurred, FIGURE)
    inside = FIGURE > 0
    assert np.median(sharp[inside]) == pytest.approx(GROUND[80, 60], rel=0.06)
    assert np.ptp(sharp[inside]) < 0.15 * GROUND[80, 60]
    assert sharp[40, 60] > 1.3 * sharp[40, 48]
    assert sharp[40, 48] <= blurred[40, 46]  # the blur beside it is gone
    np.testing.assert_array_equal(sharp[80:], blurred[80:])  # what it stands on stays
    np.testing.assert_array_equal(sharp[:, :20], blurred[:, :20])


def test_a_figure_that_was_not_seen_at_all_stands_out_too() -> None:
    flat = np.full((96, 128), 0.5, np.float32)
    figure = FIGURE.copy()
    figure[80:, 50:70] = 3  # cut by the lower edge
    sharp = stand_out(flat, figure)
    assert sharp[figure > 0].min() > 1.05 * sharp[figure == 0].max()


def test_the_nearer_of_two_things_covers_the_other_as_guessed() -> None:
    things = FIGURE.copy()
    things[40:90, 62:90] = 7
    sharp = stand_out(GROUND, things)
    assert sharp[60, 80] > sharp[60, 55] > sharp[60, 40]


def test_no_thing_and_specks_change_nothing() -> None:
    speck = np.zeros_like(FIGURE)
    speck[10:13, 10:13] = 1
    for things in (np.zeros_like(FIGURE), speck):
        np.testing.assert_array_equal(stand_out(GROUND, things), GROUND)


def test_units_do_not_matter() -> None:
    np.testing.assert_allclose(stand_out(GROUND * 50, FIGURE), 50 * stand_out(GROUND, FIGURE), rtol=1e-5)


def test_the_teacher_sees_the_clean_photo_and_its_mirror(tmp_path: Path) -> None:
    source = PhotoSource(_photos(tmp_path / "photos", mask=True))
    seen: list[torch.Tensor] = []

    def teacher(rgb: torch.Tensor) -> torch.Tensor:
        seen.append(rgb)
        return 0.5 + 0.1 * rgb.mean(1)

    source.follow(teacher)
    batch = source.batch(5, 2, (96, 128))
    clean, mirrored = seen
    torch.testing.assert_close(mirrored, clean.flip(3))
    assert (batch.rgb - clean).abs().mean() > 0.01  # the one that learns sees another picture than the teacher
    apart = ~torch.isclose(batch.inverse_depth, 0.5 + 0.1 * clean.mean(1))
    assert 0.02 < apart.float().mean() < 0.6  # only at the masked things and their rims
    torch.testing.assert_close(source.batch(5, 2, (96, 128)).inverse_depth, batch.inverse_depth)


def test_the_averaged_network_is_the_teacher(tmp_path: Path) -> None:
    source = PhotoSource(_photos(tmp_path / "photos"))
    trainer = Trainer(TINY, TrainOptions(steps=2, batch=2, threads=1, half=False), MixedSource([source]))
    with torch.no_grad():
        for parameter in trainer.average.parameters():
            parameter.copy_(torch.full_like(parameter, 0.01))
        trainer.average.scratch.output_conv[4].bias.fill_(3.0)
    assert source.batch(0, 2, (64, 64)).inverse_depth.min() >= 3.0
    assert np.isfinite(trainer.advance())


def test_a_source_without_teacher_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no teacher"):
        PhotoSource(_photos(tmp_path / "photos")).batch(0, 1, (64, 64))


def test_bad_folders_and_masks_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no photo in it"):
        PhotoSource(tmp_path / "empty")
    folder = _photos(tmp_path / "photos")
    source = PhotoSource(folder)
    source.follow(lambda rgb: rgb.mean(1))
    for i in range(2):
        cv2.imwrite(str(folder / f"{i}.mask.png"), FIGURE[:50])
    with pytest.raises(PhotoError, match=r"mask.png: has 128x50 pixels, its photo 128x96"):
        source.batch(0, 1, (64, 64))
    for i in range(2):
        cv2.imwrite(str(folder / f"{i}.mask.png"), np.zeros((96, 128, 3), np.uint8))
    with pytest.raises(PhotoError, match="grey PNG of 8 bits"):
        source.batch(0, 1, (64, 64))
