from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from four_colour_wall import CAMERA, HEIGHT, WIDTH, check_upright, picture, points
from numpy.typing import NDArray
from plyfile import PlyData
from synthetic_scenes import box_corner, slanted_plane, small_camera, step

from depth3d.core.depth import MetricDepth
from depth3d.core.errors import GeometryError, UsageError
from depth3d.core.point_map import grid_normals, unproject
from depth3d.core.rgbd import RGBD
from depth3d.geometry.gaussians import Gaussians, gaussians_of_points, to_gaussians
from depth3d.io.geometry.axes import AXES, matrix, turned
from depth3d.io.save import save

TRUTH = slanted_plane(small_camera())
SPLATS = gaussians_of_points(points(), picture(), CAMERA)
LAYOUT = [
    *("x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", "opacity"),
    *("scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"),
]


def as_viewers_do(path: Path) -> dict[str, NDArray[Any]]:
    """The steps of the authors' program from file to Gaussians: sigmoid, exponential, rotation from w x y z."""
    (element,) = PlyData.read(str(path)).elements
    row = {name: np.asarray(element.data[name], np.float64) for name in element.data.dtype.names}
    w, x, y, z = (row[f"rot_{i}"] for i in range(4))
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    ).transpose(2, 0, 1)
    sigma = np.exp(np.stack([row[f"scale_{i}"] for i in range(3)], axis=1))
    harmonic = 0.28209479177387814
    return {
        "xyz": np.stack([row["x"], row["y"], row["z"]], axis=1),
        "rgb": 255 * (0.5 + harmonic * np.stack([row[f"f_dc_{i}"] for i in range(3)], axis=1)),
        "opacity": 1 / (1 + np.exp(-row["opacity"])),
        "rotation": rotation,
        "covariance": np.einsum("nij,nj,nkj->nik", rotation, sigma**2, rotation),
    }


def in_the_picture(covariance: NDArray[Any], xyz: NDArray[Any], camera: Any) -> NDArray[Any]:
    """(N, 2, 2) covariance in pixels, by the derivative of the projection (Zwicker et al., EWA Splatting, 2001)."""
    x, y, z = xyz.T
    zero = np.zeros_like(x)
    across = np.array([[camera.fx / z, zero, -camera.fx * x / z**2], [zero, camera.fy / z, -camera.fy * y / z**2]])
    return np.asarray(np.einsum("ijn,njk,lkn->nil", across, covariance, across))


def test_the_layout_is_that_of_the_authors_program(tmp_path: Path) -> None:
    path = save(SPLATS, tmp_path / "a.ply", notes={"photo": "a.jpg"})
    header = path.read_bytes().split(b"end_header\n")[0].decode("ascii").splitlines()
    assert header[:3] == ["ply", "format binary_little_endian 1.0", f"element vertex {WIDTH * HEIGHT}"]
    assert header[3:] == [f"property float {name}" for name in LAYOUT]
    (element,) = PlyData.read(str(path)).elements
    assert element.name == "vertex"
    assert all(element.data.dtype[name] == np.float32 for name in LAYOUT)
    assert not any(element.data[name].any() for name in ("nx", "ny", "nz"))


@pytest.mark.parametrize(("degree", "rest"), [(0, 0), (1, 9), (2, 24), (3, 45)])
def test_programs_that_insist_on_a_degree_find_it(tmp_path: Path, degree: int, rest: int) -> None:
    (element,) = PlyData.read(str(save(SPLATS, tmp_path / "a.ply", sh_degree=degree))).elements
    names = list(element.data.dtype.names)
    assert names == [*LAYOUT[:9], *(f"f_rest_{i}" for i in range(rest)), *LAYOUT[9:]]
    assert not any(element.data[f"f_rest_{i}"].any() for i in range(rest))


@pytest.mark.parametrize("axes", AXES)
def test_places_colours_and_shapes_come_back_in_any_axes(tmp_path: Path, axes: str) -> None:
    read = as_viewers_do(save(SPLATS, tmp_path / "a.ply", axes=axes))
    assert np.array_equal(read["xyz"].astype(np.float32), turned(SPLATS.xyz, axes))
    assert np.array_equal(np.rint(read["rgb"]), SPLATS.rgb)
    assert np.allclose(read["opacity"], 0.99)
    assert np.allclose(np.linalg.det(read["rotation"]), 1)
    third = np.cross(SPLATS.directions[:, 0], SPLATS.directions[:, 1])
    directions = np.concatenate([SPLATS.directions, third[:, None]], axis=1).astype(np.float64)
    covariance = np.einsum("nji,nj,njk->nik", directions, SPLATS.sigma.astype(np.float64) ** 2, directions)
    expected = matrix(axes) @ covariance @ matrix(axes).T
    assert np.allclose(read["covariance"], expected, rtol=1e-4, atol=1e-9)
    check_upright(read["xyz"], read["rgb"], axes)


def test_files_have_camera_axes_unless_told_otherwise(tmp_path: Path) -> None:
    read = as_viewers_do(save(SPLATS, tmp_path / "a.ply"))
    check_upright(read["xyz"], read["rgb"], "opencv")


def test_the_camera_sees_round_spots_of_a_pixel(tmp_path: Path) -> None:
    for thinning in (None, 500):
        grid = unproject(TRUTH.depth, TRUTH.camera, max_points=thinning)
        read = as_viewers_do(save(gaussians_of_points(grid, TRUTH.rgb, TRUTH.camera), tmp_path / "a.ply", force=True))
        seen = in_the_picture(read["covariance"], read["xyz"], TRUTH.camera)
        spacing = TRUTH.camera.width / len(grid.columns)
        assert np.allclose(seen / (0.6 * spacing) ** 2, np.eye(2), atol=0.06)


def test_they_lie_flat_on_the_surface() -> None:
    splats = to_gaussians(RGBD(TRUTH.rgb, TRUTH.depth, TRUTH.camera))
    normal = np.array([0.3, -0.4, -1]) / np.linalg.norm([0.3, -0.4, -1])
    assert np.abs(splats.directions @ normal).max() < 1e-3
    assert np.allclose(np.linalg.norm(splats.directions, axis=2), 1, atol=1e-5)
    assert np.abs(np.einsum("ij,ij->i", splats.directions[:, 0], splats.directions[:, 1])).max() < 1e-3
    assert np.allclose(splats.sigma[:, 2], 0.1 * splats.sigma[:, :2].min(axis=1))


def test_drawn_from_the_camera_they_are_the_photo(tmp_path: Path) -> None:
    read = as_viewers_do(save(SPLATS, tmp_path / "a.ply"))
    seen = np.linalg.inv(in_the_picture(read["covariance"], read["xyz"], CAMERA))
    centre = np.stack(
        [CAMERA.fx * read["xyz"][:, 0] / read["xyz"][:, 2], CAMERA.fy * read["xyz"][:, 1] / read["xyz"][:, 2]], axis=1
    ) + (CAMERA.cx, CAMERA.cy)
    pixel = np.stack(np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5), axis=-1)
    image, light = np.zeros((HEIGHT, WIDTH, 3)), np.ones((HEIGHT, WIDTH))
    for i in np.argsort(read["xyz"][:, 2]):
        away = pixel - centre[i]
        alpha = read["opacity"][i] * np.exp(-0.5 * np.einsum("hwi,ij,hwj->hw", away, seen[i], away))
        image += (light * alpha)[..., None] * read["rgb"][i]
        light *= 1 - alpha
    inside = np.s_[2:-2, 2:-2]
    assert light[inside].max() < 0.01  # no holes
    difference = np.abs(image - picture())[inside]
    assert np.median(difference) < 2
    assert 10 * np.log10(255**2 / np.mean(difference**2)) > 24  # borders between colours blur by a pixel


def test_flat_angles_are_not_stretched_without_end() -> None:
    grazing = slanted_plane(small_camera(), normal=(0.0, -1.0, -0.05), metres=40)
    inverse = np.where(grazing.inverse_metres > 1 / 60, grazing.inverse_metres, np.nan).astype(np.float32)
    splats = to_gaussians(RGBD(grazing.rgb, MetricDepth(1 / inverse, unit="m"), grazing.camera))
    pixel = splats.xyz[:, 2] / grazing.camera.fx
    assert (splats.sigma[:, 0] / pixel).max() < 0.6 * 1.3 / 0.15


def test_a_jump_in_depth_does_not_tilt_its_neighbours() -> None:
    truth = step(small_camera())
    splats = to_gaussians(RGBD(truth.rgb, truth.depth, truth.camera))
    facing = np.cross(splats.directions[:, 0], splats.directions[:, 1])
    assert np.allclose(np.abs(facing[:, 2]), 1, atol=1e-3)


def test_unknown_depth_gives_no_splat() -> None:
    truth = box_corner(small_camera())
    metres = truth.depth.z.copy()
    metres[10:20, 5:9] = np.nan
    splats = to_gaussians(RGBD(truth.rgb, MetricDepth(metres, unit="m"), truth.camera))
    assert len(splats.xyz) == 64 * 48 - 40
    grid = unproject(MetricDepth(metres, unit="m"), truth.camera)
    assert np.array_equal(gaussians_of_points(grid, truth.rgb, truth.camera).rgb, truth.rgb[grid.known])
    assert np.isfinite(grid_normals(grid)[grid.known]).all()


def test_rotations_of_every_kind(tmp_path: Path) -> None:
    turns = np.linalg.qr(np.random.default_rng(0).normal(size=(500, 3, 3)))[0]
    turns = np.concatenate([turns, [np.diag(d) for d in ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))]])
    count = len(turns)
    directions = turns[:, :, :2].transpose(0, 2, 1).astype(np.float32)
    ones = np.ones((count, 3), np.float32)
    splats = Gaussians(ones, ones.astype(np.uint8), directions, ones, unit="m")
    read = as_viewers_do(save(splats, tmp_path / "a.ply"))["rotation"]
    assert np.allclose(read[:, :, :2].transpose(0, 2, 1), directions, atol=1e-5)


def test_what_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="between 0 and 3, got 4"):
        save(SPLATS, tmp_path / "a.ply", sh_degree=4)
    with pytest.raises(GeometryError, match="no proper size"):
        Gaussians(SPLATS.xyz, SPLATS.rgb, SPLATS.directions, SPLATS.sigma * 0, unit="m")
    grid = points()
    grid.xyz[:] = np.nan
    with pytest.raises(GeometryError, match="no point is left"):
        gaussians_of_points(grid, picture(), CAMERA)
