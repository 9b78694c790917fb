from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from depth3d.predictors.preprocess import network_size, prepare_picture, to_photo_size
from depth3d.predictors.spec import MIDAS_LARGE, MIDAS_SMALL, NetworkSpec

PLAIN = NetworkSpec(name="p", encoder="e", width=8, expand=True, net_size=64, mean=(0, 0, 0), std=(1, 1, 1))
PLAIN_AREA = NetworkSpec(
    name="p", encoder="e", width=8, expand=True, net_size=64, mean=(0, 0, 0), std=(1, 1, 1), shrink="area"
)


def photo(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(width * 10007 + height).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("spec", [MIDAS_SMALL, MIDAS_LARGE], ids=lambda spec: spec.name)
def test_pictures_are_those_of_the_original(midas_reference: Path, spec: NetworkSpec) -> None:
    with np.load(midas_reference / f"{spec.name}.npz") as reference:
        inputs = [name for name in reference.files if name.startswith("input_")]
        assert inputs
        for name in inputs:
            with Image.open(midas_reference / f"in_{name.removeprefix('input_')}.png") as image:
                ours = prepare_picture(np.asarray(image.convert("RGB")), spec)
            assert ours.dtype == np.float32
            assert ours.shape == reference[name].shape
            np.testing.assert_allclose(ours, reference[name], rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["midas_small", "midas_large"])
def test_outputs_reach_the_photo_as_in_the_original(midas_reference: Path, name: str) -> None:
    with np.load(midas_reference / f"{name}.npz") as reference:
        full = [key for key in reference.files if key.startswith("full_")]
        assert full
        for key in full:
            wanted = reference[key]
            ours = to_photo_size(reference[key.replace("full_", "net_")], wanted.shape[1], wanted.shape[0])
            np.testing.assert_allclose(ours, wanted, rtol=0, atol=1e-4 * wanted.max())


@pytest.mark.parametrize(
    ("size", "net"),
    [
        ((320, 213), (256, 160)),
        ((213, 320), (160, 256)),
        ((640, 480), (256, 192)),
        ((1024, 300), (256, 64)),
        ((4000, 3000), (256, 192)),
        ((1, 1), (256, 256)),
        ((20000, 3), (256, 32)),
        ((256, 80), (256, 64)),  # 2.5 multiples of 32: halves go to the even one
        ((256, 112), (256, 128)),
    ],
)
def test_network_size(size: tuple[int, int], net: tuple[int, int]) -> None:
    assert network_size(*size, MIDAS_SMALL) == net


@given(st.integers(1, 3000), st.integers(1, 3000), st.sampled_from([64, 192, 200, 384]))
def test_network_size_is_a_multiple_within_bounds(width: int, height: int, net_size: int) -> None:
    spec = NetworkSpec(name="p", encoder="e", width=8, expand=True, net_size=net_size)
    net_w, net_h = network_size(width, height, spec)
    assert net_w % 32 == net_h % 32 == 0
    assert 32 <= min(net_w, net_h) <= max(net_w, net_h) == net_size // 32 * 32
    assert network_size(height, width, spec) == (net_h, net_w)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300))
def test_cubic_interpolation_is_opencvs(width: int, height: int) -> None:
    rgb = photo(width, height)
    ours = prepare_picture(rgb, PLAIN)
    size = network_size(width, height, PLAIN)
    theirs = cv2.resize(rgb.astype(np.float32) / 255, size, interpolation=cv2.INTER_CUBIC)
    np.testing.assert_allclose(ours.transpose(1, 2, 0), theirs, rtol=0, atol=1e-5)


def test_area_reduction_averages_what_it_leaves_out() -> None:
    rgb = photo(640, 320)
    ours = prepare_picture(rgb, PLAIN_AREA)
    means = rgb.reshape(32, 10, 64, 10, 3).mean((1, 3)) / 255
    np.testing.assert_allclose(ours.transpose(1, 2, 0), means, rtol=0, atol=0.51 / 255)


def test_area_enlarges_as_cubic() -> None:
    rgb = photo(50, 40)
    np.testing.assert_array_equal(prepare_picture(rgb, PLAIN_AREA), prepare_picture(rgb, PLAIN))


def test_a_flat_photo_becomes_a_flat_picture_of_known_values() -> None:
    rgb = np.full((90, 120, 3), (0, 128, 255), np.uint8)
    picture = prepare_picture(rgb, MIDAS_SMALL)
    wanted = [(0 - 0.485) / 0.229, (128 / 255 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    np.testing.assert_allclose(picture, np.broadcast_to(np.reshape(wanted, (3, 1, 1)), picture.shape), atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (640, 480), (1999, 1501), (213, 320), (4000, 1)])
def test_enlarging_is_torchs_bicubic(size: tuple[int, int]) -> None:
    output = np.random.default_rng(3).random((96, 128), np.float32)
    ours = to_photo_size(output, *size)
    theirs = torch.nn.functional.interpolate(torch.from_numpy(output)[None, None], size[::-1], mode="bicubic")[0, 0]
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=0, atol=5e-5)


def test_the_photo_is_left_alone() -> None:
    rgb = photo(70, 60)
    before = rgb.copy()
    rgb.flags.writeable = False
    np.testing.assert_array_equal(prepare_picture(rgb, MIDAS_SMALL), prepare_picture(before, MIDAS_SMALL))
    np.testing.assert_array_equal(rgb, before)
