from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from four_colour_wall import check_upright, mesh, picture
from PIL import Image
from pxr import Usd, UsdGeom, UsdShade, UsdValidation

from depth3d.core.errors import UsageError
from depth3d.geometry.mesh import Mesh
from depth3d.io.geometry.axes import AXES, axes_in_words, turned, wind_faces
from depth3d.io.geometry.vertex_colors import linear_from_srgb
from depth3d.io.save import save

UP = {"gltf": "Y", "z-up": "Z", "blender": "Z", "ros": "Z"}
VALUES = {
    "texture": mesh(),
    "texture and normals": mesh(normals=True),
    "colours": mesh(textured=False),
    "bare": Mesh(mesh().xyz, mesh().faces, unit="m"),
    "one triangle": Mesh(mesh().xyz[:3], np.array([[0, 1, 2]], np.uint32), unit="m"),
}


def complaints(path: Path) -> list[str]:
    """What every validator of OpenUSD says about a file."""
    context = UsdValidation.ValidationContext(UsdValidation.ValidationRegistry().GetOrLoadAllValidators())
    return [error.GetErrorAsString() for error in context.Validate(Usd.Stage.Open(str(path)))]


def surface(stage: Any) -> Any:
    return UsdGeom.Mesh(stage.GetPrimAtPath("/Photo/Surface"))


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("unlit", [True, False], ids=["unlit", "lit"])
def test_openusd_finds_nothing_to_complain_about(tmp_path: Path, name: str, unlit: bool) -> None:
    path = save(VALUES[name], tmp_path / "a.usdz", unlit=unlit, notes={"photo": 'kü"che\\ {0}.jpg'})
    assert complaints(path) == []


def test_openusd_would_complain(tmp_path: Path) -> None:
    data = save(mesh(), tmp_path / "a.usdz").read_bytes()
    (tmp_path / "b.usdz").write_bytes(data.replace(b'defaultPrim = "Photo"', b'defaultPrim = "Photx"'))
    assert complaints(tmp_path / "b.usdz")
    with zipfile.ZipFile(tmp_path / "c.usdz", "w") as moved, zipfile.ZipFile(tmp_path / "a.usdz") as archive:
        for member in archive.namelist():
            moved.writestr(member, archive.read(member))
    assert any("aligned" in one or "offset" in one for one in complaints(tmp_path / "c.usdz"))


@pytest.mark.parametrize("axes", UP)
def test_the_stage_has_the_mesh(tmp_path: Path, axes: str) -> None:
    value = mesh(normals=True)
    path = save(value, tmp_path / "a.usdz", axes=axes, notes={"photo": "küche.jpg"})
    stage = Usd.Stage.Open(str(path))
    assert UsdGeom.GetStageUpAxis(stage) == UP[axes]
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1
    assert stage.GetDefaultPrim().GetName() == "Photo"
    said = {"generator": "depth3d", "axes": axes_in_words(axes), "unit": "m", "photo": "küche.jpg"}
    assert stage.GetRootLayer().customLayerData == said
    read = surface(stage)
    points = np.array(read.GetPointsAttr().Get())
    assert np.allclose(points, turned(value.xyz, axes), rtol=5e-7, atol=0)
    assert np.array_equal(np.array(read.GetFaceVertexIndicesAttr().Get()).reshape(-1, 3), wind_faces(value.faces, axes))
    assert set(read.GetFaceVertexCountsAttr().Get()) == {3}
    assert value.normals is not None
    assert np.allclose(np.array(read.GetNormalsAttr().Get()), turned(value.normals, axes), atol=1e-6)
    assert np.allclose(np.array(read.GetExtentAttr().Get()), [points.min(axis=0), points.max(axis=0)], rtol=1e-6)
    assert read.GetSubdivisionSchemeAttr().Get() == "none"
    assert read.GetDoubleSidedAttr().Get()


def test_the_texture_lies_on_the_mesh_as_the_photo(tmp_path: Path) -> None:
    value = mesh()
    path = save(value, tmp_path / "a.usdz", texture_quality=100)
    stage = Usd.Stage.Open(str(path))
    read = surface(stage)
    st = np.array(UsdGeom.PrimvarsAPI(read).GetPrimvar("st").Get())
    assert value.uv is not None
    assert np.allclose(st, value.uv * [1, -1] + [0, 1], atol=1e-6)
    with zipfile.ZipFile(path) as archive, Image.open(io.BytesIO(archive.read("texture.jpg"))) as image:
        texture = np.asarray(image.convert("RGB"))
    assert np.abs(texture.astype(int) - picture()).mean() < 3
    row = ((1 - st[:, 1]) * texture.shape[0]).astype(int)  # USD counts t from the image's bottom
    rgb = texture[row, (st[:, 0] * texture.shape[1]).astype(int)]
    check_upright(np.array(read.GetPointsAttr().Get()), rgb, "gltf")


def test_the_material_shows_the_texture(tmp_path: Path) -> None:
    for unlit, shown, dark in ((True, "emissiveColor", True), (False, "diffuseColor", False)):
        stage = Usd.Stage.Open(str(save(mesh(), tmp_path / f"{unlit}.usdz", unlit=unlit)))
        material, _ = UsdShade.MaterialBindingAPI(stage.GetPrimAtPath("/Photo/Surface")).ComputeBoundMaterial()
        shader, _, _ = material.ComputeSurfaceSource()
        assert shader.GetIdAttr().Get() == "UsdPreviewSurface"
        source = shader.GetInput(shown).GetConnectedSources()[0][0].source
        assert source.GetPrim().GetName() == "Texture"
        asset = UsdShade.Shader(source.GetPrim()).GetInput("file").Get()
        assert asset.resolvedPath.endswith("[texture.jpg]")
        assert (shader.GetInput("diffuseColor").Get() == (0, 0, 0)) is dark


def test_vertex_colours_are_linear_light(tmp_path: Path) -> None:
    value = mesh(textured=False)
    path = save(value, tmp_path / "a.usdz")
    stage = Usd.Stage.Open(str(path))
    read = surface(stage)
    linear = np.array(read.GetDisplayColorAttr().Get())
    assert np.allclose(linear, linear_from_srgb()[value.rgb], rtol=1e-4)
    assert read.GetDisplayColorPrimvar().GetInterpolation() == "vertex"
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    check_upright(np.array(read.GetPointsAttr().Get()), srgb * 255, "gltf")
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["scene.usda"]


def test_the_archive_is_laid_out_as_specified(tmp_path: Path) -> None:
    path = save(mesh(), tmp_path / "a.usdz")
    data = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["scene.usda", "texture.jpg"]
        for info in archive.infolist():
            assert info.compress_type == zipfile.ZIP_STORED
            start = data.index(b"#usda 1.0") if info.filename == "scene.usda" else data.index(b"\xff\xd8\xff")
            assert start % 64 == 0
            assert info.date_time == (1980, 1, 1, 0, 0, 0)


@pytest.mark.parametrize("axes", sorted(set(AXES) - set(UP)))
def test_axes_that_usd_has_no_name_for(tmp_path: Path, axes: str) -> None:
    with pytest.raises(UsageError, match="use one of gltf, z-up, blender, ros"):
        save(mesh(), tmp_path / "a.usdz", axes=axes)
    assert not list(tmp_path.iterdir())
