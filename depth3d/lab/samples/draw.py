"""Draw the samples again: photos with the exact depth, camera and some true distances beside them.

    python -m depth3d.lab.samples.draw                  all of them, into ./samples (a few minutes each, on one core)
    python -m depth3d.lab.samples.draw desk --out /tmp --width 640 --quick

Everything is computed: shapes, textures, light. The same machine gives the same bytes.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, Pose
from depth3d.core.depth import MetricDepth
from depth3d.core.equirectangular import Equirect, pixel_rays
from depth3d.core.images import Picture
from depth3d.io.save import save
from depth3d.lab.samples import courtyard, desk, room
from depth3d.lab.samples.light import Studio
from depth3d.lab.samples.render import Quality, exact_depth, photograph
from depth3d.scenes.panorama.faces import faces_around, sample, seen_by

SCENES: dict[str, ModuleType] = {"room": room, "courtyard": courtyard, "desk": desk}
_JPEG_QUALITY = 90
_QUICK = Quality(subpixels=1, sun_rays=2, gather_rays=16)
_FINE = Quality(subpixels=2, sun_rays=6, grid=8, gather_rays=96)


def main() -> None:
    """Read the command line and draw."""
    parser = argparse.ArgumentParser(description="Draw the sample photos again.")
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help=f"some of: {' '.join(SCENES)} (default: all)")
    parser.add_argument("--out", type=Path, default=Path("samples"), help="folder to write to")
    parser.add_argument("--width", type=int, default=1280, help="of the photos, which are 4:3")
    parser.add_argument("--quick", action="store_true", help="a rough picture; depth and camera are exact all the same")
    arguments = parser.parse_args()
    unknown = set(arguments.scenes) - set(SCENES)
    if unknown:
        parser.error(f"no scene {', '.join(sorted(unknown))}; there are {', '.join(SCENES)}")
    for name in arguments.scenes or SCENES:
        start = time.monotonic()
        draw(name, arguments.out, width=arguments.width, quality=_QUICK if arguments.quick else _FINE)
        if name == "courtyard":
            draw_panorama(arguments.out)
        print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr)


def draw(name: str, folder: Path, *, width: int = 1280, quality: Quality = _FINE) -> None:
    """Write NAME.jpg, NAME_depth.png (16 bits, its unit in the file), NAME_camera.json and NAME_hints.json."""
    torch.set_num_threads(1)  # the pieces of work are small: a second thread would mostly wait
    torch.manual_seed(0)
    scene = SCENES[name]
    camera, pose = scene.camera(width, width * 3 // 4), scene.pose()
    with torch.inference_mode():
        studio = Studio(scene.scene(), scene.windows() if hasattr(scene, "windows") else ())
        depth_m = exact_depth(studio, camera, pose)
        rgb = _srgb(photograph(studio, camera, pose, quality))
    notes = {"scene": name, "made by": "depth3d.lab.samples.draw"}
    save(Picture(rgb), folder / f"{name}.jpg", quality=_JPEG_QUALITY, force=True)
    save(MetricDepth(depth_m, source="exact", unit="m"), folder / f"{name}_depth.png", notes=notes, force=True)
    _write_json(folder / f"{name}_camera.json", _camera(camera))
    _write_json(folder / f"{name}_hints.json", {"hints": _hints(scene, camera, pose, depth_m)})


def draw_panorama(folder: Path, *, width: int = 1024) -> None:
    """Write courtyard_panorama.jpg: all that is seen from the middle of the courtyard, equirectangular."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    whole = Equirect.whole(width, width // 2)
    rays = pixel_rays(whole)
    linear, best = np.zeros((*rays.shape[:2], 3), np.float32), np.zeros(rays.shape[:2])
    level = np.eye(4)
    level[:3, :3] = [[1, 0, 0], [0, 0, 1], [0, -1, 0]]  # columns: right, down and forward of a camera that looks north
    level[:3, 3] = (0.9, 1.2, 1.62)
    with torch.inference_mode():
        studio = Studio(courtyard.scene())
        for face in faces_around(whole, sides=4, face_px=width // 2, fov_deg=95):
            turned = np.eye(4)
            turned[:3, :3] = face.face_from_sphere.T
            picture = photograph(studio, face.camera, Pose(level @ turned), _QUICK)
            seen = seen_by(face, rays)
            nearer = seen.weight > best
            for channel in range(3):
                values = sample(np.ascontiguousarray(picture[..., channel]), seen.uv)
                linear[..., channel] = np.where(nearer, values, linear[..., channel])
            best = np.maximum(best, seen.weight)
    save(Picture(_srgb(linear)), folder / "courtyard_panorama.jpg", quality=_JPEG_QUALITY - 8, force=True)


def _srgb(linear: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Display values as sRGB bytes (IEC 61966-2-1)."""
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)
    return (encoded * 255 + 0.5).astype(np.uint8)


def _camera(camera: Intrinsics) -> dict[str, Any]:
    numbers = {name: round(getattr(camera, name), 6) for name in ("fx", "fy", "cx", "cy")}
    return {"width": camera.width, "height": camera.height, **numbers, "pixel_centre": 0.5}


def _hints(scene: ModuleType, camera: Intrinsics, pose: Pose, depth_m: NDArray[np.float32]) -> list[dict[str, Any]]:
    """What a visitor with a tape would have written down: distances from the lens, and a length."""
    found: list[dict[str, Any]] = []
    for what, place in scene.MARKS.items():
        (u, v), point = _seen_at(place, what, camera, pose, depth_m)
        metres = round(float(np.linalg.norm(point)), 4)
        found.append({"kind": "at", "u": u, "v": v, "metres": metres, "what": what})
    for what, ends in scene.LENGTHS.items():
        (start, first), (end, second) = (_seen_at(place, what, camera, pose, depth_m) for place in ends)
        metres = round(float(np.linalg.norm(first - second)), 4)
        found.append({"kind": "size", "from": list(start), "to": list(end), "metres": metres, "what": what})
    return found


def _seen_at(
    place: tuple[float, float, float], what: str, camera: Intrinsics, pose: Pose, depth_m: NDArray[np.float32]
) -> tuple[tuple[float, float], NDArray[np.float64]]:
    """The centre of the pixel that shows a place of the world, and the point in camera axes that it shows."""
    x, y, z = (pose.cam_from_world @ np.array([*place, 1.0]))[:3]
    column, row = int(camera.cx + camera.fx * x / z), int(camera.cy + camera.fy * y / z)
    if not (0 <= column < camera.width and 0 <= row < camera.height):
        raise ValueError(f"{what}: lies outside the picture, at pixel {column}, {row}")
    seen = float(depth_m[row, column])
    if abs(seen - z) > 0.05 * z:
        raise ValueError(f"{what}: is hidden; at pixel {column}, {row} the depth is {seen:.3f} m, not {z:.3f} m")
    u, v = column + 0.5, row + 0.5
    return (u, v), np.array([(u - camera.cx) / camera.fx * seen, (v - camera.cy) / camera.fy * seen, seen])


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
