"""How what click collected becomes the Options that every door shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from depth3d.core.errors import UsageError

if TYPE_CHECKING:
    from depth3d.scale import Hint
    from depth3d.scenes.options import Options


def to_options(chosen: dict[str, Any]) -> Options:
    """Turn what click collected into the Options that every door shares."""
    from depth3d.cli.file_options import in_millimetres
    from depth3d.scenes.options import Options

    chosen = dict(chosen)
    chosen |= in_millimetres(chosen)
    hints = _hints({name: chosen.pop(name) for name in _HINT_OPTIONS if name in chosen})
    voxel = chosen.pop("voxel", None)
    farthest = chosen.pop("max_depth", None)
    textured = not chosen.pop("vertex_colours", False)
    for name in ("ipd", "convergence"):
        length = chosen.pop(name, None)
        chosen[f"{name}_m"] = length.metres if length else None
    return Options(
        hints=hints,
        max_depth_m=farthest.metres if farthest else None,
        voxel_m=voxel.metres if voxel else None,
        textured=textured,
        **chosen,
    )


_HINT_OPTIONS = (
    "at",
    "depth_at",
    "near",
    "far",
    "size",
    "camera_height",
    "pitch_deg",
    "horizon_v",
    "right_angle",
    "infinity",
)


def _hints(given: dict[str, Any]) -> tuple[Hint, ...]:
    from depth3d.scale import (
        CameraHeight,
        DepthAt,
        DistanceAt,
        Farthest,
        InfinityAt,
        LengthBetween,
        Nearest,
        RightAngle,
    )

    hints: list[Hint] = [DistanceAt(u, v, x.metres, x.sigma_m) for (u, v), x in given.get("at", ())]
    hints += [DepthAt(u, v, x.metres, x.sigma_m) for (u, v), x in given.get("depth_at", ())]
    hints += [LengthBetween(start, end, x.metres, x.sigma_m) for start, end, x in given.get("size", ())]
    hints += [InfinityAt(u, v) for u, v in given.get("infinity", ())]
    for pixels in given.get("right_angle", ()):
        if len(pixels) != 3:
            raise UsageError(f"a right angle takes three pixels A:B:C, got {len(pixels)}")
        hints.append(RightAngle(*pixels))
    for option, kind in (("near", Nearest), ("far", Farthest)):
        if (x := given.get(option)) is not None:
            hints.append(kind(x.metres, x.sigma_m))
    pitch_deg, horizon_v = given.get("pitch_deg"), given.get("horizon_v")
    if (x := given.get("camera_height")) is not None:
        hints.append(CameraHeight(x.metres, pitch_deg, horizon_v, x.sigma_m))
    elif pitch_deg is not None or horizon_v is not None:
        raise UsageError("--pitch and --horizon go with --camera-height; give the camera's height too")
    return tuple(hints)
