"""A mesh as a USD layer in text (Pixar, OpenUSD: UsdGeomMesh, UsdPreviewSurface)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import Unit
from depth3d.core.errors import GeometryError, UsageError
from depth3d.geometry.mesh import Mesh
from depth3d.io.geometry.axes import axes_in_words, turned, wind_faces
from depth3d.io.geometry.text_writer import write_lines
from depth3d.io.geometry.vertex_colors import linear_from_srgb
from depth3d.io.notes import GENERATOR, geometry_notes

TEXTURE_NAME = "texture.jpg"

_UP_AXIS = {"gltf": "Y", "z-up": "Z", "blender": "Z", "ros": "Z"}


def check_usd_axes(axes: str) -> None:
    """Raise UsageError unless USD has a word for the axes: right-handed, with y or z up."""
    if axes not in _UP_AXIS:
        raise UsageError(f"USD has y up or z up, not the axes {axes!r}; use one of {', '.join(_UP_AXIS)}")


def write_layer(mesh: Mesh, layer: IO[bytes], *, axes: str, notes: Mapping[str, str], unlit: bool) -> None:
    """Write the layer; a texture is named, not written.

    Args:
        mesh: triangles in camera axes.
        layer: where the bytes go.
        axes: one that `check_usd_axes` accepts.
        notes: texts for customLayerData.
        unlit: let the surface glow in the photo's own light.
    """
    said = geometry_notes(notes, axes=axes_in_words(axes), unit=mesh.unit)
    layer.write(_head(axes, mesh.unit, {"generator": GENERATOR, **said}))
    corners = turned(np.stack([mesh.xyz.min(axis=0), mesh.xyz.max(axis=0)]), axes)
    ends = (", ".join(f"{value:.9g}" for value in end) for end in (corners.min(axis=0), corners.max(axis=0)))
    layer.write(f"        float3[] extent = [{', '.join(f'({end})' for end in ends)}]\n".encode())
    for array in [*_shape(mesh, axes), *_skin(mesh)]:
        array.write(layer)
    layer.write(b"    }\n\n")
    layer.write(_material(mesh, unlit=unlit).encode())
    layer.write(b"}\n")


@dataclass(frozen=True, slots=True)
class _Array:
    """An attribute with many values.

    Attributes:
        name: type and name.
        item: how a row of numbers is written.
        count: number of rows.
        rows: makes the rows of a slice.
        is_per_vertex: whether there is one for each vertex.
    """

    name: str
    item: str
    count: int
    rows: Callable[[slice], NDArray[Any]]
    is_per_vertex: bool = False

    def write(self, layer: IO[bytes]) -> None:
        """Write the attribute; a comma stands behind each row but the last."""
        layer.write(f"        {self.name} = [\n".encode())
        write_lines(layer, self.count - 1, f"{self.item},\n", lambda span: [self.rows(span)])
        last = self.rows(slice(self.count - 1, self.count))[0]
        layer.write(f"{self.item}\n]".encode() % tuple(last.tolist()))
        layer.write(b' (\n            interpolation = "vertex"\n        )\n' if self.is_per_vertex else b"\n")


def _shape(mesh: Mesh, axes: str) -> list[_Array]:
    xyz, faces, normals = mesh.xyz, mesh.faces, mesh.normals
    vector = "(%.7g,%.7g,%.7g)"
    arrays = [
        _Array("int[] faceVertexCounts", "%d", len(faces), lambda rows: np.full((len(faces[rows]), 1), 3)),
        _Array("int[] faceVertexIndices", "%d,%d,%d", len(faces), lambda rows: wind_faces(faces[rows], axes)),
        _Array("point3f[] points", vector, len(xyz), lambda rows: turned(xyz[rows], axes)),
    ]
    if normals is not None:
        arrays.append(
            _Array("normal3f[] normals", vector, len(xyz), lambda rows: turned(normals[rows], axes), is_per_vertex=True)
        )
    return arrays


def _skin(mesh: Mesh) -> list[_Array]:
    """Texture coordinates, whose v is counted from the bottom; or colours, which are linear light."""
    uv, rgb = mesh.uv, mesh.rgb
    if mesh.texture is not None and uv is not None:
        from_bottom = np.array([1, -1], np.float32)
        name = "texCoord2f[] primvars:st"
        return [_Array(name, "(%.7g,%.7g)", len(uv), lambda rows: uv[rows] * from_bottom + (0, 1), is_per_vertex=True)]
    if rgb is None:
        return []
    linear = linear_from_srgb()
    name = "color3f[] primvars:displayColor"
    return [_Array(name, "(%.5g,%.5g,%.5g)", len(rgb), lambda rows: linear[rgb[rows]], is_per_vertex=True)]


def _head(axes: str, unit: Unit, said: Mapping[str, str]) -> bytes:
    metres = ["    metersPerUnit = 1"] if unit == "m" else []
    texts = ((json.dumps(name), json.dumps(text, ensure_ascii=False)) for name, text in said.items())
    lines = [
        "#usda 1.0",
        "(",
        "    customLayerData = {",
        *(f"        string {name} = {text}" for name, text in texts),
        "    }",
        '    defaultPrim = "Photo"',
        *metres,
        f'    upAxis = "{_UP_AXIS[axes]}"',
        ")",
        "",
        'def Xform "Photo" (',
        '    kind = "component"',
        ")",
        "{",
        '    def Mesh "Surface" (',
        '        prepend apiSchemas = ["MaterialBindingAPI"]',
        "    )",
        "    {",
        "        uniform bool doubleSided = 1",
        '        uniform token subdivisionScheme = "none"',
        "        rel material:binding = </Photo/Material>",
        "",
    ]
    return "\n".join(lines).encode("utf-8", "replace")


def _material(mesh: Mesh, *, unlit: bool) -> str:
    """A matt surface whose colour, or whose glow, is the texture or the vertices' colour."""
    source = ""
    if mesh.texture is not None:
        source = "Texture.outputs:rgb"
    elif mesh.rgb is not None:
        source = "Colour.outputs:result"
    inputs = ["float inputs:roughness = 1", "float inputs:metallic = 0"]
    if source and unlit:
        inputs += ["color3f inputs:diffuseColor = (0, 0, 0)"]
    if source:
        what = "emissiveColor" if unlit else "diffuseColor"
        inputs += [f"color3f inputs:{what}.connect = </Photo/Material/{source}>"]
    shaders = [_shader("Surface", "UsdPreviewSurface", [*inputs, "token outputs:surface"])]
    if mesh.texture is not None:
        shaders += [_shader("Texture", "UsdUVTexture", _TEXTURE), _shader("Place", "UsdPrimvarReader_float2", _PLACE)]
    elif mesh.rgb is not None:
        shaders += [_shader("Colour", "UsdPrimvarReader_float3", _COLOUR)]
    output = "        token outputs:surface.connect = </Photo/Material/Surface.outputs:surface>\n"
    return f'    def Material "Material"\n    {{\n{output}{"".join(shaders)}    }}\n'


def _shader(name: str, kind: str, lines: list[str]) -> str:
    body = "".join(f"            {line}\n" for line in [f'uniform token info:id = "{kind}"', *lines])
    return f'\n        def Shader "{name}"\n        {{\n{body}        }}\n'


_TEXTURE = [
    f"asset inputs:file = @{TEXTURE_NAME}@",
    'token inputs:sourceColorSpace = "sRGB"',
    "float2 inputs:st.connect = </Photo/Material/Place.outputs:result>",
    'token inputs:wrapS = "clamp"',
    'token inputs:wrapT = "clamp"',
    "float3 outputs:rgb",
]
_PLACE = ['string inputs:varname = "st"', "float2 outputs:result"]
_COLOUR = ['string inputs:varname = "displayColor"', "float3 outputs:result"]


@dataclass(frozen=True, slots=True)
class Layer:
    """What a layer of ours holds, its numbers as they stand in it.

    Attributes:
        said: texts of customLayerData.
        xyz: (N, 3) float64 positions.
        faces: (M, 3) vertex indices.
        normals: (N, 3), or None.
        st: (N, 2) texture coordinates, v from the bottom, or None.
        rgb: (N, 3) colours in linear light, or None.
    """

    said: dict[str, str]
    xyz: NDArray[np.float64]
    faces: NDArray[np.uint32]
    normals: NDArray[np.float64] | None
    st: NDArray[np.float64] | None
    rgb: NDArray[np.float64] | None


def read_layer(text: bytes) -> Layer:
    """Read a layer that `write_layer` wrote; other programs' layers may be laid out in too many other ways.

    Raises:
        GeometryError: the layer is none of ours.
    """
    head = text.partition(b"defaultPrim")[0].decode("utf-8", "replace")
    said = {name: json.loads(words) for name, words in re.findall(r'^ +string "?(\w+)"? = (".*")$', head, re.MULTILINE)}
    xyz, faces = _numbers(text, b"points", 3), _numbers(text, b"faceVertexIndices", 3)
    if said.get("generator") != GENERATOR or xyz is None or faces is None:
        raise GeometryError("only layers that depth3d wrote can be read")
    normals, st = _numbers(text, b"normals", 3), _numbers(text, b"primvars:st", 2)
    return Layer(said, xyz, faces.astype(np.uint32), normals, st, _numbers(text, b"primvars:displayColor", 3))


def _numbers(text: bytes, name: bytes, width: int) -> NDArray[np.float64] | None:
    found = re.search(rb"\] " + re.escape(name) + rb" = \[([^\]]*)\]", text)
    if found is None:
        return None
    words = found[1].translate(None, b"()").replace(b",", b" ").split()
    return np.array(words, np.float64).reshape(-1, width)
