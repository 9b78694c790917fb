"""An Open3D window that shows clouds and meshes upright, from where the photo was taken."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from depth3d.core.camera import Intrinsics
from depth3d.core.errors import MissingExtraError, UsageError, ViewerError
from depth3d.core.images import Picture
from depth3d.geometry.mesh import Mesh
from depth3d.geometry.point_cloud import PointCloud
from depth3d.io.save import check_writable, save, suffixes_for
from depth3d.viewers.display import has_display, runtime_folder
from depth3d.viewers.open3d.viewpoint import Viewpoint, depth_range, framing_viewpoint, photo_viewpoint

KEYS = (
    "drag turns, wheel zooms, ctrl+drag moves, R returns to the photo's viewpoint, + and - size points, W draws the "
    "wireframe, Q closes"
)

_BACKGROUND = 0.13
_PLAIN_GREY = 0.72
_GREATEST_POINT = 9
_FRUSTUM_SHARE = 0.15
_OTHER_WAYS = "add --screenshot FILE.png for a picture, or export a .glb and open it elsewhere"


def show(
    things: Sequence[PointCloud | Mesh | Sequence[PointCloud | Mesh]],
    *,
    camera: Intrinsics | None = None,
    title: str = "depth3d",
    screenshot: Path | None = None,
    force: bool = False,
) -> None:
    """Show clouds and meshes in a window until it is closed, or draw what the window would show into a file.

    Args:
        things: clouds and meshes in camera axes and metres; each, or each group of them, can be hidden and shown by
            its number's key, 1 to 9.
        camera: the photo's camera; the first view coincides with the photo. Without it the geometry is seen from the
            origin if all of it lies in front of there, else from a place that sees all of it.
        title: the window's title.
        screenshot: write this picture instead of opening a window; it needs no display where Open3D can draw
            off-screen, and a virtual one (Xvfb) elsewhere.
        force: replace an existing screenshot.

    Raises:
        MissingExtraError: Open3D is not installed.
        OutputError: the screenshot cannot be written.
        UsageError: the screenshot's suffix names no picture.
        ViewerError: there is no display, Open3D cannot be loaded or cannot open a window, or there is nothing to show.
    """
    check_window(screenshot=screenshot, force=force)
    groups = [[thing] if isinstance(thing, PointCloud | Mesh) else list(thing) for thing in things]
    geometries = [geometry for group in groups for geometry in group]
    if not geometries:
        raise ViewerError("the viewer was given nothing to show")
    limit = (1280, 800) if screenshot is None else (1600, 1600)
    viewpoint = framing_viewpoint(geometries, limit) if camera is None else photo_viewpoint(camera, limit)
    with _window(viewpoint, title=title, visible=screenshot is None) as window:
        shapes = [_add(window, group) for group in groups]
        _set_up(window, geometries, viewpoint)
        if screenshot is not None:
            save(Picture(_capture(window, viewpoint)), screenshot, force=force)
            return
        if camera is not None:
            window.add_geometry(_frustum(camera, geometries), False)
        window.register_key_callback(ord("R"), lambda _: _look(window, viewpoint))
        for number, group in enumerate(shapes[:9], 1):
            window.register_key_callback(ord(str(number)), _toggle(group))
        window.run()


def check_window(*, screenshot: Path | None = None, force: bool = False) -> None:
    """Raise what `show` would raise before it needs any geometry, so that no long work is done in vain."""
    if screenshot is not None:
        pictures = suffixes_for("Picture")
        if screenshot.suffix.lower() not in pictures:
            raise UsageError(f"{screenshot}: a screenshot is a picture; end its name in one of {' '.join(pictures)}")
        check_writable(screenshot, force)
    elif not has_display():
        raise ViewerError(f"the Open3D window needs a display and there is none: {_OTHER_WAYS}")
    import_open3d()


def import_open3d() -> Any:
    """The module open3d.

    Raises:
        MissingExtraError: it is not installed.
        ViewerError: it is installed but a system library it needs is missing.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the notebook packages it imports
            import open3d
    except OSError as error:
        libraries = "on Debian: apt install libusb-1.0-0 libgl1 libegl1 libgomp1"
        raise ViewerError(f"Open3D cannot be loaded: {error}; {libraries}") from None
    except ImportError:
        raise MissingExtraError("the Open3D window", "open3d", "view") from None
    return open3d


@contextmanager
def _window(viewpoint: Viewpoint, *, title: str, visible: bool) -> Iterator[Any]:
    o3d = import_open3d()
    errors_only = o3d.utility.VerbosityContextManager(o3d.utility.VerbosityLevel.Error)
    with runtime_folder(), errors_only:
        window = o3d.visualization.VisualizerWithKeyCallback()
        width, height = viewpoint.window_size
        if not window.create_window(title, width, height, visible=visible):
            raise ViewerError(f"Open3D cannot open a window here: start under Xvfb (xvfb-run), or {_OTHER_WAYS}")
        try:
            yield window
        finally:
            window.destroy_window()


def _add(window: Any, group: Sequence[PointCloud | Mesh]) -> list[Any]:
    """Open3D's own shapes of a group, after adding them."""
    shapes = [_open3d_mesh(one) if isinstance(one, Mesh) else _open3d_cloud(one) for one in group]
    for shape in shapes:
        window.add_geometry(shape)
    return shapes


def _toggle(shapes: Sequence[Any]) -> Callable[[Any], bool]:
    """What a key does that hides and shows a group."""
    is_shown = True

    def toggle(window: Any) -> bool:
        nonlocal is_shown
        change = window.remove_geometry if is_shown else window.add_geometry
        for shape in shapes:
            change(shape, False)  # the view stays
        is_shown = not is_shown
        return True

    return toggle


def _set_up(window: Any, geometries: Sequence[PointCloud | Mesh], viewpoint: Viewpoint) -> None:
    look = window.get_render_option()
    look.background_color = np.full(3, _BACKGROUND)
    look.light_on = all(_is_plain(geometry) for geometry in geometries)  # a photo carries its light already
    look.mesh_show_back_face = True
    look.point_size = _point_size(geometries, viewpoint)
    # Left alone, Open3D cuts away all that is nearer than a hundredth of the scene's extent.
    nearest, farthest = depth_range(geometries, viewpoint)
    window.get_view_control().set_constant_z_near(nearest / 2)
    window.get_view_control().set_constant_z_far(farthest * 4)
    _look(window, viewpoint)


def _look(window: Any, viewpoint: Viewpoint) -> bool:
    """Turn the window to the viewpoint; True tells Open3D to draw again."""
    o3d = import_open3d()
    width, height = viewpoint.window_size
    parameters = o3d.camera.PinholeCameraParameters()
    parameters.extrinsic = viewpoint.cam_from_scene
    # Open3D counts pixel centres at integers, and its window has the optical axis in the middle.
    centre = (width / 2 - 0.5, height / 2 - 0.5)
    parameters.intrinsic = o3d.camera.PinholeCameraIntrinsic(width, height, viewpoint.f_px, viewpoint.f_px, *centre)
    return bool(window.get_view_control().convert_from_pinhole_camera_parameters(parameters, True))


def _capture(window: Any, viewpoint: Viewpoint) -> NDArray[np.uint8]:
    """(H, W, 3) uint8, the part of the window that is the photo."""
    window.poll_events()
    window.update_renderer()
    pixels = np.asarray(window.capture_screen_float_buffer(True))
    left, top, width, height = viewpoint.photo_box
    return (pixels[top : top + height, left : left + width] * 255 + 0.5).astype(np.uint8)


def _open3d_cloud(cloud: PointCloud) -> Any:
    o3d = import_open3d()
    points = o3d.geometry.PointCloud(_vectors(cloud.xyz))
    if cloud.normals is not None:
        points.normals = _vectors(cloud.normals)
    if cloud.rgb is not None:
        points.colors = _vectors(cloud.rgb / 255)
    elif cloud.normals is not None:
        points.paint_uniform_color(np.full(3, _PLAIN_GREY))
    return points


def _open3d_mesh(mesh: Mesh) -> Any:
    o3d = import_open3d()
    faces = np.ascontiguousarray(mesh.faces, np.int32)
    triangles = o3d.geometry.TriangleMesh(_vectors(mesh.xyz), o3d.utility.Vector3iVector(faces))
    if mesh.texture is not None and mesh.uv is not None:
        triangles.triangle_uvs = o3d.utility.Vector2dVector(mesh.uv[faces.reshape(-1)].astype(np.float64))
        triangles.textures = [o3d.geometry.Image(np.ascontiguousarray(mesh.texture))]
        triangles.triangle_material_ids = o3d.utility.IntVector(np.zeros(len(faces), np.int32))
    elif mesh.rgb is not None:
        triangles.vertex_colors = _vectors(mesh.rgb / 255)
    else:
        triangles.compute_vertex_normals()
        triangles.paint_uniform_color(np.full(3, _PLAIN_GREY))
    return triangles


def _vectors(rows: NDArray[Any]) -> Any:
    return import_open3d().utility.Vector3dVector(np.ascontiguousarray(rows, np.float64))


def _is_plain(geometry: PointCloud | Mesh) -> bool:
    return geometry.rgb is None and (isinstance(geometry, PointCloud) or geometry.texture is None)


def _point_size(geometries: Sequence[PointCloud | Mesh], viewpoint: Viewpoint) -> float:
    """An odd size in pixels at which a cloud of the photo's grid has no gaps; an even one would shift the picture."""
    count = sum(len(geometry.xyz) for geometry in geometries if isinstance(geometry, PointCloud))
    _, _, width, height = viewpoint.photo_box
    spacing_px = math.sqrt(width * height / max(count, 1))
    return float(min(_GREATEST_POINT, 2 * math.ceil((spacing_px - 1) / 2) + 1 if spacing_px > 1 else 1))


def _frustum(camera: Intrinsics, geometries: Sequence[PointCloud | Mesh]) -> Any:
    """Lines from the photo's camera to the corners of its picture."""
    o3d = import_open3d()
    depth_m = _FRUSTUM_SHARE * float(np.median(np.concatenate([geometry.xyz[:, 2] for geometry in geometries])))
    lines = o3d.geometry.LineSet.create_camera_visualization(
        camera.width, camera.height, camera.integer_centre_matrix(), np.eye(4), max(depth_m, 1e-3)
    )
    lines.paint_uniform_color((0.9, 0.6, 0.1))
    return lines
