"""The window: it shows the scene upright from the photo's viewpoint, and says plainly when it cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, absent, wait_until
from PIL import Image
from synthetic_scenes import Truth, box_corner, small_camera, step

from depth3d.cli import run
from depth3d.core.camera import Intrinsics
from depth3d.core.depth import MetricDepth
from depth3d.core.errors import MissingExtraError, OutputError, UsageError, ViewerError
from depth3d.core.rgbd import RGBD
from depth3d.geometry.gaussians import to_gaussians
from depth3d.geometry.mesh import Mesh, to_mesh
from depth3d.geometry.point_cloud import PointCloud, to_cloud
from depth3d.io.geometry.axes import AXES
from depth3d.io.save import save
from depth3d.viewers import open3d as viewer
from depth3d.viewers.open3d import check_window, load_geometry, show
from depth3d.viewers.open3d.viewpoint import framing_viewpoint, photo_viewpoint

CAMERA = small_camera(240, 180)


@pytest.fixture(scope="module")
def open3d() -> None:
    """Open3D with its system libraries."""
    try:
        viewer.window.import_open3d()
    except (MissingExtraError, ViewerError) as error:
        absent(str(error))


@pytest.fixture
def no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)


class VirtualDisplay:
    """An X server that draws into a file."""

    def __init__(self, folder: Path) -> None:
        read_end, write_end = os.pipe()
        command = ["Xvfb", "-displayfd", str(write_end), "-screen", "0", "1280x1024x24", "-fbdir", str(folder)]
        self._process = subprocess.Popen(
            [*command, "-nolisten", "tcp"], pass_fds=[write_end], stderr=subprocess.DEVNULL
        )
        os.close(write_end)
        with os.fdopen(read_end) as pipe:
            self.name = f":{pipe.readline().strip()}"
        self._frame = folder / "Xvfb_screen0"

    def pixels(self) -> np.ndarray:
        """(H, W, 3) uint8, what the screen shows; X window dump format, 32 bits a pixel."""
        data = self._frame.read_bytes()
        header = np.frombuffer(data[:100], ">u4")
        size, width, height, row, colours = (int(header[k]) for k in (0, 4, 5, 12, 19))
        start = size + 12 * colours
        screen = np.frombuffer(data[start : start + row * height], np.uint8).reshape(height, row // 4, 4)
        return screen[:, :width, 2::-1]

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


@pytest.fixture(scope="module")
def display(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualDisplay]:
    if shutil.which("Xvfb") is None:
        absent("Xvfb is not installed (Debian: apt install xvfb)")
    virtual = VirtualDisplay(tmp_path_factory.mktemp("screen"))
    yield virtual
    virtual.close()


def mesh_of(truth: Truth, *, textured: bool = True) -> Mesh:
    return to_mesh(RGBD(truth.rgb, truth.depth, truth.camera), textured=textured)


def cloud_of(truth: Truth) -> PointCloud:
    return to_cloud(RGBD(truth.rgb, truth.depth, truth.camera))


def difference(picture: np.ndarray, photo: np.ndarray) -> float:
    """Mean absolute difference of colours, without the outermost half-covered pixels."""
    assert picture.shape == photo.shape
    inner = np.s_[2:-2, 2:-2]
    return float(np.abs(picture[inner].astype(int) - photo[inner]).mean())


def least_shift(picture: np.ndarray, photo: np.ndarray) -> tuple[int, int]:
    """The shift in pixels (columns, rows) at which the picture fits the photo best."""
    shifts = [(dx, dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
    return min(shifts, key=lambda s: difference(np.roll(picture, s[::-1], (0, 1)), photo))


def shot(geometry: PointCloud | Mesh, camera: Intrinsics | None, path: Path) -> np.ndarray:
    show([geometry], camera=camera, screenshot=path)
    return np.asarray(Image.open(path))


@pytest.mark.usefixtures("open3d")
class TestScreenshot:
    @pytest.mark.parametrize("textured", [True, False])
    def test_mesh_coincides_with_the_photo(self, tmp_path: Path, textured: bool) -> None:
        truth = box_corner(CAMERA)
        picture = shot(mesh_of(truth, textured=textured), CAMERA, tmp_path / "a.png")
        assert difference(picture, truth.rgb) < 3
        assert least_shift(picture, truth.rgb) == (0, 0)

    def test_cloud_is_the_photo_to_the_byte(self, tmp_path: Path) -> None:
        truth = box_corner(CAMERA)
        assert difference(shot(cloud_of(truth), CAMERA, tmp_path / "a.png"), truth.rgb) == 0

    def test_photo_is_not_mirrored_and_stands_upright(self, tmp_path: Path) -> None:
        """An absolute anchor: blue is at the left, red at the right, green grows downwards."""
        picture = shot(mesh_of(step(CAMERA)), CAMERA, tmp_path / "a.png").astype(int)
        assert picture[:, 10:40, 2].mean() > picture[:, 10:40, 0].mean() + 60
        assert picture[:, -40:-10, 0].mean() > picture[:, -40:-10, 2].mean() + 60
        assert picture[-30:, :, 1].mean() > picture[:30, :, 1].mean() + 60

    def test_pixels_that_are_not_square(self, tmp_path: Path) -> None:
        camera = Intrinsics(240, 90, CAMERA.fx, CAMERA.fy / 2, CAMERA.cx, CAMERA.cy / 2)
        truth = box_corner(camera)
        assert shot(mesh_of(truth), camera, tmp_path / "a.png").shape == (180, 240, 3)

    def test_a_stray_point_far_away_hides_nothing(self, tmp_path: Path) -> None:
        truth = box_corner(CAMERA)
        cloud = cloud_of(truth)
        stray = PointCloud(
            np.concatenate([cloud.xyz, [[0, 0, 5e4]]]).astype(np.float32),
            cloud.rgb[[*range(len(cloud.rgb)), 0]],
            unit="m",
        )
        assert difference(shot(stray, CAMERA, tmp_path / "a.png"), truth.rgb) == 0

    def test_same_call_same_bytes(self, tmp_path: Path) -> None:
        mesh = mesh_of(box_corner(CAMERA))
        for name in ("a.png", "b.png"):
            show([mesh], camera=CAMERA, screenshot=tmp_path / name)
        assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()

    def test_geometry_without_colour_is_lit(self, tmp_path: Path) -> None:
        mesh = mesh_of(box_corner(CAMERA))
        picture = shot(Mesh(mesh.xyz, mesh.faces, unit="m"), CAMERA, tmp_path / "a.png")
        assert len(np.unique(picture[..., 0])) > 20

    def test_under_a_virtual_display(self, tmp_path: Path, display: VirtualDisplay) -> None:
        """No window manager there; the command line in a process of its own, as a user has it."""
        truth = box_corner(CAMERA)
        ply, png = tmp_path / "corner.ply", tmp_path / "corner.png"
        save(mesh_of(truth, textured=False), ply)
        command = [sys.executable, str(ROOT / "cli.py"), "view", str(ply), "--screenshot", str(png)]
        done = subprocess.run(command, env={**os.environ, "DISPLAY": display.name}, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        picture = np.asarray(Image.open(png)).astype(int)
        assert picture[:, :200, 2].mean() > picture[:, -200:, 2].mean() + 60


@pytest.mark.usefixtures("open3d")
class TestSeveral:
    def test_several_files_are_shown_together(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """The left half of a scene from one file, the right half from another."""
        cloud = cloud_of(box_corner(CAMERA))
        is_left = cloud.xyz[:, 0] < 0
        assert cloud.rgb is not None
        for name, chosen in (("left.ply", is_left), ("right.glb", ~is_left)):
            save(PointCloud(cloud.xyz[chosen], cloud.rgb[chosen], unit="m"), tmp_path / name)
        files = [str(tmp_path / "left.ply"), str(tmp_path / "right.glb")]
        both, one = tmp_path / "both.png", tmp_path / "one.png"
        assert run(["view", *files, "--screenshot", str(both)]) == 0
        assert capsys.readouterr().out == f"{both}: the view of left.ply, right.glb\n"
        assert run(["view", files[0], "--screenshot", str(one)]) == 0
        background = np.asarray(Image.open(one))[0, -1]
        assert (np.asarray(Image.open(both)) == background).all(-1).mean() < 0.15

    def test_a_key_hides_and_shows_a_group_and_leaves_the_view(self) -> None:
        calls: list[tuple[str, object, bool]] = []

        class Window:
            def add_geometry(self, shape: object, resets_view: bool) -> None:
                calls.append(("add", shape, resets_view))

            def remove_geometry(self, shape: object, resets_view: bool) -> None:
                calls.append(("remove", shape, resets_view))

        toggle = viewer.window._toggle(["a", "b"])
        assert toggle(Window())
        assert toggle(Window())
        assert calls == [("remove", "a", False), ("remove", "b", False), ("add", "a", False), ("add", "b", False)]

    def test_options_for_photos_fit_where_one_of_several_is_a_photo(self, tmp_path: Path) -> None:
        truth = box_corner(CAMERA)
        Image.fromarray(truth.rgb).save(tmp_path / "photo.png")
        np.save(tmp_path / "depth.npy", truth.depth.z)
        save(cloud_of(truth), tmp_path / "a.ply")
        files = [str(tmp_path / "photo.png"), str(tmp_path / "a.ply")]
        options = ["--depth-map", str(tmp_path / "depth.npy"), "--depth-kind", "metric", "--axes", "gltf"]
        assert run(["view", *files, *options, "--screenshot", str(tmp_path / "a.png")]) == 0


@pytest.mark.usefixtures("open3d")
def test_window_shows_the_photo(tmp_path: Path, display: VirtualDisplay) -> None:
    truth = box_corner(CAMERA)
    Image.fromarray(truth.rgb).save(tmp_path / "photo.png")
    np.save(tmp_path / "depth.npy", truth.depth.z)
    focal = f"width: 240\nheight: 180\nfx: {CAMERA.fx}\nfy: {CAMERA.fy}\ncx: {CAMERA.cx}\ncy: {CAMERA.cy}\n"
    (tmp_path / "camera.yaml").write_text(focal + "pixel_centre: 0.5\n")
    command = [sys.executable, str(ROOT / "cli.py"), "view", "photo.png", "--depth-map", "depth.npy"]
    options = ["--depth-kind", "metric", "--camera", "camera.yaml"]
    left, top, width, height = photo_viewpoint(CAMERA, (1280, 800)).photo_box

    def shows_photo() -> bool:
        screen = display.pixels()
        drawn = np.argwhere(screen.any(-1))
        if len(drawn) == 0:
            return False
        row, column = drawn.min(0)
        shown = screen[row + top : row + top + height, column + left : column + left + width]
        # The frustum's rectangle lies on the photo's border; everything within is the photo.
        return shown.shape == truth.rgb.shape and difference(shown[2:-2, 2:-2], truth.rgb[2:-2, 2:-2]) < 4

    with (
        (tmp_path / "said.txt").open("w+") as said,
        subprocess.Popen(
            [*command, *options], cwd=tmp_path, env={**os.environ, "DISPLAY": display.name}, stderr=said
        ) as window,
    ):
        wait_until(lambda: window.poll() is not None or shows_photo(), "the window never showed the photo")
        was_open = window.poll() is None
        window.kill()
        said.seek(0)
        assert was_open, said.read()


class TestRefusals:
    @pytest.mark.usefixtures("no_display")
    def test_without_a_display_one_line_names_what_else_to_do(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "a.ply"
        save(cloud_of(step(small_camera())), file)
        assert run(["view", str(file)]) == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.count("\n") == 1
        assert "--screenshot" in said.err
        assert ".glb" in said.err

    def test_a_display_that_does_not_answer_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        monkeypatch.setenv("DISPLAY", ":9876")
        with pytest.raises(ViewerError, match="display"):
            check_window()

    def test_without_open3d(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setitem(sys.modules, "open3d", None)
        with pytest.raises(MissingExtraError, match=r"depth3d\[view\]"):
            check_window(screenshot=tmp_path / "a.png")

    def test_without_a_system_library(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        class Broken:
            @staticmethod
            def find_spec(name: str, path: object = None, target: object = None) -> None:
                if name == "open3d":
                    raise OSError("libGL.so.1: cannot open shared object file")

        monkeypatch.delitem(sys.modules, "open3d", raising=False)
        monkeypatch.setattr(sys, "meta_path", [Broken, *sys.meta_path])
        with pytest.raises(ViewerError, match=r"libGL\.so\.1.*apt install"):
            check_window(screenshot=tmp_path / "a.png")

    def test_screenshot_is_no_picture(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"\.png"):
            check_window(screenshot=tmp_path / "a.glb")

    def test_screenshot_exists(self, tmp_path: Path) -> None:
        (tmp_path / "a.png").touch()
        with pytest.raises(OutputError, match="--force"):
            check_window(screenshot=tmp_path / "a.png")

    @pytest.mark.usefixtures("open3d")
    def test_nothing_to_show(self, tmp_path: Path) -> None:
        with pytest.raises(ViewerError, match="nothing"):
            show([], screenshot=tmp_path / "a.png")

    @pytest.mark.usefixtures("open3d")
    @pytest.mark.parametrize("option", [["--fov", "60"], ["--near", "1m"], ["--as", "cloud"]])
    def test_options_for_photos_are_refused_for_files(
        self, tmp_path: Path, option: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "a.ply"
        save(cloud_of(step(small_camera())), file)
        assert run(["view", str(file), "--screenshot", str(tmp_path / "a.png"), *option]) == 2
        assert option[0] in capsys.readouterr().err
        assert not (tmp_path / "a.png").exists()


class TestViewpoint:
    def test_principal_point_lies_in_the_middle_of_the_window(self) -> None:
        view = photo_viewpoint(CAMERA, (4000, 4000))
        left, top, width, height = view.photo_box
        assert (width, height) == CAMERA.size
        assert left + CAMERA.cx == pytest.approx(view.window_size[0] / 2, abs=0.26)
        assert top + CAMERA.cy == pytest.approx(view.window_size[1] / 2, abs=0.26)
        assert left + width <= view.window_size[0]
        assert top + height <= view.window_size[1]

    def test_window_fits_the_limit(self) -> None:
        view = photo_viewpoint(CAMERA.resized(4000, 3000), (1280, 800))
        assert view.window_size[0] <= 1281
        assert view.window_size[1] <= 801
        assert view.f_px / view.photo_box[2] == pytest.approx(CAMERA.fx / CAMERA.width, rel=2e-3)

    def test_without_a_camera_everything_in_front_is_seen_from_the_origin(self) -> None:
        cloud = cloud_of(box_corner(CAMERA))
        view = framing_viewpoint([cloud], (800, 600))
        assert np.array_equal(view.cam_from_scene, np.eye(4))
        self.assert_sees_all(view, cloud.xyz)

    @pytest.mark.parametrize("offset", [(0, 0, 0), (5, -3, -20), (0, 0, 1)])
    def test_things_around_the_origin_are_seen_from_outside(self, offset: tuple[int, int, int]) -> None:
        corners = np.stack(np.meshgrid(*[[-1, 1]] * 3), -1).reshape(-1, 3) * (2, 1, 3)
        xyz = (corners + offset).astype(np.float32)
        view = framing_viewpoint([PointCloud(xyz, unit="m")], (800, 600))
        self.assert_sees_all(view, xyz)

    @staticmethod
    def assert_sees_all(view: viewer.viewpoint.Viewpoint, xyz: np.ndarray) -> None:
        cam = xyz @ view.cam_from_scene[:3, :3].T + view.cam_from_scene[:3, 3]
        assert (cam[:, 2] > 0).all()
        half = np.asarray(view.window_size) / 2
        assert (np.abs(cam[:, :2] / cam[:, 2:] * view.f_px) <= half).all()


class TestReading:
    @pytest.mark.parametrize("axes", AXES)
    def test_our_ply_says_its_axes(self, tmp_path: Path, axes: str) -> None:
        cloud = cloud_of(box_corner(CAMERA))
        save(cloud, tmp_path / "a.ply", axes=axes)
        (read,) = load_geometry(tmp_path / "a.ply")
        assert np.array_equal(read.xyz, cloud.xyz)
        assert np.array_equal(read.rgb, cloud.rgb)

    def test_a_mirror_leaves_the_front_in_front(self, tmp_path: Path) -> None:
        mesh = mesh_of(box_corner(CAMERA))
        save(mesh, tmp_path / "a.ply", axes="unity")
        (read,) = load_geometry(tmp_path / "a.ply")
        assert isinstance(read, Mesh)
        assert np.array_equal(read.xyz, mesh.xyz)
        assert np.array_equal(read.faces, mesh.faces)

    def test_splats_are_shown_upright_and_coloured(self, tmp_path: Path) -> None:
        truth = box_corner(CAMERA)
        splats = to_gaussians(RGBD(truth.rgb, truth.depth, truth.camera))
        (read,) = load_geometry(save(splats, tmp_path / "a.ply"))
        assert np.array_equal(read.xyz, splats.xyz)
        assert read.rgb is not None
        assert np.array_equal(read.rgb, splats.rgb)

    def test_other_peoples_ply_is_read_as_told(self, tmp_path: Path) -> None:
        (tmp_path / "a.ply").write_text(
            "ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nproperty float z\n"
            "end_header\n1 2 3\n"
        )
        assert load_geometry(tmp_path / "a.ply")[0].xyz.tolist() == [[1, -2, -3]]
        assert load_geometry(tmp_path / "a.ply", axes="opencv")[0].xyz.tolist() == [[1, 2, 3]]

    def test_textured_glb(self, tmp_path: Path) -> None:
        mesh = mesh_of(box_corner(CAMERA))
        save(mesh, tmp_path / "a.glb")
        (read,) = load_geometry(tmp_path / "a.glb")
        assert isinstance(read, Mesh)
        assert np.array_equal(read.xyz, mesh.xyz)
        assert np.array_equal(read.faces, mesh.faces)
        np.testing.assert_allclose(read.uv, mesh.uv, atol=1e-6)
        assert read.texture.shape == mesh.texture.shape
        assert np.abs(read.texture.astype(int) - mesh.texture).mean() < 6

    @pytest.mark.parametrize("kind", ["cloud", "mesh"])
    def test_vertex_colours_of_glb_are_linear(self, tmp_path: Path, kind: str) -> None:
        truth = box_corner(CAMERA)
        value = cloud_of(truth) if kind == "cloud" else mesh_of(truth, textured=False)
        save(value, tmp_path / "a.glb")
        (read,) = load_geometry(tmp_path / "a.glb")
        assert np.abs(read.rgb.astype(int) - value.rgb).max() <= 8

    @pytest.mark.parametrize("suffix", [".obj", ".stl", ".off"])
    def test_meshes_of_others(self, tmp_path: Path, suffix: str) -> None:
        import trimesh

        box = trimesh.creation.box(extents=(2, 4, 6))
        box.export(tmp_path / f"a{suffix}")
        (read,) = load_geometry(tmp_path / f"a{suffix}")
        assert len(read.faces) == 12
        np.testing.assert_allclose(np.abs(read.xyz).max(0), (1, 2, 3))

    @pytest.mark.usefixtures("open3d")
    @pytest.mark.parametrize("suffix", [".pcd", ".xyz", ".pts"])
    def test_clouds_of_others(self, tmp_path: Path, suffix: str) -> None:
        import open3d as o3d

        points = o3d.geometry.PointCloud(o3d.utility.Vector3dVector([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
        if suffix == ".pts":
            points.paint_uniform_color((1, 0, 0))
        o3d.io.write_point_cloud(str(tmp_path / f"a{suffix}"), points)
        (read,) = load_geometry(tmp_path / f"a{suffix}")
        np.testing.assert_allclose(read.xyz, [[1, -2, -3], [4, -5, -6]], atol=1e-6)

    @pytest.mark.usefixtures("open3d")
    @pytest.mark.parametrize("suffix", viewer.GEOMETRY_SUFFIXES)
    @pytest.mark.parametrize("content", [b"", b"hello\n", b"ply\nformat", b"glTF\2\0\0\0\xff\xff\xff\xff", bytes(200)])
    def test_damaged_files_end_in_one_line(
        self, tmp_path: Path, suffix: str, content: bytes, capfd: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / f"a{suffix}"
        file.write_bytes(content)
        with pytest.raises(ViewerError, match="damaged") as caught:
            load_geometry(file)
        assert "\n" not in str(caught.value)
        assert capfd.readouterr().out == ""

    def test_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(ViewerError, match="no such file"):
            load_geometry(tmp_path / "a.ply")

    def test_unknown_suffix_and_axes(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"\.xlsx"):
            load_geometry(tmp_path / "a.xlsx")
        with pytest.raises(UsageError, match="sideways"):
            load_geometry(tmp_path / "a.ply", axes="sideways")


@pytest.mark.usefixtures("open3d")
def test_unknown_depth_leaves_the_background(tmp_path: Path) -> None:
    truth = step(CAMERA)
    metres = truth.depth.z.copy()
    metres[60:120, 80:160] = np.nan
    mesh = to_mesh(RGBD(truth.rgb, MetricDepth(metres, unit="m"), CAMERA))
    hole = shot(mesh, CAMERA, tmp_path / "a.png")[65:115, 85:155]
    assert np.ptp(hole.reshape(-1, 3), axis=0).max() == 0
    assert hole.max() < 60


def test_a_photo_is_shown_in_reruns_viewer_which_is_told_not_to_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("rerun")
    from depth3d.viewers import rerun_viewer

    calls: list[list[str]] = []

    def run_viewer(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        calls.append(command[3:])
        files = [Path(one) for one in command[3:] if one.endswith(".rrd")]
        assert all(file.read_bytes()[:3] == b"RRF" for file in files)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(rerun_viewer.subprocess, "run", run_viewer)
    photo = str(ROOT / "samples" / "room.jpg")
    assert run(["view", photo, "--predictor", "bundled", "--at", "600,560=3m", "--rerun"]) == 0
    assert calls[0] == ["analytics", "disable"]
    assert len(calls[1]) == 1
    assert not Path(calls[1][0]).exists()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--screenshot", "a.png"], "--screenshot: belongs to the Open3D window"),
        (["--max-points", "100"], "max points: --rerun shows every point"),
        (["--layers"], "layers: --rerun shows every point"),
    ],
)
def test_options_that_rerun_cannot_follow_are_refused(
    more: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["view", str(ROOT / "samples" / "room.jpg"), "--rerun", *more]) == 2
    assert words in capsys.readouterr().err


def test_a_viewer_that_cannot_open_says_why_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rerun")
    from depth3d.viewers import rerun_viewer

    failed = subprocess.CompletedProcess([], 1, "", "trace\nError: no display\n\n")
    monkeypatch.setattr(rerun_viewer.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(ViewerError, match="Rerun's viewer cannot open: Error: no display; write the scene with -o"):
        rerun_viewer.show_in_rerun([])
