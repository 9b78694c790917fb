"""Benchmarks of networks and of whole commands: what they compare is the same work, and what they say follows."""

from __future__ import annotations

import importlib
from functools import reduce
from pathlib import Path

import numpy as np
import pytest
import torch
from seeded_weights import fill_seeded

import depth3d.scenes.unscaled_photo
from depth3d.core.errors import UsageError
from depth3d.lab.bench import cold_start, plain_script, predict
from depth3d.lab.bench.cold_start import bench_command
from depth3d.lab.bench.networks import as_published, weights_to_measure
from depth3d.lab.bench.predict import Conditions, bench_predict
from depth3d.lab.bench.stages import STAGES, run_timed
from depth3d.lab.bench.timing import to_table
from depth3d.predictors.checkpoint import network_bytes
from depth3d.predictors.midas import build_network
from depth3d.predictors.runtimes.converted_cache import Store
from depth3d.predictors.spec import NetworkSpec

ROOT = Path(__file__).resolve().parents[3]
TINY = NetworkSpec(name="tiny", encoder="mobilenetv3_small_050", width=4, expand=True, net_size=64, output="any")


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPTH3D_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("DEPTH3D_OFFLINE", "1")


@pytest.fixture
def tiny_file(tmp_path: Path) -> Path:
    network = build_network(TINY)
    fill_seeded(network)
    (tmp_path / "tiny.safetensors").write_bytes(network_bytes(network))
    return tmp_path / "tiny.safetensors"


def test_the_published_order_gives_the_same_numbers(tiny_file: Path) -> None:
    network = build_network(TINY).eval()
    picture = torch.randn(1, 3, 64, 32, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        ours, published = network(picture), as_published(network)(picture)
        assert torch.allclose(ours, published, atol=1e-5)
        assert not torch.equal(ours, published)  # the order of sums is another one


def test_a_network_is_measured_beside_the_published_one(tiny_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "installed", dict)
    section = bench_predict("bundled", weights=tiny_file, conditions=Conditions(rounds=2, photos=20, threads=1))
    table = to_table((section,))
    assert section.title.startswith("tiny.safetensors, 64x64 on ")
    assert "as published, torch fp32" in table
    assert "torch bf16" in table
    assert "openvino is not installed: pip install 'depth3d[fast]'" in table
    assert "auto takes torch fp32" in table
    assert "20 photos one after the other" in table
    assert "MB, after the last" in table


def test_absent_weights_are_replaced_by_noise_that_leaves_nothing() -> None:
    with weights_to_measure("midas_small") as (found, title):
        assert "filled with noise" in title
        folder = Store.of(found.sha256).folder
        folder.mkdir(parents=True)
    assert not folder.exists()
    assert not found.path.exists()


def test_impossible_conditions(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least 1 round and 20 photos, got 0 and 100"):
        Conditions(rounds=0)
    with pytest.raises(UsageError, match="at least one round, got 0"):
        bench_command(tmp_path / "absent.jpg", rounds=0)


@pytest.mark.parametrize("stage", STAGES)
def test_each_stage_is_there(stage: str) -> None:
    room, path = STAGES[stage]
    assert callable(reduce(getattr, path.split("."), importlib.import_module(room)))


def test_stages_add_up_and_are_put_back(tiny_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "desk.ply"
    before = depth3d.scenes.unscaled_photo.read_photo
    seconds = run_timed(ROOT / "samples" / "desk.jpg", tiny_file, out, 1000)
    assert set(seconds) == {"start Python, import", *STAGES, "everything else"}
    assert all(value >= 0 for value in seconds.values())
    assert out.is_file()
    assert depth3d.scenes.unscaled_photo.read_photo is before


def test_whole_commands_run_and_promises_are_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def noted(arguments: list[str]) -> str:
        ran.append(" ".join(map(str, arguments)))
        return '{"predict": 0.5}'

    monkeypatch.setattr(cold_start, "_run", noted)
    monkeypatch.setattr(cold_start, "SMALL", (64, 48))
    monkeypatch.setattr(cold_start, "LARGE", (128, 96))
    whole, steps = bench_command(ROOT / "samples" / "desk.jpg", rounds=2)
    assert [row.name for row in steps.rows] == ["predict"]
    assert {"depth3d --help", "depth3d export, 2 MP", "depth3d export, 12 MP"} <= {row.name for row in whole.rows}
    assert whole.row("plain script (torch, Open3D), 12 MP") is not None
    assert {figure.what for figure in whole.figures} >= {"help", "2 MP photo to PLY"}
    assert sum("plain_script.py" in line for line in ran) == 3
    assert sum("--runtime torch" in line for line in ran) == 3
    assert sum("-m depth3d.lab.bench.stages" in line for line in ran) == 2


def test_a_command_that_fails_is_no_result(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the command to measure failed: depth3d: "):
        cold_start._run(cold_start._depth3d("export", str(tmp_path), "-o", "x.ply"))


def test_the_plain_script_makes_a_cloud_of_so_many_points(tiny_file: Path, tmp_path: Path) -> None:
    from plyfile import PlyData

    out = tmp_path / "plain.ply"
    plain_script.main(str(ROOT / "samples" / "desk.jpg"), str(tiny_file), str(out), "9000")
    vertices = PlyData.read(out)["vertex"]
    assert 4000 < len(vertices) <= 9000
    assert np.isfinite(vertices["z"]).all()
