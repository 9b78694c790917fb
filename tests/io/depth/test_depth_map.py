"""The user's own depth: every format's numbers, every kind's meaning, no depth invented, one line for what is none."""

from __future__ import annotations

import pickle
import struct
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import DepthMapError, MissingExtraError, UsageError
from depth3d.io import save as formats
from depth3d.io.depth.depth_map import DepthMapWarning, read_depth_map

SIZE = (4, 3)
RAMP = np.arange(12, dtype=np.float32).reshape(3, 4)  # one 0, and no symmetry


def metres(path: Path, size: tuple[int, int] = SIZE, **options: Any) -> NDArray[np.float32]:
    depth = read_depth_map(path, kind="metric", size=size, **options)
    assert isinstance(depth, MetricDepth)
    return depth.z


def inverse_depth(path: Path, size: tuple[int, int] = SIZE, **options: Any) -> NDArray[np.float32]:
    depth = read_depth_map(path, kind="inverse", size=size, **options)
    assert isinstance(depth, InverseDepth)
    assert not depth.zero_is_infinity
    return depth.values


def saved(folder: Path, name: str, values: NDArray[Any]) -> Path:
    """A file of these numbers, written by somebody else's writer."""
    path = folder / name
    suffix = path.suffix
    if suffix == ".npy":
        np.save(path, values)
    elif suffix == ".npz":
        np.savez_compressed(path, values)
    elif suffix == ".exr":
        openexr = pytest.importorskip("OpenEXR")
        openexr.File({}, {"Z": values}).write(str(path))
    else:
        assert cv2.imwrite(str(path), values)
    return path


def pfm(values: NDArray[np.float32], *, little_endian: bool = True) -> bytes:
    scale, order = ("-1.0", "<f4") if little_endian else ("1.0", ">f4")
    return f"Pf\n{values.shape[1]} {values.shape[0]}\n{scale}\n".encode() + values[::-1].astype(order).tobytes()


# Every format's numbers


@pytest.mark.parametrize("name", ["d.png", "d.tif", "d.pgm", "d.npy", "d.npz"])
def test_16_bits_arrive_unchanged(tmp_path: Path, name: str) -> None:
    stored = (RAMP * 5957).astype(np.uint16)  # up to 65527
    np.testing.assert_array_equal(inverse_depth(saved(tmp_path, name, stored)), stored)


@pytest.mark.parametrize("name", ["d.npy", "d.npz", "d.pfm", "d.exr", "d.tif"])
def test_floating_point_arrives_unchanged(tmp_path: Path, name: str) -> None:
    stored = RAMP / 7 - 0.5
    np.testing.assert_array_equal(inverse_depth(saved(tmp_path, name, stored)), stored)


@pytest.mark.parametrize("dtype", ["<f2", ">f4", "<f8", "<i4", ">u2", "<i8"])
@pytest.mark.parametrize("by_columns", [False, True])
def test_numpy_arrays_of_every_number_type(tmp_path: Path, dtype: str, by_columns: bool) -> None:
    stored = np.asarray(RAMP.astype(dtype), order="F" if by_columns else "C")
    np.testing.assert_array_equal(inverse_depth(saved(tmp_path, "d.npy", stored)), RAMP)


@pytest.mark.parametrize("shape", [(1, 3, 4), (3, 4, 1), (1, 1, 3, 4)])
def test_axes_of_length_one_are_dropped(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.testing.assert_array_equal(inverse_depth(saved(tmp_path, "d.npy", RAMP.reshape(shape))), RAMP)


@pytest.mark.parametrize("little_endian", [True, False])
def test_pfm_of_both_byte_orders_stands_upright(tmp_path: Path, little_endian: bool) -> None:
    path = tmp_path / "d.pfm"
    path.write_bytes(pfm(RAMP, little_endian=little_endian))
    np.testing.assert_array_equal(inverse_depth(path), RAMP)


def test_pfm_with_windows_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "d.pfm"
    path.write_bytes(b"Pf\r\n4 3\r\n-1.0\r\n" + RAMP[::-1].tobytes())
    np.testing.assert_array_equal(inverse_depth(path), RAMP)


@pytest.mark.parametrize("greatest", [100, 255, 1000, 4095, 65535])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_pgm_keeps_its_own_numbers(tmp_path: Path, greatest: int, ascii_only: bool) -> None:
    stored = np.round(RAMP * greatest / 11).astype(int)
    path = tmp_path / "d.pgm"
    header = f"P{2 if ascii_only else 5}\n# made by hand\n4 3\n{greatest}\n".encode()
    numbers = " ".join(map(str, stored.ravel())).encode() + b"\n"
    path.write_bytes(header + (numbers if ascii_only else stored.astype(">u2" if greatest > 255 else "u1").tobytes()))
    if greatest > 255:
        values = inverse_depth(path)
    else:
        with pytest.warns(DepthMapWarning):
            values = inverse_depth(path)
    np.testing.assert_array_equal(values, stored)


@pytest.mark.parametrize("name", ["d.png", "d.bmp", "d.npy"])
def test_8_bits_are_warned_about(tmp_path: Path, name: str) -> None:
    path = saved(tmp_path, name, RAMP.astype(np.uint8))
    with pytest.warns(DepthMapWarning, match="8 bits hold 256 depths, expect terraces") as warned:
        np.testing.assert_array_equal(inverse_depth(path), RAMP)
    assert warned[0].filename == __file__


def test_a_grey_jpeg_in_three_channels(tmp_path: Path) -> None:
    stored = np.repeat(np.arange(0, 256, 4, dtype=np.uint8)[None, :, None], 64, axis=0).repeat(3, axis=2)
    path = tmp_path / "d.jpg"
    Image.fromarray(stored).save(path, quality=95)
    with pytest.warns(DepthMapWarning):
        np.testing.assert_allclose(inverse_depth(path, (64, 64)), stored[..., 0], atol=3)


def test_a_map_is_turned_by_its_own_orientation(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "d.png"
    Image.fromarray(np.rot90(RAMP.astype(np.uint16) + 7)).save(path, exif=exif)
    np.testing.assert_array_equal(inverse_depth(path), RAMP + 7)


def test_the_content_decides_and_not_the_suffix(tmp_path: Path) -> None:
    for written in (saved(tmp_path, "d.npz", RAMP), saved(tmp_path, "d.npy", RAMP), saved(tmp_path, "d.exr", RAMP)):
        np.testing.assert_array_equal(inverse_depth(written.rename(tmp_path / "d.png")), RAMP)


@pytest.mark.parametrize("name", ["depth", "arr_0", "inverse_depth", "whatever"])
def test_the_depth_in_an_archive(tmp_path: Path, name: str) -> None:
    path = tmp_path / "d.npz"
    others = {} if name == "whatever" else {"sigma": RAMP + 1, "note": np.array("a text")}
    np.savez(path, **{name: RAMP}, **others)
    np.testing.assert_array_equal(inverse_depth(path), RAMP)


def test_an_archive_that_does_not_name_its_depth(tmp_path: Path) -> None:
    path = tmp_path / "d.npz"
    np.savez(path, left=RAMP, right=RAMP)
    with pytest.raises(DepthMapError, match="it holds left, right; name the depth 'depth', or keep one array only"):
        inverse_depth(path)


@pytest.mark.parametrize("names", [["Z", "R", "G", "B"], ["depth", "sigma"], ["Y", "A"], ["R", "G", "B"], ["any"]])
def test_the_depth_among_exr_channels(tmp_path: Path, names: list[str]) -> None:
    openexr = pytest.importorskip("OpenEXR")
    same = names == ["R", "G", "B"]
    channels = {name: RAMP if same else RAMP + 100 * i for i, name in enumerate(names)}
    openexr.File({}, channels).write(str(tmp_path / "d.exr"))
    np.testing.assert_array_equal(inverse_depth(tmp_path / "d.exr"), RAMP)


@pytest.mark.parametrize("names", [["R", "G", "B"], ["left", "right"]])
def test_an_exr_that_does_not_name_its_depth(tmp_path: Path, names: list[str]) -> None:
    openexr = pytest.importorskip("OpenEXR")
    openexr.File({}, {name: RAMP + i for i, name in enumerate(names)}).write(str(tmp_path / "d.exr"))
    with pytest.raises(DepthMapError, match="it holds the channels .*; name the depth 'Z', or keep one channel only"):
        inverse_depth(tmp_path / "d.exr")


def test_exr_without_its_package_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "d.exr"
    path.write_bytes(b"\x76\x2f\x31\x01" + bytes(100))
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    with pytest.raises(MissingExtraError, match="for EXR depth maps the package OpenEXR is needed: pip install"):
        inverse_depth(path)


# Every kind's meaning


def test_inverse_takes_every_finite_value(tmp_path: Path) -> None:
    stored = np.array([[0, -5, np.nan, np.inf], [1, 2, 3, -np.inf], [4, 5, 6, 1e300]])
    expected = [[0, -5, np.nan, np.nan], [1, 2, 3, np.nan], [4, 5, 6, np.nan]]
    np.testing.assert_array_equal(inverse_depth(saved(tmp_path, "d.npy", stored)), expected)


def test_brighter_is_farther_flips(tmp_path: Path) -> None:
    stored = RAMP.copy()
    stored[1, 1] = np.nan
    flipped = inverse_depth(saved(tmp_path, "d.npy", stored), brighter_is_farther=True)
    np.testing.assert_array_equal(flipped, 11 - stored)


def test_depth_is_one_over_and_its_zero_is_infinity(tmp_path: Path) -> None:
    stored = np.array([[0, -1, np.nan, np.inf], [1, 2, 4, 8], [1000, 0.5, 1e-45, 1e39]])
    depth = read_depth_map(saved(tmp_path, "d.npy", stored), kind="depth", size=SIZE)
    assert isinstance(depth, InverseDepth)
    assert depth.zero_is_infinity
    unknown = np.nan
    expected = [[unknown] * 4, [1, 0.5, 0.25, 0.125], [0.001, 2, unknown, unknown]]
    np.testing.assert_allclose(depth.values, expected, rtol=1e-6)


def test_metric_is_metres_by_the_stated_units(tmp_path: Path) -> None:
    path = saved(tmp_path, "d.png", (RAMP * 1000).astype(np.uint16))
    expected = np.where(RAMP == 0, np.nan, RAMP)
    np.testing.assert_array_equal(metres(path, units_per_metre=1000), expected)
    np.testing.assert_allclose(metres(path, units_per_metre=5000), expected / 5)


def test_floating_point_is_metres_by_default(tmp_path: Path) -> None:
    stored = np.array([[0, -1, np.nan, np.inf], [1, 2, 4, 8], [1, 1, 1, 1]], np.float32)
    expected = [[np.nan] * 4, [1, 2, 4, 8], [1] * 4]
    np.testing.assert_array_equal(metres(saved(tmp_path, "d.npy", stored)), expected)
    np.testing.assert_array_equal(metres(tmp_path / "d.npy", units_per_metre=2), np.divide(expected, 2))


@pytest.mark.parametrize("name", ["d.png", "d.npy", "d.pgm"])
def test_whole_numbers_do_not_say_their_unit(tmp_path: Path, name: str) -> None:
    path = saved(tmp_path, name, (RAMP * 1000).astype(np.uint16))
    with pytest.raises(UsageError, match="give the depth units per metre, 1000 for millimetres"):
        metres(path)


def test_a_png_that_states_its_units(tmp_path: Path) -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("depth3d:units_per_metre", "256")
    path = tmp_path / "d.png"
    Image.fromarray((RAMP * 256).astype(np.uint16)).save(path, pnginfo=texts)
    expected = np.where(RAMP == 0, np.nan, RAMP)
    np.testing.assert_array_equal(metres(path), expected)
    np.testing.assert_array_equal(metres(path, units_per_metre=128), expected * 2)
    with pytest.raises(UsageError, match="the file says that it holds metres; read it with the depth kind metric"):
        inverse_depth(path)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "many"])
def test_a_png_that_states_nonsense(tmp_path: Path, text: str) -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("depth3d:units_per_metre", text)
    path = tmp_path / "d.png"
    Image.fromarray(RAMP.astype(np.uint16)).save(path, pnginfo=texts)
    with pytest.raises(DepthMapError, match=f"its text depth3d:units_per_metre is '{text}'"):
        metres(path)


@pytest.mark.parametrize("name", ["d.png", "d.npy", "d.npz", "d.exr"])
def test_our_own_metric_files_come_back(tmp_path: Path, name: str) -> None:
    depth = MetricDepth(np.where(RAMP == 0, np.float32(np.nan), RAMP), unit="m")
    np.testing.assert_allclose(metres(formats.save(depth, tmp_path / name)), depth.z, atol=5e-4)


@pytest.mark.parametrize("name", ["d.png", "d.npy", "d.npz", "d.exr"])
def test_our_own_relative_files_come_back(tmp_path: Path, name: str) -> None:
    original = RAMP - 3
    original[1, 2] = np.nan
    path = formats.save(InverseDepth(original), tmp_path / name)
    values = inverse_depth(path)
    known = np.isfinite(original)
    np.testing.assert_array_equal(np.isfinite(values), known)
    affine = np.polyfit(values[known], original[known], 1)
    assert affine[0] > 0
    np.testing.assert_allclose(np.polyval(affine, values[known]), original[known], atol=1e-3)
    if name in {"d.png", "d.npz"}:
        with pytest.raises(UsageError, match="the file says that it holds relative depth"):
            metres(path, units_per_metre=1000)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "disparity"}, "unknown depth kind 'disparity'; expected inverse, depth, metric"),
        ({"kind": "depth", "brighter_is_farther": True}, "brighter-is-farther flips inverse depth"),
        ({"kind": "metric", "brighter_is_farther": True}, "brighter-is-farther flips inverse depth"),
        ({"kind": "inverse", "units_per_metre": 1000}, "depth units belong to the depth kind metric"),
        ({"kind": "depth", "units_per_metre": 1000}, "depth units belong to the depth kind metric"),
        ({"kind": "metric", "units_per_metre": 0}, "must be a positive number of units per metre, got 0"),
        ({"kind": "metric", "units_per_metre": np.nan}, "must be a positive number of units per metre, got nan"),
    ],
)
def test_options_that_contradict_each_other(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_depth_map(saved(tmp_path, "d.npy", RAMP), size=SIZE, **options)


# Resizing


@pytest.mark.parametrize("size", [(8, 6), (40, 30), (2, 2), (1600, 1200)])
@pytest.mark.parametrize("kind", ["inverse", "depth", "metric"])
def test_a_plane_stays_a_plane_and_in_its_place(tmp_path: Path, kind: Any, size: tuple[int, int]) -> None:
    width, height = 80, 60
    u, v = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    plane = 0.5 + 0.2 * u - 0.1 * v  # 1/z of a plane is affine in the pixels
    path = saved(tmp_path, "d.npy", plane if kind == "inverse" else 1 / plane)
    depth = read_depth_map(path, kind=kind, size=size)
    values = 1 / depth.z if isinstance(depth, MetricDepth) else depth.values
    assert depth.size == size
    u, v = np.meshgrid((np.arange(size[0]) + 0.5) / size[0], (np.arange(size[1]) + 0.5) / size[1])
    inside = (np.abs(u - 0.5) < 0.5 - 1 / width) & (np.abs(v - 0.5) < 0.5 - 1 / height)
    half_a_pixel = 0.5 * (0.2 / width + 0.1 / height)
    tolerance = 1e-5 if size[0] >= width or kind == "inverse" else half_a_pixel  # when shrinking, depths are picked
    assert inside.any()
    np.testing.assert_allclose(values[inside], (0.5 + 0.2 * u - 0.1 * v)[inside], atol=tolerance)


@pytest.mark.parametrize("side", [80, 64, 100, 11, 8])
@pytest.mark.parametrize("across", [True, False])
@pytest.mark.parametrize("kind", ["depth", "metric"])
def test_nothing_hangs_between_near_and_far(tmp_path: Path, kind: Any, across: bool, side: int) -> None:
    stored = np.full((20, 20), 2, np.float32)
    stored[:, 7:] = 4
    path = saved(tmp_path, "d.npy", stored if across else stored.T)
    depth = read_depth_map(path, kind=kind, size=(side, side))
    values = depth.z if isinstance(depth, MetricDepth) else 1 / depth.values
    centres = (np.arange(side) + 0.5) * 20 / side
    expected = np.tile(np.where(centres < 7, 2, 4), (side, 1))
    np.testing.assert_allclose(values, expected if across else expected.T, rtol=1e-6)


@pytest.mark.parametrize("kind", ["inverse", "depth", "metric"])
@pytest.mark.parametrize("size", [(80, 40), (10, 5), (31, 16)])
def test_the_unknown_does_not_bleed(tmp_path: Path, kind: Any, size: tuple[int, int]) -> None:
    stored = np.full((10, 20), 3, np.float32)
    stored[:, :8] = np.nan
    depth = read_depth_map(saved(tmp_path, "d.npy", stored), kind=kind, size=size)
    values = depth.z if isinstance(depth, MetricDepth) else depth.values
    known = np.isfinite(values)
    np.testing.assert_allclose(values[known], 1 / 3 if kind == "depth" else 3, rtol=1e-6)
    columns = (np.arange(size[0]) + 0.5) * 20 / size[0]
    half_a_pixel = 0.51 * 20 / size[0]
    assert known[:, columns > 8 + half_a_pixel].all()
    assert not known[:, columns < 8 - half_a_pixel].any()


def test_the_photos_size_changes_nothing(tmp_path: Path) -> None:
    stored = np.random.default_rng(0).uniform(0.1, 50, (30, 40)).astype(np.float32)
    path = saved(tmp_path, "d.npy", stored)
    np.testing.assert_array_equal(inverse_depth(path, (40, 30)), stored)
    np.testing.assert_array_equal(metres(path, (40, 30)), stored)


def test_one_pixel_fills_the_photo(tmp_path: Path) -> None:
    np.testing.assert_allclose(metres(saved(tmp_path, "d.npy", np.full((1, 1), 2.5))), np.full((3, 4), 2.5))


@pytest.mark.parametrize("size", [(518, 392), (640, 480), (1000, 751)])
def test_a_networks_rounded_size_is_accepted(tmp_path: Path, size: tuple[int, int]) -> None:
    path = saved(tmp_path, "d.npy", np.ones(size[::-1], np.float32))
    assert inverse_depth(path, (1600, 1200)).shape == (1200, 1600)


@pytest.mark.parametrize(
    ("size", "remedy"), [((640, 360), "crop it to the photo's part"), ((480, 640), "turn it upright as the photo")]
)
def test_another_aspect_is_refused(tmp_path: Path, size: tuple[int, int], remedy: str) -> None:
    path = saved(tmp_path, "d.npy", np.ones(size[::-1], np.float32))
    message = f"{size[0]}x{size[1]} has another aspect ratio than the photo's 1600x1200; {remedy}"
    with pytest.raises(DepthMapError, match=message):
        inverse_depth(path, (1600, 1200))


# What is no depth map


class Witness:
    """Leaves a file behind when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("name", ["d.npy", "d.npz"])
def test_a_pickle_is_refused_unread(tmp_path: Path, name: str) -> None:
    witness = tmp_path / "was_run"
    stored = np.array([[Witness(witness)]], dtype=object)
    saved(tmp_path, name, stored)
    with pytest.raises(DepthMapError, match="it holds pickled objects, which can run code when read"):
        inverse_depth(tmp_path / name)
    (tmp_path / "bare.npy").write_bytes(pickle.dumps(Witness(witness)))
    with pytest.raises(DepthMapError, match="no picture"):
        inverse_depth(tmp_path / "bare.npy")
    assert not witness.exists()


def npy_header(header: str, version: bytes = b"\x01\x00") -> bytes:
    return b"\x93NUMPY" + version + struct.pack("<H", len(header)) + header.encode()


def npy_of_shape(shape: str, descr: str = "<f4") -> bytes:
    return npy_header(f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}}}\n")


def png_of_nothing(width: int, height: int) -> bytes:
    """A 16-bit grey PNG whose header is right and whose pixels are missing."""
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 0, 0, 0, 0)), (b"IDAT", b""), (b"IEND", b""))
    packed = (struct.pack(">I", len(c)) + name + c + struct.pack(">I", zlib.crc32(name + c)) for name, c in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"depth: yes, please\n", "no picture"),
        (npy_of_shape("(3, 4)") + bytes(40), "it is cut off: 40 bytes instead of 48"),
        (npy_of_shape("(1000000, 1000000)"), "1e[+]12 values are more than 200 megapixels"),
        (npy_of_shape("(-3, -4)") + bytes(48), r"states the shape \(-3, -4\)"),
        (npy_of_shape("(0, 4)"), r"shape \(0, 4\), expected \(height, width\)"),
        (npy_of_shape("(12,)") + bytes(48), r"shape \(12,\), expected \(height, width\)"),
        (npy_of_shape("()") + bytes(4), r"shape \(\), expected \(height, width\)"),
        (npy_of_shape("(3, 4, 3)") + bytes(144), r"shape \(3, 4, 3\), expected \(height, width\)"),
        (npy_of_shape("(3, 4)", "<c8") + bytes(96), "values of type complex64, expected numbers"),
        (npy_of_shape("(3, 4)", "|b1") + bytes(12), "values of type bool, expected numbers"),
        (npy_of_shape("(3, 4)", "<U9") + bytes(999), "values of type <U9, expected numbers"),
        (npy_of_shape("(3, 4)", "|a4") + bytes(48), "values of type .S4, expected numbers"),
        (npy_header("{'shape': ("), "its NPY header is damaged"),
        (npy_header("__import__('os').abort()"), "its NPY header is damaged"),
        (npy_header("{}", b"\x09\x00"), "its NPY header is damaged"),
        (b"PK\x03\x04 but no archive", "not a zip file"),
        (b"Pf\n4 3\n", "its PFM header is not"),
        (b"Pf\n4 three\n-1\n", "its PFM header is not"),
        (b"Pf\n-4 3\n-1\n" + bytes(48), "its PFM header is not"),
        (b"Pf\n4 3\n0\n" + bytes(48), "its PFM scale of 0 does not say the byte order"),
        (b"Pf\n4 3\n-.e.\n" + bytes(48), "could not convert string to float"),
        (b"Pf\n4 3\n1e999\n" + bytes(48), "its PFM scale of inf"),
        (b"PF\n4 3\n-1.0\n" + bytes(144), "a PFM in colour"),
        (b"Pf\n4 3\n-1.0\n" + bytes(47), "it is cut off: 47 bytes instead of 48"),
        (b"Pf\n99999999 99999999\n-1.0\n", "more than 200 megapixels"),
        (b"\x76\x2f\x31\x01" + bytes(100), "the EXR file is damaged or cut off"),
        (png_of_nothing(100_000, 100_000), "is more than 200 megapixels"),
        (png_of_nothing(4, 3), "the picture is damaged"),
        (png_of_nothing(4, 3)[:20], "the picture is damaged: Truncated File Read"),
    ],
)
def test_what_is_no_depth_map_is_told_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "d.npy"
    path.write_bytes(content)
    with pytest.raises(DepthMapError, match=message) as error:
        inverse_depth(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_a_hostile_archive_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "d.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("depth.npy", npy_of_shape("(100000, 100000)") + bytes(10_000_000))
    with pytest.raises(DepthMapError, match="1e[+]10 values are more than 200 megapixels"):
        inverse_depth(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../depth.txt", "hello")
    with pytest.raises(DepthMapError, match="it holds nothing; name the depth 'depth'"):
        inverse_depth(path)


def test_a_cut_exr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = saved(tmp_path, "d.exr", np.random.default_rng(0).random((64, 64), np.float32))
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(DepthMapError, match="the EXR file is damaged or cut off"):
        inverse_depth(path)
    assert capsys.readouterr().out == ""


def picture(folder: Path, name: str) -> Path:
    path = folder / name
    colours = np.zeros((48, 64, 3), np.uint8)
    colours[:24, :, 0], colours[24:, :, 2] = 200, 200
    match name:
        case "colour.png" | "colour.jpg":
            Image.fromarray(colours).save(path)
        case "palette.png":
            Image.fromarray(colours).convert("P").save(path)
        case "clear.png":
            Image.new("LA", (64, 48), (50, 100)).save(path)
        case "colour16.png":
            cv2.imwrite(str(path), np.full((48, 64, 3), 1000, np.uint16))
        case "folder.png":
            path.mkdir()
        case "unknown.npy":
            np.save(path, np.full((48, 64), np.nan))
        case "zeros.npy":
            np.save(path, np.zeros((48, 64)))
    return path


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("colour.png", "inverse", "a colour picture is not a depth map"),
        ("colour.jpg", "inverse", "a colour picture is not a depth map"),
        ("palette.png", "inverse", "a colour picture is not a depth map"),
        ("clear.png", "inverse", "a depth map cannot be transparent"),
        ("colour16.png", "inverse", "a 16-bit PNG in colour or with alpha; save it as 16-bit greyscale"),
        ("folder.png", "inverse", "is a folder, not a file"),
        ("missing.png", "inverse", "no such file"),
        ("unknown.npy", "inverse", "no value is not NaN or infinite, so no depth is known"),
        ("zeros.npy", "depth", "no value is positive and finite, so no depth is known"),
        ("zeros.npy", "metric", "no value is positive and finite, so no depth is known"),
    ],
)
def test_files_without_a_depth(tmp_path: Path, name: str, kind: Any, message: str) -> None:
    with pytest.raises(DepthMapError, match=message):
        read_depth_map(picture(tmp_path, name), kind=kind, size=(64, 48))


def test_mutilated_files_never_raise_anything_else(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    stored = rng.uniform(1, 9, (24, 32)).astype(np.float32)
    contents = [pfm(stored)]
    contents += [saved(tmp_path, name, stored).read_bytes() for name in ("d.npy", "d.npz")]
    contents += [saved(tmp_path, name, (stored * 1000).astype(np.uint16)).read_bytes() for name in ("d.png", "d.pgm")]
    path = tmp_path / "mutilated"
    outcomes = set()
    for original in contents:
        for _ in range(150):
            content = bytearray(original)
            for position in rng.integers(0, min(len(content), 200), 3):
                content[position] = rng.integers(256)
            path.write_bytes(content[: rng.integers(1, 2 * len(content))])
            try:
                outcomes.add(read_depth_map(path, kind="depth", size=(32, 24)).size == (32, 24))
            except DepthMapError as error:
                outcomes.add("\n" in str(error))
    assert outcomes == {True, False}  # some were still depth maps, the others failed in one line


# Real maps


def test_a_lens_blur_map(shared_data: Path) -> None:
    path = shared_data / "depthy_lensblur" / "tunnel-depth.jpg"
    with pytest.warns(DepthMapWarning):
        depth = read_depth_map(path, kind="inverse", size=(768, 1024), brighter_is_farther=True)
    with Image.open(path) as image:
        stored = np.asarray(image.convert("L")).astype(int)
    np.testing.assert_array_equal(depth.values, stored.max() - stored)
    assert depth.source == "depth map tunnel-depth.jpg as inverse, flipped"


@pytest.mark.parametrize(
    ("name", "units"),
    [
        ("rgbd_redwood_open3d/depth/00000.png", 1000),
        ("rgbd_slambook2_room/depth/1.pgm", 1000),
        ("tum_single/TUM_depth.png", 5000),
    ],
)
def test_sensor_maps_against_opencvs_reader(shared_data: Path, name: str, units: float) -> None:
    stored = cv2.imread(str(shared_data / name), cv2.IMREAD_UNCHANGED)
    depth = metres(shared_data / name, (640, 480), units_per_metre=units)
    np.testing.assert_array_equal(np.isnan(depth), stored == 0)
    np.testing.assert_allclose(np.nan_to_num(depth), stored / units, rtol=1e-6)


def test_a_disparity_map_marks_the_unknown_by_infinity(shared_data: Path) -> None:
    path = shared_data / "middlebury_motorcycle" / "motorcycle_disp.npz"
    stored = np.load(path)["arr_0"]
    values = inverse_depth(path, (741, 500))
    np.testing.assert_array_equal(np.isnan(values), ~np.isfinite(stored))
    assert np.isnan(values).sum() == 27226


def test_a_phones_small_map_fills_its_photo_without_stairs(shared_data: Path) -> None:
    path = shared_data / "iphone_promptda" / "arkit_depth.png"
    depth = metres(path, (1920, 1440), units_per_metre=1000)
    nearest = cv2.resize(
        cv2.imread(str(path), cv2.IMREAD_UNCHANGED), (1920, 1440), interpolation=cv2.INTER_NEAREST_EXACT
    )

    def share_of_stairs(z: NDArray[Any]) -> float:
        return float((np.abs(np.diff(np.log(z), axis=1)) > 0.02).mean())

    assert share_of_stairs(depth) < 0.5 * share_of_stairs(nearest)
    assert (np.abs(np.log(depth / nearest * 1000)) > np.log(1.1)).mean() < 1e-3  # they part where pixels tie at edges


@pytest.mark.parametrize("suffix", [".npz", ".exr"])
def test_our_own_files_keep_their_error_bar(tmp_path: Path, suffix: str) -> None:
    metres = np.array([[1, 2, np.nan], [4, 5, 6]], np.float32)
    depth = MetricDepth(metres, sigma=metres / 10, unit="m")
    formats.save(depth, tmp_path / f"a{suffix}")
    again = read_depth_map(tmp_path / f"a{suffix}", kind="metric", size=(3, 2))
    assert isinstance(again, MetricDepth)
    np.testing.assert_array_equal(again.z, metres)
    assert again.sigma is not None
    np.testing.assert_array_equal(again.sigma, metres / 10)
    larger = read_depth_map(tmp_path / f"a{suffix}", kind="metric", size=(30, 20))
    assert isinstance(larger, MetricDepth)
    assert larger.sigma is not None
    known = np.isfinite(larger.z)
    assert 0.09 < larger.sigma[known].min() < larger.sigma[known].max() < 0.61


def test_an_error_bar_with_holes_is_left_out_and_said(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", depth=np.ones((2, 3)), sigma=np.array([[0.1, -1, 0.1], [0.1, 0.1, 0.1]]))
    with pytest.warns(DepthMapWarning, match="sigma is unknown or negative where depth is known; it is left out"):
        again = read_depth_map(tmp_path / "a.npz", kind="metric", size=(3, 2))
    assert isinstance(again, MetricDepth)
    assert again.sigma is None
    np.savez(tmp_path / "b.npz", depth=np.ones((2, 3)), sigma=np.ones((3, 2)))
    with pytest.raises(DepthMapError, match=r"its sigma has shape \(3, 2\), its depth \(2, 3\)"):
        read_depth_map(tmp_path / "b.npz", kind="metric", size=(3, 2))
