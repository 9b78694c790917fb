"""The ladder of cameras: every rung's numbers, what it says of them, and when the next one is taken."""

from __future__ import annotations

import json
import math
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from depth3d.calibration import choose_intrinsics
from depth3d.calibration.exif import NoCamera, camera_from_exif
from depth3d.core.camera import Intrinsics
from depth3d.core.errors import CameraError, UsageError
from depth3d.core.focal_35mm import film_mm_from_focal_px, focal_px_from_film
from depth3d.io.cameras.camera_file import read_camera_file
from depth3d.io.photos.photo import Exif, Photo, read_photo

FILM = (3600, 2400)  # a hundred pixels per millimetre of a 36 mm x 24 mm film frame
FULL_FRAME = Exif(focal_mm=50, focal_plane_x=1000, focal_plane_y=1000, focal_plane_unit=3)


def photo_of(width: int, height: int, exif: Exif | None = None) -> Photo:
    return Photo(np.broadcast_to(np.uint8(0), (height, width, 3)), exif or Exif(), "photo.jpg")


def found(exif: Exif, size: tuple[int, int]) -> Intrinsics:
    camera = camera_from_exif(exif, size)
    assert isinstance(camera, Intrinsics), camera
    assert camera.size == size
    assert (camera.cx, camera.cy) == (size[0] / 2, size[1] / 2)
    return camera


def written(folder: Path, content: object, name: str = "camera.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


# The ladder


def test_the_stated_angle_lies_between_the_image_edges() -> None:
    camera = choose_intrinsics(photo_of(400, 600), fov_x_deg=90)
    assert camera.fx == camera.fy == pytest.approx(200)
    assert (camera.cx, camera.cy) == (200, 300)
    assert camera.source == "stated: 90 degrees from left to right"


def test_the_stated_focal_length() -> None:
    camera = choose_intrinsics(photo_of(400, 600), focal_px=500)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (500, 500, 200, 300)
    assert camera.source == "stated: focal length 500 px"


def test_what_is_stated_beats_exif_and_exif_beats_the_assumption(tmp_path: Path) -> None:
    photo = photo_of(*FILM, Exif(focal_35mm=50))
    path = written(tmp_path, {"fx": 4000, "fy": 4000, "cx": 1799.5, "cy": 1199.5})
    assert choose_intrinsics(photo, focal_px=4500).fx == 4500
    assert choose_intrinsics(photo, camera_file=path).fx == 4000
    assert choose_intrinsics(photo).fx == pytest.approx(5000)
    assert choose_intrinsics(replace(photo, exif=Exif())).source.startswith("assumed: ")


def test_two_statements_exclude_one_another(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give one of them"):
        choose_intrinsics(photo_of(4, 3), fov_x_deg=60, focal_px=4)
    with pytest.raises(UsageError, match="give one of them"):
        choose_intrinsics(photo_of(4, 3), fov_x_deg=60, camera_file=tmp_path / "camera.json")


@pytest.mark.parametrize("fov_x_deg", [0, -1, 180, math.nan, math.inf])
def test_impossible_angles(fov_x_deg: float) -> None:
    with pytest.raises(UsageError, match="must lie between 0 and 180 degrees, got"):
        choose_intrinsics(photo_of(4, 3), fov_x_deg=fov_x_deg)


@pytest.mark.parametrize("focal_px", [0, -5, math.nan, math.inf])
def test_impossible_focal_lengths(focal_px: float) -> None:
    with pytest.raises(UsageError, match="must be a positive number of pixels, got"):
        choose_intrinsics(photo_of(4, 3), focal_px=focal_px)


@pytest.mark.parametrize("focal_px", [26, 0.9, 1e9])
def test_millimetres_given_as_pixels_are_noticed(focal_px: float) -> None:
    with pytest.raises(UsageError, match="give it in pixels, not millimetres"):
        choose_intrinsics(photo_of(4032, 3024), focal_px=focal_px)


@pytest.mark.parametrize("size", [(4000, 3000), (3000, 4000)])
def test_the_assumption_spans_the_long_side_and_says_so(size: tuple[int, int]) -> None:
    camera = choose_intrinsics(photo_of(*size))
    assert max(camera.fov_x_deg, camera.fov_y_deg) == pytest.approx(60)
    assert camera.source.startswith("assumed: 60 degrees along the long side (EXIF does not name the lens, and ")


# Exif: the equivalent on 35 mm film


def test_film_equivalents_go_by_the_diagonal() -> None:
    assert focal_px_from_film(50, FILM) == pytest.approx(5000)
    assert focal_px_from_film(43.2666153, (3, 4)) == pytest.approx(5)
    assert film_mm_from_focal_px(5000, FILM) == pytest.approx(50)


@pytest.mark.parametrize("size", [FILM, (1800, 1200), (2400, 3600)])
def test_resizing_and_turning_keep_the_angle_of_the_film_equivalent(size: tuple[int, int]) -> None:
    for exif in (Exif(focal_35mm=50), Exif(focal_35mm=50, captured_width=3600, captured_height=2400)):
        camera = found(exif, size)
        assert camera.fx == camera.fy == pytest.approx(50 * max(size) / 36)
        assert camera.source == "EXIF: 50 mm equivalent by the diagonal, off by up to 16 % on phones"


def test_a_crop_keeps_the_scale_of_the_picture_it_is_from() -> None:
    wide = found(Exif(focal_35mm=50, captured_width=3600, captured_height=2400), (3600, 2025))
    assert wide.fx == pytest.approx(5000)
    assert "cropped after capture from 3600x2400" in wide.source
    square = found(Exif(focal_35mm=50, captured_width=3600, captured_height=2400), (1200, 1200))
    assert square.fx == pytest.approx(2500)


def test_digital_zoom_is_counted_in_by_the_film_equivalent_but_not_by_the_lens() -> None:
    camera = found(Exif(focal_35mm=50, digital_zoom=2), FILM)
    assert camera.fx == pytest.approx(5000)
    assert "digital zoom 2.00 taken as counted in" in camera.source
    camera = found(replace(FULL_FRAME, digital_zoom=2), FILM)
    assert camera.fx == pytest.approx(10000)
    assert "digital zoom 2.00 multiplied in" in camera.source


@pytest.mark.parametrize("zoom", [None, 0, 1, 0.5, -3, math.nan, math.inf, 65535])
def test_a_digital_zoom_that_is_none_changes_nothing(zoom: float | None) -> None:
    camera = found(replace(FULL_FRAME, digital_zoom=zoom), FILM)
    assert camera.fx == pytest.approx(5000)
    assert "zoom" not in camera.source


# Exif: lens and focal plane


@pytest.mark.parametrize(("unit", "density"), [(2, 2540), (3, 1000), (4, 100), (5, 0.1), (None, 2540)])
def test_the_focal_plane_in_every_unit(unit: int | None, density: float) -> None:
    exif = Exif(focal_mm=50, focal_plane_x=density, focal_plane_y=density, focal_plane_unit=unit)
    camera = found(exif, FILM)
    assert camera.fx == camera.fy == pytest.approx(5000)
    assert camera.source.startswith("EXIF: 50 mm lens with the focal plane's resolution")


def test_the_focal_plane_belongs_to_the_picture_as_captured() -> None:
    exif = replace(FULL_FRAME, captured_width=3600, captured_height=2400)
    assert found(exif, (900, 600)).fx == pytest.approx(1250)
    assert found(exif, (3600, 2025)).fx == pytest.approx(5000)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_the_photo_turns_the_focal_plane(orientation: int) -> None:
    exif = replace(FULL_FRAME, focal_plane_y=1100, captured_width=3600, captured_height=2400, orientation=orientation)
    camera = found(exif, (2400, 3600) if orientation >= 5 else FILM)
    expected = (5500, 5000) if orientation >= 5 else (5000, 5500)
    assert (camera.fx, camera.fy) == pytest.approx(expected)


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_photo_turned_by_software_that_left_the_tags(orientation: int) -> None:
    size = (2400, 3600)
    in_other_order = replace(FULL_FRAME, focal_plane_y=1100, orientation=orientation)
    kept = replace(in_other_order, captured_width=3600, captured_height=2400)
    turned = replace(in_other_order, captured_width=2400, captured_height=3600, orientation=6)
    for exif in (kept, turned):
        camera = found(exif, size)
        assert (camera.fx, camera.fy) == pytest.approx((5500, 5000))


def test_a_missing_vertical_resolution_is_the_horizontal_one() -> None:
    assert found(replace(FULL_FRAME, focal_plane_y=None), FILM).fy == pytest.approx(5000)


# Exif: nonsense


@pytest.mark.parametrize("film_mm", [65535, 1, -35, 1e9, math.inf, math.nan])
def test_a_nonsense_equivalent_is_said_and_the_next_rung_taken(film_mm: float) -> None:
    camera = found(replace(FULL_FRAME, focal_35mm=film_mm), FILM)
    assert camera.fx == pytest.approx(5000)
    assert camera.source.startswith("EXIF: 50 mm lens")
    assert f"EXIF's 35 mm equivalent of {film_mm:g} mm cannot be" in camera.source


@pytest.mark.parametrize(
    "nonsense",
    [
        {"focal_plane_x": 0},
        {"focal_plane_x": math.inf},
        {"focal_plane_x": math.nan},
        {"focal_plane_x": -1000},
        {"focal_plane_y": 2000},
        {"focal_plane_unit": 9},
        {"focal_plane_x": 1e9, "focal_plane_y": 1e9},
        {"focal_plane_x": 65535e3, "focal_plane_y": 65535e3},
        {"focal_mm": math.inf},
        {"focal_mm": math.nan},
        {"focal_mm": -50},
        {"focal_mm": 1e9},
        {"focal_mm": 65535},
    ],
)
def test_a_nonsense_focal_plane_ends_in_the_assumption_and_is_said(nonsense: dict[str, float]) -> None:
    camera = choose_intrinsics(photo_of(*FILM, replace(FULL_FRAME, **nonsense)))
    assert camera.fov_x_deg == pytest.approx(60)
    assert camera.source.startswith("assumed: 60 degrees along the long side (EXIF's ")
    assert "focal-plane resolution" in camera.source


def test_zero_is_the_standards_word_for_unknown() -> None:
    assert camera_from_exif(Exif(focal_35mm=0, focal_mm=0), FILM) == NoCamera("EXIF does not name the lens")


@pytest.mark.parametrize("captured", [(0, 0), (-1, 5), (10**9, 10**9), (1, 1), (65535, None)])
def test_a_nonsense_captured_size_does_not_change_the_film_equivalent(captured: tuple[int, int | None]) -> None:
    exif = Exif(focal_35mm=50, captured_width=captured[0], captured_height=captured[1])
    assert found(exif, FILM).fx == pytest.approx(5000)


def test_a_witness_that_disagrees_is_named() -> None:
    agreeing = found(replace(FULL_FRAME, focal_35mm=52), FILM)
    assert agreeing.fx == pytest.approx(5200)
    assert "instead" not in agreeing.source
    contradicted = found(replace(FULL_FRAME, focal_35mm=75), FILM)
    assert contradicted.fx == pytest.approx(7500)
    assert "the focal plane's resolution says 5000 px instead of 7500 px" in contradicted.source


def test_a_damaged_block_is_said(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (8, 8)).save(path, exif=b"Exif\0\0no tiff here")
    assert "(EXIF cannot be read: " in choose_intrinsics(read_photo(path)).source


@given(
    film_mm=st.floats(allow_nan=True, allow_infinity=True),
    focal_mm=st.floats(allow_nan=True, allow_infinity=True),
    density=st.floats(allow_nan=True, allow_infinity=True),
    unit=st.integers(-3, 10),
    captured=st.tuples(st.integers(-5, 10**12), st.integers(-5, 10**12)),
    orientation=st.integers(1, 8),
    zoom=st.floats(allow_nan=True, allow_infinity=True),
)
def test_whatever_exif_says_there_is_a_camera(  # noqa: PLR0913
    film_mm: float,
    focal_mm: float,
    density: float,
    unit: int,
    captured: tuple[int, int],
    orientation: int,
    zoom: float,
) -> None:
    exif = Exif(focal_mm, film_mm, density, density, unit, *captured, orientation, zoom)
    camera = choose_intrinsics(photo_of(400, 300, exif))
    assert camera.size == (400, 300)
    assert "\n" not in camera.source


# Exif: real photos


def test_a_turned_photo_from_file_to_camera(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769).update({0x920A: 50.0, 0xA20E: 1000.0, 0xA20F: 1100.0, 0xA210: 3, 0xA002: 3600, 0xA003: 2400})
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (360, 240)).save(path, exif=exif)
    photo = read_photo(path)
    camera = choose_intrinsics(photo)
    assert photo.size == camera.size == (240, 360)
    assert (camera.fx, camera.fy) == pytest.approx((550, 500))


def test_street_photos_against_structure_from_motion(shared_data: Path) -> None:
    line = (shared_data / "opensfm_lund" / "colmap_sparse" / "cameras.txt").read_text().splitlines()[-1].split()
    truth_px = float(line[4])
    for name in ("01.jpg", "29.jpg"):
        camera = choose_intrinsics(read_photo(shared_data / "opensfm_lund" / "images" / name))
        assert camera.fx == pytest.approx(35 * 1280 / math.hypot(36, 24))
        assert camera.fx / truth_px == pytest.approx(1.163, abs=0.001)  # this phone's tag is off by 16 %, as we say
        assert camera.source == "EXIF: 35 mm equivalent by the diagonal, off by up to 16 % on phones"


@pytest.mark.parametrize(("name", "focal_px"), [("arrow", 3261.6), ("xiaomi", 3594.5)])
def test_phone_photos(shared_data: Path, name: str, focal_px: float) -> None:
    pytest.importorskip("pillow_heif")
    camera = choose_intrinsics(read_photo(shared_data / "iphone_heic" / f"{name}.heic"))
    assert camera.fx == camera.fy == pytest.approx(focal_px, abs=0.1)
    assert camera.source.startswith("EXIF: ")


def test_the_calibration_beside_apples_depth(shared_data: Path) -> None:
    pytest.importorskip("pillow_heif")
    photo = read_photo(shared_data / "iphone_heic" / "pug.heic")
    camera = choose_intrinsics(photo)
    # as written in the file's XMP, by columns
    assert (camera.fx, camera.fy) == pytest.approx((3032.594, 3032.594), abs=1e-3)
    assert (camera.cx, camera.cy) == pytest.approx((1988.451, 1512.307), abs=1e-3)
    assert camera.source.startswith("the device's own calibration")
    upside_down = replace(photo, exif=replace(photo.exif, orientation=3))
    assert choose_intrinsics(upside_down).cx == pytest.approx(4032 - 1988.451, abs=1e-3)
    half = replace(photo, rgb=np.zeros((1512, 2016, 3), np.uint8))
    assert choose_intrinsics(half).fx == pytest.approx(3032.594 / 2, abs=1e-3)


@pytest.mark.parametrize(
    ("old", "new"), [(b"3032.59423828125", b"zoom"), (b"3032.59423828125", b"1"), (b">4032<", b">4000<")]
)
def test_a_calibration_that_cannot_be_is_passed_over(shared_data: Path, old: bytes, new: bytes) -> None:
    pytest.importorskip("pillow_heif")
    photo = read_photo(shared_data / "iphone_heic" / "pug.heic")
    assert photo.depth_xmp is not None
    assert old in photo.depth_xmp
    damaged = replace(photo, depth_xmp=photo.depth_xmp.replace(old, new))
    assert choose_intrinsics(damaged).source.startswith("EXIF: ")


@pytest.mark.parametrize("name", ["tunnel", "shelf"])  # one has an empty Exif block, the other none
def test_photos_without_exif_say_what_was_assumed(shared_data: Path, name: str) -> None:
    camera = choose_intrinsics(read_photo(shared_data / "depthy_lensblur" / f"{name}-image.jpg"))
    assert max(camera.fov_x_deg, camera.fov_y_deg) == pytest.approx(60)
    assert camera.source.startswith("assumed: 60 degrees along the long side (EXIF does not name the lens, and ")


# Camera files

NUMBERS = {"fx": 525.0, "fy": 520.0, "cx": 319.5, "cy": 239.5}
ROWS = [[525.0, 0, 319.5], [0, 520.0, 239.5], [0, 0, 1]]
BY_COLUMNS = [525.0, 0, 0, 0, 520.0, 0, 319.5, 239.5, 1]


@pytest.mark.parametrize(
    "content",
    [
        NUMBERS,
        {"K": ROWS},
        {"K": [number for row in ROWS for number in row]},
        {"camera_matrix": ROWS},
        {"K": BY_COLUMNS, "width": 640, "height": 480},
        ROWS,
        {**NUMBERS, "pixel_centre": 0, "distortion": [0, 0, 0, 0], "k1": 0, "comment": "a Kinect"},
        {**NUMBERS, "cx": 320, "cy": 240, "pixel_centre": 0.5},
        {**NUMBERS, "cx": 320, "cy": 240, "pixel_center": 0.5},
    ],
)
@pytest.mark.parametrize("suffix", [".json", ".yaml", ".yml"])
def test_every_way_to_write_a_camera(tmp_path: Path, content: object, suffix: str) -> None:
    text = json.dumps(content) if suffix == ".json" else yaml.safe_dump(content)
    camera = read_camera_file(written(tmp_path, text, f"camera{suffix}"), (640, 480))
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (525, 520, 320, 240)
    assert camera.size == (640, 480)
    assert camera.source == f"camera file camera{suffix}"


def test_yaml_numbers_as_people_write_them(tmp_path: Path) -> None:
    text = "# a camera\nfx: 1e3  # YAML 1.1 reads this as text\nfy: +1_000.0\ncx: '320'\ncy: 240\n"
    camera = read_camera_file(written(tmp_path, text, "camera.yaml"), (640, 480))
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (1000, 1000, 320.5, 240.5)


def test_resizing_is_right_by_half_a_pixel(tmp_path: Path) -> None:
    path = written(tmp_path, {**NUMBERS, "width": 640, "height": 480})
    camera = read_camera_file(path, (1280, 960))
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (1050, 1040, 640, 480)
    assert camera.integer_centre_matrix()[0, 2] == 639.5  # and not 2 * 319.5
    assert camera.source == "camera file camera.json, resized from 640x480"


@given(width=st.integers(8, 5000), height=st.integers(8, 5000), factor=st.integers(2, 9))
def test_resizing_keeps_every_ray(
    tmp_path_factory: pytest.TempPathFactory, width: int, height: int, factor: int
) -> None:
    focal_px = math.hypot(width, height)
    content = {"fx": focal_px, "fy": focal_px, "cx": 0.4 * width, "cy": 0.6 * height, "width": width, "height": height}
    path = written(tmp_path_factory.getbasetemp(), content)
    camera = read_camera_file(path, (width * factor, height * factor))
    last_pixel = (width * factor - 0.5 - camera.cx) / camera.fx  # centre of the large picture's last pixel
    assert last_pixel == pytest.approx((width - 0.5 / factor - (0.4 * width + 0.5)) / focal_px, abs=1e-9)


def test_open3ds_own_camera_file(shared_data: Path) -> None:
    path = shared_data / "rgbd_redwood_open3d" / "camera_primesense.json"
    camera = choose_intrinsics(photo_of(640, 480), camera_file=path)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (525, 525, 320, 240)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"fx": 525, "fy": 525, "cx": 320}, r"cy missing \(found cx, fx, fy\); expected K, or fx, fy, cx and cy"),
        ({"focal": 525}, r"fx, fy, cx, cy missing \(found focal\)"),
        ({}, "holds no camera"),
        ([], "K must be a matrix of 3x3 numbers"),
        ("null", "holds no camera"),
        ("", "the file is empty"),
        ("17", "holds no camera"),
        ("{", "not valid JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"fx": 1' + "0" * 6000 + ', "fy": 1, "cx": 1, "cy": 1}', "fx must be a finite number"),
        ({**NUMBERS, "fx": "wide"}, "fx must be a finite number, got 'wide'"),
        ({**NUMBERS, "fx": True}, "fx must be a finite number, got 'True'"),
        ({**NUMBERS, "fx": None}, "fx must be a finite number, got 'None'"),
        ({**NUMBERS, "fx": [525]}, "fx must be a finite number"),
        ({**NUMBERS, "cx": math.nan}, "cx must be a finite number"),
        ({**NUMBERS, "cy": math.inf}, "cy must be a finite number"),
        ({**NUMBERS, "fx": 0}, "fx = 0 cannot be for a picture of 640x480"),
        ({**NUMBERS, "fy": -525}, "fy = -525 cannot be"),
        ({**NUMBERS, "fx": 0.82, "fy": 1.09}, "focal lengths are in pixels, not millimetres or fractions"),
        ({**NUMBERS, "fx": 1e9}, "cannot be for a picture of 640x480"),
        ({**NUMBERS, "cx": 959.5}, "cx = 959.5 is far from the middle of 640x480; add the width and height"),
        ({**NUMBERS, "cy": 0.5}, "cy = 0.5 is far from the middle"),
        ({**NUMBERS, "cx": 1e6, "width": 640, "height": 480}, "cx = 1e[+]06 is far from the middle of 640x480"),
        ({**NUMBERS, "K": ROWS}, "give either K or fx, fy, cx and cy, not both"),
        ({"K": ROWS[:2]}, "K must be a matrix of 3x3 numbers"),
        ({"K": {"rows": 3}}, "K must be a matrix of 3x3 numbers"),
        ({"K": [[525, 1, 320], [0, 525, 240], [0, 0, 1]]}, r"K must be \[\[fx, 0, cx\]"),
        ({"K": [[525, 0, 320], [0, 525, 240], [0, 0, 2]]}, r"K must be \[\[fx, 0, cx\]"),
        ({**NUMBERS, "width": 640}, "width is there but not the other"),
        ({**NUMBERS, "width": 640.5, "height": 480}, "width and height must be whole numbers"),
        ({**NUMBERS, "width": 0, "height": 0}, "width and height must be whole numbers"),
        ({**NUMBERS, "width": 640, "height": 400}, "is of a picture of 640x400, the photo is 640x480; they must have"),
        ({**NUMBERS, "width": 480, "height": 640}, "give it for the photo turned upright"),
        ({**NUMBERS, "pixel_centre": 1}, r"pixel_centre is 0 .* or 0.5 .*, got 1"),
        ({**NUMBERS, "distortion": [0.1] * 12}, "12 distortion coefficients; those beyond k6"),
        ({**NUMBERS, "distortion": ["a"]}, "distortion must be a finite number, got 'a'"),
        ({**NUMBERS, "distortion": [0.1], "k1": 0.1}, "give the distortion either as distortion or as k1, not both"),
        ({**NUMBERS, "lens": "opencv_fisheye", "p1": 0.1}, "a fisheye has no p1"),
        (
            {**NUMBERS, "lens": "opencv_fisheye", "distortion": [0.1] * 5},
            "a fisheye has 4 distortion coefficients, got 5",
        ),
        ({**NUMBERS, "focal_sigma": 2}, "focal_sigma is a share of the focal length from 0 to 1, got 2"),
        ({**NUMBERS, "lens": "magnifier"}, "lens is ideal, opencv or opencv_fisheye, got 'magnifier'"),
    ],
)
def test_a_camera_file_that_is_none_is_told_in_one_line(tmp_path: Path, content: object, message: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(CameraError, match=message) as error:
        read_camera_file(path, (640, 480))
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "a: b: c",
        "\t- x",
        "- &a [*a]",
        "!!python/object/apply:os.abort []",
        "[" * 5000,
        "%YAML 9.9\n---\nx",
        "x: \0",
    ],
)
def test_yaml_that_is_no_camera(tmp_path: Path, text: str) -> None:
    with pytest.raises(CameraError) as error:
        read_camera_file(written(tmp_path, text, "camera.yaml"), (640, 480))
    assert "\n" not in str(error.value)


def test_yaml_runs_no_code(tmp_path: Path) -> None:
    witness = tmp_path / "was_run"
    text = f"fx: !!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path ['{witness}']]"
    with pytest.raises(CameraError):
        read_camera_file(written(tmp_path, text, "camera.yaml"), (640, 480))
    assert not witness.exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("camera.csv", b"525 525", "ends in .json, .yaml, .yml or .xml, or is COLMAP's"),
        ("camera.yaml", b" " * 1_000_001, "larger than 1 MB"),
        ("camera.json", b"\xff\xfe\x00", "not valid JSON"),
        ("camera.json", struct.pack("<9d", *range(9)), "not valid JSON"),
        ("folder.json", None, "is a folder, not a file"),
        ("missing.json", None, "no such file"),
    ],
)
def test_what_is_no_camera_file(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    elif name.startswith("folder"):
        path.mkdir()
    with pytest.raises(CameraError, match=message):
        choose_intrinsics(photo_of(4, 3), camera_file=path)
