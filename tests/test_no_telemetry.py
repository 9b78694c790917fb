"""No command connects to anything but this machine, or leaves anything in the home folder, as the kernel sees it."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from conftest import TESTS, absent
from every_command import COMMANDS, MORE
from graphs import lookup_graph
from PIL import Image
from posed_room import posed_room
from seeded_weights import fill_seeded
from test_audio import write_clip_with_tone
from tiny_models import save_tiny

from depth3d.cli import cli
from depth3d.core.telemetry import ENVIRONMENT

_NETWORK_CALLS = "connect,sendto,sendmsg,sendmmsg"
_FILE_CALLS = "open,openat,creat,mkdir,mkdirat"
_MADE = re.compile(
    r'(?:(open|openat|creat)\((?:AT_FDCWD, )?"([^"]+)", (.*)|mkdir(?:at)?\((?:AT_FDCWD, )?"([^"]+)".*)\) = \d'
)
_NO_FILES = ("/dev/", "/proc/")
_CACHES = "/.cache/mesa_shader_cache"  # the graphics driver's own, which looks for the home folder in /etc/passwd
_ADDRESS = re.compile(r'sin6?_port=htons\((\d+)\).*?(?:inet_addr\("|inet_pton\(AF_INET6, ")([^"]+)')
_NAME_SERVER_PORT = 53


def foreign_calls(trace: str) -> list[str]:
    """Lines of strace that address another machine, or a name server wherever it is."""
    found = []
    for line in trace.splitlines():
        for port, address in _ADDRESS.findall(line):
            here = address.removeprefix("::ffff:").startswith("127.") or address in ("::1", "0.0.0.0", "::")
            if not here or int(port) == _NAME_SERVER_PORT:
                found.append(line)
    return found


def made_elsewhere(trace: str, allowed: Path) -> list[str]:
    """Absolute paths of files and folders that were opened to write, or made, outside one folder."""
    found = []
    for call, file, flags, folder in _MADE.findall(trace):
        path = file or folder
        writes = bool(folder) or call == "creat" or re.search("O_CREAT|O_WRONLY|O_RDWR", flags)
        if writes and path.startswith("/") and not path.startswith((str(allowed), *_NO_FILES)) and _CACHES not in path:
            found.append(path)
    return found


def _work_folder(folder: Path) -> Path:
    from depth3d.predictors.checkpoint import network_bytes
    from depth3d.predictors.midas import build_network
    from depth3d.predictors.spec import NetworkSpec

    network = build_network(
        NetworkSpec(name="tiny", encoder="mobilenetv3_small_050", width=4, expand=True, net_size=64, output="any")
    )
    fill_seeded(network)
    (folder / "tiny.safetensors").write_bytes(network_bytes(network))
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    Image.fromarray(noise).save(folder / "photo.png")
    Image.fromarray(noise).resize((256, 128)).save(folder / "panorama.jpg")
    plane = np.tile(np.linspace(1, 3, 64, dtype=np.float32), (48, 1))
    np.save(folder / "photo.npy", plane)
    Image.fromarray(np.uint16(plane * 1000)).save(folder / "depth_mm.png")
    Image.fromarray(noise).resize((320, 240)).save(folder / "large.png")
    slope = np.tile(np.linspace(1000, 3000, 320), (240, 1)).astype(np.uint16)
    slope[60:180, 100:200] = 800
    Image.fromarray(slope).save(folder / "large_mm.png")
    frame = {"name": "one", "color": "large.png", "depth": "large_mm.png", "units_per_metre": 1000}
    (folder / "frames.json").write_text(json.dumps([frame]))
    for name, picture in (("rgb", "photo.png"), ("depth", "depth_mm.png")):
        (folder / "capture" / name).mkdir(parents=True)
        shutil.copy(folder / picture, folder / "capture" / name / "1.0.png")
    write_clip_with_tone(folder / "clip.mp4")
    lookup_graph(folder / "known.onnx", lambda z, _: 1 / z)
    save_tiny("depth_anything", folder / "model")
    (folder / "room").mkdir()
    room = posed_room(3)
    room.write_photos(folder / "room" / "images")
    room.write_inverse_depths(folder / "room" / "depths")
    room.write_colmap(folder / "room" / "sparse" / "0")
    return folder


def _watched(words: list[str], place: Path, **variables: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """A program of the tests under strace, with an empty home folder and `CI` unset, and what the kernel saw of it."""
    strace = shutil.which("strace")
    if strace is None:
        absent("strace is not installed (Debian: apt install strace)")
    home, cache = place / "home", place / "cache"
    for folder in (home, cache):
        folder.mkdir()
    unwanted = {"CI", "TF_BUILD", "JENKINS_URL", "DEPTH3D_RUNTIME", "DEPTH3D_WEIGHTS", "XDG_CACHE_HOME", *ENVIRONMENT}
    environment = {key: value for key, value in os.environ.items() if key not in unwanted}
    environment |= {"HOME": str(home), "DEPTH3D_CACHE": str(cache), "DEPTH3D_OFFLINE": "1", "TMPDIR": str(place)}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", **variables}
    trace = place / "trace"
    watch = [strace, "-f", "-qq", "--seccomp-bpf", "-e", f"trace={_NETWORK_CALLS},{_FILE_CALLS}", "-o", str(trace)]
    run = [sys.executable, *words]
    done = subprocess.run([*watch, *run], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(path.relative_to(home).as_posix() for path in home.rglob("*")) == []
    return done, trace.read_text(errors="replace")


def test_no_command_reports_anything(tmp_path: Path) -> None:
    """Takes as long as all commands together, since a package may report whenever it is first used."""
    assert set(COMMANDS) == set(cli.list_commands(None)), "every command is run"  # type: ignore[arg-type]
    work = tmp_path / "work"
    work.mkdir()
    before = {path.name for path in _work_folder(work).iterdir()}
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    done, calls = _watched([str(TESTS / "every_command.py"), str(work), str(port)], tmp_path)
    codes = json.loads(done.stdout.splitlines()[-1])
    assert codes == dict.fromkeys(COMMANDS | MORE, 0) | {"serve": 130, "bare photos": 1}, done.stderr
    assert foreign_calls(calls) == []
    assert made_elsewhere(calls, tmp_path) == []
    assert {_stem(path.name) for path in work.iterdir() if path.name not in before} == _named_outputs()
    ours = {tmp_path / name for name in ("home", "cache", "work", "trace")}
    others = [path for path in tmp_path.rglob("*") if path.is_file() and not ours & {path, *path.parents}]
    assert others == [], "files are left in the temporary folder"


def _stem(name: str) -> str:
    return name.partition(".")[0]


def _named_outputs() -> set[str]:
    """What the commands were told to write."""
    words = [word for line in (COMMANDS | MORE).values() for word in line.split()]
    named = {after for word, after in pairwise(words) if word in ("-o", "--screenshot", "--cache", "--out")}
    return {_stem(name) for name in named | {"demo"}}


@pytest.mark.ray
def test_a_cluster_of_this_machine_speaks_with_this_machine_only(tmp_path: Path) -> None:
    """Ray asks for its own address at 8.8.8.8, for its cloud at 169.254.169.254, and keeps a token at home, if let."""
    work = tmp_path / "work"
    work.mkdir()
    Image.new("RGB", (24, 16)).save(work / "photo.png")
    np.save(work / "photo.npy", np.ones((16, 24), np.float32))
    with tempfile.TemporaryDirectory() as short:  # paths of sockets may have 107 characters
        done, calls = _watched([str(TESTS / "one_ray_batch.py"), str(work)], tmp_path, RAY_TMPDIR=short, RAY_ADDRESS="")
        assert done.stdout.splitlines()[-1] == "0", done.stderr
        assert "127.0.0.1" in calls, "the watch sees the cluster"
        assert foreign_calls(calls) == []
        assert [path for path in made_elsewhere(calls, tmp_path) if not path.startswith(short)] == []
    (row,) = (work / "ray" / "manifest.jsonl").read_text().splitlines()
    assert json.loads(row)["error"] is None


def test_the_watch_sees_calls_by_python_and_by_the_system_library(tmp_path: Path) -> None:
    lines = [
        '7 connect(7, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("127.0.0.53")}, 16) = 0',
        '7 connect(7, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("192.0.2.1")}, 16) = 0',
        "7 connect(7, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), "
        'inet_pton(AF_INET6, "2001:db8::1", &sin6_addr), sin6_scope_id=0}, 28) = 0',
    ]
    assert foreign_calls("\n".join(lines)) == lines
    here = '7 connect(7, {sa_family=AF_INET, sin_port=htons(7860), sin_addr=inet_addr("127.0.0.1")}, 16) = 0'
    assert foreign_calls(here) == []


def test_the_watch_sees_files_outside(tmp_path: Path) -> None:
    lines = [
        '7 openat(AT_FDCWD, "/home/somebody/id", O_WRONLY|O_CREAT|O_CLOEXEC, 0666) = 3',
        '7 mkdir("/home/somebody/intel", 0777) = 0',
        '7 openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3',
        '7 openat(AT_FDCWD, "/home/somebody/else", O_WRONLY|O_CREAT, 0666) = -1 EACCES (Permission denied)',
        f'7 openat(AT_FDCWD, "{tmp_path}/cloud.ply", O_RDWR|O_CREAT|O_EXCL, 0600) = 4',
        '7 openat(AT_FDCWD, "beside.ply", O_RDWR|O_CREAT, 0600) = 4',
    ]
    assert made_elsewhere("\n".join(lines), tmp_path) == ["/home/somebody/id", "/home/somebody/intel"]


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_what_the_user_has_set_is_overruled(name: str) -> None:
    environment = {**os.environ, name: "something else"}
    code = f"import depth3d, os; print(os.environ[{name!r}])"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ENVIRONMENT[name]
