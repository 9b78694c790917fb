from __future__ import annotations

import json
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from seeded_weights import fill_seeded

from depth3d.core.errors import UsageError
from depth3d.predictors.midas import MidasNet, build_network
from depth3d.predictors.spec import MIDAS_LARGE, NetworkSpec

TINY = NetworkSpec(name="tiny", encoder="mobilenetv3_small_050", width=4, expand=True, net_size=64)


@pytest.fixture(scope="module", autouse=True)
def _two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def networks() -> dict[str, MidasNet]:
    built = {}
    for name in ("midas_small", "midas_large"):
        built[name] = build_network(name).eval()
        fill_seeded(built[name])
    return built


@pytest.mark.parametrize(("name", "count"), [("midas_small", 21_394_729), ("midas_large", 105_565_929)])
def test_tensors_are_those_of_the_official_checkpoint(networks, midas_reference: Path, name: str, count: int) -> None:
    ours = {key: list(tensor.shape) for key, tensor in networks[name].state_dict().items()}
    assert ours == json.loads((midas_reference / f"{name}_keys.json").read_text())
    assert sum(tensor.numel() for tensor in networks[name].state_dict().values()) == count


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("midas_small", torch.contiguous_format),
        ("midas_small", torch.channels_last),
        ("midas_large", torch.channels_last),
    ],
)
def test_output_is_that_of_the_original(networks, midas_reference: Path, name: str, layout) -> None:
    network = networks[name].to(memory_format=layout)
    with np.load(midas_reference / f"{name}.npz") as reference:
        sizes = [key.removeprefix("input_") for key in reference.files if key.startswith("input_")]
        assert sizes
        for size in sizes:
            with torch.inference_mode():
                picture = torch.from_numpy(reference[f"input_{size}"])[None].to(memory_format=layout)
                ours = network(picture)[0].numpy()
            theirs = reference[f"net_{size}"]
            assert np.abs(ours - theirs).max() < 1e-4 * theirs.max(), size


@pytest.mark.parametrize("encoder", ["resnet10t", "tf_efficientnet_lite0", "mobilenetv4_conv_small", "convnext_atto"])
def test_any_encoder_with_a_feature_pyramid_will_do(encoder: str) -> None:
    network = build_network(NetworkSpec(name="new", encoder=encoder, width=8, expand=False, coordinates="square"))
    assert network(torch.zeros(2, 3, 64, 96)).shape == (2, 64, 96)


def test_auxiliary_heads_share_the_features_and_leave_the_depth_alone() -> None:
    plain = build_network(TINY).eval()
    headed = build_network(TINY, extra_heads={"normals": 3, "edges": 1}).eval()
    missing = headed.load_state_dict(plain.state_dict(), strict=False).missing_keys
    assert missing
    assert all(key.startswith("heads.") for key in missing)
    picture = torch.linspace(-2, 2, 3 * 32 * 64).reshape(1, 3, 32, 64)
    inverse_depth, seen = headed.forward_with_heads(picture)
    assert torch.equal(inverse_depth, plain(picture))
    assert {name: tuple(picture.shape) for name, picture in seen.items()} == {
        "normals": (1, 3, 32, 64),
        "edges": (1, 1, 32, 64),
    }


@pytest.mark.parametrize(
    ("coordinates", "corner"), [("stretched", (-1 + 1 / 96, -1 + 1 / 32)), ("square", (-1 + 1 / 96, -(16 - 0.5) / 48))]
)
def test_coordinates_tell_each_pixel_where_it_is(coordinates: str, corner: tuple[float, float]) -> None:
    network = build_network(NetworkSpec(name="new", encoder="resnet10t", width=4, expand=True, coordinates=coordinates))
    seen: list[torch.Tensor] = []
    network.pretrained.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    network(torch.ones(2, 3, 32, 96))
    (entered,) = seen
    assert entered.shape == (2, 5, 32, 96)
    assert torch.equal(entered[:, :3], torch.ones(2, 3, 32, 96))
    grid = entered[1, 3:]
    np.testing.assert_allclose(grid[:, 0, 0], corner, atol=1e-6)
    np.testing.assert_allclose(grid.mean((1, 2)), (0, 0), atol=1e-6)
    np.testing.assert_allclose(grid.flip(1, 2), -grid, atol=1e-6)
    assert (grid[0].diff(dim=1) > 0).all()
    assert (grid[1].diff(dim=0) > 0).all()


@pytest.mark.parametrize(("output", "lowest"), [("relu", 0.0), ("softplus", 0.0), ("any", -np.inf)])
def test_output_range(output: str, lowest: float) -> None:
    network = build_network(NetworkSpec(name="n", encoder="mobilenetv3_small_050", width=4, expand=True, output=output))
    features = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(1)) * 50
    values = network.inverse_depth(features)
    assert values.min() >= lowest
    assert values.std() > 0
    assert (values.min() < 0) == (output == "any")


def test_every_weight_of_a_new_network_learns() -> None:
    network = build_network(TINY)
    network(torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))).sum().backward()
    idle = {name for name, weight in network.named_parameters() if weight.grad is None}
    # The coarsest fusion has no path to join, as in the original.
    assert {name.rsplit(".", 2)[0] for name in idle} == {"scratch.refinenet4.resConfUnit1"}


def test_building_never_asks_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a network was asked")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert build_network("midas_small").spec.name == "midas_small"
    assert build_network(TINY).spec is TINY


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("midas_medium", "midas_small, midas_large"),
        (NetworkSpec(name="n", encoder="resnet9000", width=8, expand=True), "unknown encoder 'resnet9000'"),
        (NetworkSpec(name="n", encoder="hf-hub:someone/something", width=8, expand=True), "unknown encoder"),
        (NetworkSpec(name="n", encoder="vit_tiny_patch16_224", width=8, expand=True), "strides"),
        (NetworkSpec(name="n", encoder="mixer_s16_224", width=8, expand=True), "mixer_s16_224"),
    ],
)
def test_impossible_networks_are_refused_in_one_line(wanted: str | NetworkSpec, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        build_network(wanted)
    assert "\n" not in str(caught.value)


def test_the_large_network_is_the_one_that_adds_the_activated_input() -> None:
    unit = build_network(NetworkSpec(name="n", encoder="mobilenetv3_small_050", width=4, expand=False)).scratch
    small = unit["refinenet1"].resConfUnit1
    with torch.no_grad():
        small.conv2.weight.zero_()
        small.conv2.bias.zero_()
    x = torch.tensor([-1.0, 2.0]).repeat(1, 4, 2, 1)
    assert torch.equal(small(x), x)
    small.skip_activated = MIDAS_LARGE.skip_activated
    assert torch.equal(small(x), x.relu())
