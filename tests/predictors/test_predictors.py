from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from seeded_weights import fill_seeded, seeded_state

from depth3d.core.depth import InverseDepth
from depth3d.core.errors import UsageError, WeightsError
from depth3d.io.photos.photo import Exif, Photo
from depth3d.predictors import load_predictor
from depth3d.predictors import weights as weights_module
from depth3d.predictors.checkpoint import network_bytes
from depth3d.predictors.midas import build_network
from depth3d.predictors.spec import NetworkSpec

TINY = NetworkSpec(name="bundled", encoder="mobilenetv3_small_050", width=4, expand=True, net_size=64, output="any")


def photo(width: int, height: int) -> Photo:
    rows = np.linspace(0, 255, height)[:, None, None]
    rgb = np.broadcast_to(rows, (height, width, 3)) + np.arange(width)[None, :, None] % 7
    return Photo(rgb=np.clip(rgb, 0, 255).astype(np.uint8), exif=Exif(), name="made.png")


@pytest.fixture(scope="module")
def small_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """midas_small with seeded weights, as the official checkpoint is stored."""
    with torch.device("meta"):
        network = build_network("midas_small")
    path = tmp_path_factory.mktemp("weights") / "seeded.pt"
    torch.save(seeded_state((key, tuple(value.shape)) for key, value in network.state_dict().items()), path)
    return path


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that brings a tiny network."""
    network = build_network(TINY)
    fill_seeded(network)
    folder = tmp_path / "bundled"
    folder.mkdir()
    (folder / "tiny.safetensors").write_bytes(network_bytes(network))
    monkeypatch.setattr(weights_module, "_BUNDLED", folder)
    return folder / "tiny.safetensors"


@pytest.fixture(autouse=True)
def _nothing_here_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPTH3D_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("DEPTH3D_OFFLINE", "1")
    monkeypatch.delenv("DEPTH3D_WEIGHTS", raising=False)
    monkeypatch.setattr(weights_module, "_BUNDLED", tmp_path / "none")


@pytest.mark.parametrize("size", ["320x213", "213x320"])
def test_a_photo_gives_what_the_original_gives(small_file: Path, midas_reference: Path, size: str) -> None:
    with Image.open(midas_reference / f"in_{size}.png") as image:
        seen = Photo(rgb=np.asarray(image.convert("RGB")), exif=Exif(), name=size)
    inverse_depth = load_predictor("midas_small", weights=small_file).predict(seen)
    with np.load(midas_reference / "midas_small.npz") as reference:
        wanted = reference[f"full_{size}"]
    assert isinstance(inverse_depth, InverseDepth)
    assert inverse_depth.values.dtype == np.float32
    assert not inverse_depth.zero_is_infinity
    np.testing.assert_allclose(inverse_depth.values, np.maximum(wanted, 0), rtol=0, atol=1e-4 * wanted.max())


@pytest.mark.parametrize("size", [(1, 1), (2, 500), (640, 31), (333, 222)])
def test_any_photo_gives_a_known_value_for_every_pixel(bundle: Path, size: tuple[int, int]) -> None:
    values = load_predictor("bundled").predict(photo(*size)).values
    assert values.shape == size[::-1]
    assert np.isfinite(values).all()
    assert values.min() == 0


def test_same_photo_same_numbers(bundle: Path) -> None:
    first, second = (load_predictor("bundled").predict(photo(97, 61)).values for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_names_say_which_network_it_is(small_file: Path, bundle: Path) -> None:
    chosen = load_predictor("auto", weights=small_file)
    assert chosen.name == "midas_small"
    assert len(chosen.weights_id) == 16
    assert int(chosen.weights_id, 16)
    assert chosen.predict(photo(9, 9)).source == f"midas_small, weights seeded.pt {chosen.weights_id[:8]}"
    bundled = load_predictor("bundled")
    assert bundled.name == "bundled"
    assert bundled.predict(photo(9, 9)).source == f"bundled, bundled weights {bundled.weights_id[:8]}"


def test_a_network_is_loaded_once(small_file: Path) -> None:
    one, two = load_predictor("midas_small", weights=small_file), load_predictor("auto", weights=small_file, threads=1)
    assert one.network.run.network is two.network.run.network


def test_a_replaced_file_is_loaded_again(bundle: Path) -> None:
    before = load_predictor("bundled")
    other = build_network(TINY)
    bundle.write_bytes(network_bytes(other))
    after = load_predictor("bundled")
    assert before.weights_id != after.weights_id
    assert before.network.run.network is not after.network.run.network


@pytest.mark.parametrize("threads", [1, 2, None])
def test_threads_are_honoured_and_given_back(bundle: Path, threads: int | None) -> None:
    before = torch.get_num_threads()
    predictor = load_predictor("bundled", threads=threads)
    seen: list[tuple[int, bool]] = []
    hook = predictor.network.run.network.register_forward_hook(
        lambda *_: seen.append((torch.get_num_threads(), torch.is_inference_mode_enabled()))
    )
    predictor.predict(photo(20, 20))
    hook.remove()
    assert seen == [(threads or before, True)]
    assert torch.get_num_threads() == before


def test_weights_of_another_network_than_the_one_asked_for(small_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsError, match="holds midas_small, not midas_large; use --predictor midas_small"):
        load_predictor("midas_large", weights=small_file)
    monkeypatch.setenv("DEPTH3D_WEIGHTS", str(small_file))
    with pytest.raises(WeightsError, match="holds midas_small"):
        load_predictor("midas_large")


def test_the_environment_chooses_weights_but_not_for_the_bundled(small_file, bundle, monkeypatch) -> None:
    monkeypatch.setenv("DEPTH3D_WEIGHTS", str(small_file))
    assert load_predictor("auto").name == "midas_small"
    assert load_predictor("bundled").name == "bundled"


def test_auto_takes_the_bundled_network_offline_and_says_so(bundle: Path) -> None:
    inverse_depth = load_predictor().predict(photo(30, 20))
    assert inverse_depth.source.startswith("bundled, bundled weights ")
    assert "midas_small is better, `depth3d weights fetch` brings it" in inverse_depth.source


def test_auto_without_any_network_says_which_to_take() -> None:
    with pytest.raises(WeightsError, match="brings no bundled network; use --predictor midas_small"):
        load_predictor()


def test_auto_never_asks_for_a_download(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("nobody asked for a download")

    monkeypatch.delenv("DEPTH3D_OFFLINE")
    monkeypatch.setattr(weights_module, "fetch_weights", fail)
    assert "a stand-in" in load_predictor().predict(photo(8, 8)).source
    with pytest.raises(AssertionError, match="nobody asked"):
        load_predictor("midas_small")


def test_auto_takes_the_official_network_that_is_there(bundle, small_file: Path, monkeypatch) -> None:
    found = weights_module.examine_weights(small_file)
    monkeypatch.setattr(weights_module, "find_weights", lambda name: found if name == "midas_small" else None)
    assert load_predictor().name == "midas_small"


def test_auto_does_not_pass_over_a_damaged_official_network(bundle: Path) -> None:
    folder = weights_module.cache_folder()
    folder.mkdir(parents=True)
    (folder / "midas_v21_small_256.pt").write_bytes(b"half a file")
    with pytest.raises(WeightsError, match="is damaged"):
        load_predictor()


def test_damaged_numbers_are_not_passed_on(tmp_path: Path) -> None:
    network = build_network(TINY)
    fill_seeded(network)
    with torch.no_grad():
        network.scratch["output_conv"][4].bias.fill_(torch.nan)
    path = tmp_path / "nan.safetensors"
    path.write_bytes(network_bytes(network))
    with pytest.raises(WeightsError, match="not finite"):
        load_predictor("bundled", weights=path).predict(photo(20, 20))


def test_impossible_requests() -> None:
    with pytest.raises(UsageError, match="auto, midas_small, midas_large, bundled"):
        load_predictor("midas_medium")
    with pytest.raises(UsageError, match="threads must be at least 1, got 0"):
        load_predictor("bundled", threads=0)
    with pytest.raises(WeightsError, match="brings no bundled network"):
        load_predictor("bundled")
    with pytest.raises(WeightsError, match="cannot read weights"):
        load_predictor("midas_small", weights=Path("absent.pt"))


def test_importing_the_room_loads_no_torch() -> None:
    code = (
        "import sys, depth3d.predictors, depth3d.predictors.weights, depth3d.predictors.network, depth3d.cli.weights\n"
        "import depth3d.predictors.runtimes.open_network\n"
        "print(*{'torch', 'timm', 'torchvision', 'cv2', 'safetensors', 'openvino', 'onnxruntime'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
