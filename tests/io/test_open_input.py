"""What is no regular file is refused at once, by every reader: pipes would be waited for, devices read for ever."""

from __future__ import annotations

import errno
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fuzzed_readers import READERS

from depth3d.core.errors import Depth3DError, DepthMapError, PhotoError
from depth3d.io.open_input import check_regular_file, open_regular_file, read_small_file
from depth3d.io.photos.video import read_video
from depth3d.lab.evaluation.metrics import Frame, read_frames, read_truth
from depth3d.predictors.checkpoint import load_network
from depth3d.viewers.open3d import load_geometry

OPENERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    **{
        name: (suffix, READERS[name].read)
        for name, suffix in (
            *(
                ("photo", ".jpg"),
                ("heic", ".heic"),
                ("google_depth", ".jpg"),
                ("depth_map", ".npy"),
                ("camera", ".json"),
            ),
            *(("hints", ".json"), ("points", ".csv"), ("motion", ".json")),
        )
    },
    "video": (".mp4", read_video),
    "network": (".safetensors", load_network),
    "frames": (".json", read_frames),
    "truth": (".png", lambda path: read_truth(Frame("a", path, path, 1000))),
    "mesh": (".ply", load_geometry),
    "glb": (".glb", load_geometry),
    "points of Open3D": (".xyz", load_geometry),
}


@contextmanager
def no_waiting() -> Iterator[None]:
    """Ends what would wait for ever."""

    def end(*_: object) -> None:
        raise AssertionError("still waiting")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(30)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("name", OPENERS)
@pytest.mark.parametrize("what", ["pipe", "link to a device", "folder", "name too long"])
def test_every_reader_refuses_what_is_no_file(name: str, what: str, tmp_path: Path) -> None:
    suffix, read = OPENERS[name]
    path = tmp_path / f"it{suffix}"
    if what == "pipe":
        os.mkfifo(path)
    elif what == "link to a device":
        path.symlink_to("/dev/zero")
    elif what == "folder":
        path.mkdir()
    else:
        path = path.with_name("n" * 300 + suffix)
    with no_waiting(), pytest.raises(Depth3DError) as caught:
        read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="only Linux has /proc")
def test_a_file_whose_first_byte_cannot_be_read() -> None:
    with pytest.raises(PhotoError, match=r"^/proc/self/mem: cannot be read: Input/output error$"):
        check_regular_file(Path("/proc/self/mem"), PhotoError)


def test_what_the_system_refuses_in_the_middle_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    stale = OSError(errno.ESTALE, "Stale file handle")
    with (
        pytest.raises(PhotoError, match="cannot be read: Stale file handle$"),
        open_regular_file(tmp_path / "a", PhotoError),
    ):
        raise stale


@pytest.mark.parametrize("name", ["a\0.jpg", "\ud800.jpg", "n" * 300])
def test_names_that_no_file_can_have(name: str, tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="cannot be read: "), open_regular_file(tmp_path / name, PhotoError):
        pass


def test_files_that_are_larger_than_such_files_are(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 1001)
    with pytest.raises(PhotoError, match=r"over 0\.001 MB, no shopping list$"):
        read_small_file(tmp_path / "a", PhotoError, most_bytes=1000, what="shopping list")
    assert read_small_file(tmp_path / "a", PhotoError, most_bytes=1001, what="shopping list") == b"x" * 1001


@pytest.mark.parametrize("named", ["pipe.mtl", "device.mtl"])
def test_what_a_mesh_names_is_refused_alike(named: str, tmp_path: Path) -> None:
    """An OBJ whose material is a pipe is shown without it, at once."""
    os.mkfifo(tmp_path / "pipe.mtl")
    (tmp_path / "device.mtl").symlink_to("/dev/zero")
    obj = tmp_path / "a.obj"
    obj.write_text(f"mtllib {named}\nusemtl a\nv 0 0 1\nv 1 0 1\nv 0 1 1\nf 1 2 3\n")
    with no_waiting():
        assert len(load_geometry(obj)) == 1


def test_a_mesh_still_finds_its_picture(tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    from depth3d.geometry.mesh import Mesh

    Image.fromarray(np.full((4, 4, 3), 200, np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "a.mtl").write_text("newmtl a\nmap_Kd a.png\n")
    corners = "v 0 0 1\nv 1 0 1\nv 0 1 1\nvt 0 0\nvt 1 0\nvt 0 1\n"
    (tmp_path / "a.obj").write_text(f"mtllib a.mtl\n{corners}usemtl a\nf 1/1 2/2 3/3\n")
    (mesh,) = load_geometry(tmp_path / "a.obj")
    assert isinstance(mesh, Mesh)
    assert mesh.texture is not None


FRAME = {"name": "a", "color": "a.jpg", "depth": "a.png", "units_per_metre": 1000}


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "[1]",
        "{}",
        '"abc"',
        json.dumps([FRAME | {"color": None}]),
        json.dumps([FRAME | {"color": "a.jpg", "units_per_metre": 10**400}]),
        json.dumps([FRAME]).replace("1000", "1" + "0" * 5000),
        "\xff",
    ],
)
def test_lists_of_frames_that_are_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "frames.json").write_text(text, encoding="latin-1")
    with pytest.raises(DepthMapError, match="list of frames|names no frame") as caught:
        read_frames(tmp_path / "frames.json")
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("name", ["a\0.png", "\ud800.png"])
def test_frames_whose_files_have_impossible_names(name: str, tmp_path: Path) -> None:
    (tmp_path / "frames.json").write_text(json.dumps([FRAME | {"depth": name, "name": "\ud800"}]))
    (frame,) = read_frames(tmp_path / "frames.json")
    assert frame.name.encode()  # it can be printed
    with pytest.raises(DepthMapError, match="cannot be read"):
        read_truth(frame)


def test_a_depth_picture_that_announces_gigapixels(tmp_path: Path) -> None:
    side = (60_000).to_bytes(4, "little")
    one = b"\1\0\0\0"
    entries = [(256, side), (257, side), (258, b"\x10\0\0\0"), (259, one), (262, one), (273, b"\x08\0\0\0")]
    tags = b"".join(tag.to_bytes(2, "little") + b"\4\0" + b"\1\0\0\0" + value for tag, value in entries)
    content = b"II*\0\x08\0\0\0" + len(entries).to_bytes(2, "little") + tags + bytes(64)
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(DepthMapError, match="more than 200 megapixels"):
        read_truth(Frame("a", tmp_path / "a.tif", tmp_path / "a.tif", 1000))


def test_a_mesh_reaches_nothing_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "private.mtl").write_text("newmtl a\nKd 1 0 0\n")
    (tmp_path / "in").mkdir()
    obj = tmp_path / "in" / "a.obj"
    obj.write_text("mtllib ../private.mtl\nusemtl a\nv 0 0 1\nv 1 0 1\nv 0 1 1\nf 1 2 3\n")
    gltf = {"asset": {"version": "2.0"}, "buffers": [{"uri": "../private.mtl", "byteLength": 4}]}
    (tmp_path / "in" / "a.gltf").write_text(json.dumps(gltf))
    assert len(load_geometry(obj)) == 1
    with pytest.raises(Depth3DError, match="outside its folder"):
        load_geometry(tmp_path / "in" / "a.gltf")
