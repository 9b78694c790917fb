"""HTML pages that show a model and measure in it, see `depth3d.io.html`."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import BinaryIO

from depth3d.core.camera import Intrinsics
from depth3d.core.depth import MetricDepth
from depth3d.core.options import FileOptions, TextureFormat
from depth3d.geometry.lazy_point_cloud import Cloud, gather
from depth3d.geometry.mesh import Mesh
from depth3d.io.geometry import glb
from depth3d.io.html import to_facts, write_page
from depth3d.scale import SharedErrors

_DEFAULTS = FileOptions()


def write_mesh(
    mesh: Mesh,
    file: BinaryIO,
    *,
    notes: Mapping[str, str],
    camera: Intrinsics | None = None,
    depth: MetricDepth | None = None,
    errors: SharedErrors | None = None,
    remarks: Sequence[str] = (),
    texture_format: TextureFormat = _DEFAULTS.texture_format,
    compact: bool = False,
) -> None:
    """Write a page with a mesh; its GLB has index tiles and 16-bit texture coordinates, which three.js reads.

    Args:
        mesh: triangles in camera axes.
        file: where the text goes.
        notes: how the mesh was obtained.
        camera: the photo's, see `to_facts` for it and the next three.
        depth: metric depth of the photo.
        errors: how the errors of depth belong together.
        remarks: sentences for the user.
        texture_format: see `glb.write_mesh`.
        compact: see `glb.write_mesh`.
    """
    model = io.BytesIO()
    glb.write_mesh(
        mesh,
        model,
        axes="gltf",
        notes=notes,
        texture_format=texture_format,
        index_tiles=True,
        uv_bits=16,
        compact=compact,
    )
    facts = to_facts(mesh, notes=notes, camera=camera, depth=depth, errors=errors, remarks=remarks)
    write_page(model.getvalue(), facts, file)


def write_cloud(
    cloud: Cloud,
    file: BinaryIO,
    *,
    notes: Mapping[str, str],
    camera: Intrinsics | None = None,
    depth: MetricDepth | None = None,
    errors: SharedErrors | None = None,
    remarks: Sequence[str] = (),
    compact: bool = False,
) -> None:
    """Write a page with points, see `write_mesh`."""
    cloud, model = gather(cloud), io.BytesIO()
    glb.write_cloud(cloud, model, axes="gltf", notes=notes, compact=compact)
    facts = to_facts(cloud, notes=notes, camera=camera, depth=depth, errors=errors, remarks=remarks)
    write_page(model.getvalue(), facts, file)
