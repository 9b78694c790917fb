"""The focal length from straight lines: on lines whose camera is known exactly, and on photos whose camera is known."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from depth3d.calibration import choose_intrinsics, manhattan
from depth3d.calibration.exif import NoCamera
from depth3d.calibration.line_segments import Segments, find_segments
from depth3d.calibration.manhattan import fit_manhattan
from depth3d.calibration.vanishing_points import SIGMA, camera_from_vanishing_points
from depth3d.core.camera import Intrinsics
from depth3d.io.photos.photo import Exif, Photo, read_photo


def lines_of_a_building(
    focal: float, *, yaw_deg: float, pitch_deg: float, noise_deg: float = 0.0, clutter: int = 0, count: int = 120
) -> Segments:
    """Segments along three directions at right angles, as a camera with this focal length sees them, and stray ones."""
    rng = np.random.default_rng(7)
    yaw, pitch = math.radians(yaw_deg), math.radians(pitch_deg)
    turn = np.array([[math.cos(yaw), 0, math.sin(yaw)], [0, 1, 0], [-math.sin(yaw), 0, math.cos(yaw)]])
    tilt = np.array([[1, 0, 0], [0, math.cos(pitch), -math.sin(pitch)], [0, math.sin(pitch), math.cos(pitch)]])
    axes = (tilt @ turn).T  # rows
    middle = rng.uniform((-1, -0.75), (1, 0.75), (count + clutter, 2))
    axis = axes[rng.integers(0, 3, count + clutter)]
    towards = focal * axis[:, :2] - middle * axis[:, 2:]
    angle = np.arctan2(towards[:, 1], towards[:, 0]) + np.radians(rng.normal(0, 1, count + clutter) * noise_deg)
    angle[count:] = rng.uniform(0, np.pi, clutter)
    length = rng.uniform(0.1, 0.6, count + clutter)
    order = np.argsort(-length)
    direction = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return Segments(middle[order], direction[order], length[order] / length.sum())


@pytest.mark.parametrize("focal", [0.8, 1.5, 2.5])
@pytest.mark.parametrize(("yaw", "pitch"), [(30, 8), (55, -12)])
def test_exact_lines_give_the_exact_focal_length(focal: float, yaw: float, pitch: float) -> None:
    fit = fit_manhattan(lines_of_a_building(focal, yaw_deg=yaw, pitch_deg=pitch))
    assert fit.focal == pytest.approx(focal, rel=2e-3)
    assert fit.score > 0.99
    low, high = fit.interval(0.03)
    assert low <= focal * 1.06
    assert high >= focal / 1.06
    assert math.log(high / low) < math.log(1.35)


def test_noise_and_clutter_move_it_little() -> None:
    fit = fit_manhattan(lines_of_a_building(1.5, yaw_deg=35, pitch_deg=10, noise_deg=0.6, clutter=80))
    assert fit.focal == pytest.approx(1.5, rel=0.05)
    assert 0.4 < fit.score < 0.75


def test_a_view_along_an_axis_says_nothing() -> None:
    """One vanishing point in the middle, the others at infinity: every focal length explains the lines alike."""
    fit = fit_manhattan(lines_of_a_building(1.5, yaw_deg=0, pitch_deg=0))
    low, high = fit.interval(0.03)
    assert math.log(high / low) > 1


def test_the_same_lines_give_the_same_fit() -> None:
    lines = lines_of_a_building(1.5, yaw_deg=35, pitch_deg=10, noise_deg=0.6, clutter=80)
    one, other = fit_manhattan(lines), fit_manhattan(lines)
    assert one.focal == other.focal
    assert one.scores.tobytes() == other.scores.tobytes()


def drawn_house(camera: Intrinsics, *, yaw_deg: float) -> np.ndarray:
    """A wall with rows of windows on two sides of a corner, drawn by projecting its edges."""
    import cv2

    yaw = math.radians(yaw_deg)
    along, across = np.array([math.cos(yaw), 0, math.sin(yaw)]), np.array([-math.sin(yaw), 0, math.cos(yaw)])
    corner = np.array([0.2, 0.6, 3.5])
    picture = np.full((camera.height, camera.width, 3), 200, np.uint8)
    for side in (along, across):
        for column in range(7):
            for row in range(6):
                foot = corner + side * (0.4 + 0.9 * column) + np.array([0, 0.9 - 0.75 * row, 0])
                square = [foot, foot + 0.55 * side, foot + 0.55 * side + (0, -0.5, 0), foot + (0, -0.5, 0)]
                if min(point[2] for point in square) < 0.5:
                    continue
                uv = [(camera.fx * p[0] / p[2] + camera.cx, camera.fy * p[1] / p[2] + camera.cy) for p in square]
                points = np.rint((np.array(uv) - 0.5) * 256).astype(np.int32)
                cv2.fillPoly(picture, [points], (60, 50, 40), cv2.LINE_AA, 8)
    return picture


@pytest.mark.parametrize(("fov", "size"), [(60, (960, 720)), (45, (720, 960)), (75, (1600, 1000))])
def test_a_drawn_house(fov: float, size: tuple[int, int]) -> None:
    true = Intrinsics.from_fov(*size, fov_x_deg=fov)
    camera = camera_from_vanishing_points(drawn_house(true, yaw_deg=38))
    assert isinstance(camera, Intrinsics)
    assert camera.fx == camera.fy == pytest.approx(true.fx, rel=0.02)
    assert (camera.size, camera.cx, camera.cy) == (size, size[0] / 2, size[1] / 2)
    assert camera.focal_sigma == SIGMA
    assert camera.source.startswith(f"vanishing points: {camera.fx:.0f} px (")


def test_pictures_without_such_lines_are_refused() -> None:
    blank = np.zeros((300, 400, 3), np.uint8)
    assert camera_from_vanishing_points(blank) == NoCamera("too few straight lines for vanishing points")
    rng = np.random.default_rng(0)
    import cv2

    scribble = np.full((600, 800, 3), 255, np.uint8)
    for _ in range(150):
        start, end = rng.integers(0, 800, 2), rng.integers(0, 800, 2)
        cv2.line(scribble, start.tolist(), end.tolist(), (0, 0, 0), 1, cv2.LINE_AA)
    found = camera_from_vanishing_points(scribble)
    assert found == NoCamera("its lines show no clear vanishing points at right angles")


def test_segments_count_from_the_middle_of_the_picture() -> None:
    picture = np.zeros((200, 400, 3), np.uint8)
    picture[100:, :] = 255  # an edge on the middle line
    segments = find_segments(picture)
    assert len(segments) == 1
    assert segments.middle[0] == pytest.approx((0, 0), abs=0.01)
    assert np.abs(segments.direction[0]) == pytest.approx((1, 0), abs=1e-3)
    assert segments.weight.sum() == pytest.approx(1)


def test_the_ladder_asks_the_lines_when_exif_is_silent() -> None:
    true = Intrinsics.from_fov(960, 720, fov_x_deg=60)
    house = drawn_house(true, yaw_deg=38)
    asked = choose_intrinsics(Photo(house))
    assert asked.fx == pytest.approx(true.fx, rel=0.02)
    assert asked.source.startswith("vanishing points: ")
    assert asked.source.endswith("(EXIF does not name the lens)")
    assert choose_intrinsics(Photo(house, Exif(focal_35mm=50))).source.startswith("EXIF: ")
    assert choose_intrinsics(Photo(house), fov_x_deg=50).fov_x_deg == pytest.approx(50)


def test_real_photos(shared_data: Path) -> None:
    """Where it answers it is right within 17 %, on photos as taken and on their middles; and it answers often."""
    frames = json.loads((shared_data / "frames.json").read_text())
    focal_px = {f["color"]: f["fx_fy_cx_cy"][0] for f in frames if f["name"] == "7scenes_720"}
    focal_px |= {f"opensfm_lund/images/{number}.jpg": 890.57 for number in (15, 17)}
    errors = []
    for name, true_px in focal_px.items():
        rgb = read_photo(shared_data / name).rgb
        height, width = rgb.shape[:2]
        across, down = int(width * 0.15), int(height * 0.15)
        for picture in (rgb, rgb[down : height - down, across : width - across]):
            camera = camera_from_vanishing_points(picture)
            if isinstance(camera, Intrinsics):
                errors.append(abs(math.log(camera.fx / true_px)))
    assert len(errors) >= 4
    assert max(errors) < 0.17
    assert np.median(errors) < 0.06


def test_many_directions_at_once_score_as_each_alone() -> None:
    segments = lines_of_a_building(1.4, yaw_deg=30, pitch_deg=10, noise_deg=0.5, clutter=40)
    axes = np.linalg.qr(np.random.default_rng(3).standard_normal((250, 3, 3)))[0]
    alone = [manhattan._agreement(manhattan._sines(segments, 1.4, one)).max(axis=0) @ segments.weight for one in axes]
    np.testing.assert_allclose(manhattan._scores(segments, 1.4, axes.astype(np.float32)), alone, atol=1e-4)
