"""Photos: upright, sRGB and opaque whatever the file, and one line for every file that is no photo."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from depth3d.core.errors import MissingExtraError, PhotoError
from depth3d.io.photos.photo import Exif, Photo, PhotoWarning, read_photo

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
ORIENTATION = 0x0112

# The Exif standard's own words: where on the upright picture the stored row 0 and column 0 lie.
STORED_PIXEL: dict[int, Callable[[int, int, int, int], tuple[int, int]]] = {
    1: lambda row, column, height, width: (row, column),
    2: lambda row, column, height, width: (row, width - 1 - column),
    3: lambda row, column, height, width: (height - 1 - row, width - 1 - column),
    4: lambda row, column, height, width: (height - 1 - row, column),
    5: lambda row, column, height, width: (column, row),
    6: lambda row, column, height, width: (column, width - 1 - row),
    7: lambda row, column, height, width: (height - 1 - column, width - 1 - row),
    8: lambda row, column, height, width: (height - 1 - column, row),
}


def stored_as(upright: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """The pixels as a camera held that way stores them."""
    height, width = upright.shape[:2]
    rows, columns = (width, height) if orientation >= 5 else (height, width)
    row, column = np.indices((rows, columns))
    upright_row, upright_column = STORED_PIXEL[orientation](row, column, height, width)
    return upright[upright_row, upright_column]


def colour_blocks() -> NDArray[np.uint8]:
    """32 x 48 pixels without any symmetry: red and green above, blue and white below, the left ones narrow."""
    blocks = np.empty((32, 48, 3), np.uint8)
    blocks[:16, :16], blocks[:16, 16:], blocks[16:, :16], blocks[16:, 16:] = RED, GREEN, BLUE, WHITE
    return blocks


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def saved_with_orientation(path: Path, pixels: NDArray[np.uint8], orientation: int, **options: object) -> Path:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return saved(path, Image.fromarray(pixels), exif=exif, **options)


def png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png_header(width: int, height: int, *, bits: int = 8, colours: int = 2) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        (".png", {}),
        (".jpg", {"quality": 100, "subsampling": 0}),
        (".webp", {"lossless": True}),
        (".tif", {}),
        (".avif", {"quality": 100, "subsampling": "4:4:4"}),
    ],
)
def test_every_orientation_stands_upright(
    tmp_path: Path, suffix: str, options: dict[str, object], orientation: int
) -> None:
    upright = colour_blocks()
    path = saved_with_orientation(tmp_path / f"photo{suffix}", stored_as(upright, orientation), orientation, **options)
    photo = read_photo(path)
    assert photo.size == (48, 32)
    np.testing.assert_allclose(photo.rgb.astype(int), upright, atol=12)
    assert photo.exif.orientation == orientation


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_a_real_photo(tmp_path: Path, shared_data: Path, orientation: int) -> None:
    with Image.open(shared_data / "opensfm_lund" / "images" / "01.jpg") as image:
        upright = np.asarray(image.resize((320, 240)))
    path = saved_with_orientation(tmp_path / "photo.png", stored_as(upright, orientation), orientation)
    np.testing.assert_array_equal(read_photo(path).rgb, upright)
    with Image.open(path) as image:
        np.testing.assert_array_equal(read_photo(path).rgb, ImageOps.exif_transpose(image))


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_heic_photo_is_upright(tmp_path: Path, orientation: int) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    upright = np.kron(colour_blocks(), np.ones((4, 4, 1), np.uint8))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = tmp_path / "photo.heic"
    heif = pillow_heif.from_pillow(Image.fromarray(stored_as(upright, orientation)))
    heif.save(path, exif=exif.tobytes(), quality=95)
    photo = read_photo(path)
    assert photo.size == (192, 128)
    assert np.abs(photo.rgb.astype(int) - upright).mean() < 6


def test_real_heic_photos(shared_data: Path) -> None:
    pytest.importorskip("pillow_heif")
    arrow = read_photo(shared_data / "iphone_heic" / "arrow.heic")
    assert arrow.size == (3024, 4032)
    assert (arrow.exif.focal_mm, arrow.exif.focal_35mm) == (3.99, 28)
    assert (arrow.exif.captured_width, arrow.exif.captured_height) == (4032, 3024)
    assert (arrow.exif.make, arrow.exif.model, arrow.exif.orientation) == ("Apple", "iPhone 8 Plus", 6)


def test_heic_without_its_package_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "photo.heic"
    path.write_bytes(b"\0\0\0\x1cftypheic" + bytes(100))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(MissingExtraError, match=r"for HEIC photos the package pillow-heif is needed: pip install"):
        read_photo(path)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_impossible_orientation_turns_nothing(tmp_path: Path, orientation: int) -> None:
    photo = read_photo(saved_with_orientation(tmp_path / "photo.png", colour_blocks(), orientation))
    np.testing.assert_array_equal(photo.rgb, colour_blocks())
    assert photo.exif.orientation == 1


@pytest.mark.parametrize(
    "block", [b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0", b"Exif\0\0no tiff here", b"\0" * 9]
)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_broken_exif_block_leaves_the_picture(tmp_path: Path, block: bytes, suffix: str) -> None:
    path = saved(tmp_path / f"photo{suffix}", Image.new("RGB", (40, 30), GREEN), exif=block)
    photo = read_photo(path)
    assert photo.size == (40, 30)
    assert photo.exif.focal_35mm is None
    assert photo.exif.orientation == 1


def test_exif_is_kept_as_written(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Maker ", "Model"
    block = exif.get_ifd(0x8769)
    block.update({0x920A: 5.5, 0xA405: 65535, 0xA404: 0.0, 0xA20E: 1000.5, 0xA20F: 999.5, 0xA210: 3})
    block.update({0xA002: 4000, 0xA003: 3000})
    photo = read_photo(saved(tmp_path / "photo.jpg", Image.new("RGB", (40, 30)), exif=exif))
    assert photo.exif == Exif(
        focal_mm=5.5,
        focal_35mm=65535,
        focal_plane_x=1000.5,
        focal_plane_y=999.5,
        focal_plane_unit=3,
        captured_width=4000,
        captured_height=3000,
        digital_zoom=0,
        make="Maker",
        model="Model",
    )


def test_a_ratio_over_zero_is_not_a_number(tmp_path: Path) -> None:
    entry = struct.pack("<HHII", 0x920A, 5, 1, 44)  # FocalLength, a rational, at byte 44
    tiff = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 0x8769, 4, 1, 26, 0)
    tiff += struct.pack("<H", 1) + entry + struct.pack("<I", 0) + struct.pack("<II", 5, 0)
    photo = read_photo(saved(tmp_path / "photo.jpg", Image.new("RGB", (8, 8)), exif=b"Exif\0\0" + tiff))
    assert photo.exif.focal_mm is not None
    assert not np.isfinite(photo.exif.focal_mm)


def test_transparency_lies_over_white(tmp_path: Path) -> None:
    pixels = np.array([[[255, 0, 0, 255], [255, 0, 0, 0], [0, 0, 0, 128]]], np.uint8)
    photo = read_photo(saved(tmp_path / "photo.png", Image.fromarray(pixels, "RGBA")))
    assert photo.rgb.tolist() == [[[255, 0, 0], [255, 255, 255], [127, 127, 127]]]


def test_grey_with_alpha(tmp_path: Path) -> None:
    pixels = np.array([[[100, 255], [100, 0]]], np.uint8)
    photo = read_photo(saved(tmp_path / "photo.png", Image.fromarray(pixels, "LA")))
    assert photo.rgb.tolist() == [[[100] * 3, [255] * 3]]


@pytest.mark.parametrize("transparency", [1, bytes([255, 0, 255])])
def test_a_palette_with_transparency(tmp_path: Path, transparency: int | bytes) -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([*RED, *GREEN, *BLUE])
    image.putdata([0, 1, 2])
    photo = read_photo(saved(tmp_path / "photo.png", image, transparency=transparency))
    assert photo.rgb.tolist() == [[[*RED], [255, 255, 255], [*BLUE]]]


def test_grey_and_bilevel(tmp_path: Path) -> None:
    assert read_photo(saved(tmp_path / "grey.png", Image.new("L", (2, 1), 77))).rgb.tolist() == [[[77] * 3] * 2]
    assert read_photo(saved(tmp_path / "two.png", Image.new("1", (2, 1), 1))).rgb.tolist() == [[[255] * 3] * 2]


def test_16_bit_grey_is_scaled_and_not_cut(tmp_path: Path) -> None:
    path = tmp_path / "grey16.png"
    cv2.imwrite(str(path), np.array([[0, 257, 32896, 65535]], np.uint16))
    assert read_photo(path).rgb[0, :, 0].tolist() == [0, 1, 128, 255]


def test_16_bit_grey_with_a_transparent_value(tmp_path: Path) -> None:
    path = tmp_path / "grey16.png"
    rows = zlib.compress(b"\0" + struct.pack(">HH", 1000, 40000))
    chunks = (png_chunk(b"tRNS", struct.pack(">H", 1000)), png_chunk(b"IDAT", rows), png_chunk(b"IEND", b""))
    path.write_bytes(png_header(2, 1, bits=16, colours=0) + b"".join(chunks))
    assert read_photo(path).rgb[0, :, 0].tolist() == [255, 156]


def test_16_bit_colour(tmp_path: Path) -> None:
    path = tmp_path / "colour16.png"
    cv2.imwrite(str(path), np.array([[[0, 32896, 65535]]], np.uint16))
    assert read_photo(path).rgb.tolist() == [[[255, 128, 0]]]


def test_16_bit_colour_with_a_transparent_value(tmp_path: Path) -> None:
    path = tmp_path / "colour16.png"
    rows = zlib.compress(b"\0" + struct.pack(">6H", 1000, 2000, 60000, 40000, 40000, 40000))
    transparent = png_chunk(b"tRNS", struct.pack(">3H", 1000, 2000, 60000))
    path.write_bytes(
        png_header(2, 1, bits=16) + transparent + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b""),
    )
    assert read_photo(path).rgb.tolist() == [[[255] * 3, [156] * 3]]


def test_16_bit_pgm(tmp_path: Path) -> None:
    path = tmp_path / "grey.pgm"
    path.write_bytes(b"P5 2 1 1023\n" + struct.pack(">HH", 0, 1023))
    assert read_photo(path).rgb[0, :, 0].tolist() == [0, 255]


def test_a_cmyk_jpeg_has_the_colours_that_were_printed(tmp_path: Path) -> None:
    pixels = np.zeros((16, 32, 4), np.uint8)
    pixels[:, :16] = (0, 255, 255, 0)  # magenta and yellow ink: red
    path = saved(tmp_path / "photo.jpg", Image.fromarray(pixels, "CMYK"), quality=100)
    rgb = read_photo(path).rgb.astype(int)
    np.testing.assert_allclose(rgb[8, 4], RED, atol=6)
    np.testing.assert_allclose(rgb[8, 28], WHITE, atol=6)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".tif"])
def test_an_animation_gives_its_first_frame(tmp_path: Path, suffix: str) -> None:
    first, second = (Image.new("RGB", (16, 8), colour) for colour in (RED, BLUE))
    options = {"lossless": True} if suffix == ".webp" else {}
    path = saved(tmp_path / f"moving{suffix}", first, save_all=True, append_images=[second], **options)
    assert (read_photo(path).rgb == RED).all()


def wide_gamut_profile() -> bytes:
    """A linear-light RGB profile: sRGB's own, its tone curves replaced by straight lines."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for i in range(struct.unpack_from(">I", profile, 128)[0]):
        name, offset, _ = struct.unpack_from(">4sII", profile, 132 + 12 * i)
        if name in (b"rTRC", b"gTRC", b"bTRC"):
            profile[offset : offset + 14] = b"curv" + bytes(4) + struct.pack(">IH", 1, 256)
        if name == b"desc":
            length = struct.unpack_from(">I", profile, offset + 20)[0]
            start = offset + struct.unpack_from(">I", profile, offset + 24)[0]
            profile[start : start + length] = "linear".encode("utf-16-be").ljust(length, b"\0")[:length]
    return bytes(profile)


def test_a_colour_profile_is_brought_to_srgb(tmp_path: Path) -> None:
    image = Image.new("RGB", (300, 300), (55, 55, 55))
    photo = read_photo(saved(tmp_path / "photo.png", image, icc_profile=wide_gamut_profile()))
    linear = 55 / 255
    encoded = 255 * (1.055 * linear ** (1 / 2.4) - 0.055)  # IEC 61966-2-1
    np.testing.assert_allclose(photo.rgb, encoded, atol=1.5)


def test_a_profile_applies_under_transparency_and_to_grey(tmp_path: Path) -> None:
    profile = wide_gamut_profile()
    clear = saved(tmp_path / "clear.png", Image.new("RGBA", (4, 4), (55, 55, 55, 0)), icc_profile=profile)
    assert (read_photo(clear).rgb == 255).all()
    grey = saved(tmp_path / "grey.png", Image.new("L", (4, 4), 55), icc_profile=profile)
    np.testing.assert_allclose(read_photo(grey).rgb, 128, atol=1.5)


@pytest.mark.parametrize("profile", [b"no profile", bytes(200)])
def test_a_damaged_profile_is_said(tmp_path: Path, profile: bytes) -> None:
    path = saved(tmp_path / "photo.png", Image.new("RGB", (4, 4), (9, 8, 7)), icc_profile=profile)
    with pytest.warns(PhotoWarning, match="its colours are taken as sRGB"):
        photo = read_photo(path)
    assert (photo.rgb == (9, 8, 7)).all()


def test_a_profile_of_other_colours_is_said(tmp_path: Path) -> None:
    path = saved(tmp_path / "photo.jpg", Image.new("CMYK", (8, 8)), icc_profile=wide_gamut_profile())
    with pytest.warns(PhotoWarning, match="it is for RGB, the picture is CMYK"):
        read_photo(path)


def test_one_pixel(tmp_path: Path) -> None:
    photo = read_photo(saved(tmp_path / "dot.png", Image.new("RGB", (1, 1), BLUE)))
    assert photo.rgb.tolist() == [[[*BLUE]]]
    assert photo.name == "dot.png"


@pytest.mark.parametrize("name", ["photo.txt", "photo.png", "photo", "photo.npy"])
def test_the_content_decides_and_not_the_suffix(tmp_path: Path, name: str) -> None:
    path = saved(tmp_path / name, Image.new("RGB", (16, 16), GREEN), format="JPEG", quality=100)
    np.testing.assert_allclose(read_photo(path).rgb[0, 0], GREEN, atol=3)


def damaged(folder: Path, name: str) -> Path:
    """A file that is no photo, made in `folder`."""
    path = folder / name
    buffer = BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, "PNG" if name == "cut.png" else "JPEG")
    contents = {
        "empty.jpg": b"",
        "text.jpg": b"Dear diary,\ntoday was sunny.\n",
        "cut.jpg": buffer.getvalue()[:-500],
        "cut.png": buffer.getvalue()[: len(buffer.getvalue()) // 2],
        "header.jpg": b"\xff\xd8\xff\xe0",
        "bomb.png": png_header(100_000, 100_000) + png_chunk(b"IDAT", b""),
        "raw.dng": b"II*\0" + bytes(100),
        "page.pdf": b"%PDF-1.7\n",
        "script.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    }
    if name == "folder.jpg":
        path.mkdir()
    elif name == "pipe.jpg":
        os.mkfifo(path)
    elif name == "float.tif":
        Image.fromarray(np.ones((4, 4), np.float32)).save(path)
    elif name != "missing.jpg":
        path.write_bytes(contents[name])
    return path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.jpg", "no such file"),
        ("empty.jpg", "the file is empty"),
        ("text.jpg", r"no picture, or one with a damaged header \(begins b'Dear diary,"),
        ("cut.jpg", "the picture is damaged: .*truncated"),
        ("cut.png", "the picture is damaged: .*truncated"),
        ("header.jpg", "no picture"),
        ("folder.jpg", "is a folder, not a file"),
        ("pipe.jpg", "is not a regular file"),
        ("bomb.png", "100000x100000 is more than 200 megapixels; resize it first"),
        ("raw.dng", "a camera's raw file; develop it"),
        ("page.pdf", "no picture"),
        ("script.eps", "no picture"),
        ("float.tif", "floating-point samples"),
    ],
)
def test_what_is_no_photo_is_told_in_one_line(tmp_path: Path, name: str, message: str) -> None:
    path = damaged(tmp_path, name)
    with pytest.raises(PhotoError, match=message) as error:
        read_photo(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["two\nlines.jpg", "nul\0byte.jpg", "x" * 300])
def test_odd_names_stay_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(PhotoError) as error:
        read_photo(tmp_path / name)
    assert str(error.value).isprintable()


def test_an_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "photo.png", Image.new("RGB", (4, 4)))

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # root may read everything, so the mode bits show nothing here
    with pytest.raises(PhotoError, match=r"cannot be read: Permission denied$"):
        read_photo(path)


def test_mutilated_files_never_raise_anything_else(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    image = Image.fromarray(rng.integers(0, 255, (24, 32, 3), dtype=np.uint8))
    path = tmp_path / "photo"
    outcomes = set()
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "PPM", "AVIF"):
        buffer = BytesIO()
        image.save(buffer, kind, exif=exif)
        for _ in range(60):
            content = bytearray(buffer.getvalue())
            for position in rng.integers(0, min(len(content), 400), 3):
                content[position] = rng.integers(256)
            path.write_bytes(content[: rng.integers(1, 2 * len(content))])
            try:
                outcomes.add(read_photo(path).rgb.dtype == np.uint8)
            except PhotoError as error:
                outcomes.add("\n" in str(error))
    assert outcomes == {True, False}  # some were still photos, the others failed in one line


def test_pillow_keeps_its_own_limit(tmp_path: Path) -> None:
    before = Image.MAX_IMAGE_PIXELS
    read_photo(saved(tmp_path / "photo.png", Image.new("RGB", (4, 4))))
    with pytest.raises(PhotoError):
        read_photo(damaged(tmp_path, "bomb.png"))
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak of a process's memory is read from /proc")
def test_fifty_megapixels_stand_in_memory_once(tmp_path: Path) -> None:
    path = saved_with_orientation(tmp_path / "large.jpg", np.zeros((6144, 8192, 3), np.uint8), 6)
    program = (
        "import sys; from pathlib import Path; from depth3d.io.photos.photo import read_photo;"
        "photo = read_photo(sys.argv[1]);"
        "peak = next(line for line in Path('/proc/self/status').open() if line.startswith('VmHWM'));"
        "print(*photo.size, peak.split()[1])"
    )
    answer = subprocess.run([sys.executable, "-c", program, path], check=True, capture_output=True, text=True)
    width, height, kilobytes = map(int, answer.stdout.split())
    assert (width, height) == (6144, 8192)
    assert kilobytes < 550_000  # Pillow's own 200 MB, our 150 MB, and the interpreter


def test_a_photo_checks_its_pixels() -> None:
    for pixels in (np.zeros((4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 3), np.float32)):
        with pytest.raises(PhotoError, match=r"expected a non-empty \(H, W, 3\) array of uint8"):
            Photo(pixels)
