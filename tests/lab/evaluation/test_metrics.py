"""Figures of depth: anchored by the known baselines on real frames, and by laws on made-up ones."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from depth3d.cli.eval import eval_command
from depth3d.core.depth import InverseDepth
from depth3d.core.errors import DepthMapError, UsageError
from depth3d.lab.evaluation.metrics import align_to_truth, boundary_f1, evaluate, judge, read_frames

RNG = np.random.default_rng(1)
TRUTH = RNG.uniform(1, 9, (30, 40)).astype(np.float32)


def test_an_affine_image_of_inverse_depth_is_perfect() -> None:
    figures = judge((3 / TRUTH - 0.2).astype(np.float32), TRUTH)
    assert figures.abs_rel < 1e-5
    assert figures.rmse_m < 1e-4
    assert figures.delta == 1
    assert figures.boundary_f1 == pytest.approx(1)
    assert figures.flying == 0


def test_figures_do_not_depend_on_scale_and_shift_of_the_prediction() -> None:
    prediction = (1 / TRUTH + RNG.normal(0, 0.05, TRUTH.shape)).astype(np.float32)
    first, second = judge(prediction, TRUTH), judge(5 * prediction + 2, TRUTH)
    assert first.abs_rel == pytest.approx(second.abs_rel, rel=1e-4)
    assert first.abs_rel > 0.01


def test_known_numbers() -> None:
    """Two pixels at 1 and 3 m, a constant prediction: 1/z is 2/3 for both."""
    figures = judge(np.ones((1, 2), np.float32), np.array([[1, 3]], np.float32))
    assert figures.abs_rel == pytest.approx((0.5 + 0.5) / 2)
    assert figures.rmse_m == pytest.approx(np.sqrt((0.25 + 2.25) / 2))
    assert figures.delta == 0
    assert figures.flying == 1


def test_aligned_depth_is_held_within_1_2_times_the_farthest() -> None:
    truth = np.array([[1, 1.5, 2, np.nan]], np.float32)
    z = align_to_truth(np.array([[1, 1 / 1.5, 0.5, -5]], np.float32), truth)
    np.testing.assert_allclose(z, [[1, 1.5, 2, 2.4]], rtol=1e-6)


def test_boundaries_of_a_step() -> None:
    step = np.ones((4, 6), np.float32)
    step[:, 3:] = 2
    assert boundary_f1(step, step) == pytest.approx(1)
    assert boundary_f1(np.ones_like(step), step) == 0
    shifted = np.roll(step, 1, axis=1)
    shifted[:, 0] = 1
    assert boundary_f1(shifted, step) == 0


def _frames(folder: Path, **changes: object) -> Path:
    depth = np.full((6, 8), 2000, np.uint16)
    depth[3:] = 1000
    cv2.imwrite(str(folder / "d.png"), depth)
    cv2.imwrite(str(folder / "c.png"), np.full((12, 16, 3), 99, np.uint8))
    cv2.imwrite(str(folder / "e.png"), np.full((12, 16, 3), (9, 99, 200), np.uint8))
    entry = {"name": "one", "color": "c.png", "depth": "d.png", "units_per_metre": 1000} | changes
    (folder / "frames.json").write_text(json.dumps([entry]))
    return folder / "frames.json"


def test_photo_larger_than_its_depth(tmp_path: Path) -> None:
    frames = read_frames(_frames(tmp_path))
    right = np.repeat(np.repeat(np.array([[0.0], [1.0]], np.float32), 6, 0), 16, 1)
    report = evaluate(frames, {"right": lambda photo: InverseDepth(right)})
    assert report.mean("right").abs_rel < 1e-6
    assert report.mean("right").pixels == 48
    assert report.mean("constant").delta < report.mean("right").delta
    table = report.table()
    assert "one" in table
    assert "right" in table
    assert json.loads(report.to_json())["right"]["frames"]["one"]["delta"] == 1


def test_bad_lists_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DepthMapError, match="no such file"):
        read_frames(tmp_path / "absent.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(DepthMapError, match="not a list of frames"):
        read_frames(tmp_path / "bad.json")
    with pytest.raises(DepthMapError, match="must be positive"):
        read_frames(_frames(tmp_path, units_per_metre=0))
    with pytest.raises(DepthMapError, match="a colour picture is not a depth map"):
        evaluate(read_frames(_frames(tmp_path, depth="e.png")), {})
    with pytest.raises(DepthMapError, match="no depth between"):
        evaluate(read_frames(_frames(tmp_path, units_per_metre=1)), {})


def test_command_prints_the_baselines_and_writes_json(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    arguments = [str(_frames(tmp_path)), "--baselines-only", "--json", str(target)]
    result = CliRunner().invoke(eval_command, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert "vertical" in result.output
    assert set(json.loads(target.read_text())) == {"constant", "vertical"}
    with pytest.raises(UsageError, match="judges no network"):
        CliRunner().invoke(eval_command, [*arguments, "--predictor", "bundled"], catch_exceptions=False)


def test_a_network_is_judged_again_after_refinement(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    arguments = [str(_frames(tmp_path)), "--predictor", "bundled", "--refine", "--json", str(target)]
    assert CliRunner().invoke(eval_command, arguments, catch_exceptions=False).exit_code == 0
    assert set(json.loads(target.read_text())) == {"constant", "vertical", "bundled", "refined bundled"}


def test_known_baselines_on_the_real_frames(shared_data: Path) -> None:
    report = evaluate(read_frames(shared_data / "frames.json"), {})
    constant, vertical = report.mean("constant"), report.mean("vertical")
    assert len(report.frames) == 17
    assert (round(constant.abs_rel, 3), round(constant.delta, 3)) == (0.288, 0.451)
    assert (round(vertical.abs_rel, 3), round(vertical.delta, 3)) == (0.204, 0.642)
