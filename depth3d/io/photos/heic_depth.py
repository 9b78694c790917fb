"""Depth in HEIC photos: an auxiliary picture whose values a note beside it turns into 1/z.

Apple's disparity is in 1/m (AVDepthData); how far the metres can be trusted its XMP says: accuracy "absolute", or
"relative", which is right up to a common factor. The note on the values is the SEI message "depth representation
information" (ITU-T H.265, F.14.3.3).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import DepthMapError, MissingExtraError
from depth3d.io.open_input import DECODER_DAMAGE, apple_depth_packet, shown
from depth3d.io.photos.embedded_depth import EmbeddedDepth
from depth3d.io.photos.xmp import Properties, parse_xmp, properties_of

_APPLE = "http://ns.apple.com/pixeldatainfo/1.0/"
_APPLE_DEPTH = "http://ns.apple.com/depthData/1.0/"
_UNIT_SIGMA = {"absolute": 0.05, "relative": 0.2}
"""What "absolute" and "relative" are worth, one standard deviation of the unit: our judgement, Apple gives no figures.
"""

_INVERSE_Z, _DISPARITY, _DEPTH = 0, 1, 2
_ENDS = {_INVERSE_Z: ("z_far", "z_near"), _DISPARITY: ("d_min", "d_max"), _DEPTH: ("z_near", "z_far")}


def depth_of_heic(path: Path) -> EmbeddedDepth | None:
    """The depth of a HEIC photo, turned upright by the decoder together with the photo; None where there is none.

    Raises:
        DepthMapError: the depth is damaged or does not say what its values mean.
        MissingExtraError: the package pillow-heif is not installed.
    """
    try:
        import pillow_heif
    except ImportError:
        raise MissingExtraError("HEIC photos", "pillow-heif", "formats") from None
    try:
        found = pillow_heif.open_heif(path, convert_hdr_to_8bit=False).info.get("depth_images", [])
        if not found:
            return None
        stored = np.asarray(found[0].to_pillow())
        note = found[0].info.get("metadata") or {}
    except DECODER_DAMAGE as problem:
        raise DepthMapError(f"{shown(path)}: the depth in the HEIC file is damaged: {_one_line(problem)}") from None
    if stored.ndim != 2 or stored.dtype.kind != "u":
        raise DepthMapError(f"{shown(path)}: the depth in the HEIC file has {stored.ndim} dimensions of {stored.dtype}")
    return _understood(stored, note, _apple_note(path), path)


def _understood(
    stored: NDArray[np.unsignedinteger[Any]], note: dict[str, Any], apple: Properties, path: Path
) -> EmbeddedDepth:
    kind, low, high = _range(note, apple, path)
    share = stored.astype(np.float32) / np.iinfo(stored.dtype).max
    values = (low + share * (high - low)).astype(np.float32)
    accuracy = apple.get((_APPLE_DEPTH, "Accuracy"), "")
    is_metric = bool(apple) and accuracy in _UNIT_SIGMA
    size = f"{stored.shape[1]}x{stored.shape[0]}"
    if not is_metric:
        inverse = values if kind != _DEPTH else _reciprocal(values)
        source = f"depth in {path.name} ({size}, without a known unit)"
        return EmbeddedDepth(InverseDepth(inverse, zero_is_infinity=True, source=source), 0.0, False, source)
    metres = values if kind == _DEPTH else _reciprocal(values)
    source = f"Apple's depth in {path.name} ({size}, accuracy {accuracy})"
    return EmbeddedDepth(MetricDepth(_positive(metres), source=source, unit="m"), _UNIT_SIGMA[accuracy], False, source)


def _range(note: dict[str, Any], apple: Properties, path: Path) -> tuple[int, float, float]:
    """What the values are, and what the least and the greatest stored number mean."""
    kind: int | None = note.get("representation_type")
    names = () if kind is None else _ENDS.get(kind, ())
    if names and all(name in note for name in names):
        low, high = (float(note[name]) for name in names)
        if kind == _INVERSE_Z and low > 0 and high > 0:
            low, high = 1 / low, 1 / high
    else:
        kinds = {"disparity": _DISPARITY, "depth": _DEPTH}
        kind = kinds.get(apple.get((_APPLE, "AuxiliaryImageType"), ""))
        low, high = (_number(apple.get((_APPLE, f"Float{end}Value"))) for end in ("Min", "Max"))
    if kind is None or not (np.isfinite((low, high)).all() and 0 <= low < high):
        raise DepthMapError(
            f"{shown(path)}: the HEIC file does not say what its depth values mean (from {low:g} to {high:g})"
        )
    return kind, low, high


def _apple_note(path: Path) -> Properties:
    """What Apple's XMP packet says about the depth; nothing where there is none, and the depth then has no unit."""
    packet = apple_depth_packet(path)
    try:
        return {} if packet is None else properties_of(parse_xmp(packet))
    except ValueError:
        return {}


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")


def _reciprocal(values: NDArray[np.float32]) -> NDArray[np.float32]:
    with np.errstate(divide="ignore"):
        return _positive(np.reciprocal(values))


def _positive(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The values, NaN where they are not positive and finite."""
    return np.where((values > 0) & np.isfinite(values), values, np.float32(np.nan))


def _one_line(problem: BaseException) -> str:
    return " ".join(str(problem).split())[:120] or type(problem).__name__
