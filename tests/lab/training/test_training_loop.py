"""The loop: a kill costs nothing but time, fine-tuning lowers the loss, and what is exported predicts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from depth3d.core.errors import UsageError, WeightsError
from depth3d.lab.training.augment import Batch, BatchRandom, degrade, develop
from depth3d.lab.training.curves import draw_curves
from depth3d.lab.training.datasets import FolderSource, MixedSource
from depth3d.lab.training.finetune import export_trained, fine_tuner, read_trained
from depth3d.lab.training.loop import Trainer, TrainOptions, rate_factor, save_state, train
from depth3d.lab.training.procedural import ProceduralOptions, ProceduralSource
from depth3d.predictors.checkpoint import load_network
from depth3d.predictors.spec import NetworkSpec

TINY = NetworkSpec(name="tiny", encoder="resnet10t", width=8, expand=False, coordinates="stretched", output="any")
OPTIONS = TrainOptions(steps=4, batch=2, shapes=((32, 64), (32, 32)), warm=1, check_every=2, threads=1, half=False)
WORLDS = ProceduralOptions(width=64, height=48, block=2, first_blocks=1, window_blocks=2, reuse=2.0)


def _equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.values(), b.values(), strict=True))


def test_killed_training_goes_on_bit_for_bit(tmp_path: Path) -> None:
    whole = Trainer(TINY, OPTIONS, ProceduralSource(WORLDS))
    train(whole, tmp_path / "whole")
    killed = Trainer(TINY, OPTIONS, ProceduralSource(WORLDS))
    killed.advance()
    killed.advance()
    save_state(killed.state(), (tmp_path / "killed.pt"))
    folder = tmp_path / "resumed"
    folder.mkdir()
    (tmp_path / "killed.pt").rename(folder / "checkpoint.pt")
    del killed
    resumed = Trainer(TINY, OPTIONS, ProceduralSource(WORLDS))
    train(resumed, folder)
    assert resumed.step == whole.step == 4
    assert _equal(whole.network.state_dict(), resumed.network.state_dict())
    assert _equal(whole.average.state_dict(), resumed.average.state_dict())


def test_log_curves_and_export(tmp_path: Path) -> None:
    source = ProceduralSource(WORLDS)
    trainer = Trainer(TINY, OPTIONS, source)
    final = train(trainer, tmp_path, validation=source.batch(0, 2, (32, 64)))
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4]
    assert {"loss", "abs_rel", "delta"} <= set(lines[0])
    assert cv2.imread(str(tmp_path / "curves.png")).shape == (3 * 220, 640, 3)
    exported = export_trained(final, tmp_path / "net.safetensors", net_size=64)
    network = load_network(exported)
    assert network.spec.net_size == 64
    picture = torch.rand(1, 3, 32, 64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(network(picture), read_trained(final)[0](picture), rtol=2e-2, atol=2e-2)


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "checkpoint.pt"
    torch.save({"step": 1}, bad)
    with pytest.raises(WeightsError, match="not a checkpoint"):
        read_trained(bad)
    with pytest.raises(WeightsError, match="cannot be read"):
        read_trained(tmp_path / "absent.pt")


def test_rate_rises_holds_and_falls() -> None:
    options = replace(OPTIONS, steps=100, warm=10, cool=0.5)
    factors = [rate_factor(step, options) for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[20:50] == [1.0] * 30
    assert factors[75] == pytest.approx(0.5)
    assert 0 < factors[99] < 0.05


def test_procedural_batches_follow_from_seed_and_step() -> None:
    first, second = (ProceduralSource(WORLDS) for _ in range(2))
    for step in (0, 3):
        a, b = (source.batch(step, 3, (32, 48)) for source in (first, second))
        assert torch.equal(a.rgb, b.rgb)
        assert torch.equal(a.inverse_depth, b.inverse_depth)
    assert a.rgb.shape == (3, 3, 32, 48)
    assert float(a.rgb.min()) >= 0
    assert float(a.rgb.max()) <= 1
    assert not torch.equal(first.batch(1, 3, (32, 48)).rgb, a.rgb)


def test_faults_keep_depth_and_hide_it_only_under_frames_and_patches() -> None:
    rgb = torch.rand(16, 3, 32, 48, generator=torch.Generator().manual_seed(2)) * 3
    inverse, valid = torch.ones(16, 32, 48), torch.ones(16, 32, 48, dtype=torch.bool)
    draws = BatchRandom(5, 16, torch.device("cpu"))
    got = degrade(Batch(develop(rgb, draws), inverse, valid), draws)
    assert torch.equal(got.inverse_depth, inverse)
    assert 0.8 < float(got.valid.float().mean()) < 1
    assert torch.isfinite(got.rgb).all()


def _captures(folder: Path, count: int = 3) -> Path:
    """A folder laid out as TUM's: a floor below a wall, with its depth."""
    rng = np.random.default_rng(4)
    for name in ("rgb", "depth"):
        (folder / name).mkdir(parents=True)
    for i in range(count):
        rows = np.arange(60)[:, None] + np.zeros((1, 80))
        z = np.where(rows > 30 + 4 * i, 90 / np.maximum(rows, 1), 90 / (30 + 4 * i))
        grey = np.where(rows > 30 + 4 * i, 90, 200)[..., None] + rng.integers(0, 30, (60, 80, 3))
        cv2.imwrite(str(folder / "rgb" / f"{i}.000.png"), grey.astype(np.uint8))
        cv2.imwrite(str(folder / "depth" / f"{i}.010.png"), (z * 5000).astype(np.uint16))
    return folder


def test_fine_tuning_on_a_handful_of_frames_lowers_their_loss(tmp_path: Path) -> None:
    source = FolderSource("tum", _captures(tmp_path / "mine"), augment=False)
    start = Trainer(TINY, OPTIONS, source).network.eval()
    trainer = fine_tuner(start, replace(OPTIONS, steps=40, batch=4, rate=3e-4, shapes=((32, 32),)), source)
    losses = [trainer.advance() for _ in range(30)]
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:3])


def test_fine_tuning_leaves_batch_statistics_alone(tmp_path: Path) -> None:
    source = FolderSource("tum", _captures(tmp_path / "mine"))
    start = Trainer(TINY, OPTIONS, source).network.eval()
    trainer = fine_tuner(start, OPTIONS, source)
    trainer.advance()
    before, after = start.state_dict(), trainer.network.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before if "running" in key)
    assert any(not torch.equal(before[key], after[key]) for key in before)


def test_mixing_gives_equal_shares() -> None:
    class Marked:
        def __init__(self, mark: float) -> None:
            self.name, self.mark = str(mark), mark

        def batch(self, step: int, count: int, size: tuple[int, int]) -> Batch:
            rgb = torch.full((count, 3, *size), self.mark)
            return Batch(rgb, rgb[:, 0], rgb[:, 0] >= 0)

    source = MixedSource([Marked(0.1), Marked(0.2), Marked(0.3)])
    marks = torch.cat([source.batch(step, 4, (2, 2)).rgb[:, 0, 0, 0] for step in range(3)])
    assert len(marks) == 12
    assert torch.unique(marks, return_counts=True)[1].tolist() == [4, 4, 4]
    with pytest.raises(UsageError, match="nothing to train on"):
        MixedSource([])


def test_curves_of_a_log_that_a_kill_cut_off_are_those_of_its_whole_lines(tmp_path: Path) -> None:
    whole = '{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.5}\n'
    pictures = []
    for log in (whole, whole + '{"step": 3, "lo', whole.replace("\n", '\n{"step": 1, "lo\n', 1)):
        (tmp_path / "log.jsonl").write_text(log)
        draw_curves(tmp_path / "log.jsonl", tmp_path / "curves.png")
        pictures.append((tmp_path / "curves.png").read_bytes())
    assert pictures[0] == pictures[1] == pictures[2]


def test_curves_of_an_empty_log_draw_nothing(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("")
    draw_curves(tmp_path / "log.jsonl", tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()
