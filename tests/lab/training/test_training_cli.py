"""`depth3d train` as a user types it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner

from depth3d.cli.train import train
from depth3d.core.errors import Depth3DError, OutputError, UsageError, WeightsError
from depth3d.lab.training.loop import save_state
from depth3d.predictors.checkpoint import load_network, network_bytes
from depth3d.predictors.midas import build_network
from depth3d.predictors.spec import NetworkSpec
from depth3d.predictors.torch_env import import_timm
from depth3d.predictors.weights import examine_weights

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
        (["--start", "w.pt", "--encoder", "resnet10t"], UsageError, "brings its own encoder"),
        (["--start", "w.pt", "--encoder-weights", "e.pth"], UsageError, "brings its own encoder"),
        (["--encoder", "no_such_encoder"], UsageError, "unknown encoder"),
        (["--encoder-weights", "absent.pth"], WeightsError, "no such file"),
        (["--net-size", "64"], UsageError, "are for --export"),
        (["--measure", "tum:x"], UsageError, "are for --export"),
        (["--export", "n.safetensors", "--measure", "tum"], UsageError, "LAYOUT:FOLDER"),
        (["--with-procedural", "--data", "tum:x", "--encoder-weights", "e.pth"], UsageError, "is for --start"),
        (["--with-procedural"], UsageError, "needs --data"),
        (["--device", "nonsense"], UsageError, "nonsense"),
        (["--rate", "2"], UsageError, "between 0 and 1"),
        (["--data", "tum", "--start", "w.pt"], UsageError, "LAYOUT:FOLDER"),
        (["--data", "tum:absent", "--start", "w.pt"], UsageError, "not a folder"),
        (["--export", "n.safetensors"], WeightsError, "cannot be read"),
        (["--start", "absent.pt"], WeightsError, "absent.pt"),
        (["--photos", "pictures"], UsageError, "--photos needs --start"),
        (["--photos", "absent", "--start", "w.pt"], UsageError, "absent: not a folder"),
    ],
)
def test_what_cannot_be_meant_is_said(
    arguments: list[str], error: type[Depth3DError], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=words):
        _run("--out", tmp_path / "out", *arguments)


def test_a_new_network_begins_with_a_pretrained_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    def remember(folder: Path, **arguments: Any) -> Path:
        given.update(arguments)
        return folder / "final.pt"

    monkeypatch.setattr("depth3d.lab.training.recipe.train_bundled", remember)
    classifier = import_timm().create_model("resnet10t").state_dict()
    torch.save(classifier, tmp_path / "seen.pth")
    data = f"redwood:{_captures(tmp_path / 'mine')}"
    _run(
        "--out", tmp_path / "out", "--encoder", "resnet10t", "--encoder-weights", tmp_path / "seen.pth", "--data", data
    )
    assert given["spec"].encoder == "resnet10t"
    assert given["spec"].mean == (0.485, 0.456, 0.406)
    options = given["options"]
    assert (options.encoder_rate, options.encoder_hold, options.freeze_norm) == (0.1, 300, True)
    assert given["start"].notes == {"encoder": "resnet10t begun with seen.pth"}
    filled = given["start"].tensors["pretrained.model.layer1.0.conv1.weight"]
    assert torch.equal(filled, classifier["layer1.0.conv1.weight"])
    assert [source.name for source in given["more"]] == ["redwood:mine"]


def test_the_error_is_measured_at_export(tmp_path: Path) -> None:
    spec = TINY
    out = tmp_path / "out"
    network = build_network(spec)
    save_state(
        {"spec": spec.to_json(), "step": 7, "average": network.state_dict(), "notes": {"encoder": "of old"}},
        _made(out) / "checkpoint.pt",
    )
    data = f"redwood:{_captures(tmp_path / 'mine')}"
    _run("--out", out, "--export", tmp_path / "net.safetensors", "--net-size", 64, "--measure", data)
    exported = load_network(tmp_path / "net.safetensors").spec
    assert (exported.noise_strength, exported.noise_reach) != (spec.noise_strength, spec.noise_reach)
    assert 0 < exported.noise_strength < 2
    notes = examine_weights(tmp_path / "net.safetensors").notes
    assert notes == {"steps": "7", "encoder": "of old", "noise_measured_on": "2 pictures of mine"}


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_help_names_the_layouts() -> None:
    said = CliRunner().invoke(train, ["--help"]).output
    assert "kitti" in said
    assert "--start" in said
