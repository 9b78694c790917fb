from __future__ import annotations

import copy
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load, safe_open, save_file
from seeded_weights import fill_seeded, seeded_state

from depth3d.core.errors import WeightsError
from depth3d.predictors.checkpoint import load_network, network_bytes
from depth3d.predictors.midas import MidasNet, build_network
from depth3d.predictors.spec import NetworkSpec

SPEC = NetworkSpec(
    name="tiny", encoder="mobilenetv3_small_050", width=4, expand=True, net_size=64, output="softplus", shrink="area"
)
PICTURE = torch.linspace(-2, 2, 3 * 64 * 64).reshape(1, 3, 64, 64)


def with_multiple(number: int) -> str:
    """A description whose pictures have sides that the network's strides do not divide."""
    return json.dumps(json.loads(SPEC.to_json()) | {"multiple_of": number})


@pytest.fixture(scope="module")
def tiny() -> MidasNet:
    network = build_network(SPEC, extra_heads={"edges": 1})
    fill_seeded(network)
    return network.eval()


@pytest.fixture(scope="module")
def small_state() -> dict[str, torch.Tensor]:
    with torch.device("meta"):
        network = build_network("midas_small")
    return seeded_state((key, tuple(value.shape)) for key, value in network.state_dict().items())


@pytest.fixture
def refused(tmp_path: Path) -> Callable[[bytes], str]:
    """Return a function that writes bytes, expects that they are refused, and returns the one line why."""

    def try_bytes(data: bytes) -> str:
        path = tmp_path / "weights.pt"
        path.write_bytes(data)
        with pytest.raises(WeightsError) as caught:
            load_network(path)
        assert "\n" not in str(caught.value)
        assert str(path) in str(caught.value)
        return str(caught.value)

    return try_bytes


def torch_file(value: object, **options: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


def test_what_is_written_is_read(tiny: MidasNet, tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    path.write_bytes(network_bytes(tiny))
    network = load_network(path)
    assert network.spec == SPEC
    assert not network.training
    assert not any(weight.requires_grad for weight in network.parameters())
    assert torch.equal(network(PICTURE), copy.deepcopy(tiny).to(memory_format=torch.channels_last)(PICTURE))


def test_auxiliary_heads_are_left_behind(tiny: MidasNet, tmp_path: Path) -> None:
    assert not [key for key in load(network_bytes(tiny)) if key.startswith("heads")]
    path = tmp_path / "with_heads.pt"
    save_file(tiny.state_dict(), path, metadata={"depth3d.network": SPEC.to_json()})
    assert not load_network(path).heads


def test_what_never_runs_is_left_out_and_not_missed(tiny: MidasNet, tmp_path: Path) -> None:
    unused = "scratch.refinenet4.resConfUnit1.conv1.weight"
    data = network_bytes(tiny)
    assert unused in tiny.state_dict()
    assert unused not in load(data)
    path = tmp_path / "tiny.safetensors"
    path.write_bytes(data)
    torch.testing.assert_close(load_network(path)(PICTURE), tiny(PICTURE))
    save_file(tiny.state_dict(), path, metadata={"depth3d.network": SPEC.to_json()})  # files of before hold it
    torch.testing.assert_close(load_network(path)(PICTURE), tiny(PICTURE))


def test_half_precision_halves_the_convolutions_and_keeps_the_vectors(tiny: MidasNet, tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    path.write_bytes(network_bytes(tiny, half=True, notes={"licence": "MIT"}))
    kinds = {tensor.ndim: tensor.dtype for tensor in load(path.read_bytes()).values()}
    assert kinds == {4: torch.float16, 1: torch.float32, 0: torch.int64}
    with safe_open(path, framework="pt") as file:
        assert file.metadata()["licence"] == "MIT"
    network = load_network(path)
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}
    whole, halved = tiny(PICTURE), network(PICTURE)
    assert 0 < (whole - halved).abs().max() < 0.02 * whole.max()


def test_same_network_same_bytes(tiny: MidasNet) -> None:
    assert network_bytes(tiny, half=True) == network_bytes(tiny, half=True)


@pytest.mark.parametrize(
    "wrap",
    [lambda s: torch_file(s), lambda s: torch_file({"model": s, "optimizer": {}})],
    ids=["plain", "training checkpoint"],
)
def test_official_checkpoints_are_recognised(small_state, tmp_path: Path, wrap: Callable[..., bytes]) -> None:
    path = tmp_path / "any name"
    path.write_bytes(wrap(small_state))
    network = load_network(path)
    assert network.spec.name == "midas_small"
    for key, value in network.state_dict().items():
        assert torch.equal(value, small_state[key])


def test_official_weights_as_safetensors_without_description(small_state, tmp_path: Path) -> None:
    path = tmp_path / "midas.safetensors"
    save_file(small_state, path)
    assert load_network(path).spec.name == "midas_small"


def test_a_tensor_too_few_is_named(small_state, refused) -> None:
    fewer = {key: value for key, value in small_state.items() if key != "scratch.output_conv.4.bias"}
    line = refused(torch_file(fewer))
    assert "looks like midas_small" in line
    assert "1 of 482 tensors differ" in line
    assert "scratch.output_conv.4.bias (in the file missing, expected (1,))" in line


def test_a_tensor_of_another_shape_is_named(small_state, refused) -> None:
    wider = small_state | {"scratch.layer1_rn.weight": torch.zeros(65, 32, 3, 3)}
    assert "scratch.layer1_rn.weight (in the file (65, 32, 3, 3), expected (64, 32, 3, 3))" in refused(
        torch_file(wider)
    )


def test_weights_of_another_network_fit_none(refused) -> None:
    line = refused(torch_file({"pretrained.model.cls_token": torch.zeros(1, 1, 768)}))
    assert "fit no network" in line
    assert "midas_small, midas_large" in line
    assert "pretrained.model.cls_token" in line


def test_a_hostile_pickle_is_refused_and_not_run(tmp_path: Path, refused) -> None:
    touched = tmp_path / "touched"

    class Hostile:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (touched,)

    for data in (
        pickle.dumps(Hostile()),
        torch_file({"weight": Hostile()}),
        torch_file({"weight": Hostile()}, _use_new_zipfile_serialization=False),
    ):
        assert "refused" in refused(data)
        assert not touched.exists()
    pickle.loads(pickle.dumps(Hostile()))  # the anchor: it does harm where it is run
    assert touched.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"just a text file, no weights\n",
        b"PK\x03\x04" + bytes(200),
        bytes(64),
        b"\x00" * 8 + b"{",
        b"\xff" * 8 + b"{" + bytes(100),
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        torch_file([1, 2, 3]),
        torch_file({"a": 1, "b": torch.zeros(2)}),
        torch_file({"optimizer": {}}),
        torch_file(torch.zeros(3)),
        torch_file({}),
    ],
)
def test_what_is_not_a_network_is_refused(refused, data: bytes) -> None:
    refused(data)


def test_an_ordinary_zip_is_refused(refused) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "hello")
    refused(buffer.getvalue())


def test_strange_tensors_are_refused(small_state, refused) -> None:
    key = "scratch.layer1_rn.weight"
    zeros = torch.zeros(64, 32, 3, 3)
    for strange in (zeros.to_sparse(), zeros.to("meta"), zeros.to(torch.complex64)):
        assert "not a plain array of numbers" in refused(torch_file(small_state | {key: strange}))


@pytest.mark.parametrize(
    ("description", "says"),
    [
        ("not json", "cannot be read"),
        ("[1]", "cannot be read"),
        ('{"name": "x"}', "cannot be read"),
        (SPEC.to_json().replace("softplus", "tanh"), "output is 'tanh'"),
        (SPEC.to_json().replace('"width": 4', '"width": "4"'), "width is '4'"),
        (SPEC.to_json().replace('"width": 4', '"width": 4000000'), "impossible"),
        (SPEC.to_json().replace('"width"', '"wide"'), "cannot be read"),
        (SPEC.to_json().replace("0.485", '"x"'), "cannot be read"),
        (SPEC.to_json().replace("0.485, ", ""), "three numbers"),
        (SPEC.to_json().replace("mobilenetv3_small_050", "resnet9000"), "unknown encoder"),
        (SPEC.to_json().replace('"width": 4', '"width": 5'), "looks like tiny but does not fit"),
        ("[" * 100_000, "cannot be read"),
        (SPEC.to_json().replace('"width": 4', '"width": 1' + "0" * 400), "impossible|cannot be read"),
        (SPEC.to_json().replace("0.485", "1" + "0" * 400), "cannot be read"),
        (SPEC.to_json().replace("0.485", "1e308"), "impossible"),
        (SPEC.to_json().replace("0.229", "NaN"), "impossible"),
        *((with_multiple(number), "impossible") for number in (1, 16, 37)),
        (SPEC.to_json().replace("mobilenetv3_small_050", "x" * 10_000), "a line of text"),
    ],
)
def test_a_damaged_description_is_refused(tiny: MidasNet, tmp_path: Path, description: str, says: str) -> None:
    path = tmp_path / "x.safetensors"
    save_file(load(network_bytes(tiny)), path, metadata={"depth3d.network": description})
    with pytest.raises(WeightsError, match=says) as caught:
        load_network(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1500


@pytest.mark.parametrize("form", ["safetensors", "zip", "legacy"])
def test_damaged_bytes_give_one_line_or_a_network(tiny: MidasNet, tmp_path: Path, form: str) -> None:
    states = {
        "safetensors": lambda: network_bytes(tiny),
        "zip": lambda: torch_file({"a": torch.zeros(3), "b": torch.ones(2, 2)}),
        "legacy": lambda: torch_file({"a": torch.zeros(3)}, _use_new_zipfile_serialization=False),
    }
    whole = states[form]()
    rng = np.random.default_rng(7)
    path = tmp_path / "damaged"
    outcomes = set()
    for _ in range(60):
        data = bytearray(whole[: rng.integers(1, len(whole) + 1)] if rng.random() < 0.5 else whole)
        for position in rng.integers(0, min(len(data), 3000), 3):
            data[position] = rng.integers(256)
        path.write_bytes(data)
        try:
            load_network(path)
            outcomes.add("a network")
        except WeightsError as error:
            outcomes.add("several lines" if "\n" in str(error) else "one line")
    assert "one line" in outcomes
    assert outcomes <= {"one line", "a network"}


@pytest.mark.parametrize("name", ["absent.pt", "."])
def test_no_file_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(WeightsError, match="no such file|is a folder"):
        load_network(tmp_path / name)
