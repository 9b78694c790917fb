"""A room seen by several cameras, in closed form, written as captures that other programs would have made."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, Pose, pixel_centres
from depth3d.scenes.multiview.fusion import DepthView

HALF = np.array([2.0, 1.2, 2.5])
"""Half the room's width, height and depth in metres; y points down."""


@dataclass(frozen=True, slots=True, eq=False)
class PosedRoom:
    """Photos of the room.

    Attributes:
        views: exact depth and colours.
        names: the photos' names without suffix.
    """

    views: tuple[DepthView, ...]
    names: tuple[str, ...]

    def write_photos(self, folder: Path) -> Path:
        """The photos as PNG files."""
        folder.mkdir(exist_ok=True, parents=True)
        for name, view in zip(self.names, self.views, strict=True):
            cv2.imwrite(str(folder / f"{name}.png"), view.rgb[..., ::-1])
        return folder

    def write_inverse_depths(self, folder: Path) -> Path:
        """What a perfect network would say of each photo: d with 1/z = a d + b, a and b different each time."""
        folder.mkdir(exist_ok=True)
        for number, (name, view) in enumerate(zip(self.names, self.views, strict=True)):
            a, b = 0.3 + 0.4 * number, 0.02 * number
            np.save(folder / f"{name}.npy", ((1 / view.z - b) / a).astype(np.float32))
        return folder

    def write_colmap(self, folder: Path, *, units: float = 1.0, points: int = 150, outliers: int = 0) -> Path:
        """A COLMAP model as text, with points that all cameras that see them have found; the first of them wrong."""
        folder.mkdir(exist_ok=True, parents=True)
        camera = self.views[0].camera
        numbers = f"{camera.fx} {camera.fy} {camera.cx} {camera.cy}"
        (folder / "cameras.txt").write_text(f"1 PINHOLE {camera.width} {camera.height} {numbers}\n")
        rows: list[str] = []
        keypoints: list[list[str]] = [[] for _ in self.views]
        for number, xyz in enumerate(self.surface_points(points), start=1):
            track = []
            for index, view in enumerate(self.views):
                uv = project(view, xyz)
                if uv is not None:
                    track.append(f"{index + 1} {len(keypoints[index])}")
                    keypoints[index].append(f"{uv[0]} {uv[1]} {number}")
            said = xyz * (0.6 if number <= outliers else 1.0) * units
            rows.append(f"{number} {said[0]} {said[1]} {said[2]} 90 90 90 0.5 {' '.join(track)}")
        (folder / "points3D.txt").write_text("\n".join(rows) + "\n")
        images = []
        for index, view in enumerate(self.views):
            cam_from_world = view.pose.cam_from_world
            w, x, y, z = quaternion(cam_from_world[:3, :3])
            tx, ty, tz = cam_from_world[:3, 3] * units
            images += [
                f"{index + 1} {w} {x} {y} {z} {tx} {ty} {tz} 1 {self.names[index]}.png",
                " ".join(keypoints[index]),
            ]
        (folder / "images.txt").write_text("\n".join(images) + "\n")
        return folder

    def write_nerfstudio(self, path: Path, photos: str = "images") -> Path:
        """A transforms.json."""
        camera = self.views[0].camera
        frames = [
            {"file_path": f"{photos}/{name}.png", "transform_matrix": (view.pose.world_from_cam @ GL).tolist()}
            for name, view in zip(self.names, self.views, strict=True)
        ]
        top = {
            "fl_x": camera.fx,
            "fl_y": camera.fy,
            "cx": camera.cx,
            "cy": camera.cy,
            "w": camera.width,
            "h": camera.height,
        }
        path.write_text(json.dumps({"camera_model": "OPENCV", **top, "frames": frames}))
        return path

    def write_tum(self, path: Path) -> Path:
        """A trajectory whose timestamps are the photos' names."""
        lines = ["# timestamp tx ty tz qx qy qz qw"]
        for name, view in zip(self.names, self.views, strict=True):
            w, x, y, z = quaternion(view.pose.world_from_cam[:3, :3])
            tx, ty, tz = view.pose.world_from_cam[:3, 3]
            lines.append(f"{float(name) + 0.004} {tx} {ty} {tz} {x} {y} {z} {w}")
        path.write_text("\n".join(lines) + "\n")
        return path

    def write_redwood(self, path: Path) -> Path:
        """A .log of matrices."""
        parts = []
        for number, view in enumerate(self.views):
            parts.append(f"{number} {number} {number + 1}")
            parts += [" ".join(map(str, row)) for row in view.pose.world_from_cam.tolist()]
        path.write_text("\n".join(parts) + "\n")
        return path

    def write_arkit(self, folder: Path) -> Path:
        """Files as 3D Scanner App writes them, whose world has y up."""
        self.write_photos(folder)
        flip = np.diag([1.0, -1.0, -1.0, 1.0])
        for name, view in zip(self.names, self.views, strict=True):
            matrix = (flip @ view.pose.world_from_cam @ GL).ravel().tolist()
            entries = {"cameraPoseARFrame": matrix, "intrinsics": view.camera.integer_centre_matrix().ravel().tolist()}
            (folder / f"{name}.json").write_text(json.dumps(entries))
        return folder

    def surface_points(self, count: int) -> NDArray[np.float64]:
        """(count, 3) points spread over what is seen, the same each time."""
        seen = np.concatenate([view.points(3).reshape(-1, 3) for view in self.views])
        return np.asarray(np.random.default_rng(1).permutation(seen)[:count], np.float64)


GL = np.diag([1.0, -1.0, -1.0, 1.0])


def posed_room(count: int = 5, size: tuple[int, int] = (64, 48)) -> PosedRoom:
    """Cameras in a row that turn towards the middle of the back wall."""
    width, height = size
    centred = Intrinsics.from_fov(width, height, fov_x_deg=70, source="synthetic")
    camera = Intrinsics(width, height, centred.fx, centred.fy, width / 2 + 1.25, height / 2 - 0.75, source="synthetic")
    places = np.linspace(-0.8, 0.8, count)
    views = [_view(camera, Pose(_looking(float(x), -14 * float(x), 4.0))) for x in places]
    return PosedRoom(tuple(views), tuple(f"{100 + number}.5" for number in range(count)))


def distance_to_walls(xyz: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N,) metres from points to the nearest wall, floor or ceiling."""
    return np.asarray(np.abs(HALF - np.abs(xyz)).min(axis=1), np.float64)


def project(view: DepthView, xyz: NDArray[np.float64]) -> tuple[float, float] | None:
    """Where a camera sees a point of the room's surface; None where it does not."""
    cam = view.pose.cam_from_world
    x, y, z = cam[:3, :3] @ xyz + cam[:3, 3]
    if z <= 0:
        return None
    u, v = x / z * view.camera.fx + view.camera.cx, y / z * view.camera.fy + view.camera.cy
    inside = 0 <= u < view.camera.width and 0 <= v < view.camera.height
    return (float(u), float(v)) if inside else None


def quaternion(rotation: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """(w, x, y, z)."""
    axis, _ = cv2.Rodrigues(rotation)
    angle = float(np.linalg.norm(axis))
    x, y, z = (axis.ravel() / angle * math.sin(angle / 2)) if angle > 1e-12 else (0.0, 0.0, 0.0)
    return math.cos(angle / 2), float(x), float(y), float(z)


def _looking(x: float, yaw_deg: float, pitch_deg: float) -> NDArray[np.float64]:
    turn, _ = cv2.Rodrigues(np.array([0.0, math.radians(yaw_deg), 0.0]))
    nod, _ = cv2.Rodrigues(np.array([math.radians(-pitch_deg), 0.0, 0.0]))
    pose = np.eye(4)
    pose[:3, :3] = turn @ nod
    pose[:3, 3] = (x, 0.1, -2.0)
    return pose


def textured(room: PosedRoom) -> PosedRoom:
    """The same room, papered so that keypoints can be found and told apart everywhere."""
    return replace(room, views=tuple(replace(view, rgb=_papered(view)) for view in room.views))


def _papered(view: DepthView) -> NDArray[np.uint8]:
    """Colours times noise that belongs to the walls, in three sizes of blots."""
    from scipy.ndimage import map_coordinates

    lattice = np.random.default_rng(7).uniform(-1, 1, (32, 32, 32)).astype(np.float32)
    points = np.moveaxis(view.points(), -1, 0)
    noise = sum(map_coordinates(lattice, points * scale + scale, order=1, mode="grid-wrap") for scale in (3, 8, 20))
    return np.asarray(np.clip(view.rgb * (1 + 0.6 * noise[..., None]), 0, 255), np.uint8)


def _view(camera: Intrinsics, pose: Pose) -> DepthView:
    uv = pixel_centres(camera.width, camera.height).astype(np.float64)
    rays = np.stack(
        [(uv[..., 0] - camera.cx) / camera.fx, (uv[..., 1] - camera.cy) / camera.fy, np.ones(uv.shape[:2])], -1
    )
    world = rays @ pose.world_from_cam[:3, :3].T
    centre = pose.world_from_cam[:3, 3]
    with np.errstate(divide="ignore"):
        z = ((np.sign(world) * HALF - centre) / world).min(axis=-1)
    points = centre + world * z[..., None]
    dark = (np.floor(points / 0.4).astype(int).sum(axis=-1) % 2 == 0)[..., None]
    rgb = np.where(dark, 0.5, 1.0) * (130 + 50 * points / HALF)
    return DepthView(camera, pose, z.astype(np.float32), rgb.astype(np.uint8))


def room_on_an_orbit(count: int, size: tuple[int, int]) -> tuple[DepthView, ...]:
    """Frames of a video that goes sideways by 2 cm a frame, with texture that optical flow can hold on to."""
    camera = Intrinsics.from_fov(*size, fov_x_deg=70, source="synthetic")
    views = []
    for x in np.linspace(-0.01 * count, 0.01 * count, count):
        view = _view(camera, Pose(_looking(float(x), -14 * float(x), 4.0)))
        x_y_z = view.points()
        waves = np.sin(x_y_z * (17, 23, 19) + (0, 1, 2)).sum(axis=-1) + np.sin(x_y_z.sum(axis=-1) * 41)
        textured = np.clip(view.rgb * (1 + 0.15 * waves[..., None]), 0, 255).astype(np.uint8)
        views.append(DepthView(view.camera, view.pose, view.z, textured))
    return tuple(views)
