"""Splats in glTF, by what the ratified text of KHR_gaussian_splatting says of its attributes."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from four_colour_wall import CAMERA, check_upright, picture, points
from independent_readers import gltf_report
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from depth3d.geometry.gaussians import gaussians_of_points
from depth3d.io.geometry.axes import AXES, matrix, turned
from depth3d.io.save import save

SPLATS = gaussians_of_points(points(), picture(), CAMERA)
NAME = "KHR_gaussian_splatting"
ATTRIBUTES = {"ROTATION": "VEC4", "SCALE": "VEC3", "OPACITY": "SCALAR", "SH_DEGREE_0_COEF_0": "VEC3"}


def read_glb(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[np.float32]]]:
    """The JSON text, and the arrays of the only primitive."""
    data = path.read_bytes()
    length = struct.unpack_from("<I", data, 12)[0]
    document = json.loads(data[20 : 20 + length])
    (primitive,) = document["meshes"][0]["primitives"]
    arrays = {}
    for name, index in primitive["attributes"].items():
        accessor = document["accessors"][index]
        width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[accessor["type"]]
        assert accessor["componentType"] == 5126
        start = 28 + length + document["bufferViews"][accessor["bufferView"]]["byteOffset"]
        arrays[name] = np.frombuffer(data, "<f4", accessor["count"] * width, start).reshape(-1, width)
    return document, arrays


@pytest.mark.parametrize("axes", AXES)
def test_attributes_are_those_of_the_extension(tmp_path: Path, axes: str) -> None:
    document, arrays = read_glb(save(SPLATS, tmp_path / "a.glb", axes=axes))
    (primitive,) = document["meshes"][0]["primitives"]
    assert primitive["mode"] == 0
    assert primitive["extensions"] == {NAME: {"kernel": "ellipse", "colorSpace": "srgb_rec709_display"}}
    assert NAME in document["extensionsUsed"]
    assert "extensionsRequired" not in document
    for name, kind in ATTRIBUTES.items():
        assert document["accessors"][primitive["attributes"][f"{NAME}:{name}"]]["type"] == kind
    assert np.array_equal(arrays["POSITION"], turned(SPLATS.xyz, axes))
    assert np.allclose(arrays[f"{NAME}:OPACITY"], 0.99)
    assert np.allclose(arrays[f"{NAME}:SCALE"], SPLATS.sigma)
    rgb = 255 * (0.5 + 0.28209479177387814 * arrays[f"{NAME}:SH_DEGREE_0_COEF_0"])
    assert np.allclose(rgb, SPLATS.rgb, atol=1e-3)
    rotation = Rotation.from_quat(arrays[f"{NAME}:ROTATION"]).as_matrix()  # x y z w, as glTF
    covariance = np.einsum("nij,nj,nkj->nik", rotation, arrays[f"{NAME}:SCALE"] ** 2, rotation)
    own = np.concatenate([SPLATS.directions, np.cross(*SPLATS.directions.transpose(1, 0, 2))[:, None]], axis=1)
    expected = np.einsum("nji,nj,njk->nik", own, SPLATS.sigma**2, own)
    assert np.allclose(covariance, matrix(axes) @ expected @ matrix(axes).T, rtol=1e-3, atol=1e-9)
    check_upright(arrays["POSITION"], rgb, axes)


def test_who_does_not_know_the_extension_reads_coloured_points(tmp_path: Path) -> None:
    path = save(SPLATS, tmp_path / "a.glb")
    (cloud,) = trimesh.load(path, force="scene").geometry.values()
    assert np.allclose(cloud.vertices, turned(SPLATS.xyz, "gltf"))
    issues = gltf_report(path)["issues"]["messages"]
    unknown = {f"/meshes/0/primitives/0/attributes/{NAME}:{name}" for name in ATTRIBUTES}
    assert {issue["pointer"] for issue in issues if issue["severity"] < 2} <= unknown
    assert path.read_bytes() == save(SPLATS, tmp_path / "b.glb").read_bytes()
