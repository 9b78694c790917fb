from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import spearmanr
from seeded_weights import fill_seeded, seeded_state
from without_root import as_ordinary_user

from depth3d.core.errors import Depth3DNotice, Depth3DWarning, MissingExtraError, UsageError
from depth3d.io.photos.photo import Photo, read_photo
from depth3d.lab.evaluation.metrics import read_frames
from depth3d.predictors import load_predictor
from depth3d.predictors.checkpoint import load_network, network_bytes
from depth3d.predictors.midas import build_network
from depth3d.predictors.preprocess import prepare_picture, to_photo_size
from depth3d.predictors.runtimes import conversion, convert_and_measure, open_network, openvino_runtime
from depth3d.predictors.runtimes.converted_cache import Store
from depth3d.predictors.runtimes.deviation import deviation_of, mean_deviation
from depth3d.predictors.runtimes.measure import LARGEST_DEVIATION, Measured, Way, fastest
from depth3d.predictors.runtimes.onnxruntime_runtime import OnnxruntimeRuntime
from depth3d.predictors.runtimes.openvino_runtime import OpenvinoRuntime
from depth3d.predictors.runtimes.probes import calibration_pictures, judging_pictures
from depth3d.predictors.runtimes.runtime_errors import RuntimeFailedError
from depth3d.predictors.spec import NetworkSpec
from depth3d.predictors.weights import FoundWeights, bundled_weights, examine_weights

TINY = NetworkSpec(
    name="tiny", encoder="mobilenetv3_small_050", width=4, expand=True, net_size=96, output="any", coordinates="square"
)
SIZES = ((96, 96), (96, 64), (64, 96), (96, 32))


def noise_picture(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(width * 1000 + height).standard_normal((3, height, width)).astype(np.float32)


def noise_photo(width: int, height: int) -> Photo:
    return Photo(np.random.default_rng(width + height).integers(0, 256, (height, width, 3)).astype(np.uint8))


@pytest.fixture(scope="module")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = build_network(TINY)
    fill_seeded(network)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    path.write_bytes(network_bytes(network))
    return path


@pytest.fixture(scope="module")
def made_once(tiny_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder in which the tiny network was converted for everything, int8 too."""
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEPTH3D_CACHE", str(cache))
        patch.setattr(openvino_runtime, "openvino_precisions", lambda: ("fp32", "int8"))  # the same on every processor
        with pytest.warns(Depth3DNotice, match="preparing the network tiny"):
            open_network.measured(examine_weights(tiny_file), quantised=True)
    return cache


@pytest.fixture
def tiny(made_once: Path, tiny_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FoundWeights:
    """The tiny network's weights, converted in a cache of the test's own."""
    shutil.copytree(made_once, tmp_path / "cache")
    monkeypatch.setenv("DEPTH3D_CACHE", str(tmp_path / "cache"))
    return examine_weights(tiny_file)


@pytest.fixture(autouse=True)
def _every_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPTH3D_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DEPTH3D_OFFLINE", "1")
    monkeypatch.delenv("DEPTH3D_RUNTIME", raising=False)
    monkeypatch.delenv("DEPTH3D_WEIGHTS", raising=False)
    open_network._converted.cache_clear()


@pytest.fixture
def _unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is equally fast and exact, where the test is about something else and time matters."""
    monkeypatch.setattr(convert_and_measure, "measure", lambda ways, *_: [Measured(way, 1.0, 0.0, 1.0) for way in ways])


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_single_precision_gives_what_torch_gives_at_any_size(tiny: FoundWeights, runtime: str) -> None:
    reference = open_network.open_network(tiny, runtime="torch")
    converted = open_network.open_network(tiny, runtime=runtime, precision="fp32")
    assert converted.way == Way(runtime, "fp32")
    assert converted.spec == reference.spec
    for size in (*SIZES, SIZES[0]):
        wanted, given = (network.run(noise_picture(*size)) for network in (reference, converted))
        assert given.dtype == np.float32
        np.testing.assert_allclose(given, wanted, rtol=0, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_midas_small_converted_gives_what_the_original_gives(runtime: str, midas_onnx: Path, midas_reference) -> None:
    run = OnnxruntimeRuntime(midas_onnx) if runtime == "onnxruntime" else OpenvinoRuntime(midas_onnx)
    spec = NetworkSpec.from_json(midas_onnx.with_suffix(".json").read_text())
    with Image.open(midas_reference / "in_320x213.png") as image:
        rgb = np.asarray(image.convert("RGB"))
    values = to_photo_size(run(prepare_picture(rgb, spec)), 320, 213)
    with np.load(midas_reference / "midas_small.npz") as reference:
        wanted = reference["full_320x213"]
    np.testing.assert_allclose(np.maximum(values, 0), np.maximum(wanted, 0), rtol=0, atol=1e-4 * wanted.max())


@pytest.fixture(scope="module")
def midas_onnx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """midas_small with seeded weights as ONNX."""
    with torch.device("meta"):
        shapes = [(key, tuple(value.shape)) for key, value in build_network("midas_small").state_dict().items()]
    folder = tmp_path_factory.mktemp("midas")
    torch.save(seeded_state(shapes), folder / "seeded.pt")
    network = load_network(folder / "seeded.pt")
    conversion.write_onnx(network, folder / "midas.onnx")
    (folder / "midas.json").write_text(network.spec.to_json())
    return folder / "midas.onnx"


def test_every_precision_is_measured_and_int8_is_the_least_exact(tiny: FoundWeights) -> None:
    rows = {str(row.way): row for row in open_network.measured(tiny, quantised=True)}
    assert {"openvino fp32", "openvino int8", "onnxruntime fp32", "onnxruntime int8"} <= set(rows)
    assert all(row.seconds > 0 for row in rows.values())
    for runtime in ("openvino", "onnxruntime"):
        exact, coarse = rows[f"{runtime} fp32"], rows[f"{runtime} int8"]
        assert exact.deviation < 1e-5
        assert exact.rank_correlation > 0.999999
        assert coarse.deviation > 100 * exact.deviation


def test_a_named_precision_is_taken_however_much_it_deviates(tiny: FoundWeights) -> None:
    assert open_network.open_network(tiny, precision="int8").way.precision == "int8"
    inverse_depth = load_predictor("auto", weights=tiny.path, precision="int8", runtime="onnxruntime").predict(
        noise_photo(50, 40)
    )
    assert dict(inverse_depth.details)["runtime"] == "onnxruntime"
    assert dict(inverse_depth.details)["precision"] == "int8"


def test_same_photo_same_numbers_whatever_came_between(tiny: FoundWeights) -> None:
    predictor = load_predictor("auto", weights=tiny.path)
    first = predictor.predict(noise_photo(96, 60)).values
    for size in ((60, 96), (96, 30), (30, 96), (80, 80), (96, 90)):  # more sizes than are kept compiled
        predictor.predict(noise_photo(*size))
    np.testing.assert_array_equal(predictor.predict(noise_photo(96, 60)).values, first)


def test_once_converted_no_torch_is_imported(tiny: FoundWeights) -> None:
    code = (
        "import sys, numpy, pathlib\n"
        "from depth3d import Photo, load_predictor\n"
        f"predictor = load_predictor('auto', weights=pathlib.Path({str(tiny.path)!r}))\n"
        "predictor.predict(Photo(numpy.zeros((30, 40, 3), numpy.uint8)))\n"
        "print(*{'torch', 'timm', 'torchvision', 'onnx', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(("runtime", "kept"), [("openvino", 4), ("onnxruntime", None)])
def test_a_hundred_photos_leave_memory_as_it_is_after_the_tenth(tiny: FoundWeights, runtime: str, kept: object) -> None:
    code = (
        "import resource, numpy, pathlib\n"
        "from depth3d import Photo, load_predictor\n"
        f"predictor = load_predictor('auto', weights=pathlib.Path({str(tiny.path)!r}), runtime={runtime!r})\n"
        "for i in range(100):\n"
        "    shape = [(300, 400, 3), (400, 300, 3), (400, 400, 3)][i % 3]\n"
        "    predictor.predict(Photo(numpy.full(shape, i, numpy.uint8)))\n"
        "    if i in (9, 99): print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    tenth, last = map(int, done.stdout.split())
    assert last - tenth < 3000  # KiB; a picture of 400 x 300 in float32 has 470


@pytest.mark.usefixtures("_unmeasured")
def test_many_processes_convert_once(tiny_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads stand in for processes: a lock belongs to an open file, and each has its own."""
    made: list[str] = []
    real = convert_and_measure.prepare

    def counted(weights: FoundWeights, store: Store, *, quantised: bool) -> list[Measured]:
        made.append(threading.current_thread().name)
        return real(weights, store, quantised=quantised)

    monkeypatch.setattr(convert_and_measure, "prepare", counted)
    found = examine_weights(tiny_file)
    results: list[list[Measured]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Depth3DNotice)
        threads = [threading.Thread(target=lambda: results.append(open_network.measured(found))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(made) == 1
    assert len(results) == 3
    assert results[0] == results[1] == results[2]
    assert not [path.name for path in Store.of(found.sha256).folder.iterdir() if path.name.startswith(".")]


@pytest.mark.usefixtures("_unmeasured")
def test_another_version_of_a_library_is_another_measurement(tiny: FoundWeights, monkeypatch) -> None:
    store = Store.of(tiny.sha256)
    real = open_network.installed()
    newer = {**real, "openvino": "9999.1"}
    for module in (open_network, convert_and_measure):
        monkeypatch.setattr(module, "installed", lambda: newer)
        monkeypatch.setattr(module, "machine_key", lambda: "newer")
    with pytest.warns(Depth3DNotice):
        open_network.measured(tiny)
    assert store.measured("newer").is_file()
    assert store.openvino("9999.1").is_file()
    assert not store.openvino(real["openvino"]).exists()
    assert not store.openvino(real["openvino"]).with_suffix(".bin").exists()


@pytest.mark.usefixtures("_unmeasured")
def test_what_is_damaged_is_made_anew(tiny: FoundWeights) -> None:
    store = Store.of(tiny.sha256)
    for path in (store.onnx(), store.openvino(open_network.installed()["openvino"]).with_suffix(".bin")):
        path.write_bytes(path.read_bytes()[:1000])
    with pytest.warns(Depth3DNotice):
        network = open_network.open_network(tiny)
    assert np.isfinite(network.run(noise_picture(96, 64))).all()


@pytest.mark.usefixtures("_unmeasured")
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_what_is_damaged_and_cannot_be_replaced_is_said(tiny: FoundWeights) -> None:
    store = Store.of(tiny.sha256)
    for path in (store.onnx(), store.openvino(open_network.installed()["openvino"]).with_suffix(".bin")):
        path.write_bytes(path.read_bytes()[:1000])
    store.folder.chmod(0o500)
    told = "damaged converted network .* cannot be replaced: Permission denied; remove it"
    try:
        with as_ordinary_user():
            with pytest.warns(Depth3DWarning, match=f"{told}.* runs in torch"):
                assert open_network.open_network(tiny).way == Way("torch", "fp32")
            with pytest.raises(RuntimeFailedError, match=told):
                open_network.open_network(tiny, runtime="onnxruntime")
    finally:
        store.folder.chmod(0o700)


@pytest.mark.usefixtures("_unmeasured")
@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_a_converted_network_that_was_changed_is_not_used(tiny: FoundWeights, runtime: str) -> None:
    store = Store.of(tiny.sha256)
    exact = open_network.open_network(tiny, runtime=runtime, precision="fp32").run(noise_picture(96, 64))
    open_network._converted.cache_clear()
    version = open_network.installed()["openvino"]
    path = store.openvino(version).with_suffix(".bin") if runtime == "openvino" else store.onnx()
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(content[:middle] + bytes(1000) + content[middle + 1000 :])  # as long as it was, and it loads
    with pytest.warns(Depth3DNotice, match="preparing"):
        again = open_network.open_network(tiny, runtime=runtime, precision="fp32").run(noise_picture(96, 64))
    np.testing.assert_allclose(again, exact, rtol=0, atol=1e-4 * np.abs(exact).max())


@pytest.mark.usefixtures("_unmeasured")
@pytest.mark.parametrize("content", [b"\xff\xfe", b"null", b"[" * 100_000])
def test_a_damaged_description_is_made_anew(tiny: FoundWeights, content: bytes) -> None:
    Store.of(tiny.sha256).spec().write_bytes(content)
    with pytest.warns(Depth3DNotice, match="preparing"):
        assert open_network.open_network(tiny, runtime="onnxruntime", precision="fp32").spec.name == "tiny"
    open_network._converted.cache_clear()
    again = open_network.open_network(tiny, runtime="onnxruntime", precision="fp32")
    assert again.spec.name == "tiny", "now without a word"


def test_converted_networks_that_others_can_change_are_not_used(
    tiny: FoundWeights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows has access control lists, not these modes")
    for folder in (Store.of(tiny.sha256).folder, tmp_path / "cache"):
        folder.chmod(0o777)
        with pytest.warns(Depth3DWarning, match="because everybody can change them; set DEPTH3D_CACHE .* torch"):
            assert open_network.open_network(tiny).way == Way("torch", "fp32")
        with pytest.raises(RuntimeFailedError, match="everybody"):
            open_network.open_network(tiny, runtime="onnxruntime")
        folder.chmod(0o700)
    assert open_network.open_network(tiny).way.runtime != "torch"
    monkeypatch.setattr("os.geteuid", lambda: 4711)
    if Store.of(tiny.sha256).folder.stat().st_uid != 0:
        with pytest.raises(RuntimeFailedError, match="its owner"):
            open_network.open_network(tiny, runtime="onnxruntime")


def test_without_a_place_to_store_torch_takes_over_and_says_so(tiny_file: Path, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DEPTH3D_CACHE", str(tmp_path / "file"))
    found = examine_weights(tiny_file)
    warning = "cannot store converted networks in .* runs in torch, which is slower"
    with pytest.warns(Depth3DNotice), pytest.warns(Depth3DWarning, match=warning):
        network = open_network.open_network(found)
    assert network.way == Way("torch", "fp32")
    with pytest.warns(Depth3DNotice), pytest.raises(RuntimeFailedError, match="set DEPTH3D_CACHE"):
        open_network.open_network(found, runtime="onnxruntime")


def test_without_the_extra_torch_runs_and_nothing_is_stored(tiny_file: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(open_network, "installed", dict)
    found = examine_weights(tiny_file)
    assert open_network.open_network(found).way == Way("torch", "fp32")
    assert open_network.open_network(found, precision="bf16").way == Way("torch", "bf16")
    assert not (tmp_path / "cache").exists()
    with pytest.raises(MissingExtraError, match=r"runtime openvino the package openvino is needed: .*depth3d\[fast\]"):
        open_network.open_network(found, runtime="openvino")
    with pytest.raises(UsageError, match=r"int8 needs another runtime: pip install 'depth3d\[fast\]'"):
        open_network.open_network(found, precision="int8")


def test_impossible_requests(tiny: FoundWeights, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="unknown runtime 'tensorrt'; choose one of auto, openvino"):
        open_network.open_network(tiny, runtime="tensorrt")
    with pytest.raises(UsageError, match="unknown precision 'fp64'"):
        open_network.open_network(tiny, precision="fp64")
    with pytest.raises(UsageError, match="cannot run onnxruntime in bf16 with this network; it can run openvino"):
        open_network.open_network(tiny, runtime="onnxruntime", precision="bf16")
    monkeypatch.setenv("DEPTH3D_RUNTIME", "abacus")
    with pytest.raises(UsageError, match="unknown runtime 'abacus'"):
        open_network.open_network(tiny)


def test_half_precision_in_torch_differs_a_little(tiny: FoundWeights) -> None:
    picture = noise_picture(96, 64)
    exact, half = (open_network.open_network(tiny, runtime="torch", precision=p).run(picture) for p in ("fp32", "bf16"))
    assert half.dtype == np.float32
    assert 1e-5 < np.abs(half - exact).max() / np.abs(exact).max() < 0.5


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_honoured(tiny: FoundWeights, threads: int) -> None:
    openvino = open_network.open_network(tiny, runtime="openvino", threads=threads)
    openvino.run(noise_picture(96, 64))
    (compiled,) = openvino.run._compiled.values()
    assert compiled.get_property("INFERENCE_NUM_THREADS") == threads
    onnxruntime = open_network.open_network(tiny, runtime="onnxruntime", threads=threads)
    assert onnxruntime.run._session.get_session_options().intra_op_num_threads == threads


def test_auto_takes_the_fastest_of_the_exact() -> None:
    def row(runtime: str, precision: str, seconds: float, deviation: float) -> Measured:
        return Measured(Way(runtime, precision), seconds, deviation, 1.0)

    coarse = row("openvino", "int8", 0.01, 2 * LARGEST_DEVIATION)
    half = row("openvino", "bf16", 0.02, 0.9 * LARGEST_DEVIATION)
    plain = row("onnxruntime", "fp32", 0.03, 0.0)
    slow = row("openvino", "fp32", 0.04, 0.0)
    rows = [slow, coarse, plain, half]
    assert fastest(rows) is half
    assert fastest(rows, precision="fp32") is plain
    assert fastest(rows, precision="int8") is coarse
    assert fastest(rows, runtime="onnxruntime") is plain
    assert fastest([coarse]) is None
    assert fastest(rows, runtime="onnxruntime", precision="bf16") is None


def test_deviation_knows_no_scale_and_shift_and_counts_depth() -> None:
    rng = np.random.default_rng(0)
    reference = rng.random((40, 50)).astype(np.float32)
    same = deviation_of(3 * reference + 7, reference)
    assert same.median < 1e-5
    assert same.rank_correlation == pytest.approx(1, abs=1e-6)
    noisy = reference + 0.05 * rng.standard_normal(reference.shape).astype(np.float32)
    stray = deviation_of(noisy, reference)
    assert stray.rank_correlation == pytest.approx(spearmanr(noisy.ravel(), reference.ravel())[0])
    # A relative error of depth is that of inverse depth, which is 1/8 + 7/8 d: about 0.05 * 0.67 * 7/8 / 0.56.
    assert stray.median == pytest.approx(0.052, rel=0.15)
    assert deviation_of(np.ones_like(reference), reference).median == np.inf
    assert mean_deviation([same, stray]).median == pytest.approx(stray.median / 2, rel=1e-3)


def test_the_judging_pictures_do_not_calibrate() -> None:
    judging, calibrating = judging_pictures(), calibration_pictures()
    assert (len(judging), len(calibrating)) == (8, 16)
    assert {picture.shape for picture in judging} == {(192, 256, 3), (256, 192, 3)}
    assert all(picture.std() > 10 for picture in (*judging, *calibrating))
    assert not any(np.array_equal(a, b) for a in judging for b in calibrating)


def test_real_photos_with_the_bundled_network_stay_within_the_stated_deviation(shared_data: Path) -> None:
    weights = bundled_weights()
    with pytest.warns(Depth3DNotice):
        auto = open_network.open_network(weights)
    assert auto.way.runtime != "torch"
    reference = open_network.open_network(weights, runtime="torch")
    photos = [read_photo(frame.photo).rgb for frame in read_frames(shared_data / "frames.json")[::3]]
    pictures = [prepare_picture(rgb, auto.spec) for rgb in photos]
    stray = mean_deviation([deviation_of(auto.run(one), reference.run(one)) for one in pictures])
    assert stray.median < 1.3 * LARGEST_DEVIATION  # judged on rendered pictures; photos differ a little
    assert stray.rank_correlation > 0.998
