"""The server for assistants, asked by the protocol's own client."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from PIL import Image

import depth3d as d3
from depth3d.mcp import build_server
from depth3d.mcp.allowed_paths import Folders

mcp = pytest.importorskip("mcp")

AT = {"kind": "at", "u": 48, "v": 60, "metres": 2.0}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a photo, beside one that is nobody's business."""
    inside, outside = tmp_path / "photos", tmp_path / "private"
    for place in (inside, outside):
        place.mkdir()
        rows = np.linspace(0, 255, 72, dtype=np.uint8)[:, None, None]
        Image.fromarray(np.broadcast_to(rows, (72, 96, 3)).copy()).save(place / "photo.png")
    (inside / "link").symlink_to(outside)
    return inside


@pytest.fixture
def ask(folder: Path) -> Callable[..., Any]:
    """Call a tool through the client; the answer's structured content, or the words of its error."""

    server = build_server([folder], d3.Options.of(predictor="bundled"))

    def call(tool: str, **arguments: Any) -> Any:
        async def asked() -> Any:
            async with mcp.Client(server) as client:
                return await client.call_tool(tool, arguments)

        answer = run(asked)
        return answer.content[0].text if answer.is_error else answer.structured_content

    return call


def run(function: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return anyio.run(function)


def test_reconstruct_writes_files_in_metres(ask: Callable[..., Any], folder: Path) -> None:
    answer = ask("reconstruct", photo="photo.png", outputs=["a.ply", "b.glb"], hints=[AT], fov_x_deg=60)
    assert answer["unit"] == "m"
    assert [file["path"] for file in answer["files"]] == [str(folder / "a.ply"), str(folder / "b.glb")]
    assert d3.read_geometry(folder / "a.ply").unit == "m"
    assert "60 degrees" in answer["notes"][0]
    assert "exists already" in ask("reconstruct", photo="photo.png", outputs=["a.ply"])
    assert ask("reconstruct", photo="photo.png", outputs=["a.ply"], overwrite=True)["unit"] == "arbitrary"


def test_measure_gives_the_hint_back_with_its_error(ask: Callable[..., Any]) -> None:
    answer = ask("measure", photo="photo.png", start=[48, 60], hints=[AT])
    assert answer["length"] == pytest.approx(2.0, rel=0.01)
    assert answer["range_95"][0] < 2 < answer["range_95"][1]
    assert answer["unit"] == "m"
    longer = ask("measure", photo="photo.png", start=[20, 60], end=[80, 60], hints=[AT])
    assert longer["length"] > 0.1


def test_depth_at_pixels_and_as_a_file(ask: Callable[..., Any], folder: Path) -> None:
    answer = ask("depth", photo="photo.png", pixels=[[48, 60], [48, 10]], output="depth.npy", hints=[AT])
    near, other = answer["points"]
    assert near["distance"] == pytest.approx(2.0, rel=0.01)
    assert other["distance"] > 0
    assert near["xyz"][2] == pytest.approx(float(np.load(folder / "depth.npy")[60, 48]), rel=0.02)
    assert "neither" in ask("depth", photo="photo.png")


@pytest.mark.parametrize(
    "name", ["../private/photo.png", "link/photo.png", "/etc/hostname", "a/../../private/photo.png"]
)
def test_nothing_outside_the_folders_is_read(ask: Callable[..., Any], name: str) -> None:
    assert "outside the folders" in ask("measure", photo=name, start=[1, 1])


@pytest.mark.parametrize("name", ["../out.ply", "link/out.ply", "/tmp/depth3d_outside.ply"])
def test_nothing_outside_the_folders_is_written(ask: Callable[..., Any], folder: Path, name: str) -> None:
    assert "outside the folders" in ask("reconstruct", photo="photo.png", outputs=["in.ply", name])
    assert sorted(path.name for path in folder.parent.rglob("*.ply")) == []
    assert "outside the folders" in ask("depth", photo="photo.png", output=name)


def test_a_link_at_the_output_leads_nowhere(ask: Callable[..., Any], folder: Path) -> None:
    (folder / "a.ply").symlink_to(folder.parent / "private" / "a.ply")
    assert "outside the folders" in ask("reconstruct", photo="photo.png", outputs=["a.ply"], overwrite=True)
    (folder / "b.ply.json").symlink_to(folder.parent / "private" / "photo.png")
    assert "outside the folders" in ask("reconstruct", photo="photo.png", outputs=["b.ply"], overwrite=True)


def test_hints_name_no_files_and_bad_ones_are_one_line(ask: Callable[..., Any]) -> None:
    points = {"kind": "points", "file": "/etc/hostname"}
    assert "names a file" in ask("measure", photo="photo.png", start=[1, 1], hints=[points])
    wrong = ask("measure", photo="photo.png", start=[1, 1], hints=[{"kind": "at", "u": 1, "v": 2}])
    assert "metres" in wrong
    assert "\n" not in wrong
    assert "no such file" in ask("measure", photo="none.png", start=[1, 1])
    assert "\n" not in ask("measure", photo="x" * 5000, start=[1, 1])


def test_names_that_are_no_paths(folder: Path) -> None:
    with pytest.raises(d3.UsageError, match="is not a path"):
        Folders([folder]).find("a\0b")
    with pytest.raises(d3.UsageError, match="no folder"):
        Folders([])


def test_the_command_speaks_the_protocol_and_nothing_else(folder: Path) -> None:
    code = f"from depth3d.cli import run; run(['mcp', '--folder', {str(folder)!r}, '--predictor', 'bundled'])"
    command = mcp.StdioServerParameters(
        command=sys.executable, args=["-c", code], env={**os.environ, "DEPTH3D_OFFLINE": "1"}
    )

    async def asked() -> tuple[list[str], Any]:
        async with mcp.Client(command) as client:
            tools = await client.list_tools()
            answer = await client.call_tool("measure", {"photo": "../private/photo.png", "start": [1, 1]})
            return [tool.name for tool in tools.tools], answer

    names, answer = run(asked)
    assert names == ["reconstruct", "measure", "depth"]
    assert answer.is_error
    assert "outside the folders" in answer.content[0].text
