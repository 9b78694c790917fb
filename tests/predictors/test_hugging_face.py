"""Models of the transformers library: equal to its own pipeline, offline, with licence and refusals in one line."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from depth3d.predictors.torch_env import import_torchvision

import_torchvision()
transformers = pytest.importorskip("transformers")

from tiny_models import save_tiny  # noqa: E402

import depth3d as d3  # noqa: E402
from depth3d.cli import run  # noqa: E402
from depth3d.core.errors import Depth3DNotice, MissingExtraError, UsageError, WeightsError  # noqa: E402
from depth3d.io.photos.photo import Exif  # noqa: E402
from depth3d.predictors import load_predictor, weights  # noqa: E402
from depth3d.predictors.external import fastest_runtime, hub, hugging_face  # noqa: E402
from depth3d.predictors.external.catalogue import KNOWN_NETWORKS  # noqa: E402
from depth3d.predictors.external.hugging_face import LicenceWarning  # noqa: E402
from depth3d.predictors.external.network_terms import NetworkTerms  # noqa: E402
from depth3d.predictors.runtimes.measure import Way, read_rows  # noqa: E402

SAMPLES = Path(__file__).parents[2] / "samples"
KINDS = {
    "depth_anything relative": "inverse",
    "depth_anything metric": "metric",
    "dpt": "inverse",
    "depth_pro": "metric",
    "zoedepth": "metric",
}


def photo() -> d3.Photo:
    rgb = np.random.default_rng(0).integers(0, 256, (9, 14, 3)).astype(np.uint8).repeat(10, axis=0).repeat(10, axis=1)
    return d3.Photo(rgb, Exif(), "made.png")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for kind in KINDS:
        save_tiny(kind, folder / kind)
    return folder


@pytest.fixture(autouse=True)
def _offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPTH3D_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DEPTH3D_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("DEPTH3D_RUNTIME", "torch")


@pytest.mark.parametrize("kind", KINDS)
def test_the_output_is_that_of_the_librarys_own_pipeline(models: Path, kind: str) -> None:
    from PIL import Image

    folder = models / kind
    pipeline = transformers.pipeline(
        "depth-estimation",
        model=transformers.AutoModelForDepthEstimation.from_pretrained(folder),
        image_processor=transformers.AutoImageProcessor.from_pretrained(folder),
    )
    wanted = pipeline(Image.fromarray(photo().rgb))["predicted_depth"].numpy()
    assert np.ptp(wanted) > 1e-3
    network = load_predictor(f"hf:{folder}")
    seen = network.see(photo())
    assert seen.kind == KINDS[kind]
    np.testing.assert_allclose(seen.values, wanted, atol=1e-3 * np.ptp(wanted))
    inverse = network.predict(photo())
    assert inverse.size == (140, 90)
    if seen.kind == "metric":
        np.testing.assert_allclose(1 / inverse.values, wanted, rtol=1e-4)
    else:
        np.testing.assert_allclose(
            inverse.values - inverse.values.min(), wanted - wanted.min(), atol=1e-3 * np.ptp(wanted)
        )


def test_depth_pros_focal_length_is_the_camera_and_its_metres_follow_another(models: Path) -> None:
    options = d3.Options.of(predictor=f"hf:{models / 'depth_pro'}", refine=False)
    own = d3.reconstruct(photo(), options=options)
    assert "seen by the network (depth_pro" in own.camera.source
    assert own.unit == "m"
    stated = d3.reconstruct(photo(), options=options.changed(focal_px=2 * own.camera.fx))
    np.testing.assert_allclose(stated.depth.z, 2 * own.depth.z, rtol=1e-4)


def test_bf16_is_near_and_threads_are_honoured(models: Path) -> None:
    exact = load_predictor(f"hf:{models / 'dpt'}", threads=1).see(photo()).values
    half = load_predictor(f"hf:{models / 'dpt'}", precision="bf16").see(photo())
    assert dict(half.details)["precision"] == "bf16"
    assert 0 < np.abs(half.values - exact).max() < 0.1 * np.ptp(exact)


@pytest.mark.filterwarnings("ignore:converting")
@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("kind", KINDS)
def test_converted_to_onnx_it_gives_what_torch_gives(models: Path, kind: str, runtime: str) -> None:
    pytest.importorskip(runtime)
    wanted = load_predictor(f"hf:{models / kind}").see(photo()).values
    network = load_predictor(f"hf:{models / kind}", runtime=runtime, threads=1)
    seen = network.see(photo())
    np.testing.assert_allclose(seen.values, wanted, atol=1e-3 * np.ptp(wanted))
    assert dict(seen.details)["runtime"] == runtime
    assert dict(seen.details)["off_from_torch"].startswith("0.00")


def test_int8_is_measured_and_kept(models: Path, recwarn: pytest.WarningsRecorder) -> None:
    pytest.importorskip("onnxruntime")
    wanted = load_predictor(f"hf:{models / 'dpt'}").see(photo()).values
    for _ in range(2):
        network = load_predictor(f"hf:{models / 'dpt'}", runtime="onnxruntime", precision="int8")
        seen = network.see(photo())
        assert 0 < np.abs(seen.values - wanted).max() < 0.2 * np.ptp(wanted)
        (deviation,) = network.converted.deviations.values()
        assert deviation.median < 0.1
        assert 0.9 < deviation.rank_correlation < 1
        assert dict(seen.details)["off_from_torch"] == f"{deviation.median:.3%} at 64x64"
    assert [str(one.message) for one in recwarn] == ["converting dpt for pictures of 64x64, once"]


@pytest.mark.filterwarnings("ignore:converting")
@pytest.mark.parametrize("kind", ["dpt", "depth_anything metric"])
def test_auto_measures_each_way_once_and_takes_an_exact_one(
    models: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    wanted = load_predictor(f"hf:{models / kind}").see(photo()).values
    monkeypatch.setenv("DEPTH3D_RUNTIME", "auto")
    hugging_face._converted.cache_clear()
    network = load_predictor(f"hf:{models / kind}")
    seen = network.see(photo())
    assert np.median(np.abs(seen.values - wanted)) < 0.01 * np.ptp(wanted)
    told = dict(seen.details)
    assert told["runtime"] in ("torch", "onnxruntime", "openvino")
    assert float(told["off_from_torch"].split("%")[0]) < 0.5
    (kept,) = (Path(hub_folder) for hub_folder in (weights.cache_folder() / "converted").glob("*/hf-ways-*-auto.json"))
    rows = read_rows(kept)
    assert {row.way for row in rows} >= {Way("torch", "fp32"), Way("onnxruntime", "fp32")}
    assert all(row.way.precision != "int8" for row in rows)
    monkeypatch.setattr(fastest_runtime, "deviation_of", lambda *_: pytest.fail("it was measured again"))
    hugging_face._converted.cache_clear()
    again = load_predictor(f"hf:{models / kind}").see(photo())
    np.testing.assert_array_equal(again.values, seen.values)


@pytest.mark.filterwarnings("ignore:converting")
def test_auto_takes_a_named_precision_where_a_library_has_it(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    wanted = load_predictor(f"hf:{models / 'dpt'}").see(photo()).values
    monkeypatch.setenv("DEPTH3D_RUNTIME", "auto")
    seen = load_predictor(f"hf:{models / 'dpt'}", precision="int8").see(photo())
    assert (dict(seen.details)["runtime"], dict(seen.details)["precision"]) == ("onnxruntime", "int8")
    assert float(dict(seen.details)["off_from_torch"].split("%")[0]) < 10
    assert 0 < np.abs(seen.values - wanted).max() < 0.2 * np.ptp(wanted)


def test_what_cannot_be_converted_stays_in_torch_and_says_so(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv("DEPTH3D_RUNTIME", "auto")
    hugging_face._converted.cache_clear()
    monkeypatch.setattr(fastest_runtime, "LARGEST_BYTES", 10)
    with pytest.warns(Depth3DNotice, match="dpt: weighs .* GiB, too much for one ONNX file; it runs in torch"):
        seen = load_predictor(f"hf:{models / 'dpt'}").see(photo())
    assert dict(seen.details)["runtime"] == "torch"


def in_hub(models: Path, repo: str, commit: str) -> None:
    """Lay a model into the Hub's cache as its client does."""
    folder = hub.hub_cache() / f"models--{repo.replace('/', '--')}"
    shutil.copytree(models / "dpt", folder / "snapshots" / commit)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(commit)


def test_the_hubs_cache_serves_names_offline(models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    in_hub(models, "someone/tiny", "c0ffee" * 6 + "abcd")
    network = load_predictor("hf:someone/tiny")
    assert network.folder.revision.startswith("c0ffee")
    assert load_predictor("hf:someone/tiny@" + "c0ffee" * 6 + "abcd").weights_id == network.weights_id
    swin = KNOWN_NETWORKS["dpt_swin2_tiny"]
    in_hub(models, swin.repo, swin.revision)
    files = ["-o", str(tmp_path / "a.ply"), "-o", str(tmp_path / "a.glb"), "--near", "1m", "--far", "4m"]
    assert run(["export", str(SAMPLES / "room.jpg"), "--predictor", "dpt_swin2_tiny", *files]) == 0
    facts = json.loads((tmp_path / "a.ply.json").read_text())["depth"]
    assert (facts["network"], facts["revision"], facts["licence"]) == (swin.repo, swin.revision, "apache-2.0")
    assert (tmp_path / "a.glb").is_file()
    capsys.readouterr()
    assert run(["weights", "list"]) == 0
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "165 MiB" in rows["dpt_swin2_tiny"]
    assert "MIT" in rows["dpt_swin2_tiny"]
    assert "revision f7f350e1" in rows["dpt_swin2_tiny"]
    assert "not on this machine; fetch it: depth3d weights fetch moge2_small" in rows["moge2_small"]
    assert run(["weights", "list", "--json"]) == 0
    told = {one["name"]: one for one in map(json.loads, capsys.readouterr().out.splitlines())}
    assert told["dpt_swin2_tiny"]["kind"] == "inverse"
    assert told["dpt_swin2_tiny"]["path"].endswith(swin.revision)
    assert told["moge2_small"]["path"] is None
    assert run(["doctor"]) in (0, 1)
    assert "dpt_swin2_tiny" in capsys.readouterr().out
    assert run(["weights", "verify", "dpt_swin2_tiny"]) == 0
    assert "revision f7f350e1 is the pinned one; no hash of model.safetensors is known" in capsys.readouterr().out
    other = KNOWN_NETWORKS["depth_anything_v2_small"]
    in_hub(models, other.repo, other.revision)
    assert run(["weights", "verify", other.name]) == 1
    assert "expected 3152477c...; remove it and fetch it again" in capsys.readouterr().err
    assert run(["export", str(SAMPLES / "room.jpg"), "--predictor", other.name, "-o", str(tmp_path / "b.ply")]) == 1
    assert "expected 3152477c...; remove it and fetch it again" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("licence", "forbids"),
    [("cc-by-nc-4.0", True), ("apple-amlr", True), ("apache-2.0", False), ("mit", False), ("CC-BY-NC-SA-4.0", True)],
)
def test_non_commercial_licences_are_said(models: Path, tmp_path: Path, licence: str, forbids: bool) -> None:
    folder = shutil.copytree(models / "dpt", tmp_path / "model")
    (folder / "README.md").write_text(f"---\nlicense: {licence}\n---\n")
    if forbids:
        with pytest.warns(LicenceWarning, match=f"model: its licence, {licence}, forbids commercial use"):
            load_predictor(f"hf:{folder}")
    else:
        assert load_predictor(f"hf:{folder}").folder.licence == licence


def test_named_licences_and_cards_without_one(tmp_path: Path) -> None:
    assert hub.read_licence(tmp_path) == "not stated"
    (tmp_path / "README.md").write_text("---\nlicense: other\nlicense_name: apple-ascl\n---\nlicense: mit\n")
    assert hub.read_licence(tmp_path) == "apple-ascl"
    (tmp_path / "README.md").write_text("# no front matter\nlicense: mit\n")
    assert hub.read_licence(tmp_path) == "not stated"


def test_each_wrong_model_is_refused_in_one_line(models: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="hf:nowhere: is neither a folder here nor an OWNER/NAME"):
        load_predictor("hf:nowhere")
    with pytest.raises(WeightsError, match="someone/absent is not in the Hugging Face cache, and nothing may"):
        load_predictor("hf:someone/absent")
    with pytest.raises(UsageError, match="runs in onnxruntime in fp32 or int8, not in bf16"):
        load_predictor(f"hf:{models / 'dpt'}", runtime="onnxruntime", precision="bf16")
    with pytest.raises(UsageError, match="runs in openvino in fp32 or bf16 or fp16, not in int8"):
        load_predictor(f"hf:{models / 'dpt'}", runtime="openvino", precision="int8")
    with pytest.raises(UsageError, match="runs in torch in fp32 or bf16, not in int8; leave --runtime out"):
        load_predictor(f"hf:{models / 'dpt'}", precision="int8")
    with pytest.raises(UsageError, match="its own configuration says mean; leave it out"):
        load_predictor(f"hf:{models / 'dpt'}", terms=NetworkTerms(mean=(0, 0, 0)))
    with pytest.raises(WeightsError, match=r"holds no config.json; name a folder that save_pretrained wrote"):
        load_predictor(f"hf:{tmp_path}")
    pickled = shutil.copytree(models / "dpt", tmp_path / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    with pytest.raises(WeightsError, match=r"pickled: has no .safetensors, and other weights may run code"):
        load_predictor(f"hf:{pickled}")
    other = shutil.copytree(models / "dpt", tmp_path / "other")
    (other / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(WeightsError, match="other: is a bert, no depth network of transformers"):
        load_predictor(f"hf:{other}")
    (other / "config.json").write_text('{"model_type": "prompt_depth_anything"}')
    with pytest.raises(WeightsError, match="wants depth measured by a sensor"):
        load_predictor(f"hf:{other}")


class Hub:
    """A client whose every download fails in one way."""

    class utils:  # noqa: N801 - as the module is called
        @staticmethod
        def disable_progress_bars() -> None:
            """Nothing is drawn."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def snapshot_download(self, *_: object, **__: object) -> str:
        raise self.error


@pytest.mark.filterwarnings("ignore:fetching")
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("GatedRepoError", "its licence must be accepted at https://huggingface.co/a/b, then log in: hf auth login"),
        ("RepositoryNotFoundError", "the Hugging Face Hub has no such model or revision; check the name"),
        ("ConnectError", r"a/b cannot be fetched from the Hugging Face Hub \(no route\); fetch it where"),
        ("Got: ", r"a/b cannot be fetched from the Hugging Face Hub \(no name\); fetch it where"),
    ],
)
def test_what_the_hub_answers_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch, kind: str, words: str) -> None:
    monkeypatch.delenv("DEPTH3D_OFFLINE")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    said = "Got: no\nname An error happened while trying to" if kind == "Got: " else "no\nroute"
    error = type(kind, (Exception,), {})(said)
    monkeypatch.setattr(hub, "import_hub", lambda: Hub(error))
    with pytest.raises(WeightsError, match=words):
        hub.find_model("a/b")


def test_without_the_extra_the_command_that_brings_it_is_said(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError, match=r"the package transformers is needed: pip install 'depth3d\[hf\]'"):
        load_predictor(f"hf:{models / 'dpt'}")


def test_bench_and_eval_take_any_network(models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = f"hf:{models / 'dpt'}"
    assert run(["bench", "predict", "--predictor", name, "--rounds", "1"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    found = {row[0]: row for row in rows if row and row[0] in ("auto", "fp32", "bf16", "int8")}
    assert set(found) == {"auto", "fp32", "bf16"}
    assert found["fp32"][2] == "0.000%"
    assert found["bf16"][2] != "0.000%"
    assert run(["bench", "predict", "--predictor", name, "--weights", str(SAMPLES / "room.jpg")]) == 2
    assert "--weights is a file for our own networks" in capsys.readouterr().err
    exact = Path(d3.__file__).parent / "predictors" / "exact_samples"
    frame = {
        "name": "room",
        "color": str(exact / "room.jpg"),
        "depth": str(exact / "room.png"),
        "units_per_metre": 1000,
    }
    (tmp_path / "frames.json").write_text(json.dumps([frame | {"units_per_metre": 1000}]))
    assert run(["eval", str(tmp_path / "frames.json"), "--predictor", name]) == 0
    assert "dpt" in capsys.readouterr().out


def test_fetching_offline_names_the_way_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["weights", "fetch", "moge2_small"]) == 1
    told = capsys.readouterr().err.strip()
    assert len(told.splitlines()) == 1
    assert "nothing may be fetched offline; fetch it where there is a network: hf download Ruicheng/moge-2-vits" in told
    assert run(["weights", "verify", "dpt_hybrid"]) == 1
    assert "dpt_hybrid is not on this machine; fetch it" in capsys.readouterr().err


def test_every_short_name_is_pinned_to_a_commit() -> None:
    assert all(len(known.revision) == 40 for known in KNOWN_NETWORKS.values())
