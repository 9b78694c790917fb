"""`depth3d train` as a user types it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from depth3d.cli.train import train
from depth3d.core.errors import Depth3DError, OutputError, UsageError, WeightsError
from depth3d.predictors.checkpoint import load_network, network_bytes
from depth3d.predictors.midas import build_network
from depth3d.predictors.spec import NetworkSpec

TINY = NetworkSpec(name="tiny", encoder="resnet10t", width=8, expand=False, output="any")


def _run(*arguments: object) -> str:
    result = CliRunner().invoke(train, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def _captures(folder: Path) -> Path:
    for name in ("color", "depth"):
        (folder / name).mkdir(parents=True)
    for i in range(2):
        grey = np.random.default_rng(i).integers(0, 255, (48, 64, 3)).astype(np.uint8)
        cv2.imwrite(str(folder / "color" / f"{i}.png"), grey)
        cv2.imwrite(
            str(folder / "depth" / f"{i}.png"), np.linspace(500, 3000, 48 * 64).reshape(48, 64).astype(np.uint16)
        )
    return folder


def test_fine_tune_then_export(tmp_path: Path) -> None:
    start, out = tmp_path / "start.safetensors", tmp_path / "out"
    start.write_bytes(network_bytes(build_network(TINY)))
    data = f"redwood:{_captures(tmp_path / 'mine')}"
    said = _run("--out", out, "--data", data, "--start", start, "--steps", 1, "--batch", 2, "--threads", 1)
    assert "loss" in said
    assert (out / "final.pt").is_file()
    target = tmp_path / "net.safetensors"
    _run("--out", out, "--export", target, "--net-size", 96)
    assert load_network(target).spec.net_size == 96
    with pytest.raises(OutputError, match="exists"):
        _run("--out", out, "--export", target)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (["--data", "tum:x"], UsageError, "needs --start"),
        (["--with-procedural"], UsageError, "needs --data"),
        (["--device", "nonsense"], UsageError, "nonsense"),
        (["--rate", "2"], UsageError, "between 0 and 1"),
        (["--data", "tum", "--start", "w.pt"], UsageError, "LAYOUT:FOLDER"),
        (["--data", "tum:absent", "--start", "w.pt"], UsageError, "not a folder"),
        (["--export", "n.safetensors"], WeightsError, "cannot be read"),
        (["--start", "absent.pt"], WeightsError, "absent.pt"),
    ],
)
def test_what_cannot_be_meant_is_said(
    arguments: list[str], error: type[Depth3DError], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=words):
        _run("--out", tmp_path / "out", *arguments)


def test_help_names_the_layouts() -> None:
    said = CliRunner().invoke(train, ["--help"]).output
    assert "kitti" in said
    assert "--start" in said
