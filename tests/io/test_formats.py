from __future__ import annotations

import inspect
import subprocess
import sys
import types
from dataclasses import fields
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_atomic import largest_file

from depth3d.core import plugins
from depth3d.core.camera import Intrinsics
from depth3d.core.depth import InverseDepth, MetricDepth
from depth3d.core.errors import OutputError, UsageError
from depth3d.core.images import Animation, DepthPhoto, Picture, StereoPair
from depth3d.core.normals import NormalMap
from depth3d.core.options import FileOptions
from depth3d.core.recording import Recording
from depth3d.core.rgbd import RGBD
from depth3d.geometry.gaussians import Gaussians
from depth3d.geometry.mesh import Mesh
from depth3d.geometry.plate import Plate
from depth3d.geometry.point_cloud import PointCloud
from depth3d.io.registry import FORMATS, Format
from depth3d.io.save import files_for, save, suffixes_for
from depth3d.scenes.outputs import target_of

RNG = np.random.default_rng(0)
XYZ = RNG.normal(size=(3000, 3)).astype(np.float32)
COLOURS = RNG.integers(0, 256, (3000, 3)).astype(np.uint8)
NOISE = RNG.integers(0, 256, (40, 50, 3)).astype(np.uint8)
VALUES: dict[str, Any] = {
    "PointCloud": PointCloud(XYZ, COLOURS, unit="m"),
    "Mesh": Mesh(
        XYZ, RNG.integers(0, 3000, (5000, 3)).astype(np.uint32), uv=np.abs(XYZ[:, :2]) % 1, texture=NOISE, unit="m"
    ),
    "Plate": Plate(XYZ, RNG.integers(0, 3000, (5000, 3)).astype(np.uint32)),
    "Gaussians": Gaussians(
        XYZ, COLOURS, np.tile(np.eye(3, dtype=np.float32)[:2], (3000, 1, 1)), np.abs(XYZ) + 1, unit="m"
    ),
    "MetricDepth": MetricDepth(RNG.uniform(1, 5, (40, 50)).astype(np.float32), unit="m"),
    "InverseDepth": InverseDepth(RNG.normal(size=(40, 50)).astype(np.float32)),
    "Picture": Picture(NOISE),
    "DepthPhoto": DepthPhoto(NOISE, NOISE[..., 0]),
    "Animation": Animation(lambda: iter([NOISE, NOISE[::-1]]), 2, 10),
    "StereoPair": StereoPair(NOISE, NOISE[::-1]),
    "NormalMap": NormalMap((XYZ / np.linalg.norm(XYZ, axis=1, keepdims=True))[:2000].reshape(40, 50, 3)),
    "Recording": Recording(
        RGBD(NOISE, MetricDepth(np.full((40, 50), 2, np.float32), unit="m"), Intrinsics.from_fov(50, 40, fov_x_deg=60))
    ),
    "Intrinsics": Intrinsics.from_fov(40, 30, fov_x_deg=60, source="assumed, as " + "nothing " * 60 + "is known"),
}
EVERY = [(form.kind, suffix) for form in FORMATS for suffix in form.suffixes if not form.layout]


@pytest.mark.parametrize(("kind", "suffix"), [one for one in EVERY if one[1] != ".rrd"])  # numbered by chance
def test_the_same_value_gives_the_same_bytes(tmp_path: Path, kind: str, suffix: str) -> None:
    notes = {"photo": "a.jpg", "unit": "m"}
    written = []
    for folder, name in (("first", f"a{suffix}"), ("second", f"a{suffix.upper()}")):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / name
        assert save(VALUES[kind], str(path), notes=notes) == path
        written.append({one.name.lower(): one.read_bytes() for one in path.parent.iterdir()})
    assert written[0] == written[1]
    assert set(written[0]) == {one.name for one in files_for(Path(f"a{suffix}"), kind)}


@pytest.mark.parametrize(("kind", "suffix"), EVERY)
def test_a_full_disk_leaves_nothing_in_any_format(tmp_path: Path, kind: str, suffix: str) -> None:
    with largest_file(500), pytest.raises(OutputError, match=r"^cannot write [^\n]*File too large\.?$"):
        save(VALUES[kind], tmp_path / f"a{suffix}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("kind", "suffix"), EVERY)
def test_an_existing_file_needs_force_in_any_format(tmp_path: Path, kind: str, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"old")
    with pytest.raises(OutputError, match="--force"):
        save(VALUES[kind], path)
    assert path.read_bytes() == b"old"
    save(VALUES[kind], path, force=True)
    assert path.read_bytes() != b"old"


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("name", ["a.xyzzy", "a", "a.ply.bak", ".ply"])
def test_a_suffix_that_names_no_format(tmp_path: Path, kind: str, name: str) -> None:
    if (kind, name) == ("Animation", "a"):
        return  # a folder of frames
    with pytest.raises(UsageError, match="names no known format") as caught:
        save(VALUES[kind], tmp_path / name)
    assert all(suffix in str(caught.value) for suffix in suffixes_for(kind))


@pytest.mark.parametrize("kind", VALUES)
def test_a_suffix_that_cannot_hold_the_value(tmp_path: Path, kind: str) -> None:
    impossible = sorted(set(suffixes_for()) - set(suffixes_for(kind)))
    assert impossible
    for suffix in impossible:
        with pytest.raises(UsageError, match=rf"a\{suffix}: \{suffix} holds an? .*; an? .* goes into \.") as caught:
            save(VALUES[kind], tmp_path / f"a{suffix}")
        assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_what_goes_where() -> None:
    assert suffixes_for("PointCloud") == (".ply", ".pcd", ".xyz", ".las", ".laz", ".e57", ".glb", ".html")
    assert suffixes_for("Mesh") == (".ply", ".glb", ".obj", ".usdz", ".html", ".py")
    assert suffixes_for("Plate") == (".stl",)
    assert suffixes_for("Gaussians") == (".ply", ".spz", ".glb")
    assert (
        suffixes_for("MetricDepth")
        == suffixes_for("InverseDepth")
        == (*(".png", ".npy", ".npz", ".exr", ".tif", ".tiff", ".pfm"),)
    )
    assert suffixes_for("DepthPhoto") == (".jpg", ".jpeg")
    assert suffixes_for("Picture") == (".png", ".jpg", ".jpeg", ".webp")
    assert suffixes_for("Animation") == (".png", ".apng", ".gif", ".webp", ".avif", ".mp4", ".webm")


def test_copc_is_refused_and_not_written_as_plain_laz(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a plain LAZ file would be no COPC.*; write .laz and convert it: pdal"):
        save(VALUES["PointCloud"], tmp_path / "a.copc.laz")


def test_a_value_of_no_known_type(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a ndarray cannot be saved"):
        save(XYZ, tmp_path / "a.ply")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("Mesh", "a.glb", "it has unlit, texture_format, texture_quality, index_tiles, uv_bits, compact"),
        ("Picture", "a.jpg", "it has quality"),
        ("PointCloud", "a.ply", "it has none"),
    ],
)
def test_unknown_options_are_named(tmp_path: Path, kind: str, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=rf"has no option qualty for .*; {message}"):
        save(VALUES[kind], tmp_path / name, qualty=1)
    assert not list(tmp_path.iterdir())


def test_unknown_layouts_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no layout 'tim' in \.png; it has tum, 3dgs"):
        save(VALUES["MetricDepth"], tmp_path / "a.png", layout="tim")
    with pytest.raises(UsageError, match=r"has no layout 'tum' in \.npy; it has none"):
        save(VALUES["MetricDepth"], tmp_path / "a.npy", layout="tum")
    assert not list(tmp_path.iterdir())


def test_unknown_axes_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="axes 'sideways'"):
        save(VALUES["Mesh"], tmp_path / "a.ply", axes="sideways")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: f"{form.kind}{form.suffixes[0]}")
def test_every_writer_has_the_form_that_save_expects(form: Any) -> None:
    assert form.kind in VALUES
    parameters = inspect.signature(form.load()).parameters
    assert parameters["notes"].kind is inspect.Parameter.KEYWORD_ONLY
    assert ("axes" in parameters) is (form.axes is not None)
    assert form.takes("beside") or not form.beside
    assert {*form.options} <= {*parameters}
    assert {*form.options.values()} <= {field.name for field in fields(FileOptions)}
    assert list(parameters)[1] == "file"


def test_doors_can_ask_for_suffixes_without_loading_numpy() -> None:
    code = "import sys, depth3d.io.save as f; f.suffixes_for(); f.check_writable; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def write_pts(cloud: Any, file: Any, *, notes: Any, axes: str, digits: int = 3) -> None:
    """A format that another package offers."""
    file.write(f"{cloud.count}\n".encode())
    for row in cloud.xyz:
        file.write((" ".join(f"{x:.{digits}f}" for x in row) + "\n").encode())


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What other packages offer, by name."""
    offers: dict[str, Any] = {}
    module = types.ModuleType("their_formats")
    monkeypatch.setitem(sys.modules, "their_formats", module)

    def entries(group: str) -> dict[str, EntryPoint]:
        assert group == "depth3d.formats"
        for name, value in offers.items():
            setattr(module, name, value)
        return {name: EntryPoint(name, f"their_formats:{name}", group) for name in offers}

    monkeypatch.setattr(plugins, "offers", entries)
    return offers


def test_other_packages_offer_formats(tmp_path: Path, offered: dict[str, Any]) -> None:
    cloud = VALUES["PointCloud"]
    with pytest.raises(UsageError, match="names no known format"):
        save(cloud, tmp_path / "a.pts")
    offered["pts"] = Format((".pts",), "PointCloud", write_pts, axes="opencv")
    assert suffixes_for("PointCloud")[-1] == ".pts"
    assert target_of(tmp_path / "a.pts").kind == "cloud"
    lines = save(cloud, tmp_path / "a.pts", digits=4).read_text().splitlines()
    assert lines[0] == "3000"
    assert lines[1] == " ".join(f"{x:.4f}" for x in cloud.xyz[0])
    with pytest.raises(UsageError, match=r"\.pts holds a point cloud; a mesh goes into \.ply"):
        save(VALUES["Mesh"], tmp_path / "b.pts")


def test_other_packages_do_not_replace_our_formats(tmp_path: Path, offered: dict[str, Any]) -> None:
    offered["ply"] = (Format((".ply",), "PointCloud", write_pts, axes="opencv"),)
    assert save(VALUES["PointCloud"], tmp_path / "a.ply").read_bytes().startswith(b"ply")


def test_a_format_that_is_none_is_named(tmp_path: Path, offered: dict[str, Any]) -> None:
    offered["bad"] = (7,)
    with pytest.raises(UsageError, match="format bad: the entry point is no Format of a known type of value: 7"):
        save(VALUES["PointCloud"], tmp_path / "a.pts")
    offered["bad"] = Format((".pts",), "Cloud", write_pts)
    with pytest.raises(UsageError, match="format bad: the entry point is no Format"):
        save(VALUES["PointCloud"], tmp_path / "a.pts")
