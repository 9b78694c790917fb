"""Readers of single files that come from elsewhere, with small valid files to spoil; see `fuzzed_reader`."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from contextlib import suppress
from functools import cache, partial
from pathlib import Path

import cv2
import numpy as np
from fuzzed_reader import Reader
from PIL import Image, ImageCms

from depth3d.calibration import choose_intrinsics
from depth3d.core.camera import Intrinsics
from depth3d.core.depth import MetricDepth
from depth3d.core.errors import UsageError
from depth3d.io.cameras.camera_file import read_camera_file
from depth3d.io.cameras.keyframes_file import read_motion
from depth3d.io.colmap.model import each_image, read_cameras, read_points3d
from depth3d.io.depth.depth_map import read_depth_map
from depth3d.io.geometry.read import read_geometry
from depth3d.io.photos.embedded_depth_file import read_embedded_depth
from depth3d.io.photos.photo import Photo, read_photo
from depth3d.io.points.hints_file import read_hints
from depth3d.io.points.read import read_points
from depth3d.io.save import save, suffixes_for

WIDTH, HEIGHT = 16, 12
PHOTO = Photo(np.zeros((HEIGHT, WIDTH, 3), np.uint8), name="a.jpg")
CAMERA = Intrinsics(WIDTH, HEIGHT, 20, 20, WIDTH / 2, HEIGHT / 2)


def _encoded(picture: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def _rgb() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8))


def _exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x0110] = 6, "Maker", "Model"
    block = exif.get_ifd(0x8769)
    block[0x920A], block[0xA405], block[0xA404], block[0xA20E], block[0xA210] = 4.2, 26, 1.5, 3000.0, 2
    block[0xA002], block[0xA003] = WIDTH, HEIGHT
    return exif.tobytes()


def _pictures() -> dict[str, list[bytes]]:
    rgb, profile = _rgb(), ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    grey16 = Image.fromarray(np.arange(WIDTH * HEIGHT, dtype=np.uint16).reshape(HEIGHT, WIDTH) * 300)
    return {
        ".jpg": [
            _encoded(rgb, "JPEG", exif=_exif()),
            _encoded(rgb, "JPEG", icc_profile=profile, progressive=True),
            _encoded(rgb.convert("CMYK"), "JPEG"),
        ],
        ".png": [
            _encoded(rgb, "PNG", exif=_exif()),
            _encoded(grey16, "PNG"),
            _encoded(rgb.quantize(16), "PNG", transparency=3),
        ],
        ".webp": [_encoded(rgb, "WEBP"), _encoded(rgb, "WEBP", lossless=True, exif=_exif())],
        ".tif": [_encoded(rgb, "TIFF", compression="tiff_lzw"), _encoded(grey16, "TIFF")],
        ".bmp": [_encoded(rgb, "BMP")],
        ".gif": [_encoded(rgb, "GIF")],
        ".ppm": [_encoded(rgb, "PPM")],
        ".avif": [_encoded(rgb, "AVIF")],
        ".jp2": [_encoded(rgb, "JPEG2000")],
    }


def _read_photo(path: Path) -> object:
    return choose_intrinsics(read_photo(path))


def _heic() -> dict[str, list[bytes]]:
    import pillow_heif

    heif = pillow_heif.from_pillow(_rgb().resize((64, 48)))
    file = io.BytesIO()
    heif.save(file, exif=_exif(), quality=60)
    return {".heic": [file.getvalue()]}


def _read_heic(path: Path) -> object:
    photo = read_photo(path)
    return photo, read_embedded_depth(path)


def _google_depth() -> dict[str, list[bytes]]:
    from test_google_depth import RAMP, XMP, _dynamic, _extended, _gdepth, _jpeg, _picture, _with

    depth = _picture(RAMP)
    return {
        ".jpg": [
            _with(_jpeg(), XMP + _gdepth(depth).encode()),
            _with(_jpeg(), *_extended(depth, chunk=200)),
            _dynamic(depth),
        ]
    }


def _depth_maps() -> dict[str, list[bytes]]:
    metres = np.linspace(1, 9, WIDTH * HEIGHT, dtype=np.float32).reshape(HEIGHT, WIDTH)
    metres[2, 3] = np.nan
    depth = MetricDepth(metres, sigma=metres / 10, unit="m")
    found: dict[str, list[bytes]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for suffix in (".png", ".npy", ".npz", ".exr", ".tif", ".pfm"):
            found[suffix] = [save(depth, Path(folder) / f"a{suffix}").read_bytes()]
        found[".tif"].append(save(depth, Path(folder) / "b.tif", bits=16).read_bytes())
        found[".jpg"] = [_encoded(_rgb().convert("L"), "JPEG")]
    return found


def _read_depth_map(path: Path) -> object:
    size = (WIDTH, HEIGHT)
    for kind in ("inverse", "depth"):
        with suppress(UsageError):  # it says that it is metric
            read_depth_map(path, kind=kind, size=size)  # type: ignore[arg-type]
    return read_depth_map(path, kind="metric", size=size, units_per_metre=255 if path.suffix == ".jpg" else None)


@cache
def _colmap(form: str) -> dict[str, bytes]:
    """A model as COLMAP itself writes it, by file name."""
    import pycolmap

    model = pycolmap.Reconstruction()
    for number, name in enumerate(("SIMPLE_RADIAL", "OPENCV", "OPENCV_FISHEYE"), start=1):
        camera = pycolmap.Camera.create_from_model_name(number, name, 20.0, WIDTH, HEIGHT)
        model.add_camera_with_trivial_rig(camera)
    for number in (1, 2):
        keypoints = np.array([[i + 0.5, i / 2] for i in range(9)])
        image = pycolmap.Image(name="ab"[number - 1] + ".jpg", keypoints=keypoints, camera_id=1, image_id=number)
        model.add_image_with_trivial_frame(image, pycolmap.Rigid3d(pycolmap.Rotation3d(), np.array([number, 0, 0.0])))
    for i in range(9):
        track = pycolmap.Track()
        for number in (1, 2):
            track.add_element(number, i)
        model.add_point3D(np.array([i - 4, i, 5.0 + i]), track, np.array([1, 2, 3], np.uint8))
    with tempfile.TemporaryDirectory() as folder:
        (model.write_binary if form == ".bin" else model.write_text)(folder)
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def _colmap_file(name: str) -> dict[str, list[bytes]]:
    return {suffix: [_colmap(suffix)[f"{name}{suffix}"]] for suffix in (".bin", ".txt")}


def _read_model(name: str, path: Path) -> object:
    """The file in a model whose other files are whole, as hints and as the photo's camera."""
    with tempfile.TemporaryDirectory() as folder:
        for other, content in _colmap(path.suffix).items():
            (Path(folder) / other).write_bytes(content)
        shutil.copy(path, Path(folder) / f"{name}{path.suffix}")
        alone = {"cameras": read_cameras, "images": lambda p: list(each_image(p)), "points3D": read_points3d}[name]
        alone(Path(folder) / f"{name}{path.suffix}")
        read_camera_file(Path(folder), (WIDTH, HEIGHT), photo_name="a.jpg")
        return read_points(Path(folder), photo=PHOTO, camera=CAMERA)


def _camera_files() -> dict[str, list[bytes]]:
    matrix = [[20, 0, 7.5], [0, 20, 5.5], [0, 0, 1]]
    frame = {"file_path": "images/a.jpg", "transform_matrix": np.eye(4).tolist()}
    trees = [
        {"K": matrix, "width": WIDTH, "height": HEIGHT, "distortion": [0.1, 0.01, 0, 0]},
        {"fx": 20, "fy": 20, "cx": 8, "cy": 6, "pixel_centre": 0.5},
        {"fl_x": 20, "cx": 8, "cy": 6, "w": WIDTH, "h": HEIGHT, "k1": 0.1, "camera_model": "OPENCV", "frames": [frame]},
        {"width": WIDTH, "height": HEIGHT, "intrinsic_matrix": np.ravel(matrix, order="F").tolist()},
    ]
    ros = (
        f"image_width: {WIDTH}\nimage_height: {HEIGHT}\ncamera_name: a\ncamera_matrix:\n  rows: 3\n  cols: 3\n"
        "  data: [20, 0, 7.5, 0, 20, 5.5, 0, 0, 1]\ndistortion_model: plumb_bob\ndistortion_coefficients:\n"
        "  rows: 1\n  cols: 5\n  data: [0.1, 0, 0, 0, 0]\n"
    )
    kalibr = (
        "cam0:\n  camera_model: pinhole\n  intrinsics: [20, 20, 7.5, 5.5]\n  distortion_model: radtan\n"
        f"  distortion_coeffs: [0.1, 0, 0, 0]\n  resolution: [{WIDTH}, {HEIGHT}]\n"
    )
    found = {".json": [json.dumps(tree).encode() for tree in trees], ".yaml": [ros.encode(), kalibr.encode()]}
    with tempfile.TemporaryDirectory() as folder:
        for suffix in (".yaml", ".xml"):
            storage = cv2.FileStorage(f"{folder}/a{suffix}", cv2.FILE_STORAGE_WRITE)
            storage.write("image_width", WIDTH)
            storage.write("image_height", HEIGHT)
            storage.write("camera_matrix", np.array(matrix, float))
            storage.write("distortion_coefficients", np.array([[0.1, 0.01, 0, 0, 0]]))
            storage.release()
            found.setdefault(suffix, []).append(Path(f"{folder}/a{suffix}").read_bytes())
    return found


def _read_camera(path: Path) -> object:
    camera = read_camera_file(path, (WIDTH, HEIGHT), photo_name="a.jpg", orientation=6)
    return camera, camera.undistorted()


def _hints() -> dict[str, list[bytes]]:
    hints = [
        {"kind": "at", "u": 4, "v": 3, "metres": 2.4, "sigma": "5cm", "what": "door"},
        {"kind": "size", "from": [1, 2], "to": [9, 8], "metres": "1.75m"},
        {"kind": "camera-height", "metres": 1.6, "pitch_deg": 10},
        {"kind": "right-angle", "first": [1, 2], "corner": [5, 2], "second": [5, 9], "sigma_deg": 2},
        {"kind": "near", "metres": "80cm±1in"},
        {"kind": "points", "points": [[4, 3, 1.8], [5.5, 2, 2.2, 0.05]]},
    ]
    return {".json": [json.dumps({"hints": hints}).encode(), json.dumps(hints[:2]).encode()]}


def _points() -> dict[str, list[bytes]]:
    import laspy

    from depth3d.geometry.point_cloud import PointCloud

    xyz = np.random.default_rng(1).uniform((-1, -1, 4), (1, 1, 6), (20, 3)).astype(np.float32)
    cloud = PointCloud(xyz, np.full((20, 3), 9, np.uint8), unit="m")
    found: dict[str, list[bytes]] = {".csv": [b"u,v,z\n4,3,2.5\n5,6,3\n", b"4 3 2.5 0.1\n5 6 3 0.1\n"]}
    with tempfile.TemporaryDirectory() as folder:
        for suffix in (".ply", ".las", ".laz"):
            found[suffix] = [save(cloud, Path(folder) / f"a{suffix}", axes="opencv").read_bytes()]
        properties = "property float x\nproperty float y\nproperty float z\n"
        text = f"ply\nformat ascii 1.0\nelement vertex 2\n{properties}end_header\n0 0 5\n0.1 0.2 4\n"
        found[".ply"].append(text.encode())
        las = laspy.create(point_format=3, file_version="1.2")
        las.x, las.y, las.z = xyz.T
        las.write(f"{folder}/b.las")
        found[".las"].append(Path(f"{folder}/b.las").read_bytes())
    grid = np.arange(WIDTH * HEIGHT // 4, dtype=np.uint16).reshape(HEIGHT // 2, WIDTH // 2) * 50
    found[".png"] = [_encoded(Image.fromarray(grid), "PNG")]
    return found


def _geometries() -> dict[str, list[bytes]]:
    """What we write ourselves, of every format that is read back."""
    from depth3d.geometry.mesh import Mesh
    from depth3d.geometry.point_cloud import PointCloud

    rng = np.random.default_rng(1)
    xyz = rng.uniform(-1, 1, (12, 3)).astype(np.float32)
    rgb = rng.integers(0, 256, (12, 3)).astype(np.uint8)
    texture = np.full((4, 4, 3), 90, np.uint8)
    faces = np.arange(12, dtype=np.uint32).reshape(-1, 3)
    values = (
        PointCloud(xyz, rgb, unit="m"),
        Mesh(xyz, faces, uv=np.abs(xyz[:, :2]), texture=texture, unit="m"),
        Mesh(xyz, faces, rgb=rgb, unit="arbitrary"),
    )
    found: dict[str, list[bytes]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for value in values:
            for suffix in suffixes_for(type(value).__name__):
                if suffix == ".py":  # a program; its mesh is a GLB
                    continue
                path = save(value, Path(folder) / f"a{suffix}", force=True)
                found.setdefault(suffix, []).append(path.read_bytes())
        compact = save(values[1], Path(folder) / "b.glb", compact=True)
        found[".glb"].append(compact.read_bytes())
    del found[".html"]  # a page is mostly its script
    return found


def _read_points(path: Path) -> object:
    units = 1000.0 if path.suffix == ".png" else None
    return read_points(path, photo=PHOTO, camera=CAMERA, units_per_metre=units)


def _weights() -> dict[str, list[bytes]]:
    import torch
    from safetensors.torch import save as to_safetensors

    from depth3d.predictors.checkpoint import _SPEC_KEY
    from depth3d.predictors.spec import MIDAS_SMALL
    from depth3d.predictors.weights import bundled_weights

    tensors = {"pretrained.layer1.3.0.conv_dw.weight": torch.zeros(32, 1, 3, 3), "a.bias": torch.zeros(3)}
    file = io.BytesIO()
    torch.save(tensors, file)
    with bundled_weights().path.open("rb") as bundled:
        head = bundled.read(60_000)
    return {
        ".safetensors": [to_safetensors(tensors, metadata={_SPEC_KEY: MIDAS_SMALL.to_json()}), head],
        ".pt": [file.getvalue()],
    }


def _read_weights(path: Path) -> object:
    from depth3d.predictors.checkpoint import load_network

    return load_network(path)


def _motions() -> dict[str, list[bytes]]:
    keys = [{"move": [0, 0, 0], "at": 0}, {"move": [2, -1, 3], "turn": [1, 0, 0], "zoom": 1.1, "at": 0.4}]
    trees = [{"keys": keys, "unit": "percent", "loop": True}, {"keys": keys, "unit": "scene", "loop": False}]
    return {".json": [json.dumps(tree).encode() for tree in trees]}


READERS: dict[str, Reader] = {
    "photo": Reader(_pictures, _read_photo),
    "heic": Reader(_heic, _read_heic),
    "google_depth": Reader(_google_depth, read_embedded_depth),
    "depth_map": Reader(_depth_maps, _read_depth_map),
    "colmap_cameras": Reader(partial(_colmap_file, "cameras"), partial(_read_model, "cameras")),
    "colmap_images": Reader(partial(_colmap_file, "images"), partial(_read_model, "images")),
    "colmap_points": Reader(partial(_colmap_file, "points3D"), partial(_read_model, "points3D")),
    "camera": Reader(_camera_files, _read_camera),
    "hints": Reader(_hints, partial(read_hints, photo=PHOTO, camera=CAMERA)),
    "points": Reader(_points, _read_points),
    "geometry": Reader(_geometries, read_geometry),
    "motion": Reader(_motions, read_motion),
    "weights": Reader(_weights, _read_weights),
}
