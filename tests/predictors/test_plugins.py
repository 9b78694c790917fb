"""Predictors that are not ours, from Python and from other packages' entry points."""

from __future__ import annotations

import sys
import types
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
from exact import FOCAL_PX, exact_depth, exact_photo, exact_points

import depth3d as d3
from depth3d.core import plugins as core_plugins
from depth3d.core.errors import DepthMapError, UsageError
from depth3d.predictors import load_predictor, plugins

Z = exact_depth().astype(np.float32)
SHARP = d3.Options.of(refine=False)


@d3.predictor(kind="metric", metric_sigma=0.1, licence="MIT")
def ruler(rgb: np.ndarray) -> np.ndarray:
    return exact_depth(rgb.shape[1], rgb.shape[0])


def with_points(rgb: np.ndarray) -> d3.Prediction:
    return d3.Prediction(exact_points() - (0, 0, 0.5), "points", mask=Z < 4.9, source="points")


def test_metres_of_a_function_are_metres_with_its_error() -> None:
    scene = d3.reconstruct(exact_photo(), options=SHARP, predictor=ruler)
    assert scene.unit == "m"
    np.testing.assert_allclose(scene.depth.z, Z, rtol=1e-5)
    relative = scene.depth.sigma / scene.depth.z
    assert np.median(relative) == pytest.approx(0.1, rel=0.25)  # more far away, less nearby
    np.testing.assert_allclose(relative, 0.1, rtol=0.5)
    assert scene.depth.source == "ruler"
    assert scene.notes == ("metres as the network says, ±10% (one standard deviation); a known distance corrects them",)


def test_metres_are_corrected_by_hints() -> None:
    hint = d3.DepthAt(40.5, 40.5, 1.1 * float(Z[40, 40]))
    scene = d3.reconstruct(exact_photo(), options=d3.Options.of(refine=False, hints=(hint,)), predictor=ruler)
    # A ninth of the variance is the network's at each place; what a hint says there is not true elsewhere.
    np.testing.assert_allclose(scene.depth.z, 1.1 * Z, rtol=1.5e-2)
    assert scene.depth.z[40, 40] == pytest.approx(1.1 * Z[40, 40], rel=5e-3)
    assert any("own metres are multiplied by 1.0" in note for note in scene.notes)


def test_the_camera_that_points_imply_is_taken_and_named() -> None:
    scene = d3.reconstruct(exact_photo(), options=SHARP, predictor=with_points)
    assert scene.camera.fx == pytest.approx(FOCAL_PX, rel=1e-3)
    assert scene.camera.source.startswith("seen by the network (points): 63.2 degrees")
    assert scene.camera.focal_sigma > 0
    assert scene.unit == "arbitrary"
    np.testing.assert_array_equal(np.isfinite(scene.depth.z), Z < 4.9)
    ratio = scene.depth.z[Z < 4.9] / Z[Z < 4.9]
    assert np.ptp(ratio) / ratio.mean() < 1e-3


def test_a_stated_camera_goes_before_the_network_and_shapes_its_points() -> None:
    scene = d3.reconstruct(exact_photo(), options=d3.Options.of(refine=False, focal_px=FOCAL_PX), predictor=with_points)
    assert scene.camera.source == "stated: focal length 130 px"
    ratio = scene.depth.z[Z < 4.9] / Z[Z < 4.9]
    assert np.ptp(ratio) / ratio.mean() < 1e-3


def test_two_depths_settle_the_shift_of_relative_depth() -> None:
    far_off = d3.predictor(kind="relative", name="far off")(lambda rgb: exact_depth() / 3 - 7)
    hints = (d3.DepthAt(48.5, 48.5, float(Z[48, 48])), d3.DepthAt(120.5, 20.5, float(Z[20, 120])))
    scene = d3.reconstruct(
        exact_photo(), options=d3.Options.of(refine=False, focal_px=FOCAL_PX, hints=hints), predictor=far_off
    )
    np.testing.assert_allclose(scene.depth.z, Z, rtol=1e-3)
    assert "its shift from the hints" in scene.depth.source
    one = d3.reconstruct(
        exact_photo(), options=d3.Options.of(refine=False, focal_px=FOCAL_PX, hints=hints[:1]), predictor=far_off
    )
    assert "its shift assumed" in one.depth.source
    options, same = d3.Options.of(refine=False, focal_px=FOCAL_PX), (hints[0], d3.DepthAt(50.5, 50.5, 2.25))
    alike = d3.reconstruct(exact_photo(), options=options, hints=same, predictor=far_off)
    assert "its shift assumed" in alike.depth.source


def test_a_function_runs_once_per_photo() -> None:
    calls = []

    @d3.predictor()
    def counting(rgb: np.ndarray) -> d3.Prediction:
        calls.append(rgb.shape)
        return d3.Prediction(exact_depth(), "depth", focal_px=FOCAL_PX, source="counting")

    scene = d3.reconstruct(exact_photo(), options=SHARP, predictor=counting)
    assert calls == [(120, 160, 3)]
    assert scene.camera.fx == FOCAL_PX
    assert ("network", "counting") in scene.inverse_depth.details


def test_objects_with_predict_alone_still_serve() -> None:
    class Old:
        def predict(self, photo: d3.Photo) -> d3.InverseDepth:
            return d3.InverseDepth(1 / exact_depth(), zero_is_infinity=True, source="old")

    scene = d3.reconstruct(exact_photo(), options=SHARP, predictor=Old())
    assert scene.depth.source == "old"
    assert plugins.as_predictor(Old).see(exact_photo()).kind == "disparity"


def test_arrays_with_axes_of_length_one_are_taken_as_pictures() -> None:
    for shape in [(1, 120, 160), (1, 1, 120, 160), (120, 160, 1)]:
        made = d3.predictor(kind="depth")(lambda rgb, shape=shape: exact_depth().reshape(shape))
        assert made.see(exact_photo()).values.shape == (120, 160)


@pytest.mark.parametrize(
    ("function", "error", "words"),
    [
        (lambda rgb: exact_depth(), UsageError, "returned ndarray and no kind is stated; decorate the function"),
        (3, UsageError, r"a predictor is a function from pixels to depth or has predict\(photo\), got int"),
        (d3.predictor(kind="depth")(lambda rgb: "far"), UsageError, "returned str, not an array of numbers"),
        (d3.predictor(kind="depth")(lambda rgb: rgb), DepthMapError, r"must have shape \(h, w\), got \(120, 160, 3\)"),
    ],
)
def test_each_wrong_function_is_named(function: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        d3.reconstruct(exact_photo(), options=SHARP, predictor=function)
    with pytest.raises(UsageError, match="unknown kind of network output 'deep'"):
        d3.predictor(kind="deep")(lambda rgb: rgb)


def test_a_predictor_beside_a_depth_map_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "map.npy", Z)
    with pytest.raises(UsageError, match="a predictor and depth that replaces it exclude one another"):
        d3.reconstruct(exact_photo(), options=d3.Options.of(depth_map=tmp_path / "map.npy"), predictor=ruler)


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that offers two predictors, one of which cannot be imported."""
    module = types.ModuleType("their_depth")
    module.ruler = ruler
    monkeypatch.setitem(sys.modules, "their_depth", module)
    offered_by_name = {
        "ruler": EntryPoint("ruler", "their_depth:ruler", plugins.GROUP),
        "broken": EntryPoint("broken", "their_depth:absent", plugins.GROUP),
    }
    monkeypatch.setattr(plugins, "offers", lambda group: offered_by_name)
    monkeypatch.setattr(core_plugins, "offers", lambda group: offered_by_name)


@pytest.mark.usefixtures("offered")
def test_entry_points_are_predictors_by_name() -> None:
    scene = d3.reconstruct(exact_photo(), options=d3.Options.of(refine=False, predictor="ruler"))
    np.testing.assert_allclose(scene.depth.z, Z, rtol=1e-5)
    with pytest.raises(
        UsageError,
        match=r"unknown predictor 'rule'; .*broken, ruler, onnx:FILE, .*; did you mean ruler\?",
    ):
        load_predictor("rule")
    with pytest.raises(UsageError, match="predictor broken: their_depth:absent cannot be loaded: .*absent"):
        load_predictor("broken")
    with pytest.raises(UsageError, match="predictor ruler knows no threads; leave it out"):
        load_predictor("ruler", threads=2)
