"""ONNX files of others: kinds are found out, pictures come as they want them, outputs mean what they say."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from exact import CAMERA, FOCAL_PX, exact_depth, exact_photo, exact_points  # noqa: E402
from graphs import constant_graph, lookup_graph, save_graph  # noqa: E402
from onnx import TensorProto, helper  # noqa: E402

import depth3d as d3  # noqa: E402
from depth3d.cli import run  # noqa: E402
from depth3d.core.errors import Depth3DNotice, UsageError, WeightsError  # noqa: E402
from depth3d.io.photos.photo import Exif  # noqa: E402
from depth3d.predictors import load_predictor  # noqa: E402
from depth3d.predictors.exact_samples import exact_samples  # noqa: E402
from depth3d.predictors.external.detect_output_kind import find_kind  # noqa: E402
from depth3d.predictors.external.network_terms import NetworkTerms  # noqa: E402
from depth3d.predictors.spec import IMAGENET_MEAN, IMAGENET_STD  # noqa: E402

SAMPLES = Path(__file__).parents[2] / "samples"
SHIFTS = (0.3, 0.7, 0.1)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPTH3D_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DEPTH3D_OFFLINE", "1")


def photo_of(number: int) -> d3.Photo:
    return d3.Photo(exact_samples()[number].rgb, Exif(), exact_samples()[number].name)


@pytest.mark.parametrize("name", ["room", "desk", "courtyard"])
def test_the_packages_samples_are_the_samples_made_smaller(name: str) -> None:
    sample = next(one for one in exact_samples() if one.name == name)
    stored = cv2.imread(str(SAMPLES / f"{name}_depth.png"), cv2.IMREAD_UNCHANGED)[2::4, 2::4]
    np.testing.assert_array_equal(np.nan_to_num(sample.z), stored / np.float32(1000))
    rgb = cv2.resize(cv2.imread(str(SAMPLES / f"{name}.jpg")), (320, 240), interpolation=cv2.INTER_AREA)[..., ::-1]
    assert np.abs(rgb.astype(int) - sample.rgb).mean() < 5


SPEAKERS: dict[str, tuple[Callable[[np.ndarray, int], np.ndarray], str, int]] = {
    "inverse": (lambda z, n: (2 + n) / z + SHIFTS[n], "inverse", 1),
    "flipped inverse": (lambda z, n: 9 - (2 + n) / z, "inverse", -1),
    "disparity": (lambda z, n: (2 + n) / z, "disparity", 1),
    "metric": (lambda z, n: 1.05 * z, "metric", 1),
    "depth": (lambda z, n: (0.1 + n) * z, "depth", 1),
    "relative": (lambda z, n: (1 + n) * z + 3, "relative", 1),
    "flipped relative": (lambda z, n: 60 - z, "relative", -1),
    "log": (lambda z, n: np.log(z) + n, "log", 1),
    "log of base 10": (lambda z, n: np.log10(z), "log", 1),
}


@pytest.mark.parametrize("speaker", SPEAKERS)
def test_what_the_output_is_is_found_out_and_said_once(tmp_path: Path, speaker: str) -> None:
    speak, kind, sign = SPEAKERS[speaker]
    path = lookup_graph(tmp_path / "known.onnx", speak)
    with pytest.warns(Depth3DNotice, match=rf"known.onnx: its output is {kind}.*explains 100.0%.*taken as 0 to 1"):
        network = load_predictor(f"onnx:{path}")
    assert network.kind == kind
    assert network.found.sign == sign
    seen = network.predict(photo_of(1))
    z = exact_samples()[1].z
    if kind == "relative":
        assert np.corrcoef(1 / seen.values.ravel(), z.ravel())[0, 1] == pytest.approx(1, abs=1e-4)
    else:
        assert np.corrcoef(seen.values.ravel(), 1 / z.ravel())[0, 1] == pytest.approx(1, abs=1e-4)
    if kind == "metric":
        assert seen.metric_sigma == pytest.approx(0.0488, abs=1e-3)
        np.testing.assert_allclose(1 / seen.values, 1.05 * z, rtol=1e-3)
    from depth3d.predictors.external import onnx_file

    onnx_file._loaded.cache_clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_predictor(f"onnx:{path}").found == network.found


def test_a_real_network_however_weak_is_known_for_what_it_is() -> None:
    network = load_predictor("bundled", runtime="torch")
    found = find_kind(lambda rgb: network.predict(d3.Photo(rgb, Exif(), "sample")).values, "bundled")
    assert (found.kind, found.sign) == ("inverse", 1)
    assert found.explained > 0.75
    assert 1 - found.runner_up_explained > 1.35 * (1 - found.explained)  # clear: log z leaves 1.40 times as much


RANGES = {
    "ImageNet's mean and std": (IMAGENET_MEAN, IMAGENET_STD),
    "-1 to 1": ((0.5,) * 3, (0.5,) * 3),
    "0 to 255": ((0,) * 3, (1 / 255,) * 3),
}


@pytest.mark.parametrize("words", RANGES)
def test_the_range_of_the_input_is_found_out(tmp_path: Path, words: str) -> None:
    mean, std = RANGES[words]
    path = lookup_graph(tmp_path / "a.onnx", SPEAKERS["inverse"][0], mean=mean, std=std)
    with pytest.warns(Depth3DNotice, match=f"its input is taken as {words}"):
        load_predictor(f"onnx:{path}")
    with pytest.warns(Depth3DNotice, match=f"a.onnx: its input is taken as {words}"):
        assert load_predictor(f"onnx:{path}", terms=NetworkTerms(output_kind="inverse")).kind == "inverse"


@pytest.mark.parametrize("where", ["flags", "beside", "beside as transformers", "metadata", "flags over beside"])
def test_terms_come_from_flags_files_and_metadata_and_nothing_is_found_out(tmp_path: Path, where: str) -> None:
    wanted = {"output_kind": "inverse", "mean": IMAGENET_MEAN, "std": IMAGENET_STD, "licence": "MIT"}
    metadata = {f"depth3d.{key}": v if isinstance(v, str) else json.dumps(v) for key, v in wanted.items()}
    speak = SPEAKERS["inverse"][0]
    path = lookup_graph(
        tmp_path / "a.onnx",
        speak,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        metadata=metadata if where == "metadata" else None,
    )
    terms = None
    if where in ("flags", "flags over beside"):
        terms = NetworkTerms(**wanted)
    if where == "flags over beside":
        (tmp_path / "a.onnx.json").write_text(json.dumps({"mean": [9, 9, 9], "output_kind": "depth"}))
    if where == "beside":
        (tmp_path / "a.json").write_text(json.dumps(wanted))
    if where == "beside as transformers":
        given = {"image_mean": IMAGENET_MEAN, "image_std": IMAGENET_STD, "size": {"height": 9}}
        (tmp_path / "preprocessor_config.json").write_text(json.dumps(given))
        terms = NetworkTerms(output_kind="inverse", licence="MIT")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network = load_predictor(f"onnx:{path}", terms=terms)
    seen = network.see(photo_of(2))
    np.testing.assert_allclose(seen.values, speak(np.nan_to_num(exact_samples()[2].z, nan=60), 2), rtol=1e-5)
    assert dict(seen.details)["licence"] == "MIT"


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("dtype", [TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.UINT8])
@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_axes_types_and_runtimes(tmp_path: Path, channels_last: bool, dtype: int, runtime: str) -> None:
    pytest.importorskip(runtime)
    path = lookup_graph(tmp_path / "a.onnx", SPEAKERS["disparity"][0], channels_last=channels_last, dtype=dtype)
    terms = NetworkTerms(output_kind="disparity", mean=(0, 0, 0))
    network = load_predictor(f"onnx:{path}", terms=terms, runtime=runtime, threads=1)
    z = np.nan_to_num(exact_samples()[0].z, nan=60)
    np.testing.assert_allclose(network.see(photo_of(0)).values, 2 / z, rtol=1e-5)
    assert dict(network.see(photo_of(0)).details)["runtime"] == runtime


def mean_graph(path: Path, shape: tuple[object, ...]) -> Path:
    """A network of any size: the mean of the channels, blurred over 15 pixels by padding nothing."""
    nodes = [helper.make_node("ReduceMean", ["image"], ["depth"], axes=[1], keepdims=0)]
    return save_graph(
        path,
        nodes,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("depth", TensorProto.FLOAT, (1, "h", "w"))],
        {},
        None,
    )


def test_a_graph_of_any_size_sees_the_photo_in_its_proportions(tmp_path: Path) -> None:
    path = mean_graph(tmp_path / "a.onnx", (1, 3, "h", "w"))
    terms = NetworkTerms(output_kind="depth", mean=(0, 0, 0), size=112)
    assert load_predictor(f"onnx:{path}", terms=terms).see(exact_photo()).values.shape == (84, 112)
    usual = NetworkTerms(output_kind="depth", mean=(0, 0, 0))
    assert load_predictor(f"onnx:{path}", terms=usual).see(exact_photo()).values.shape == (392, 518)
    fixed = mean_graph(tmp_path / "b.onnx", (1, 3, 64, 64))
    assert load_predictor(f"onnx:{fixed}", terms=usual).see(exact_photo()).values.shape == (64, 64)
    assert load_predictor(f"onnx:{fixed}", terms=usual).predict(exact_photo()).size == (160, 120)


@pytest.mark.parametrize("scale_name", ["metric_scale", "scale"])
def test_moge_outputs_become_camera_and_metres(tmp_path: Path, scale_name: str) -> None:
    """As docs/onnx.md of MoGe says: points up to a shift of z, a mask, normals, and the scale of metres.

    The published files call the last one "scale".
    """
    points, scale, shift = exact_points(80, 60), 2.3, 0.4
    depth = exact_depth(80, 60)
    told = {
        "points": ((points - (0, 0, shift)) / scale).astype(np.float32)[None],
        "normal": np.tile(np.float32([0, 0, -1]), (1, 60, 80, 1)),
        "mask": (depth < 4.9).astype(np.float32)[None],
        scale_name: np.float32([scale]),
    }
    path = constant_graph(tmp_path / "moge.onnx", told)
    scene = d3.reconstruct(exact_photo(), options=d3.Options.of(predictor=f"onnx:{path}", refine=False))
    assert scene.unit == "m"
    assert scene.camera.fx == pytest.approx(FOCAL_PX, rel=1e-3)
    assert "seen by the network (moge.onnx" in scene.camera.source
    told = dict(scene.inverse_depth.details)["also_told"]
    assert re.fullmatch(r"mask \(unknown where it is false, \d+\.\d%\), normals \(not used: .*\)", told)
    network = load_predictor(f"onnx:{path}")
    seen = network.see(exact_photo())
    assert seen.kind == "metric points"
    assert seen.normals.shape == (60, 80, 3)
    small = d3.Photo(cv2.resize(exact_photo().rgb, (80, 60)), Exif(), "small")
    z = 1 / network.predict(small, CAMERA.resized(80, 60)).values
    np.testing.assert_allclose(z[depth < 4.9], depth[depth < 4.9], rtol=1e-3)
    assert np.isnan(z[depth >= 4.9]).all()
    np.testing.assert_allclose(1 / network.predict(small).values[depth < 4.9], depth[depth < 4.9], rtol=1e-3)


def test_a_focal_length_beside_the_depth_is_the_camera(tmp_path: Path) -> None:
    told = {"predicted_depth": exact_depth(80, 60).astype(np.float32)[None], "focallength_px": np.float32([[65]])}
    path = constant_graph(tmp_path / "a.onnx", told)
    options = d3.Options.of(predictor=f"onnx:{path}", output_kind="metric", input_mean=(0, 0, 0), refine=False)
    scene = d3.reconstruct(exact_photo(), options=options)
    assert scene.camera.fx == pytest.approx(130)
    assert scene.unit == "m"


def no_depth(z: np.ndarray, number: int) -> np.ndarray:
    return np.random.default_rng(number).random(z.shape)


def between(z: np.ndarray, number: int) -> np.ndarray:
    """As good an affine function of 1/z as of log z."""
    known = np.isfinite(exact_samples()[number].z)
    parts = [(v - v[known].mean()) / v[known].std() for v in (1 / z, -np.log(z))]
    return parts[0] + parts[1]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda p: lookup_graph(p, no_depth), "its output follows no depth"),
        (lambda p: lookup_graph(p, between), r"unclear whether its output is affine in .*say which with --output-kind"),
        (
            lambda p: constant_graph(p, {"scores": np.zeros((1, 1000), np.float32)}),
            r"no output is a map of depth, \(1, h, w\) or \(1, 1, h, w\); it has scores \(1, 1000\)",
        ),
        (
            lambda p: constant_graph(p, {"depth": np.zeros((1, 9, 9), np.float32)}, (1, 1, 60, 80)),
            r"needs one input of shape \(1, 3, h, w\) or \(1, h, w, 3\), and has image \(1, 1, 60, 80\)",
        ),
        (
            lambda p: constant_graph(p, {"depth": np.zeros((4, 9, 9), np.float32)}, (4, 3, 60, 80)),
            "takes 4 photos at once; export it for one",
        ),
        (lambda p: Path(p).write_bytes(b"no graph"), "onnxruntime fails"),
    ],
)
def test_each_wrong_file_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], made: Callable[[Path], object], words: str
) -> None:
    made(tmp_path / "a.onnx")
    with pytest.raises(WeightsError, match=words):
        load_predictor(f"onnx:{tmp_path / 'a.onnx'}")
    out = [
        "export",
        str(SAMPLES / "room.jpg"),
        "--predictor",
        f"onnx:{tmp_path / 'a.onnx'}",
        "-o",
        str(tmp_path / "a.ply"),
    ]
    assert run(out) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_wrong_words_about_a_network_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = lookup_graph(tmp_path / "a.onnx", SPEAKERS["inverse"][0])
    with pytest.raises(UsageError, match="torch cannot run ONNX files"):
        load_predictor(f"onnx:{path}", runtime="torch")
    with pytest.raises(UsageError, match="computes as it was exported, not in int8"):
        load_predictor(f"onnx:{path}", precision="int8")
    with pytest.raises(WeightsError, match="cannot read weights .*absent.onnx: No such file"):
        load_predictor(f"onnx:{tmp_path / 'absent.onnx'}")
    with pytest.raises(UsageError, match="use --predictor onnx:"):
        load_predictor("auto", weights=path)
    with pytest.raises(UsageError, match="predictor bundled knows no output kind; leave it out"):
        load_predictor("bundled", terms=NetworkTerms(output_kind="depth"))
    with pytest.raises(UsageError, match="std: each must be positive"):
        NetworkTerms(std=(1, 0, 1))
    (tmp_path / "a.json").write_text('{"mean": "red"}')
    with pytest.raises(WeightsError, match="a.json: could not convert"):
        load_predictor(f"onnx:{path}")
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(WeightsError, match="a.json: expected a JSON object"):
        load_predictor(f"onnx:{path}")
    assert run(["export", "x.jpg", "--input-mean", "1,2", "-o", "x.ply"]) == 2
    assert "'1,2' is not three numbers; write R,G,B" in capsys.readouterr().err


def test_the_command_goes_from_photo_to_cloud_and_mesh(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = lookup_graph(tmp_path / "a.onnx", lambda z, n: z)
    files = ["-o", str(tmp_path / "a.ply"), "-o", str(tmp_path / "a.glb")]
    assert run(["export", str(SAMPLES / "room.jpg"), "--predictor", f"onnx:{path}", *files]) == 0
    told = capsys.readouterr().err
    assert "a.onnx: its output is metric: explains 100.0%" in told
    assert "metres as the network says" in told
    facts = json.loads((tmp_path / "a.ply.json").read_text())["depth"]
    assert facts["unit"] == "m"
    assert facts["output_kind"].startswith("metric: explains")
    assert (tmp_path / "a.glb").stat().st_size > 10_000
