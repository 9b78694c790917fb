"""Every figure about moving pictures, one section after the other."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics, Pose
from depth3d.core.images import Animation
from depth3d.core.rgbd import RGBD
from depth3d.geometry.mesh import to_mesh
from depth3d.io.save import save
from depth3d.lab.bench.bokeh import exact_discs
from depth3d.lab.bench.exact_views import exact_views
from depth3d.lab.bench.file_writers import find_open3d
from depth3d.lab.bench.image_similarity import psnr
from depth3d.lab.bench.quad_scene import Shot, shoot
from depth3d.lab.bench.real_views import real_views
from depth3d.lab.bench.timing import Figure, Section, race
from depth3d.layers import to_layers
from depth3d.render.parallax import animate_layers, animate_parallax

_HD, _LARGE, _GIF = (1280, 720), (1632, 1224), (640, 360)
_FOV_X_DEG = 60
_FRAMES, _SPLATTED = 60, 3
_STEP_M = 0.05


def bench_motion(data: Path | None = None, *, rounds: int = 3) -> Iterator[Section]:
    """Measure on a scene of cards, whose views are known exactly, and on real photos if there are any.

    Args:
        data: a folder of real photos, see `real_views`; None leaves them out.
        rounds: how often each work is timed; the best of drawing and preparing, the median of writing counts.

    Raises:
        UsageError: no round.
    """
    yield _drawing(rounds)
    yield _loops(rounds)
    yield _gif_writers(rounds)
    yield exact_views()
    yield exact_discs(rounds=rounds)
    if data is not None:
        yield real_views(data)


def _drawing(rounds: int) -> Section:
    """Layers and frames against the clock."""
    camera, shot = _shot(*_LARGE)
    layers_s = min(_timed(lambda: to_layers(RGBD(shot.rgb, shot.depth, camera))) for _ in range(rounds))
    camera, shot = _shot(*_HD)
    layers = to_layers(RGBD(shot.rgb, shot.depth, camera))
    animation = animate_layers(layers, width=_HD[0], seconds=_FRAMES / 24)
    drawn_s = min(_timed(lambda: _drawn(animation)) for _ in range(rounds)) / _FRAMES
    small_camera, small = _shot(*_GIF)
    splat_s = min(_timed(lambda: _splatted(small, small_camera)) for _ in range(_SPLATTED))
    ours = animate_parallax(RGBD(small.rgb, small.depth, small_camera), width=_GIF[0], seconds=_FRAMES / 24)
    ours_s = min(_timed(lambda: _drawn(ours)) for _ in range(rounds)) / _FRAMES
    figures = (
        Figure(f"frames per second, {_HD[0]}x{_HD[1]}", 1 / drawn_s, 60, True, ""),
        Figure(f"seconds for the layers of {_LARGE[0]}x{_LARGE[1]}", layers_s, 2, False, " s"),
        Figure(f"times as fast as splatting points in numpy, {_GIF[0]}x{_GIF[1]}", splat_s / ours_s, 5, True),
    )
    return Section("drawing", figures=figures, remarks=_beside_open3d(small, small_camera, ours_s))


def _loops(rounds: int) -> Section:
    """From a photo and its depth to a file."""
    camera, shot = _shot(*_GIF)

    def write(path: Path) -> None:
        animation = animate_parallax(RGBD(shot.rgb, shot.depth, camera), width=_GIF[0], seconds=_FRAMES / 24)
        save(animation, path)

    with tempfile.TemporaryDirectory(prefix="depth3d-") as name:
        rows = race({"photo and depth to GIF": write}, Path(name), ".gif", rounds=rounds)
    figure = Figure(f"seconds for a loop of {_FRAMES} frames", rows[0].seconds, 2, False, " s")
    return Section(f"a GIF of {_FRAMES} frames of {_GIF[0]}x{_GIF[1]}, depth given", rows, (figure,))


def _gif_writers(rounds: int) -> Section:
    """The same frames by us, Pillow and OpenCV: time, size, and distance from the frames."""
    camera, shot = _shot(*_GIF)
    frames = list(animate_parallax(RGBD(shot.rgb, shot.depth, camera), seconds=_FRAMES / 24).frames())
    ours = Animation(lambda: iter(frames), len(frames), 24)
    works: dict[str, Callable[[Path], object]] = {
        "depth3d": lambda path: save(ours, path),
        "Pillow": lambda path: _by_pillow(frames, path),
        "OpenCV": lambda path: _by_opencv(frames, path),
    }
    with tempfile.TemporaryDirectory(prefix="depth3d-") as name:
        folder = Path(name)
        rows = race(works, folder, ".gif", rounds=rounds)
        quality = {}
        for writer, work in works.items():
            work(folder / f"{writer}.gif")
            quality[writer] = psnr(np.stack(_read(folder / f"{writer}.gif")), np.stack(frames))
    own, pillow = rows[0], rows[1]
    figures = (
        Figure("times as fast as Pillow", pillow.seconds / own.seconds, 5, True),
        Figure("size, of Pillow's", 100 * own.size / pillow.size, 100, False, " %"),
        Figure("PSNR over Pillow's", quality["depth3d"] - quality["Pillow"], 0, True, " dB"),
    )
    remark = ", ".join(f"{writer} {value:.2f} dB" for writer, value in quality.items())
    return Section(f"GIF writers, {_FRAMES} frames of {_GIF[0]}x{_GIF[1]}", rows, figures, (remark,))


def _shot(width: int, height: int) -> tuple[Intrinsics, Shot]:
    camera = Intrinsics.from_fov(width, height, fov_x_deg=_FOV_X_DEG)
    return camera, shoot(camera, Pose(np.eye(4)))


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _drawn(animation: Animation) -> None:
    for _ in animation.frames():
        pass


def _splatted(shot: Shot, camera: Intrinsics) -> NDArray[np.uint8]:
    """One frame as people draw it who move each pixel forwards: far ones first, so that near ones stay on top."""
    step = np.array([_STEP_M, 0, 0], np.float32)
    x, y, z = np.moveaxis(shot.xyz - step, -1, 0)
    column = np.rint(camera.cx + camera.fx * x / z - 0.5).astype(np.intp)
    row = np.rint(camera.cy + camera.fy * y / z - 0.5).astype(np.intp)
    order = np.argsort(-z, axis=None)
    inside = ((column >= 0) & (column < camera.width) & (row >= 0) & (row < camera.height)).ravel()[order]
    order = order[inside]
    frame = np.zeros_like(shot.rgb)
    frame[row.ravel()[order], column.ravel()[order]] = shot.rgb.reshape(-1, 3)[order]
    return frame


def _beside_open3d(shot: Shot, camera: Intrinsics, ours_s: float) -> tuple[str, ...]:
    """Its two ways without a display: points projected, whose gaps stay open, and rays cast at a mesh, uncoloured."""
    open3d = find_open3d()
    if open3d is None:
        return ("Open3D is not installed",)
    tensor = open3d.core.Tensor
    cloud = open3d.t.geometry.PointCloud(tensor(shot.xyz.reshape(-1, 3)))
    cloud.point.colors = tensor(shot.rgb.reshape(-1, 3).astype(np.float32) / 255)
    lens = tensor(np.array([[camera.fx, 0, camera.cx - 0.5], [0, camera.fy, camera.cy - 0.5], [0, 0, 1]]))
    cam_from_world = np.eye(4)
    cam_from_world[0, 3] = -_STEP_M
    place = tensor(cam_from_world)
    mesh = to_mesh(RGBD(shot.rgb, shot.depth, camera))
    scene = open3d.t.geometry.RaycastingScene()
    scene.add_triangles(tensor(mesh.xyz), tensor(mesh.faces))
    size = camera.size
    points_s = min(
        _timed(lambda: cloud.project_to_rgbd_image(*size, lens, place, 1.0, 100.0)) for _ in range(_SPLATTED)
    )
    rays_s = min(
        _timed(lambda: scene.cast_rays(scene.create_rays_pinhole(lens, place, *size))) for _ in range(_SPLATTED)
    )
    return (
        f"Open3D takes {points_s / ours_s:.1f} times as long for points with open gaps, {rays_s / ours_s:.1f} times for"
        " casting rays at a mesh, without colours",
    )


def _by_pillow(frames: list[NDArray[np.uint8]], path: Path) -> None:
    from PIL import Image

    first, *rest = (Image.fromarray(one) for one in frames)
    first.save(path, save_all=True, append_images=rest, duration=40, loop=0)


def _by_opencv(frames: list[NDArray[np.uint8]], path: Path) -> None:
    import cv2

    value = cv2.Animation()
    value.frames = [cv2.cvtColor(one, cv2.COLOR_RGB2BGR) for one in frames]
    value.durations = [40] * len(frames)
    cv2.imwriteanimation(str(path), value)


def _read(path: Path) -> list[NDArray[np.uint8]]:
    from PIL import Image, ImageSequence

    with Image.open(path) as image:
        return [np.asarray(one.convert("RGB")) for one in ImageSequence.Iterator(image)]
