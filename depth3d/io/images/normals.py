"""Normal maps: PNG as renderers and games take them, EXR without rounding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from depth3d.core.errors import MissingExtraError, OutputError
from depth3d.core.normals import NormalMap
from depth3d.core.options import FileOptions, NormalsGreen
from depth3d.io.geometry.block_writer import name_as_text
from depth3d.io.images.codec import encode_png

_DEFAULT: NormalsGreen = FileOptions().normals_green


def write_png(normals: NormalMap, file: BinaryIO, *, notes: Mapping[str, str], green: NormalsGreen = _DEFAULT) -> None:
    """Write 8 bits: red is right, green up (OpenGL) or down (DirectX), blue towards the viewer; black is unknown.

    Args:
        normals: in camera axes.
        file: where the bytes go.
        notes: texts named depth3d:<name>.
        green: "opengl" or "directx".
    """
    turned = in_camera_space(normals, green)
    levels = np.where(np.isfinite(turned), np.rint((turned + 1) * np.float32(127.5)), 0).astype(np.uint8)
    texts = {f"depth3d:{name}": text for name, text in {**notes, "normals": f"camera space, {green} green"}.items()}
    file.write(encode_png(levels, texts=texts))


def write_exr(normals: NormalMap, file: BinaryIO, *, notes: Mapping[str, str], green: NormalsGreen = _DEFAULT) -> None:
    """Write the float32 channels N.X, N.Y and N.Z with the same meaning, from -1 to 1; NaN is unknown.

    Raises:
        MissingExtraError: the package OpenEXR is not installed.
        OutputError: the file cannot be written.
    """
    try:
        import OpenEXR
    except ImportError:
        raise MissingExtraError("EXR files", "OpenEXR", "formats") from None
    turned = in_camera_space(normals, green)
    texts = {f"depth3d:{name}": text for name, text in {**notes, "normals": f"camera space, {green} green"}.items()}
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, **texts}
    channels = {f"N.{name}": np.ascontiguousarray(turned[..., i]) for i, name in enumerate("XYZ")}
    try:  # the library opens files by name only, here the temporary one; a full disk is a RuntimeError to it
        OpenEXR.File(header, {n: OpenEXR.Channel(c) for n, c in channels.items()}).write(name_as_text(file))
    except RuntimeError as error:
        reason = str(error).rsplit('". ', 1)[-1]
        raise OutputError(f"cannot write the EXR file: {reason}") from error


def in_camera_space(normals: NormalMap, green: NormalsGreen) -> NDArray[np.float32]:
    """(H, W, 3) as normal maps have it: x right, y up or down, z towards the viewer."""
    up = -1 if green == "opengl" else 1
    return normals.xyz * np.array([1, up, -1], np.float32)
