"""USDZ: a mesh with its texture in one file, which phones place in the room (Pixar, USDZ specification 1.3)."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, BinaryIO

from depth3d.core.errors import OutputError
from depth3d.geometry.mesh import Mesh
from depth3d.io.geometry.usda import TEXTURE_NAME, check_usd_axes, write_layer
from depth3d.io.images.codec import DEFAULT_QUALITY, encode_jpeg

_ALIGNMENT = 64
_LOCAL_HEADER_BYTES = 30
_PADDING_FIELD = 0x1986
_NO_DATE = (1980, 1, 1, 0, 0, 0)


def write_mesh(
    mesh: Mesh,
    file: BinaryIO,
    *,
    axes: str,
    notes: Mapping[str, str],
    unlit: bool = True,
    texture_quality: int = DEFAULT_QUALITY,
) -> None:
    """Write a mesh with its texture, or else with its vertex colours.

    The scene is a layer of text: every reader knows it, but a full grid of millions of faces opens slowly.

    Args:
        mesh: triangles in camera axes.
        file: where the bytes go; must allow seeking.
        axes: "gltf" (y up), or one whose z points up; USD has no name for others.
        notes: texts for customLayerData, with the unit; metersPerUnit is stated for metres only.
        unlit: show the photo's own light, as a surface that glows; otherwise a matt one lit by the viewer.
        texture_quality: JPEG quality, 1 to 100.

    Raises:
        UsageError: USD does not know the axes.
        OutputError: the scene is larger than the 2 GiB that every reader takes.
    """
    check_usd_axes(axes)
    try:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
            with _member(archive, "scene.usda") as layer:
                write_layer(mesh, layer, axes=axes, notes=notes, unlit=unlit)
            if mesh.texture is not None:
                with _member(archive, TEXTURE_NAME) as image:
                    image.write(encode_jpeg(mesh.texture, quality=texture_quality))
    except (zipfile.LargeZipFile, RuntimeError) as error:
        raise OutputError(f"the mesh does not fit into a USDZ file ({error}); use fewer points") from error


@contextmanager
def _member(archive: zipfile.ZipFile, name: str) -> Iterator[IO[bytes]]:
    """A file in the archive, not compressed, whose bytes begin at a multiple of 64; it has no date."""
    info = zipfile.ZipInfo(name, _NO_DATE)
    info.create_system, info.external_attr = 3, 0o644 << 16
    assert archive.fp is not None
    padding = -(archive.fp.tell() + _LOCAL_HEADER_BYTES + len(name) + 4) % _ALIGNMENT
    info.extra = _PADDING_FIELD.to_bytes(2, "little") + padding.to_bytes(2, "little") + bytes(padding)
    with archive.open(info, "w") as member:
        yield member
