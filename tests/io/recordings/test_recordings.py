"""Recordings: Rerun's own reader and two readers of ROS 2 bags find what the scene holds."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import depth3d as d3
from depth3d.core.errors import MissingExtraError
from depth3d.io.photos.photo import Exif

SIZE = (48, 36)


@pytest.fixture(scope="module")
def scene() -> d3.Scene:
    """A slope from 2 to 4 m with a hole, scaled by three hints of which one lies a little off."""
    width, height = SIZE
    inverse = np.tile(np.linspace(0.5, 0.25, width, dtype=np.float32), (height, 1))
    inverse[:6, :6] = np.nan
    rgb = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
    rgb = cv2.GaussianBlur(rgb, (0, 0), 2)
    depth = d3.InverseDepth(inverse, source="made")
    hints = [d3.DepthAt(8.5, 20.5, 2.2), d3.DepthAt(40.5, 20.5, 3.6), d3.DepthAt(24.5, 30.5, 2.8)]
    return d3.reconstruct(
        d3.Photo(rgb, Exif(), "made.png"), hints=hints, inverse_depth=depth, options=d3.Options.of(fov_x_deg=60.0)
    )


def test_reruns_reader_finds_photo_camera_depth_cloud_and_hints(scene: d3.Scene, tmp_path: Path) -> None:
    rerun = pytest.importorskip("rerun")
    saved = scene.save(tmp_path / "a.rrd")
    assert saved.what == "recording of 48x36 pixels, 3 hints"
    reader = pytest.importorskip("rerun.chunk").RrdReader(tmp_path / "a.rrd")
    found = {
        chunk.entity_path: {
            name: column.to_pylist()[0]
            for name, column in zip(chunk.to_record_batch().schema.names, chunk.to_record_batch().columns, strict=True)
        }
        for chunk in reader.stream()
    }
    assert rerun.__version__
    known = np.isfinite(scene.depth.z)
    camera = found["/world/camera"]
    matrix = np.reshape(camera["Pinhole:image_from_camera"][0], (3, 3)).T  # columns first
    np.testing.assert_allclose(matrix[[0, 1, 0, 1], [0, 1, 2, 2]], [*2 * [scene.camera.fx], 24, 18], rtol=1e-6)
    assert camera["Pinhole:resolution"][0] == list(SIZE)
    depth = found["/world/camera/depth"]
    z = np.frombuffer(bytes(depth["DepthImage:buffer"][0]), np.float32).reshape(SIZE[::-1])
    np.testing.assert_array_equal(z, np.nan_to_num(scene.depth.z))
    assert depth["DepthImage:meter"] == [1.0]
    jpeg = np.frombuffer(bytes(found["/world/camera/photo"]["EncodedImage:blob"][0]), np.uint8)
    assert np.abs(cv2.imdecode(jpeg, 1)[..., ::-1].astype(int) - scene.photo.rgb).mean() < 4
    xyz = np.array(found["/world/cloud"]["Points3D:positions"])
    np.testing.assert_allclose(xyz, scene.cloud().xyz, rtol=1e-5, atol=1e-6)
    assert len(xyz) == known.sum()
    hints = found["/world/hints"]
    assert hints["Points3D:labels"][0].startswith("depth 8.5,20.5=2.2m: said 2.2, fitted 2.")
    said = np.array(hints["Points3D:positions"])
    np.testing.assert_allclose(said[:, 2], [2.2, 3.6, 2.8])
    uv = said[:, :2] / said[:, 2:] * scene.camera.fx + (24, 18)
    np.testing.assert_allclose(uv, [(8.5, 20.5), (40.5, 20.5), (24.5, 30.5)], atol=1e-4)
    lines = np.array(found["/world/hints/residuals"]["LineStrips3D:strips"])
    np.testing.assert_allclose(lines[:, 0], said)
    np.testing.assert_allclose(lines[:, 1, 2], [one.fitted_m for one in scene.fit.residuals], rtol=1e-6)
    assert "* photo: made.png" in found["/notes"]["TextDocument:text"][0]


def test_a_ros_bag_is_read_by_other_readers(scene: d3.Scene, tmp_path: Path) -> None:
    pytest.importorskip("rosbags")
    mcap_reader = pytest.importorskip("mcap.reader")
    decoder = pytest.importorskip("mcap_ros2.decoder")
    scene.save(tmp_path / "bag.mcap")
    scene.save(tmp_path / "again.mcap")
    assert (tmp_path / "bag.mcap").read_bytes() == (tmp_path / "again.mcap").read_bytes()
    with (tmp_path / "bag.mcap").open("rb") as file:
        reader = mcap_reader.make_reader(file, decoder_factories=[decoder.DecoderFactory()])
        assert reader.get_header().profile == "ros2"
        (record,) = reader.iter_metadata()
        assert record.metadata["photo"] == "made.png"
        messages = {channel.topic: message for _, channel, _, message in reader.iter_decoded_messages()}
    assert set(messages) == {"/camera/camera_info", "/camera/image", "/camera/depth", "/points"}
    assert {one.header.frame_id for one in messages.values()} == {"camera_optical_frame"}
    info, image, depth = (messages[f"/camera/{name}"] for name in ("camera_info", "image", "depth"))
    np.testing.assert_allclose(info.k, [scene.camera.fx, 0, 23.5, 0, scene.camera.fy, 17.5, 0, 0, 1])
    np.testing.assert_allclose(np.reshape(info.p, (3, 4))[:, :3].ravel(), info.k)
    assert (info.width, info.height) == (image.width, image.height) == (depth.width, depth.height) == SIZE
    np.testing.assert_array_equal(np.frombuffer(image.data, np.uint8).reshape(36, 48, 3), scene.photo.rgb)
    z = np.frombuffer(depth.data, np.float32).reshape(36, 48)
    np.testing.assert_array_equal(z, scene.depth.z)
    points = messages["/points"]
    rows = np.frombuffer(points.data, np.dtype([("xyz", "<f4", 3), ("bgra", "u1", 4)]))
    np.testing.assert_allclose(rows["xyz"], scene.cloud().xyz, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(rows["bgra"][:, 2::-1], scene.photo.rgb[np.isfinite(scene.depth.z)])
    assert [(one.name, one.offset, one.datatype) for one in points.fields] == [
        ("x", 0, 7),
        ("y", 4, 7),
        ("z", 8, 7),
        ("rgb", 12, 7),
    ]


def test_rosbags_reads_it_too(scene: d3.Scene, tmp_path: Path) -> None:
    highlevel = pytest.importorskip("rosbags.highlevel")
    typesys = pytest.importorskip("rosbags.typesys")
    scene.save(tmp_path / "bag.mcap")
    with highlevel.AnyReader(
        [tmp_path / "bag.mcap"], default_typestore=typesys.get_typestore(typesys.Stores.ROS2_JAZZY)
    ) as reader:
        found = {one.topic: reader.deserialize(raw, one.msgtype) for one, _, raw in reader.messages()}
    assert found["/points"].width == np.isfinite(scene.depth.z).sum()
    np.testing.assert_array_equal(found["/camera/image"].data.reshape(36, 48, 3), scene.photo.rgb)


@pytest.mark.parametrize(("name", "package", "extra"), [("a.rrd", "rerun", "rerun"), ("a.mcap", "mcap.writer", "ros")])
def test_the_missing_extra_is_named(
    scene: d3.Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, package: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'depth3d\[{extra}\]'"):
        scene.save(tmp_path / name)
    assert not (tmp_path / name).exists()
